"""What was said by whom is never forgotten, and nobody else's folder is touched."""

import csv
from pathlib import Path

import pytest

from engine.errors import ConfigError
from training.synthetic_folder import COLUMNS, SyntheticFolder

SETTINGS = {"seed": 1, "language": "en"}


def row(word: str, number: int, split: str = "train") -> dict[str, str]:
    values = [f"{word}/v_nohash_{number}.flac", word, word, split, "flite", "slt", "1.000", "1.000"]
    return dict(zip(COLUMNS, values, strict=True))


def make(folder: SyntheticFolder, *rows: dict[str, str]) -> None:
    for each in rows:
        folder.add(each)
        path = folder.folder / each["path"]
        path.parent.mkdir(exist_ok=True)
        path.touch()


def table(folder: Path) -> list[str]:
    with (folder / "clips.csv").open() as file:
        return [each["path"] for each in csv.DictReader(file)]


def held_out(folder: Path) -> list[str]:
    return (folder / "validation_list.txt").read_text().split()


def test_another_word_joins_those_from_before(tmp_path: Path) -> None:
    for word in ("lamp", "tree"):
        folder = SyntheticFolder(tmp_path, SETTINGS)
        make(folder, row(word, 0), row(word, 1, "validation"))
        folder.finish()
    assert len(table(tmp_path)) == 4
    assert held_out(tmp_path) == ["lamp/v_nohash_1.flac", "tree/v_nohash_1.flac"]
    assert not list(tmp_path.glob("*.partial"))


def test_what_was_made_before_an_interruption_is_known(tmp_path: Path) -> None:
    make(SyntheticFolder(tmp_path, SETTINGS), row("lamp", 0), row("lamp", 1, "validation"))
    text = (tmp_path / "clips.csv").read_text()
    (tmp_path / "clips.csv").write_text(text + "lamp/v_nohash_2.flac,la")  # cut by a kill
    folder = SyntheticFolder(tmp_path, SETTINGS)
    folder.finish()
    assert table(tmp_path) == ["lamp/v_nohash_0.flac", "lamp/v_nohash_1.flac"]
    assert held_out(tmp_path) == ["lamp/v_nohash_1.flac"]


@pytest.mark.parametrize(
    "path", ["../mine.flac", "/mine.flac", "lamp/../../mine.flac", "lamp", "..", "lamp/x.txt"]
)
def test_a_table_that_names_other_files_removes_none(tmp_path: Path, path: str) -> None:
    mine = tmp_path / "mine.flac"
    mine.touch()
    folder = tmp_path / "made"
    make(SyntheticFolder(folder, SETTINGS), row("lamp", 0))
    with (folder / "clips.csv").open("a", newline="") as file:
        csv.DictWriter(file, COLUMNS).writerow(row("lamp", 1) | {"path": path})
    with pytest.raises(ConfigError, match=r"clips.csv names '.*', which is no clip of the folder"):
        SyntheticFolder(folder, SETTINGS).forget(lambda _: True)
    assert mine.exists()


def test_a_clip_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    folder = SyntheticFolder(tmp_path, SETTINGS)
    make(folder, row("lamp", 0), row("lamp", 1))
    folder.finish()
    (tmp_path / "lamp" / "v_nohash_0.flac").unlink()
    SyntheticFolder(tmp_path, SETTINGS).finish()
    assert table(tmp_path) == ["lamp/v_nohash_1.flac"]


def test_other_settings_would_mix_the_splits(tmp_path: Path) -> None:
    SyntheticFolder(tmp_path, SETTINGS).finish()
    with pytest.raises(ConfigError, match=r"made with seed 1, not 9; .*name a new folder"):
        SyntheticFolder(tmp_path, {**SETTINGS, "seed": 9})


@pytest.mark.parametrize("settings", [None, "{", "[]", "{}", "[" * 100_000])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, settings: str | None) -> None:
    (tmp_path / "validation_list.txt").write_text("lamp/anna.wav")
    if settings is not None:
        (tmp_path / "synthesize.json").write_text(settings)
    with pytest.raises(ConfigError, match="holds other things than synthetic clips"):
        SyntheticFolder(tmp_path, SETTINGS)
    assert (tmp_path / "validation_list.txt").read_text() == "lamp/anna.wav"
    assert not (tmp_path / "clips.csv").exists()
