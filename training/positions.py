"""Fits learnt position embeddings to another grid of patches, as AST was published.

Gong, Chung, Glass 2021, section 2.2: each axis is cropped from its centre when it shrinks and
interpolated bilinearly when it grows, time before frequency.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.errors import ConfigError


def adapt_positions(
    pos_embed: Tensor, *, old_grid: tuple[int, int], new_grid: tuple[int, int], n_special: int
) -> Tensor:
    """Position embeddings for another grid.

    Args:
        pos_embed: [1, n_special + f * t, D], frequency-major.
        old_grid: Patches along frequency and along time that it was learnt with; 14 x 14 and
            24 x 24 for DeiT at 224 and 384 pixels, 12 x 101 for AudioSet.
        new_grid: Those wanted.
        n_special: Tokens before the patches, kept as they are.

    Returns:
        [1, n_special + new f * new t, D].

    Raises:
        ConfigError: The embedding does not have that old grid.
    """
    n_patches = pos_embed.shape[1] - n_special
    if n_patches != old_grid[0] * old_grid[1]:
        raise ConfigError(
            f"position embedding has {n_patches} patches; a grid of {old_grid[0]} x {old_grid[1]} "
            f"has {old_grid[0] * old_grid[1]}"
        )
    special, patches = pos_embed[:, :n_special], pos_embed[:, n_special:]
    grid = patches.transpose(1, 2).reshape(1, -1, *old_grid)  # [1, D, f, t]
    grid = _fit_axis(grid, 3, new_grid[1])
    grid = _fit_axis(grid, 2, new_grid[0])
    return torch.cat([special, grid.flatten(2).transpose(1, 2)], dim=1)


def _fit_axis(grid: Tensor, axis: int, size: int) -> Tensor:
    old = grid.shape[axis]
    if size <= old:
        return grid.narrow(axis, old // 2 - size // 2, size)
    wanted = list(grid.shape[2:])
    wanted[axis - 2] = size
    return functional.interpolate(grid, size=wanted, mode="bilinear", align_corners=False)
