"""Sound files, as they are listened to and as they are trained on. The first byte is the suffix."""

from contextlib import suppress

from targets.common import written

from engine.audio.file import FileSource
from engine.errors import KwsError
from training.data.clips import read_samples

IS_TEXT = False
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".raw", ".au", "")
_MAX_BLOCKS = 200  # a long recording is no hang
_MAX_BYTES = 20_000  # of what is read whole


def run(data: bytes) -> None:
    path = written(f"sound{SUFFIXES[data[0] % len(SUFFIXES)] if data else ''}", data[1:])
    with suppress(KwsError), FileSource(path, 16_000) as source:
        for _ in range(_MAX_BLOCKS):
            block = source.read()
            if block is None:
                break
            assert block.samples.ndim == 1
        assert source.duration_s >= 0
    if len(data) > _MAX_BYTES:
        return
    with suppress(KwsError):
        assert len(read_samples(path))
