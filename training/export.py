"""Exports a trained run, or a model folder's weights, to a model folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine.backends import Backend
from engine.backends.onnxruntime import OUTPUT_NAME, CpuBackend
from engine.errors import ConfigError
from engine.manifest import MANIFEST_FILE, MODEL_FILE, load_manifest
from training.ast import AudioSpectrogramTransformer
from training.checkpoint import load_run
from training.evaluation.material import Material, read_material
from training.gate import gate, gate_streams, real_streams
from training.model_folder import (
    PARITY,
    ModelCard,
    export_onnx,
    parity,
    parity_inputs,
    write_checked,
    write_model_folder,
)
from training.parity import PROVENANCE, Parity
from training.precision import HALVES, TorchBackend, check_typed_file, typed
from training.quantize import calibration_windows, quantize
from training.start import open_start
from training.task import Task
from training.weights import build_model

DEFAULT_THRESHOLD = 0.9
DEFAULT_SMOOTHING = 4
# Found on the file that was; another file has to be measured anew.
_OF_THE_FILE = ("measured", PARITY, PROVENANCE)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is exported.

    Attributes:
        model: In evaluation mode, float32.
        card: What its manifest is to say.
    """

    model: AudioSpectrogramTransformer
    card: ModelCard


def export_model(
    run: Path,
    folder: Path,
    *,
    name: str,
    threshold: float,
    smoothing_windows: int,
    provenance: dict[str, Any] | None = None,
) -> float:
    """Write a model folder in float32.

    Args:
        run: Folder of the training run; its averaged or best weights are taken, as it was told.
        folder: Model folder to write.
        name: Name in the manifest.
        threshold: Threshold of every keyword; half of it re-arms.
        smoothing_windows: Windows to average.
        provenance: Goes into the manifest beside the training settings.

    Returns:
        Largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ModelError: There is no whole checkpoint, or the exported model differs from the trained.
    """
    source = read_run(run, name=name, threshold=threshold, smoothing_windows=smoothing_windows)
    card = replace(source.card, provenance={**source.card.provenance, **(provenance or {})})
    return write_model_folder(folder, source.model, card)


def open_source(
    path: Path, *, name: str, threshold: float | None, smoothing_windows: int | None
) -> Source:
    """A run, or a model folder with its weights.

    Args:
        path: Its folder.
        name: Name in the manifest.
        threshold: Of every keyword of a run; None for 0.9.
        smoothing_windows: Of a run; None for 4.

    Raises:
        ConfigError: A model folder keeps its own decision.
        ModelError: It is refused.
    """
    if not (path / MANIFEST_FILE).is_file():
        return read_run(
            path,
            name=name,
            threshold=DEFAULT_THRESHOLD if threshold is None else threshold,
            smoothing_windows=DEFAULT_SMOOTHING if smoothing_windows is None else smoothing_windows,
        )
    if threshold is not None or smoothing_windows is not None:
        raise ConfigError(
            f"{path} is a model folder and keeps its own thresholds and smoothing; leave "
            "--threshold and --smoothing out, or change them with calibrate"
        )
    manifest = load_manifest(path)
    kept = {key: part for key, part in manifest.provenance.items() if key not in _OF_THE_FILE}
    card = ModelCard(
        name=name,
        labels=manifest.labels,
        activation=manifest.activation,
        fbank=manifest.fbank,
        windows=manifest.windows,
        decided=manifest.decision,
        provenance={**kept, "exported_from": manifest.model_sha256},
    )
    return Source(model=build_model(open_start(str(path)).weights, str(path)), card=card)


def read_run(run: Path, *, name: str, threshold: float, smoothing_windows: int) -> Source:
    """What a run has trained.

    Raises:
        ModelError: There is no whole checkpoint.
    """
    state = load_run(run)
    model = build_model(open_start(str(run)).weights, str(run))
    task = Task.from_dict(state)
    settings = {key: state[key] for key in ("model", "fit", "augment", "step", "trained_s")}
    card = ModelCard(
        name=name,
        labels=task.labels,
        activation=task.activation,
        fbank=task.fbank,
        windows=task.windows,
        threshold=threshold,
        smoothing_windows=smoothing_windows,
        provenance={
            "training": settings,
            "parameters": sum(p.numel() for p in model.parameters()),
            **state["provenance"],
        },
    )
    return Source(model=model, card=card)


def export_precision(
    source: Source, folder: Path, precision: str, data: Path, split: str = "validation"
) -> Parity:
    """Write a model folder in a precision, if it passes the gate.

    Args:
        source: What to export.
        folder: Model folder to write; untouched where the precision is refused.
        precision: One of PRECISIONS.
        data: Folder of recordings of either kind.
        split: Which of them the gate listens to.

    Returns:
        What the precision changes against float32; it is in the manifest, too.

    Raises:
        ConfigError: The gate is not passed, or the data has too little for it.
        ModelError: The file is not what it was made of.
    """
    if precision == "int8" and split in ("train", "all"):
        raise ConfigError(
            f"int8 sets its ranges on the train split and can't be judged on {split}; "
            "take --split validation or test"
        )
    material = read_material(data, split)
    model, card = source.model, source.card
    keywords = [label for label in card.labels if label in card.decision().operating_points]
    streams = gate_streams(material, keywords)
    ranges = real_streams(read_material(data, "train"), keywords) if precision == "int8" else []
    half = typed(model, precision) if precision in HALVES else None
    results: list[Parity] = []

    with TemporaryDirectory() as scratch:
        floats = Path(scratch) / MODEL_FILE
        export_onnx(model, model.config, floats, OUTPUT_NAME)

        def make(path: Path) -> None:
            if precision == "int8":
                bare = card.manifest(Path(scratch), files=())
                quantize(floats, path, calibration_windows(bare, ranges))
            else:
                export_onnx(half or model, model.config, path, OUTPUT_NAME)

        def check(aside: Path) -> dict[str, Any]:
            manifest = load_manifest(aside)
            float32: Backend = CpuBackend(
                replace(card.manifest(Path(scratch), (MODEL_FILE,)), folder=Path(scratch))
            )
            other: Backend = CpuBackend(manifest)
            by, said = "ONNX Runtime", dict[str, Any]()
            if half is not None:
                inputs = parity_inputs(manifest.fbank)
                said[PARITY] = check_typed_file(aside / MODEL_FILE, half, inputs)
                by, other = "torch", TorchBackend(half)
            elif precision == "fp32":
                said[PARITY] = parity(model, aside)
                float32 = TorchBackend(model)
            results.append(gate(precision, by, manifest, (float32, other), streams))
            return {**said, PROVENANCE: {**results[0].as_values(), **_origin(material)}}

        write_checked(folder, model, card, make, check)
    return results[0]


def _origin(material: Material) -> dict[str, Any]:
    return {"data": {key: material.origin[key] for key in ("folder", "split")}}
