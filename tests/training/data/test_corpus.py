"""The tables are read, nobody is in two splits, and words are found in their clips."""

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import pcm, word_samples
from signals import RATE_HZ

from engine.errors import SourceError
from training.data.clips import speech_extent
from training.data.corpus import corpus_rows, corpus_sources, read_corpus

SPEECH_COMMANDS = ["path", "word", "speaker", "split", "official_split", "seconds", "suspect"]
OTHER_AUDIO = ["path", "kind", "source", "licence", "speaker", "note", "seconds"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    words = [
        ("yes/a_0.wav", "yes", "a", "train", "", "1", "0"),
        ("yes/b_0.wav", "yes", "b", "validation", "", "1", "0"),
        ("yes/a_1.wav", "yes", "a", "train", "", "1", "1"),
    ]
    others = [
        (f"speech/{name}.wav", "speech", "books", "MIT", name, "", "1") for name in "abcdefghij"
    ]
    others += [
        ("speech/nobody.wav", "speech", "orders", "MIT", "", "", "1"),
        ("noise/rain.wav", "noise", "x", "MIT", "", "", "1"),
        ("noise/tap.wav", "noise", "x", "MIT", "", "", "1"),
        ("other_words/jarvis/1.wav", "other_word", "x", "MIT", "", "", "1"),
        ("other_words/alexa/1.wav", "other_word", "x", "MIT", "", "", "1"),
        ("digits/four.wav", "digit", "x", "MIT", "george", "four", "1"),
    ]
    for name, header, rows in (
        ("speech_commands.csv", SPEECH_COMMANDS, words),
        ("other_audio.csv", OTHER_AUDIO, others),
    ):
        with (tmp_path / name).open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(rows)
        for row in rows:
            path = tmp_path / row[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, pcm(word_samples(500)), RATE_HZ)
    return tmp_path


def test_splits_and_kinds(folder: Path) -> None:
    train, validation = read_corpus(folder, "train"), read_corpus(folder, "validation")
    in_train, in_validation = ({clip.path for clip in part} for part in (train, validation))
    assert not in_train & in_validation
    assert {"yes/a_0.wav", "noise/tap.wav", "other_words/alexa/1.wav", "digits/four.wav"} < in_train
    assert {"yes/b_0.wav", "noise/rain.wav", "other_words/jarvis/1.wav"} < in_validation
    assert "speech/nobody.wav" in in_train  # an unknown speaker can stand on one side only
    assert "yes/a_1.wav" not in in_train | in_validation  # a suspect label
    speakers = [
        {c.speaker for c in part if c.kind == "speech"} - {""} for part in (train, validation)
    ]
    assert all(speakers)
    assert not speakers[0] & speakers[1]
    assert next(c.word for c in train if c.kind == "digit") == "four"


def test_nobody_stands_in_two_splits_of_the_real_folder(shared_data: Path) -> None:
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in corpus_rows(shared_data):
        if row["speaker"]:
            splits[row["kind"], row["speaker"]].add(row["split"])
    assert len(splits) > 500
    assert [who for who, where in splits.items() if len(where) > 1] == []


def test_the_word_is_found_in_its_clip() -> None:
    start, stop = speech_extent(pcm(word_samples(500, before_s=0.3, length_s=0.4)))
    # 20 ms frames, padded by 40 ms.
    assert 0.24 <= start / RATE_HZ <= 0.30
    assert 0.70 <= stop / RATE_HZ <= 0.76


@pytest.mark.parametrize("n", [0, 500, 16_000])
def test_a_clip_without_a_loud_part_counts_whole(n: int) -> None:
    assert speech_extent(np.zeros(n, np.int16)) == (0, n)


def test_what_is_missing_is_named(folder: Path) -> None:
    (folder / "noise" / "tap.wav").unlink()
    with pytest.raises(SourceError, match=r"cannot read .*tap.wav"):
        read_corpus(folder, "train")
    (folder / "other_audio.csv").unlink()
    with pytest.raises(SourceError, match=r"cannot read .*other_audio.csv: No such file"):
        read_corpus(folder, "train")


def test_tables_of_something_else(folder: Path) -> None:
    table = folder / "speech_commands.csv"
    text = table.read_text()
    table.write_text(text.replace("suspect", "doubt"))
    with pytest.raises(SourceError, match=r"has no column 'suspect'; docs/training.md has them"):
        read_corpus(folder, "train")
    table.write_text(f"{text}\na.wav,yes\n")
    with pytest.raises(SourceError, match=r"has a row that is too short; mend 'a.wav'"):
        read_corpus(folder, "train")
    table.write_bytes(b"\xff\xfe\0")
    with pytest.raises(SourceError, match=r"is no table: .*; it must list the clips"):
        read_corpus(folder, "train")
    for name in ("speech_commands.csv", "other_audio.csv"):
        path = folder / name
        path.write_text((text if "speech" in name else path.read_text()).splitlines()[0])
    with pytest.raises(SourceError, match="name no clip of the train split"):
        read_corpus(folder, "train")


def test_another_rate_is_resampled(folder: Path) -> None:
    soundfile.write(folder / "noise" / "tap.wav", pcm(word_samples(500)), 8_000)
    clip = next(c for c in read_corpus(folder, "train") if c.path == "noise/tap.wav")
    assert len(clip.samples) == 32_000


def test_sources_are_listed_with_their_licences(folder: Path) -> None:
    assert corpus_sources(folder) == [
        {"source": "Speech Commands", "licence": "CC BY 4.0"},
        {"source": "books", "licence": "MIT"},
        {"source": "orders", "licence": "MIT"},
        {"source": "x", "licence": "MIT"},
    ]
