"""From streams to a manifest that says what was promised, expected and missed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from clips import clip, pcm, word_samples
from signals import HIGH_HZ, LOW_HZ

from engine.config import DecisionConfig
from engine.errors import ConfigError, SourceError
from engine.manifest import ModelManifest, load_manifest
from training.calibration import calibrate as calibrate_module
from training.calibration.calibrate import REARM_SHARES, Calibration, calibrate, calibrated
from training.calibration.evidence import (
    Heard,
    evidence_at,
    hours_without_keywords,
    listen,
)
from training.calibration.report import to_markdown
from training.data.clips import Clip
from training.evaluation.events import Heard as Detection
from training.evaluation.material import Material
from training.evaluation.scored import ScoredStream
from training.manifest_file import write_manifest


def words() -> list[Clip]:
    made = []
    for word, hz in (("low", LOW_HZ), ("high", HIGH_HZ)):
        for person in range(6):
            samples = word_samples(hz) * (0.4 + 0.1 * person)
            made.append(
                Clip(
                    path=f"{word}/{person}",
                    kind="word",
                    word=word,
                    speaker=f"p{person}",
                    split="validation",
                    samples=pcm(samples),
                )
            )
    return made


def talk(seconds: float, n_tones: int) -> np.ndarray:
    """Faint noise with some tones in it, which fire."""
    samples = 1e-3 * np.random.default_rng(1).standard_normal(round(16_000 * seconds))
    for place in np.linspace(0, len(samples) - 16_000, n_tones, dtype=int):
        samples[place : place + 16_000] += word_samples(LOW_HZ)
    return samples


def material(*, seconds: float = 60, n_tones: int = 0) -> Material:
    speech = clip("speech", talk(seconds, n_tones), name="talk")
    noise = clip("noise", 0.05 * np.random.default_rng(2).standard_normal(16_000), name="fan")
    return Material(clips=[*words(), speech, noise], origin={"folder": "tones"})


@pytest.fixture(scope="module")
def heard(tiny: ModelManifest) -> Heard:
    return listen(tiny, material(), tiny.keywords)


def made(tiny: ModelManifest, heard: Heard, per_day: float = 4400.0, **options: Any) -> Calibration:
    values: dict[str, Any] = {"smoothing": [1, 2], "most_delay_s": 1.0} | options
    return calibrate(tiny, heard, per_day=per_day, **values)


def test_what_is_listened_to(tiny: ModelManifest, heard: Heard) -> None:
    assert [item.stream.condition.name for item in heard.words] == ["clean", "10 dB", "0 dB"]
    assert [item.stream.kind for item in heard.negatives] == ["speech", "noise"]
    assert heard.hours == pytest.approx(60.5 / 3600)  # talk alone
    assert hours_without_keywords(material(), []) == pytest.approx(heard.hours)
    evidence = evidence_at(heard, tiny, tiny.keywords, 2)
    assert {name: len(peaks.scores) for name, peaks in evidence.words.items()} == {
        "clean": 12,
        "10 dB": 12,
        "0 dB": 12,
    }
    assert heard.repeats.stream.name == "repeats"
    assert len(heard.repeats.stream.references) == 12


def test_rooms_take_the_place_of_the_datas_backgrounds(tiny: ModelManifest, tmp_path: Path) -> None:
    for name, seconds in (("a.wav", 20), ("b.flac", 10)):
        soundfile.write(tmp_path / name, talk(seconds, 1), 16_000)
    assert hours_without_keywords(material(), [tmp_path]) == pytest.approx(30 / 3600)
    room = listen(tiny, material(), tiny.keywords, rooms=[tmp_path])
    assert [item.stream.kind for item in room.negatives] == ["room", "room"]
    assert room.hours == pytest.approx(30 / 3600)
    assert len(evidence_at(room, tiny, tiny.keywords, 1).alarms.scores) == 2
    assert "data" not in room.described
    with pytest.raises(SourceError, match=r"there is no .*nowhere"):
        listen(tiny, material(), tiny.keywords, rooms=[tmp_path / "nowhere"])


def test_nothing_to_calibrate_on(tiny: ModelManifest) -> None:
    with pytest.raises(ConfigError, match="no clip of any keyword"):
        listen(tiny, material(), [])
    with pytest.raises(ConfigError, match="no audio without keywords to calibrate on"):
        listen(tiny, Material(clips=words(), origin={}), tiny.keywords)


def test_the_manifest_says_it_all(own_tiny_folder: Path, heard: Heard) -> None:
    manifest = load_manifest(own_tiny_folder)
    found = made(manifest, heard)
    write_manifest(calibrated(manifest, found))
    again = load_manifest(own_tiny_folder)
    point = again.decision.operating_points["low"]
    assert point.rearm_threshold == pytest.approx(point.threshold * found.rearm_share)
    assert point.false_alarms_per_day == 0
    assert point.false_alarms_per_day_interval == (
        0,
        pytest.approx(2.996 * 24 / heard.hours, rel=1e-3),
    )
    written = again.provenance["calibration"]
    assert written == json.loads(json.dumps(found.figures))
    assert written["promised_per_day"] == 4400
    assert written["hours_by_kind"]["speech"] == pytest.approx(heard.hours, abs=1e-4)
    assert written["spoken"] == {"clean": 12, "10 dB": 12, "0 dB": 12}
    assert set(written["smoothing_tried"]) == {"1", "2"}
    assert written["keywords"]["high"] == {"spoken": 6, "missed_clean": 0}
    assert not list(own_tiny_folder.glob("*.partial"))


def test_the_setting_with_fewest_misses_is_taken_if_it_is_quick_enough(
    tiny: ModelManifest, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = made(tiny, heard, smoothing=[6, 1])
    best = min(free.tried, key=lambda windows: free.tried[windows].miss_rate)
    assert free.decision.smoothing_windows == best
    delays_s = {1: 0.1, 6: 0.5}
    monkeypatch.setattr(
        calibrate_module,
        "_median_delay_s",
        lambda manifest, words, decision: delays_s[decision.smoothing_windows],
    )
    assert made(tiny, heard, smoothing=[6, 1], most_delay_s=0.2).decision.smoothing_windows == 1
    with pytest.raises(ConfigError, match=r"longer than 0.05 s to hear a word; raise --most-delay"):
        made(tiny, heard, most_delay_s=0.05, smoothing=[6, 1])


def test_the_rearm_share_with_fewest_errors_is_taken(
    tiny: ModelManifest, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made(tiny, heard).rearm_share == REARM_SHARES[0]  # nothing speaks against a half
    detect = calibrate_module.detect

    def only_high(
        manifest: ModelManifest, scored: ScoredStream, decision: DecisionConfig
    ) -> list[Detection]:
        point = decision.operating_points["low"]
        if point.rearm_threshold < 0.8 * point.threshold:
            return []
        return detect(manifest, scored, decision)

    monkeypatch.setattr(calibrate_module, "detect", only_high)
    assert made(tiny, heard).rearm_share == 0.85


def test_alarms_raise_thresholds_or_break_the_promise(tiny: ModelManifest) -> None:
    noisy = listen(tiny, material(seconds=200, n_tones=10), tiny.keywords)
    # Ten alarms in 200 s are 4300 a day.
    free, strict = (made(tiny, noisy, per_day=per_day).promise for per_day in (1e5, 1400.0))
    assert free.alarms[0] >= 1
    assert strict.per_day <= 1400 * 1.05
    assert strict.thresholds[0] >= free.thresholds[0]
    assert strict.miss_rate >= free.miss_rate


def test_short_audio_is_refused(tiny: ModelManifest, heard: Heard) -> None:
    with pytest.raises(ConfigError, match=r"can't be made from 1.01 minutes"):
        made(tiny, heard, per_day=1.0)


def test_for_people(tiny: ModelManifest, heard: Heard) -> None:
    text = to_markdown(made(tiny, heard))
    assert "Promised: at most 4400 false alarms a day" in text
    assert "Expected: 0 a day (0 to 4,280): 0 alarms, counted against 1.01 minutes" in text
    assert "(running speech 1.01 minutes, noise " in text
    assert "| clean | 12 | " in text
    assert "| high | 0.711 | 0.355 | 0 (0 to 4,280) | 6 | 0 |" in text


def test_a_recording_counts_once_however_it_is_named(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", talk(20, 1), 16_000)
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    rooms = [tmp_path, tmp_path / "a.wav"]
    assert hours_without_keywords(material(), rooms) == pytest.approx(20 / 3600)


def test_what_was_measured_at_other_thresholds_is_left_out(
    own_tiny_folder: Path, heard: Heard
) -> None:
    manifest = load_manifest(own_tiny_folder)
    manifest = replace(manifest, provenance={"measured": {"a": 1}, "parameters": 5})
    provenance = calibrated(manifest, made(manifest, heard)).provenance
    assert set(provenance) == {"parameters", "calibration"}
