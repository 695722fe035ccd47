"""Microphones through PortAudio."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Self

from engine.audio.portaudio import load_sounddevice, rescan
from engine.audio.source import Block, MonoResampler
from engine.errors import DeviceError
from engine.ring import RingBuffer
from engine.types import Float32

_RING_S = 4.0
_BLOCK_S = 0.02
_POLL_S = 0.01
_WAIT_S = 0.2
_SILENT_DEVICE_S = 3.0


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
    """All input devices; raises DeviceError without PortAudio."""
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
    devices = list_input_devices()
    if not devices:
        raise DeviceError("there is no input device; plug in a microphone, or read --input FILE")
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
        self._overflows = 0
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
        """Open and start the device; raises DeviceError."""
        sounddevice = _sounddevice()
        if self._look_again:
            rescan(sounddevice)
        device = find_input_device(self._wanted)
        self._name = device.name
        rate_hz = self._rate_hz or device.default_rate_hz
        try:
            self._stream = sounddevice.InputStream(
                device=device.index,
                samplerate=rate_hz,
                channels=self._channels,
                dtype="float32",
                blocksize=round(rate_hz * _BLOCK_S),
                latency="low",
                callback=self._on_audio,
            )
            # Drivers may give another rate than the one asked for.
            self._rate_hz = round(self._stream.samplerate)
            self._ring = RingBuffer(int(self._rate_hz * _RING_S), self._channels)
            self._resampler = MonoResampler(self._rate_hz, self._model_rate_hz)
            self._stream.start()
        except (sounddevice.PortAudioError, ValueError) as err:
            if self._stream is not None:
                self._stream.close(ignore_errors=True)
            raise DeviceError(
                f"cannot open {device.name!r} at {rate_hz} Hz with {self._channels} channel(s): "
                f"{err}; is it in use, or does it want another --rate or --channels?"
            ) from err
        self._last_audio = self._called_back_at = time.monotonic()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop and close the device."""
        self._stream.close(ignore_errors=True)

    def read(self) -> Block | None:
        """What was captured since the last call, waiting up to 0.2 s for it.

        Raises:
            DeviceError: The device has delivered nothing for 3 s.
        """
        deadline = time.monotonic() + _WAIT_S
        while self._ring.end == self._position and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        captured, lost = self._take()
        now = time.monotonic()
        capture_s = None
        if len(captured):
            self._last_audio = now
            capture_s = float(self._stream.latency) + now - self._called_back_at
        elif now - self._last_audio > _SILENT_DEVICE_S:
            raise DeviceError(f"{self._name!r} has delivered no audio for {_SILENT_DEVICE_S:.0f} s")
        total = self._overflows
        overflows, self._reported_overflows = total - self._reported_overflows, total
        return Block(
            samples=self._resampler.convert(captured),
            lost_samples=round(lost * self._model_rate_hz / self.sample_rate_hz),
            overflows=overflows,
            capture_s=capture_s,
        )

    def _take(self) -> tuple[Float32, int]:
        """Everything captured but not read yet, and how many samples were lost before it."""
        lost = 0
        while True:
            end = self._ring.end
            samples = (
                self._ring.read(self._position, end - self._position)
                if end - self._position <= self._ring.capacity
                else None
            )
            if samples is not None:
                self._position = end
                return samples, lost
            # Far behind: go on with the newest second rather than race the writer at its heels.
            newest = max(0, end - self.sample_rate_hz)
            lost += newest - self._position
            self._position = newest

    def _on_audio(self, indata: Float32, _frames: int, _time: Any, status: Any) -> None:
        self._ring.write(indata)
        self._called_back_at = time.monotonic()
        if status.input_overflow:
            self._overflows += 1


def _sounddevice() -> Any:
    return load_sounddevice("there is no microphone", ", or read --input FILE")
