"""Input devices as PortAudio lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.audio.portaudio import load_sounddevice, within
from engine.errors import DeviceError

OPEN_S = 8.0


@dataclass(frozen=True, kw_only=True)
class InputDevice:
    """An input device as PortAudio lists it.

    Attributes:
        index: PortAudio's number; changes when devices come and go.
        name: Name.
        host_api: ALSA, Core Audio, WASAPI ...
        channels: Most input channels.
        default_rate_hz: Its own rate.
        is_default: Whether it is the default input.
    """

    index: int
    name: str
    host_api: str
    channels: int
    default_rate_hz: int
    is_default: bool


def list_input_devices() -> list[InputDevice]:
    """All input devices.

    Raises:
        DeviceError: PortAudio is missing, cannot list them, or hangs.
    """
    return within(OPEN_S, "PortAudio", _listed)


def accepted_rates(device: InputDevice, rates_hz: Sequence[int]) -> list[int]:
    """Those of some rates that a device says it can be opened at.

    Raises:
        DeviceError: PortAudio is missing or hangs.
    """
    return within(OPEN_S, device.name, lambda: _accepted(device, rates_hz))


def _accepted(device: InputDevice, rates_hz: Sequence[int]) -> list[int]:
    sounddevice = sounddevice_for_input()
    accepted = []
    for rate_hz in rates_hz:
        try:
            sounddevice.check_input_settings(
                device=device.index, channels=1, dtype="float32", samplerate=rate_hz
            )
        except (sounddevice.PortAudioError, ValueError):
            continue
        accepted.append(rate_hz)
    return accepted


def _listed() -> list[InputDevice]:
    sounddevice = sounddevice_for_input()
    try:
        apis = sounddevice.query_hostapis()
        default = sounddevice.default.device[0]
        return [
            InputDevice(
                index=index,
                name=str(device["name"]),
                host_api=str(apis[device["hostapi"]]["name"]),
                channels=int(device["max_input_channels"]),
                default_rate_hz=round(device["default_samplerate"]),
                is_default=index == default,
            )
            for index, device in enumerate(sounddevice.query_devices())
            if device["max_input_channels"] > 0
        ]
    except sounddevice.PortAudioError as err:
        raise DeviceError(f"PortAudio cannot list the devices: {err}") from err


def find_input_device(wanted: str | InputDevice | None) -> InputDevice:
    """Choose a device.

    Args:
        wanted: An index, a name, or a part of a name that fits one device only; a device as it was
            listed earlier, found again by its name and host API whatever its index is now; None for
            the default.

    Raises:
        DeviceError: Nothing fits, or several do.
    """
    devices = _listed()
    if isinstance(wanted, InputDevice):
        return _found_again(wanted, devices)
    if not devices:
        raise DeviceError(
            "there is no input device; plug in a microphone, or take a recording (--input FILE)"
        )
    if wanted is None:
        defaults = [device for device in devices if device.is_default]
        return defaults[0] if defaults else devices[0]
    lower = wanted.lower()
    for matches in (
        [d for d in devices if wanted.isdecimal() and d.index == int(wanted)],
        [d for d in devices if d.name.lower() == lower],
        [d for d in devices if lower in d.name.lower()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            names = ", ".join(f"{d.index} {d.name!r} ({d.host_api})" for d in matches)
            raise DeviceError(f"device {wanted!r} fits several: {names}; give the index")
    names = ", ".join(f"{d.index} {d.name!r}" for d in devices)
    raise DeviceError(f"no input device is called {wanted!r}; there are: {names}")


def _found_again(known: InputDevice, devices: Sequence[InputDevice]) -> InputDevice:
    same = [d for d in devices if (d.name, d.host_api) == (known.name, known.host_api)]
    if not same:
        raise DeviceError(f"{known.name!r} ({known.host_api}) is not there any more; plug it in")
    # Of two alike the one in its old place, else the first.
    return next((d for d in same if d.index == known.index), same[0])


def sounddevice_for_input() -> Any:
    """The sounddevice module; raises DeviceError where PortAudio is missing."""
    return load_sounddevice("there is no microphone", ", or take a recording (--input FILE)")
