"""The models that the GPU benchmark runs, exported in a precision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from engine.backends.onnxruntime import OUTPUT_NAME
from engine.config import FbankConfig
from engine.manifest import MANIFEST_FILE, MODEL_FILE, ModelManifest, load_manifest
from engine.manifest import manifest_to_json as to_json
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.model_folder import ModelCard, export_onnx
from training.precision import HALVES, typed
from training.start import open_start
from training.weights import build_model

DEFAULT = Path("assets/models/default")
_SEED = 1


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model in both worlds.

    Attributes:
        name: Its size.
        module: For torch, on the CPU, in the precision.
        manifest: Of the exported folder.
        input_shape: Of one window, (frames, mels).
        flop: Operations of one window; a multiply-add is two.
        weight_bytes: Of all weights in the precision.
    """

    name: str
    module: AudioSpectrogramTransformer
    manifest: ModelManifest
    input_shape: tuple[int, int]
    flop: int
    weight_bytes: int


def open_model(name: str, precision: str, folder: Path) -> Model:
    """Make a model and its folder.

    Args:
        name: "default", or a published size with random weights.
        precision: "fp32", "fp16" or "bf16".
        folder: Where its folder is made, unless it is there.
    """
    wide, card = _default() if name == "default" else _published(name)
    module = typed(wide, precision) if precision in HALVES else wide
    place = folder / f"{name}-{precision}"
    if not (place / MANIFEST_FILE).exists():
        place.mkdir(parents=True, exist_ok=True)
        export_onnx(module, wide.config, place / MODEL_FILE, OUTPUT_NAME)
        (place / MANIFEST_FILE).write_text(to_json(card.manifest(place, (MODEL_FILE,))))
    shape = (wide.config.n_frames, wide.config.n_mels)
    # Attention as plain products: the counter does not know the CPU's fused one.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        wide(torch.zeros(1, *shape))
    return Model(
        name=name,
        module=module,
        manifest=load_manifest(place),
        input_shape=shape,
        flop=counter.get_total_flops(),
        weight_bytes=sum(p.numel() * p.element_size() for p in module.parameters()),
    )


def _default() -> tuple[AudioSpectrogramTransformer, ModelCard]:
    manifest = load_manifest(DEFAULT)
    card = ModelCard(
        name=manifest.name,
        labels=manifest.labels,
        activation=manifest.activation,
        fbank=manifest.fbank,
        decided=manifest.decision,
    )
    return build_model(open_start(str(DEFAULT)).weights, str(DEFAULT)), card


def _published(size: str) -> tuple[AudioSpectrogramTransformer, ModelCard]:
    """As AST was published for one second: 128 frames, patches of 16 x 16, every 10."""
    torch.manual_seed(_SEED)
    config = AstConfig.published(size, n_labels=35, n_frames=128, stride=10)
    labels = [f"word{i}" for i in range(config.n_labels)]
    fbank = replace(FbankConfig(), target_frames=config.n_frames)
    card = ModelCard(name=size, labels=labels, activation="softmax", fbank=fbank)
    return AudioSpectrogramTransformer(config).eval(), card
