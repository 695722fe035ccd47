"""Pictures of a report, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Figures = Mapping[str, Any]
# Okabe and Ito's colours, which colour-blind people can tell apart.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_CURVE_STREAMS = ("words, clean", "words, 20 dB", "words, 10 dB", "words, 5 dB", "words, 0 dB")
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "svg.hashsalt": "kws",  # the same picture has the same bytes
    "svg.fonttype": "path",
    "figure.dpi": 120,
}


def draw_plots(figures: Figures, folder: Path) -> list[Path]:
    """Draw every picture that the figures have values for.

    Returns:
        The SVG files; a PNG lies beside each.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with mpl.rc_context(_STYLE):
        for name, (size, draw) in _plots(figures).items():
            figure = Figure(figsize=size, layout="constrained")
            draw(figure.add_subplot(), figures)
            path = folder / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None})
            figure.savefig(path.with_suffix(".png"))
            drawn.append(path)
    return drawn


def _plots(figures: Figures) -> dict[str, tuple[tuple[float, float], Callable[..., None]]]:
    shipped = figures["settings"][0]["streams"]
    plots: dict[str, tuple[tuple[float, float], Callable[..., None]]] = {}
    if any(curve["missed"] and "speech" in curve["false_alarms"] for curve in figures["curves"]):
        plots["misses_against_alarms"] = ((7, 4.5), _draw_det)
    if sum(s["kind"] == "words" for s in shipped) > 1:
        plots["conditions"] = ((7, 4), _draw_conditions)
    if figures["by_keyword"]:
        plots["keywords"] = ((7, 0.24 * len(figures["keywords"]) + 1.4), _draw_keywords)
    if figures["by_speaker"].get("speakers"):
        plots["speakers"] = ((7, 3.5), _draw_speakers)
    for group in figures["clips"]:
        plots[f"confusion_{group}"] = (
            (8.5, 8),
            lambda axes, values, group=group: draw_confusion(axes, values["clips"][group]),
        )
    return plots


def _draw_det(axes: Axes, figures: Figures) -> None:
    """Misses against false alarms; the setting that ships is a dot."""
    shipped = figures["settings"][0]
    curve = next(
        c for c in figures["curves"] if c["smoothing_windows"] == shipped["smoothing_windows"]
    )
    alarms = np.array(curve["false_alarms"]["speech"]) / curve["hours"]["speech"]
    floor = 0.5 / curve["hours"]["speech"]  # a place for none on a logarithmic axis
    streams = {stream["name"]: stream for stream in shipped["streams"]}
    shipped_alarms = sum(s["false_alarms"] for s in shipped["streams"] if s["kind"] == "speech")
    shown = [name for name in _CURVE_STREAMS if name in curve["missed"]] or list(curve["missed"])
    for colour, name in zip(_COLOURS, shown, strict=False):
        missed = 100 * np.array(curve["missed"][name]) / curve["references"][name]
        axes.plot(np.maximum(alarms, floor), missed, color=colour, label=_short(name))
        at_rate = max(shipped_alarms / curve["hours"]["speech"], floor)
        axes.plot(at_rate, 100 * streams[name]["miss_rate"], "o", color=colour)
    axes.set_xscale("log")
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(0, 100)
    axes.set_xlabel(
        f"false alarms an hour on running speech (left edge: none in "
        f"{curve['hours']['speech']:.2f} h)"
    )
    axes.set_ylabel("missed words, %")
    axes.set_title(
        f"One threshold for all keywords, {curve['smoothing_windows']} windows; dots: as shipped"
    )
    axes.legend()


def _draw_conditions(axes: Axes, figures: Figures) -> None:
    streams = [s for s in figures["settings"][0]["streams"] if s.get("references")]
    places = np.arange(len(streams))
    rates = np.array([100 * s["miss_rate"] for s in streams])
    bounds = 100 * np.array([s["miss_interval"] for s in streams])
    axes.barh(places, rates, color=_COLOURS[0], alpha=0.8)
    spread = np.stack([rates - bounds[:, 0], bounds[:, 1] - rates])
    axes.errorbar(rates, places, xerr=np.maximum(spread, 0), fmt="none", color="black", capsize=3)
    axes.set_yticks(places, [_short(s["name"]) for s in streams])
    axes.invert_yaxis()
    axes.set_xlim(0, max(20, float(bounds.max()) * 1.05))
    axes.set_xlabel("missed words, %, with 95 % intervals")
    axes.set_title("Where words are missed, as shipped")


def _draw_keywords(axes: Axes, figures: Figures) -> None:
    name, rows = next(iter(figures["by_keyword"].items()))
    words = sorted((w for w in rows if rows[w]["references"]), key=lambda w: rows[w]["miss_rate"])
    rates = np.array([100 * rows[word]["miss_rate"] for word in words])
    bounds = 100 * np.array([rows[word]["miss_interval"] for word in words])
    places = np.arange(len(words))
    axes.barh(places, rates, color=_COLOURS[2], alpha=0.8)
    spread = np.stack([rates - bounds[:, 0], bounds[:, 1] - rates])
    axes.errorbar(rates, places, xerr=np.maximum(spread, 0), fmt="none", color="black", capsize=2)
    labels = [f"{word} ({rows[word]['references']})" for word in words]
    axes.set_yticks(places, labels, fontsize=8)
    axes.set_ylim(-0.7, len(words) - 0.3)
    axes.set_xlim(0, 100)
    axes.set_xlabel("missed, %, with 95 % intervals; in brackets: spoken")
    axes.set_title(f"Each keyword, {_short(name)}, as shipped")


def _draw_speakers(axes: Axes, figures: Figures) -> None:
    speakers = figures["by_speaker"]
    rates = 100 * np.array(speakers["rates"])
    axes.plot(100 * (np.arange(len(rates)) + 0.5) / len(rates), rates, color=_COLOURS[1])
    axes.axhline(100 * speakers["mean"], color="black", linewidth=0.8, linestyle="--")
    axes.set_xlabel(f"share of the {speakers['speakers']} people, %, best first")
    axes.set_ylabel("of their words missed, %")
    axes.set_ylim(0, 100)
    axes.set_title("People differ (clean and 10 dB; dashed: mean)")


def draw_confusion(axes: Axes, clips: Figures) -> None:
    """Confusion matrix of clips; rows are what was said, as shares of the row."""
    labels = [name for name, row in clips["labels"].items() if row["clips"]]
    taken = _taken(clips, labels)
    order = list(clips["labels"])
    counts = np.array(clips["confusion"], float)
    rows = counts[[order.index(label) for label in labels]]
    shares = rows[:, [order.index(label) for label in taken]]
    shares = shares / np.maximum(rows.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    axes.grid(visible=False)
    axes.set_xticks(range(len(taken)), taken, rotation=90, fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    for row, column in zip(*np.nonzero(shares >= 0.005), strict=True):
        share = shares[row, column]
        axes.text(
            column,
            row,
            f"{100 * share:.0f}",
            ha="center",
            va="center",
            fontsize=6,
            color="white" if share > 0.4 else "black",
        )
    axes.set_xlabel("taken for")
    axes.set_ylabel("said")
    axes.set_title("Clips, % of each row")


def _taken(clips: Figures, labels: Sequence[str]) -> list[str]:
    """Labels that were said, then others that something was taken for."""
    order = list(clips["labels"])
    columns = np.array(clips["confusion"]).sum(axis=0)
    others = [name for name, n in zip(order, columns, strict=True) if n and name not in labels]
    return [*labels, *others]


def _short(name: str) -> str:
    return name.removeprefix("words, ")
