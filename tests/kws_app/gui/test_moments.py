"""Any moment of the last minute is explained, by steps, by the slider, by the click."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSlider, QWidget
from signals import RATE_HZ, tone_stream

from engine.backends import choose_backend
from engine.scorer import StreamScorer
from kws_app.gui.attention import Attention
from kws_app.gui.colours import DARK, LIGHT
from kws_app.gui.moments import GONE, OTHER_STREAM, Moments
from kws_app.gui.player import Player
from kws_app.gui.session import Session
from kws_app.settings import Settings

HOP = 1_600


@pytest.fixture
def session(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Has heard four seconds, with one word."""
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())
    made = Session(Settings(model=tiny_folder, backend="cpu"))
    with choose_backend("cpu", made.manifest).backend as backend:
        scorer = StreamScorer(made.manifest, backend, made.decision, on_audio=made.memory.hear)
        for scored in scorer.process(tone_stream()[: 4 * RATE_HZ]):
            made.memory.see(scored)
    yield made
    made.close()


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def moments(qtbot: Any, session: Session, notices: list[str]) -> Moments:
    owner = QWidget()
    qtbot.addWidget(owner)
    made = Moments(session, Player(), DARK, owner)
    made.owner = owner  # kept alive
    made.notice.connect(notices.append)
    return made


def fired(session: Session) -> int:
    return next(moment.end_sample for moment in session.memory.moments() if moment.fired)


def slider(moments: Moments) -> QSlider:
    assert moments.view is not None
    return moments.view.findChild(QSlider)


def test_what_is_gone_is_told(moments: Moments, session: Session, notices: list[str]) -> None:
    moments.explain(10**9, session.stream)
    moments.explain(fired(session), session.stream + 1)
    assert notices == [GONE, OTHER_STREAM]
    assert moments.view is None


def test_steps_go_to_the_next_window_and_not_beyond(
    moments: Moments, session: Session, qtbot: Any
) -> None:
    moments.explain(fired(session), session.stream)
    view = moments.view
    assert view is not None
    assert view.text.startswith("low fired: ")
    view.step_asked.emit(1)
    assert "Nothing fired" in view.text
    view.step_asked.emit(-1)
    assert view.text.startswith("low fired: ")
    view.step_asked.emit(1_000)
    assert slider(moments).value() == slider(moments).maximum() == 30
    view.step_asked.emit(-1_000)
    assert slider(moments).value() == 0


def test_the_slider_goes_to_any_moment(moments: Moments, session: Session, qtbot: Any) -> None:
    moments.explain(16_000, session.stream)
    place = slider(moments)
    view = moments.view
    assert view is not None
    assert (place.minimum(), place.value(), place.maximum()) == (0, 0, 30)
    place.setValue((fired(session) - 16_000) // HOP)
    assert view.text.startswith("low fired: ")
    qtbot.keyClick(place, Qt.Key.Key_Right)
    assert "Nothing fired" in view.text
    before = place.value()
    qtbot.keyClick(place, Qt.Key.Key_PageUp)
    assert place.value() == before + 10


def test_a_label_names_the_window(moments: Moments, session: Session) -> None:
    told: list[tuple[int, int, str]] = []
    moments.labelled.connect(lambda *labelled: told.append(labelled))
    moments.explain(fired(session), session.stream)
    assert moments.view is not None
    moments.view.label_asked.emit("wrong")
    assert told == [(session.stream, fired(session), "wrong")]


def test_the_window_is_played(moments: Moments, session: Session) -> None:
    moments.explain(fired(session), session.stream)
    assert moments.view is not None
    moments.view.play_asked.emit()
    moments._player.join(10)
    fake: Any = sys.modules["sounddevice"]
    ((samples, rate_hz),) = fake.played
    end = fired(session)
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(
        np.ravel(samples), tone_stream()[end - 16_000 : end], atol=1 / 32_000
    )


def test_another_theme_begins_anew(moments: Moments, session: Session) -> None:
    moments.explain(fired(session), session.stream)
    moments.set_colours(LIGHT)
    assert moments.view is None
    moments.explain(fired(session), session.stream)
    assert moments.view is not None


def test_another_model_leaves_nothing_of_the_one_before(moments: Moments) -> None:
    for _ in range(3):
        moments.set_model()
    gc.collect()
    assert len(moments.findChildren(Attention)) == 1


def test_a_view_that_is_deleted_has_nothing_that_qt_could_still_ask(
    moments: Moments, session: Session
) -> None:
    moments.explain(fired(session), session.stream)
    assert moments.view is not None
    scene = moments.view._plot.scene()
    assert scene.items()
    moments.set_colours(LIGHT)
    assert scene.items() == []
