"""One clip at a time, and errors are told."""

import threading

import numpy as np

from engine.errors import DeviceError
from kws_app.gui.player import Player


def test_while_one_plays_others_are_refused() -> None:
    played, go_on = [], threading.Event()

    def play(samples: np.ndarray, rate_hz: int) -> None:
        played.append((samples, rate_hz))
        go_on.wait(10)

    player = Player(play)
    clip = np.array([0, 16_384, -32_768], np.int16)
    assert player.start(clip, 16_000)
    assert not player.start(clip, 16_000)
    go_on.set()
    player.join(10)
    assert player.start(clip, 16_000)
    player.join(10)
    assert [rate_hz for _, rate_hz in played] == [16_000, 16_000]
    np.testing.assert_array_equal(played[0][0], np.array([0, 0.5, -1], np.float32))
    assert player.take_problem() is None


def test_what_cannot_be_played_is_told_once() -> None:
    def play(samples: np.ndarray, rate_hz: int) -> None:
        raise DeviceError("nothing can be played: no output")

    player = Player(play)
    player.start(np.zeros(5, np.int16), 16_000)
    player.join(10)
    assert player.take_problem() == "nothing can be played: no output"
    assert player.take_problem() is None


def test_a_clip_is_heard_until_it_has_died_away() -> None:
    go_on = threading.Event()
    player = Player(lambda samples, rate_hz: bool(go_on.wait(10)))  # type: ignore[arg-type]
    assert not player.is_heard
    player.start(np.zeros(5, np.int16), 16_000)
    assert player.is_heard
    go_on.set()
    player.join(10)
    assert player.is_heard
    player._ended_at_s -= 2
    assert not player.is_heard
