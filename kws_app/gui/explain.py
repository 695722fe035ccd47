"""Why a keyword fired at a moment, and what stopped the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.manifest import ModelManifest
from kws_app.gui.memory import Moment

FIRED = "fired"
BELOW = "below its threshold"
OFF = "switched off"
BACKGROUND = "background: never fires"
_SHOWN = 8


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One label at one moment.

    Attributes:
        label: Which.
        posterior: Of this window alone.
        smoothed: Averaged over the windows that decide.
        threshold: What it had to reach; None for background and what is switched off.
        outcome: "fired", or what stopped it.
    """

    label: str
    posterior: float
    smoothed: float
    threshold: float | None
    outcome: str


def explain(moment: Moment, manifest: ModelManifest) -> list[Verdict]:
    """The labels that came highest, and whatever fired, highest first."""
    order = [int(i) for i in np.argsort(-moment.smoothed, kind="stable")]
    shown = order[:_SHOWN]
    shown += [i for i in order[_SHOWN:] if manifest.labels[i] == moment.fired]
    return [_verdict(moment, manifest, place) for place in shown]


def sentence(moment: Moment, manifest: ModelManifest) -> str:
    """The same in one sentence."""
    verdicts = explain(moment, manifest)
    if moment.fired:
        fired = next(verdict for verdict in verdicts if verdict.label == moment.fired)
        return (
            f"{fired.label} fired: {fired.smoothed:.2f} of {fired.threshold:.2f}, and no label was "
            "higher."
        )
    keywords = [verdict for verdict in verdicts if verdict.outcome != BACKGROUND]
    top = verdicts[0]
    if top.outcome == BACKGROUND:
        text = f"Nothing fired: it sounded most like {_spoken(top.label)} ({top.smoothed:.2f})"
        for nearest in keywords[:1]:
            text += f"; the nearest keyword was {nearest.label} ({nearest.smoothed:.2f})"
        return f"{text}."
    wanted = f" of {top.threshold:.2f}" if top.threshold is not None else ""
    reached = f"{top.label} had {top.smoothed:.2f}{wanted}"
    return f"Nothing fired: {reached}, but {_because(top.outcome)}."


def _verdict(moment: Moment, manifest: ModelManifest, place: int) -> Verdict:
    label = manifest.labels[place]
    smoothed = float(moment.smoothed[place])
    point = moment.decision.operating_points.get(label)
    if label == moment.fired:
        outcome = FIRED
    elif label in manifest.background_labels:
        outcome = BACKGROUND
    elif point is None:
        outcome = OFF
    elif smoothed < point.threshold:
        outcome = BELOW
    else:
        outcome = moment.held_back[label]
    return Verdict(
        label=label,
        posterior=float(moment.probs[place]),
        smoothed=smoothed,
        threshold=None if point is None else point.threshold,
        outcome=outcome,
    )


def _spoken(label: str) -> str:
    return {"_silence_": "silence", "_unknown_": "something else"}.get(label, label)


def _because(outcome: str) -> str:
    return {
        BELOW: "that is below its threshold",
        OFF: "it is switched off",
        "not re-armed": "it had fired and has not fallen since",
        "refractory period": "it had fired a moment before",
        "another label was higher": "another label was as high",
    }[outcome]
