"""The microphone on a stand-in for PortAudio; tests/integration has the real one."""

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from actions import wait_until
from fake_sounddevice import FakeSounddevice, FakeStream, PortAudioError, device

from engine.audio import microphone
from engine.audio.microphone import MicrophoneSource
from engine.audio.portaudio import playing
from engine.errors import DeviceError, SourceError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sleeping moves the clock on and takes no time."""
    now = [0.0]
    monkeypatch.setattr(microphone.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        microphone.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds)
    )


def ramp(first: int, n: int) -> np.ndarray:
    return np.arange(first, first + n, dtype=np.float32)


def test_it_opens_at_the_devices_own_rate(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000) as source:
        assert (source.name, source.sample_rate_hz, source.is_live) == ("USB Mic", 48_000, True)
        (options,) = portaudio.opened
        assert options["samplerate"] == 48_000
        assert options["dtype"] == "float32"
        assert portaudio.streams[0].is_started
    assert portaudio.streams[0].is_closed


def test_the_rate_that_the_driver_gave_counts(portaudio: FakeSounddevice) -> None:
    portaudio.given_rate_hz = 32_000
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        assert portaudio.opened[0]["samplerate"] == 16_000
        assert source.sample_rate_hz == 32_000
        portaudio.streams[0].deliver(np.zeros(32_000))
        block = source.read()
    assert block is not None
    assert len(block.samples) == pytest.approx(16_000, abs=500)


def test_the_callback_copies(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        portaudio.streams[0].deliver(ramp(0, 320))
        portaudio.streams[0].deliver(ramp(320, 320))
        block = source.read()
    np.testing.assert_array_equal(block.samples, ramp(0, 640))
    assert (block.lost_samples, block.overflows) == (0, 0)
    assert block.capture_s == pytest.approx(0.25, abs=0.1)  # the device's latency and a moment


def test_nothing_captured_has_no_age(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        assert source.read().capture_s is None


def test_48_khz_is_resampled_and_nothing_lost(portaudio: FakeSounddevice) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000)
    heard = []
    with MicrophoneSource(None, 16_000) as source:
        for first in range(0, 96_000, 960):
            portaudio.streams[0].deliver(tone[first : first + 960])
            heard.append(source.read().samples)
    samples = np.concatenate(heard)
    assert 32_000 - 400 < len(samples) <= 32_000
    np.testing.assert_allclose(samples[2_000:30_000], tone[6_000:90_000:3], atol=2e-3)


def test_channels_are_averaged(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource("0", 16_000, rate_hz=16_000, channels=2) as source:
        assert portaudio.opened[0]["channels"] == 2
        portaudio.streams[0].deliver(np.stack([ramp(0, 10), ramp(2, 10)], axis=1))
        block = source.read()
    np.testing.assert_array_equal(block.samples, ramp(1, 10))


def test_overflows_are_counted_once(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        stream = portaudio.streams[0]
        stream.deliver(ramp(0, 10), overflow=True)
        stream.deliver(ramp(10, 10), overflow=True)
        stream.deliver(ramp(20, 10))
        assert source.read().overflows == 2
        stream.deliver(ramp(30, 10))
        assert source.read().overflows == 0


def test_a_reader_left_behind_is_told_what_it_lost(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        portaudio.streams[0].deliver(ramp(0, 320))
        source.read()
        for first in range(320, 160_000, 320):
            portaudio.streams[0].deliver(ramp(first, 320))
        block = source.read()
        # The newest second is kept.
        np.testing.assert_array_equal(block.samples, ramp(144_000, 16_000))
        assert block.lost_samples == 144_000 - 320
        assert block.lost_reason == "the program was stopped, or scoring fell behind the device"


def test_losses_are_counted_at_the_models_rate(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000) as source:
        for _ in range(10):
            portaudio.streams[0].deliver(np.zeros(48_000))
        assert source.read().lost_samples == 9 * 16_000


@pytest.mark.usefixtures("clock")
def test_a_device_that_delivers_nothing_is_an_error_after_2_s(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        for _ in range(10):
            portaudio.streams[0].deliver(ramp(0, 16))
            assert len(source.read().samples) == 16
        for _ in range(9):  # each waits 0.2 s
            assert len(source.read().samples) == 0
        with pytest.raises(DeviceError, match="'USB Mic' has delivered no audio for 2 s"):
            [source.read() for _ in range(3)]


def test_the_time_in_which_the_program_was_stopped_is_not_waited(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(microphone.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(microphone.time, "sleep", lambda seconds: now.__setitem__(0, now[0] + 10))
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        for _ in range(5):  # stopped for 10 s at each look
            assert len(source.read().samples) == 0
        portaudio.streams[0].deliver(ramp(0, 16))
        assert len(source.read().samples) == 16


@pytest.mark.usefixtures("clock")
def test_each_block_of_audio_begins_the_wait_anew(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        for _ in range(5):
            portaudio.streams[0].deliver(ramp(0, 16))
            for _ in range(8):  # 1.4 s of silence
                source.read()


def test_a_callback_that_is_still_at_work_is_no_look_at_the_clock(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        monkeypatch.setattr(
            source._clock, "add", lambda end, at, *, overflowed: looks.append(end) or 0
        )
        portaudio.streams[0].deliver(ramp(0, 16))
        source._inlet.newest = (0, 0.0)  # as before the first callback had come to its end
        assert len(source.read().samples) == 16
        portaudio.streams[0].deliver(ramp(0, 16))
        source.read()
    assert looks == [32]


def test_a_stream_that_ends_is_an_error_at_once(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        portaudio.streams[0].deliver(ramp(0, 16))
        portaudio.opened[0]["finished_callback"]()
        assert len(source.read().samples) == 16  # what had come is heard
        with pytest.raises(DeviceError, match="'USB Mic' has gone"):
            source.read()


class Talk:
    """Feeds a stream on a clock of the test."""

    def __init__(self, portaudio: FakeSounddevice, source: MicrophoneSource) -> None:
        self.now_s = 0.0
        self.lost_samples = self.overflows = 0
        self.reasons: set[str] = set()
        self.troubles: list[str] = []
        self.clock_ppm: float | None = None
        self._stream = portaudio.streams[0]
        self._source = source

    def say(self, seconds: float, *, samples: int = 320, overflow: bool = False) -> None:
        """A block of 20 ms after another."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 0.02
            self._stream.deliver(ramp(0, samples), overflow=overflow)
            overflow = False
            block = self._source.read()
            assert block is not None
            self.lost_samples += block.lost_samples
            if block.lost_samples:
                self.reasons.add(block.lost_reason)
            self.overflows += block.overflows
            self.clock_ppm = block.clock_ppm
            if block.trouble is not None:
                self.troubles.append(block.trouble.text)


@pytest.fixture
def talk(portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        talk = Talk(portaudio, source)
        monkeypatch.setattr(microphone.time, "monotonic", lambda: talk.now_s)
        yield talk


def test_what_the_device_loses_and_says_is_counted_in_samples(talk: Talk) -> None:
    talk.say(2)
    talk.now_s += 0.35
    talk.say(2, overflow=True)
    assert (talk.lost_samples, talk.overflows) == (5_600, 1)
    assert talk.reasons == {"the device lost them"}


def test_what_the_device_loses_without_a_word_is_counted_too(talk: Talk) -> None:
    talk.say(3)
    talk.now_s += 0.5
    talk.say(3)
    assert (talk.lost_samples, talk.overflows) == (8_000, 0)


def test_a_device_that_delivers_another_rate_is_told_once_and_when_it_is_over(talk: Talk) -> None:
    talk.say(30, samples=107)
    (told,) = talk.troubles
    assert told.startswith("'USB Mic' was opened at 16000 Hz and delivers 5350 samples a second: ")
    assert told.endswith("words sound too high or too low; try another --rate")
    assert talk.lost_samples == 0
    talk.say(30)
    assert talk.troubles[1:] == ["'USB Mic' delivers 16000 samples a second again"]


def test_the_drift_of_the_devices_clock_is_told_after_a_minute(talk: Talk) -> None:
    talk.say(30)
    assert talk.clock_ppm is None
    talk.say(40)
    assert talk.clock_ppm == pytest.approx(0, abs=0.1)
    assert talk.troubles == []


def test_another_source_of_the_same_device(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource("2", 16_000, rate_hz=44_100) as first:
        assert first.sample_rate_hz == 44_100
    portaudio.devices.insert(0, device("Phone", 1, 16_000.0))
    with first.again() as again:
        assert (again.name, again.sample_rate_hz) == ("USB Mic", 44_100)
        assert (portaudio.opened[-1]["device"], portaudio.scans) == (3, 1)


def test_the_default_is_the_one_of_its_time(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000) as first:
        assert first.name == "USB Mic"
    portaudio.default.device = (0, 1)
    with first.again() as again:
        assert again.name == "Webcam Mic"


@pytest.mark.parametrize(
    "error", [PortAudioError("Device unavailable [PaErrorCode -9985]"), ValueError("no channels")]
)
def test_a_busy_device_is_one_clear_error(portaudio: FakeSounddevice, error: Exception) -> None:
    portaudio.open_error = error
    with (
        pytest.raises(
            DeviceError, match=r"cannot open 'USB Mic' at 48000 Hz with 1 channel\(s\): .* in use"
        ),
        MicrophoneSource(None, 16_000),
    ):
        pass


def test_devices_are_listed_anew_when_asked_and_while_nothing_plays(
    portaudio: FakeSounddevice,
) -> None:
    for look_again, scans in ((False, 0), (True, 1)):
        with MicrophoneSource(None, 16_000, look_again=look_again):
            assert portaudio.scans == scans
    with playing, MicrophoneSource(None, 16_000, look_again=True):
        assert portaudio.scans == 1


def test_a_device_that_opens_but_does_not_start_is_closed(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: FakeStream) -> None:
        raise PortAudioError("Unanticipated host error")

    monkeypatch.setattr(FakeStream, "start", refuse)
    with (
        pytest.raises(DeviceError, match="Unanticipated host error"),
        MicrophoneSource(None, 16_000),
    ):
        pass
    assert portaudio.streams[0].is_closed


def test_a_device_that_hangs_when_it_is_closed_is_left_behind(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "_CLOSE_S", 0.05)
    with MicrophoneSource(None, 16_000):
        portaudio.answers.clear()
    assert not portaudio.streams[0].is_closed
    monkeypatch.setattr(microphone, "OPEN_S", 0.05)
    with pytest.raises(DeviceError, match="'default' has not answered"), MicrophoneSource(None, 16):
        pass
    portaudio.answers.set()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    with MicrophoneSource(None, 16_000, look_again=True):  # which wants the first one closed
        assert portaudio.streams[0].is_closed


def test_a_thread_that_nobody_can_end_is_an_error_of_its_own(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is only the driver that hangs, it is left behind; this one takes a core."""
    monkeypatch.setattr(microphone, "_CLOSE_S", 0.05)
    monkeypatch.setattr(microphone, "OPEN_S", 0.05)
    came_since: list[frozenset[int]] = []
    monkeypatch.setattr(microphone, "has_runaway", lambda before: not came_since.append(before))
    monkeypatch.setattr(microphone, "thread_ids", lambda: frozenset({1}))
    source = MicrophoneSource("USB", 16_000).__enter__()
    portaudio.answers.clear()
    with pytest.raises(SourceError, match="'USB Mic' went while it was being opened") as closed:
        source.__exit__(None, None, None)
    with pytest.raises(SourceError, match="PortAudio runs in circles") as opened:
        MicrophoneSource("Webcam", 16_000).__enter__()
    portaudio.answers.set()
    assert came_since == [frozenset({1})] * 2
    assert not isinstance(closed.value, DeviceError)  # it would be tried again
    assert not isinstance(opened.value, DeviceError)


def test_a_device_that_opens_too_late_is_closed_again(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "OPEN_S", 0.05)
    portaudio.answers.clear()
    with pytest.raises(DeviceError, match="'USB' has not answered"), MicrophoneSource("USB", 16):
        pass
    portaudio.answers.set()
    wait_until(lambda: portaudio.streams[0].is_closed)
