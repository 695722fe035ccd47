"""Audio Spectrogram Transformer (Gong, Chung, Glass 2021, arXiv:2104.01778) in one file.

Overlapping patches of the fbank are projected to tokens, a class token (and, on request, the
distillation token of DeiT) is put in front, pre-norm transformer blocks follow, and a linear head
reads the special tokens' mean. Shapes: B batch, T frames, F mels, N tokens, D dim, H heads.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, kw_only=True)
class AstConfig:
    """Shape of the model.

    The default is a small one that two CPU cores can train. Its patches span the whole frequency
    axis and 10 frames, every 4: for speech, time resolution is worth more than frequency
    position, and 23 tokens cost a fifth of the paper's 12 x 9 grid. It has a plain class token:
    the distillation token pays only with a teacher or DeiT weights.

    Attributes:
        n_labels: Outputs.
        n_frames: Frames of the input; fixed, because positions are learnt.
        n_mels: Mel bins of the input.
        patch_frames: Length of a patch in time.
        patch_mels: Height of a patch.
        frame_stride: Patch advance in time; below patch_frames patches overlap.
        mel_stride: Patch advance in frequency.
        dim: Width of a token.
        depth: Transformer blocks.
        heads: Attention heads; divides dim.
        distillation_token: Whether a second special token is averaged with the class token.
        drop_path: Largest probability of skipping a residual branch in training; it rises
            linearly with depth.
    """

    n_labels: int
    n_frames: int = 98
    n_mels: int = 128
    patch_frames: int = 10
    patch_mels: int = 128
    frame_stride: int = 4
    mel_stride: int = 128
    dim: int = 192
    depth: int = 6
    heads: int = 3
    distillation_token: bool = False
    drop_path: float = 0.0

    @property
    def grid(self) -> tuple[int, int]:
        """Patches along frequency and along time."""
        return (
            (self.n_mels - self.patch_mels) // self.mel_stride + 1,
            (self.n_frames - self.patch_frames) // self.frame_stride + 1,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a manifest."""
        return asdict(self)


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Attend within each sequence, [B, N, D] to [B, N, D]."""
        batch, tokens, dim = x.shape
        head_dim = dim // self.heads
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, head_dim)  # [B, N, 3, H, D/H]
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each [B, H, N, D/H]
        # Scaling the query first keeps query-key products small enough for half precision.
        mixed = functional.scaled_dot_product_attention(
            query * head_dim**-0.5, key, value, scale=1.0
        )
        projected: Tensor = self.proj(mixed.transpose(1, 2).reshape(batch, tokens, dim))
        return projected


class Block(nn.Module):
    """Pre-norm transformer block with stochastic depth (Huang et al. 2016)."""

    def __init__(self, dim: int, heads: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim)
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, D] to [B, N, D]."""
        x = x + self._maybe_skip(self.attn(self.norm1(x)))
        return x + self._maybe_skip(self.fc2(functional.gelu(self.fc1(self.norm2(x)))))

    def _maybe_skip(self, branch: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        mask = torch.rand(branch.shape[0], 1, 1, device=branch.device) < keep
        return branch * mask.to(branch.dtype) / keep


class AudioSpectrogramTransformer(nn.Module):
    """Fbank in, logits out."""

    def __init__(self, config: AstConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.patch_embed = nn.Linear(config.patch_mels * config.patch_frames, dim)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.dist_token = (
            nn.Parameter(torch.zeros(1, 1, dim)) if config.distillation_token else None
        )
        self.n_special = 2 if config.distillation_token else 1
        n_tokens = config.grid[0] * config.grid[1] + self.n_special
        self.pos_embed = nn.Parameter(torch.zeros(1, n_tokens, dim))
        rates = torch.linspace(0, config.drop_path, config.depth).tolist()
        self.blocks = nn.ModuleList(Block(dim, config.heads, rate) for rate in rates)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head_norm = nn.LayerNorm(dim, eps=1e-5)
        self.head = nn.Linear(dim, config.n_labels)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.cls_token, std=0.02)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        if self.dist_token is not None:
            nn.init.trunc_normal_(self.dist_token, std=0.02)

    def forward(self, fbank: Tensor) -> Tensor:
        """Score a batch.

        Args:
            fbank: Normalised fbanks, [B, T, F].

        Returns:
            Logits, [B, n_labels].
        """
        x = self.patch_embed(self._patches(fbank))  # [B, N, D]
        special = [self.cls_token] if self.dist_token is None else [self.cls_token, self.dist_token]
        x = torch.cat([token.expand(x.shape[0], -1, -1) for token in special] + [x], dim=1)
        x = x + self.pos_embed
        for block in self.blocks:
            x = block(x)
        pooled = self.norm(x)[:, : self.n_special].mean(dim=1)  # [B, D]
        logits: Tensor = self.head(self.head_norm(pooled))
        return logits

    def _patches(self, fbank: Tensor) -> Tensor:
        """Overlapping patches, frequency-major as in AST: [B, T, F] to [B, N, mels * frames]."""
        config = self.config
        patches = fbank.transpose(1, 2)  # [B, F, T]
        patches = patches.unfold(1, config.patch_mels, config.mel_stride)  # [B, f, T, mels]
        patches = patches.unfold(2, config.patch_frames, config.frame_stride)  # [B, f, t, m, fr]
        return patches.flatten(3).flatten(1, 2)
