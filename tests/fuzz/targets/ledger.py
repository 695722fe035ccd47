"""The lines of a ledger, and about.json after a line that says so."""

import contextlib
import io
import shutil

from targets.common import folder

from engine.errors import KwsError
from kws_app.ledger.commands import run as run_command

IS_TEXT = True
_BREAK = b"\n---\n"


def run(data: bytes) -> None:
    ledger, out = folder() / "ledger", folder() / "out"
    for path in (ledger, out):
        shutil.rmtree(path, ignore_errors=True)
    ledger.mkdir()
    lines, _, about = data.partition(_BREAK)
    (ledger / "ledger.jsonl").write_bytes(lines)
    if about:
        (ledger / "about.json").write_bytes(about)
    (ledger / "00000.flac").write_bytes(b"clip")
    for command in (
        ["list", str(ledger)],
        ["list", "--json", str(ledger)],
        ["label", str(ledger), "00000", "right"],
        ["export", str(ledger), str(out)],
        ["purge", "--older-than", "30", str(ledger)],
        ["purge", str(ledger)],
        ["list", str(ledger)],
    ):
        _run(command)


def _run(command: list[str]) -> None:
    # Strict, as standard output is where the locale is UTF-8.
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict", write_through=True)
    error = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            run_command(command)
        except KwsError as err:
            str(err)
