"""Devices as a stand-in for PortAudio lists them."""

from dataclasses import replace

import pytest
from fake_sounddevice import FakeSounddevice, device, refuse_import

from engine.audio import devices
from engine.audio.devices import find_input_device, list_input_devices
from engine.errors import DeviceError


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
    refuse_import(monkeypatch, OSError("PortAudio library not found"))
    with pytest.raises(DeviceError, match=r"PortAudio is missing.*apt-get install libportaudio2"):
        list_input_devices()


def test_a_device_is_found_again_by_its_name_and_host_api(portaudio: FakeSounddevice) -> None:
    known = find_input_device("USB")
    portaudio.devices.insert(0, device("Phone", 1, 16_000.0))
    assert find_input_device(known).index == 3
    # One of the same name that another part of the system offers is another device.
    other = replace(known, host_api="JACK")
    with pytest.raises(DeviceError, match=r"'USB Mic' \(JACK\) is not there any more; plug it in"):
        find_input_device(other)
    # Of two alike the one in the old place.
    portaudio.devices.append(device("USB Mic", 1, 48_000.0))
    assert find_input_device(known).index == 3
    assert find_input_device(replace(known, index=4)).index == 4


def test_listing_does_not_hang(portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "OPEN_S", 0.05)
    portaudio.query_devices = portaudio.answers.wait  # type: ignore[method-assign, assignment]
    portaudio.answers.clear()
    try:
        with pytest.raises(DeviceError, match="'PortAudio' has not answered"):
            list_input_devices()
    finally:
        portaudio.query_devices = list  # type: ignore[method-assign]
        portaudio.answers.set()
