"""Turns a published checkpoint into a model folder that the application runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.files import read_plain_file
from engine.manifest import MANIFEST_FILE, file_sha256
from training.ast import AstConfig
from training.data.label_csv import SPEECH_COMMANDS_CSV, read_label_csv
from training.model_folder import ModelCard, write_model_folder
from training.weights import Weights, build_model, read_weights

_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")
_MAX_JSON_BYTES = 1 << 22  # AudioSet's 527 labels take 30 kB


@dataclass(frozen=True, kw_only=True)
class Published:
    """A data set that AST was published with: its feature constants and how long its clips are."""

    mean: float
    std: float
    window_s: float


# By number of labels: Speech Commands, ESC-50, AudioSet (the recipes in github YuanGongND/ast).
_PUBLISHED = {
    35: Published(mean=-6.845978, std=5.5654526, window_s=1.0),
    50: Published(mean=-6.6268077, std=5.358466, window_s=5.0),
    527: Published(mean=-4.2677393, std=4.5689974, window_s=10.0),
}


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What a checkpoint does not say of itself; None is taken from it or from the published data.

    Attributes:
        labels: Label table; needed by `.pth` files of other data than Speech Commands.
        name: Name in the manifest.
        activation: "sigmoid" for checkpoints trained with binary cross-entropy, as AST's for
            Speech Commands and AudioSet; "softmax" for ESC-50's.
        n_frames: Frames of the model's input.
        strides: Patch advance in frequency and in time.
        heads: Attention heads.
        norm_eps: Epsilon of every LayerNorm.
        mean: Of the training set's log-mel.
        std: Of the training set's log-mel.
        window_s: Seconds that are scored at a time.
        threshold: Of every label.
        smoothing_windows: Windows to average.
    """

    labels: Path | None = None
    name: str | None = None
    activation: str | None = None
    n_frames: int | None = None
    strides: tuple[int, int] | None = None
    heads: int | None = None
    norm_eps: float | None = None
    mean: float | None = None
    std: float | None = None
    window_s: float | None = None
    threshold: float = 0.5
    smoothing_windows: int = 3

    def __post_init__(self) -> None:
        """Refuse numbers that no model has."""
        numbers = {
            "--frames": (self.n_frames,),
            "--strides": self.strides or (),
            "--heads": (self.heads,),
            "--norm-eps": (self.norm_eps,),
            "--std": (self.std,),
            "--window-s": (self.window_s,),
        }
        for flag, values in numbers.items():
            for value in values:
                if value is not None and not 0 < value < math.inf:
                    raise ConfigError(f"{flag} is {value}; it must be above 0")


def convert(source: Path, folder: Path, options: ConvertOptions) -> tuple[ModelCard, float]:
    """Write the model folder of a published checkpoint.

    Args:
        source: A `.pth`, `.bin` or `.safetensors` file, or a folder as transformers writes it.
            Beside a file, transformers' `config.json` and `preprocessor_config.json` are read.
        folder: Model folder to write.
        options: What the checkpoint does not say.

    Returns:
        What the folder says, and the largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ModelError: The checkpoint is refused.
        ConfigError: Labels or constants are missing or do not fit.
    """
    path = _weights_path(source)
    config = _read_json(path.parent / "config.json")
    extractor = _read_json(path.parent / "preprocessor_config.json")
    weights = read_weights(path, shape=_shape(config, extractor, options))
    model = build_model(weights, str(path))
    card = _card(path, weights, model.config, (config, extractor), options)
    return card, write_model_folder(folder, model, card)


def _weights_path(source: Path) -> Path:
    if not source.is_dir():
        return source
    if (source / MANIFEST_FILE).exists():
        raise ConfigError(f"{source} is a model folder already; the application runs it as it is")
    for name in _WEIGHT_FILES:
        if (source / name).exists():
            return source / name
    raise ModelError(f"{source} holds neither {' nor '.join(_WEIGHT_FILES)}; name the weight file")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        data = json.loads(read_plain_file(path, _MAX_JSON_BYTES, follow_links=True))
    except (OSError, ValueError, RecursionError) as err:
        reason = getattr(err, "strerror", None) or err
        raise ModelError(f"cannot read {path}: {reason}; fetch the checkpoint anew") from err
    if not isinstance(data, dict):
        raise ModelError(f"{path} holds a {type(data).__name__}; it must hold an object")
    return data


def _shape(
    config: Mapping[str, Any], extractor: Mapping[str, Any], options: ConvertOptions
) -> dict[str, Any]:
    """Fields of AstConfig that files and options state."""
    activation = config.get("hidden_act", "gelu")
    if activation != "gelu":
        raise ModelError(f"config.json has hidden_act {activation!r}; AST has 'gelu'")
    eps = options.norm_eps if options.norm_eps is not None else config.get("layer_norm_eps")
    mel_stride, frame_stride = options.strides or (
        config.get("frequency_stride"),
        config.get("time_stride"),
    )
    stated = {
        "heads": options.heads or config.get("num_attention_heads"),
        "n_frames": options.n_frames or config.get("max_length"),
        "n_mels": config.get("num_mel_bins", extractor.get("num_mel_bins")),
        "mel_stride": mel_stride,
        "frame_stride": frame_stride,
        "norm_eps": eps,
        "head_norm_eps": eps,
    }
    for name, value in stated.items():
        wanted = (int, float) if name.endswith("eps") else int
        if value is not None and (not isinstance(value, wanted) or isinstance(value, bool)):
            raise ModelError(f"config.json gives {name} as {value!r}; it must be a number")
    return {name: value for name, value in stated.items() if value is not None}


def _card(
    path: Path,
    weights: Weights,
    config: AstConfig,
    files: tuple[Mapping[str, Any], Mapping[str, Any]],
    options: ConvertOptions,
) -> ModelCard:
    published = _PUBLISHED.get(config.n_labels)
    fbank = _fbank(config, files[1], published, options)
    return ModelCard(
        name=options.name or path.stem,
        labels=_labels(config.n_labels, files[0], options),
        activation=options.activation or ("softmax" if config.n_labels == 50 else "sigmoid"),
        fbank=fbank,
        windows=_windows(fbank, published, options),
        threshold=options.threshold,
        smoothing_windows=options.smoothing_windows,
        provenance={
            "converted_from": {
                "file": path.name,
                "sha256": file_sha256(path),
                "spelling": weights.spelling,
            },
            "architecture": config.to_dict(),
        },
    )


def _labels(n_labels: int, config: Mapping[str, Any], options: ConvertOptions) -> tuple[str, ...]:
    if options.labels:
        names = read_label_csv(options.labels).names
    elif "id2label" in config and not (n_labels == 35 and _is_unnamed(config["id2label"])):
        names = _id2label(config["id2label"])
    elif n_labels == 35:
        names = read_label_csv(SPEECH_COMMANDS_CSV).names
    else:
        raise ConfigError(
            f"the checkpoint has {n_labels} labels and does not name them; give --labels CSV "
            "(AST publishes class_labels_indices.csv beside each recipe)"
        )
    if len(names) != n_labels:
        raise ConfigError(f"{len(names)} labels are named; the checkpoint has {n_labels}")
    return names


def _is_unnamed(table: object) -> bool:
    """Whether transformers numbered the labels because nobody had named them."""
    return isinstance(table, dict) and all(
        str(name).startswith("LABEL_") for name in table.values()
    )


def _id2label(table: object) -> tuple[str, ...]:
    try:
        names = {int(key): str(value) for key, value in dict(table).items()}  # type: ignore[call-overload]
        ordered = tuple(names[i] for i in range(len(names)))
    except (TypeError, ValueError, KeyError) as err:
        raise ModelError(
            f"config.json has id2label {str(table)[:60]!r}; it must number them from 0"
        ) from err
    if len(set(ordered)) != len(ordered) or not all(ordered):
        raise ModelError("config.json has an id2label with empty or repeated names; give --labels")
    return ordered


def _fbank(
    config: AstConfig,
    extractor: Mapping[str, Any],
    published: Published | None,
    options: ConvertOptions,
) -> FbankConfig:
    """The checkpoint's own constants; never the defaults of another data set."""
    constants: dict[str, Any] = {}
    for name in ("mean", "std"):
        value = getattr(options, name)
        if value is None:
            value = extractor.get(name, getattr(published, name, None))
        if value is None:
            raise ConfigError(
                f"the checkpoint does not say its feature {name}; give --mean and --std "
                "(python -m training norm-stats computes them)"
            )
        constants[name] = _number(value, name)
    if extractor.get("do_normalize") is False:
        constants = {"mean": 0.0, "std": 0.5}  # (x - 0) / (2 * 0.5)
    return FbankConfig(
        sample_rate_hz=int(_number(extractor.get("sampling_rate", 16_000), "sampling_rate")),
        n_mels=config.n_mels,
        target_frames=config.n_frames,
        padding_value=_number(extractor.get("padding_value", 0.0), "padding_value"),
        padding_stage="before_normalization",
        **constants,
    )


def _number(value: object, name: str) -> float:
    """A number of preprocessor_config.json that features can be computed with."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        number = math.inf
    if isinstance(value, bool) or not abs(number) < 1e9 or (name == "sampling_rate" and number % 1):
        raise ModelError(
            f"preprocessor_config.json gives {name} as {str(value)[:40]!r}; it must be a number"
        )
    return number


def _windows(
    fbank: FbankConfig, published: Published | None, options: ConvertOptions
) -> WindowConfig:
    """As long as the clips of the training set, but no longer than the model's input."""
    hop = 10 * fbank.frame_hop_samples
    longest = fbank.frame_length_samples + fbank.target_frames * fbank.frame_hop_samples - 1
    wanted_s = options.window_s or (published.window_s if published else math.inf)
    samples = min(longest, wanted_s * fbank.sample_rate_hz)
    if options.window_s and samples < wanted_s * fbank.sample_rate_hz:
        raise ConfigError(
            f"--window-s is {wanted_s:g}; the model takes {longest / fbank.sample_rate_hz:.2f} s "
            "at most"
        )
    return WindowConfig(window_samples=max(hop, int(samples) // hop * hop), hop_samples=hop)
