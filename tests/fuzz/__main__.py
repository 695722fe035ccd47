"""Runs one fuzz target: python tests/fuzz TARGET CORPUS... [libFuzzer's flags]."""

import importlib
import sys
import warnings

import atheris

# What is ours, and readers in Python between a file and us; torch as a whole is too much.
_FOLLOWED = ["engine", "kws_app", "training", "targets", "tomllib", "soundfile"]


def main() -> None:
    name = sys.argv[1]
    with atheris.instrument_imports(include=_FOLLOWED):
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
