"""Writes labelled clips as a plain folder of words to train on."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ConfigError, KwsError
from engine.files import read_plain_file
from kws_app.ledger.entries import UNKNOWN_FOLDER, Entry, id_number, is_folder_name
from kws_app.ledger.store import Ledger

_MAX_CLIP_BYTES = 1 << 28  # as a clip of hours would have


@dataclass(kw_only=True)
class Exported:
    """What an export did.

    Attributes:
        new: Clips written.
        moved: Clips of an earlier export whose label has changed since.
        same: Clips of an earlier export that are right as they are.
        unlabelled: Entries that were left out.
        problems: A line for each clip that could not be exported.
    """

    new: int = 0
    moved: int = 0
    same: int = 0
    unlabelled: int = 0
    problems: list[str] = field(default_factory=list)


def export(ledger: Ledger, out: Path) -> Exported:
    """Write `OUT/<word>/<speaker>_nohash_<n>.flac` for every labelled entry.

    Entries labelled wrong go to `_unknown_`: what must not fire. All clips of a ledger have one
    speaker, so that nobody is trained on and validated with; n comes from the id, so that the same
    entry always has the same name.

    Args:
        ledger: The ledger.
        out: The folder; what an earlier export left there stays.

    Raises:
        ConfigError: The folder is, or is in, the ledger, or is a file.
        KwsError: It cannot be written.
    """
    if out.resolve().is_relative_to(ledger.folder.resolve()):
        raise ConfigError(f"{out} is in the ledger; name another folder")
    if out.is_file():
        raise ConfigError(f"{out} is a file; name a folder")
    done = Exported()
    entries, speaker = ledger.entries(), ledger.speaker()
    try:
        out.mkdir(exist_ok=True)
        before = {path.name: path for path in out.glob(f"*/{speaker}_nohash_*.flac")}
        for entry in entries:
            name = f"{speaker}_nohash_{id_number(entry.id)}.flac"
            _export_entry(ledger, entry, out, before.get(name), name, done)
    except OSError as err:
        raise KwsError(f"cannot write {out}: {err.strerror}") from err
    return done


def _export_entry(
    ledger: Ledger, entry: Entry, out: Path, before: Path | None, name: str, done: Exported
) -> None:
    word = entry.spoken
    if word is None:
        done.unlabelled += 1
        return
    if word != UNKNOWN_FOLDER and not is_folder_name(word):
        done.problems.append(f"{entry.id} is left out: {word!r} cannot be the name of a folder")
        return
    target = out / word / name
    if before == target:
        done.same += 1
        return
    target.parent.mkdir(exist_ok=True)
    if before is not None:
        before.replace(target)
        with contextlib.suppress(OSError):  # it holds other clips
            before.parent.rmdir()
        done.moved += 1
        return
    try:
        # A link in a ledger that somebody handed on would carry any file out of this machine.
        clip = read_plain_file(ledger.clip_path(entry), _MAX_CLIP_BYTES)
    except FileNotFoundError:
        done.problems.append(f"{entry.id} is left out: {ledger.clip_path(entry)} is gone")
        return
    except OSError as err:
        done.problems.append(f"{entry.id} is left out: {ledger.clip_path(entry)}: {err.strerror}")
        return
    aside = target.with_name(f".{name}.partial")
    aside.write_bytes(clip)
    aside.replace(target)
    done.new += 1
