"""Makes the bundled demo recording: synthetic voices in faint noise, so it may be shipped."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import ConfigError
from engine.types import Float32

RATE_HZ = 16_000
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


def speak(text: str, voice: str) -> Float32:
    """Speak with flite.

    Args:
        text: English.
        voice: One of flite's voices.

    Returns:
        Samples at 16 kHz, peak 0.5.

    Raises:
        ConfigError: flite is not installed or does not know the voice.
    """
    program = shutil.which("flite")
    if program is None:
        raise ConfigError("flite is missing; install it (Debian, Ubuntu: apt-get install flite)")
    _check_voice(program, voice)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        command = [program, "-voice", voice, "-t", text, "-o", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode or not path.exists():
            raise ConfigError(f"flite could not say {text!r}: {done.stderr.strip()}")
        samples, rate_hz = soundfile.read(path, dtype="float32")
    samples = soxr.resample(samples, rate_hz, RATE_HZ)
    scaled: Float32 = (samples * (0.5 / np.abs(samples).max())).astype(np.float32)
    return scaled


def _check_voice(program: str, voice: str) -> None:
    # flite takes another voice without a word if it does not know the one asked for.
    listed = subprocess.run([program, "-lv"], capture_output=True, text=True, check=False)  # noqa: S603
    voices = listed.stdout.partition(":")[2].split()
    if voice not in voices:
        raise ConfigError(f"flite has no voice {voice!r}; it has {', '.join(voices)}")


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
        speech = speak(text, voice)
        parts += [np.zeros(round(pause_s * RATE_HZ), np.float32), speech]
        position += len(parts[-2]) + len(speech)
        ends.append((text, position / RATE_HZ))
    parts.append(np.zeros(RATE_HZ, np.float32))
    samples = np.concatenate(parts)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(len(samples)) * 10 ** (noise_db / 20)
    soundfile.write(path, np.clip(samples + noise, -1, 1), RATE_HZ, subtype="PCM_16")
    return ends
