"""Every model that ships loads, hears the bundled recording, and fires at nothing else in it."""

from pathlib import Path

import pytest
import soundfile

from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.scorer import StreamScorer

MODELS = sorted((Path(__file__).parent.parent / "assets" / "models").iterdir())
SAID = {"yes": 2.0, "stop": 7.4, "left": 9.3, "right": 13.6, "no": 15.5}


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_it_hears_what_is_said(folder: Path, demo_path: Path) -> None:
    manifest = load_manifest(folder)
    samples, rate_hz = soundfile.read(demo_path, dtype="float32")
    assert rate_hz == manifest.fbank.sample_rate_hz
    with choose_backend("cpu", manifest).backend as backend:
        scorer = StreamScorer(manifest, backend, manifest.decision)
        heard = [d for scored in scorer.process(samples) for d in scored.detections]
    assert len(heard) >= 4
    for detection in heard:
        assert abs(detection.end_sample / rate_hz - SAID[detection.keyword]) <= 0.3


@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name)
def test_its_promise_is_written_down(folder: Path) -> None:
    manifest = load_manifest(folder)
    promise = manifest.provenance["calibration"]
    assert promise["promised_per_day"] == 87
    assert all(
        point.false_alarms_per_day_interval is not None
        for point in manifest.decision.operating_points.values()
    )
