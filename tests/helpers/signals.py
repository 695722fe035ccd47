"""Known sounds for the tests."""

import numpy as np

RATE_HZ = 16_000
LOW_HZ, HIGH_HZ = 1_000, 4_000


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def tone(hz: float, seconds: float, amplitude: float = 0.3) -> np.ndarray:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)


def white_noise(seconds: float, amplitude: float = 0.1, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (amplitude * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def tone_stream() -> np.ndarray:
    """What the tiny model hears as low, high, low, and nothing else."""
    return np.concatenate(
        [
            silence(1.5),
            tone(LOW_HZ, 0.5),
            silence(2.0),
            tone(HIGH_HZ, 0.5),
            silence(1.2),
            white_noise(1.5),
            silence(1.2),
            tone(LOW_HZ, 0.6),
            silence(1.5),
        ]
    )


def blocks(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Cut into blocks of the given sizes, over and over."""
    out = []
    first = turn = 0
    while first < len(samples):
        size = sizes[turn % len(sizes)]
        out.append(samples[first : first + size])
        first += size
        turn += 1
    return out
