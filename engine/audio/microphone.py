"""Microphones through PortAudio."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import numpy as np

from engine.audio.devices import OPEN_S, InputDevice, find_input_device, sounddevice_for_input
from engine.audio.native_threads import has_runaway, thread_ids
from engine.audio.portaudio import rescan, within
from engine.audio.sample_clock import SampleClock
from engine.audio.source import Block, MonoResampler, Trouble
from engine.errors import DeviceError, SourceError
from engine.ring import RingBuffer
from engine.types import Float32

_RING_S = 4.0
_BLOCK_S = 0.02
_POLL_S = 0.01
_WAIT_S = 0.2
_SILENT_DEVICE_S = 2.0
_CLOSE_S = 1.0
_BEHIND = "the program was stopped, or scoring fell behind the device"


class _Inlet:
    """What the callback knows; all that a stream holds on to when its driver hangs."""

    ring: RingBuffer

    def __init__(self) -> None:
        # Samples so far, and when the last of them came: read on another thread, so set at once.
        self.newest = (0, time.monotonic())
        self.overflows = 0
        self.has_ended = False

    def take(self, indata: Float32, _frames: int, _time: Any, status: Any) -> None:
        """Copy and count, on PortAudio's thread."""
        if status.input_overflow:
            self.overflows += 1
        self.ring.write(indata)
        self.newest = (self.ring.end, time.monotonic())

    def end(self) -> None:
        """PortAudio calls nobody back any more."""
        self.has_ended = True


class MicrophoneSource:
    """Captures at the device's own rate; resampling happens outside the callback.

    Args:
        device: Index, name or part of a name; None for the default.
        model_rate_hz: Rate to deliver.
        rate_hz: Rate to open the device at; None for its own.
        channels: Channels to open; None for one.
        look_again: Have PortAudio list the devices anew; needed after one came or went.
        known: The same device as it was listed when it was opened before.
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
        known: InputDevice | None = None,
    ) -> None:
        self._wanted = device
        self._look_again = look_again
        self._known = known
        self._model_rate_hz = model_rate_hz
        self._asked_rate_hz = rate_hz
        self._rate_hz = 0
        self._channels = channels or 1
        self._name = device or "default"
        self._stream: Any = None
        self._reported_overflows = 0
        self._position = 0
        self._waited_s = 0.0
        self._is_rate_told = False

    @property
    def name(self) -> str:
        """The device's name."""
        return self._name

    @property
    def sample_rate_hz(self) -> int:
        """Rate that the stream was opened at."""
        return self._rate_hz

    @property
    def wanted(self) -> str | InputDevice | None:
        """What `again` looks for: the same device once it was opened; the default is None."""
        return self._wanted if self._wanted is None else self._known or self._wanted

    def find(self) -> InputDevice:
        """As it is listed; raises DeviceError where it is not, or where a driver hangs."""
        wanted = self._known or self._wanted
        return within(OPEN_S, self._name, partial(find_input_device, wanted))

    def again(self, *, look_again: bool = True) -> MicrophoneSource:
        """Another source of the same device, wherever it is listed then.

        The default is whichever is the default then.

        Args:
            look_again: Whether to have the devices listed anew.
        """
        return MicrophoneSource(
            self._wanted,
            self._model_rate_hz,
            rate_hz=self._asked_rate_hz,
            channels=self._channels,
            look_again=look_again,
            known=self.wanted if isinstance(self.wanted, InputDevice) else None,
        )

    def __enter__(self) -> Self:
        """Open and start the device.

        Raises:
            DeviceError: It cannot be opened, or that takes more than 8 s.
            SourceError: PortAudio is beyond help; only another process helps.
        """
        if self._look_again:
            # Where that cannot be done, the list as it is may have the device all the same.
            with contextlib.suppress(DeviceError):
                within(OPEN_S, self._name, _list_anew)
        sounddevice = within(OPEN_S, self._name, sounddevice_for_input)
        name = self._known.name if self._known is not None else self._name
        open_one = partial(self._open, sounddevice)
        self._threads_before = thread_ids()
        with self._no_runaway():
            self._stream = within(OPEN_S, name, open_one, undo=_close, one_stream=True)
        self._resampler = MonoResampler(self.sample_rate_hz, self._model_rate_hz)
        self._clock = SampleClock(self.sample_rate_hz)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop and close the device; one whose driver hangs is left to it after a second.

        Raises:
            SourceError: PortAudio is beyond help; only another process helps.
        """
        self._resampler.close()
        with contextlib.suppress(DeviceError), self._no_runaway():
            within(_CLOSE_S, self._name, partial(_close, self._stream), one_stream=True)

    def read(self) -> Block | None:
        """What was captured since the last call, waiting up to 0.2 s for it.

        Raises:
            DeviceError: The stream has ended, or the device has delivered nothing for 2 s.
        """
        began = time.monotonic()
        while self._inlet.ring.end == self._position and time.monotonic() - began < _WAIT_S:
            time.sleep(_POLL_S)
        end_sample, at_s = self._inlet.newest
        captured, lost = self._take()
        reason = _BEHIND if lost else ""
        if not len(captured):
            self._require_audio(time.monotonic() - began)
            return Block(samples=np.empty(0, np.float32))
        self._waited_s = 0.0
        total = self._inlet.overflows
        overflows, self._reported_overflows = total - self._reported_overflows, total
        # Nothing is counted yet while the first callback is at work.
        if end_sample and (unsaid := self._clock.add(end_sample, at_s, overflowed=overflows > 0)):
            lost += unsaid
            reason = reason or "the device lost them"
        samples = self._resampler.convert(captured)
        age_s = time.monotonic() - at_s + self._resampler.held_s
        return Block(
            samples=samples,
            lost_samples=round(lost * self._model_rate_hz / self.sample_rate_hz),
            lost_reason=reason,
            overflows=overflows,
            capture_s=float(self._stream.latency) + age_s,
            clock_ppm=self._clock.drift_ppm,
            trouble=self._rate_trouble(),
        )

    def _require_audio(self, waited_s: float) -> None:
        # The program itself may have been stopped meanwhile: that is no time waited.
        self._waited_s += min(waited_s, 2 * _WAIT_S)
        if self._inlet.has_ended:
            raise DeviceError(f"{self._name!r} has gone")
        if self._waited_s > _SILENT_DEVICE_S:
            raise DeviceError(f"{self._name!r} has delivered no audio for {_SILENT_DEVICE_S:.0f} s")

    def _rate_trouble(self) -> Trouble | None:
        """Told when it begins, and when it is over: losses that follow each other look like one."""
        rate_hz = self._clock.measured_rate_hz
        if self._is_rate_told == (rate_hz is not None):
            return None
        self._is_rate_told = not self._is_rate_told
        if rate_hz is None:
            text = f"{self._name!r} delivers {self.sample_rate_hz} samples a second again"
            return Trouble(kind="rate", text=text, is_over=True)
        return Trouble(
            kind="rate",
            text=f"{self._name!r} was opened at {self.sample_rate_hz} Hz and delivers {rate_hz} "
            "samples a second: either it loses some all the time, or words sound too high or too "
            "low; try another --rate",
        )

    @contextlib.contextmanager
    def _no_runaway(self) -> Iterator[None]:
        """A call that fails may have left a thread that takes a core for ever, and the device."""
        try:
            yield
        except DeviceError as err:
            if has_runaway(self._threads_before):
                raise SourceError(
                    f"{self._name!r} went while it was being opened, and PortAudio runs in circles "
                    "since then; start kws again"
                ) from err
            raise

    def _open(self, sounddevice: Any) -> Any:
        """The stream, started."""
        device = self._known = find_input_device(self._known or self._wanted)
        self._name = device.name
        rate_hz = self._asked_rate_hz or device.default_rate_hz
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
                finished_callback=inlet.end,
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


def _list_anew() -> None:
    rescan(sounddevice_for_input())


def _close(stream: Any) -> None:
    stream.close(ignore_errors=True)
