"""What the pipeline tells of a device: its age, its hanging, its loss, its troubles."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pipelines import FakeSource, cut, drain, make, run, stopped
from program import ROOT, environment
from signals import silence, tone_stream

from engine.audio.source import Block, Trouble
from engine.manifest import ModelManifest
from engine.pipeline import StopRule
from engine.types import (
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Gap,
    Stopped,
    StreamStats,
)


def test_the_age_of_captured_samples_is_reported(tiny: ModelManifest) -> None:
    samples = tone_stream()[:32_000]
    blocks = [Block(samples=samples, capture_s=0.02), Block(samples=samples, capture_s=0.04)]
    events, _ = run(tiny, FakeSource(blocks))
    assert stopped(events).stats.capture_ms == (pytest.approx(30), pytest.approx(39.8))
    events, _ = run(tiny, FakeSource(cut(samples)))
    assert stopped(events).stats.capture_ms == (0, 0)


HANGING = """
import sys, time
from pathlib import Path
from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.pipeline import Pipeline

class Source:
    is_live, name, sample_rate_hz = True, "stuck", 16_000
    def __enter__(self): time.sleep(600)
    def __exit__(self, *_): pass

manifest = load_manifest(Path(sys.argv[1]))
chosen = choose_backend("cpu", manifest)
pipeline = Pipeline(Source(), manifest, chosen, manifest.decision, [])
pipeline.start()
pipeline.stop()
try:
    pipeline.join(0.2)
except TimeoutError as err:
    print(err)
"""


def test_a_driver_that_hangs_holds_up_no_end_of_the_program(tiny_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING, str(tiny_folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "the scorer thread did not end within 0.2 s\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_device_that_goes_and_comes_back_is_told_with_its_gap(tiny: ModelManifest) -> None:
    nothing = np.empty(0, np.float32)
    blocks = [
        *cut(tone_stream()[:16_000]),
        Block(samples=nothing, lost_device="it is gone"),
        Block(samples=nothing),
        Block(samples=nothing, lost_samples=48_000, lost_reason="why", device_back="another"),
        *cut(tone_stream()[: 2 * 16_000]),
    ]
    events, windows = run(tiny, FakeSource(blocks, is_live=True))
    told = [e for e in events if isinstance(e, DeviceLost | DeviceBack | Gap)]
    assert told == [
        DeviceLost(end_sample=16_000, device="fake", reason="it is gone"),
        DeviceBack(end_sample=64_000, device="another"),
        Gap(end_sample=64_000, lost_samples=48_000, reason="why"),
    ]
    assert windows[-1].posteriors.end_sample == 96_000


def test_trouble_and_drift_of_a_device_are_told(tiny: ModelManifest) -> None:
    trouble = Trouble(kind="zeros", text="it is muted", is_over=True)
    blocks = [
        Block(samples=silence(1), clock_ppm=-40.0),
        Block(samples=silence(1), trouble=trouble),  # a gap in what is known is no change
    ]
    pipeline, queue = make(tiny, FakeSource(blocks, is_live=True))
    pipeline.start()
    pipeline.join(10)
    events = drain(queue)
    assert (
        DeviceTrouble(
            end_sample=16_000, device="fake", kind="zeros", reason="it is muted", is_over=True
        )
        in events
    )
    assert isinstance(events[-1], Stopped)
    assert events[-1].stats.clock_ppm == -40.0


def test_what_comes_with_the_way_back_has_its_time(tiny: ModelManifest) -> None:
    trouble = Trouble(kind="fallback", text="another one")
    blocks = [
        Block(samples=silence(1), clock_ppm=-40.0),
        Block(samples=silence(0), lost_device="it is gone"),
        Block(
            samples=silence(1),
            lost_samples=48_000,
            lost_reason="why",
            device_back="another",
            trouble=trouble,
        ),
    ]
    pipeline, queue = make(tiny, FakeSource(blocks, is_live=True))
    pipeline.start()
    pipeline.join(10)
    events = drain(queue)
    told = [e.end_sample for e in events if isinstance(e, DeviceBack | DeviceTrouble | Gap)]
    assert told == [64_000] * 3
    assert stopped(events).stats.clock_ppm is None  # that was the other one's


def test_a_report_comes_once_after_a_long_gap(tiny: ModelManifest) -> None:
    blocks = [
        Block(samples=silence(1)),
        Block(samples=silence(0), lost_samples=1_000 * 16_000, lost_reason="why"),
        *cut(silence(3)),
    ]
    events, _ = run(tiny, FakeSource(blocks, is_live=True))
    assert sum(isinstance(event, StreamStats) for event in events) == 1


def test_a_duration_ends_while_there_is_no_device(tiny: ModelManifest) -> None:
    blocks = [Block(samples=silence(1)), Block(samples=silence(0), lost_device="it is gone")]
    source = FakeSource(blocks, is_live=True, endless=True)
    began = time.monotonic()
    events, _ = run(tiny, source, StopRule(samples=round(1.5 * 16_000)))
    assert stopped(events).reason == "duration"
    assert time.monotonic() - began >= 0.5


def test_a_device_that_is_back_is_listened_to_for_the_whole_duration(tiny: ModelManifest) -> None:
    blocks = [
        Block(samples=silence(1)),
        Block(samples=silence(0), lost_device="it is gone"),
        Block(samples=silence(0), device_back="another"),
    ]
    source = FakeSource(blocks, is_live=True, endless=True)
    pipeline, queue = make(tiny, source, rule=StopRule(samples=round(1.2 * 16_000)))
    pipeline.start()
    time.sleep(1)
    pipeline.stop()
    pipeline.join(10)
    assert stopped(drain(queue)).reason == "interrupted"
