"""A recipe's data: labels, splits, and what is refused before anything is trained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from clips import word_samples
from small_run import word_folder

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.data.opened import OpenedData, open_data
from training.data.scene_config import SceneConfig
from training.settings import DataConfig


def opened(**config: object) -> OpenedData:
    return open_data(DataConfig(**config), FbankConfig(), SceneConfig(), seed=1)


def test_scenes_of_a_plain_folder(tmp_path: Path) -> None:
    data = opened(folder=str(word_folder(tmp_path / "w")))
    assert data.labels == ("_silence_", "_unknown_", "high", "low")
    assert data.train.epoch_windows == 8
    assert data.validation.epoch_windows == 4
    assert data.notes == []
    assert data.origin == {"folder": "w", "clips": {"high": 6, "low": 6}}


def test_short_validation_clips_stand_in_silence_not_in_asts_padding(tmp_path: Path) -> None:
    """A log-mel of 0 after a short clip is loud; no stream has it, and no scene."""
    folder = word_folder(tmp_path / "w")
    for path in folder.glob("*/*.wav"):
        samples, rate_hz = soundfile.read(path)
        soundfile.write(path, samples[4_800:9_601], rate_hz)
    data = opened(folder=str(folder))
    samples, _ = data.validation.window(0, 0, np.random.default_rng(0))
    assert len(samples) == 16_000
    assert not samples[:5_599].any()
    assert not samples[-5_599:].any()
    assert np.abs(samples[5_700:10_000]).max() > 0.1
    short = opened(folder=str(folder), windows="clips").validation
    assert len(short.window(0, 0, np.random.default_rng(0))[0]) == 4_801


def test_clips_of_a_plain_folder(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    (folder / "_background_noise_").mkdir()
    soundfile.write(folder / "_background_noise_" / "n.wav", np.zeros(16_000), 16_000)
    data = opened(folder=str(folder), windows="clips")
    assert data.labels == ("high", "low")
    assert data.train.epoch_windows == 8
    rng = np.random.default_rng(0)
    targets = [data.validation.window(0, row, rng)[1].tolist() for row in range(4)]
    assert targets == [[1, 0], [1, 0], [0, 1], [0, 1]]


def test_synthetic_clips_join_the_training_only(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    spoken = word_folder(tmp_path / "spoken", speakers=12)
    data = opened(folder=str(folder), synthetic=str(spoken))
    assert data.train.epoch_windows == 8 + 20
    assert data.validation.epoch_windows == 4
    assert data.origin["synthetic"] == {"folder": "spoken", "clips": 20}


def test_words_that_only_programs_spoke_are_words_too(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w", {"low": 500})
    spoken = word_folder(tmp_path / "spoken", {"low": 510, "high": 2_000})
    data = opened(folder=str(folder), synthetic=str(spoken))
    assert data.labels == ("_silence_", "_unknown_", "high", "low")
    assert data.notes == ["no validation clip of high: trained on, but not measured"]
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,a,low\n")
    data = opened(folder=str(folder), synthetic=str(spoken), labels=str(table))
    assert data.labels == ("_silence_", "_unknown_", "low")
    assert data.notes == ["not in the label table, so left out: high"]


def test_clips_tell_words_apart(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w", {"only": 500})
    shutil.copytree(folder / "only", folder / "_unknown_")
    with pytest.raises(ConfigError, match=r"has 1 word\(s\); windows = 'clips' needs two"):
        opened(folder=str(folder), windows="clips")
    folder = word_folder(tmp_path / "v")
    listed = (folder / "validation_list.txt").read_text().splitlines()
    (folder / "validation_list.txt").write_text("\n".join(x for x in listed if "low" in x))
    assert opened(folder=str(folder), windows="clips").notes == [
        "no validation clip of high: trained on, but not measured"
    ]


def test_a_word_without_validation_is_said(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    listed = (folder / "validation_list.txt").read_text().splitlines()
    (folder / "validation_list.txt").write_text("\n".join(x for x in listed if "low" in x))
    assert opened(folder=str(folder)).notes == [
        "no validation clip of high: trained on, but not measured"
    ]
    (folder / "validation_list.txt").write_text("")
    with pytest.raises(ConfigError, match="has no validation clip of any word; record more people"):
        opened(folder=str(folder))
    with pytest.raises(ConfigError, match="has no validation clip that can be read"):
        opened(folder=str(folder), windows="clips")


def test_a_class_with_one_clip(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    for path in sorted((folder / "high").iterdir())[1:]:
        path.unlink()
    listed = (folder / "validation_list.txt").read_text().splitlines()
    (folder / "validation_list.txt").write_text("\n".join(x for x in listed if "low" in x))
    data = opened(folder=str(folder))
    assert data.train.epoch_windows == 5
    assert "no validation clip of high" in data.notes[0]


def test_a_word_of_which_no_clip_can_be_used(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    for path in (folder / "high").iterdir():
        path.write_bytes(b"RIFF no more")
    with pytest.raises(ConfigError, match=r"no training clip of 'high' can be used \(1 words"):
        opened(folder=str(folder))


def test_labels_of_a_table(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,a,low\n1,b,high\n2,c,middle\n")
    assert opened(folder=str(folder), windows="clips", labels=str(table)).labels == (
        *("low", "high", "middle"),
    )
    with pytest.raises(ConfigError, match="no training clip of 'middle' can be used"):
        opened(folder=str(folder), labels=str(table))
    with pytest.raises(ConfigError, match="has the word 'high', which the label table does not"):
        opened(folder=str(folder), windows="clips", labels="speech_commands")


def test_lists(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w", speakers=30)
    entries = [
        {"wav": str(path), "labels": f"/m/{path.parent.name}"}
        for path in sorted(folder.glob("*/*.wav"))
    ]
    for i, entry in enumerate(entries):  # names differ, as they do in AudioSet
        path = Path(entry["wav"])
        entry["wav"] = str(path.rename(path.with_name(f"clip{i}.wav")))
    (tmp_path / "train.json").write_text(json.dumps({"data": entries}))
    (tmp_path / "eval.json").write_text(json.dumps({"data": entries[:5]}))
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,/m/low,low\n1,/m/high,high\n")
    lists = {"train_list": str(tmp_path / "train.json"), "windows": "clips"}
    held_out = opened(**lists, labels=str(table), held_out=0.2)
    total = held_out.train.epoch_windows + held_out.validation.epoch_windows
    assert total == 60
    assert 3 <= held_out.validation.epoch_windows <= 24
    assert "of the training list are held out for validation" in held_out.notes[0]
    given = opened(**lists, labels=str(table), validation_list=str(tmp_path / "eval.json"))
    assert (given.train.epoch_windows, given.validation.epoch_windows) == (60, 5)
    with pytest.raises(ConfigError, match="lists need a label table"):
        opened(**lists)
    with pytest.raises(ConfigError, match="needs windows = 'clips'"):
        opened(train_list="x", labels=str(table))
    (tmp_path / "train.json").write_text(json.dumps({"data": entries[:1]}))
    with pytest.raises(ConfigError, match=r"leaves [01] clips to train on and [01] to validate"):
        opened(**lists, labels=str(table))


def test_no_data_is_named() -> None:
    with pytest.raises(ConfigError, match="no data is named; give --data FOLDER"):
        opened()


def test_one_class(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w", {"only": 500})
    with pytest.raises(ConfigError, match="has one class, 'only', and nothing to tell it from"):
        opened(folder=str(folder))
    shutil.copytree(folder / "only", folder / "_unknown_")
    assert opened(folder=str(folder)).labels == ("_silence_", "_unknown_", "only")


def test_corrections_are_all_trained_on(tmp_path: Path) -> None:
    """Also by the speaker that a hash would hold out, and mistakes are told from other words."""
    data = word_folder(tmp_path / "data")
    heard = tmp_path / "heard"
    for label, hz in (("low", 520), ("_unknown_", 3_000)):
        (heard / label).mkdir(parents=True)
        for speaker in range(12):  # some of them fall into the validation split of a folder
            samples = word_samples(hz + speaker)
            soundfile.write(heard / label / f"s{speaker}_nohash_0.wav", samples, 16_000)
    found = opened(folder=str(data), corrections=str(heard))
    assert found.train.epoch_windows == 8 + 12
    assert len(found.train._mistakes) == 12
    assert found.origin["corrections"] == {"folder": "heard", "clips": 24}
    assert found.validation.epoch_windows == 4
    with pytest.raises(ConfigError, match="does not exist"):
        opened(folder=str(data), corrections=str(tmp_path / "nowhere"))
