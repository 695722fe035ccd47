"""A model folder and its manifest: read, checked field by field, verified by hash.

A folder holds `model.onnx` and `manifest.json` (format in `docs/model_folder.md`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import stat
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.files import read_plain_file

FORMAT_VERSION = 1
MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
MAX_MODEL_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 4 << 20
_MAX_NAME = 64
_MAX_SHOWN = 80
_MAX_ALARMS = 1e9  # a day: more than there are windows
_SHA256 = re.compile("[0-9a-f]{64}")
_NO_TEXT = ("Cc", "Cs", "Zl", "Zp")  # control, surrogate, line and paragraph separator


@dataclass(frozen=True, kw_only=True)
class ModelManifest:
    """Everything that the runtime knows of a model.

    Attributes:
        name: Short name.
        labels: Labels in the order of the logits.
        background_labels: Labels that never fire.
        activation: "softmax" or "sigmoid".
        normalization: "outside": the input is normalised by this program; "inside": the graph
            normalises, the input is the padded log-mel.
        fbank: Features.
        windows: Window and hop.
        decision: Smoothing, refractory period, operating points.
        files: File name to SHA-256.
        provenance: Where the model comes from; free form.
        folder: Folder that it was read from.
    """

    name: str
    labels: tuple[str, ...]
    background_labels: tuple[str, ...]
    activation: str
    normalization: str
    fbank: FbankConfig
    windows: WindowConfig
    decision: DecisionConfig
    files: Mapping[str, str]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    folder: Path = Path()

    @property
    def keywords(self) -> tuple[str, ...]:
        """Labels that may fire, in the order of the labels."""
        return tuple(label for label in self.labels if label not in self.background_labels)

    @property
    def model_path(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL_FILE

    @property
    def model_sha256(self) -> str:
        """Hash of the ONNX file."""
        return self.files[MODEL_FILE]


def load_manifest(folder: Path) -> ModelManifest:
    """Read and verify a model folder.

    Args:
        folder: Holds manifest.json and the files that it names.

    Returns:
        The checked manifest.

    Raises:
        ModelError: Something is missing, malformed, altered, or made for other features.
    """
    fields = _Fields(_read_json(folder), f"{folder / MANIFEST_FILE}")
    version = fields.take("format_version", int)
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{fields.where}: format_version is {version}; this program reads {FORMAT_VERSION}"
        )
    try:
        manifest = _parse(fields, folder)
        manifest.windows.check_against(manifest.fbank)
        require_names(manifest.name, manifest.labels)
    except ConfigError as err:
        raise ModelError(f"{fields.where}: {err}") from err
    fields.finish()
    _check_labels(manifest, fields.where)
    _verify_files(manifest)
    return manifest


def require_names(name: str, labels: Sequence[str]) -> None:
    """Refuse what no window, terminal or table can show in a line.

    Args:
        name: Of the model.
        labels: Its labels.

    Raises:
        ConfigError: One of them is too long, or no text.
    """
    for what, text in (("name", name), *(("label", label) for label in labels)):
        if len(text) > _MAX_NAME or not _is_text(text):
            raise ConfigError(
                f"{what} {text[:_MAX_NAME]!r} must be text of at most {_MAX_NAME} characters, "
                "without line breaks and control characters"
            )


def _is_text(text: str) -> bool:
    return all(unicodedata.category(c) not in _NO_TEXT for c in text)


def manifest_to_json(manifest: ModelManifest) -> str:
    """The text of manifest.json."""
    decision = manifest.decision
    data = {
        "format_version": FORMAT_VERSION,
        "name": manifest.name,
        "labels": list(manifest.labels),
        "background_labels": list(manifest.background_labels),
        "activation": manifest.activation,
        "normalization": manifest.normalization,
        "fbank": dataclasses.asdict(manifest.fbank),
        "fbank_fingerprint": manifest.fbank.fingerprint,
        "windows": dataclasses.asdict(manifest.windows),
        "decision": {
            "smoothing_windows": decision.smoothing_windows,
            "refractory_samples": decision.refractory_samples,
            "operating_points": {
                word: dataclasses.asdict(point) for word, point in decision.operating_points.items()
            },
        },
        "files": dict(manifest.files),
        "provenance": dict(manifest.provenance),
    }
    return json.dumps(data, indent=1) + "\n"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Fields:
    """Takes named fields of expected types out of a JSON object; the rest is an error."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise ModelError(f"{where} holds a {type(data).__name__}; it must hold an object")
        self.where = where
        self._data = dict(data)

    def take(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """One field; raises ModelError if it is missing or of another type."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
        if name not in self._data:
            raise ModelError(f"{self.where}: field {name!r} is missing; it must be {wanted}")
        value = self._data.pop(name)
        if float in kinds and isinstance(value, int) and not isinstance(value, bool):
            value = _as_float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kinds):
            raise ModelError(
                f"{self.where}: field {_short(name)} is {_short(value)}; it must be {wanted}"
            )
        return value

    def take_object(self, name: str) -> _Fields:
        """A nested object."""
        return _Fields(self.take(name, dict), f"{self.where}: {name}")

    def take_strings(self, name: str) -> tuple[str, ...]:
        """A list of different strings."""
        values = self.take(name, list)
        if not all(isinstance(v, str) and v for v in values) or len(set(values)) != len(values):
            raise ModelError(
                f"{self.where}: field {name!r} is {_short(values)}; it must be a list of "
                "different, non-empty strings"
            )
        return tuple(values)

    def take_choice(self, name: str, choices: tuple[str, ...]) -> str:
        """A string out of a few."""
        value: str = self.take(name, str)
        if value not in choices:
            raise ModelError(
                f"{self.where}: field {name!r} is {_short(value)}; it must be one of "
                f"{', '.join(choices)}"
            )
        return value

    def names(self) -> list[str]:
        """Names not taken yet."""
        return list(self._data)

    def finish(self) -> None:
        """Raise ModelError if fields are left that nobody reads."""
        if self._data:
            name = _short(next(iter(self._data)))
            raise ModelError(f"{self.where}: unknown field {name}; remove it or update kws")


def _read_json(folder: Path) -> object:
    path = folder / MANIFEST_FILE
    try:
        if not folder.is_dir():
            raise ModelError(
                f"model folder {folder} does not exist; name a folder with {MANIFEST_FILE}"
            )
        data = read_plain_file(path, MAX_MANIFEST_BYTES)
        return json.loads(data, object_pairs_hook=_object)
    except OSError as err:
        raise ModelError(f"cannot read {path}: {err.strerror}; a model folder needs it") from err
    except (ValueError, RecursionError) as err:
        raise ModelError(f"{path} is not valid JSON: {err}; export the model anew") from err


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; Python would take the last of two equal names, another program the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"{twice[:_MAX_NAME]!r} stands in it twice")
    return found


def _parse(fields: _Fields, folder: Path) -> ModelManifest:
    manifest = ModelManifest(
        name=fields.take("name", str),
        labels=fields.take_strings("labels"),
        background_labels=fields.take_strings("background_labels"),
        activation=fields.take_choice("activation", ("softmax", "sigmoid")),
        normalization=fields.take_choice("normalization", ("outside", "inside")),
        fbank=_parse_fbank(fields.take_object("fbank")),
        windows=_parse_windows(fields.take_object("windows")),
        decision=_parse_decision(fields.take_object("decision")),
        files=_parse_files(fields.take_object("files")),
        provenance=fields.take("provenance", dict),
        folder=folder,
    )
    fingerprint = fields.take("fbank_fingerprint", str)
    if fingerprint != manifest.fbank.fingerprint:
        raise ModelError(
            f"{fields.where}: fbank_fingerprint is {fingerprint[:16]}...; the fbank fields give "
            f"{manifest.fbank.fingerprint[:16]}...: the features were changed after training"
        )
    return manifest


def _parse_fbank(fields: _Fields) -> FbankConfig:
    values = {
        item.name: fields.take(item.name, type(item.default))
        for item in dataclasses.fields(FbankConfig)
    }
    fields.finish()
    return FbankConfig(**values)


def _parse_windows(fields: _Fields) -> WindowConfig:
    windows = WindowConfig(
        window_samples=fields.take("window_samples", int),
        hop_samples=fields.take("hop_samples", int),
    )
    fields.finish()
    return windows


def _parse_decision(fields: _Fields) -> DecisionConfig:
    points = fields.take_object("operating_points")
    decision = DecisionConfig(
        smoothing_windows=fields.take("smoothing_windows", int),
        refractory_samples=fields.take("refractory_samples", int),
        operating_points={word: _parse_point(points.take_object(word)) for word in points.names()},
    )
    fields.finish()
    return decision


def _parse_point(fields: _Fields) -> OperatingPoint:
    interval = fields.take("false_alarms_per_day_interval", (list, type(None)))
    point = OperatingPoint(
        threshold=fields.take("threshold", float),
        rearm_threshold=fields.take("rearm_threshold", float),
        false_alarms_per_day=fields.take("false_alarms_per_day", (float, type(None))),
        false_alarms_per_day_interval=None if interval is None else _pair(interval, fields.where),
    )
    fields.finish()
    return point


def _pair(values: list[object], where: str) -> tuple[float, float]:
    match values:
        case [int() | float() as low, int() | float() as high] if 0 <= low <= high <= _MAX_ALARMS:
            return float(low), float(high)
    raise ModelError(
        f"{where}: field 'false_alarms_per_day_interval' is {_short(values)}; it must be "
        "[low, high]"
    )


def _parse_files(fields: _Fields) -> dict[str, str]:
    hashes: dict[str, str] = {name: fields.take(name, str) for name in fields.names()}
    for name, sha256 in hashes.items():
        if not _SHA256.fullmatch(sha256):
            raise ModelError(
                f"{fields.where}: the SHA-256 of {_short(name)} is {_short(sha256)}; it must be 64 "
                "hex digits in lower case"
            )
    return hashes


def _as_float(value: float) -> float:
    """A number as float; infinite where float has none so large, which no field accepts."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _short(value: object) -> str:
    """A value for one line of a message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _check_labels(manifest: ModelManifest, where: str) -> None:
    if not manifest.keywords:
        raise ModelError(f"{where}: every label is a background label; at least one must not be")
    for label in manifest.background_labels:
        if label not in manifest.labels:
            raise ModelError(f"{where}: background label {label!r} is not among the labels")
    for word in manifest.decision.operating_points:
        if word not in manifest.keywords:
            raise ModelError(f"{where}: operating point for {word!r}, which is not a keyword")
    for word in manifest.keywords:
        if word not in manifest.decision.operating_points:
            raise ModelError(f"{where}: keyword {word!r} has no operating point; it needs one")


def _verify_files(manifest: ModelManifest) -> None:
    if MODEL_FILE not in manifest.files:
        raise ModelError(f"{manifest.folder / MANIFEST_FILE}: files does not name {MODEL_FILE}")
    for name, wanted in manifest.files.items():
        path = manifest.folder / name
        if not name or Path(name).name != name or not name.isprintable():
            raise ModelError(
                f"{manifest.folder / _short(name)} must be a plain file inside the model folder"
            )
        try:
            if path.is_symlink():
                raise ModelError(f"{path} must be a plain file inside the model folder, not a link")
            status = path.stat()
            if status.st_size > MAX_MODEL_BYTES:
                raise ModelError(
                    f"{path} has {status.st_size} bytes; at most {MAX_MODEL_BYTES} are accepted"
                )
            if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for
                raise ModelError(f"{path} must be a plain file; it is something else")
            found = file_sha256(path)
        except OSError as err:
            raise ModelError(f"cannot read {path}: {err.strerror}; the manifest names it") from err
        if found != wanted:
            raise ModelError(
                f"{path} has SHA-256 {found[:16]}...; the manifest says {wanted[:16]}...: the file "
                "was altered or cut short; copy the model folder again"
            )
