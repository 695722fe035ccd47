"""The soak judges what it reads, and its full-speed run is the program's own pipeline."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.processes import Usage
from benchmarks.soak import Reading, judged

STEADY = [
    Reading(
        at_s=3600.0 * hour,
        used=Usage(cpu_s=1.0, resident_mb=100.0, threads=3, descriptors=8),
        p99_ms=2.0,
        losses={"lost_samples": 0},
    )
    for hour in range(6)
]


def last(**changes: object) -> list[Reading]:
    """A steady run whose last reading differs."""
    used = {name: changes.pop(name) for name in list(changes) if hasattr(STEADY[0].used, name)}
    newest = replace(STEADY[-1], used=replace(STEADY[-1].used, **used), **changes)
    return [*STEADY[:-1], newest]


def test_a_steady_run_holds() -> None:
    text, holds = judged("6 h", STEADY)
    assert holds
    assert text.count("| holds |") == 4


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"resident_mb": 105.1}, "| at most +5.1 MB"),
        ({"threads": 4}, "| (3, 8) to (4, 8)"),
        ({"descriptors": 9}, "| (3, 8) to (3, 9)"),
        ({"p99_ms": 2.3}, "last 2.30 ms (1.15)"),
        ({"losses": {"lost_samples": 7}}, "| 7 lost_samples"),
    ],
)
def test_each_limit_is_kept(changes: dict[str, object], row: str) -> None:
    text, holds = judged("6 h", last(**changes))
    assert not holds
    (line,) = [line for line in text.splitlines() if line.endswith("| DOES NOT HOLD |")]
    assert row.lstrip("| ") in line


def test_growth_that_went_away_again_counts() -> None:
    readings = list(STEADY)
    readings[3] = replace(STEADY[3], used=replace(STEADY[3].used, resident_mb=120.0))
    assert not judged("6 h", readings)[1]


def test_too_short_a_run_is_not_judged() -> None:
    with pytest.raises(SystemExit, match="2 readings are too few; run it longer"):
        judged("a moment", STEADY[:2])


def test_an_hour_at_full_speed(tiny_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Latency is read, not judged: this machine has other things to do."""
    assert main(["soak", "--model", str(tiny_folder), "--hours", "0.2"]) == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 7
    for row in ("| resident memory after the first minute |", "| threads, descriptors |"):
        (line,) = [line for line in out.splitlines() if line.startswith(row)]
        assert line.endswith("| holds |"), line
