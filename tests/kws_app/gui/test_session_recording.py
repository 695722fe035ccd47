"""What a session hears is recorded, begun and ended at any time."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from full_disk import files_of_at_most
from sessions import feed, poll_until, until_state
from signals import RATE_HZ, silence, tone_stream

from kws_app.gui.session import Session
from kws_app.gui.session_state import State


def test_what_is_heard_can_be_recorded_from_any_moment_on(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make_session(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    feed(portaudio, silence(1.1))
    poll_until(session, lambda _: session.memory.audio(17_600, 1) is not None)
    session.record_to(tmp_path / "heard.flac")
    assert session.recording.path == tmp_path / "heard.flac"
    assert session.poll().is_changed
    feed(portaudio, tone_stream()[: 2 * RATE_HZ])
    poll_until(session, lambda _: session.memory.audio(17_600 + 2 * RATE_HZ, 1) is not None)
    session.record_to(None)
    assert session.recording.path is None
    samples, rate_hz = soundfile.read(tmp_path / "heard.flac", dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(samples, tone_stream()[: 2 * RATE_HZ], atol=1 / 32_000)


def test_the_limit_ends_the_recording_and_not_the_listening(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make_session(rate=16_000, record_hours=1 / 3600)
    session.start()
    until_state(session, State.LISTENING)
    session.record_to(tmp_path / "heard.wav")
    feed(portaudio, tone_stream()[: 2 * RATE_HZ])
    total = poll_until(session, lambda update: bool(update.notices))
    assert total.notices[0].endswith("heard.wav has ended at 0.000277778 h; listening goes on.")
    assert session.recording.path is None
    assert soundfile.info(tmp_path / "heard.wav").frames == RATE_HZ


def test_a_full_disk_ends_the_recording_and_not_the_listening(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make_session(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    with files_of_at_most(40_000):
        session.record_to(tmp_path / "heard.wav")
        feed(portaudio, tone_stream()[: 3 * RATE_HZ])
        total = poll_until(session, lambda update: bool(update.notices))
    assert "cannot write" in total.notices[0]
    assert "listening goes on" in total.notices[0]
    assert session.recording.path is None
    assert session.state is State.LISTENING
    assert (tmp_path / "heard.wav").stat().st_size > 30_000


def test_a_recording_that_cannot_be_ended_holds_up_no_end(
    make_session: Callable[..., Session],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = make_session()
    session.record_to(tmp_path / "heard.flac")
    (tmp_path / "heard.partial.flac").unlink()
    session.close()
    assert capsys.readouterr().err.startswith("kws: cannot write --record")
