"""A keeper whose disk is slow, full, or another process's: no live stream waits for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from keepers import (
    LIMITS,
    NOISE,
    kept,
    make,
    window,
)

from engine.errors import KwsError
from engine.manifest import ModelManifest
from kws_app.ledger import keeper as module
from kws_app.ledger.entries import Entry
from kws_app.ledger.store import Ledger


@contextmanager
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Adding waits for the event."""
    go_on = threading.Event()
    add = Ledger.add

    def wait(self: Ledger, entry: Entry, clip: bytes) -> Entry:
        assert go_on.wait(20)
        return add(self, entry, clip)

    monkeypatch.setattr(Ledger, "add", wait)
    yield go_on
    go_on.set()


def test_a_slow_disk_never_holds_up_a_live_stream_and_losses_are_counted(
    folder: Path, tiny: ModelManifest, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_QUEUE_CLIPS", 2)
    with slow_disk(monkeypatch) as go_on, make(folder, tiny, told) as keeper:
        for turn in range(6):
            keeper.hear(NOISE[: 24_000 if turn == 0 else 1_600], 0)
            keeper.see(window(24_000 + turn * 1_600, 0.9, fires=True))
        go_on.set()
    times = [entry.time_s for entry, _ in kept(folder)]
    assert times[-2:] == [1.9, 2.0]  # the oldest ones were dropped
    assert 2 <= len(times) <= 3  # one may have been on its way
    assert told[-1].endswith(f", {6 - len(times)} lost on the way to the disk")


def test_a_recording_waits_for_the_disk(
    folder: Path, tiny: ModelManifest, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_QUEUE_CLIPS", 2)
    with slow_disk(monkeypatch) as go_on, make(folder, tiny, told, is_live=False) as keeper:
        threading.Timer(0.2, go_on.set).start()
        keeper.hear(NOISE[:40_000], 0)
        for turn in range(6):
            keeper.see(window(24_000 + turn * 1_600, 0.9, fires=True))
    assert len(kept(folder)) == 6


@pytest.mark.parametrize("error", [KwsError("the disk is full"), MemoryError("no memory")])
def test_a_failure_ends_the_listening_and_nobody_waits(
    folder: Path, tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr(module, "_QUEUE_CLIPS", 2)

    def fail(*_: object) -> Entry:
        raise error

    monkeypatch.setattr(Ledger, "add", fail)

    def listen() -> None:
        with make(folder, tiny, is_live=False) as keeper:
            keeper.hear(NOISE[:40_000], 0)
            for turn in range(6):
                keeper.see(window(24_000 + turn * 1_600, 0.9, fires=True))
            keeper._thread.join(20)
            with pytest.raises(type(error), match=str(error)):
                keeper.hear(NOISE[:1], 0)
            assert keeper.unkept == 6

    with pytest.raises(type(error), match=str(error)):
        listen()


def test_a_failure_at_the_end_is_raised_at_the_end(
    folder: Path, tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Entry:
        raise KwsError("the disk is full")

    monkeypatch.setattr(Ledger, "add", fail)

    def listen(error: Exception | None = None) -> None:
        with make(folder, tiny) as keeper:
            keeper.hear(NOISE[:40_000], 0)
            keeper.see(window(24_000, 0.9, fires=True))
            if error is not None:
                raise error

    with pytest.raises(KwsError, match="the disk is full"):
        listen()
    with pytest.raises(KwsError, match="device gone"):  # the first error is the one that is told
        listen(KwsError("device gone"))


def test_a_stream_that_goes_on_waits_for_another_process_only_so_long(
    folder: Path, tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(folder, LIMITS, lock_wait_s=10)
    waits_s: list[float] = []
    create = ledger.create
    monkeypatch.setattr(
        ledger, "create", lambda words: (waits_s.append(ledger.lock_wait_s), create(words))
    )
    keeper = make(folder, tiny, ledger=ledger)
    keeper.begin(0.3)
    assert ledger.lock_wait_s == 10  # the thread that writes may
    keeper.__exit__(None)
    with make(folder, tiny, ledger=ledger):
        pass
    assert waits_s == [0.3, 10]
