"""Section 2: what goes in, and what happens to inputs that are otherwise."""

from __future__ import annotations

from dataclasses import asdict

from engine.manifest import ModelManifest
from training.card.behaviour import Behaviour
from training.card.document import Items, Section, Table
from training.card.records import Records
from training.card.statement import Number, Statement, said, unknown, value_said, whole

_WORDS = {
    "sample_rate_hz": "sample rate, Hz",
    "frame_length_ms": "length of a frame, ms",
    "frame_hop_ms": "frame hop, ms",
    "n_mels": "mel bins",
    "low_hz": "lower edge of the lowest bin, Hz",
    "high_hz": "upper edge of the highest bin, Hz",
    "taper": "taper (symmetric)",
    "preemphasis": "pre-emphasis",
    "remove_dc": "mean of each frame removed",
    "dither": "dither",
    "log_floor": "smallest mel energy before the logarithm",
    "amplitude_scale": "factor on samples in [-1, 1]",
    "target_frames": "frames of the model's input",
    "padding_value": "value of padded frames",
    "padding_stage": "padding happens",
    "mean": "mean that is subtracted",
    "std": "standard deviation",
    "std_factor": "factor on the standard deviation",
}


def inputs(records: Records, manifest: ModelManifest) -> list[Section]:
    """The constants of the features, and the behaviour."""
    fbank, windows = manifest.fbank, manifest.windows
    rate_hz = fbank.sample_rate_hz
    frames = fbank.n_frames(windows.window_samples)
    items = [
        said(
            "input.window_s",
            "window",
            "{window} s ({samples} samples), a new one every {hop} s",
            window=Number(value=windows.window_samples / rate_hz),
            samples=whole(windows.window_samples),
            hop=Number(value=windows.hop_samples / rate_hz),
        ),
        said(
            "input.frames",
            "frames",
            "{frames} of a window, {padded} padded; the model's input is [batch, {target}, {mels}]",
            frames=whole(frames),
            padded=whole(fbank.target_frames - frames),
            target=whole(fbank.target_frames),
            mels=whole(fbank.n_mels),
        ),
        said(
            "input.length",
            "length of the model's input",
            "{value}: another number of frames is refused",
            value="fixed",
        ),
        value_said("input.normalization", "who normalises", _normalizer(manifest)),
        value_said("input.fingerprint", "fingerprint of the features", fbank.fingerprint),
    ]
    constants = [
        value_said(f"features.{name}", _WORDS.get(name, name), value)
        for name, value in asdict(fbank).items()
    ]
    return [
        Section("Inputs", [Items(items)]),
        Section("Constants of the features", [Table(("what", "value"), constants)], level=3),
        Section("Other inputs", [Items(_behaviour(records.behaviour, manifest))], level=3),
    ]


def _normalizer(manifest: ModelManifest) -> str:
    if manifest.normalization == "outside":
        return "this program: (log-mel - mean) / (factor x standard deviation)"
    return "the ONNX graph; its input is the padded log-mel"


NOT_RUN = "not measured: the model was not run for this card"
_ODD = ("shorter than a frame", "shorter than a window", "a window", "longer")


def _behaviour(found: Behaviour | None, manifest: ModelManifest) -> list[Statement]:
    if found is None:
        keys = [*(f"input.{what}" for what in _ODD), "input.int16", "input.stereo"]
        return [unknown(key, key.partition(".")[2], NOT_RUN) for key in keys]
    lengths = [
        said(
            f"input.{what}",
            f"a recording {what}" if what != "a window" else "a recording of just a window",
            "{windows} windows scored of {seconds} s; {rest}",
            windows=whole(heard.windows),
            seconds=Number(value=heard.seconds, decimals=4),
            rest=_rest(heard.windows),
        )
        for what, heard in found.lengths.items()
    ]
    silence = found.silence
    label = manifest.labels[int(silence.posteriors.mean(axis=0).argmax())]
    return [
        *lengths,
        said(
            "input.int16",
            "16-bit integers in a file",
            "scored as the same values in floats: largest difference of a posterior {difference}",
            difference=Number(value=found.int16_difference, decimals=6),
        ),
        said(
            "input.int16_array",
            "an int16 array in Python",
            "divide it by 32768; as it is, every log-mel would lie {shift} too high",
            shift=Number(value=found.int16_array_shift, decimals=2),
        ),
        said(
            "input.stereo",
            "several channels in a file",
            "their mean is scored: two equal channels give the posteriors of one, largest "
            "difference {difference}",
            difference=Number(value=found.stereo_difference, decimals=6),
        ),
        value_said("input.stereo_array", "an array of two channels in Python", found.stereo_array),
        said(
            "input.other_rate",
            "a file at 44100 Hz",
            "resampled: {windows} windows scored of {seconds} s",
            windows=whole(found.other_rate.windows),
            seconds=Number(value=found.other_rate.seconds, decimals=4),
        ),
        said(
            "input.silence",
            "digital silence",
            "{windows} windows scored of {seconds} s, {detections} detections; the highest "
            "posterior is that of {label}, {posterior} on average",
            windows=whole(silence.windows),
            seconds=Number(value=silence.seconds, decimals=1),
            detections=whole(silence.detections),
            label=label,
            posterior=Number(value=float(silence.posteriors.mean(axis=0).max()), decimals=3),
        ),
    ]


def _rest(windows: int) -> str:
    if not windows:
        return "nothing is padded, so nothing is heard"
    return "what follows the last whole hop is not scored"
