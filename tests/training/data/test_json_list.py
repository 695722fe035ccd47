"""AST's data lists are read as published, and what disagrees is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import ConfigError
from training.data.json_list import read_json_list
from training.data.label_csv import LabelTable

TABLE = LabelTable(names=("Music", "Speech", "Dog"), mids=("/m/a", "/m/b", "/m/c"))


def write_list(folder: Path, entries: object) -> Path:
    for name, length in (("a.wav", 800), ("b.flac", 1_600)):
        soundfile.write(folder / name, np.full(length, 0.25), 16_000)
    path = folder / "list.json"
    path.write_text(json.dumps({"data": entries}))
    return path


def test_several_labels_and_relative_paths(tmp_path: Path) -> None:
    entries = [
        {"wav": "a.wav", "labels": "/m/c,/m/a"},
        {"wav": str(tmp_path / "b.flac"), "labels": "/m/b"},
    ]
    items, problems = read_json_list(write_list(tmp_path, entries), TABLE)
    assert [item.labels for item in items] == [(0, 2), (1,)]
    assert [len(item.read()) for item in items] == [800, 1_600]
    assert problems == []


def test_unreadable_clips_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    entries = [{"wav": name, "labels": "/m/a"} for name in ("a.wav", "bad.wav", "gone.wav")]
    items, problems = read_json_list(write_list(tmp_path, entries), TABLE)
    assert len(items) == 1
    assert len(problems) == 2
    assert "bad.wav" in problems[0]
    with pytest.raises(ConfigError, match=r"no clip of .* can be read: cannot read .*gone"):
        read_json_list(write_list(tmp_path, entries[2:]), TABLE)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", r'must be \{"data"'),
        ('{"data": [3]}', r'must be \{"data"'),
        ('{"data": []}', "can be read: it lists none"),
        (f'{{"data": [{{"wav": "{"x" * 300}", "labels": "/m/a"}}]}}', "File name too long"),
        ('{"data": [{"wav": "a.wav"}]}', 'entry 0 must have "wav" and "labels"'),
        ('{"data": [{"wav": "a.wav", "labels": ""}]}', 'entry 0 must have "wav" and "labels"'),
        ('{"data": [{"wav": "a.wav", "labels": "/m/x"}]}', "label '/m/x', which the label table"),
        ('{"data": [{"wav": "\\udcff.wav", "labels": "/m/a"}]}', "is no UTF-8; rename it"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    path = write_list(tmp_path, [])
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_json_list(path, TABLE)
    with pytest.raises(ConfigError, match=r"cannot read data list .*gone.json: No such file"):
        read_json_list(tmp_path / "gone.json", TABLE)
