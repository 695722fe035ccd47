"""Normalisation constants are those of every value of every real frame."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import white_noise
from small_run import word_folder

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.features import fbank, model_input
from training.__main__ import main
from training.norm_stats import norm_stats


def test_features_are_normalised_by_them() -> None:
    clips = [white_noise(1, 0.1), white_noise(0.7, 0.001), white_noise(2, 0.03)]
    config = FbankConfig(target_frames=300)
    mean, std, frames = norm_stats(clips, config)
    values = np.concatenate([fbank(clip, config) for clip in clips]).astype(np.float64)
    assert frames == len(values)
    assert (mean, std) == (pytest.approx(values.mean()), pytest.approx(values.std()))
    own = FbankConfig(target_frames=98, mean=mean, std=std)
    inputs = np.concatenate(
        [model_input(fbank(c, own)[:98], own)[: len(fbank(c, own))] for c in clips]
    )
    assert abs(inputs.mean()) < 0.3
    with pytest.raises(ConfigError, match="no clip is as long as a frame"):
        norm_stats([np.zeros(100, np.float32)], config)


def test_frames_beyond_the_input_do_not_count() -> None:
    _, _, frames = norm_stats([white_noise(2)], FbankConfig(target_frames=98))
    assert frames == 98


def test_silence_has_nothing_to_normalise_by() -> None:
    with pytest.raises(ConfigError, match="all clips are silent"):
        norm_stats([np.zeros(16_000, np.float32)], FbankConfig(target_frames=98))


def test_the_command_prints_what_a_recipe_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = word_folder(tmp_path / "w")
    (folder / "low" / "broken.wav").write_bytes(b"RIFF")
    nan = np.full(16_000, np.nan, np.float32)
    soundfile.write(folder / "low" / "nan.wav", nan, 16_000, subtype="FLOAT")
    assert main(["norm-stats", "--data", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("# left out: cannot read")
    assert lines[1].endswith("nan.wav holds values that are no numbers; write it anew")
    assert lines[2] == "# 8 clips, 784 frames"
    assert lines[3] == "[features]"
    assert lines[4].startswith("mean = -")
    assert lines[5].startswith("std = ")
