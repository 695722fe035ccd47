"""The report says what was counted, and the manifest keeps it."""

from pathlib import Path

import numpy as np
import pytest
from signals import silence, tone
from training.data.streams import Stream
from training.evaluate import ScoredStream, score_stream
from training.metrics import Reference
from training.report import measure, record, to_markdown

from engine.backends import Backend
from engine.manifest import ModelManifest, load_manifest
from training import report as report_module


def stream(name: str, n_tones: int, references: int) -> Stream:
    """Tones at 3, 6, 9 ... s; the first of them have references."""
    parts = [silence(3)]
    for _ in range(n_tones):
        parts += [tone(1_000, 0.5), silence(2.5)]
    truth = [
        Reference(keyword="low", onset_s=3 + 3 * i, offset_s=3.5 + 3 * i) for i in range(references)
    ]
    return Stream(name=name, samples=np.concatenate(parts), references=tuple(truth))


@pytest.fixture
def measured(own_tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> report_module.Report:
    streams = [
        stream("words, clean", 4, 4),
        stream("words, 10 dB", 3, 4),
        stream("words, 0 dB", 0, 4),
        stream("speech", 2, 0),
        stream("noise", 0, 0),
        stream("other_word", 1, 0),
    ]

    def score(manifest: ModelManifest, backend: Backend, *_: object) -> list[ScoredStream]:
        return [score_stream(manifest, backend, item) for item in streams]

    monkeypatch.setattr(report_module, "_score_streams", score)
    monkeypatch.setattr(report_module, "clip_accuracy", lambda *_: (93, 100))
    monkeypatch.setattr("training.evaluate.COMMANDS", ("low", "high"))
    return measure(own_tiny_folder, Path("data"), alarms_per_hour=[0, 1e6], smoothing=[1])


def test_rows(measured: report_module.Report) -> None:
    shipped, none, many = measured.rows
    assert [row.name for row in measured.rows] == ["as shipped", "at most 0/h", "at most 1e+06/h"]
    assert shipped.threshold == 0.6
    assert [shipped.counts[name].hits for name in ("words, clean", "words, 10 dB")] == [4, 3]
    assert shipped.counts["words, 0 dB"].miss_rate == 1
    assert shipped.counts["speech"].false_alarms == 2
    assert none.counts["speech"].false_alarms == 0 or none.threshold > 0.99
    assert many.threshold == 0.1


def test_markdown(measured: report_module.Report) -> None:
    text = to_markdown(measured)
    assert "Validation clips right: 93 of 100, 93.0% (86.3% to 96.6%)" in text
    row = next(line for line in text.splitlines() if line.startswith("| as shipped"))
    assert "| 0.0% / 25.0% / 100.0% |" in row
    # Two alarms in 9 s of "speech" are 800 an hour.
    assert "| 800.0 (96.9 to 2889.9) |" in row
    assert "| 1 in 0 min |" in row
    assert "- words, clean: 0.2 min, 4 commands" in text


def test_the_manifest_keeps_the_figures(measured: report_module.Report) -> None:
    folder = measured.manifest.folder
    record(measured)
    provenance = load_manifest(folder).provenance["measured"]
    assert provenance["validation_clips_right"] == 93
    shipped = provenance["streams"][0]
    assert shipped["missed"] == {"words, clean": 0.0, "words, 10 dB": 0.25, "words, 0 dB": 1.0}
    assert shipped["false_alarms"]["speech"] == {"count": 2, "hours": 0.0025}
