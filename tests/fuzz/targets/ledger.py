"""The lines of a ledger, and about.json after a line that says so."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

from targets.common import folder

from engine.errors import KwsError
from kws_app.ledger.commands import describe
from kws_app.ledger.entries import to_record
from kws_app.ledger.export import export
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger
from kws_app.streams import emit

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
    _run(_list, ledger)
    _run(lambda: Ledger(ledger).label(["00000"], "right"))
    _run(lambda: export(Ledger(ledger), out))
    for limits in (Limits(days=30, megabytes=1), Limits(days=36_500, megabytes=1e-4)):
        _run(lambda limits=limits: Ledger(ledger).purge(limits))
    _run(_list, ledger)


def _list(folder: Path) -> None:
    ledger = Ledger(folder)
    for entry in ledger.entries():
        emit(describe(entry))
        json.dumps(to_record(entry))
    str(ledger.damage)


def _run(command: Callable[..., object], *arguments: Path) -> None:
    # Strict, as standard output is where the locale is UTF-8.
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with contextlib.redirect_stdout(out):
        try:
            command(*arguments)
        except KwsError as err:
            str(err)
