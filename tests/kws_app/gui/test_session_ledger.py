"""The window's ledger: kept while it listens, labelled as in a terminal, never in the way."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from full_disk import files_of_at_most
from signals import RATE_HZ, silence, tone_stream

from engine.errors import ConfigError, KwsError
from kws_app.gui import session_ledger
from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update
from kws_app.ledger.commands import run as run_ledger
from kws_app.ledger.entries import RIGHT, WRONG, Entry
from kws_app.ledger.store import Ledger
from kws_app.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def make(tiny_folder: Path, tmp_path: Path, now_s: list[float]) -> Iterator[Callable[..., Session]]:
    recording = tmp_path / "tones.wav"
    soundfile.write(recording, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    sessions = []

    def made(**values: Any) -> Session:
        settings = {"model": tiny_folder, "backend": "cpu", "input": str(recording)} | values
        sessions.append(Session(Settings(**settings), clock=lambda: now_s[0]))
        return sessions[-1]

    yield made
    for session in sessions:
        session.close()


def poll_until(session: Session, done: Callable[[Update], bool]) -> Update:
    total, deadline = Update(), time.monotonic() + 30
    while time.monotonic() < deadline:
        update = session.poll()
        total.heard.extend(update.heard)
        total.notices.extend(update.notices)
        if done(update):
            return total
        time.sleep(0.01)
    raise AssertionError(f"still {session.state} {session.problem!r}, {total.notices}")


def to_the_end(session: Session) -> Update:
    return poll_until(session, lambda _: session.state is State.FINISHED)


def detections(folder: Path) -> list[Entry]:
    return [entry for entry in Ledger(folder).entries() if entry.kind == "detection"]


def label(session: Session, heard: Any, word: str) -> None:
    detection = heard.detection
    session.ledger.label(session.stream, detection.end_sample / RATE_HZ, detection.keyword, word)


def test_what_fires_is_kept_and_can_be_labelled(
    make: Callable[..., Session], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = make(ledger=folder, ledger_days=3.0, ledger_mb=5.0)
    session.start()
    total = to_the_end(session)
    (entry,) = detections(folder)
    (heard,) = total.heard
    end = heard.detection.end_sample
    assert entry.time_s == end / RATE_HZ
    samples, rate_hz = soundfile.read(folder / entry.clip, dtype="float32")
    assert rate_hz == RATE_HZ
    # The very samples that fired, although keeping began a moment after the stream.
    wanted = tone_stream()[end - len(samples) : end]
    np.testing.assert_allclose(samples, wanted, atol=1 / 32_000)
    assert total.notices == [
        f"Clips of detections and near misses are kept in {folder}, for 3 days, at most 5 MB."
    ]
    label(session, heard, WRONG)
    assert detections(folder)[0].label == "wrong"
    label(session, heard, RIGHT)  # the last one counts
    capsys.readouterr()
    run_ledger(["list", str(folder), "--kind", "detection"])
    assert capsys.readouterr().out.rstrip().endswith("right")


def test_a_stream_that_is_heard_again_is_another_one(
    make: Callable[..., Session], folder: Path
) -> None:
    session = make(ledger=folder)
    session.start()
    (first,) = to_the_end(session).heard
    session.start()
    total = to_the_end(session)
    assert total.notices == []  # the folder was told before
    label(session, total.heard[0], WRONG)
    assert [entry.label for entry in detections(folder)] == [None, "wrong"]
    session.ledger.label(1, first.detection.end_sample / RATE_HZ, "low", RIGHT)
    assert [entry.label for entry in detections(folder)] == ["right", "wrong"]


def test_without_a_ledger_one_is_told_how_to_have_one(make: Callable[..., Session]) -> None:
    session = make()
    session.start()
    (heard,) = to_the_end(session).heard
    with pytest.raises(ConfigError, match="start with --ledger FOLDER"):
        label(session, heard, RIGHT)
    assert session.ledger.folder is None


def test_it_is_begun_and_ended_while_the_stream_goes_on(
    make: Callable[..., Session], folder: Path
) -> None:
    """Time goes on: a clip that was begun in the middle ends where its window ended."""
    session = make()
    session.start()
    poll_until(session, lambda _: session.memory.audio(RATE_HZ // 2, 1) is not None)
    stream = session.stream
    session.apply(replace(session.settings, ledger=folder))
    assert session.ledger.folder == folder
    (heard,) = to_the_end(session).heard
    assert session.stream == stream
    (entry,) = detections(folder)
    end = heard.detection.end_sample
    assert entry.time_s == end / RATE_HZ
    samples, _ = soundfile.read(folder / entry.clip, dtype="float32")
    wanted = tone_stream()[end - len(samples) : end]
    np.testing.assert_allclose(samples, wanted, atol=1 / 32_000)
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    session.apply(replace(session.settings, ledger=None))
    assert session.ledger.folder is None
    (again,) = to_the_end(session).heard
    assert len(detections(folder)) == 1
    with pytest.raises(ConfigError, match="--ledger FOLDER"):
        label(session, again, RIGHT)


def test_other_limits_count_from_the_next_clip_on(
    make: Callable[..., Session], folder: Path
) -> None:
    session = make(ledger=folder)
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    session.apply(replace(session.settings, ledger_mb=0.000_1))
    total = to_the_end(session)
    assert len(total.heard) == 1
    assert detections(folder) == []  # removed as soon as it was there


def test_a_threshold_that_is_moved_counts_for_near_misses_too(
    make: Callable[..., Session], folder: Path
) -> None:
    session = make(ledger=folder)
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    session.apply(replace(session.settings, threshold={"low": 1.0}))
    total = to_the_end(session)
    assert total.heard == []
    kinds = {(entry.kind, entry.threshold) for entry in Ledger(folder).entries()}
    assert ("near miss", 1.0) in kinds


def test_a_folder_that_holds_other_things_is_refused(
    make: Callable[..., Session], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    session = make()
    with pytest.raises(ConfigError, match="is no ledger, and not empty"):
        session.apply(replace(session.settings, ledger=tmp_path / "mine"))
    assert session.settings.ledger is None
    # One that the settings named from the start is told; the window listens all the same.
    session = make(ledger=tmp_path / "mine")
    session.start()
    total = to_the_end(session)
    assert [notice.endswith("Nothing is kept; listening goes on.") for notice in total.notices] == [
        True
    ]
    assert "is no ledger" in session.ledger.problem
    assert len(total.heard) == 1


def test_a_full_disk_ends_the_keeping_and_not_the_listening(
    make: Callable[..., Session], folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "long.wav"
    samples = np.concatenate([tone_stream()[: 4 * RATE_HZ], silence(2)])
    soundfile.write(path, samples, RATE_HZ)
    session = make(ledger=folder, input=str(path))
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    with files_of_at_most(1_000):
        total = to_the_end(session)
    assert len(total.heard) == 1
    (told,) = [text for text in total.notices if "No more clips are kept" in text]
    assert "1 clip is not kept. " in told
    assert not session.ledger.is_busy  # a full disk does not pass by itself
    assert session.ledger.folder is None
    assert session.ledger.problem != ""


def test_an_entry_that_was_purged_is_told(make: Callable[..., Session], folder: Path) -> None:
    session = make(ledger=folder)
    session.start()
    (heard,) = to_the_end(session).heard
    Ledger(folder).purge(None)
    with pytest.raises(ConfigError, match="no entry of"):
        label(session, heard, RIGHT)


def test_another_process_in_the_folder_holds_up_nothing(
    make: Callable[..., Session], folder: Path, now_s: list[float]
) -> None:
    """The lock is held before the beginning, goes, and is held again at the end."""
    Ledger(folder).create(())
    session = make(ledger=folder)
    with Ledger(folder)._locked():
        session.start()
        started = time.monotonic()
        total = poll_until(session, lambda _: session.state is State.LISTENING)
        assert time.monotonic() - started < 5
        assert session.ledger.is_busy
        assert "another process has held" in total.notices[0]
        now_s[0] = 4.9
        assert not session.ledger.is_due
        session.poll()
        assert session.ledger.is_busy
    now_s[0] = 5.1
    poll_until(session, lambda _: session.ledger.folder == folder)
    assert not session.ledger.is_busy
    total = poll_until(session, lambda update: bool(update.heard))
    with Ledger(folder)._locked():
        started = time.monotonic()
        session.pause()
        session.apply(replace(session.settings, ledger=None))
        session.poll()
        assert time.monotonic() - started < 2


def test_a_label_does_not_wait_for_another_process(
    make: Callable[..., Session], folder: Path
) -> None:
    session = make(ledger=folder)
    session.start()
    (heard,) = to_the_end(session).heard
    detection = heard.detection
    with Ledger(folder)._locked():
        started = time.monotonic()
        with pytest.raises(KwsError, match="another process"):
            session.ledger.label(1, detection.end_sample / RATE_HZ, detection.keyword, RIGHT)
        assert time.monotonic() - started < 1


@pytest.fixture
def long_recording(tmp_path: Path) -> str:
    """What fires once, and quiet after it."""
    path = tmp_path / "long.wav"
    soundfile.write(path, np.concatenate([tone_stream()[: 4 * RATE_HZ], silence(20)]), RATE_HZ)
    return str(path)


def test_what_is_not_written_in_time_is_said_with_its_number(
    make: Callable[..., Session],
    folder: Path,
    long_recording: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = make(ledger=folder, input=long_recording)
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    with Ledger(folder)._locked():
        poll_until(session, lambda update: bool(update.heard))
        session.apply(replace(session.settings, ledger=None))
        assert "1 clip is not kept yet: the ledger's folder is busy." in session.poll().notices
        session.close()
        said = capsys.readouterr().err
        assert "1 clip is not kept: the ledger's folder does not answer." in said
    (thread, keeper), *_ = session.ledger._ending
    thread.join(10)  # the program has not ended yet, so it is written after all
    assert keeper.unkept == 0
    assert len(detections(folder)) == 1


def test_a_writer_that_gave_up_begins_again(
    make: Callable[..., Session],
    folder: Path,
    now_s: list[float],
    long_recording: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session_ledger, "_WRITER_WAIT_S", 0.1)
    session = make(ledger=folder, input=long_recording)
    session.start()
    poll_until(session, lambda _: session.ledger.folder == folder)
    with Ledger(folder)._locked():
        total = poll_until(session, lambda _: session.ledger.folder is None)
    (told,) = [text for text in total.notices if "another process" in text]
    assert told.endswith("1 clip is not kept. No more clips are kept; listening goes on.")
    now_s[0] = 5.1
    poll_until(session, lambda _: session.ledger.folder == folder)
    assert session.ledger.problem == ""
