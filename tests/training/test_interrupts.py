"""A signal is noted, a second one ends at once, and what torchrun sends twice counts once."""

import os
import signal
import threading

import pytest

from training import interrupts as module
from training.interrupts import Interrupts


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_noted(number: int) -> None:
    before = signal.getsignal(number)
    with Interrupts() as interrupts:
        assert interrupts.number is None
        send(number)
        assert interrupts.number == number
        send(signal.SIGINT)  # passed on by torchrun at the same moment
        assert interrupts.number == number
    assert signal.getsignal(number) is before


def test_a_later_one_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SAME_REQUEST_S", 0.0)
    with Interrupts() as interrupts, pytest.raises(KeyboardInterrupt) as raised:  # noqa: PT012
        send(signal.SIGTERM)
        assert interrupts.number == signal.SIGTERM
        send(signal.SIGTERM)
    assert raised.value.args == (signal.SIGTERM,)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with Interrupts() as interrupts:
            send(signal.SIGHUP)
            assert interrupts.number is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_listen_for_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with Interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
