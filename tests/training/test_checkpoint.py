"""A checkpoint is whole or not there, and never unpickled."""

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from program import ROOT
from small_run import small_task, train

from engine.errors import ConfigError, ModelError, TrainingError
from training.checkpoint import RunState, load_checkpoint, locked, save_checkpoint
from training.start import open_start


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run" / "last.pt"
    save_checkpoint(path, {"step": 1, "weights": {"w": torch.ones(2)}})
    assert load_checkpoint(path)["weights"]["w"].tolist() == [1, 1]
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("writer failed\nstack")]
)
def test_a_failed_write_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"step": 1})

    def half(_: object, file: object) -> None:
        file.write(b"half")
        raise error

    monkeypatch.setattr(torch, "save", half)
    reason = "No space left on device|writer failed"
    with pytest.raises(TrainingError, match=rf"({reason}); the one of before is whole: .*last.pt;"):
        save_checkpoint(path, {"step": 2})
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_code_in_a_checkpoint_is_refused_and_not_run(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return (Path.touch, (tmp_path / "canary",))

    path = tmp_path / "last.pt"
    torch.save({"step": Payload()}, path)
    with pytest.raises(ModelError, match=r"cannot read .*last.pt: .*may be an attack"):
        load_checkpoint(path)
    assert not (tmp_path / "canary").exists()


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_text("no checkpoint")
    with pytest.raises(ModelError, match="it must be the checkpoint of a run"):
        load_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="holds a list; it must hold a dict"):
        load_checkpoint(path)


def test_a_checkpoint_of_something_else(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last.pt", {"step": 1})
    with pytest.raises(ModelError, match=r"has no 'activation'; it is of no run"):
        RunState(tmp_path).load(small_task())
    train(tmp_path / "run", steps=1)
    assert RunState(tmp_path / "run").load(small_task())["activation"] == "softmax"
    with pytest.raises(ConfigError, match=r"trained with other model: dim was 24 and is 48; take"):
        RunState(tmp_path / "run").load(small_task(dim=48))


def test_values_that_no_run_writes_are_one_error(tmp_path: Path) -> None:
    train(tmp_path / "run", steps=1)
    good = load_checkpoint(tmp_path / "run" / "last.pt")
    save_checkpoint(tmp_path / "odd" / "last.pt", good)
    for name in sorted(good):
        for value in (None, "x", torch.zeros(2)):
            save_checkpoint(tmp_path / "odd" / "last.pt", good | {name: value})
            for read in (lambda: train(tmp_path / "odd", steps=1), lambda: start(tmp_path / "odd")):
                with suppress(ConfigError, ModelError):  # and no other error
                    read()


def start(folder: Path) -> None:
    open_start(str(folder))


def test_a_folder_is_trained_in_by_one_process(tmp_path: Path) -> None:
    run = tmp_path / "run"
    other = (
        "import sys; from pathlib import Path; from training.checkpoint import locked\n"
        "with locked(Path(sys.argv[1])): pass"
    )
    command = [sys.executable, "-c", other, str(run)]
    with locked(run):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert f"another process trains in {run}; wait for it" in done.stderr
    assert not run.exists()  # nothing came of it
    run.mkdir()
    (run / "last.pt").write_text("x")
    assert subprocess.run(command, cwd=ROOT).returncode == 0
    assert [path.name for path in run.iterdir()] == ["last.pt"]
