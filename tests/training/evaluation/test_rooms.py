"""Rooms sound as long as their names say, and words stay where they are."""

import numpy as np
import pytest

from training.evaluation.rooms import HALL, LIVING_ROOM, Room, in_room, room_response


@pytest.mark.parametrize(("room", "seconds"), [(LIVING_ROOM, 0.4), (HALL, 0.7)])
def test_the_time_in_which_sound_falls_by_60_db(room: Room, seconds: float) -> None:
    response = room_response(room)
    falling = np.cumsum(response[::-1].astype(float) ** 2)[::-1]  # Schroeder's integral
    level_db = 10 * np.log10(falling / falling[0])
    at_5, at_35 = (int(np.argmax(level_db < -db)) for db in (5, 35))
    assert 2 * (at_35 - at_5) / 16_000 == pytest.approx(seconds, rel=0.2)
    assert f"({seconds:g} s)" in room.name


def test_the_direct_sound_keeps_its_place_and_its_level() -> None:
    samples = np.zeros(16_000, np.float32)
    samples[5_000] = 0.5
    wet = in_room(samples, LIVING_ROOM)
    assert wet.shape == samples.shape
    assert wet.dtype == np.float32
    assert int(np.abs(wet).argmax()) == 5_000
    assert wet[5_000] == pytest.approx(0.5, rel=1e-4)
    assert np.abs(wet[:5_000]).max() < 1e-4
    assert np.sum(wet[5_100:] ** 2) > np.sum(wet[5_000:5_080] ** 2) / 2
