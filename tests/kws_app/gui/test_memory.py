"""The last minute is kept whole, and no more than that."""

import numpy as np
from signals import silence, tone_stream, white_noise

from engine.backends import choose_backend
from engine.features import fbank
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow, StreamScorer
from kws_app.gui.memory import LastMinute


def listen(manifest: ModelManifest, samples: np.ndarray) -> tuple[LastMinute, list[ScoredWindow]]:
    memory = LastMinute(manifest)
    windows = []
    with choose_backend("cpu", manifest).backend as backend:
        scorer = StreamScorer(manifest, backend, manifest.decision, on_audio=memory.hear)
        for scored in scorer.process(samples):
            memory.see(scored)
            windows.append(scored)
    return memory, windows


def test_what_a_window_saw_is_computed_again_to_the_same_bits(tiny: ModelManifest) -> None:
    memory, windows = listen(tiny, tone_stream())
    for moment, scored in zip(memory.moments(), windows, strict=True):
        np.testing.assert_array_equal(memory.features(moment), scored.features)


def test_the_columns_of_all_windows_are_the_fbank_of_the_stream(tiny: ModelManifest) -> None:
    samples = white_noise(3)
    memory, _ = listen(tiny, samples)
    columns = np.concatenate([moment.columns for moment in memory.take_fresh()])
    config = tiny.fbank
    whole = fbank(samples, config)
    scale = (whole - np.float32(config.mean)) * np.float32(1 / (config.std_factor * config.std))
    np.testing.assert_array_equal(columns, scale[: len(columns)])
    assert len(columns) == 98 + 10 * 20
    assert memory.take_fresh() == []


def test_moments_say_what_decided_and_what_fired(tiny: ModelManifest) -> None:
    memory, windows = listen(tiny, tone_stream())
    fired = [moment for moment in memory.moments() if moment.fired]
    assert [moment.fired for moment in fired] == ["low", "high", "low"]
    assert fired[0].decision is tiny.decision
    (moment,) = [m for m in memory.moments() if m.end_sample == fired[0].end_sample]
    assert memory.nearest(moment.end_sample + 700) is moment
    assert memory.nearest(10**9) is None
    assert len(memory.moments()) == len(windows)


def test_a_minute_is_kept_and_no_more(tiny: ModelManifest) -> None:
    samples = silence(70)
    memory, _ = listen(tiny, samples)
    assert len(memory.moments()) == 600
    assert memory.audio(len(samples), 60 * 16_000) is not None
    assert memory.audio(len(samples) - 16_000 * 63, 1_600) is None
    assert memory.audio(len(samples) + 1, 1_600) is None
    assert memory.features(memory.moments()[0]) is not None


def test_lost_samples_are_silence_in_the_audio(tiny: ModelManifest) -> None:
    memory = LastMinute(tiny)
    memory.hear(np.full(1_600, 0.5, np.float32), 0)
    memory.hear(np.empty(0, np.float32), 800)
    memory.hear(np.full(1_600, 0.25, np.float32), 0)
    audio = memory.audio(4_000, 4_000)
    assert audio is not None
    assert audio[1_599] == 0.5
    assert not audio[1_600:2_400].any()
    assert audio[2_400] == 0.25
    memory.hear(np.empty(0, np.float32), 100 * 16_000)  # longer than all that is kept
    late = memory.audio(4_000 + 100 * 16_000, 16_000)
    assert late is not None
    assert not late.any()


def test_the_level_is_of_what_was_heard_since_the_last_look(tiny: ModelManifest) -> None:
    memory = LastMinute(tiny)
    assert memory.take_level().samples == 0
    memory.hear(np.array([0.1, -0.5, 0.2], np.float32), 0)
    memory.hear(np.array([1.0, -1.0], np.float32), 0)
    level = memory.take_level()
    assert (level.peak, level.samples, level.clipped) == (1.0, 5, 2)
    assert memory.take_level().peak == 0
