"""What the console prints."""

import io
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from signals import tone_stream

from engine.audio.devices import InputDevice
from engine.audio.file import FileSource
from engine.audio.paced import PacedSource
from engine.audio.recovering import RecoveringSource
from engine.backends import choose_backend
from engine.consumers import EventQueue
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline
from engine.types import (
    BackendChanged,
    Detection,
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Event,
    Gap,
    Heard,
    Started,
    Stopped,
    StreamStats,
)
from kws_app import headless
from kws_app.headless import make_source, print_devices, run_headless
from kws_app.posteriors import PosteriorsFile
from kws_app.printer import Printer
from kws_app.settings import Settings

STATS = StreamStats(
    end_sample=160_008,
    windows=91,
    skipped_windows=3,
    overflows=2,
    lost_samples=7,
    detections=1,
    dropped_events=4,
    capture_ms=(20.0, 31.25),
    feature_ms=(0.1, 0.2),
    inference_ms=(2.0, 3.0),
    total_ms=(2.5, 9.12345),
    last_window_age_s=0.05,
    clock_ppm=-12.345,
)
START = Started(source="mic", sample_rate_hz=48_000, backend="cpu", backend_reason="why")
HEARD = Heard(
    detection=Detection(keyword="low", score=0.7654321, threshold=0.6, end_sample=17_600),
    latency_ms=3.14159,
)
GAP = Gap(end_sample=32_000, lost_samples=7, reason="late")
STOP = Stopped(reason="interrupted", stats=STATS, wall_s=10.23456)


def shown(
    capsys: pytest.CaptureFixture[str], tiny: ModelManifest, settings: Settings, *events: Event
) -> tuple[str, str]:
    printer = Printer(settings, tiny, tiny.decision)
    for event in events:
        printer.show(event)
    return tuple(capsys.readouterr())


def test_json_lines(capsys: pytest.CaptureFixture[str], tiny: ModelManifest) -> None:
    out, err = shown(capsys, tiny, Settings(json=True), START, HEARD, GAP, STATS, STOP)
    assert err == ""
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "v": 1,
            "event": "start",
            "time_s": 0.0,
            "source": "mic",
            "sample_rate": 48_000,
            "model": "tiny",
            "model_sha256": tiny.model_sha256,
            "backend": "cpu",
            "backend_reason": "why",
            "keywords": ["low", "high"],
            "hop_s": 0.1,
            "keeps": [],
        },
        {
            "v": 1,
            "event": "detection",
            "time_s": 1.1,
            "keyword": "low",
            "score": 0.765432,
            "threshold": 0.6,
            "latency_ms": 3.142,
        },
        {"v": 1, "event": "gap", "time_s": 2.0, "lost_samples": 7, "reason": "late"},
        {
            "v": 1,
            "event": "stats",
            "time_s": 10.0005,
            "windows": 91,
            "skipped": 3,
            "overflows": 2,
            "lost_samples": 7,
            "dropped_events": 4,
            "capture_ms": {"p50": 20.0, "p99": 31.25},
            "feature_ms": {"p50": 0.1, "p99": 0.2},
            "inference_ms": {"p50": 2.0, "p99": 3.0},
            "total_ms": {"p50": 2.5, "p99": 9.123},
            "last_window_age_s": 0.05,
            "clock_ppm": -12.3,
        },
        {
            "v": 1,
            "event": "stop",
            "time_s": 10.0005,
            "reason": "interrupted",
            "windows": 91,
            "detections": 1,
            "audio_s": 10.0005,
            "wall_s": 10.235,
        },
    ]


def test_text(capsys: pytest.CaptureFixture[str], tiny: ModelManifest) -> None:
    out, err = shown(capsys, tiny, Settings(), START, HEARD, GAP, STATS, STOP)
    assert out == "     1.10 s  low          0.77\n"
    assert err.splitlines() == [
        "kws: listening to mic with tiny (cpu)",
        "kws: lost 7 samples: late",
        "kws: interrupted: 10.0 s of audio, 91 windows, 1 detection, 3 skipped windows, "
        "2 overflows, 7 lost samples, 4 dropped events",
    ]


def test_audio_shorter_than_a_window_is_told(
    capsys: pytest.CaptureFixture[str], tiny: ModelManifest
) -> None:
    stats = replace(STATS, windows=0, end_sample=15_999)
    told = "kws: too short to hear anything: the model needs 1 s of audio"
    for reason, expected in (("end of input", True), ("interrupted", False)):
        stop = Stopped(reason=reason, stats=stats, wall_s=1)
        assert (told in shown(capsys, tiny, Settings(), stop)[1].splitlines()) == expected


def test_verbose_and_quiet(capsys: pytest.CaptureFixture[str], tiny: ModelManifest) -> None:
    _, err = shown(capsys, tiny, Settings(verbose=1), START, STATS)
    assert "kws: backend: why; keywords: low high" in err
    assert "91 windows" in err
    out, err = shown(capsys, tiny, Settings(quiet=True), START, HEARD, GAP, STOP)
    assert (out, err) == ("     1.10 s  low          0.77\n", "")


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (Settings(), RecoveringSource),
        (Settings(device="USB", rate=8_000, channels=2), RecoveringSource),
        (Settings(input="a.wav"), FileSource),
        (Settings(input="a.wav", realtime=True), PacedSource),
    ],
)
def test_sources(settings: Settings, kind: type) -> None:
    assert isinstance(make_source(settings, 16_000), kind)


def test_pcm_settings_reach_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    source = make_source(Settings(input="-", rate=8_000, channels=2), 16_000)
    assert (source.name, source.sample_rate_hz) == ("-", 8_000)
    assert make_source(Settings(input="-"), 16_000).sample_rate_hz == 16_000


def device(index: int, name: str, *, is_default: bool) -> InputDevice:
    return InputDevice(
        index=index,
        name=name,
        host_api="ALSA",
        channels=2,
        default_rate_hz=44_100,
        is_default=is_default,
    )


def test_devices_are_listed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [device(0, "Webcam", is_default=False), device(12, "USB", is_default=True)]
    monkeypatch.setattr(headless, "list_input_devices", lambda: devices)
    print_devices(as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "    0  Webcam  [ALSA]  2 ch  44100 Hz",
        "*  12  USB  [ALSA]  2 ch  44100 Hz",
    ]
    print_devices(as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "v": 1,
        "event": "device",
        "time_s": 0.0,
        "index": 0,
        "name": "Webcam",
        "host_api": "ALSA",
        "channels": 2,
        "default_rate_hz": 44_100,
        "is_default": False,
    }
    assert second["is_default"]


def test_no_device_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headless, "list_input_devices", list)
    print_devices(as_json=False)
    assert capsys.readouterr().out == "no input device\n"


def test_a_consumer_that_fails_releases_the_pipeline(tmp_path: Path, tiny: ModelManifest) -> None:
    class ClosedPipe(Printer):
        def show(self, event: Event) -> None:
            raise BrokenPipeError

    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream(), 16_000)
    queue = EventQueue(1, drop_oldest=False)  # full at once, so that the pipeline waits
    pipeline = Pipeline(
        FileSource(path, 16_000), tiny, choose_backend("cpu", tiny), tiny.decision, [queue]
    )
    with pytest.raises(BrokenPipeError):
        headless._consume(pipeline, queue, ClosedPipe(Settings(), tiny, tiny.decision).show)
    assert queue.dropped > 0


def test_a_second_signal_does_not_cut_off_the_posteriors(
    tmp_path: Path, tiny_folder: Path, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = PosteriorsFile.__exit__

    def pack_under_signals(self: PosteriorsFile, *exc_info: object) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        pack(self, *exc_info)

    monkeypatch.setattr(PosteriorsFile, "__exit__", pack_under_signals)
    path = tmp_path / "p.npz"
    run_headless(
        Settings(input=str(demo_path), model=tiny_folder, posteriors=path, quiet=True, json=True)
    )
    assert path.exists()


def test_another_backend_is_told_once(
    tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    event = BackendChanged(end_sample=24_000, backend="cpu", backend_reason="not cuda: gone")
    Printer(Settings(json=True), tiny, tiny.decision).show(event)
    Printer(Settings(), tiny, tiny.decision).show(event)
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "v": 1,
        "event": "backend",
        "time_s": 1.5,
        "backend": "cpu",
        "backend_reason": "not cuda: gone",
    }
    assert err == "kws: cpu scores from here on: not cuda: gone\n"


def test_a_device_that_goes_and_comes_back_is_told(
    tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    events = (
        DeviceLost(end_sample=16_000, device="USB", reason="'USB' has delivered no audio for 3 s"),
        DeviceBack(end_sample=80_000, device="USB Mic"),
    )
    for event in events:
        Printer(Settings(json=True), tiny, tiny.decision).show(event)
        Printer(Settings(), tiny, tiny.decision).show(event)
    out, err = capsys.readouterr()
    reason = "'USB' has delivered no audio for 3 s"
    assert [json.loads(line) for line in out.splitlines()] == [
        {"v": 1, "event": "device_lost", "time_s": 1.0, "device": "USB", "reason": reason},
        {"v": 1, "event": "device_back", "time_s": 5.0, "device": "USB Mic"},
    ]
    assert err == f"kws: {reason}; looking for it\nkws: listening to USB Mic\n"


def test_trouble_with_a_device_is_told(
    tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    event = DeviceTrouble(
        end_sample=160_000, device="USB", kind="zeros", reason="'USB' is muted", is_over=False
    )
    for settings in (Settings(json=True), Settings(), Settings(quiet=True)):
        Printer(settings, tiny, tiny.decision).show(event)
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "v": 1,
        "event": "device_trouble",
        "time_s": 10.0,
        "device": "USB",
        "kind": "zeros",
        "reason": "'USB' is muted",
        "is_over": False,
    }
    assert err == "kws: 'USB' is muted\n"
