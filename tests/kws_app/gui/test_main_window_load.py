"""Much to show, and nobody who looks: the window answers, and paints no more than it must."""

import time
from typing import Any

from fake_sounddevice import FakeSounddevice
from history_rows import row
from sessions import feed
from signals import RATE_HZ, silence, tone_stream

from engine.types import Detection, Heard
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update


def listen(window: MainWindow, session: Session, qtbot: Any) -> None:
    window.toggle()
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)


def heard(keyword: str, end_sample: int) -> Heard:
    detection = Detection(keyword=keyword, score=0.9, threshold=0.6, end_sample=end_sample)
    return Heard(detection=detection, latency_ms=3.0)


def test_a_hundred_thousand_rows_do_not_slow_it_down(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    window.panes.history.add([row(i, clip=None) for i in range(100_000)])
    qtbot.wait(50)
    # What one more costs, in cells that Qt asks for.
    asked = 0
    data = window.panes.history.data

    def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return data(*arguments)

    window.panes.history.data = counted  # type: ignore[method-assign]
    window._show(Update(heard=[heard("low", 16_000)]))
    window.panes.history_view.table.grab()
    assert window.panes.history.rowCount() == 100_000
    assert 0 < asked < 5_000


def test_a_thousand_detections_a_second_leave_it_answering(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    """Five seconds of them, 50 at each of the window's 20 looks a second.

    Processor time of this thread, not time of day: what others run meanwhile does not count.
    """
    longest_s, end_sample = 0.0, 0
    for _ in range(100):
        events = [heard("low", end_sample + i) for i in range(50)]
        end_sample += 50
        before_s = time.thread_time()
        window._show(Update(heard=events))
        qtbot.wait(1)
        longest_s = max(longest_s, time.thread_time() - before_s)
    assert window.panes.history.rowCount() == 100 * 50
    assert longest_s < 0.1


def test_nothing_is_painted_while_it_is_hidden(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    window.hide()
    shown: list[Any] = []
    window.panes.show_audio = lambda *arguments: shown.append(arguments)  # type: ignore[method-assign]
    feed(portaudio, tone_stream()[: 3 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    assert shown == []
    window.show()
    feed(portaudio, silence(0.5))
    qtbot.waitUntil(lambda: bool(shown), timeout=10_000)


def test_nothing_is_painted_while_it_is_minimised_and_nothing_is_missing_afterwards(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    window.showMinimized()
    qtbot.waitUntil(lambda: not window.exposure.is_seen, timeout=10_000)
    assert window.isVisible()  # what Qt says
    assert window.bridge._timer.interval() == 250
    shown: list[Any] = []
    show = window.panes.show_audio
    window.panes.show_audio = lambda *arguments: shown.append(arguments)  # type: ignore[method-assign]
    feed(portaudio, tone_stream()[: 3 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    qtbot.waitUntil(lambda: session.memory.moments()[-1].end_sample == 3 * RATE_HZ, timeout=10_000)
    assert shown == []
    window.panes.show_audio = show  # type: ignore[method-assign]
    window.showNormal()
    qtbot.waitUntil(lambda: window.exposure.is_seen, timeout=10_000)
    assert window.panes.waterfall.marks == ["low"]
    assert window.panes.waterfall.sample_at(window.panes.waterfall.width()) == 3 * RATE_HZ
    assert window.bridge._timer.interval() == 50
