"""Whatever the blocks, rates and sizes are: the stages against the simplest code that does it."""

import io
import os
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import soundfile
from backends import FakeBackend
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiny_model import LABELS, make_model_folder

from engine.audio.file import FileSource
from engine.audio.source import MonoResampler, check_samples
from engine.audio.stdin import _FILE_BEGINNINGS, StdinSource
from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError, SourceError
from engine.features import WindowFbank, fbank, hann_taper, mel_matrix
from engine.manifest import ModelManifest, load_manifest
from engine.ring import RingBuffer
from engine.scorer import StreamScorer
from engine.windows import SlidingWindows

SEEDS = st.integers(0, 2**32 - 1)
CHANGES = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=20)


def noise(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, n).astype(np.float32)


def cut(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Pieces of these sizes, 0 included, and the rest as one."""
    ends = np.cumsum(sizes).clip(max=len(samples))
    return np.split(samples, ends)


@settings(max_examples=20)
@given(st.integers(1, 12), st.integers(1, 3), CHANGES)
def test_a_ring_is_the_end_of_a_list(
    capacity: int, channels: int, changes: list[tuple[bool, int]]
) -> None:
    ring = RingBuffer(capacity, channels)
    written = np.zeros((0, channels), np.float32)  # NaN where samples were lost
    for is_lost, length in changes:
        block = np.arange(length * channels, dtype=np.float32).reshape(length, channels)
        block += channels * len(written)
        if is_lost:
            ring.advance(length)
        else:
            ring.write(block)
        written = np.concatenate([written, np.full_like(block, np.nan) if is_lost else block])
        assert ring.end == len(written)
        assert ring.oldest == max(0, len(written) - capacity)
        for start in range(len(written) - capacity - 1, len(written) + 2):
            for n in range(capacity + 2):
                check_read(ring, written, start, n)


def check_read(ring: RingBuffer, written: np.ndarray, start: int, n: int) -> None:
    if n > ring.capacity or start < 0 or start + n > len(written):
        with pytest.raises(ConfigError, match="has been written up to"):
            ring.read(start, n)
        return
    found = ring.read(start, n)
    if start < len(written) - ring.capacity:
        assert found is None
        return
    known = ~np.isnan(written[start : start + n])
    np.testing.assert_array_equal(found[known], written[start : start + n][known])


@given(st.integers(1, 9), st.integers(0, 30), st.lists(st.integers(0, 40), max_size=20))
def test_windows_of_a_recording_are_all_its_slices(hop: int, longer: int, sizes: list[int]) -> None:
    config = WindowConfig(window_samples=hop + longer, hop_samples=hop)
    ring = RingBuffer(config.window_samples + 40)
    windows = SlidingWindows(config, newest_only=False)
    samples = noise(1, sum(sizes))
    taken = []
    for block in cut(samples, sizes):
        ring.write(block[:, None])
        while (window := windows.next(ring)) is not None:
            assert window.skipped_windows == 0
            taken.append(window)
    starts = range(0, len(samples) - config.window_samples + 1, hop)
    assert [window.end_sample for window in taken] == [s + config.window_samples for s in starts]
    for window, start in zip(taken, starts, strict=True):
        np.testing.assert_array_equal(
            window.samples, samples[start : start + config.window_samples]
        )


@given(st.integers(1, 9), st.integers(0, 30), CHANGES, st.booleans())
def test_every_window_is_taken_or_counted(
    hop: int, longer: int, changes: list[tuple[bool, int]], newest_only: bool
) -> None:
    """Also of a ring that is too small, and after gaps."""
    config = WindowConfig(window_samples=hop + longer, hop_samples=hop)
    ring = RingBuffer(config.window_samples)
    windows = SlidingWindows(config, newest_only=newest_only)
    begins, last_end, counted, complete = 0, 0, 0, 0
    for is_gap, length in changes:
        first_end = -(-begins // hop) * hop + config.window_samples
        if is_gap:
            complete += max(0, (ring.end - first_end) // hop + 1)
            ring.advance(length)
            windows.restart_after(ring.end)
            begins = ring.end
            assert windows.next_end % hop == config.window_samples % hop
            assert begins <= windows.next_end - config.window_samples < begins + hop
            continue
        ring.write(np.zeros((length, 1), np.float32))
        while (window := windows.next(ring)) is not None:
            assert window.end_sample > last_end
            assert window.end_sample - config.window_samples >= begins
            last_end = window.end_sample
            counted += 1 + window.skipped_windows
            assert counted == complete + (last_end - first_end) // hop + 1


CONFIGS = st.builds(
    FbankConfig,
    sample_rate_hz=st.sampled_from([8_000, 11_025, 16_000, 22_050, 48_000]),
    frame_length_ms=st.floats(10, 100),
    n_mels=st.integers(1, 256),
    low_hz=st.floats(0, 500),
    high_hz=st.floats(1_000, 4_000),
    preemphasis=st.floats(0, 1),
    remove_dc=st.booleans(),
    amplitude_scale=st.sampled_from([1.0, 32_768.0]),
    target_frames=st.just(4_096),
)


def slow_fbank(samples: np.ndarray, config: FbankConfig) -> np.ndarray:
    """Frame by frame in float64, with the whole matrix."""
    frames = []
    for number in range(config.n_frames(len(samples))):
        start = number * config.frame_hop_samples
        frame = samples[start : start + config.frame_length_samples].astype(np.float64)
        frame = frame * config.amplitude_scale
        if config.remove_dc:
            frame = frame - frame.mean()
        frame = frame - config.preemphasis * np.append(frame[0], frame[:-1])
        power = np.abs(np.fft.rfft(frame * hann_taper(config), config.fft_samples)) ** 2
        frames.append(np.log(np.maximum(power @ mel_matrix(config), config.log_floor)))
    return np.array(frames).reshape(-1, config.n_mels)


@settings(max_examples=25)
@given(CONFIGS, SEEDS, st.integers(0, 6_000))
def test_an_fbank_is_the_slow_one(config: FbankConfig, seed: int, n: int) -> None:
    found = fbank(noise(seed, n), config)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, slow_fbank(noise(seed, n), config), atol=2e-2, rtol=1e-4)


@settings(max_examples=25)
@given(CONFIGS, SEEDS, st.lists(st.integers(0, 2_000), min_size=1, max_size=6), st.booleans())
def test_cached_frames_are_fresh_ones(
    config: FbankConfig, seed: int, advances: list[int], is_on_grid: bool
) -> None:
    length = 4 * config.frame_length_samples + 7
    step = config.frame_hop_samples if is_on_grid else 1
    samples = noise(seed, length + sum(advances) + len(advances) * step)
    cached, end = WindowFbank(config), length
    for advance in advances:
        window = samples[end - length : end]
        np.testing.assert_array_equal(cached.compute(window, end), fbank(window, config))
        end += advance // step * step


class Means(FakeBackend):
    """Logits that every sample of a window takes part in."""

    def __init__(self) -> None:
        super().__init__("means")

    def infer(self, model_inputs: np.ndarray) -> np.ndarray:
        return model_inputs[:, :, : len(LABELS)].mean(axis=1)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> ModelManifest:
    return load_manifest(make_model_folder(tmp_path_factory.mktemp("tiny")))


@settings(max_examples=15)
@given(
    seed=SEEDS,
    lengths=st.lists(st.integers(15_000, 24_000), min_size=2, max_size=3),
    gap=st.integers(1, 9_000),
    sizes=st.lists(st.integers(0, 7_000), max_size=12),
)
def test_blocks_change_no_posterior(
    manifest: ModelManifest, seed: int, lengths: list[int], gap: int, sizes: list[int]
) -> None:
    def scored(sizes: list[int]) -> list[tuple[int, bytes]]:
        with Means() as backend:
            scorer = StreamScorer(manifest, backend, manifest.decision)
            found = []
            for turn, length in enumerate(lengths):
                if turn:
                    scorer.pass_gap(gap)
                for block in cut(noise(seed + turn, length), sizes):
                    for window in scorer.process(block):
                        found.append((window.posteriors.end_sample, window.smoothed.tobytes()))  # noqa: PERF401
            assert scorer.end_sample == sum(lengths) + gap * (len(lengths) - 1)
            return found

    found = scored(sizes)
    assert found == scored([])
    begins, ends = 0, []
    for length in lengths:  # no window spans a gap
        first = -(-begins // 1_600) * 1_600 + 16_000
        ends += range(first, begins + length + 1, 1_600)
        begins += length + gap
    assert [end for end, _ in found] == ends


@given(
    SEEDS,
    st.sampled_from([1_000, 8_000, 11_025, 16_000, 44_100, 48_000, 47_999]),
    st.integers(1, 5),
    st.integers(0, 4_000),
    st.lists(st.integers(0, 900), max_size=8),
)
def test_resampling_in_blocks_is_resampling(
    seed: int, rate_hz: int, channels: int, n: int, sizes: list[int]
) -> None:
    samples = noise(seed, n * channels).reshape(n, channels)
    whole = MonoResampler(rate_hz, 16_000).convert(samples, last=True)
    blocks = cut(samples, sizes)
    stream = MonoResampler(rate_hz, 16_000)
    parts = [stream.convert(block) for block in blocks[:-1]]
    parts.append(stream.convert(blocks[-1], last=True))
    joined = np.concatenate(parts)
    assert joined.dtype == np.float32
    assert len(joined) == len(whole)
    assert abs(len(whole) - n * 16_000 / rate_hz) <= 1
    np.testing.assert_allclose(joined, whole, atol=1e-5)
    if rate_hz == 16_000:
        np.testing.assert_allclose(whole, samples.mean(axis=1), atol=1e-6)


ANY = st.floats(width=32)


@given(
    arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 3)), elements=ANY),
    st.integers(0, 10**12),
)
def test_samples_are_refused_where_one_is_no_sound(samples: np.ndarray, position: int) -> None:
    bad = [i for i, frame in enumerate(samples) if not all(abs(float(v)) <= 1e8 for v in frame)]
    if not bad:
        check_samples(samples, "x", position)
        return
    with pytest.raises(SourceError, match=f"at frame {position + bad[0]};"):
        check_samples(samples, "x", position)


@given(st.binary(max_size=400), st.integers(1, 64), st.integers(1, 500))
def test_standard_input_is_what_came(data: bytes, channels: int, at_once: int) -> None:
    assume(data[:4] not in _FILE_BEGINNINGS)
    block_bytes = mock.patch("engine.audio.stdin._BLOCK_BYTES", at_once)
    with tempfile.TemporaryFile() as file, block_bytes:
        file.write(data)
        file.flush()
        os.lseek(file.fileno(), 0, os.SEEK_SET)
        source = StdinSource(file, rate_hz=16_000, channels=channels, model_rate_hz=16_000)
        if not data:
            with pytest.raises(SourceError, match="holds no audio"):
                source.read()
            return
        blocks = []
        while (block := source.read()) is not None:
            blocks.append(block.samples)
    whole = len(data) // (2 * channels)
    pcm = np.frombuffer(data[: 2 * channels * whole], "<i2").reshape(whole, channels)
    expected = (pcm / np.float64(32_768)).mean(axis=1) if whole else np.empty(0)
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-6)


@settings(max_examples=25)
@given(
    arrays(np.int16, st.tuples(st.integers(1, 6_000), st.integers(1, 3))),
    st.sampled_from(["WAV", "FLAC", "AIFF", "W64", "CAF"]),
)
def test_a_sound_file_is_what_was_written(pcm: np.ndarray, kind: str) -> None:
    data = io.BytesIO()
    soundfile.write(data, pcm, 16_000, format=kind, subtype="PCM_16")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound"
        path.write_bytes(data.getvalue())
        with FileSource(path, 16_000) as source:
            blocks = []
            while (block := source.read()) is not None:
                blocks.append(block.samples)
    expected = (pcm / np.float64(32_768)).mean(axis=1)
    np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-6)
