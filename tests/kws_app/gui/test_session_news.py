"""What a session has to tell, and when it looks again for a device."""

import pytest

from engine.manifest import ModelManifest
from engine.types import Detection, Heard
from kws_app.gui.memory import LastMinute
from kws_app.gui.session_news import News
from kws_app.gui.session_retry import Retry
from kws_app.gui.session_stream import Ended
from kws_app.gui.stretch import Stretch

HEARD = Heard(
    detection=Detection(keyword="low", score=0.9, threshold=0.5, end_sample=16_000),
    latency_ms=2.0,
)


@pytest.fixture
def memory(tiny: ModelManifest) -> LastMinute:
    return LastMinute(tiny)


def test_a_fault_takes_nothing_along_that_was_heard(memory: LastMinute) -> None:
    """Detections come with the call that asks for them, the fault with the one after."""
    news = News()
    stretch = Stretch(stream=1, source="mic", rate_hz=16_000, memory=memory)
    news.add_end(stretch, Ended(heard=[HEARD], defect=ZeroDivisionError("fault"), notice="ended"))
    update = news.take([HEARD], None, memory)
    assert (update.heard, update.notices) == ([HEARD], ["ended"])
    assert update.earlier == [(stretch, [HEARD])]
    with pytest.raises(ZeroDivisionError):
        news.take([], None, memory)
    assert news.take([], None, memory).notices == []


def test_notices_outlive_a_fault(memory: LastMinute) -> None:
    news = News()
    stretch = Stretch(stream=1, source="mic", rate_hz=16_000, memory=memory)
    news.add_end(stretch, Ended(defect=ZeroDivisionError("fault"), notice="ended"))
    with pytest.raises(ZeroDivisionError):
        news.take([], None, memory)
    assert news.take([], None, memory).notices == ["ended"]


def test_a_device_is_looked_for_less_and_less() -> None:
    now_s = 0.0
    retry = Retry(lambda: now_s)
    assert not retry.is_waiting
    for wait_s in (1.0, 2.0, 4.0, 8.0, 8.0):
        retry.put_off()
        now_s += wait_s - 0.01
        assert not retry.take_due()
        now_s += 0.02
        assert retry.take_due()
        assert not retry.take_due()  # once
    assert retry.has_failed
    retry.reset()
    assert not retry.has_failed
    retry.put_off()
    now_s += 1.01
    assert retry.take_due()
