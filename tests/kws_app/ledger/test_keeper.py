"""The audio of what fired, and of what almost did; nothing waits for the disk."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from keepers import (
    CLIP,
    NOISE,
    POINT,
    Microphone,
    expected,
    kept,
    make,
    window,
)
from signals import LOW_HZ, silence, tone, tone_stream

from engine.backends import choose_backend
from engine.config import DecisionConfig
from engine.manifest import ModelManifest
from engine.scorer import StreamScorer
from engine.types import Detection
from kws_app.ledger.entries import Entry
from kws_app.ledger.keeper import BurstLimit, LedgerKeeper
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger


def test_a_detection_is_kept_with_the_second_that_fired_and_half_a_second_before(
    folder: Path, tiny: ModelManifest
) -> None:
    before = datetime.now(UTC)
    with make(folder, tiny) as keeper:
        keeper.hear(NOISE[:40_000], 0)
        keeper.see(window(32_000, 0.75, fires=True))
    ((entry, samples),) = kept(folder)
    np.testing.assert_array_equal(samples, expected(8_000, 32_000))
    # It ended 0.5 s before what was heard last.
    lag = timedelta(seconds=0.5)
    assert before - lag - timedelta(milliseconds=1) <= entry.utc <= datetime.now(UTC) - lag
    assert entry == Entry(
        id=entry.id,
        utc=entry.utc,
        time_s=2.0,
        keyword="low",
        kind="detection",
        reason=None,
        score=0.75,
        threshold=0.6,
        model="tiny",
        model_sha256=tiny.model_sha256,
        source="mic",
        clip_bytes=entry.clip_bytes,
        label=None,
    )
    assert Ledger(folder).keywords() == {"low", "high"}


def test_a_near_miss_is_kept_with_its_peak_although_it_is_known_a_second_later(
    folder: Path, tiny: ModelManifest
) -> None:
    with make(folder, tiny) as keeper:
        for end in range(16_000, 64_001, 1_600):
            keeper.hear(NOISE[end - 16_000 if end == 16_000 else end - 1_600 : end], 0)
            keeper.see(window(end, 0.55 if end == 33_600 else 0))
    ((entry, samples),) = kept(folder)
    assert (entry.kind, entry.reason, entry.time_s) == ("near miss", "below threshold", 2.1)
    assert entry.score == pytest.approx(0.55)
    np.testing.assert_array_equal(samples, expected(33_600 - CLIP, 33_600))


def test_a_near_miss_at_the_very_end_is_kept(folder: Path, tiny: ModelManifest) -> None:
    with make(folder, tiny) as keeper:
        keeper.hear(NOISE[:40_000], 0)
        keeper.see(window(40_000, 0.55))
    assert [entry.time_s for entry, _ in kept(folder)] == [2.5]


def test_at_the_beginning_the_clip_is_shorter(folder: Path, tiny: ModelManifest) -> None:
    with make(folder, tiny) as keeper:
        keeper.hear(NOISE[:17_600], 0)
        keeper.see(window(17_600, 0.9, fires=True))
    ((_, samples),) = kept(folder)
    np.testing.assert_array_equal(samples, expected(0, 17_600))


def test_no_clip_spans_a_gap_and_what_was_near_before_it_is_kept(
    folder: Path, tiny: ModelManifest
) -> None:
    with make(folder, tiny) as keeper:
        keeper.hear(NOISE[:32_000], 0)
        keeper.see(window(32_000, 0.55))
        keeper.hear(NOISE[:0], 1_000_000)  # longer than the history
        keeper.hear(NOISE[32_000:49_600], 0)
        keeper.see(window(1_049_600, 0.9, fires=True))
    (miss, miss_samples), (detection, samples) = kept(folder)
    assert (miss.kind, miss.time_s) == ("near miss", 2.0)
    np.testing.assert_array_equal(miss_samples, expected(8_000, 32_000))
    assert (detection.kind, detection.time_s) == ("detection", 65.6)
    np.testing.assert_array_equal(samples, expected(32_000, 49_600))


def test_audio_that_is_no_longer_there_is_counted(
    folder: Path, tiny: ModelManifest, told: list[str]
) -> None:
    with make(folder, tiny, told) as keeper:
        for _ in range(2):
            keeper.hear(NOISE, 0)
        keeper.see(window(32_000, 0.9, fires=True))
    assert kept(folder) == []
    assert told[-1].endswith(f"kept in {folder}, 1 lost because scoring was too slow")


def test_the_tiny_models_stream(folder: Path, tiny: ModelManifest) -> None:
    """Through the scorer: what the ledger has is what the scorer said, at any block size."""
    samples = tone_stream()
    for n_samples, name in ((len(samples), "whole"), (777, "cut")):
        with (
            make(folder.parent / name, tiny, is_live=False) as keeper,
            choose_backend("cpu", tiny).backend as backend,
        ):
            scorer = StreamScorer(tiny, backend, tiny.decision, on_audio=keeper.hear)
            for first in range(0, len(samples), n_samples):
                for scored in scorer.process(samples[first : first + n_samples]):
                    keeper.see(scored)
    whole, cut = kept(folder.parent / "whole"), kept(folder.parent / "cut")
    assert [entry.keyword for entry, _ in whole] == ["low", "high", "low"]
    for (entry, clip), (same, same_clip) in zip(whole, cut, strict=True):
        assert replace(same, id=entry.id, utc=entry.utc) == entry
        np.testing.assert_array_equal(clip, same_clip)
        end = round(entry.time_s * 16_000)
        assert np.abs(clip - samples[max(0, end - CLIP) : end] * 32_768).max() <= 0.5


def test_a_clip_fires_again(folder: Path, tiny: ModelManifest) -> None:
    """It is long enough for the smoothing, and starts on the grid of the windows."""
    samples = np.concatenate([silence(2), tone(LOW_HZ, 0.5), silence(2)])

    def score(audio: np.ndarray, keeper: LedgerKeeper | None = None) -> list[Detection]:
        with choose_backend("cpu", tiny).backend as backend:
            scorer = StreamScorer(
                tiny, backend, tiny.decision, on_audio=keeper.hear if keeper else None
            )
            fired = []
            for scored in scorer.process(audio):
                fired += scored.detections
                if keeper:
                    keeper.see(scored)
        return fired

    with make(folder, tiny) as keeper:
        (before,) = score(samples, keeper)
    ((_, clip),) = kept(folder)
    (again,) = score(clip.astype(np.float32) / 32_768)
    assert again.end_sample == CLIP
    assert again.score == pytest.approx(before.score, abs=1e-3)


def test_a_burst_of_near_misses_is_capped_and_counted(
    folder: Path, tiny: ModelManifest, told: list[str]
) -> None:
    with make(folder, tiny, told) as keeper:
        end = 0
        for turn in range(50):  # one every 2 s: 100 s, the first before there is a window
            for low in (0.55, *[0.0] * 19):
                keeper.hear(NOISE[:1_600], 0)
                end += 1_600
                if end >= 16_000:
                    keeper.see(window(end, low))
            if turn == 0:
                keeper.see(window(end, 0.9, fires=True))
    entries = [entry for entry, _ in kept(folder)]
    misses = [entry.time_s for entry in entries if entry.kind == "near miss"]
    assert len(misses) == 20
    assert all(later - earlier > 59.99 for earlier, later in zip(misses, misses[10:], strict=False))
    assert len(entries) == 21  # detections are never left out
    assert told[-1] == (
        f"ledger: 1 detections and 20 near misses kept in {folder}, "
        "28 near misses above 10 a minute left out"
    )


def test_ten_a_minute() -> None:
    limit = BurstLimit(16_000)
    assert [limit.allows(second * 16_000) for second in range(12)] == [True] * 10 + [False] * 2
    assert not limit.allows(60 * 16_000 - 1)
    assert limit.allows(60 * 16_000)
    assert not limit.allows(61 * 16_000 - 1)


def test_it_says_that_audio_is_kept_where_and_how_much(
    folder: Path, tiny: ModelManifest, told: list[str]
) -> None:
    with make(folder, tiny, told):
        pass
    assert told == [
        f"keeping the audio of detections and near misses in {folder}, for 30 days, at most 200 MB",
        f"ledger: 0 detections and 0 near misses kept in {folder}",
    ]


def test_it_says_what_is_damaged(folder: Path, tiny: ModelManifest, told: list[str]) -> None:
    with make(folder, tiny):
        pass
    with (folder / "ledger.jsonl").open("ab") as file:
        file.write(b'{"id": "zzz')
    with make(folder, tiny, told) as keeper:
        keeper.hear(NOISE[:40_000], 0)
        keeper.see(window(32_000, 0.75, fires=True))
    assert told[0] == f"{folder / 'ledger.jsonl'}: left out a half-written last line"
    assert len(kept(folder)) == 1


def test_old_entries_are_removed_and_counted(
    folder: Path, tiny: ModelManifest, told: list[str]
) -> None:
    small = Ledger(folder, Limits(days=30, megabytes=0.1))
    with make(folder, tiny, told, ledger=small) as keeper:
        keeper.hear(NOISE[:40_000], 0)
        for end in (24_000, 25_600, 27_200, 28_800):
            keeper.see(window(end, 0.9, fires=True))
    assert 0 < len(kept(folder)) < 4
    assert told[-1].endswith(f", {4 - len(kept(folder))} old ones removed")


def test_no_thread_is_left(folder: Path, tiny: ModelManifest) -> None:
    with make(folder, tiny):
        pass
    assert not [thread for thread in threading.enumerate() if thread.name == "ledger"]


def test_whoever_listens_hears_of_every_entry_with_its_id(
    folder: Path, tiny: ModelManifest
) -> None:
    entries: list[Entry] = []
    keeper = LedgerKeeper(
        Ledger(folder), Microphone(), tiny, tiny.decision, 0.5, lambda _: None, entries.append
    )
    with keeper:
        keeper.hear(NOISE[:40_000], 0)
        keeper.see(window(32_000, 0.75, fires=True))
    assert [entry.id for entry in entries] == [entry.id for entry, _ in kept(folder)] != [""]


def test_thresholds_that_change_count_for_near_misses(folder: Path, tiny: ModelManifest) -> None:
    high = POINT.with_threshold(0.9)
    with make(folder, tiny) as keeper:  # half of a threshold is near
        keeper.hear(NOISE[:40_000], 0)
        later = window(32_000, 0.4)
        other = DecisionConfig(operating_points={"low": high, "high": high})
        keeper.see(replace(later, decision=other))
    assert kept(folder) == []
