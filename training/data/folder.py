"""Reads a plain folder of words: `<word>/*.wav`, one folder a label.

Folders that begin with an underscore are background: `_unknown_` (other words), `_speech_`
(running speech), `_noise_` and Speech Commands' `_background_noise_`.

A file `NAME_nohash_0.wav` belongs to speaker NAME, as in Speech Commands; any other file counts
as a speaker of its own. Where the folder holds `validation_list.txt` or `testing_list.txt`
(`<word>/<file>` a line), they split it; else a hash of the speaker's name does, so that nobody
stands in two splits and new recordings move nobody.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import ConfigError, SourceError
from training.data.clips import AUDIO_SUFFIXES, Clip, Int16, read_samples, require_text
from training.synthetic_folder import SETTINGS_FILE

BACKGROUND_KINDS = {
    "_unknown_": "other_word",
    "_speech_": "speech",
    "_noise_": "noise",
    "_background_noise_": "noise",
}
SPLITS = ("train", "validation", "test")
_LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
_VALIDATION_PERCENT = 15
_SILENT_PEAK = 32  # of 32767: below this a word cannot be heard


@dataclass(frozen=True, kw_only=True)
class FolderEntry:
    """One file of a plain folder, not read yet.

    Attributes:
        path: Relative to the folder.
        label: Name of its folder.
        speaker: Who speaks.
        split: "train", "validation" or "test".
    """

    path: str
    label: str
    speaker: str
    split: str

    @property
    def kind(self) -> str:
        """As in Clip."""
        return BACKGROUND_KINDS.get(self.label, "word")


def list_folder(folder: Path) -> list[FolderEntry]:
    """Every sound file of a plain folder with its split, in order of the names.

    Raises:
        ConfigError: There is no such folder, no sound file in it, an unknown background folder,
            or a list names files that are not there.
    """
    if not folder.is_dir():
        raise ConfigError(f"data folder {folder} does not exist; it must hold <word>/*.wav")
    listed = _read_lists(folder)
    entries = []
    for label_folder in sorted(path for path in folder.iterdir() if path.is_dir()):
        label = label_folder.name
        if label.startswith("."):
            continue
        for path in (label_folder, *label_folder.iterdir()):
            require_text(path)
        if label.startswith("_") and label not in BACKGROUND_KINDS:
            raise ConfigError(
                f"{label_folder}: background folders are {', '.join(BACKGROUND_KINDS)}; rename it"
            )
        entries += [
            _entry(f"{label}/{path.name}", label, listed)
            for path in sorted(label_folder.iterdir())
            if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()
        ]
    if not entries:
        raise ConfigError(f"{folder} holds no sound files; it must hold <word>/*.wav, .flac, ...")
    missing = set(listed or ()) - {entry.path for entry in entries}
    if missing:
        raise ConfigError(
            f"{folder}: {len(missing)} listed files are not there, {min(missing)} first; "
            "unpack the data again or mend the lists"
        )
    return entries


def folder_labels(entries: list[FolderEntry]) -> list[str]:
    """The words of a plain folder, sorted.

    Raises:
        ConfigError: There is nothing to tell apart.
    """
    words = sorted({entry.label for entry in entries if entry.kind == "word"})
    if not words:
        raise ConfigError("the data folder has no word; it must hold <word>/*.wav")
    if len(words) == 1 and not any(entry.kind in ("other_word", "speech") for entry in entries):
        raise ConfigError(
            f"the data folder has one class, {words[0]!r}, and nothing to tell it from; add a "
            "second word, or a folder _unknown_ (python -m training synthesize makes one)"
        )
    return words


def read_folder(
    folder: Path, split: str, *, synthetic: bool = False, workers: int = 2
) -> tuple[list[Clip], list[str]]:
    """Read every clip of one split.

    Args:
        folder: Plain folder of words.
        split: "train", "validation" or "test".
        synthetic: Whether programs spoke the clips; of a folder that `synthesize` filled they did.
        workers: Threads that decode.

    Returns:
        Clips in order of their names, and a line for each that was left out with the reason.

    Raises:
        ConfigError: As for `list_folder`; or every clip of the split has to be left out.
    """
    entries = [entry for entry in list_folder(folder) if entry.split == split]
    synthetic = synthetic or spoken_by_programs(folder)
    clips, problems = [], []

    def read(entry: FolderEntry) -> Int16 | str:
        try:
            samples = read_samples(folder / entry.path)
        except SourceError as err:
            return str(err)
        if entry.kind == "word" and np.abs(samples).max() < _SILENT_PEAK:
            return f"{folder / entry.path} is silent"
        return samples

    with ThreadPoolExecutor(workers) as pool:
        for entry, result in zip(entries, pool.map(read, entries), strict=True):
            if isinstance(result, str):
                problems.append(result)
                continue
            clips.append(
                Clip(
                    path=entry.path,
                    kind=entry.kind,
                    word=entry.label if entry.kind == "word" else "",
                    speaker=entry.speaker,
                    split=split,
                    samples=result,
                    synthetic=synthetic,
                )
            )
    if problems and not clips:
        raise ConfigError(f"no clip of {folder} can be used: {problems[0]}")
    return clips, problems


def spoken_by_programs(folder: Path) -> bool:
    """Whether `synthesize` filled a folder, so that programs speak in it whatever its role is."""
    return (folder / SETTINGS_FILE).is_file()


def speaker_of(name: str) -> str:
    """The speaker that a file's name tells."""
    stem = name.rpartition("/")[2].rpartition(".")[0]
    return stem.partition("_nohash_")[0]


def _entry(path: str, label: str, listed: dict[str, str] | None) -> FolderEntry:
    speaker = speaker_of(path)
    if listed is not None:
        split = listed.get(path, "train")
    else:
        bucket = int.from_bytes(hashlib.sha256(speaker.encode()).digest()[:4]) % 100
        split = "validation" if bucket < _VALIDATION_PERCENT else "train"
    return FolderEntry(path=path, label=label, speaker=speaker, split=split)


def _read_lists(folder: Path) -> dict[str, str] | None:
    """Path to split; None where the folder has no list, which is not the same as an empty one."""
    if not any((folder / name).exists() for name in _LISTS):
        return None
    listed: dict[str, str] = {}
    for name, split in _LISTS.items():
        path = folder / name
        if not path.exists():
            continue
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as err:
            raise ConfigError(f"cannot read {path}: {err}") from err
        for line in filter(None, map(str.strip, lines)):
            if listed.setdefault(line, split) != split:
                raise ConfigError(f"{path} lists {line}, which the other list has too; mend it")
    return listed
