"""A log keeps whole rows up to the step that a run goes on from."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from training.run_log import RunLog, read_log


def row(step: int) -> dict[str, float]:
    return {
        "step": step,
        "epoch": step / 10,
        "loss": 1.5,
        "validation": 0.0,
        "learning_rate": 1e-3,
        "trained_s": 2.0 * step,
    }


def test_rows_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, tensorboard=False)
    for step in (10, 20, 30):
        log.write(row(step))
    RunLog(tmp_path, 20, tensorboard=False).write(row(25))
    assert [found["step"] for found in read_log(tmp_path / "log.csv")] == ["10", "20", "25"]


def test_a_row_that_was_cut_is_dropped(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, tensorboard=False)
    log.write(row(10))
    log.write(row(20))
    text = (tmp_path / "log.csv").read_bytes()
    for end in (1, 4, 9, 15):
        (tmp_path / "log.csv").write_bytes(text[:-end])
        RunLog(tmp_path, 20, tensorboard=False)
        assert [found["step"] for found in read_log(tmp_path / "log.csv")][:1] == ["10"]


def test_tensorboard_has_the_same_figures(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, tensorboard=True)
    log.write(row(10))
    log.close()
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "validation", "learning_rate", "trained_s"}
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(10, 1.5)]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "\0\1garbage", "x" * 200_000, ""])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ConfigError, match=r"log.csv is no log of a run; move it away"):
        RunLog(tmp_path, 0, tensorboard=False)
    assert (tmp_path / "log.csv").read_text() == text


def test_steps_are_whole_numbers(tmp_path: Path) -> None:
    log = RunLog(tmp_path, 0, tensorboard=False)
    log.write(row(10))
    log.write({**row(20), "step": 20.5})
    assert [found["step"] for found in read_log(tmp_path / "log.csv")] == ["10"]


def test_no_log_has_no_rows(tmp_path: Path) -> None:
    assert read_log(tmp_path / "log.csv") == []
