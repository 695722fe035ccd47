"""One word is one detection; what may not fire does not."""

import numpy as np
import pytest

from engine.config import DecisionConfig, OperatingPoint
from engine.detection import Detector
from engine.errors import ConfigError
from engine.types import Detection, Posteriors

LABELS = ("_unknown_", "yes", "no")
HOP = 1_600


def decision(**changes: object) -> DecisionConfig:
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    values = {
        "smoothing_windows": 1,
        "refractory_samples": 8_000,
        "operating_points": {"yes": point, "no": point},
    }
    return DecisionConfig(**(values | changes))


def run(
    yes: list[float], config: DecisionConfig, no: list[float] | None = None
) -> list[tuple[str, int]]:
    """Which keyword fired at which window."""
    detector = Detector(LABELS, config)
    fired = []
    for turn, value in enumerate(yes):
        other = no[turn] if no else 0.0
        probs = np.array([max(0.0, 1 - value - other), value, other], np.float32)
        detections = detector.update(Posteriors(probs=probs, end_sample=turn * HOP))
        fired += [(detection.keyword, turn) for detection in detections]
    return fired


def test_a_word_high_for_two_seconds_fires_once() -> None:
    # 20 windows are 2 s, the refractory period is 0.5 s: only re-arming keeps it at one.
    assert run([0.0] * 3 + [0.9] * 20 + [0.0] * 3, decision()) == [("yes", 3)]


def test_two_utterances_1200_ms_apart_are_two() -> None:
    assert run([0.0, 0.9, 0.9] + [0.1] * 10 + [0.9], decision()) == [("yes", 1), ("yes", 13)]


def test_a_dip_to_the_rearm_threshold_does_not_rearm() -> None:
    assert run([0.9] + [0.3] * 10 + [0.9], decision()) == [("yes", 0)]
    assert run([0.9] + [0.29] * 10 + [0.9], decision()) == [("yes", 0), ("yes", 11)]


def test_the_refractory_period_holds_after_rearming() -> None:
    # Re-armed at window 1; 8,000 samples are over at window 5.
    assert run([0.9, 0.0, 0.9, 0.9, 0.9, 0.9], decision()) == [("yes", 0), ("yes", 5)]


def test_the_threshold_itself_fires() -> None:
    point = OperatingPoint(threshold=0.625, rearm_threshold=0.3)
    config = decision(operating_points={"yes": point})
    assert run([0.625], config) == [("yes", 0)]
    assert run([0.624], config) == []


def test_smoothing_is_the_mean_of_the_last_windows() -> None:
    config = decision(smoothing_windows=3)
    assert run([0.0, 0.0, 0.92, 0.92, 0.92], config) == [("yes", 3)]
    assert run([0.0, 0.0, 0.9, 0.85, 0.0], config) == []


def test_a_higher_background_label_keeps_it_quiet() -> None:
    point = OperatingPoint(threshold=0.3, rearm_threshold=0.2)
    config = decision(operating_points={"yes": point})
    assert run([0.45], config) == []  # the background has 0.55
    assert run([0.55], config) == [("yes", 0)]


def test_a_higher_label_that_was_not_asked_for_keeps_it_quiet() -> None:
    point = OperatingPoint(threshold=0.3, rearm_threshold=0.2)
    assert run([0.4], decision(operating_points={"yes": point}), no=[0.5]) == []


def test_equal_posteriors_fire_one_keyword() -> None:
    point = OperatingPoint(threshold=0.4, rearm_threshold=0.2)
    config = decision(operating_points={"yes": point, "no": point})
    assert run([0.5], config, no=[0.5]) == [("yes", 0)]


def test_keywords_do_not_block_each_other() -> None:
    assert run([0.9, 0.0], decision(), no=[0.0, 0.9]) == [("yes", 0), ("no", 1)]


def test_a_detection_says_what_it_is() -> None:
    probs = np.array([0.1, 0.8, 0.1], np.float32)
    detections = Detector(LABELS, decision()).update(Posteriors(probs=probs, end_sample=77))
    assert detections == [
        Detection(keyword="yes", score=pytest.approx(0.8), threshold=0.6, end_sample=77)
    ]


def test_after_a_gap_the_history_is_new_and_what_fired_stays_blocked() -> None:
    detector = Detector(LABELS, decision(smoothing_windows=2))
    high, low = np.array([0, 1, 0], np.float32), np.array([1, 0, 0], np.float32)
    assert detector.update(Posteriors(probs=high, end_sample=0))
    detector.update(Posteriors(probs=low, end_sample=HOP))
    detector.forget_history()
    # Alone in the history the high one would fire, were it not blocked.
    assert not detector.update(Posteriors(probs=high, end_sample=2 * HOP))
    detector.forget_history()
    detector.update(Posteriors(probs=low, end_sample=9 * HOP))
    detector.forget_history()
    assert detector.update(Posteriors(probs=high, end_sample=10 * HOP))


def reasons(
    yes: list[float], config: DecisionConfig, no: list[float] | None = None
) -> list[dict[str, str]]:
    """What was held back at every window, and why."""
    detector = Detector(LABELS, config)
    found = []
    for turn, value in enumerate(yes):
        other = no[turn] if no else 0.0
        probs = np.array([max(0.0, 1 - value - other), value, other], np.float32)
        detector.update(Posteriors(probs=probs, end_sample=turn * HOP))
        found.append(detector.held_back)
    return found


def test_why_a_keyword_at_its_threshold_did_not_fire() -> None:
    # Fires, stays high, is armed again by 0.0, and is still in its refractory period.
    assert reasons([0.9, 0.7, 0.5, 0.0, 0.9], decision()) == [
        {},
        {"yes": "not re-armed"},
        {},
        {},
        {"yes": "refractory period"},
    ]
    point = OperatingPoint(threshold=0.3, rearm_threshold=0.2)
    config = decision(operating_points={"yes": point, "no": point})
    assert reasons([0.4], config) == [{"yes": "another label was higher"}]  # the background
    assert reasons([0.4], config, no=[0.5]) == [{"yes": "another label was higher"}]  # "no" fires
    assert reasons([0.5], config, no=[0.5]) == [{"no": "another label was higher"}]  # "yes" does


def test_a_keyword_that_was_not_asked_for_is_not_held_back() -> None:
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    assert reasons([0.0], decision(operating_points={"yes": point}), no=[0.9]) == [{}]


def test_the_smoothed_posteriors_are_the_mean_that_decided() -> None:
    detector = Detector(LABELS, decision(smoothing_windows=2))
    one, other = np.array([0, 1, 0], np.float32), np.array([1, 0, 0], np.float32)
    detector.update(Posteriors(probs=one, end_sample=0))
    np.testing.assert_array_equal(detector.smoothed, one)
    detector.update(Posteriors(probs=other, end_sample=HOP))
    np.testing.assert_array_equal(detector.smoothed, [0.5, 0.5, 0])
    assert detector.smoothed.dtype == np.float32


def test_an_unknown_keyword_is_an_error() -> None:
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    with pytest.raises(ConfigError, match=r"keyword 'maybe' is not a label; labels: _unknown_"):
        Detector(LABELS, decision(operating_points={"maybe": point}))


def test_a_keyword_is_rearmed_in_the_window_in_which_another_fires() -> None:
    """It used to depend on the order of the keywords."""
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    for words in (("a", "b"), ("b", "a")):
        detector = Detector(
            ("a", "b"),
            DecisionConfig(refractory_samples=0, operating_points=dict.fromkeys(words, point)),
        )
        rows = [(0.9, 0.1), (0.2, 0.8), (0.9, 0.1), (0.1, 0.9)]
        heard = [
            detection.keyword
            for end, row in enumerate(rows)
            for detection in detector.update(
                Posteriors(probs=np.array(row, np.float32), end_sample=end)
            )
        ]
        assert heard == ["a", "b", "a", "b"]


def at(turn: int, yes: float) -> Posteriors:
    return Posteriors(probs=np.array([1 - yes, yes, 0], np.float32), end_sample=turn * HOP)


def test_another_threshold_counts_from_the_next_window_on() -> None:
    detector = Detector(LABELS, decision())
    assert not detector.update(at(0, 0.55))
    low = OperatingPoint(threshold=0.5, rearm_threshold=0.3)
    detector.configure(decision(operating_points={"yes": low}))
    (fired,) = detector.update(at(1, 0.55))
    assert (fired.keyword, fired.threshold) == ("yes", 0.5)


def test_what_has_fired_stays_blocked_when_it_is_switched_off_and_on() -> None:
    detector = Detector(LABELS, decision())
    assert detector.update(at(0, 0.9))
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    detector.configure(decision(operating_points={"no": point}))
    assert not detector.update(at(1, 0.9))
    detector.configure(decision())
    assert not detector.update(at(2, 0.9))
    assert detector.held_back == {"yes": "not re-armed"}


def test_more_smoothing_keeps_the_windows_that_there_are() -> None:
    detector = Detector(LABELS, decision(smoothing_windows=2))
    for turn, yes in enumerate([0.2, 0.4, 0.6]):
        detector.update(at(turn, yes))
    detector.configure(decision(smoothing_windows=4))
    detector.update(at(3, 0.8))
    assert detector.smoothed[1] == pytest.approx((0.4 + 0.6 + 0.8) / 3)
    detector.configure(decision(smoothing_windows=1))
    detector.update(at(4, 0.1))
    assert detector.smoothed[1] == pytest.approx(0.1)


def test_unknown_keywords_change_nothing() -> None:
    detector = Detector(LABELS, decision())
    point = OperatingPoint(threshold=0.1, rearm_threshold=0.05)
    with pytest.raises(ConfigError, match="'maybe' is not a label"):
        detector.configure(decision(operating_points={"maybe": point}))
    assert detector.update(at(0, 0.9))[0].threshold == 0.6
