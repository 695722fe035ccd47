"""Attention rollout as an ONNX file of its own: which parts of a window the decision came from.

Abnar and Zuidema 2020, Quantifying attention flow in transformers: each layer's attention, mean
over heads, is mixed half and half with the identity (the residual path), and the layers are
multiplied. What the tokens that the head reads take from each patch is spread over the frames and
mels that the patch covers.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import ConfigError
from engine.manifest import file_sha256, load_manifest
from training.ast import Attention, AudioSpectrogramTransformer, Block
from training.manifest_file import write_manifest
from training.model_folder import export_onnx
from training.weights import WEIGHTS_FILE, build_model, read_weights

ROLLOUT_FILE = "rollout.onnx"
ROLLOUT_OUTPUT = "rollout"
# A picture needs no more than half precision, at half the size.
_HALVED_FROM = 1_024


class Rollout(nn.Module):
    """Fbank in, weights of its frames and mels out.

    Args:
        model: In evaluation mode.
    """

    kernel: Tensor
    coverage: Tensor

    def __init__(self, model: AudioSpectrogramTransformer) -> None:
        super().__init__()
        self.model = model
        config = model.config
        self.register_buffer("kernel", torch.ones(1, 1, config.patch_mels, config.patch_frames))
        counts = self._spread(torch.ones(1, 1, *config.grid))
        self.register_buffer("coverage", counts.clamp(min=1))

    def forward(self, fbank: Tensor) -> Tensor:
        """Weights that sum to what the patches hold, [B, T, F] to [B, F, T]."""
        model, config = self.model, self.model.config
        x = model.patch_embed(model._patches(fbank))
        special = [model.cls_token] + ([] if model.dist_token is None else [model.dist_token])
        x = torch.cat([token.expand(x.shape[0], -1, -1) for token in special] + [x], dim=1)
        x = x + model.pos_embed
        flow = torch.eye(x.shape[1]).expand(x.shape[0], -1, -1)  # [B, N, N]
        for block in model.blocks:
            assert isinstance(block, Block)  # noqa: S101  ModuleList does not say so
            weights = _attention(block.attn, block.norm1(x))  # [B, N, N]
            flow = torch.matmul((weights + torch.eye(x.shape[1])) / 2, flow)
            x = block(x)
        read = flow[:, : config.n_special, config.n_special :].mean(dim=1)  # [B, f * t]
        spread = self._spread(read.reshape(-1, 1, *config.grid)) / self.coverage
        mels, frames = spread.shape[2:]
        padding = (0, config.n_frames - frames, 0, config.n_mels - mels)
        return functional.pad(spread, padding).squeeze(1)

    def _spread(self, patches: Tensor) -> Tensor:
        """Each patch over what it covers, [B, 1, f, t] to [B, 1, mels, frames]."""
        config = self.model.config
        stride = (config.mel_stride, config.frame_stride)
        return functional.conv_transpose2d(patches, self.kernel, stride=stride)


def add_rollout(folder: Path) -> Path:
    """Write `rollout.onnx` into a model folder, from its weights, and name it in the manifest.

    Raises:
        ModelError: The model folder is refused.
        ConfigError: It holds no weights.
    """
    manifest = load_manifest(folder)
    if not (folder / WEIGHTS_FILE).is_file():
        raise ConfigError(f"{folder} has no {WEIGHTS_FILE}; export the model with its weights")
    weights = read_weights(folder / WEIGHTS_FILE)
    model = build_model(weights, str(folder))
    model.load_state_dict(weights.tensors)
    path = folder / ROLLOUT_FILE
    with tempfile.TemporaryDirectory(dir=folder) as aside:
        made = Path(aside) / ROLLOUT_FILE
        export_onnx(Rollout(model).eval(), model.config, made, ROLLOUT_OUTPUT)
        _halve(made)
        made.replace(path)
    files = {**manifest.files, ROLLOUT_FILE: file_sha256(path)}
    write_manifest(replace(manifest, files=files))
    return path


def _attention(attention: Attention, x: Tensor) -> Tensor:
    """Attention of each token to each, mean over heads, [B, N, D] to [B, N, N]."""
    batch, tokens, dim = x.shape
    head_dim = dim // attention.heads
    qkv = attention.qkv(x).reshape(batch, tokens, 3, attention.heads, head_dim)
    query, key, _ = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each [B, H, N, D/H]
    scores = torch.matmul(query * head_dim**-0.5, key.transpose(2, 3))
    return scores.softmax(dim=-1).mean(dim=1)


def _halve(path: Path) -> None:
    """Keep large weights in half precision, and widen them when the model is loaded."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model: Any = onnx.load(path)
    casts = []
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < _HALVED_FROM:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    for place, cast in enumerate(casts):
        model.graph.node.insert(place, cast)
    onnx.checker.check_model(model)
    onnx.save(model, path)
