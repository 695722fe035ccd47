"""Renames the tensors of every published AST and DeiT checkpoint to the names of training.ast.

| spelling | example |
|---|---|
| original AST (`.pth`, from DataParallel) | `module.v.blocks.0.attn.qkv.weight` |
| transformers 4 | `A.encoder.layer.0.attention.attention.query.weight` |
| transformers 5 | `A.layers.0.attention.q_proj.weight` |
| DeiT, original and transformers' | `blocks.0.attn.qkv.weight`, `deit.encoder.layer.0...` |
| ours | `blocks.0.attn.qkv.weight`, `blocks.0.fc1.weight` |

A stands for `audio_spectrogram_transformer`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from engine.errors import ModelError

_BLOCK = r"(?:encoder\.layer|layers)\.(\d+)\."
_TRANSFORMERS = (
    (r"embeddings\.cls_token", "cls_token"),
    (r"embeddings\.distillation_token", "dist_token"),
    (r"embeddings\.position_embeddings", "pos_embed"),
    (r"embeddings\.patch_embeddings\.projection\.(\w+)", r"patch_embed.\1"),
    (_BLOCK + r"layernorm_before\.(\w+)", r"blocks.\1.norm1.\2"),
    (_BLOCK + r"attention\.(?:attention\.query|q_proj)\.(\w+)", r"blocks.\1.attn.q.\2"),
    (_BLOCK + r"attention\.(?:attention\.key|k_proj)\.(\w+)", r"blocks.\1.attn.k.\2"),
    (_BLOCK + r"attention\.(?:attention\.value|v_proj)\.(\w+)", r"blocks.\1.attn.v.\2"),
    (_BLOCK + r"attention\.(?:output\.dense|o_proj)\.(\w+)", r"blocks.\1.attn.proj.\2"),
    (_BLOCK + r"layernorm_after\.(\w+)", r"blocks.\1.norm2.\2"),
    (_BLOCK + r"(?:intermediate\.dense|mlp\.fc1)\.(\w+)", r"blocks.\1.fc1.\2"),
    (_BLOCK + r"(?:output\.dense|mlp\.fc2)\.(\w+)", r"blocks.\1.fc2.\2"),
    (r"layernorm\.(\w+)", r"norm.\1"),
)
_TIMM = (
    (r"(cls_token|dist_token|pos_embed)", r"\1"),
    (r"patch_embed\.proj\.(\w+)", r"patch_embed.\1"),
    (r"(blocks\.\d+\.(?:norm[12]|attn\.qkv|attn\.proj)\.\w+)", r"\1"),
    (r"(blocks\.\d+)\.mlp\.(fc[12]\.\w+)", r"\1.\2"),
    (r"(norm\.\w+)", r"\1"),
    (r"(?:head|head_dist)\.\w+", ""),  # ImageNet's classes
)
_OURS = (
    *_TIMM[:3],
    (r"(patch_embed\.\w+)", r"\1"),
    (r"(blocks\.\d+\.fc[12]\.\w+)", r"\1"),
    (r"((?:norm|head_norm|head)\.\w+)", r"\1"),
)


def _prefixed(prefix: str, rules: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((re.escape(prefix) + pattern, name) for pattern, name in rules)


# Name, a key that no other spelling has, rules for the whole name; an empty new name drops it.
_SPELLINGS = (
    (
        "original AST",
        "v.cls_token",
        (
            *_prefixed("v.", _TIMM),
            (r"mlp_head\.0\.(\w+)", r"head_norm.\1"),
            (r"mlp_head\.1\.(\w+)", r"head.\1"),
        ),
    ),
    (
        "transformers AST",
        "audio_spectrogram_transformer.embeddings.cls_token",
        (
            *_prefixed("audio_spectrogram_transformer.", _TRANSFORMERS),
            (r"classifier\.layernorm\.(\w+)", r"head_norm.\1"),
            (r"classifier\.dense\.(\w+)", r"head.\1"),
        ),
    ),
    (
        "transformers DeiT",
        "deit.embeddings.cls_token",
        (
            *_prefixed("deit.", _TRANSFORMERS),
            (r"(?:cls_classifier|distillation_classifier|classifier|deit\.pooler)\..+", ""),
        ),
    ),
    ("kws", "blocks.0.fc1.weight", _OURS),
    ("DeiT", "cls_token", _TIMM),
)


def to_ast_names(tensors: Mapping[str, Tensor], where: str) -> tuple[dict[str, Tensor], str]:
    """Rename a checkpoint's tensors.

    Args:
        tensors: As they were saved, with or without DataParallel's `module.`.
        where: For error messages.

    Returns:
        Tensors by the names of training.ast, except that `patch_embed.weight` may still be that
        of a convolution, [D, channels, mels, frames]; and the name of the spelling.

    Raises:
        ModelError: The spelling is none of the known ones.
    """
    plain = {name.removeprefix("module."): tensor for name, tensor in tensors.items()}
    for spelling, witness, rules in _SPELLINGS:
        if witness in plain:
            return _merge_qkv(_renamed(plain, rules, f"{where} ({spelling})"), where), spelling
    raise ModelError(
        f"{where} is no AST or DeiT checkpoint: among its {len(plain)} tensors are "
        f"{', '.join(sorted(plain)[:3]) or 'none'}; known are the original AST's, transformers', "
        "DeiT's and this program's own"
    )


def _renamed(
    tensors: Mapping[str, Tensor], rules: tuple[tuple[str, str], ...], where: str
) -> dict[str, Tensor]:
    out: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        for pattern, new_name in rules:
            match = re.fullmatch(pattern, name)
            if match:
                if new_name:
                    out[match.expand(new_name)] = tensor
                break
        else:
            raise ModelError(f"{where} has a tensor {name!r}, which no AST has")
    return out


def _merge_qkv(tensors: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Query, key and value projections as one, in that order; without biases they get zeros."""
    for name in [name for name in tensors if name.endswith(".attn.q.weight")]:
        stem = name.removesuffix("q.weight")
        try:
            weights = [tensors.pop(f"{stem}{part}.weight") for part in "qkv"]
        except KeyError as err:
            raise ModelError(f"{where} has {name!r} but not its key and value weights") from err
        zeros = torch.zeros_like(weights[0][:, 0])
        biases = [tensors.pop(f"{stem}{part}.bias", zeros) for part in "qkv"]
        tensors[f"{stem}qkv.weight"] = torch.cat(weights)
        tensors[f"{stem}qkv.bias"] = torch.cat(biases)
    return tensors
