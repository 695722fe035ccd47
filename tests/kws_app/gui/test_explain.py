"""Every outcome has its reason."""

from pathlib import Path

import numpy as np
import pytest

from engine.config import DecisionConfig, OperatingPoint
from engine.manifest import ModelManifest, load_manifest
from kws_app.gui.explain import explain, sentence
from kws_app.gui.memory import Moment

HIGHER = "another label was higher"


def moment(
    smoothed: list[float],
    *,
    fired: str = "",
    held_back: dict[str, str] | None = None,
    keywords: tuple[str, ...] = ("low", "high"),
) -> Moment:
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    return Moment(
        end_sample=16_000,
        probs=np.array(smoothed, np.float32)[::-1],
        smoothed=np.array(smoothed, np.float32),
        held_back=held_back or {},
        fired=fired,
        decision=DecisionConfig(operating_points=dict.fromkeys(keywords, point)),
        seen_at_s=0.0,
        columns=np.zeros((1, 128), np.float32),
    )


def test_the_highest_first_with_what_stopped_each(tiny: ModelManifest) -> None:
    verdicts = explain(moment([0.05, 0.1, 0.65, 0.2], fired="low"), tiny)
    assert [(v.label, v.outcome) for v in verdicts] == [
        ("low", "fired"),
        ("high", "below its threshold"),
        ("_unknown_", "background: never fires"),
        ("_silence_", "background: never fires"),
    ]
    assert verdicts[0].posterior == pytest.approx(0.1)
    assert verdicts[0].threshold == 0.6
    assert verdicts[2].threshold is None


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (
            moment([0, 0.1, 0.7, 0.2], fired="low"),
            "low fired: 0.70 of 0.60, and no label was higher.",
        ),
        (
            moment([0, 0.1, 0.55, 0.2]),
            "Nothing fired: low had 0.55 of 0.60, but that is below its threshold.",
        ),
        (
            moment([0, 0.1, 0.7, 0.2], held_back={"low": "not re-armed"}),
            "Nothing fired: low had 0.70 of 0.60, but it had fired and has not fallen since.",
        ),
        (
            moment([0, 0.1, 0.7, 0.2], held_back={"low": "refractory period"}),
            "Nothing fired: low had 0.70 of 0.60, but it had fired a moment before.",
        ),
        (
            moment([0, 0, 0.7, 0.7], held_back=dict.fromkeys(("low", "high"), HIGHER)),
            "Nothing fired: low had 0.70 of 0.60, but another label was as high.",
        ),
        (
            moment([0, 0.1, 0.7, 0.2], keywords=("high",)),
            "Nothing fired: low had 0.70, but it is switched off.",
        ),
        (
            moment([0.1, 0.6, 0.1, 0.2]),
            "Nothing fired: it sounded most like something else (0.60); the nearest keyword was "
            "high (0.20).",
        ),
        (
            moment([0.9, 0.0, 0.1, 0.0]),
            "Nothing fired: it sounded most like silence (0.90); the nearest keyword was low "
            "(0.10).",
        ),
    ],
)
def test_in_one_sentence(tiny: ModelManifest, shown: Moment, text: str) -> None:
    assert sentence(shown, tiny) == text


def test_what_fired_is_shown_wherever_it_stands(default_folder: Path) -> None:
    manifest = load_manifest(default_folder)
    smoothed = np.linspace(1, 0.5, len(manifest.labels), dtype=np.float32)
    shown = Moment(
        end_sample=16_000,
        probs=smoothed,
        smoothed=smoothed,
        held_back=dict.fromkeys(manifest.keywords, "another label was higher"),
        fired="zero",
        decision=DecisionConfig(
            operating_points={
                w: OperatingPoint(threshold=0.1, rearm_threshold=0.1) for w in manifest.keywords
            }
        ),
        seen_at_s=0.0,
        columns=np.zeros((1, 128), np.float32),
    )
    verdicts = explain(shown, manifest)
    assert len(verdicts) == 9
    assert (verdicts[-1].label, verdicts[-1].outcome) == ("zero", "fired")
