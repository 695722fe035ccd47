"""Threads that came since, and run in circles."""

import threading
from collections.abc import Callable

import pytest

from engine.audio import native_threads
from engine.audio.native_threads import has_runaway, thread_ids


def in_circles(ended: threading.Event) -> None:
    while not ended.is_set():
        pass


@pytest.mark.skipif(not native_threads._TASKS.exists(), reason="only Linux tells of threads")
@pytest.mark.parametrize(
    ("target", "expected"), [(in_circles, True), (threading.Event.wait, False)]
)
def test_a_thread_that_runs_in_circles(
    target: Callable[[threading.Event], None], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(native_threads, "_was_found", False)
    before, ended = thread_ids(), threading.Event()
    thread = threading.Thread(target=target, args=(ended,))
    thread.start()
    try:
        assert has_runaway(before) is expected
        assert not has_runaway(thread_ids())  # it was there before
        assert native_threads.was_found() is expected
    finally:
        ended.set()
        thread.join()


def test_where_the_system_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_threads, "_TASKS", native_threads._TASKS / "nowhere")
    assert thread_ids() == frozenset()
    assert not has_runaway(frozenset())
