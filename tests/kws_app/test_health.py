"""A supervisor is told of scored windows, and of nothing else."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from full_disk import files_of_at_most
from supervisor import Supervisor

from engine.errors import ConfigError
from engine.types import BackendChanged, DeviceBack, DeviceLost, DeviceTrouble, Started, StreamStats
from kws_app.headless import run_headless
from kws_app.health import Health
from kws_app.settings import Settings

WINDOW: Any = SimpleNamespace(skipped_windows=0)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "notify")
    yield made
    made.socket.close()


@pytest.fixture
def now_s() -> list[float]:
    return [100.0]


def make(
    path: Path | None,
    environment: dict[str, str],
    now_s: list[float],
    *,
    not_kept: Sequence[str] = (),
) -> Health:
    now = datetime(2026, 11, 26, 12, tzinfo=UTC)
    return Health(
        path, environment, clock=lambda: now_s[0], now=lambda: now, not_kept=lambda: not_kept
    )


def test_the_watchdog_is_fed_by_scored_windows_alone(
    supervisor: Supervisor, now_s: list[float]
) -> None:
    with make(None, supervisor.environment, now_s) as health:
        now_s[0] += 60
        assert supervisor.told() == []  # it runs, and hears nothing
        health.see(WINDOW)
        assert supervisor.told() == ["READY=1", "WATCHDOG=1"]
        for _ in range(4):
            now_s[0] += 0.1
            health.see(WINDOW)
        assert supervisor.told() == []
        now_s[0] += 0.2  # a quarter of what is allowed has passed
        health.see(WINDOW)
        assert supervisor.told() == ["WATCHDOG=1"]
        now_s[0] += 60
        assert supervisor.told() == []
    assert supervisor.told() == ["STOPPING=1"]


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": "/nowhere"}, {"NOTIFY_SOCKET": "tcp:1"}, {"WATCHDOG_USEC": "x"}],
)
def test_without_a_supervisor_nothing_happens(
    environment: dict[str, str], now_s: list[float]
) -> None:
    with make(None, environment, now_s) as health:
        health.see(WINDOW)


def test_a_supervisor_that_does_not_read_holds_up_nothing(
    supervisor: Supervisor, now_s: list[float]
) -> None:
    with make(None, supervisor.environment, now_s) as health:
        for _ in range(5_000):
            now_s[0] += 1
            health.see(WINDOW)


def test_another_process_feeds_its_own_watchdog(supervisor: Supervisor, now_s: list[float]) -> None:
    environment = {**supervisor.environment, "WATCHDOG_PID": str(os.getpid() + 1)}
    with make(None, environment, now_s) as health:
        health.see(WINDOW)
        now_s[0] += 0.9
        health.see(WINDOW)
        assert supervisor.told() == ["READY=1", "WATCHDOG=1"]


def test_the_file(tmp_path: Path, now_s: list[float]) -> None:
    path = tmp_path / "health.json"
    with make(path, {}, now_s, not_kept=["record"]) as health:
        assert not path.exists()
        health.take(
            Started(source="USB", sample_rate_hz=48_000, backend="cuda", backend_reason="fastest")
        )
        health.take(BackendChanged(end_sample=0, backend="cpu", backend_reason="gone"))
        health.take(_trouble("fallback"))
        health.take(_trouble("zeros"))
        health.take(DeviceLost(end_sample=0, device="USB", reason="gone"))
        now_s[0] += 5
        health.see(SimpleNamespace(skipped_windows=3))
        told = json.loads(path.read_text())
        assert told == {
            "v": 1,
            "last_window_utc": "2026-11-26T12:00:00.000+00:00",
            "uptime_s": 5.0,
            "windows": 1,
            "skipped": 3,
            "not_kept": ["record"],
            "overflows": 0,
            "lost_samples": 0,
            "device": "USB",
            "backend": "cpu",
            "is_device_lost": True,
            "device_troubles": ["fallback"],  # zeros went with the device
            "clock_ppm": None,
        }
        health.take(_stats(overflows=2, lost_samples=7, clock_ppm=-40.5))
        health.see(WINDOW)
        assert json.loads(path.read_text()) == told  # not yet
        health.take(DeviceBack(end_sample=0, device="USB 2"))
        now_s[0] += 1
        health.see(WINDOW)
        later = json.loads(path.read_text())
        assert (later["device"], later["is_device_lost"]) == ("USB 2", False)
        assert (later["device_troubles"], later["clock_ppm"]) == (["fallback"], -40.5)
        assert (later["overflows"], later["lost_samples"], later["windows"]) == (2, 7, 3)
    assert list(tmp_path.iterdir()) == []


def test_troubles_come_and_end_each_for_itself(tmp_path: Path, now_s: list[float]) -> None:
    path = tmp_path / "health.json"

    def troubles() -> list[str]:
        told: list[str] = json.loads(path.read_text())["device_troubles"]
        return told

    with make(path, {}, now_s) as health:
        health.see(WINDOW)
        for kind in ("zeros", "fallback", "rate"):
            health.take(_trouble(kind))
        assert troubles() == ["fallback", "rate", "zeros"]
        health.take(_trouble("zeros", is_over=True))
        assert troubles() == ["fallback", "rate"]
        health.take(_trouble("zeros"))
        health.take(DeviceLost(end_sample=0, device="USB", reason="gone"))
        assert troubles() == ["fallback"]
        health.take(_trouble("zeros"))  # of the other one, which is left again
        health.take(DeviceBack(end_sample=0, device="USB"))
        assert troubles() == ["fallback"]
        health.take(_trouble("fallback", is_over=True))
        assert troubles() == []


def test_a_device_that_is_lost_is_told_at_once_and_feeds_no_watchdog(
    tmp_path: Path, now_s: list[float]
) -> None:
    path = tmp_path / "health.json"
    with make(path, {}, now_s) as health:
        health.take(DeviceLost(end_sample=0, device="USB", reason="gone"))
        assert json.loads(path.read_text())["last_window_utc"] is None
        health.take(DeviceBack(end_sample=0, device="USB"))
        assert json.loads(path.read_text())["is_device_lost"] is False
        now_s[0] += 5
        health.see(WINDOW)
        before = json.loads(path.read_text())
        now_s[0] += 5
        health.take(DeviceLost(end_sample=0, device="USB", reason="gone"))
        after = json.loads(path.read_text())
        assert (before["is_device_lost"], after["is_device_lost"]) == (False, True)
        assert after["uptime_s"] == before["uptime_s"] + 5
        assert after["last_window_utc"] == before["last_window_utc"]


def _trouble(kind: str, *, is_over: bool = False) -> DeviceTrouble:
    return DeviceTrouble(end_sample=0, device="USB", kind=kind, reason="", is_over=is_over)


def _stats(**values: Any) -> StreamStats:
    zeros = dict.fromkeys(("capture_ms", "feature_ms", "inference_ms", "total_ms"), (0.0, 0.0))
    counts = dict.fromkeys(
        ("end_sample", "windows", "skipped_windows", "detections", "dropped_events"), 0
    )
    return StreamStats(**zeros, **counts, last_window_age_s=0.0, **values)


def test_a_full_disk_is_told_once_and_ends_nothing(
    tmp_path: Path, now_s: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    with make(tmp_path / "health.json", {}, now_s) as health, files_of_at_most(0):
        for _ in range(3):
            now_s[0] += 1
            health.see(WINDOW)
        assert capsys.readouterr().err.count("it is tried every second") == 1
        with files_of_at_most(10_000):
            for _ in range(3):
                now_s[0] += 1
                health.see(WINDOW)
        assert capsys.readouterr().err.count("is written again") == 1
        assert json.loads((tmp_path / "health.json").read_text())["windows"] == 6


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path, now_s: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"--health: folder .*none does not exist"):
        make(tmp_path / "none" / "health.json", {}, now_s)


def test_listening_tells_it(
    supervisor: Supervisor,
    monkeypatch: pytest.MonkeyPatch,
    tiny_folder: Path,
    demo_path: Path,
    tmp_path: Path,
) -> None:
    for name, value in supervisor.environment.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "health.json"
    settings = Settings(
        input=str(demo_path), model=tiny_folder, backend="cpu", quiet=True, json=True, health=path
    )
    run_headless(settings)
    told = supervisor.told()
    assert told[:2] == ["READY=1", "WATCHDOG=1"]
    assert told[-1] == "STOPPING=1"
    assert not path.exists()


def test_what_could_not_be_written_is_written_while_no_window_comes(
    tmp_path: Path, now_s: list[float]
) -> None:
    path = tmp_path / "health.json"
    with make(path, {}, now_s) as health:
        with files_of_at_most(0):
            health.take(DeviceLost(end_sample=0, device="USB", reason="gone"))
            health.poll()
        health.poll()
        assert not path.exists()  # not yet
        now_s[0] += 1
        health.poll()
        assert json.loads(path.read_text())["is_device_lost"] is True
        path.unlink()
        now_s[0] += 1
        health.poll()
        assert not path.exists()  # nothing is new
        with files_of_at_most(0):
            health.take(DeviceBack(end_sample=0, device="USB"))
    assert list(tmp_path.iterdir()) == []


def test_only_what_it_wrote_itself_is_replaced_and_removed(
    tmp_path: Path, now_s: list[float]
) -> None:
    path = tmp_path / "health.json"
    with make(path, {}, now_s) as health:
        health.see(WINDOW)
        left = path.read_text()
    for content in ("", left):  # of a program that was killed
        path.write_text(content)
        make(path, {}, now_s)
    path.write_text("somebody's own")
    with pytest.raises(ConfigError, match=r"health.json is a file of something else; name another"):
        make(path, {}, now_s)
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(ConfigError, match="is there and no file; name another one"):
            make(other, {}, now_s)
