"""Rooms to measure in: the image-source method, which training's synthetic rooms don't use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal import oaconvolve

from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class Room:
    """A shoebox with one speaker and one microphone.

    Attributes:
        name: For reports, with the measured time in which sound falls by 60 dB.
        size_m: Width, depth, height.
        absorption: Share of energy that each wall takes.
        speaker_m: Where the speaker is.
        microphone_m: Where the microphone is.
    """

    name: str
    size_m: tuple[float, float, float]
    absorption: float
    speaker_m: tuple[float, float, float]
    microphone_m: tuple[float, float, float]


LIVING_ROOM = Room(
    name="living room (0.4 s)",
    size_m=(5.2, 4.1, 2.6),
    absorption=0.3,
    speaker_m=(1.2, 1.0, 1.5),
    microphone_m=(3.3, 2.6, 1.1),
)
HALL = Room(
    name="hall (0.7 s)",
    size_m=(9.5, 7.2, 3.4),
    absorption=0.27,
    speaker_m=(1.5, 2.0, 1.6),
    microphone_m=(5.0, 3.9, 1.2),
)
ROOMS = (LIVING_ROOM, HALL)
_REFLECTIONS = 60


def in_room(samples: Float32, room: Room) -> Float32:
    """Samples as the room's microphone gets them, shape [n]; words stay at their times.

    The direct sound keeps its place and its level.
    """
    wet: Float32 = oaconvolve(samples, room_response(room))[: len(samples)].astype(np.float32)
    return wet


@lru_cache(maxsize=4)
def room_response(room: Room) -> Float32:
    """Impulse response from the direct sound on, whose peak is 1 (Allen and Berkley 1979)."""
    import pyroomacoustics

    box = pyroomacoustics.ShoeBox(
        room.size_m,
        fs=SAMPLE_RATE_HZ,
        materials=pyroomacoustics.Material(room.absorption),
        max_order=_REFLECTIONS,
    )
    box.add_source(room.speaker_m)
    box.add_microphone(room.microphone_m)
    box.compute_rir()
    response = np.asarray(box.rir[0][0], np.float32)
    direct = int(np.abs(response).argmax())
    scaled: Float32 = response[direct:] / response[direct]
    return scaled
