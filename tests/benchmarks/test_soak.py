"""The soak judges what it reads, and its full-speed run is the program's own pipeline."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import soak
from benchmarks.__main__ import main
from benchmarks.processes import Usage
from benchmarks.soak_verdict import Reading, judged

STEADY = [
    Reading(
        at_s=3600.0 * hour,
        used=Usage(cpu_s=1.0, resident_mb=100.0, threads=3, descriptors=8),
        p99_ms=2.0,
        losses={"lost_samples": 0, "skipped": 3},
    )
    for hour in range(6)
]


def last(**changes: object) -> list[Reading]:
    """A steady run whose last reading differs."""
    used = {name: changes.pop(name) for name in list(changes) if hasattr(STEADY[0].used, name)}
    newest = replace(STEADY[-1], used=replace(STEADY[-1].used, **used), **changes)
    return [*STEADY[:-1], newest]


def test_a_steady_run_holds() -> None:
    text, failed = judged("6 h", STEADY)
    assert failed == []
    assert text.count("| holds |") == 4


@pytest.mark.parametrize(
    ("changes", "limit", "found"),
    [
        ({"resident_mb": 105.1}, "memory", "then at most +5.1 MB"),
        ({"threads": 4}, "handles", "3 to 4 threads, 8 to 8 descriptors"),
        ({"descriptors": 9}, "handles", "3 to 3 threads, 8 to 9 descriptors"),
        ({"p99_ms": 2.3}, "latency", "last 2.30 ms (1.15)"),
        ({"losses": {"lost_samples": 7}}, "losses", "7 lost_samples"),
    ],
)
def test_each_limit_is_kept(changes: dict[str, object], limit: str, found: str) -> None:
    text, failed = judged("6 h", last(**changes))
    assert failed == [limit]
    (line,) = [line for line in text.splitlines() if line.endswith("| DOES NOT HOLD |")]
    assert line.startswith(f"| {limit} | ")
    assert found in line


@pytest.mark.parametrize(
    ("check", "ends"),
    [
        ([], False),
        (["--check"], True),
        (["--check", "memory"], True),
        (["--check", "handles"], False),
    ],
)
def test_a_check_ends_with_status_1_where_its_limit_does_not_hold(
    check: list[str],
    ends: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(soak, "at_full_speed", lambda *_: last(resident_mb=200.0))
    if ends:
        with pytest.raises(SystemExit, match="DOES NOT HOLD"):
            main(["soak", *check])
    else:
        assert main(["soak", *check]) == 0


@pytest.mark.parametrize(("fresh_ms", "holds"), [(1.9, True), (1.7, False)])
def test_where_a_fresh_process_ran_beside_it_the_latency_is_judged_by_that(
    fresh_ms: float, holds: bool
) -> None:
    """Whatever else slowed the machine down since the first hour."""
    pairs = [replace(STEADY[0], p99_ms=3.0, fresh_p99_ms=fresh_ms * 1.5) for _ in range(3)]
    slow = replace(STEADY[0], p99_ms=9.0, fresh_p99_ms=1.0)  # one in four
    text, failed = judged("6 h", [*last(p99_ms=4.0), slow, *pairs])
    assert failed == ([] if holds else ["latency"])
    assert "last 4.00 ms (2.00)" in text
    assert f"{2 / fresh_ms:.2f} times its p99" in text


def test_growth_that_went_away_again_counts() -> None:
    readings = list(STEADY)
    readings[3] = replace(STEADY[3], used=replace(STEADY[3].used, resident_mb=120.0))
    assert judged("6 h", readings)[1] == ["memory"]


def test_too_short_a_run_is_not_judged() -> None:
    with pytest.raises(SystemExit, match="2 readings are too few; run it longer"):
        judged("a moment", STEADY[:2])


def test_twelve_minutes_at_full_speed(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Latency is read, not judged: this machine has other things to do."""
    assert main(["soak", "--model", str(tiny_folder), "--hours", "0.2"]) == 0
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 7 + 6
    assert err.count(", fresh ") == 6
    assert " times its p99 (" in out
    for row in ("| memory |", "| handles |"):
        (line,) = [line for line in out.splitlines() if line.startswith(row)]
        assert line.endswith("| holds |"), line
