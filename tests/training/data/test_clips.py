"""A sound file is read whole or refused with one line."""

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import SourceError
from training.data import clips
from training.data.clips import read_samples


def test_more_than_memory_holds_is_refused_while_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.zeros((1_000 * 3 * 3_600, 2)), 1_000)  # three hours
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(clips, "_MAX_SAMPLES", 1_000 * 2 * 3_600)
    with pytest.raises(SourceError, match=r"long.flac has more than 2 hours, too much for memory"):
        read_samples(path)


def test_a_name_that_no_file_system_takes_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="File name too long"):
        read_samples(tmp_path / ("x" * 300 + ".wav"))


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(SourceError, match=r"pipe.wav is no file"):
        read_samples(tmp_path / "pipe.wav")
