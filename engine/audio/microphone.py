"""Microphones through PortAudio."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from engine.audio.portaudio import load_sounddevice, rescan, within
from engine.audio.source import Block, MonoResampler
from engine.errors import DeviceError
from engine.ring import RingBuffer
from engine.types import Float32

_RING_S = 4.0
_BLOCK_S = 0.02
_POLL_S = 0.01
_WAIT_S = 0.2
_SILENT_DEVICE_S = 3.0
_OPEN_S, _CLOSE_S = 8.0, 1.0


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
    return within(_OPEN_S, "PortAudio", _listed)


def accepted_rates(device: InputDevice, rates_hz: Sequence[int]) -> list[int]:
    """Those of some rates that a device says it can be opened at.

    Raises:
        DeviceError: PortAudio is missing or hangs.
    """
    return within(_OPEN_S, device.name, lambda: _accepted(device, rates_hz))


def _accepted(device: InputDevice, rates_hz: Sequence[int]) -> list[int]:
    sounddevice = _sounddevice()
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
    sounddevice = _sounddevice()
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


def find_input_device(wanted: str | None) -> InputDevice:
    """Choose a device.

    Args:
        wanted: An index, a name, or a part of a name that fits one device only; None for the
            default.

    Raises:
        DeviceError: Nothing fits, or several do.
    """
    devices = _listed()
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


class _Inlet:
    """What the callback knows; all that a stream holds on to when its driver hangs."""

    ring: RingBuffer

    def __init__(self) -> None:
        self.called_back_at = time.monotonic()
        self.overflows = 0

    def take(self, indata: Float32, _frames: int, _time: Any, status: Any) -> None:
        """Copy and count, on PortAudio's thread."""
        self.ring.write(indata)
        self.called_back_at = time.monotonic()
        if status.input_overflow:
            self.overflows += 1


class MicrophoneSource:
    """Captures at the device's own rate; resampling happens outside the callback.

    Args:
        device: Index, name or part of a name; None for the default.
        model_rate_hz: Rate to deliver.
        rate_hz: Rate to open the device at; None for its own.
        channels: Channels to open; None for one.
        look_again: Have PortAudio list the devices anew; needed after one came or went.
    """

    is_live = True

    def __init__(
        self,
        device: str | None,
        model_rate_hz: int,
        *,
        rate_hz: int | None = None,
        channels: int | None = None,
        look_again: bool = False,
    ) -> None:
        self._wanted = device
        self._look_again = look_again
        self._model_rate_hz = model_rate_hz
        self._rate_hz = rate_hz
        self._channels = channels or 1
        self._name = device or "default"
        self._stream: Any = None
        self._reported_overflows = 0
        self._position = 0

    @property
    def name(self) -> str:
        """The device's name."""
        return self._name

    @property
    def sample_rate_hz(self) -> int:
        """Rate that the stream was opened at."""
        return self._rate_hz or 0

    def __enter__(self) -> Self:
        """Open and start the device; raises DeviceError, also when that takes more than 8 s."""
        self._stream = within(_OPEN_S, self._name, self._open, undo=_close)
        self._resampler = MonoResampler(self.sample_rate_hz, self._model_rate_hz)
        self._last_audio = time.monotonic()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop and close the device; one whose driver hangs is left to it after a second."""
        with contextlib.suppress(DeviceError):
            within(_CLOSE_S, self._name, partial(_close, self._stream))
        self._resampler.close()

    def read(self) -> Block | None:
        """What was captured since the last call, waiting up to 0.2 s for it.

        Raises:
            DeviceError: The device has delivered nothing for 3 s.
        """
        deadline = time.monotonic() + _WAIT_S
        while self._inlet.ring.end == self._position and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        captured, lost = self._take()
        now = time.monotonic()
        capture_s = None
        if len(captured):
            self._last_audio = now
            capture_s = float(self._stream.latency) + now - self._inlet.called_back_at
        elif now - self._last_audio > _SILENT_DEVICE_S:
            raise DeviceError(f"{self._name!r} has delivered no audio for {_SILENT_DEVICE_S:.0f} s")
        total = self._inlet.overflows
        overflows, self._reported_overflows = total - self._reported_overflows, total
        return Block(
            samples=self._resampler.convert(captured),
            lost_samples=round(lost * self._model_rate_hz / self.sample_rate_hz),
            overflows=overflows,
            capture_s=capture_s,
        )

    def _open(self) -> Any:
        """The stream, started."""
        sounddevice = _sounddevice()
        if self._look_again:
            rescan(sounddevice)
        device = find_input_device(self._wanted)
        self._name = device.name
        rate_hz = self._rate_hz or device.default_rate_hz
        inlet = self._inlet = _Inlet()
        stream = None
        try:
            stream = sounddevice.InputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=self._channels,
                dtype="float32",
                blocksize=round(rate_hz * _BLOCK_S),
                latency="low",
                callback=inlet.take,
            )
            # Drivers may give another rate than the one asked for.
            self._rate_hz = round(stream.samplerate)
            inlet.ring = RingBuffer(int(self._rate_hz * _RING_S), self._channels)
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as err:
            if stream is not None:
                _close(stream)
            raise DeviceError(
                f"cannot open {device.name!r} at {rate_hz} Hz with {self._channels} channel(s): "
                f"{err}; is it in use, or does it want another --rate or --channels?"
            ) from err
        return stream

    def _take(self) -> tuple[Float32, int]:
        """Everything captured but not read yet, and how many samples were lost before it."""
        lost = 0
        while True:
            end = self._inlet.ring.end
            samples = (
                self._inlet.ring.read(self._position, end - self._position)
                if end - self._position <= self._inlet.ring.capacity
                else None
            )
            if samples is not None:
                self._position = end
                return samples, lost
            # Far behind: go on with the newest second rather than race the writer at its heels.
            newest = max(0, end - self.sample_rate_hz)
            lost += newest - self._position
            self._position = newest


def _sounddevice() -> Any:
    return load_sounddevice("there is no microphone", ", or take a recording (--input FILE)")


def _close(stream: Any) -> None:
    stream.close(ignore_errors=True)
