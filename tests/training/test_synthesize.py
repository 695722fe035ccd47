"""Synthetic words become a folder to train on: checked clips, nobody in two splits."""

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import ConfigError
from training import synthesize as module
from training.__main__ import main
from training.data.folder import list_folder
from training.synthesize import SynthesizeConfig, checked, synthesize
from training.unknown_texts import unknown_texts
from training.voices import Voice, VoiceError


def tone(seconds: float, level: float = 0.3, silence_s: float = 0.3) -> np.ndarray:
    samples = level * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16_000)) / 16_000)
    pad = np.zeros(round(silence_s * 16_000))
    return np.concatenate([pad, samples, pad]).astype(np.float32)


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Twenty espeak speakers of two accents and the five people; what was asked of them."""
    voices = [
        Voice(program="espeak-ng", name=f"{accent}+v{i}", speaker=f"espeak-v{i}")
        for accent in ("en", "en-us")
        for i in range(20)
    ]
    voices += [
        Voice(program="flite", name=name, speaker=name) for name in ("awb", "kal", "rms", "slt")
    ]
    voices += [Voice(program="festival", name="ked_diphone", speaker="ked")]
    asked: list[tuple[str, str]] = []

    def speak(text: str, voice: Voice, *, speed: float, pitch: float) -> np.ndarray:
        asked.append((text, voice.name))
        assert 0.75 <= speed <= 1.25
        assert 0.75 <= pitch <= 1.25
        if voice.name == "en+v3":
            raise VoiceError("espeak-ng left out the variant: en+v3")
        return tone(0.4 + 0.01 * len(text))

    monkeypatch.setattr(module, "installed_voices", lambda language: voices)
    monkeypatch.setattr(module, "speak", speak)
    return asked


def test_a_folder_to_train_on(tmp_path: Path, spoken: list[tuple[str, str]]) -> None:
    config = SynthesizeConfig(words=["lamp", "turn off"], clips=50, unknown_clips=30)
    report = synthesize(tmp_path, config)
    assert report.clips == {"lamp": 50, "turn off": 50, "_unknown_": 30}
    assert report.rejected == {"espeak-ng left out the variant": report.rejected.total()}
    assert report.rejected.total() > 0
    entries = list_folder(tmp_path)
    speakers = {
        split: {entry.speaker for entry in entries if entry.split == split}
        for split in ("train", "validation")
    }
    assert not speakers["train"] & speakers["validation"]
    assert len(speakers["validation"] & {f"espeak-v{i}" for i in range(20)}) == 4
    assert {"rms", "ked"} >= speakers["validation"] - {f"espeak-v{i}" for i in range(20)}
    for word in ("lamp", "turn off"):
        held_out = [e for e in entries if e.label == word and e.split == "validation"]
        assert len(held_out) == 10
    with (tmp_path / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["path"] for row in rows} == {entry.path for entry in entries}
    samples, rate_hz = soundfile.read(tmp_path / rows[0]["path"])
    assert rate_hz == 16_000
    assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-3)
    assert 0.4 < len(samples) / rate_hz < 0.65  # trimmed


def test_it_goes_on_where_it_was(tmp_path: Path, spoken: list[tuple[str, str]]) -> None:
    config = SynthesizeConfig(words=["lamp", "music"], clips=8, unknown_clips=0)
    synthesize(tmp_path, config)
    table = (tmp_path / "clips.csv").read_text()
    paths = sorted((tmp_path / "lamp").iterdir())
    paths[0].unlink()
    before = len(spoken)
    synthesize(tmp_path, config)
    assert sorted((tmp_path / "lamp").iterdir()) == paths
    assert (tmp_path / "clips.csv").read_text() == table
    assert 1 <= len([text for text, _ in spoken[before:] if text == "lamp"]) <= 9


def test_fewer_clips_and_other_words_keep_what_is_there(
    tmp_path: Path, spoken: list[tuple[str, str]]
) -> None:
    synthesize(tmp_path, SynthesizeConfig(words=["lamp", "tree"], clips=10, unknown_clips=0))
    listed = (tmp_path / "validation_list.txt").read_text()
    assert listed.count("\n") == 4
    report = synthesize(tmp_path, SynthesizeConfig(words=["lamp"], clips=3, unknown_clips=0))
    assert report.from_before == ["tree"]
    assert (tmp_path / "validation_list.txt").read_text() == listed


def _of_others(folder: Path) -> str:
    lines = (folder / "clips.csv").read_text().splitlines()
    return "\n".join(line for line in lines if line.startswith("_unknown_/"))


def test_what_became_a_keyword_is_no_other_word_any_more(
    tmp_path: Path, spoken: list[tuple[str, str]]
) -> None:
    synthesize(tmp_path, SynthesizeConfig(words=["lamp"], clips=3, unknown_clips=12))
    assert ",across,train" in _of_others(tmp_path)
    synthesize(tmp_path, SynthesizeConfig(words=["across"], clips=3, unknown_clips=0))
    assert ",across,train" not in _of_others(tmp_path)
    synthesize(tmp_path, SynthesizeConfig(words=["across"], clips=3, unknown_clips=12))
    with (tmp_path / "clips.csv").open() as file:
        rows = list(csv.DictReader(file))
    others = [row for row in rows if row["label"] == "_unknown_"]
    assert len(others) >= 12
    assert not any({"across", "lamp"} & set(row["text"].split()) for row in others)
    entries = {entry.path for entry in list_folder(tmp_path)}
    assert entries == {row["path"] for row in rows}
    for row in rows:  # each clip says what its row says: tones are as long as their texts
        seconds = soundfile.info(tmp_path / row["path"]).duration
        assert seconds == pytest.approx(0.49 + 0.01 * len(row["text"]), abs=0.03)


@pytest.mark.parametrize(("share", "expected"), [(0.2, 4), (0.5, 10), (0.7, 14), (0.9, 18)])
def test_the_share_that_was_asked_for(
    tmp_path: Path, spoken: list[tuple[str, str]], share: float, expected: int
) -> None:
    config = SynthesizeConfig(words=["a"], clips=20, unknown_clips=0, validation_share=share)
    synthesize(tmp_path, config)
    assert (tmp_path / "validation_list.txt").read_text().count("\n") == expected


def test_other_words_of_ones_own(
    tmp_path: Path, spoken: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    others = tmp_path / "others.txt"
    others.write_text("guten Morgen\n\ndie Lampe brennt\nlamp post\n", encoding="utf-8-sig")
    command = ["synthesize", "lamp", "--language", "de", "--clips", "3", "--unknown", "4"]
    told = [*command, "--other-words", str(others), "--out", str(tmp_path / "a")]
    assert main(told) == 0
    assert {text for text, _ in spoken} == {"lamp", "guten Morgen", "die Lampe brennt"}
    assert "other words are English" not in capsys.readouterr().out
    assert main([*command, "--out", str(tmp_path / "b")]) == 0
    assert "the other words are English; give some" in capsys.readouterr().out
    others.write_text("lamp shade")
    assert main([*told[:-1], str(tmp_path / "c")]) == 1
    assert "every other text holds a keyword" in capsys.readouterr().err


def test_no_validation_when_none_is_wanted(tmp_path: Path, spoken: list[tuple[str, str]]) -> None:
    config = SynthesizeConfig(words=["a", "b"], clips=5, unknown_clips=0, validation_share=0.0)
    assert synthesize(tmp_path, config).speakers["validation"] == 0
    assert (tmp_path / "validation_list.txt").read_text() == ""


def test_a_word_that_nobody_can_say(
    tmp_path: Path, spoken: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "speak", lambda *_, **__: np.zeros(16_000, np.float32))
    with pytest.raises(ConfigError, match="no voice could say 'hm': a clip was silent; spell it"):
        synthesize(tmp_path, SynthesizeConfig(words=["hm"], clips=1, unknown_clips=0))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(0, np.float32), "silent"),
        (np.zeros(16_000, np.float32), "silent"),
        (np.clip(tone(0.5, level=3.0), -1, 1), "clipped"),
        (tone(0.02), r"shorter than 0.12 s"),
        (tone(1.8), r"longer than 1.5 s"),
    ],
)
def test_bad_clips_are_noticed(samples: np.ndarray, message: str) -> None:
    with pytest.raises(VoiceError, match=message):
        checked(samples)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"words": []}, "words are none"),
        ({"words": ["a", "a"]}, "must differ"),
        ({"words": ["a/b"]}, "word 'a/b' cannot be a folder's name"),
        ({"words": ["_unknown_"]}, "cannot be a folder's name"),
        ({"words": ["a", ""]}, "cannot be a folder's name"),
        ({"words": [".."]}, "cannot be a folder's name"),
        ({"words": ["-v"]}, "cannot be a folder's name"),
        ({"words": ["a\x07b"]}, "cannot be a folder's name"),
        ({"words": ["\udcff"]}, "cannot be a folder's name"),
        ({"words": ["x" * 300]}, "word 'x{40}' cannot be a folder's name"),
        ({"words": ["a"], "language": ""}, "language is empty"),
        ({"words": ["a"], "clips": 0}, "clips is 0"),
        ({"words": ["a"], "validation_share": 1.0}, "validation share is 1.0"),
    ],
)
def test_impossible_wishes(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SynthesizeConfig(**fields)


def test_unknown_texts_hold_no_keyword() -> None:
    texts = unknown_texts(["Turn off", "coffee", "river"])
    words = {word for text in texts for word in text.split()}
    assert not words & {"turn", "off", "coffee", "river"}
    assert len(texts) > 300
    assert any(" " in text for text in texts[:8])


def test_the_command(
    tmp_path: Path, spoken: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["synthesize", "lamp, music", "--out", str(tmp_path / "w"), "--clips", "6"]
    assert main([*arguments, "--unknown", "4"]) == 0
    captured = capsys.readouterr()
    assert (
        f"{tmp_path / 'w'}: 16 clips of 3 labels\nspeakers: 19 for train, 6 for val" in captured.out
    )
    assert "speaking: 16 of 16 clips, 100%" in captured.err
