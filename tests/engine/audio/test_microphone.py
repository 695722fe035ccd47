"""The microphone on a stand-in for PortAudio; tests/integration has the real one."""

import builtins
import sys
from typing import Any

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice, FakeStream, PortAudioError

from engine.audio import microphone
from engine.audio.microphone import MicrophoneSource, find_input_device, list_input_devices
from engine.audio.portaudio import playing
from engine.errors import DeviceError


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


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


def test_inputs_are_listed_with_host_api_rate_and_default(portaudio: FakeSounddevice) -> None:
    devices = list_input_devices()
    assert [(d.index, d.name, d.host_api, d.channels, d.default_rate_hz) for d in devices] == [
        (0, "Webcam Mic", "ALSA", 2, 44_100),
        (2, "USB Mic", "ALSA", 1, 48_000),
    ]
    assert [d.is_default for d in devices] == [False, True]


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 2), ("0", 0), ("2", 2), ("usb mic", 2), ("Web", 0), ("Webcam Mic", 0)],
)
@pytest.mark.usefixtures("portaudio")
def test_devices_are_found_by_index_name_and_part(wanted: str | None, index: int) -> None:
    assert find_input_device(wanted).index == index


def test_an_exact_name_wins_over_parts(portaudio: FakeSounddevice) -> None:
    portaudio.devices[0]["name"] = "USB Mic 2"
    assert find_input_device("USB Mic").index == 2


def test_without_a_default_the_first_input_is_taken(portaudio: FakeSounddevice) -> None:
    portaudio.default.device = (-1, -1)
    assert find_input_device(None).index == 0


@pytest.mark.usefixtures("portaudio")
def test_devices_that_do_not_fit_one() -> None:
    with pytest.raises(
        DeviceError, match=r"'mic' fits several: 0 'Webcam Mic' \(ALSA\), 2 .*; give the index"
    ):
        find_input_device("mic")
    with pytest.raises(DeviceError, match=r"called 'bassoon'; there are: 0 'Webcam Mic', 2 'USB"):
        find_input_device("bassoon")
    with pytest.raises(DeviceError, match="called '1'"):  # an output
        find_input_device("1")


def test_no_input_at_all(portaudio: FakeSounddevice) -> None:
    portaudio.devices = portaudio.devices[1:2]
    with pytest.raises(DeviceError, match="no input device; plug in a microphone, or take"):
        find_input_device(None)


def test_portaudio_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_portaudio(name: str, *args: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, *args, **more)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(DeviceError, match=r"PortAudio is missing.*apt-get install libportaudio2"):
        list_input_devices()


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


def test_losses_are_counted_at_the_models_rate(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000) as source:
        for _ in range(10):
            portaudio.streams[0].deliver(np.zeros(48_000))
        assert source.read().lost_samples == 9 * 16_000


@pytest.mark.usefixtures("clock")
def test_a_device_that_delivers_nothing_is_an_error_after_3_s(portaudio: FakeSounddevice) -> None:
    with MicrophoneSource(None, 16_000, rate_hz=16_000) as source:
        for _ in range(10):
            portaudio.streams[0].deliver(ramp(0, 16))
            assert len(source.read().samples) == 16
        for _ in range(14):  # each waits 0.2 s
            assert len(source.read().samples) == 0
        with pytest.raises(DeviceError, match="'USB Mic' has delivered no audio for 3 s"):
            [source.read() for _ in range(3)]


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
    monkeypatch.setattr(microphone, "_OPEN_S", 0.05)
    with pytest.raises(DeviceError, match="'default' has not answered"), MicrophoneSource(None, 16):
        pass
    portaudio.answers.set()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    with MicrophoneSource(None, 16_000, look_again=True):  # which wants the first one closed
        assert portaudio.streams[0].is_closed


def test_a_device_that_opens_too_late_is_closed_again(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(microphone, "_OPEN_S", 0.05)
    portaudio.answers.clear()
    with pytest.raises(DeviceError, match="'USB' has not answered"), MicrophoneSource("USB", 16):
        pass
    portaudio.answers.set()
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    list_input_devices()  # one after the other
    assert portaudio.streams[0].is_closed


def test_listing_does_not_hang(portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_OPEN_S", 0.05)
    portaudio.query_devices = portaudio.answers.wait  # type: ignore[method-assign, assignment]
    portaudio.answers.clear()
    try:
        with pytest.raises(DeviceError, match="'PortAudio' has not answered"):
            list_input_devices()
    finally:
        portaudio.query_devices = list  # type: ignore[method-assign]
        portaudio.answers.set()
