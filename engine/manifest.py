"""A model folder and its manifest: read, checked field by field, verified by hash.

A folder holds `model.onnx` and `manifest.json` (format in `docs/model_folder.md`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
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
from engine.json_fields import Fields, one_object, shown

FORMAT_VERSION = 1
MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"
MAX_MODEL_BYTES = 1 << 30
MAX_MANIFEST_BYTES = 4 << 20
_MAX_NAME = 64
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
    fields = Fields(_read_json(folder), f"{folder / MANIFEST_FILE}")
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


def _read_json(folder: Path) -> object:
    path = folder / MANIFEST_FILE
    try:
        if not folder.is_dir():
            raise ModelError(
                f"model folder {folder} does not exist; name a folder with {MANIFEST_FILE}"
            )
        data = read_plain_file(path, MAX_MANIFEST_BYTES)
        return json.loads(data, object_pairs_hook=one_object)
    except OSError as err:
        raise ModelError(f"cannot read {path}: {err.strerror}; a model folder needs it") from err
    except (ValueError, RecursionError) as err:
        raise ModelError(f"{path} is not valid JSON: {err}; export the model anew") from err


def _parse(fields: Fields, folder: Path) -> ModelManifest:
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


def _parse_fbank(fields: Fields) -> FbankConfig:
    values = {
        item.name: fields.take(item.name, type(item.default))
        for item in dataclasses.fields(FbankConfig)
    }
    fields.finish()
    return FbankConfig(**values)


def _parse_windows(fields: Fields) -> WindowConfig:
    windows = WindowConfig(
        window_samples=fields.take("window_samples", int),
        hop_samples=fields.take("hop_samples", int),
    )
    fields.finish()
    return windows


def _parse_decision(fields: Fields) -> DecisionConfig:
    points = fields.take_object("operating_points")
    decision = DecisionConfig(
        smoothing_windows=fields.take("smoothing_windows", int),
        refractory_samples=fields.take("refractory_samples", int),
        operating_points={word: _parse_point(points.take_object(word)) for word in points.names()},
    )
    fields.finish()
    return decision


def _parse_point(fields: Fields) -> OperatingPoint:
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
        f"{where}: field 'false_alarms_per_day_interval' is {shown(values)}; it must be [low, high]"
    )


def _parse_files(fields: Fields) -> dict[str, str]:
    hashes: dict[str, str] = {name: fields.take(name, str) for name in fields.names()}
    for name, sha256 in hashes.items():
        if not _SHA256.fullmatch(sha256):
            raise ModelError(
                f"{fields.where}: the SHA-256 of {shown(name)} is {shown(sha256)}; it must be 64 "
                "hex digits in lower case"
            )
    return hashes


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
                f"{manifest.folder / shown(name)} must be a plain file inside the model folder"
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
