"""Clips are measured through what ships; several models by their mean."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import HIGH_HZ, LOW_HZ
from small_run import word_folder
from tiny_model import edit_manifest, make_model_folder

from engine.errors import ConfigError
from training.__main__ import main
from training.clip_report import measure_clips, to_markdown
from training.data.labelled import labelled_clips


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return word_folder(tmp_path / "w", {"low": LOW_HZ, "high": HIGH_HZ})


def test_the_figures(words: Path, tiny_folder: Path) -> None:
    items, names, problems = labelled_clips(words, None, None, "train")
    assert (len(items), names, problems) == (8, ["high", "low"], [])
    report = measure_clips([tiny_folder], items, names)
    np.testing.assert_allclose(report.scores.sum(axis=1), 1, atol=1e-5)
    figures = report.figures()
    assert figures["clips"] == 8
    confusion = np.array(figures["confusion"])
    assert confusion.sum() == 8
    assert figures["accuracy"] == np.trace(confusion) / 8
    assert figures["labels"]["low"]["clips"] == 4
    assert figures["labels"]["_silence_"]["recall"] is None
    text = to_markdown(report)
    assert "tiny (" in text
    assert "| low | 4 | " in text
    assert json.loads(json.dumps(figures)) == json.loads(json.dumps(figures))


def test_an_ensemble_is_the_mean(words: Path, tiny_folder: Path, tmp_path: Path) -> None:
    other = make_model_folder(tmp_path / "other", bias=np.array([0, 0, 9, 0], np.float32))
    items, names, _ = labelled_clips(words, None, None, "train")
    one, two, both = (
        measure_clips(folders, items, names).scores
        for folders in ([tiny_folder], [other], [tiny_folder, other])
    )
    np.testing.assert_allclose(both, (one + two) / 2, atol=1e-6)
    assert not np.allclose(one, two)


def test_labels_are_matched_by_name(words: Path, tiny_folder: Path, tmp_path: Path) -> None:
    other = make_model_folder(tmp_path / "other")
    edit_manifest(other, lambda data: data.update(labels=["_silence_", "_unknown_", "high", "low"]))
    items, names, _ = labelled_clips(words, None, None, "train")
    straight = measure_clips([tiny_folder], items, names).scores
    crossed = measure_clips([tiny_folder, other], items, names).scores
    np.testing.assert_allclose(crossed[:, 2], straight[:, 2:].mean(axis=1), atol=1e-6)


def test_labels_that_do_not_fit(words: Path, tiny_folder: Path, default_folder: Path) -> None:
    items, names, _ = labelled_clips(words, None, None, "validation")
    with pytest.raises(ConfigError, match="differs in label 'backward'"):
        measure_clips([tiny_folder, default_folder], items, names)
    with pytest.raises(
        ConfigError, match=r"has label 'high', which .*; it has _silence_, .*\.\.\."
    ):
        measure_clips([default_folder], items, names)


def test_the_command(
    words: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (words / "low" / "broken.wav").write_bytes(b"RIFF")
    arguments = ["metrics", "--model", str(tiny_folder), "--data", str(words), "--split", "train"]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    out = capsys.readouterr().out
    assert "left out: cannot read" in out
    assert "- accuracy " in out
    assert json.loads((tmp_path / "out.json").read_text())["clips"] == 8


def test_a_clip_that_holds_no_numbers_is_left_out_and_named(
    words: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = words / "low" / "p9_nohash_0.wav"
    soundfile.write(bad, np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
    other = make_model_folder(tmp_path / "other")
    arguments = ["metrics", "--data", str(words), "--split", "train"]
    arguments += ["--json", str(tmp_path / "out.json"), "--model", str(tiny_folder), str(other)]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.count(f"left out: {bad} holds values that are no numbers") == 1
    figures = json.loads((tmp_path / "out.json").read_text())
    assert (figures["clips"], figures["labels"]["low"]["clips"]) == (8, 4)


def test_where_no_clip_can_be_read_there_is_no_figure(words: Path, tiny_folder: Path) -> None:
    items, names, _ = labelled_clips(words, None, None, "train")
    for path in words.glob("*/*.wav"):
        soundfile.write(path, np.full(16_000, np.nan, np.float32), 16_000, subtype="FLOAT")
    with pytest.raises(ConfigError, match=r"no clip can be measured: .* no numbers"):
        measure_clips([tiny_folder], items, names)


def test_a_folder_with_tables_is_measured_too(
    words: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    """Words by their split; other words where the model has a label for them."""
    lines = ["path,word,speaker,split,suspect"]
    for number, path in enumerate(sorted(words.glob("*/*.wav"))):
        split = "validation" if number % 3 == 0 else "train"
        lines.append(f"{path.relative_to(words)},{path.parent.name},s{number},{split},0")
    (words / "speech_commands.csv").write_text("\n".join(lines))
    jarvis = words / "other" / "jarvis" / "1.wav"
    jarvis.parent.mkdir(parents=True)
    shutil.copy(words / "low" / "p0_nohash_0.wav", jarvis)
    (words / "other_audio.csv").write_text(
        "path,kind,speaker,note,source,licence\n"
        "other/jarvis/1.wav,other_word,,,x,MIT\nrain.wav,noise,,,x,MIT"
    )
    arguments = ["metrics", "--model", str(tiny_folder), "--data", str(words)]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    figures = json.loads((tmp_path / "out.json").read_text())
    counts = {label: row["clips"] for label, row in figures["labels"].items()}
    assert counts == {"_silence_": 0, "_unknown_": 1, "low": 2, "high": 2}


def test_other_words_are_measured_where_a_model_knows_them(
    words: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(words / "low", words / "_unknown_")
    arguments = ["--data", str(words), "--split", "train", "--json", str(tmp_path / "out.json")]
    assert main(["metrics", "--model", str(tiny_folder), *arguments]) == 0
    labels = json.loads((tmp_path / "out.json").read_text())["labels"]
    assert labels["_unknown_"]["clips"] == 6
    assert "| _unknown_ | 6 |" in capsys.readouterr().out
    items, names, _ = labelled_clips(words, None, None, "train")
    assert (len(items), names) == (8, ["high", "low"])
    with pytest.raises(ConfigError, match="--list needs --labels"):
        labelled_clips(None, tmp_path / "list.json", None, "train")


def test_short_clips_are_padded_as_the_model_was_trained(
    words: Path, tmp_path: Path, own_tiny_folder: Path
) -> None:
    """A 98-frame model hears silence after a short clip; AST's 128 frames hold a log-mel of 0."""
    from engine.manifest import load_manifest
    from training.clip_report import _log_mel

    manifest = load_manifest(own_tiny_folder)
    short = 0.1 * np.ones(8_000, np.float32)
    assert len(_log_mel(short, manifest)) == 98
    late = np.concatenate([np.zeros(40_000), np.sin(np.arange(8_000) * 0.3)]).astype(np.float32)
    assert _log_mel(late, manifest).shape == (98, 128)
    assert _log_mel(late, manifest).max() > 0  # what was spoken, not the first second

    from dataclasses import replace

    padded = replace(manifest, fbank=replace(manifest.fbank, target_frames=128))
    assert len(_log_mel(short, padded)) == 48
    assert len(_log_mel(np.ones(40_000, np.float32), padded)) == 128
    assert len(_log_mel(short[:100], padded)) == 98
