"""Makes the bundled demo recording: synthetic voices in faint noise, so it may be shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from engine.errors import ConfigError
from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ
from training.voices import VoiceError, installed_voices, speak

# (seconds of silence before, voice, text); the second and fifth hold no command.
DEMO_SCRIPT = (
    (1.0, "slt", "yes"),
    (1.0, "rms", "my sister bought some bread and butter"),
    (1.0, "awb", "stop"),
    (1.2, "slt", "left"),
    (1.0, "awb", "thank you very much"),
    (1.0, "rms", "right"),
    (1.2, "slt", "no"),
)


def say(text: str, person: str) -> Float32:
    """Speak with flite.

    Args:
        text: English.
        person: One of flite's voices.

    Returns:
        Samples at 16 kHz, peak 0.5.

    Raises:
        ConfigError: flite is not installed, does not know the voice or cannot say the text.
    """
    voices = {voice.name: voice for voice in installed_voices() if voice.program == "flite"}
    if person not in voices:
        raise ConfigError(
            f"flite has no voice {person!r}; it has {', '.join(voices) or 'none'} (Debian, Ubuntu: "
            "apt-get install flite)"
        )
    try:
        samples = speak(text, voices[person])
    except VoiceError as err:
        raise ConfigError(str(err)) from err
    scaled: Float32 = (samples * (0.5 / np.abs(samples).max())).astype(np.float32)
    return scaled


def make_demo(path: Path, *, noise_db: float = -60.0, seed: int = 1) -> list[tuple[str, float]]:
    """Write the demo recording.

    Args:
        path: FLAC file to write.
        noise_db: Level of the noise relative to full scale.
        seed: Of the noise.

    Returns:
        Each text with the second at which it ends.
    """
    parts: list[Float32] = []
    ends = []
    position = 0
    for pause_s, voice, text in DEMO_SCRIPT:
        speech = say(text, voice)
        parts += [np.zeros(round(pause_s * SAMPLE_RATE_HZ), np.float32), speech]
        position += len(parts[-2]) + len(speech)
        ends.append((text, position / SAMPLE_RATE_HZ))
    parts.append(np.zeros(SAMPLE_RATE_HZ, np.float32))
    samples = np.concatenate(parts)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(len(samples)) * 10 ** (noise_db / 20)
    soundfile.write(path, np.clip(samples + noise, -1, 1), SAMPLE_RATE_HZ, subtype="PCM_16")
    return ends
