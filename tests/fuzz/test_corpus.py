"""Every input that the fuzzer has kept, through its target: read or refused, nothing else."""

import importlib
from pathlib import Path

import pytest

CORPUS = Path(__file__).parent / "corpus"
TARGETS = ["checkpoint", "labels", "ledger", "manifest", "sound", "stdin", "toml"]


def test_every_target_has_a_corpus_and_there_is_no_other() -> None:
    modules = {path.stem for path in (CORPUS.parent / "targets").glob("*.py")} - {"common"}
    assert sorted(modules) == sorted(path.name for path in CORPUS.iterdir()) == TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_is_read_or_refused(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    target = importlib.import_module(f"targets.{name}")
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for path in inputs:
        try:
            target.run(path.read_bytes())
        except Exception as err:
            err.add_note(f"input {path}")
            raise
