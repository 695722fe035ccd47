"""Opens the data of a recipe: labels, training windows, validation windows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.data.batches import WindowSource
from training.data.clip_source import (
    ClipItem,
    ClipSource,
    file_item,
    leave_out_unreadable,
    memory_item,
)
from training.data.clips import Clip
from training.data.corpus import corpus_sources, is_corpus, read_corpus
from training.data.counts import count_clips, count_items
from training.data.folder import (
    SPLITS,
    FolderEntry,
    folder_labels,
    list_folder,
    read_folder,
    spoken_by_programs,
)
from training.data.json_list import read_json_list
from training.data.label_csv import SPEECH_COMMANDS_CSV, LabelTable, read_label_csv
from training.data.scene_config import SceneConfig
from training.data.scenes import SILENCE, UNKNOWN, SceneMaker
from training.settings import DataConfig


@dataclass(frozen=True, kw_only=True)
class OpenedData:
    """What a run trains on.

    Attributes:
        labels: In the order of the logits.
        train: Training windows.
        validation: Windows to select and measure by; never those that a figure is published for.
        notes: What people should know: clips that were left out, words without validation.
        origin: For a model's provenance.
        counts: Split to how many clips of what (`training.data.counts`), for the same.
    """

    labels: tuple[str, ...]
    train: WindowSource
    validation: WindowSource
    notes: list[str] = field(default_factory=list)
    origin: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)


def open_data(
    config: DataConfig, fbank: FbankConfig, scene: SceneConfig, *, seed: int
) -> OpenedData:
    """Open a recipe's data.

    Args:
        config: Where it is.
        fbank: Tells how long a clip may be.
        scene: What composed windows are made of.
        seed: Of orders.

    Raises:
        ConfigError: The data is missing, malformed, or has nothing to learn.
        SourceError: A recording of the tables cannot be read.
    """
    if not config.folder and not config.train_list:
        raise ConfigError("no data is named; give --data FOLDER, or data.train_list")
    if config.windows == "scenes":
        return _open_scenes(config, scene, seed)
    if config.train_list:
        return _open_lists(config, fbank, seed)
    return _open_folder_clips(config, fbank, seed)


def _open_scenes(config: DataConfig, scene: SceneConfig, seed: int) -> OpenedData:
    if config.train_list:
        raise ConfigError("data.train_list needs windows = 'clips'; scenes take a folder")
    folder = Path(config.folder)
    if is_corpus(folder):
        train = read_corpus(folder, "train")
        notes: list[str] = []
        validation = read_corpus(folder, "validation")
        origin: dict[str, Any] = {"sources": corpus_sources(folder)}
        words = sorted({clip.word for clip in train if clip.kind == "word"})
    else:
        entries = list_folder(folder)
        # With synthetic words there may be others to tell a single one from.
        words = (
            sorted({entry.label for entry in entries if entry.kind == "word"})
            if config.synthetic
            else folder_labels(entries)
        )
        train, notes = read_folder(folder, "train")
        validation, more = read_folder(folder, "validation")
        notes += more
        origin = {"folder": folder.name, "clips": _count(entries)}
    if config.synthetic:
        voices, more = read_folder(Path(config.synthetic), "train", synthetic=True)
        train += voices
        notes += more
        origin["synthetic"] = {"folder": Path(config.synthetic).name, "clips": len(voices)}
        words = sorted({*words, *(clip.word for clip in voices if clip.word)})
    if config.corrections:
        corrected, more = _read_corrections(Path(config.corrections))
        train += corrected
        notes += more
        origin["corrections"] = {"folder": Path(config.corrections).name, "clips": len(corrected)}
        words = sorted({*words, *(clip.word for clip in corrected if clip.word)})
    if config.labels:
        words = sorted(_label_table(config).names)
        unused = sorted({clip.word for clip in train if clip.word} - set(words))
        notes += [f"not in the label table, so left out: {', '.join(unused)}"] if unused else []
    _require_clips(words, train)
    labels = (SILENCE, UNKNOWN, *words)
    measured_words = {clip.word for clip in validation}
    notes += _without_validation([word for word in words if word not in measured_words])
    spoken = [clip for clip in validation if clip.kind == "word" and clip.word in words]
    items = [memory_item(clip, (labels.index(clip.word),)) for clip in spoken]
    if not items:
        raise ConfigError(
            f"{folder} has no validation clip of any word; record more people, or list some files "
            "in validation_list.txt"
        )
    n = scene.window_samples
    measured = ClipSource(
        items, len(labels), max_samples=n, window_samples=n, seed=seed, shuffle=False
    )
    used = [clip for clip in train if not clip.word or clip.word in words]
    return OpenedData(
        labels=labels,
        train=SceneMaker(train, labels, scene),
        validation=measured,
        notes=notes,
        origin=origin,
        counts={
            "train": count_clips(used),
            "validation": count_clips(spoken),
        },
    )


def _read_corrections(folder: Path) -> tuple[list[Clip], list[str]]:
    """All of a folder of corrections: none of it may be held out, it is what went wrong."""
    clips: list[Clip] = []
    notes: list[str] = []
    for split in SPLITS:
        some, problems = read_folder(folder, split)
        clips += [replace(clip, split="train") for clip in some]
        notes += problems
    mistaken = {"other_word": "mistake"}
    return [replace(clip, kind=mistaken.get(clip.kind, clip.kind)) for clip in clips], notes


def _open_folder_clips(config: DataConfig, fbank: FbankConfig, seed: int) -> OpenedData:
    folder = Path(config.folder)
    entries = [entry for entry in list_folder(folder) if entry.kind == "word"]
    words = sorted({entry.label for entry in entries})
    if len(words) < 2:
        raise ConfigError(
            f"{folder} has {len(words)} word(s); windows = 'clips' needs two to tell apart, "
            "windows = 'scenes' tells one from everything else"
        )
    names = _label_table(config).names if config.labels else tuple(words)
    unknown = sorted(set(words) - set(names))
    if unknown:
        raise ConfigError(
            f"{folder} has the word {unknown[0]!r}, which the label table does not have; "
            "remove its folder or take another table"
        )
    notes: list[str] = []
    split = {}
    for name in ("train", "validation"):
        pairs = [
            (folder / entry.path, file_item(folder / entry.path, (names.index(entry.label),)))
            for entry in entries
            if entry.split == name
        ]
        split[name], problems = leave_out_unreadable(pairs)
        notes += problems
        if not split[name]:
            raise ConfigError(
                f"{folder} has no {name} clip that can be read; record more people, or list files "
                "in validation_list.txt"
            )
    origin = {"folder": folder.name, "clips": _count(entries)}
    items = (split["train"], split["validation"])
    measured = {names[item.labels[0]] for item in items[1]}
    notes += _without_validation([word for word in words if word not in measured])
    counts = {
        name: count_items(split[name], names, by_programs=spoken_by_programs(folder))
        for name in ("train", "validation")
    }
    make = _sources(config, fbank, seed)
    return _clips_opened(names, items, notes, make, origin=origin, counts=counts)


def _open_lists(config: DataConfig, fbank: FbankConfig, seed: int) -> OpenedData:
    if not config.labels:
        raise ConfigError(
            "data.labels is missing: lists need a label table, a CSV of index,mid,display_name"
        )
    table = _label_table(config)
    train, notes = read_json_list(Path(config.train_list), table)
    if config.validation_list:
        validation, more = read_json_list(Path(config.validation_list), table)
        notes += more
    else:
        # Selection never sees the list that a figure is published for: part of the training list
        # is held out by a hash of the name.
        limit = round(config.held_out * 1000)
        validation = [item for item in train if _bucket(item.name) < limit]
        train = [item for item in train if _bucket(item.name) >= limit]
        notes.append(f"{len(validation)} clips of the training list are held out for validation")
    if not train or not validation:
        raise ConfigError(
            f"{config.train_list} leaves {len(train)} clips to train on and {len(validation)} to "
            "validate; give data.validation_list or change data.held_out"
        )
    origin = {"list": Path(config.train_list).name, "clips": len(train)}
    items = (train, validation)
    counts = {
        "train": count_items(train, table.names),
        "validation": count_items(validation, table.names),
    }
    make = _sources(config, fbank, seed)
    return _clips_opened(table.names, items, notes, make, origin=origin, counts=counts)


def _sources(config: DataConfig, fbank: FbankConfig, seed: int) -> Callable[..., ClipSource]:
    """Makes sources of clips, cut at the model's input."""
    longest = fbank.frame_length_samples + (fbank.target_frames - 1) * fbank.frame_hop_samples

    def make(items: list[ClipItem], n_labels: int, *, train: bool) -> ClipSource:
        return ClipSource(
            items,
            n_labels,
            max_samples=longest,
            seed=seed,
            shuffle=train,
            balanced=train and config.balanced,
        )

    return make


def _clips_opened(
    labels: Sequence[str],
    items: tuple[list[ClipItem], list[ClipItem]],
    notes: list[str],
    make: Callable[..., ClipSource],
    **recorded: dict[str, Any],
) -> OpenedData:
    return OpenedData(
        labels=tuple(labels),
        train=make(items[0], len(labels), train=True),
        validation=make(items[1], len(labels), train=False),
        notes=notes,
        **recorded,
    )


def _label_table(config: DataConfig) -> LabelTable:
    path = SPEECH_COMMANDS_CSV if config.labels == "speech_commands" else Path(config.labels)
    return read_label_csv(path)


def _require_clips(words: Sequence[str], clips: Sequence[Clip]) -> None:
    have = {clip.word for clip in clips}
    missing = [word for word in words if word not in have]
    if missing:
        raise ConfigError(
            f"no training clip of {missing[0]!r} can be used ({len(missing)} words without); "
            "record some, remove the word, or add synthetic ones (data.synthetic)"
        )


def _without_validation(words: Sequence[str]) -> list[str]:
    if not words:
        return []
    return [f"no validation clip of {', '.join(words)}: trained on, but not measured"]


def _count(entries: Sequence[FolderEntry]) -> dict[str, int]:
    return dict(Counter(entry.label for entry in entries))


def _bucket(name: str) -> int:
    return int.from_bytes(hashlib.sha256(Path(name).name.encode()).digest()[:4]) % 1000
