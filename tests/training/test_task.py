"""What a run learns goes into a checkpoint and comes out the same; damaged fields are named."""

import pytest
from small_run import small_task

from engine.errors import ConfigError, ModelError
from training.task import Task


def test_there_and_back() -> None:
    task = small_task()
    assert Task.from_dict(task.to_dict()) == task


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("fbank", {"std": 0.0}, "fbank: fbank std is 0.0"),
        ("fbank", None, "the checkpoint is damaged"),
        ("model", {"n_labels": 4, "dim": 25}, "model: model dim is 25"),
        ("model", {"beams": 4}, "unknown key 'beams'"),
        ("labels", 3, "the checkpoint is damaged"),
        ("labels", ["a\nb"], "label 'a.nb' must be text of at most 64 characters"),
    ],
)
def test_damaged_fields(field: str, value: object, message: str) -> None:
    with pytest.raises(ModelError, match=message) as raised:
        Task.from_dict({**small_task().to_dict(), field: value})
    assert not isinstance(raised.value, ConfigError)


def test_a_missing_field() -> None:
    state = small_task().to_dict()
    del state["windows"]
    with pytest.raises(ModelError, match="the checkpoint is damaged: 'windows'; train it anew"):
        Task.from_dict(state)
