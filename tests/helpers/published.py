"""Checkpoints with random weights, made by transformers and by hand, and what they must compute."""

import re
from pathlib import Path

import torch
from kaldi import make_importable

SIZES = {"tiny": (192, 3), "small": (384, 6), "base": (768, 12)}


def transformers_model(
    dim: int, heads: int, *, depth: int = 12, labels: int = 35, frames: int = 128, stride: int = 10
) -> torch.nn.Module:
    """transformers' AST with weights of about the spread of trained ones."""
    make_importable()
    from transformers import ASTConfig, ASTForAudioClassification

    config = ASTConfig(
        hidden_size=dim,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        intermediate_size=4 * dim,
        max_length=frames,
        num_labels=labels,
        frequency_stride=stride,
        time_stride=stride,
    )
    model = ASTForAudioClassification(config).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, value in model.named_parameters():
            spread = torch.randn(value.shape, generator=generator)
            centre = 1.0 if "layernorm" in name and name.endswith("weight") else 0.0
            value.copy_(centre + 0.05 * spread)
    return model


def original_spelling(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors as the original repository saves them, unused heads included."""
    block = r"audio_spectrogram_transformer\.layers\.(\d+)\."
    rules = {
        r"audio_spectrogram_transformer\.embeddings\.cls_token": "v.cls_token",
        r"audio_spectrogram_transformer\.embeddings\.distillation_token": "v.dist_token",
        r"audio_spectrogram_transformer\.embeddings\.position_embeddings": "v.pos_embed",
        r"audio_spectrogram_transformer\.embeddings\.patch_embeddings\.projection": (
            "v.patch_embed.proj"
        ),
        block + "layernorm_before": r"v.blocks.\1.norm1",
        block + r"attention\.o_proj": r"v.blocks.\1.attn.proj",
        block + "layernorm_after": r"v.blocks.\1.norm2",
        block + r"mlp\.": r"v.blocks.\1.mlp.",
        r"audio_spectrogram_transformer\.layernorm": "v.norm",
        r"classifier\.layernorm": "mlp_head.0",
        r"classifier\.dense": "mlp_head.1",
    }
    out = {}
    for name, value in state.items():
        if "_proj" in name and "o_proj" not in name:
            continue
        for pattern, new in rules.items():
            name = re.sub("^" + pattern, new, name)
        out["module." + name] = value
    depth = len({name for name in state if name.endswith("layernorm_before.weight")})
    for i in range(depth):
        stem = f"audio_spectrogram_transformer.layers.{i}.attention."
        for kind in ("weight", "bias"):
            parts = [state[f"{stem}{part}_proj.{kind}"] for part in "qkv"]
            out[f"module.v.blocks.{i}.attn.qkv.{kind}"] = torch.cat(parts)
    dim = out["module.v.cls_token"].shape[2]
    for head in ("head", "head_dist"):
        out[f"module.v.{head}.weight"] = torch.randn(1000, dim)
        out[f"module.v.{head}.bias"] = torch.randn(1000)
    return out


def save_original(path: Path, model: torch.nn.Module) -> Path:
    """A `.pth` as the original repository writes it."""
    torch.save(original_spelling(model.state_dict()), path)
    return path
