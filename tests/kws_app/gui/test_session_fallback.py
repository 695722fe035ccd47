"""What worked before comes back, also where a recording turns out to be damaged later."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from sessions import poll_until, until_state
from signals import RATE_HZ, tone_stream

from engine.errors import BackendError, SourceError
from engine.manifest import load_manifest
from kws_app.gui.heard_rows import rows_of
from kws_app.gui.session import Session
from kws_app.gui.session_fallback import Fallback
from kws_app.gui.session_state import State
from kws_app.settings import Settings

BEFORE = Settings(device="USB", model=Path("models/mine"), backend="auto")


@pytest.fixture
def session(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())
    made = Session(Settings(model=tiny_folder, backend="cpu", device="USB", rate=RATE_HZ))
    made.start()
    until_state(made, State.LISTENING)
    yield made
    made.close()


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A word, and then a sample that no recording holds."""
    samples = tone_stream()[: 4 * RATE_HZ].astype(np.float32)
    samples[round(3.5 * RATE_HZ)] = np.nan
    path = tmp_path / "damaged.wav"
    soundfile.write(path, samples, RATE_HZ, subtype="FLOAT")
    return path


def open_recording(session: Session, path: Path) -> None:
    session.apply(replace(session.settings, device=None, input=str(path)))


def fallback(tiny_folder: Path, settings: Settings) -> Fallback:
    return Fallback(settings=settings, manifest=load_manifest(tiny_folder))


def test_a_damaged_recording_gives_way_to_the_microphone_before(
    session: Session, damaged: Path
) -> None:
    open_recording(session, damaged)
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, threshold={"low": 0.55}))
    total = poll_until(session, lambda update: bool(update.notices))
    until_state(session, State.LISTENING)
    (notice,) = total.notices
    assert "damaged.wav holds the sample nan at frame 56000" in notice
    assert notice.endswith("Back to USB.")
    assert session.started is not None
    assert session.started.source == "USB Mic"
    assert (session.settings.device, session.settings.input) == ("USB", None)
    assert session.decision.operating_points["low"].threshold == 0.55  # was set meanwhile


def test_what_was_heard_of_it_stays_with_it(session: Session, damaged: Path) -> None:
    """Nobody has looked until it failed: word and failure come with one look."""
    open_recording(session, damaged)
    live = session._live
    assert live is not None
    live._pipeline._thread.join(30)
    update = session.poll()
    assert update.heard == []
    ((stretch, heard),) = update.earlier
    (row,) = rows_of(heard, stretch)
    assert (row.keyword, row.stream) == ("low", session.stream - 1)
    assert row.source.endswith("damaged.wav")
    assert row.clip is not None


def test_without_one_before_it_has_failed(session: Session, damaged: Path) -> None:
    session.pause()
    open_recording(session, damaged)
    until_state(session, State.LISTENING)
    until_state(session, State.FAILED)
    assert "holds the sample nan" in session.problem
    assert session.settings.input == str(damaged)


def test_a_microphone_that_has_begun_is_kept_to(tiny_folder: Path) -> None:
    before = fallback(tiny_folder, BEFORE)
    assert before.is_done_with(replace(BEFORE, device="Webcam"))
    recording = replace(BEFORE, device=None, input="a.wav")
    assert not before.is_done_with(recording)
    again = fallback(tiny_folder, recording)
    assert again.is_done_with(replace(recording, backend="cpu"))  # it would fail once more


def test_a_backend_that_breaks_down_is_no_fault_of_the_recording(tiny_folder: Path) -> None:
    before = fallback(tiny_folder, BEFORE)
    assert before.helps(BackendError("broken"), has_begun=False)
    assert not before.helps(BackendError("broken"), has_begun=True)
    assert before.helps(SourceError("damaged"), has_begun=True)


def test_what_has_not_failed_stays(tiny_folder: Path) -> None:
    before = fallback(tiny_folder, replace(BEFORE, rate=8_000))
    failed = Settings(
        input="a.wav", realtime=True, model=BEFORE.model, backend="cpu", threshold={"low": 0.4}
    )
    after = before.instead_of(failed)
    assert after == replace(before.settings, threshold={"low": 0.4})
    other = replace(failed, model=Path("models/other"))
    assert before.instead_of(other) is before.settings


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"device": "Webcam"}, "USB"),
        ({"device": None, "input": "a.wav"}, "USB"),
        ({"model": Path("models/other")}, "model mine"),
        ({"backend": "cuda"}, "backend auto"),
        ({"rate": 8_000}, "what was set before"),
    ],
)
def test_what_was_before_is_named(tiny_folder: Path, changes: dict[str, Any], named: str) -> None:
    assert fallback(tiny_folder, BEFORE).name_for(replace(BEFORE, **changes)) == named


def test_sources_without_a_name(tiny_folder: Path) -> None:
    microphone = fallback(tiny_folder, Settings())
    assert microphone.name_for(Settings(device="USB")) == "the default microphone"
    assert fallback(tiny_folder, Settings(input="a.wav")).name_for(Settings()) == "a.wav"
