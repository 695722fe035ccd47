"""The decision against a reference that looks at the whole past, and the numbers before it."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine.config import DecisionConfig, OperatingPoint
from engine.detection import NOT_HIGHEST, NOT_REARMED, REFRACTORY, Detector
from engine.scorer import posteriors_of, sigmoid, softmax
from engine.types import Posteriors

LABELS = ("_unknown_", "yes", "no", "stop")
HOP = 100
SIXTEENTHS = st.integers(1, 16).map(lambda n: n / 16)
POINTS = st.builds(
    lambda threshold, share: OperatingPoint(threshold=threshold, rearm_threshold=threshold * share),
    SIXTEENTHS,
    st.sampled_from([0.25, 0.5, 1.0]),
)
DECISIONS = st.builds(
    DecisionConfig,
    smoothing_windows=st.integers(1, 4),
    refractory_samples=st.integers(0, 16).map(lambda n: n * HOP // 2),
    operating_points=st.dictionaries(st.sampled_from(LABELS[1:]), POINTS, min_size=1),
)
# Sixteenths, so that thresholds are met exactly and labels are equally high.
STREAMS = arrays(np.int8, st.tuples(st.integers(1, 25), st.just(4)), elements=st.integers(0, 16))


def decide(probs: np.ndarray, config: DecisionConfig) -> list[tuple[str | None, dict[str, str]]]:
    """What fires in every window and why the others do not, from the whole past each time."""
    means = []
    outcome: list[tuple[str | None, dict[str, str]]] = []
    last: dict[str, int] = {}  # window of the last detection
    for turn in range(len(probs)):
        first = max(0, turn + 1 - config.smoothing_windows)
        means.append(np.mean([*probs[first : turn + 1]], axis=0))
        fired, reasons = None, {}
        for word, point in config.operating_points.items():
            score = means[turn][LABELS.index(word)]
            since = [mean[LABELS.index(word)] for mean in means[last.get(word, -1) + 1 :]]
            armed = word not in last or min(since) < point.rearm_threshold
            free = word not in last or (turn - last[word]) * HOP >= config.refractory_samples
            highest = score == means[turn].max()
            if score < point.threshold:
                continue
            if armed and free and highest and fired is None:
                fired = word
            else:
                late = REFRACTORY if not free else NOT_HIGHEST
                reasons[word] = NOT_REARMED if not armed else late
        if fired is not None:
            last[fired] = turn
        outcome.append((fired, reasons))
    return outcome


@settings(max_examples=300)
@given(STREAMS, DECISIONS)
def test_the_detector_follows_the_rule(sixteenths: np.ndarray, config: DecisionConfig) -> None:
    probs = (sixteenths / 16).astype(np.float32)
    detector = Detector(LABELS, config)
    found = []
    for turn, row in enumerate(probs):
        fired = detector.update(Posteriors(probs=row, end_sample=1_000 + turn * HOP))
        assert len(fired) <= 1
        found.append((fired[0].keyword if fired else None, dict(detector.held_back)))
    assert found == decide(probs, config)


@given(STREAMS, DECISIONS, st.integers(0, 25))
def test_the_past_is_not_decided_anew(
    sixteenths: np.ndarray, config: DecisionConfig, moment: int
) -> None:
    """Setting the same decision again, at any moment, changes nothing."""
    probs = (sixteenths / 16).astype(np.float32)
    plain, again = Detector(LABELS, config), Detector(LABELS, config)
    for turn, row in enumerate(probs):
        if turn == moment:
            again.configure(config)
        posteriors = Posteriors(probs=row, end_sample=turn * HOP)
        assert plain.update(posteriors) == again.update(posteriors)


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
LOGITS = arrays(np.float32, st.integers(1, 12), elements=FINITE)


@given(LOGITS)
@example(np.array([3e38, -3e38], np.float32))
def test_softmax_is_a_distribution_that_keeps_the_order(logits: np.ndarray) -> None:
    probs = softmax(logits)
    assert probs.shape == logits.shape
    assert probs.dtype == np.float32
    assert abs(float(probs.sum()) - 1) < 1e-5
    assert (probs >= 0).all()
    order = np.argsort(logits, kind="stable")
    assert (np.diff(probs[order]) >= 0).all()
    exact = np.exp(logits.astype(np.float64) - float(logits.max()))
    np.testing.assert_allclose(probs, exact / exact.sum(), atol=1e-6)


@given(LOGITS)
def test_sigmoid_is_the_logistic_function(logits: np.ndarray) -> None:
    probs = sigmoid(logits)
    assert probs.dtype == np.float32
    wide = np.clip(logits.astype(np.float64), -700, 700)
    np.testing.assert_allclose(probs, 1 / (1 + np.exp(-wide)), atol=1e-6)
    np.testing.assert_allclose(probs + sigmoid(-logits), 1, atol=1e-6)
    np.testing.assert_array_equal(posteriors_of(logits, "sigmoid"), probs)


@given(st.floats(1e-6, 1), st.floats(1e-6, 1), st.floats(1e-6, 1))
def test_another_threshold_keeps_the_proportion(old: float, share: float, new: float) -> None:
    point = OperatingPoint(threshold=old, rearm_threshold=old * share).with_threshold(new)
    assert point.threshold == new
    assert 0 < point.rearm_threshold <= new
    np.testing.assert_allclose(point.rearm_threshold, new * share, rtol=1e-9)
