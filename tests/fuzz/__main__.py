"""Runs one fuzz target: python tests/fuzz TARGET CORPUS... [libFuzzer's flags]."""

import importlib
import os
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

# What is ours, and readers in Python between a file and us; torch as a whole is too much.
_FOLLOWED = ["engine", "kws_app", "training", "targets", "tomllib", "soundfile"]
# atheris 3.0 keeps memory at each comparison of arrays that it follows: a gigabyte in ten minutes.
_NOT_FOLLOWED = ["engine.audio.source", "training.data.clips", "training.data.sound_file"]


def main() -> None:
    """Fuzz in a child: libFuzzer ends it without clearing up."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of its own is made in it
    with tempfile.TemporaryDirectory("", "kws-fuzz-", memory if memory.is_dir() else None) as place:
        child = os.fork()
        if child == 0:
            tempfile.tempdir = place
            fuzz(sys.argv[1])
        _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))


def fuzz(name: str) -> None:
    with atheris.instrument_imports(include=_FOLLOWED, exclude=_NOT_FOLLOWED):
        target = importlib.import_module(f"targets.{name}")
    from mutate import mutated

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed = mutated(data, seed) if seed % 2 else atheris.Mutate(data, max_size)
        return bytes(changed[:max_size])

    warnings.simplefilter("error")  # as the tests have it
    options = {"custom_mutator": mutate} if target.IS_TEXT else {}
    atheris.Setup([sys.argv[0], *sys.argv[2:]], target.run, **options)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
