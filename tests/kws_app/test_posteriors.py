"""Every scored window in a file, or no file."""

from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from full_disk import files_of_at_most

from engine.config import DecisionConfig
from engine.errors import ConfigError, KwsError
from engine.scorer import ScoredWindow
from engine.types import Posteriors
from kws_app import posteriors
from kws_app.posteriors import PosteriorsFile

LABELS = ("_unknown_", "yes")


def window(end_sample: int, *probs: float) -> ScoredWindow:
    return ScoredWindow(
        posteriors=Posteriors(probs=np.array(probs, np.float32), end_sample=end_sample),
        smoothed=np.zeros(len(probs), np.float32),
        features=np.zeros((98, 128), np.float32),
        decision=DecisionConfig(),
        detections=[],
        held_back={},
        skipped_windows=0,
        feature_s=0,
        inference_s=0,
    )


def test_times_posteriors_and_labels(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    with PosteriorsFile(path, LABELS, 16_000) as file:
        file.add(window(16_000, 0.25, 0.75))
        file.add(window(17_600, 1.0, 0.0))
    with np.load(path, allow_pickle=False) as data:
        assert sorted(data) == ["labels", "posteriors", "time_s"]
        np.testing.assert_array_equal(data["time_s"], [1.0, 1.1])
        np.testing.assert_array_equal(data["posteriors"], [[0.25, 0.75], [1, 0]])
        assert data["posteriors"].dtype == np.float32
        assert list(data["labels"]) == list(LABELS)
    assert list(tmp_path.iterdir()) == [path]


def test_no_window_gives_an_empty_table(tmp_path: Path) -> None:
    with PosteriorsFile(tmp_path / "p.npz", LABELS, 16_000):
        pass
    with np.load(tmp_path / "p.npz") as data:
        assert data["posteriors"].shape == (0, 2)


def test_what_came_before_a_failure_is_kept(tmp_path: Path) -> None:
    file = PosteriorsFile(tmp_path / "p.npz", LABELS, 16_000)

    def fail() -> None:
        with file:
            file.add(window(16_000, 0.5, 0.5))
            raise KwsError("device gone")

    with pytest.raises(KwsError, match="device gone"):
        fail()
    with np.load(tmp_path / "p.npz") as data:
        assert len(data["time_s"]) == 1


def test_a_full_temporary_folder_ends_it_and_keeps_the_whole_rows(tmp_path: Path) -> None:
    def fill(file: PosteriorsFile) -> None:
        for _ in range(4):
            file.add(window(16_000, 0.25, 0.5, 0.25))

    with (
        PosteriorsFile(tmp_path / "p.npz", (*LABELS, "no"), 16_000) as file,
        files_of_at_most(20),  # two times and a half, one row and two thirds
        pytest.raises(KwsError, match=r"cannot keep posteriors in .*TMPDIR"),
    ):
        fill(file)
    with np.load(tmp_path / "p.npz") as data:
        np.testing.assert_array_equal(data["time_s"], [1.0])
        np.testing.assert_array_equal(data["posteriors"], [[0.25, 0.5, 0.25]])


def test_a_full_disk_leaves_the_old_file_and_no_half_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.npz"
    path.write_text("old")

    def fail(target: BinaryIO, **_: object) -> None:
        target.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fail)
    with (
        pytest.raises(KwsError, match=r"cannot write --posteriors .*p.npz: No space left"),
        PosteriorsFile(path, LABELS, 16_000),
    ):
        pass
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_refused_before_listening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match=r"its name must end in \.npz"):
        PosteriorsFile(tmp_path / "p.txt", LABELS, 16_000)
    with pytest.raises(ConfigError, match=r"folder .*nowhere does not exist"):
        PosteriorsFile(tmp_path / "nowhere" / "p.npz", LABELS, 16_000)

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(posteriors, "create_plain_file", refuse)
    with (
        pytest.raises(ConfigError, match=r"cannot write --posteriors .*: Permission denied"),
        PosteriorsFile(tmp_path / "p.npz", LABELS, 16_000),
    ):
        pass
