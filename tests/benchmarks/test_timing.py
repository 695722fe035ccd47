"""Ratios are taken within a round, and every benchmark runs."""

from pathlib import Path

import pytest

from benchmarks import timing
from benchmarks.__main__ import main
from benchmarks.timing import compare, table


def test_ratios_are_those_of_the_same_round(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    slowness = [1.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])

    def take(seconds: float) -> None:
        now[0] += seconds * slowness[0]
        slowness[0] *= 1.001  # the machine gets slower all the time

    timings = compare({"one": lambda: take(1.0), "three": lambda: take(3.0)}, rounds=100)
    assert [t.name for t in timings] == ["one", "three"]
    assert timings[0].ratio == timings[0].ratio_low == timings[0].ratio_high == 1
    assert timings[1].ratio == pytest.approx(3, rel=0.01)
    assert timings[1].median_ms > 3_000
    assert "| three |" in table(timings)


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (["features", "--rounds", "3"], ["whole window", "one window hop"]),
        (["stream", "--rounds", "3", "--backend", "cpu"], ["model alone, cpu", "samples to"]),
        (["threads", "--rounds", "1", "--busy", "1"], ["1 other busy process", "| 2 | on |"]),
    ],
)
def test_every_benchmark_prints_its_table(
    capsys: pytest.CaptureFixture[str], tiny_folder: Path, arguments: list[str], rows: list[str]
) -> None:
    model = [] if arguments[0] == "features" else ["--model", str(tiny_folder)]
    assert main([*arguments, *model]) == 0
    out = capsys.readouterr().out
    assert all(row in out for row in rows)
    assert "ratio" in out
