"""What the application does with odd inputs, found out by giving it such inputs."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import soundfile

from engine.errors import BackendError, KwsError
from engine.features import fbank
from engine.manifest import ModelManifest
from engine.types import Float32
from training.card.compute import run_apart

_AMPLITUDE = 0.1
# Beyond a window, so that large models with long windows need not score hundreds of them.
_LONGER_S = 1.5
_SILENCE_S = 2.0
_OTHER_RATE_HZ = 44_100


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the application made of a recording.

    Attributes:
        seconds: Of the recording.
        detections: Keywords that fired.
        posteriors: Of every window, before smoothing, [n, n_labels].
    """

    seconds: float
    detections: int
    posteriors: Float32

    @property
    def windows(self) -> int:
        """Windows that were scored."""
        return len(self.posteriors)


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What was found out.

    Attributes:
        lengths: "shorter than a frame", "shorter than a window", "a window", "longer".
        silence: Zeros, two seconds more than a window.
        int16_difference: Largest difference of a posterior between a file of 16-bit integers and
            one of floats with the same values.
        stereo_difference: The same between both channels alike and one channel.
        other_rate: A file at another rate.
        int16_array_shift: What every log-mel gains where an int16 array is not divided by 32768.
        stereo_array: What the features say to an array with two channels.
    """

    lengths: dict[str, Heard]
    silence: Heard
    int16_difference: float
    stereo_difference: float
    other_rate: Heard
    int16_array_shift: float
    stereo_array: str


def find_behaviour(manifest: ModelManifest) -> Behaviour:
    """Give the application recordings of every kind.

    Raises:
        BackendError: The application cannot be run.
    """
    rate_hz = manifest.fbank.sample_rate_hz
    window = manifest.windows.window_samples
    longer_s = window / rate_hz + _LONGER_S
    noise = _noise(round(longer_s * rate_hz))
    lengths = {
        "shorter than a frame": manifest.fbank.frame_length_samples - 1,
        "shorter than a window": window // 2,
        "a window": window,
        "longer": len(noise),
    }
    with tempfile.TemporaryDirectory() as name:
        ear = _Ear(manifest, Path(name))
        whole = ear.hear(noise, rate_hz)
        pcm = ear.hear(noise, rate_hz, subtype="PCM_16")
        stereo = ear.hear(np.stack([noise, noise], axis=1), rate_hz)
        silent = np.zeros(window + round(_SILENCE_S * rate_hz), np.float32)
        return Behaviour(
            lengths={what: ear.hear(noise[:n], rate_hz) for what, n in lengths.items()},
            silence=ear.hear(silent, rate_hz),
            int16_difference=_difference(whole, pcm),
            stereo_difference=_difference(whole, stereo),
            other_rate=ear.hear(_noise(round(longer_s * _OTHER_RATE_HZ)), _OTHER_RATE_HZ),
            int16_array_shift=_int16_shift(noise, manifest),
            stereo_array=_stereo_array(noise, manifest),
        )


class _Ear:
    """The application, run on one file after the other."""

    def __init__(self, manifest: ModelManifest, folder: Path) -> None:
        self._manifest = manifest
        self._folder = folder

    def hear(self, samples: Float32, rate_hz: int, *, subtype: str = "FLOAT") -> Heard:
        path, posteriors = self._folder / "x.wav", self._folder / "x.npz"
        soundfile.write(path, samples, rate_hz, subtype=subtype)
        command = [sys.executable, "-m", "kws_app", "--headless", "--json", "--backend", "cpu"]
        command += ["--model", str(self._manifest.folder.resolve()), "--input", str(path)]
        done = run_apart([*command, "--posteriors", str(posteriors)])
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
            raise BackendError(f"the application does not run: {reason}")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        try:
            with np.load(posteriors, allow_pickle=False) as found:
                read = found["posteriors"]
        except (OSError, ValueError, KeyError, BadZipFile) as err:
            raise BackendError(f"the application wrote no posteriors: {err}") from err
        return Heard(
            seconds=len(samples) / rate_hz,
            detections=sum(event["event"] == "detection" for event in events),
            posteriors=read,
        )


def _noise(n_samples: int) -> Float32:
    """White noise whose values 16-bit integers hold exactly."""
    noise = _AMPLITUDE * np.random.default_rng(0).standard_normal(n_samples)
    pcm: Float32 = (np.round(np.clip(noise, -1, 1) * 32_767) / 32_768).astype(np.float32)
    return pcm


def _difference(one: Heard, other: Heard) -> float:
    if one.posteriors.shape != other.posteriors.shape:
        return float("inf")
    return float(np.abs(one.posteriors - other.posteriors).max(initial=0))


def _int16_shift(noise: Float32, manifest: ModelManifest) -> float:
    """How far the log-mel of integers lies above that of samples in [-1, 1], in natural units."""
    integers = np.round(noise * 32_768).astype(np.int16)
    right, wrong = (fbank(x, manifest.fbank) for x in (noise, integers.astype(np.float32)))
    audible = right > np.log(manifest.fbank.log_floor) + 1
    return float((wrong - right)[audible].mean())


def _stereo_array(noise: Float32, manifest: ModelManifest) -> str:
    try:
        fbank(np.stack([noise, noise], axis=1), manifest.fbank)
    except KwsError as err:
        return f"refused: {err}"
    return "taken"
