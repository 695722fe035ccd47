"""Counting, intervals, splits and augmentation against code that is slow and plain."""

import csv
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from engine.config import DecisionConfig, FbankConfig, OperatingPoint
from engine.detection import Detector
from engine.errors import ConfigError
from engine.types import Posteriors
from training.augment import Augment, row_draws
from training.data.clip_source import as_window
from training.data.clips import read_samples, speech_extent
from training.data.folder import list_folder, speaker_of
from training.data.label_csv import read_label_csv
from training.evaluation.events import HIT_GRACE_S, Cause, Heard, Reference, match_events
from training.evaluation.intervals import (
    hours_text,
    hours_to_support,
    poisson_interval,
    supported_per_day,
    three_digits,
    two_digits_up,
    wilson_interval,
)
from training.evaluation.sweep import smoothed
from training.positions import adapt_positions
from training.scores import accuracy, area_under_roc, average_precision, confusion_matrix
from training.settings import AugmentConfig
from training.tables import from_table

WORDS = st.sampled_from(["yes", "no"])
TICKS = st.integers(0, 40).map(lambda n: n / 4)  # 0.75 s is met exactly
REFERENCES = st.builds(
    lambda word, onset_s, length_s: Reference(
        keyword=word, onset_s=onset_s, offset_s=onset_s + length_s
    ),
    WORDS,
    TICKS,
    st.sampled_from([0.25, 0.5, 1.0, 3.0]),
)
HEARD = st.builds(Heard, keyword=WORDS, time_s=TICKS)


def hits_of(references: list[Reference], heard: list[Heard]) -> list[tuple[int, int]]:
    """Which detection hits which reference: each takes the first word that it can have."""
    by_time = sorted(range(len(heard)), key=lambda d: heard[d].time_s)
    by_onset = sorted(range(len(references)), key=lambda r: references[r].onset_s)
    taken: dict[int, int] = {}
    for d in by_time:
        for r in by_onset:
            word, time_s = references[r], heard[d].time_s
            fits = word.onset_s <= time_s <= word.offset_s + HIT_GRACE_S
            if r not in taken and word.keyword == heard[d].keyword and fits:
                taken[r] = d
                break
    return sorted((r, d) for r, d in taken.items())


@settings(max_examples=200)
@given(st.lists(REFERENCES, max_size=7), st.lists(HEARD, max_size=7))
def test_events_are_matched_as_by_hand(references: list[Reference], heard: list[Heard]) -> None:
    found = match_events(references, heard)
    expected = [(id(references[r]), id(heard[d])) for r, d in hits_of(references, heard)]
    assert sorted((id(r), id(d)) for r, d in found.hits) == sorted(expected)
    assert len(found.hits) + len(found.missed) == found.references == len(references)
    assert len(found.hits) + len(found.alarms) == len(heard)
    assert found.count(Cause.DUPLICATE) <= len(heard) - len(found.hits)
    for alarm in found.alarms:
        covering = [r for r in references if r.covers(alarm.heard.time_s)]
        same = [r for r in covering if r.keyword == alarm.heard.keyword]
        assert not any(r is missed for r in same for missed in found.missed)
        assert (alarm.cause is Cause.DUPLICATE) == bool(same)
        assert (alarm.cause is Cause.FALSE_ALARM) <= all(
            any(r is hit for hit, _ in found.hits) for r in covering
        )


@given(st.integers(0, 5_000))
def test_poisson_intervals_are_exact(count: int) -> None:
    low, high = poisson_interval(count)
    assert low <= count <= high
    if count == 0:
        assert stats.poisson.cdf(0, high) == pytest.approx(0.05)
        return
    assert stats.poisson.cdf(count, high) == pytest.approx(0.025)
    assert stats.poisson.sf(count - 1, low) == pytest.approx(0.025)
    assert poisson_interval(count + 1) > (low, high)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_intervals_hold_the_share(counts: tuple[int, int]) -> None:
    successes, total = counts
    low, high = wilson_interval(successes, total)
    assert 0 <= low <= successes / total + 1e-12
    assert successes / total - 1e-12 <= high <= 1
    other_low, other_high = wilson_interval(total - successes, total)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-9)


@given(st.floats(1e-9, 1e9))
def test_numbers_as_people_write_them(value: float) -> None:
    assert float(three_digits(value).replace(",", "")) == pytest.approx(value, rel=5.1e-3)
    up = float(two_digits_up(value))
    assert value * (1 - 1e-9) <= up <= value * 1.1 * (1 + 1e-9)
    assert hours_text(value)[0].isdigit()
    assert supported_per_day(hours_to_support(value)) == pytest.approx(value)


SCORES = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.int8, (n, 3), elements=st.integers(0, 5)),
        arrays(np.int8, (n, 3), elements=st.integers(0, 1)),
    )
)


@given(SCORES)
def test_ranking_figures_are_those_of_all_pairs(data: tuple[np.ndarray, np.ndarray]) -> None:
    scores, targets = (part.astype(np.float32) for part in data)
    own, truth = scores[:, 0], targets[:, 0] > 0
    pairs = [(a > b) + (a == b) / 2 for a in own[truth] for b in own[~truth]]
    area = area_under_roc(own, targets[:, 0])
    assert area == pytest.approx(np.mean(pairs)) if pairs else math.isnan(area)
    steps = [(truth[own >= level].sum(), (own >= level).sum()) for level in sorted(set(own))[::-1]]
    gained = np.diff([0, *(right for right, _ in steps)])
    precision = average_precision(own, targets[:, 0])
    if truth.any():
        wanted = sum(g * r / n for g, (r, n) in zip(gained, steps, strict=True)) / truth.sum()
        assert precision == pytest.approx(wanted)
    else:
        assert math.isnan(precision)
    confusion = confusion_matrix(scores, targets)
    assert confusion.sum() == len(scores)
    assert np.trace(confusion) / len(scores) == pytest.approx(accuracy(scores, targets))


NAMES = st.tuples(st.text("abc01", min_size=1, max_size=4), st.integers(0, 3)).map(
    lambda parts: f"{parts[0]}_nohash_{parts[1]}.wav"
)


@settings(max_examples=30)
@given(st.dictionaries(WORDS, st.sets(NAMES, min_size=1, max_size=6), min_size=1))
def test_no_speaker_stands_in_two_splits(words: dict[str, set[str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        for word, files in words.items():
            (Path(name) / word).mkdir()
            for file in files:
                (Path(name) / word / file).touch()
        entries = list_folder(Path(name))
    paths = {f"{word}/{file}" for word, files in words.items() for file in files}
    assert {entry.path for entry in entries} == paths
    splits: dict[str, set[str]] = {}
    for entry in entries:
        assert entry.speaker == speaker_of(entry.path) == entry.path.split("/")[1].split("_")[0]
        splits.setdefault(entry.speaker, set()).add(entry.split)
    assert all(len(found) == 1 for found in splits.values())


AUGMENTS = st.builds(
    AugmentConfig,
    masks=st.integers(0, 3),
    mask_frames=st.integers(0, 40),
    mask_mels=st.integers(0, 40),
    mask_value=st.sampled_from(["mean", "zero"]),
    noise=st.booleans(),
    warp=st.floats(0, 0.3),
    equalize_db=st.floats(0, 12),
)


ROWS = st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True)


@settings(max_examples=20)
@given(AUGMENTS, st.integers(0, 9), ROWS)
def test_augmented_rows_keep_their_shape_and_do_not_see_each_other(
    config: AugmentConfig, step: int, rows: list[int]
) -> None:
    fbank, picked = FbankConfig(), np.array(rows)
    augment = Augment(config, fbank, 3)
    batch = torch.from_numpy(np.random.default_rng(0).normal(-7, 3, (7, 20, 128))).float()
    batch = batch.clamp(min=math.log(fbank.log_floor))

    def changed(rows: np.ndarray) -> torch.Tensor:
        voiced = augment.change_voice(batch[rows], step, rows)
        assert voiced.shape == (len(rows), 20, 128)
        assert voiced.min() >= np.float32(math.log(fbank.log_floor))
        masked = augment.mask(voiced, step, rows)
        hidden = fbank.mean if config.mask_value == "mean" else 0.0
        assert ((masked == voiced) | (masked == np.float32(hidden))).all()
        limit = config.masks * (min(config.mask_mels, 128) * 20 + min(config.mask_frames, 20) * 128)
        assert (masked != voiced).sum() <= limit * len(rows)
        return augment.disturb(masked, step, rows, 7)

    torch.testing.assert_close(changed(picked), changed(np.arange(7))[picked])
    draws = row_draws((1, step), picked, 3)
    np.testing.assert_array_equal(draws, row_draws((1, step), np.arange(7), 3)[picked])


GRIDS = st.tuples(st.integers(1, 12), st.integers(1, 12))


@given(GRIDS, GRIDS, st.integers(1, 2))
def test_positions_are_cropped_from_the_middle(
    old: tuple[int, int], new: tuple[int, int], n_special: int
) -> None:
    n = old[0] * old[1]
    embedding = torch.arange(n_special + n).float()[None, :, None].repeat(1, 1, 2)
    found = adapt_positions(embedding, old_grid=old, new_grid=new, n_special=n_special)
    assert found.shape == (1, n_special + new[0] * new[1], 2)
    assert torch.equal(found[:, :n_special], embedding[:, :n_special])
    grid = found[0, n_special:, 0].reshape(new)
    assert grid.min() >= n_special
    assert grid.max() <= n_special + n - 1
    if new[0] <= old[0] and new[1] <= old[1]:
        first = [size // 2 - wanted // 2 for size, wanted in zip(old, new, strict=True)]
        whole = embedding[0, n_special:, 0].reshape(old)
        assert torch.equal(grid, whole[first[0] : first[0] + new[0], first[1] : first[1] + new[1]])
    with pytest.raises(ConfigError, match="position embedding has"):
        adapt_positions(embedding, old_grid=(old[0], old[1] + 1), new_grid=new, n_special=n_special)


@given(st.integers(0, 4_000), st.integers(1, 4_000), st.integers(0, 2**32 - 1))
def test_a_clip_becomes_a_window(length: int, window: int, seed: int) -> None:
    samples = np.random.default_rng(seed).uniform(-1, 1, length).astype(np.float32)
    start, stop = speech_extent((samples * 32_767).astype(np.int16))
    assert 0 <= start <= stop <= length
    found = as_window(samples, window)
    assert len(found) == window
    if length <= window:
        first = (window - length) // 2
        np.testing.assert_array_equal(found[first : first + length], samples)
        assert np.count_nonzero(found) == np.count_nonzero(samples)
    else:
        assert found.tobytes() in samples.tobytes()


@settings(max_examples=25)
@given(arrays(np.int16, st.tuples(st.integers(1, 3_000), st.integers(1, 3))))
def test_clips_are_read_as_they_were_written(pcm: np.ndarray) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.flac"
        soundfile.write(path, pcm, 16_000)
        found = read_samples(path)
    assert np.abs(found - pcm.astype(np.float64).mean(axis=1)).max() <= 0.51


LABELS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.lists(st.tuples(LABELS, LABELS), max_size=6))
def test_a_label_table_is_read_or_refused(rows: list[tuple[str, str]]) -> None:
    mids, names = tuple(mid for mid, _ in rows), tuple(name for _, name in rows)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "labels.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["index", "mid", "display_name"])
            writer.writerows((i, *row) for i, row in enumerate(rows))
        if not rows or len(set(mids)) < len(rows) or len(set(names)) < len(rows):
            with pytest.raises(ConfigError, match="label table"):
                read_label_csv(path)
            return
        table = read_label_csv(path)
    assert (table.names, table.mids) == (names, mids)


SHARES = st.floats(0, 1, width=32)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 20), st.just(2)), elements=SHARES),
    st.integers(1, 8),
)
def test_smoothing_of_a_sweep_is_the_detectors(posteriors: np.ndarray, windows: int) -> None:
    points = {"yes": OperatingPoint(threshold=1, rearm_threshold=1)}
    config = DecisionConfig(smoothing_windows=windows, operating_points=points)
    detector = Detector(("_", "yes"), config)
    found = smoothed(posteriors, windows)
    for turn, probs in enumerate(posteriors):
        detector.update(Posteriors(probs=probs, end_sample=turn))
        np.testing.assert_array_equal(found[turn], detector.smoothed)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES |= st.sampled_from([10**400, 16**5_000]) | st.lists(st.integers() | st.floats(), max_size=3)
KEYS = st.sampled_from([*AugmentConfig.__dataclass_fields__, "masked", ""])


@settings(max_examples=200)
@given(st.dictionaries(KEYS, VALUES, max_size=2))
def test_a_table_is_read_or_refused(table: dict[str, Any]) -> None:
    try:
        found = from_table(AugmentConfig, table, "x.toml [augment]")
    except ConfigError as err:
        assert str(err).startswith("x.toml [augment]")  # noqa: PT017
        return
    for key, value in table.items():
        kept = getattr(found, key)
        assert kept == value or (kept != kept and value != value) or list(kept) == value
