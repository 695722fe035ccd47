"""Position embeddings follow AST's published rule, written here a second time from the paper."""

import numpy as np
import pytest
import torch

from engine.errors import ConfigError
from training.positions import adapt_positions


def learnt(f: int, t: int, n_special: int = 2, dim: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(f * t)
    return torch.randn(1, n_special + f * t, dim, generator=generator)


def bilinear(line: np.ndarray, size: int) -> np.ndarray:
    """Half-pixel centres, edges repeated."""
    old = len(line)
    where = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
    low = np.minimum(where.astype(int), old - 2)
    share = where - low
    return line[low] * (1 - share) + line[low + 1] * share


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((24, 24), (12, 12)),  # DeiT 384 to Speech Commands: cropped in both axes
        ((24, 24), (12, 101)),  # to AudioSet: cropped in frequency, interpolated in time
        ((14, 14), (12, 50)),
        ((12, 101), (12, 12)),  # AudioSet to Speech Commands: 50 - 6 to 50 + 6
        ((12, 101), (12, 50)),
        ((12, 101), (7, 140)),
        ((8, 8), (12, 12)),
    ],
)
def test_each_axis_is_cropped_or_interpolated(old: tuple[int, int], new: tuple[int, int]) -> None:
    source = learnt(*old)
    adapted = adapt_positions(source, old_grid=old, new_grid=new, n_special=2)
    grid = source[0, 2:].numpy().reshape(*old, 3)
    for axis in (1, 0):
        size, before = new[axis], grid.shape[axis]
        if size <= before:
            first = int(before / 2) - int(size / 2)
            grid = np.take(grid, range(first, first + size), axis)
        else:
            grid = np.apply_along_axis(bilinear, axis, grid, size)
    torch.testing.assert_close(adapted[:, :2], source[:, :2])
    np.testing.assert_allclose(adapted[0, 2:].numpy(), grid.reshape(-1, 3), atol=1e-4)


def test_the_same_grid_changes_nothing() -> None:
    source = learnt(4, 5, n_special=1)
    same = adapt_positions(source, old_grid=(4, 5), new_grid=(4, 5), n_special=1)
    torch.testing.assert_close(same, source, rtol=0, atol=0)


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"has 20 patches; a grid of 4 x 4 has 16"):
        adapt_positions(learnt(4, 5), old_grid=(4, 4), new_grid=(2, 2), n_special=2)
