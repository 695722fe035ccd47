"""Writes a model folder (docs/model_folder.md): ONNX, weights, manifest, checked against torch."""

from __future__ import annotations

import logging
import shutil
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.backends.onnxruntime import INPUT_NAME, OUTPUT_NAME, CpuBackend
from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    ModelManifest,
    file_sha256,
    load_manifest,
    manifest_to_json,
    require_names,
)
from engine.types import Float32
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.weights import WEIGHTS_FILE, write_weights

MAX_LOGIT_DIFFERENCE = 1e-3
PARITY = "parity_max_logit_difference"  # in the provenance
_OURS = (MODEL_FILE, WEIGHTS_FILE, MANIFEST_FILE)
_PARITY_INPUTS = 64
# The largest published model takes seconds an input, and its logits differ no more.
_PARITY_FRAMES = 64 * 128


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """What a model folder says of its model.

    Attributes:
        name: Short name.
        labels: In the order of the logits.
        activation: "softmax" or "sigmoid".
        fbank: Features.
        windows: Window and hop.
        threshold: Of every keyword; half of it re-arms.
        smoothing_windows: Windows to average.
        decided: A decision to take as it is, in place of the two.
        provenance: Where the model comes from.
    """

    name: str
    labels: Sequence[str]
    activation: str
    fbank: FbankConfig
    windows: WindowConfig = field(default_factory=WindowConfig)
    threshold: float = 0.5
    smoothing_windows: int = 3
    decided: DecisionConfig | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse at once what the manifest would refuse after the export."""
        require_names(self.name, self.labels)
        self.decision()
        self.windows.check_against(self.fbank)

    def decision(self) -> DecisionConfig:
        """When the model's keywords fire; labels with a leading underscore never do."""
        if self.decided is not None:
            return self.decided
        point = OperatingPoint(threshold=self.threshold, rearm_threshold=self.threshold / 2)
        keywords = [label for label in self.labels if not label.startswith("_")]
        return DecisionConfig(
            smoothing_windows=self.smoothing_windows,
            operating_points=dict.fromkeys(keywords, point),
        )

    def manifest(
        self, folder: Path, files: Sequence[str] = (MODEL_FILE, WEIGHTS_FILE)
    ) -> ModelManifest:
        """The manifest of files in `folder`."""
        return ModelManifest(
            name=self.name,
            labels=tuple(self.labels),
            background_labels=tuple(label for label in self.labels if label.startswith("_")),
            activation=self.activation,
            normalization="outside",
            fbank=self.fbank,
            windows=self.windows,
            decision=self.decision(),
            files={name: file_sha256(folder / name) for name in files},
            provenance=self.provenance,
        )


def write_model_folder(folder: Path, model: AudioSpectrogramTransformer, card: ModelCard) -> float:
    """Write a model folder in float32 beside its place, check it, and put it there.

    Args:
        folder: Target; the model that is there already is replaced, other files stay.
        model: In evaluation mode.
        card: What the manifest says.

    Returns:
        Largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ConfigError: The folder holds something else than a model.
        ModelError: The ONNX model differs from torch's.
    """

    def check(aside: Path) -> dict[str, Any]:
        return {PARITY: parity(model, aside)}

    def make(path: Path) -> None:
        export_onnx(model, model.config, path, OUTPUT_NAME)

    found: float = write_checked(folder, model, card, make, check)[PARITY]
    return found


def write_checked(
    folder: Path,
    model: AudioSpectrogramTransformer,
    card: ModelCard,
    make: Callable[[Path], None],
    check: Callable[[Path], dict[str, Any]],
) -> dict[str, Any]:
    """Write a model folder beside its place and put it there once a check has passed.

    Args:
        folder: Target; the model that is there already is replaced, other files stay.
        model: Its weights, float32.
        card: What the manifest says.
        make: Writes the ONNX file.
        check: Told the folder aside; raises where it must not be kept.

    Returns:
        What the check found; it goes into the manifest's provenance.

    Raises:
        ConfigError: The folder holds something else than a model.
    """
    folder = folder.resolve()  # a link stays a link
    if folder.exists() and not (folder / MANIFEST_FILE).exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty and no model folder; name another one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody has taken, beside the target, so that it is put in place by renaming.
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    aside = beside / "new"
    aside.mkdir()
    try:
        write_weights(aside / WEIGHTS_FILE, model, {"name": card.name})
        make(aside / MODEL_FILE)
        manifest = card.manifest(aside)
        (aside / MANIFEST_FILE).write_text(manifest_to_json(manifest))
        found = check(aside)
        manifest = replace(manifest, provenance={**manifest.provenance, **found})
        (aside / MANIFEST_FILE).write_text(manifest_to_json(manifest))
        _put_in_place(aside, folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return found


def _put_in_place(aside: Path, folder: Path) -> None:
    """Replace a model; what else lies in its folder is never touched.

    The manifest comes last: interrupted before, the hashes do not fit and the folder is refused.
    """
    if not folder.exists():
        aside.rename(folder)
        return
    for name in _OURS:
        (aside / name).replace(folder / name)


def export_onnx(model: torch.nn.Module, config: AstConfig, path: Path, output: str) -> None:
    """Write a module that takes fbanks as ONNX, with a dynamic batch.

    Args:
        model: In evaluation mode.
        config: Tells the shape of its input.
        path: File to write.
        output: Name of its one output.
    """
    # torch's exporter warns of its own deprecated calls and of packages that we do not use.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            model,
            (torch.zeros(2, config.n_frames, config.n_mels),),
            str(path),
            input_names=[INPUT_NAME],
            output_names=[output],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def parity(model: AudioSpectrogramTransformer, folder: Path) -> float:
    """Largest logit difference between torch and ONNX Runtime on random model inputs.

    Raises:
        ModelError: It is above MAX_LOGIT_DIFFERENCE.
    """
    manifest = load_manifest(folder)
    inputs = parity_inputs(manifest.fbank)
    with CpuBackend(manifest) as backend, torch.no_grad():
        exported = np.concatenate([backend.infer(part[None]) for part in inputs])
        trained = model(torch.from_numpy(inputs)).numpy()
    difference = float(np.abs(exported - trained).max())
    if not difference <= MAX_LOGIT_DIFFERENCE:
        raise ModelError(
            f"exported logits differ from torch's by up to {difference:.2e}; at most "
            f"{MAX_LOGIT_DIFFERENCE:.0e} is accepted"
        )
    return difference


def parity_inputs(fbank: FbankConfig) -> Float32:
    """Random model inputs that exported models are compared on, [n, target_frames, n_mels]."""
    count = min(_PARITY_INPUTS, max(2, _PARITY_FRAMES // fbank.target_frames))
    shape = (count, fbank.target_frames, fbank.n_mels)
    return np.random.default_rng(0).normal(0, 0.5, shape).astype(np.float32)
