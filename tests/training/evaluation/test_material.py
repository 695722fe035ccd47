"""What is measured: one split, words that the model knows, synthetic voices apart."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import word_samples
from small_run import word_folder

from engine.errors import ConfigError
from training.evaluation.material import (
    BACKGROUNDS,
    CONDITIONS,
    GAINS_DB,
    SNRS_DB,
    StreamSet,
    read_material,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = word_folder(tmp_path / "data")
    (data / "_noise_").mkdir()
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    soundfile.write(data / "_noise_" / "hum.wav", noise, 16_000)
    listed = (data / "validation_list.txt").read_text()
    (data / "validation_list.txt").write_text(f"{listed}\n_noise_/hum.wav\n")
    return data


def test_one_split_of_a_plain_folder(folder: Path) -> None:
    material = read_material(folder, "validation")
    assert material.origin["clips"] == {"word": 4, "noise": 1}
    assert {clip.speaker for clip in material.clips if clip.kind == "word"} == {"p4", "p5"}
    assert read_material(folder, "all").origin["clips"] == {"word": 12, "noise": 1}
    assert material.words(["_silence_", "high", "other"]) == ["high"]


def test_synthetic_voices_are_marked_and_are_words_alone(folder: Path, tmp_path: Path) -> None:
    voices = word_folder(tmp_path / "voices", {"low": 700})
    (voices / "_unknown_").mkdir()
    soundfile.write(voices / "_unknown_" / "bot_nohash_0.wav", word_samples(900), 16_000)
    with (voices / "validation_list.txt").open("a") as file:
        file.write("\n_unknown_/bot_nohash_0.wav\n")
    material = read_material(folder, "validation", voices)
    synthetic = [clip for clip in material.clips if clip.synthetic]
    assert [(clip.kind, clip.word) for clip in synthetic] == [("word", "low")] * 2
    assert material.origin["synthetic"] == "voices"


def test_how_many_streams_is_known_before_one_is_made(folder: Path) -> None:
    material = read_material(folder, "validation")
    for keywords in ([], ["low"]):
        streams = StreamSet(material=material, keywords=keywords, most_per_word=2, seed=1)
        assert len(streams) == len(list(streams))


def test_nothing_to_measure(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"has nothing in its test split; choose another --split"):
        read_material(folder, "test")


def test_the_tables(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evaluation.material.read_corpus", lambda folder, split: [])
    with pytest.raises(ConfigError, match="nothing in its validation split"):
        read_material(shared_data, "validation")


def test_streams_of_words_in_every_condition_then_backgrounds(folder: Path) -> None:
    material = read_material(folder, "validation")
    streams = list(StreamSet(material=material, keywords=["low"], most_per_word=9, seed=1))
    assert [stream.kind for stream in streams] == ["words"] * len(CONDITIONS) + ["noise"]
    assert len({stream.name for stream in streams}) == len(streams)
    assert {s.condition.snr_db for s in streams[:-1]} == {None, *SNRS_DB} == {None, 20, 10, 5, 0}
    assert min(GAINS_DB) == -30
    assert max(GAINS_DB) == 10
    assert len({s.condition.room for s in streams[:-1]}) == 3
    assert {r.keyword for r in streams[0].references} == {"low"}
    assert BACKGROUNDS == ("speech", "noise", "other_word")
    silent = list(StreamSet(material=material, keywords=[], most_per_word=9, seed=1))
    assert [stream.kind for stream in silent] == ["noise"]
