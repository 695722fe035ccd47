"""Clips are counted by word, by who spoke, and nobody is made up."""

from dataclasses import replace
from pathlib import Path

from clips import clip, word_samples
from small_run import word_folder

from engine.config import FbankConfig
from training.data.clip_source import memory_item
from training.data.counts import count_clips, count_items, is_named
from training.data.folder import spoken_by_programs
from training.data.opened import OpenedData, open_data
from training.data.scene_config import SceneConfig
from training.settings import DataConfig


def test_words_backgrounds_speakers_and_hours() -> None:
    yes = clip("word", word_samples(700), word="yes", name="yes/ann_nohash_0.wav")
    noise = clip("noise", word_samples(300), name="noise/hum.wav")
    clips = [
        replace(yes, speaker="ann"),
        replace(yes, speaker="ann"),
        replace(yes, speaker="robot", synthetic=True),
        replace(noise, speaker="hum"),  # a file's name
        replace(noise, speaker=""),
    ]
    counts = count_clips(clips)
    assert counts["words"] == {"yes": {"people": 2, "programs": 1}}
    assert counts["backgrounds"] == {"noise": {"people": 2, "programs": 0}}
    assert counts["speakers"] == {"people": 1, "programs": 1}
    assert counts["hours"] == {"people": round(4 / 3600, 4), "programs": round(1 / 3600, 4)}


def test_a_file_is_nobody() -> None:
    assert is_named("ann", "yes/ann_nohash_0.wav")
    assert not is_named("recording 3", "yes/recording 3.wav")
    assert not is_named("", "yes/x.wav")


def test_items_with_several_labels() -> None:
    music = clip("word", word_samples(700), name="bob_nohash_1.wav")
    items = [memory_item(music, (0, 1)), memory_item(replace(music, path="x.wav"), (1,))]
    counts = count_items(items, ("music", "guitar"))
    assert counts["words"] == {
        "guitar": {"people": 2, "programs": 0},
        "music": {"people": 1, "programs": 0},
    }
    assert counts["speakers"] == {"people": 1, "programs": 0}
    assert counts["hours"] is None


def opened(**config: object) -> OpenedData:
    return open_data(DataConfig(**config), FbankConfig(), SceneConfig(), seed=1)


def test_what_is_counted_is_what_is_trained_on(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    spoken = word_folder(tmp_path / "spoken", speakers=12)
    data = opened(folder=str(folder), synthetic=str(spoken))
    assert data.counts["train"]["words"]["low"] == {"people": 4, "programs": 10}
    assert data.counts["train"]["speakers"] == {"people": 4, "programs": 10}
    assert data.counts["validation"]["words"]["low"] == {"people": 2, "programs": 0}
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,a,low\n")
    only = opened(folder=str(folder), labels=str(table))
    assert set(only.counts["train"]["words"]) == {"low"}
    clips = opened(folder=str(folder), windows="clips")
    assert clips.counts["train"]["words"]["high"] == {"people": 4, "programs": 0}
    assert clips.counts["validation"]["speakers"] == {"people": 2, "programs": 0}


def test_a_folder_that_programs_filled_counts_as_theirs_in_any_role(tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w")
    assert not spoken_by_programs(folder)
    (folder / "synthesize.json").write_text("{}")
    assert spoken_by_programs(folder)
    for windows in ("scenes", "clips"):
        counts = opened(folder=str(folder), windows=windows).counts
        assert counts["train"]["words"]["low"] == {"people": 0, "programs": 4}
        assert counts["validation"]["speakers"] == {"people": 0, "programs": 2}
