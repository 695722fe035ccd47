"""Streams hold what their references say, where they say it."""

import numpy as np
import pytest
from clips import clip, small_corpus
from signals import RATE_HZ, white_noise
from training.data.streams import Stream, background_stream, noise_bed, word_stream

NOISE = white_noise(3, 1.0)


def make(snr_db: float | None, most: int = 10, seed: int = 1) -> Stream:
    return word_stream(
        small_corpus(), ("yes", "no"), NOISE, snr_db=snr_db, most_per_word=most, seed=seed
    )


def test_words_stand_where_the_references_say() -> None:
    stream = make(None)
    assert sorted(r.keyword for r in stream.references) == ["no"] * 3 + ["yes"] * 3
    edges = [0.0]
    for reference in stream.references:
        inside = stream.samples[
            int(reference.onset_s * RATE_HZ) : int(reference.offset_s * RATE_HZ)
        ]
        assert np.sqrt(np.mean(inside**2)) == pytest.approx(0.05, rel=0.05)
        gap_s = reference.onset_s - edges[-1]
        assert 1.2 <= gap_s <= 3.0
        before = stream.samples[int(edges[-1] * RATE_HZ) : int(reference.onset_s * RATE_HZ)]
        assert np.abs(before).max() < 0.01
        edges.append(reference.offset_s)
    assert stream.hours * 3600 == pytest.approx(edges[-1] + 2, abs=0.01)


def test_noise_has_the_ratio_asked_for() -> None:
    clean, noisy = make(None), make(10.0)
    assert clean.references == noisy.references
    assert (clean.name, noisy.name) == ("words, clean", "words, 10 dB")
    gap = slice(0, int(noisy.references[0].onset_s * RATE_HZ))
    level_db = 20 * np.log10(np.sqrt(np.mean(noisy.samples[gap] ** 2)) / 0.05)
    assert level_db == pytest.approx(-10, abs=0.3)


def test_no_more_than_wanted_and_the_seed_decides_which() -> None:
    assert len(make(None, most=2).references) == 4
    assert make(None).references == make(None).references
    assert make(None).references != make(None, seed=2).references


def test_backgrounds_hold_all_of_their_kind_and_no_reference() -> None:
    stream = background_stream(small_corpus(), "noise")
    assert stream.references == ()
    assert len(stream.samples) == 3.5 * RATE_HZ
    assert len(background_stream(small_corpus(), "nothing").samples) == 0


def test_the_noise_bed_gives_every_noise_the_same_power() -> None:
    noises = [clip("noise", white_noise(1, level)) for level in (0.01, 0.2)]
    bed = noise_bed(noises)
    np.testing.assert_allclose(
        [np.mean(bed[:RATE_HZ] ** 2), np.mean(bed[RATE_HZ:] ** 2)], 1, rtol=1e-3
    )
