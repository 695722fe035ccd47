"""One rise of a posterior is one near miss, or a detection, or nothing."""

import numpy as np
import pytest

from engine.config import DecisionConfig, OperatingPoint
from engine.detection import Detector
from engine.scorer import ScoredWindow
from engine.types import Posteriors
from kws_app.ledger.near_misses import NearMiss, NearMisses

LABELS = ("_unknown_", "yes", "no")
HOP = 1_600
POINT = OperatingPoint(threshold=0.8, rearm_threshold=0.4)  # so the level is 0.48, half of it 0.24
DECISION = DecisionConfig(
    smoothing_windows=1,
    refractory_samples=8_000,
    operating_points={"yes": POINT, "no": POINT},
)
QUIET = [0.0] * 12  # longer than a peak needs to stand


def windows(
    yes: list[float], no: list[float] | None = None, decision: DecisionConfig = DECISION
) -> list[ScoredWindow]:
    """Scored windows of these posteriors, through the detector that ships; window 0 ends at 0."""
    detector = Detector(LABELS, decision)
    scored = []
    for turn, value in enumerate(yes):
        other = no[turn] if no else 0.0
        probs = np.array([max(0.0, 1 - value - other), value, other], np.float32)
        posteriors = Posteriors(probs=probs, end_sample=turn * HOP)
        detections = detector.update(posteriors)
        scored.append(
            ScoredWindow(
                posteriors=posteriors,
                smoothed=detector.smoothed,
                features=np.zeros((98, 128), np.float32),
                decision=DecisionConfig(),
                detections=detections,
                held_back=detector.held_back,
                skipped_windows=0,
                feature_s=0,
                inference_s=0,
            )
        )
    return scored


def found(
    yes: list[float],
    no: list[float] | None = None,
    *,
    margin: float = 0.6,
    decision: DecisionConfig = DECISION,
) -> list[NearMiss]:
    near_misses = NearMisses(LABELS, decision, margin, 16_000)
    misses = [miss for window in windows(yes, no, decision) for miss in near_misses.update(window)]
    return misses + near_misses.flush()


def short(misses: list[NearMiss]) -> list[tuple[str, float, int, str]]:
    """Keyword, peak, number of its window, reason."""
    return [(m.keyword, round(m.score, 2), m.end_sample // HOP, m.reason) for m in misses]


def test_a_rise_is_one_near_miss_at_its_peak() -> None:
    (miss,) = found([0.0, 0.3, 0.5, 0.7, 0.6, 0.5, 0.1, *QUIET])
    assert miss == NearMiss(
        keyword="yes",
        score=pytest.approx(0.7),
        threshold=0.8,
        end_sample=3 * HOP,
        reason="below threshold",
    )


def test_below_the_margin_is_nothing() -> None:
    assert found([0.0, 0.47, 0.0, *QUIET]) == []
    assert len(found([0.0, 0.481, 0.0, *QUIET])) == 1
    assert found([0.0, 0.6, 0.0, *QUIET], margin=0.8) == []
    assert len(found([0.0, 0.41, 0.0, *QUIET], margin=0.5)) == 1


def test_a_detection_is_no_near_miss_and_neither_are_its_rise_and_decline() -> None:
    assert found([0.0, 0.5, 0.7, 0.9, 0.95, 0.7, 0.6, 0.5, 0.1, *QUIET]) == []


def test_a_decline_that_wavers_is_no_near_miss() -> None:
    assert found([0.9, 0.7, 0.5, 0.6, 0.47, 0.49, 0.47, 0.5, 0.1, *QUIET]) == []


def test_a_high_plateau_after_a_detection_is_no_near_miss() -> None:
    assert found([0.9] + [0.99, 0.95] * 15 + QUIET) == []


def test_a_value_that_wavers_around_the_margin_is_one_near_miss() -> None:
    assert short(found([0.0] + [0.49, 0.47] * 20 + QUIET)) == [("yes", 0.49, 1, "below threshold")]


def test_a_rise_that_wavers_has_its_peak_at_the_top() -> None:
    assert short(found([0.0, 0.5, 0.48, 0.6, 0.58, 0.7, *QUIET])) == [
        ("yes", 0.7, 5, "below threshold")
    ]


def test_a_long_plateau_is_one_near_miss_even_if_it_rises_later() -> None:
    assert len(found([0.0] + [0.6] * 30 + [0.7] * 30 + QUIET)) == 1


def test_two_rises_are_two_near_misses() -> None:
    assert short(found([0.0, 0.5, *QUIET, 0.6, *QUIET])) == [
        ("yes", 0.5, 1, "below threshold"),
        ("yes", 0.6, 14, "below threshold"),
    ]


def test_two_rises_within_a_second_are_one_near_miss_the_higher_one() -> None:
    assert short(found([0.0, 0.5, 0.0, 0.6, *QUIET])) == [("yes", 0.6, 3, "below threshold")]
    assert short(found([0.0, 0.6, 0.0, 0.5, *QUIET])) == [("yes", 0.6, 1, "below threshold")]


def test_a_rise_after_a_merged_one_still_counts() -> None:
    # 0.7 stands at window 11; the rise that began at 9 goes on to 0.75, a second after it.
    yes = [0.0, 0.7, 0.0] + [0.0] * 6 + [0.5, 0.55, 0.6, 0.75, *QUIET]
    assert short(found(yes)) == [
        ("yes", 0.7, 1, "below threshold"),
        ("yes", 0.75, 12, "below threshold"),
    ]


def test_a_word_that_fires_within_a_second_was_not_missed() -> None:
    assert found([0.0, 0.6, 0.1, 0.9, *QUIET]) == []
    assert short(found([0.0, 0.6] + [0.0] * 11 + [0.9, *QUIET])) == [
        ("yes", 0.6, 1, "below threshold")
    ]


def test_a_word_that_is_repeated_without_a_pause_was_not_rearmed() -> None:
    assert short(found([0.9, 0.9, 0.6, 0.45, 0.95, 0.9, *QUIET])) == [
        ("yes", 0.95, 4, "not re-armed")
    ]


def test_a_word_that_is_repeated_too_soon_was_in_its_refractory_period() -> None:
    assert short(found([0.9, 0.1, 0.9, 0.1, *QUIET])) == [("yes", 0.9, 2, "refractory period")]


def test_a_word_below_another_label_says_so() -> None:
    point = OperatingPoint(threshold=0.3, rearm_threshold=0.2)
    decision = DecisionConfig(smoothing_windows=1, operating_points={"yes": point})
    assert short(found([0.0, 0.4, 0.0, *QUIET], decision=decision)) == [
        ("yes", 0.4, 1, "another label was higher")
    ]


def test_keywords_are_told_apart() -> None:
    yes, no = [0.0, 0.6, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.55, 0.0]
    assert short(found(yes + QUIET, no + QUIET)) == [
        ("yes", 0.6, 1, "below threshold"),
        ("no", 0.55, 3, "below threshold"),
    ]
    # The detection of one keyword does not swallow the near miss of another one.
    yes, no = [0.0, 0.6, 0.0, 0.0, 0.0], [0.0, 0.0, 0.9, 0.9, 0.0]
    assert short(found(yes + QUIET, no + QUIET)) == [("yes", 0.6, 1, "below threshold")]


def test_only_keywords_that_are_listened_for_are_missed() -> None:
    decision = DecisionConfig(operating_points={"yes": POINT})
    assert found([0.0] * 15, [0.0, 0.7, *[0.0] * 13], decision=decision) == []


def test_a_peak_is_told_when_it_stands_and_no_later() -> None:
    near_misses = NearMisses(LABELS, DECISION, 0.6, 16_000)
    told = [bool(near_misses.update(window)) for window in windows([0.0, 0.6, *QUIET])]
    assert told.index(True) == 11  # 1 s after window 1
    assert sum(told) == 1
    assert near_misses.flush() == []


def test_flush_tells_what_does_not_stand_yet_and_only_once() -> None:
    near_misses = NearMisses(LABELS, DECISION, 0.6, 16_000)
    first, second, *rest = windows([0.0, 0.6, 0.61, 0.62, *QUIET])
    for window in (first, second):
        assert near_misses.update(window) == []
    assert short(near_misses.flush()) == [("yes", 0.6, 1, "below threshold")]
    assert [miss for window in rest for miss in near_misses.update(window)] == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_peaks_are_real_and_a_second_apart_from_detections(seed: int) -> None:
    rng = np.random.default_rng(seed)
    yes = list(np.clip(np.cumsum(rng.normal(0, 0.2, 600)) % 2 - 0.5, 0, 1))
    scored = windows(yes)
    fired = [d.end_sample for window in scored for d in window.detections]
    misses = found(yes)
    assert misses
    ends = [miss.end_sample for miss in misses]
    assert len(set(ends)) == len(ends)
    for miss in misses:
        assert miss.score == pytest.approx(yes[miss.end_sample // HOP], abs=1e-6)
        assert miss.score >= 0.48
        assert not any(0 <= end - miss.end_sample < 16_000 for end in fired)


def test_other_thresholds_and_keywords_leave_what_is_under_way() -> None:
    """After a detection of "no" its decline is none, whatever changes meanwhile."""
    near_misses = NearMisses(LABELS, DECISION, 0.6, 16_000)
    quiet = [0.0] * len(QUIET)
    scored = windows([0.0, 0.7, 0.0, *quiet], [0.9, 0.1, 0.6, *quiet])
    assert near_misses.update(scored[0]) == []
    only = DecisionConfig(operating_points={"no": POINT.with_threshold(0.9)})
    near_misses.configure(only)  # "no" has another place now, and "yes" none
    misses = [miss for window in scored[1:3] for miss in near_misses.update(window)]
    near_misses.configure(DECISION)
    misses += [miss for window in scored[3:] for miss in near_misses.update(window)]
    assert short(misses) == [("no", 0.6, 2, "below threshold")]
    assert misses[0].threshold == 0.9
