"""Audio Spectrogram Transformer (Gong, Chung, Glass 2021, arXiv:2104.01778) in one file.

Overlapping patches of the fbank are projected to tokens, a class token (and, on request, the
distillation token of DeiT) is put in front, pre-norm transformer blocks follow, and a linear head
reads the special tokens' mean. Shapes: B batch, T frames, F mels, N tokens, D dim, H heads.
`AstConfig.published` gives the models of the paper; `training/weights.py` reads their checkpoints.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.errors import ConfigError

# DeiT (Touvron et al. 2021, table 1): dim, depth, heads of the sizes that AST was published with.
SIZES = {"tiny": (192, 12, 3), "small": (384, 12, 6), "base": (768, 12, 12)}

# Far beyond every published model, and far below what a damaged file may claim.
_LIMITS = {
    "n_labels": (1, 100_000),
    "n_frames": (1, 65_536),
    "n_mels": (1, 4_096),
    "patch_frames": (1, 65_536),
    "patch_mels": (1, 4_096),
    "frame_stride": (1, 65_536),
    "mel_stride": (1, 4_096),
    "dim": (1, 8_192),
    "depth": (1, 256),
    "heads": (1, 256),
    "mlp_dim": (0, 65_536),
}


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
        mlp_dim: Width of a block's hidden layer; 0 means 4 * dim.
        distillation_token: Whether a second special token is averaged with the class token.
        drop_path: Largest probability of skipping a residual branch in training; it rises
            linearly with depth.
        norm_eps: Epsilon of the backbone's LayerNorms, as DeiT and AST have it.
        head_norm_eps: Epsilon of the LayerNorm before the head.
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
    mlp_dim: int = 0
    distillation_token: bool = False
    drop_path: float = 0.0
    norm_eps: float = 1e-6
    head_norm_eps: float = 1e-5

    def __post_init__(self) -> None:
        """Refuse shapes that no model can have."""
        for name, (low, high) in _LIMITS.items():
            size = getattr(self, name)
            if not isinstance(size, int) or not low <= size <= high:
                raise ConfigError(f"model {name} is {size}; it must be {low} to {high}")
        if self.dim % self.heads:
            raise ConfigError(
                f"model dim is {self.dim}; it must be a multiple of {self.heads} heads"
            )
        if min(self.grid) < 1:
            raise ConfigError(
                f"model input of {self.n_frames} frames x {self.n_mels} mels is smaller than a "
                f"patch of {self.patch_frames} x {self.patch_mels}; take smaller patches"
            )
        if not 0 <= self.drop_path < 1:
            raise ConfigError(f"model drop_path is {self.drop_path}; it must be 0 to below 1")
        for name in ("norm_eps", "head_norm_eps"):
            if not 0 < getattr(self, name) <= 0.1:
                raise ConfigError(
                    f"model {name} is {getattr(self, name)}; it must be above 0 and at most 0.1"
                )

    @classmethod
    def published(
        cls, size: str, *, n_labels: int, n_frames: int = 128, n_mels: int = 128, stride: int = 10
    ) -> AstConfig:
        """A model of the paper: 16 x 16 patches, both special tokens.

        Args:
            size: "tiny", "small" or "base".
            n_labels: Outputs; 35 for Speech Commands, 527 for AudioSet, 50 for ESC-50.
            n_frames: Frames; 128 for Speech Commands, 1024 for AudioSet, 512 for ESC-50.
            n_mels: Mel bins.
            stride: Patch advance in both axes; published with 10, 12, 14 and 16.

        Raises:
            ConfigError: No such size.
        """
        if size not in SIZES:
            raise ConfigError(f"model size is {size!r}; it must be one of {', '.join(SIZES)}")
        dim, depth, heads = SIZES[size]
        return cls(
            n_labels=n_labels,
            n_frames=n_frames,
            n_mels=n_mels,
            patch_frames=16,
            patch_mels=16,
            frame_stride=stride,
            mel_stride=stride,
            dim=dim,
            depth=depth,
            heads=heads,
            distillation_token=True,
        )

    @property
    def n_special(self) -> int:
        """Tokens that the head reads: the class token and, where there is one, the distillation."""
        return 2 if self.distillation_token else 1

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

    def __init__(self, config: AstConfig, drop_path: float) -> None:
        super().__init__()
        dim, mlp_dim = config.dim, config.mlp_dim or 4 * config.dim
        self.norm1 = nn.LayerNorm(dim, eps=config.norm_eps)
        self.attn = Attention(dim, config.heads)
        self.norm2 = nn.LayerNorm(dim, eps=config.norm_eps)
        self.fc1 = nn.Linear(dim, mlp_dim)
        self.fc2 = nn.Linear(mlp_dim, dim)
        self.drop_path = drop_path

    def forward(self, x: Tensor, draws: Tensor | None = None) -> Tensor:
        """[B, N, D] to [B, N, D]; draws, [B, 2], decide whether a row skips the two branches."""
        x = x + self._maybe_skip(self.attn(self.norm1(x)), draws, 0)
        return x + self._maybe_skip(self.fc2(functional.gelu(self.fc1(self.norm2(x)))), draws, 1)

    def _maybe_skip(self, branch: Tensor, draws: Tensor | None, number: int) -> Tensor:
        if draws is None or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        kept = draws[:, number] < keep  # [B]
        return branch * (kept.to(branch.dtype) / keep)[:, None, None]


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
        n_tokens = config.grid[0] * config.grid[1] + config.n_special
        self.pos_embed = nn.Parameter(torch.zeros(1, n_tokens, dim))
        last = max(1, config.depth - 1)
        self.blocks = nn.ModuleList(
            Block(config, config.drop_path * i / last) for i in range(config.depth)
        )
        self.norm = nn.LayerNorm(dim, eps=config.norm_eps)
        self.head_norm = nn.LayerNorm(dim, eps=config.head_norm_eps)
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

    def forward(self, fbank: Tensor, draws: Tensor | None = None) -> Tensor:
        """Score a batch.

        Args:
            fbank: Normalised fbanks, [B, T, F].
            draws: Uniform numbers that decide which branches are skipped, [B, depth, 2]; in
                training alone, and given by the trainer, so that a row's do not depend on its
                company.

        Returns:
            Logits, [B, n_labels].

        Raises:
            ConfigError: The fbanks have another length or number of mels than the model.
        """
        if fbank.ndim != 3 or fbank.shape[1:] != (self.config.n_frames, self.config.n_mels):
            raise ConfigError(
                f"model got fbanks of shape {list(fbank.shape)}; it takes [batch, "
                f"{self.config.n_frames}, {self.config.n_mels}]: pad or cut them, or adapt the "
                "model with training.positions"
            )
        x = self.patch_embed(self._patches(fbank))  # [B, N, D]
        special = [self.cls_token] if self.dist_token is None else [self.cls_token, self.dist_token]
        x = torch.cat([token.expand(x.shape[0], -1, -1) for token in special] + [x], dim=1)
        x = x + self.pos_embed
        for i, block in enumerate(self.blocks):
            x = block(x, None if draws is None else draws[:, i])
        pooled = self.norm(x)[:, : self.config.n_special].mean(dim=1)  # [B, D]
        logits: Tensor = self.head(self.head_norm(pooled))
        return logits

    def _patches(self, fbank: Tensor) -> Tensor:
        """Overlapping patches, frequency-major as in AST: [B, T, F] to [B, N, mels * frames]."""
        config = self.config
        patches = fbank.transpose(1, 2)  # [B, F, T]
        patches = patches.unfold(1, config.patch_mels, config.mel_stride)  # [B, f, T, mels]
        patches = patches.unfold(2, config.patch_frames, config.frame_stride)  # [B, f, t, m, fr]
        return patches.flatten(3).flatten(1, 2)
