"""Long recordings come in pieces and are the same as read whole."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import white_noise

from engine.errors import SourceError
from training.data import long_audio
from training.data.clips import read_samples
from training.data.long_audio import has_sound, hours_of, read_pieces, sound_files


def write(path: Path, samples: np.ndarray, rate_hz: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate_hz, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


def test_sound_files_of_a_folder_and_its_folders(tmp_path: Path) -> None:
    wanted = [write(tmp_path / name, white_noise(0.1)) for name in ("a.wav", "b/c.flac")]
    (tmp_path / "notes.txt").write_text("no sound")
    assert sound_files(tmp_path) == wanted
    assert sound_files(wanted[0]) == wanted[:1]
    with pytest.raises(SourceError, match=r"holds no sound file; name a recording"):
        sound_files(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match=r"there is no .*nowhere; name a recording"):
        sound_files(tmp_path / "nowhere")
    assert has_sound(tmp_path)
    assert not has_sound(tmp_path / "nowhere")


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 8_000])
def test_pieces_are_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    monkeypatch.setattr(long_audio, "_PIECE_S", 1)
    stereo = 0.2 * np.random.default_rng(0).standard_normal((int(3.7 * rate_hz), 2))
    path = write(tmp_path / "a.wav", stereo, rate_hz)
    pieces = list(read_pieces(path))
    assert len(pieces) >= 4
    joined = np.concatenate(pieces)
    whole = read_samples(path).astype(np.float32) / 32_768
    assert joined.dtype == np.float32
    assert len(joined) == len(whole)
    np.testing.assert_allclose(joined, whole, atol=1e-4)
    assert hours_of(path) == pytest.approx(3.7 / 3600)


def test_what_is_no_recording(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF")
    with pytest.raises(SourceError, match=r"cannot read .*bad.wav"):
        list(read_pieces(bad))
    with pytest.raises(SourceError, match=r"cannot read .*bad.wav"):
        hours_of(bad)
    samples = white_noise(0.1)
    samples[7] = np.nan
    with pytest.raises(SourceError, match="values that are no numbers"):
        list(read_pieces(write(tmp_path / "nan.wav", samples)))


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    wanted = write(tmp_path / "a.wav", white_noise(0.1))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "circle").symlink_to(tmp_path)
    assert sound_files(tmp_path) == [wanted]
