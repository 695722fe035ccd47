"""Streams hold what their references say, where they say it."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from clips import clip, small_corpus, word_samples
from signals import RATE_HZ, white_noise

from engine.errors import ConfigError
from training.evaluation.rooms import LIVING_ROOM
from training.evaluation.streams import (
    Condition,
    Stream,
    WordTrack,
    background_stream,
    noise_bed,
    word_stream,
    word_track,
)

NOISE = white_noise(3, 1.0)


def track(most: int = 10, seed: int = 1, **options: bool) -> WordTrack:
    return word_track(small_corpus(), ("yes", "no"), most_per_word=most, seed=seed, **options)


def make(**condition: object) -> Stream:
    return word_stream(track(), Condition(**condition), NOISE)


def part(stream: Stream, start_s: float, stop_s: float) -> np.ndarray:
    return stream.samples[int(start_s * RATE_HZ) : int(stop_s * RATE_HZ)]


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def test_words_stand_where_the_references_say() -> None:
    stream = make()
    assert sorted(r.keyword for r in stream.references) == ["no"] * 3 + ["yes"] * 3
    last_s = 0.0
    for reference in stream.references:
        assert rms(part(stream, reference.onset_s, reference.offset_s)) == pytest.approx(
            0.05, rel=0.05
        )
        assert 1.2 <= reference.onset_s - last_s <= 3.0
        assert np.abs(part(stream, last_s, reference.onset_s)).max() < 0.01
        last_s = reference.offset_s
    assert stream.hours * 3600 == pytest.approx(last_s + 2, abs=0.01)


def test_references_say_who_spoke() -> None:
    clips = [
        dataclasses.replace(clip("word", word_samples(700), word="yes"), speaker="ann"),
        dataclasses.replace(
            clip("word", word_samples(700), word="yes"), speaker="bot", synthetic=True
        ),
    ]
    made = word_track(clips, ("yes",), most_per_word=5, seed=0)
    assert {(r.speaker, r.synthetic) for r in made.references} == {("ann", False), ("bot", True)}


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
def test_noise_has_the_ratio_asked_for(snr_db: float) -> None:
    noisy = make(snr_db=snr_db)
    assert noisy.references == make().references
    level_db = 20 * np.log10(rms(part(noisy, 0, noisy.references[0].onset_s)) / 0.05)
    assert level_db == pytest.approx(-snr_db, abs=0.3)


def test_gain_changes_everything_and_clips() -> None:
    plain, quiet, loud = (make(snr_db=10.0, gain_db=gain_db) for gain_db in (0.0, -30.0, 40.0))
    assert 20 * np.log10(rms(quiet.samples) / rms(plain.samples)) == pytest.approx(-30, abs=0.1)
    assert loud.samples.max() == pytest.approx(32_767 / 32_768)
    assert loud.samples.min() == -1


def test_every_sample_fits_into_16_bits() -> None:
    """As from a microphone, and so that a file holds the same."""
    for stream in (
        make(),
        make(room=LIVING_ROOM, snr_db=5.0),
        background_stream(small_corpus(), "speech"),
    ):
        scaled = stream.samples.astype(np.float64) * 32_768
        np.testing.assert_array_equal(scaled, np.round(scaled))
        assert stream.samples.dtype == np.float32


def test_a_room_makes_words_longer_and_moves_none() -> None:
    dry, wet = make(), make(room=LIVING_ROOM)
    assert wet.references == dry.references
    after = dry.references[0].offset_s
    assert rms(part(wet, after, after + 0.1)) > 5 * rms(part(dry, after, after + 0.1))
    before = dry.references[0].onset_s
    assert rms(part(wet, before - 0.2, before)) < 0.001


def test_names_say_the_condition() -> None:
    assert make().name == "words, clean"
    assert make(snr_db=0.0).name == "words, 0 dB"
    named = make(snr_db=5.0, room=LIVING_ROOM, gain_db=-10.0).name
    assert named == "words, 5 dB, living room (0.4 s), gain -10 dB"
    with pytest.raises(ConfigError, match=r"gain_db is 1000; it must be -100 to 100"):
        Condition(gain_db=1000.0)


def test_no_more_than_wanted_and_the_seed_decides_which() -> None:
    assert len(track(most=2).references) == 4
    assert track().references == track().references
    assert track().references != track(seed=2).references


def test_repeated_words_follow_each_other_closely() -> None:
    references = track(repeated=True, seed=3).references
    assert [r.keyword for r in references] == ["no"] * 3 + ["yes"] * 3
    gaps_s = [b.onset_s - a.offset_s for a, b in pairwise(references)]
    assert min(gaps_s) >= 0.5
    assert max(gaps_s) <= 1.2


def test_words_that_nobody_spoke() -> None:
    with pytest.raises(ConfigError, match=r"no clip of maybe is there to be spoken"):
        word_track(small_corpus(), ("maybe",), most_per_word=5, seed=1)


def test_backgrounds_hold_all_of_their_kind_and_no_reference() -> None:
    stream = background_stream(small_corpus(), "noise")
    assert (stream.references, stream.kind) == ((), "noise")
    assert len(stream.samples) == 3.5 * RATE_HZ
    assert len(background_stream(small_corpus(), "nothing").samples) == 0


def test_the_noise_bed_gives_every_noise_the_same_power() -> None:
    noises = [clip("noise", white_noise(1, level)) for level in (0.01, 0.2)]
    bed = noise_bed(noises, seed=1)
    powers = [np.mean(bed[:RATE_HZ] ** 2), np.mean(bed[RATE_HZ:] ** 2)]
    np.testing.assert_allclose(powers, 1, rtol=1e-3)


def test_without_noises_the_bed_is_coloured_noise() -> None:
    bed = noise_bed([], seed=1)
    assert len(bed) == 30 * RATE_HZ
    assert rms(bed) == pytest.approx(1, rel=1e-3)
    np.testing.assert_array_equal(bed, noise_bed([], seed=1))
    assert not np.array_equal(bed, noise_bed([], seed=2))


def test_silent_noises_are_no_bed() -> None:
    silent = clip("noise", np.zeros(16_000))
    loud = clip("noise", np.full(8_000, 0.1))
    assert len(noise_bed([silent, loud], seed=1)) == 8_000
    assert np.abs(noise_bed([silent], seed=1)).max() > 0.1  # coloured noise in its place
