"""Windows are drawn as a stream shows them, and say truly what they hold."""

import dataclasses

import numpy as np
import pytest
from clips import clip, small_corpus, word_samples
from signals import RATE_HZ

from engine.errors import ConfigError
from training.data import scenes
from training.data.scene_config import SceneConfig
from training.data.scenes import SceneMaker

LABELS = ["_silence_", "_unknown_", "no", "yes"]
QUIET = SceneConfig(
    word_share=1.0,
    cut_share=0.0,
    speech_share=0.0,
    overlap_probability=0.0,
    neighbour_probability=0.0,
    clean_probability=1.0,
    reverb_probability=0.0,
    min_level_db=-6.0,
    max_level_db=-6.0,
)


def draw(maker: SceneMaker, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    windows = [maker.window(0, row, rng) for row in range(size)]
    return np.stack([window for window, _ in windows]), np.stack([t for _, t in windows])


def batch(config: SceneConfig, size: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    maker = SceneMaker(small_corpus(), LABELS, config)
    return draw(maker, size, seed)


def test_every_target_is_a_distribution_and_every_window_finite() -> None:
    samples, targets = batch(SceneConfig(), 400)
    assert samples.shape == (400, 16_000)
    assert samples.dtype == targets.dtype == np.float32
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert (targets >= 0).all()
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1.2


def test_shares_are_kept() -> None:
    config = SceneConfig(word_share=0.5, cut_share=0.0, speech_share=0.3)
    _, targets = batch(config, 2_000)
    shares = targets.mean(axis=0)
    assert shares[0] == pytest.approx(0.2, abs=0.04)
    assert shares[1] == pytest.approx(0.3, abs=0.04)
    assert shares[2:].sum() == pytest.approx(0.5, abs=0.04)


def test_the_same_seed_gives_the_same_windows() -> None:
    for one, other in zip(batch(SceneConfig()), batch(SceneConfig()), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(batch(SceneConfig())[0], batch(SceneConfig(), seed=1)[0])


def test_a_whole_word_lies_inside_the_window_anywhere() -> None:
    samples, targets = batch(QUIET, 100)
    assert (targets[:, 2:].max(axis=1) == 1).all()
    loud = np.abs(samples) > 0.1
    lengths = loud.sum(axis=1) / RATE_HZ
    # 0.4 s of tone within 12 % of speed, above a fifth of its peak.
    assert (lengths > 0.25).all()
    first = loud.argmax(axis=1) / RATE_HZ
    assert first.min() < 0.1
    assert first.max() > 0.4


def test_the_target_of_a_cut_word_follows_what_is_left_of_it() -> None:
    config = dataclasses.replace(QUIET, word_share=0.0, cut_share=1.0, speed_range=0.0)
    samples, targets = batch(config, 300)
    seen_s = (np.abs(samples) > 0.05).sum(axis=1) / RATE_HZ
    weight = targets[:, 2:].sum(axis=1)
    np.testing.assert_allclose(weight + targets[:, 1], 1, atol=1e-6)
    short, long = seen_s < 0.15, weight == 1
    assert short.any()
    assert long.any()
    assert (weight[short] == 0).all()
    assert (seen_s[long] > 0.25).all()
    assert np.unique(weight).size > 10  # and linear in between


def test_levels_are_those_asked_for() -> None:
    samples, _ = batch(QUIET)
    peaks = np.abs(samples).max(axis=1)
    # Up to 0.1 more where a DC offset was added.
    assert ((peaks > 0.5) & (peaks < 0.61)).all()
    assert np.median(peaks) == pytest.approx(10 ** (-6 / 20), rel=0.01)
    loud, _ = batch(dataclasses.replace(QUIET, min_level_db=3.0, max_level_db=3.0))
    assert (np.abs(loud) >= 1).sum(axis=1).min() > 10  # it clips


def test_noise_has_the_ratio_asked_for() -> None:
    word = np.zeros(16_000, np.float32)
    word[4_000:12_000] = np.sin(np.arange(8_000) * 0.3)
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    added = scenes._mix(word, noise, 10.0) - word
    # The word fills half of the window, so its loud half is the word.
    ratio_db = 10 * np.log10(np.mean(word[4_000:12_000] ** 2) / np.mean(added**2))
    assert ratio_db == pytest.approx(10, abs=0.5)


def test_frequent_words_are_drawn_more_often_but_not_in_proportion() -> None:
    corpus = small_corpus()
    corpus += [clip("word", np.zeros(16_000), word="no", name=f"no/more{i}") for i in range(45)]
    maker = SceneMaker(corpus, LABELS, QUIET)
    _, targets = draw(maker, 1_000)
    ratio = targets[:, 2].sum() / targets[:, 3].sum()  # 48 clips against 3
    assert 16**0.6 * 0.8 < ratio < 16**0.6 * 1.25


def test_noise_windows_are_silence() -> None:
    _, targets = batch(dataclasses.replace(QUIET, word_share=0.0))
    assert (targets[:, 0] == 1).all()


def test_playing_faster_shortens_and_raises_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(16_000) / RATE_HZ).astype(np.float32)
    faster = scenes._resampled(tone, 1.25)
    assert len(faster) == pytest.approx(12_800, abs=2)
    peak_hz = np.abs(np.fft.rfft(faster)).argmax() * RATE_HZ / len(faster)
    assert peak_hz == pytest.approx(625, abs=2)


def test_people_and_programs_are_drawn_as_asked() -> None:
    """Of one word people spoke one clip, a rising ramp, and programs nine, falling ones."""
    ramp = np.linspace(0.1, 0.9, 8_000)
    people = [clip("word", ramp, word="yes", name="yes/anna")]
    programs = [
        dataclasses.replace(
            clip("word", ramp[::-1], word="yes", name=f"yes/robot{i}"), synthetic=True
        )
        for i in range(9)
    ]
    for share, expected in ((None, 0.1), (0.0, 0.0), (0.8, 0.8), (1.0, 1.0)):
        maker = SceneMaker([*people, *programs], LABELS, SceneConfig(real_share=share))
        rng = np.random.default_rng(0)
        drawn = [maker._spoken("yes", rng)[0] for _ in range(400)]
        rising = np.mean([samples[-1000] > samples[1000] for samples in drawn])
        assert rising == pytest.approx(expected, abs=0.07)


def test_clips_of_one_path_in_two_folders_keep_their_extents() -> None:
    early, late = np.zeros(16_000), np.zeros(16_000)
    early[1_000:4_000] = late[10_000:15_000] = 0.5 * np.sin(np.arange(5_000))[:3_000].mean() + 0.5
    one = clip("word", early, word="yes", name="yes/anna_nohash_0")
    other = dataclasses.replace(clip("word", late, word="yes", name=one.path), synthetic=True)
    other = dataclasses.replace(other, path=one.path)
    maker = SceneMaker([one, other], LABELS, dataclasses.replace(QUIET, speed_range=0.0))
    rng = np.random.default_rng(0)
    for _ in range(20):
        samples, start, stop = maker._spoken("yes", rng)
        middle = int(np.abs(samples).argmax())
        assert start <= middle < stop


def test_indices_are_drawn_in_proportion_to_their_weights() -> None:
    draws = scenes._Draws([1.0, 0.0, 3.0])
    rng = np.random.default_rng(0)
    counts = np.bincount([draws(rng) for _ in range(2_000)], minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3, rel=0.15)


def test_without_other_speech_words_run_backward() -> None:
    only_words = [clip for clip in small_corpus() if clip.kind == "word"]
    config = dataclasses.replace(QUIET, word_share=0.0, cut_share=0.0, speech_share=1.0)
    maker = SceneMaker(only_words, LABELS, config)
    samples, targets = draw(maker, 20)
    assert (targets[:, 1] == 1).all()
    assert np.abs(samples).max() > 0.01


def test_clips_of_two_folders_may_have_the_same_path() -> None:
    early = clip("word", word_samples(500, before_s=0.1, length_s=0.3), word="yes", name="a.wav")
    late = clip("word", word_samples(500, before_s=0.6, length_s=0.3), word="yes", name="a.wav")
    starts = {
        round(maker_start / 1_600)
        for maker_start in (
            SceneMaker([early, late], LABELS, QUIET)._spoken("yes", np.random.default_rng(i))[1]
            for i in range(40)
        )
    }
    assert starts & {1}
    assert starts & {6, 7}


def test_spliced_speech_fills_the_window_and_is_unknown() -> None:
    config = dataclasses.replace(
        QUIET, word_share=0.0, cut_share=0.0, speech_share=1.0, splice_probability=1.0
    )
    samples, targets = draw(SceneMaker(small_corpus(), LABELS, config), 60)
    assert (targets[:, 1] == 1).all()
    loud = np.abs(samples) > 0.01
    assert loud[:, :4_000].any(axis=1).all()
    assert loud[:, -6_000:].any(axis=1).mean() > 0.9
    whole, _ = draw(
        SceneMaker(small_corpus(), LABELS, dataclasses.replace(config, splice_probability=0.0)), 60
    )
    assert not np.array_equal(samples, whole)


def test_no_piece_holds_half_of_a_keyword() -> None:
    only_words = [clip for clip in small_corpus() if clip.kind == "word"]
    maker = SceneMaker(only_words, LABELS, dataclasses.replace(QUIET, speed_range=0.0))
    rng = np.random.default_rng(0)
    extent = 0.48 * RATE_HZ  # 0.4 s of tone, padded by 40 ms on both sides
    lengths = [len(maker._piece(rng)) for _ in range(200)]
    assert max(lengths) <= 0.46 * extent
    assert min(lengths) >= 2_000


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_mistakes_are_drawn_more_often_than_other_speech(share: float) -> None:
    mistake = clip("mistake", word_samples(1_500, before_s=0.05, length_s=0.9), name="mistake")
    config = dataclasses.replace(
        QUIET,
        word_share=0.0,
        cut_share=0.0,
        speech_share=1.0,
        splice_probability=0.0,
        mistake_share=share,
    )
    samples, targets = draw(SceneMaker([*small_corpus(), mistake], LABELS, config), 300)
    assert (targets[:, 1] == 1).all()
    power = np.abs(np.fft.rfft(samples)) ** 2
    tonal = power[:, 1_200:1_800].sum(axis=1) > 0.9 * power.sum(axis=1)
    assert tonal.mean() == pytest.approx(share, abs=0.08)


def test_two_voices_at_the_same_time() -> None:
    """The second one is heard where the first one pauses."""
    voices = [
        clip("other_word", word_samples(1_500), name="word"),
        clip("speech", word_samples(4_000, before_s=0.0, length_s=1.0), name="talk"),
    ]
    words = [clip for clip in small_corpus() if clip.kind == "word"]
    config = dataclasses.replace(
        QUIET,
        word_share=0.0,
        cut_share=0.0,
        speech_share=1.0,
        splice_probability=0.0,
        overlap_probability=1.0,
    )
    samples, targets = draw(SceneMaker([*words, *voices], LABELS, config), 200)
    assert (targets[:, 1] == 1).all()
    power = np.abs(np.fft.rfft(samples)) ** 2
    low, high = power[:, 1_200:1_800].sum(axis=1), power[:, 3_500:4_500].sum(axis=1)
    both = np.minimum(low, high) > 0.01 * (low + high)
    assert 0.15 < both.mean() < 0.35  # a quarter are other words; talk over talk is one tone here


def test_an_epoch_is_as_long_as_there_are_words() -> None:
    maker = SceneMaker(small_corpus(), LABELS, SceneConfig())
    assert maker.epoch_windows == 6
    assert maker.partner(np.random.default_rng(0))[1].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window_samples": -5}, "window_samples is -5; it must be 1600 to 960000"),
        ({"word_share": 5.0}, "word_share is 5; it must be 0 to 1"),
        (
            {"word_share": 0.6, "speech_share": 0.4},
            r"word_share \+ cut_share \+ speech_share is 1.12",
        ),
        ({"splice_probability": 1.5}, "splice_probability is 1.5"),
        ({"real_share": -0.1}, "real_share is -0.1"),
        ({"speed_range": 0.9}, "speed_range is 0.9"),
        ({"min_snr_db": 30.0}, "min_snr_db is 30 and max_snr_db 25; they must rise"),
        ({"max_level_db": float("nan")}, "they must rise"),
    ],
)
def test_scenes_that_nobody_can_make(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SceneConfig(**fields)
