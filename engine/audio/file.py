"""Sound files of any rate and channel count, streamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from engine.audio.source import Block, MonoResampler, check_rate, check_samples
from engine.errors import SourceError

_BLOCK_S = 0.1
_UNKNOWN_FRAMES = 2**62
_MAX_BLOCK_VALUES = 1 << 22  # 16 MB: 0.1 s of 1,024 channels may be much more


class FileSource:
    """Reads a sound file as fast as it is asked.

    Args:
        path: Anything that libsndfile reads: WAV, FLAC, Ogg Vorbis and Opus, MP3, AIFF ...
        model_rate_hz: Rate to deliver.
    """

    is_live = False

    def __init__(self, path: Path, model_rate_hz: int) -> None:
        self._path = path
        self._model_rate_hz = model_rate_hz
        self._file: Any = None
        self._position = 0
        self._finished = False

    @property
    def name(self) -> str:
        """The path."""
        return str(self._path)

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the file."""
        return int(self._file.samplerate)

    @property
    def duration_s(self) -> float:
        """Length as its header tells; 0 before the file is open and where nobody knows."""
        frames = self._file.frames if self._file is not None else 0
        # libsndfile gives the largest number there is where it cannot know.
        return float(frames / self.sample_rate_hz) if 0 < frames < _UNKNOWN_FRAMES else 0.0

    def __enter__(self) -> Self:
        """Open the file; raises SourceError."""
        import soundfile

        try:
            if not self._path.exists():
                raise SourceError(f"no such file: {self._path}")
            if self._path.is_dir():
                raise SourceError(f"{self._path} is a folder; name a sound file")
            if self._path.suffix.lower() == ".raw":  # libsndfile would have to be told its rate
                raise SourceError(
                    f"{self._path} has no header by its name; pipe its PCM in (--input - --rate HZ)"
                )
            self._file = soundfile.SoundFile(self._path)
        except (OSError, soundfile.LibsndfileError) as err:
            raise SourceError(f"cannot read {self._path} as a sound file: {_reason(err)}") from err
        check_rate(self.sample_rate_hz, self.name)
        # python-soundfile seeks to where it already is after every read, and MP3 decoders answer a
        # seek with silence or noise. It does not do so for files that cannot seek.
        self._file.seekable = lambda: False
        most = _MAX_BLOCK_VALUES // self._file.channels
        self._block_frames = max(1, min(int(self.sample_rate_hz * _BLOCK_S), most))
        self._resampler = MonoResampler(self.sample_rate_hz, self._model_rate_hz)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the file."""
        self._file.close()
        self._resampler.close()

    def read(self) -> Block | None:
        """The next 0.1 s, or None at the end."""
        import soundfile

        if self._finished:
            return None
        try:
            samples = self._file.read(self._block_frames, dtype="float32", always_2d=True)
        except (OSError, soundfile.LibsndfileError) as err:
            raise SourceError(f"{self._path} is damaged at frame {self._position}: {err}") from err
        check_samples(samples, self.name, self._position)
        if self._position == 0 and len(samples) == 0:
            raise SourceError(f"{self._path} holds no audio")
        self._position += len(samples)
        self._finished = len(samples) == 0
        return Block(samples=self._resampler.convert(samples, last=self._finished))


def _reason(err: Exception) -> str:
    text = str(getattr(err, "error_string", "") or getattr(err, "strerror", "") or err)
    return text.rstrip(". ") or type(err).__name__
