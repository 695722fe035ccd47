"""A checkpoint is whole or not there, and never unpickled."""

from pathlib import Path

import pytest
import torch
from small_run import small_task

from engine.errors import ConfigError, ModelError, TrainingError
from training.checkpoint import RunState, load_checkpoint, save_checkpoint


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
    with pytest.raises(ModelError, match=r"cannot read checkpoint .*last.pt"):
        load_checkpoint(path)
    assert not (tmp_path / "canary").exists()


def test_what_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    path.write_text("no checkpoint")
    with pytest.raises(ModelError, match="train it anew"):
        load_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="holds a list; it must hold a dict"):
        load_checkpoint(path)


def test_a_checkpoint_of_something_else(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "last.pt", {"step": 1})
    with pytest.raises(ModelError, match=r"has no 'labels'; it is of no run"):
        RunState(tmp_path).load(small_task())
    save_checkpoint(tmp_path / "last.pt", small_task().to_dict())
    assert RunState(tmp_path).load(small_task())["activation"] == "softmax"
    with pytest.raises(ConfigError, match=r"was trained with another model: .*take another run"):
        RunState(tmp_path).load(small_task(dim=48))
