"""Cooldown and min_score, in samples."""

from actions import RATE_HZ, action, detection

from engine.types import Detection
from kws_app.actions.gate import Gate


def at(sample: int, score: float = 0.9) -> Detection:
    return Detection(keyword="stop", score=score, threshold=0.5, end_sample=sample)


def test_the_cooldown_is_exact_to_a_sample() -> None:
    gate = Gate(action('command = ["a"]\ncooldown_s = 2'), RATE_HZ)
    assert gate.holds_back(at(1_000)) is None
    gate.begun(at(1_000))
    assert gate.holds_back(at(32_999)) == "skipped, cooldown"
    assert gate.holds_back(at(33_000)) is None


def test_what_was_not_begun_starts_no_cooldown() -> None:
    gate = Gate(action('command = ["a"]\ncooldown_s = 2'), RATE_HZ)
    assert gate.holds_back(at(1_000)) is None
    assert gate.holds_back(at(1_000)) is None


def test_without_a_cooldown_two_at_once_are_both_due() -> None:
    gate = Gate(action('command = ["a"]\ncooldown_s = 0'), RATE_HZ)
    gate.begun(at(1_000))
    assert gate.holds_back(at(1_000)) is None


def test_another_stream_begins_without_a_cooldown() -> None:
    gate = Gate(action('command = ["a"]\ncooldown_s = 60'), RATE_HZ)
    gate.begun(at(100_000))
    assert gate.holds_back(at(16_000)) is None


def test_min_score() -> None:
    gate = Gate(action('command = ["a"]\nmin_score = 0.9375'), RATE_HZ)
    assert gate.holds_back(detection(score=0.9375)) is None
    assert gate.holds_back(detection(score=0.93)) == "skipped, 0.93 is below min_score 0.9375"
