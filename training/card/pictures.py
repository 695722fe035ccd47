"""Pictures of a card, as SVG."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.card.records import Records
from training.card.reliability import BINS, Reliability
from training.evaluation.page import svg_inside
from training.evaluation.plots import draw_plots

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

_COLOURS = ("#0072B2", "#D55E00")
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "kws",  # the same picture has the same bytes
    "svg.fonttype": "path",
}


def draw_pictures(records: Records, folder: Path) -> dict[str, str]:
    """Draw everything that there are values for.

    Args:
        records: What the card is made of.
        folder: For the files; made if need be.

    Returns:
        Name to the SVG element.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    drawn = draw_plots(records.figures, folder) if records.figures else []
    log = records.training.log if records.training else ()
    own: dict[str, Callable[[Axes], None]] = {}
    if len(log) > 1:
        own["learning_curve"] = partial(_draw_curve, log)
    if records.reliability:
        own["reliability"] = partial(_draw_reliability, records.reliability)
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        for name, draw in own.items():
            figure = Figure(figsize=(7, 4), layout="constrained")
            draw(figure.add_subplot())
            drawn.append(folder / f"{name}.svg")
            figure.savefig(drawn[-1], metadata={"Date": None})
    return {path.stem: svg_inside(path) for path in drawn}


def _draw_curve(log: Sequence[Mapping[str, str]], axes: Axes) -> None:
    steps = [int(row["step"]) for row in log]
    axes.plot(steps, [float(row["loss"]) for row in log], color=_COLOURS[0], marker=".")
    axes.set_xlabel("optimiser step")
    axes.set_ylabel("training loss", color=_COLOURS[0])
    measured = axes.twinx()
    values = [100 * float(row["validation"]) for row in log]
    measured.plot(steps, values, color=_COLOURS[1], marker=".")
    measured.set_ylabel("validation, %", color=_COLOURS[1])
    measured.grid(visible=False)
    axes.set_title("Learning curve")


def _draw_reliability(found: Reliability, axes: Axes) -> None:
    filled = found.counts > 0
    centres = (np.arange(BINS) + 0.5) / BINS
    axes.bar(centres[filled], 100 * found.accuracy[filled], 0.9 / BINS, color=_COLOURS[0])
    axes.plot([0, 1], [0, 100], color="black", linewidth=0.8, linestyle="--")
    for centre, accuracy, count in zip(
        centres[filled], found.accuracy[filled], found.counts[filled], strict=True
    ):
        axes.annotate(f"{count}", (centre, 100 * accuracy), ha="center", va="bottom", fontsize=7)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 108)
    axes.set_xlabel("highest posterior (dashed: as often right as it says)")
    axes.set_ylabel("right, %")
    axes.set_title(f"{found.clips} clips; above each bar how many of them")
