"""Section 3: how to use the model, to be copied and run as it stands."""

from __future__ import annotations

from pathlib import Path

from engine.manifest import ModelManifest
from training.card.document import Code, Prose, Section

_ROOT = Path(__file__).parent.parent.parent

_ARRAY = """from pathlib import Path

import soundfile

from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.scorer import StreamScorer

manifest = load_manifest(Path("{model}"))
rate_hz = manifest.fbank.sample_rate_hz
samples, file_rate_hz = soundfile.read("speech.wav", dtype="float32", always_2d=True)
assert file_rate_hz == rate_hz, "resample it first"
with choose_backend("auto", manifest).backend as backend:
    scorer = StreamScorer(manifest, backend, manifest.decision)
    for window in scorer.process(samples.mean(axis=1)):
        for heard in window.detections:
            print(f"{{heard.end_sample / rate_hz:.2f}} s {{heard.keyword}} {{heard.score:.2f}}")
"""

_ONE_WINDOW = """from pathlib import Path

import soundfile

from engine.backends import choose_backend
from engine.features import fbank, {prepare}
from engine.manifest import load_manifest
from engine.scorer import posteriors_of

manifest = load_manifest(Path("{model}"))
samples, _ = soundfile.read("speech.wav", dtype="float32", always_2d=True)
window = samples[: manifest.windows.window_samples].mean(axis=1)
with choose_backend("auto", manifest).backend as backend:
    features = {prepare}(fbank(window, manifest.fbank), manifest.fbank)
    posteriors = posteriors_of(backend.infer(features[None])[0], manifest.activation)
print(manifest.labels[posteriors.argmax()], float(posteriors.max()))
"""

_STREAM = """from pathlib import Path

from engine.audio.file import FileSource
from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.scorer import StreamScorer

manifest = load_manifest(Path("{model}"))
rate_hz = manifest.fbank.sample_rate_hz
# engine.audio.microphone.MicrophoneSource delivers the same blocks from a microphone.
with (
    FileSource(Path("speech.wav"), rate_hz) as source,
    choose_backend("auto", manifest).backend as backend,
):
    scorer = StreamScorer(manifest, backend, manifest.decision)
    while (block := source.read()) is not None:
        for window in scorer.process(block.samples):
            for heard in window.detections:
                print(f"{{heard.end_sample / rate_hz:.2f}} s {{heard.keyword}}")
"""

_FILE_COMMAND = "python -m kws_app --headless --model {model} --input speech.wav\n"
_STREAM_COMMAND = (
    "python -m kws_app --headless --model {model} --input - --rate {rate} --channels 1 "
    "< speech.raw\n"
)
_MICROPHONE_COMMAND = "python -m kws_app --headless --model {model} --duration 10\n"


def snippets(manifest: ModelManifest) -> list[Section]:
    """Commands and programs; `speech.wav` and `speech.raw` are any recordings."""
    model = shown_place(manifest.folder)
    rate_hz = manifest.fbank.sample_rate_hz
    prepare = "model_input" if manifest.normalization == "outside" else "pad_log_mel"

    def code(language: str, text: str) -> Code:
        return Code(language, text.format(model=model, rate=rate_hz, prepare=prepare))

    before = Prose(
        "After `pip install -e .` in a checkout of kws. speech.wav is any recording, speech.raw "
        "holds signed 16-bit little-endian samples; the model folder's path is relative to the "
        "folder that the commands run in."
    )
    return [
        Section("How to use it", [before]),
        Section("A file, command line", [code("sh", _FILE_COMMAND)], level=3),
        Section("A stream, command line", [code("sh", _STREAM_COMMAND)], level=3),
        Section("A microphone, command line", [code("sh", _MICROPHONE_COMMAND)], level=3),
        Section(
            "A file as an array, Python",
            [
                Prose("Samples in [-1, 1]; all windows, smoothed and decided."),
                code("python", _ARRAY),
            ],
            level=3,
        ),
        Section("A stream, Python", [code("python", _STREAM)], level=3),
        Section(
            "One window, Python",
            [
                Prose("Posteriors of the first window, before smoothing."),
                code("python", _ONE_WINDOW),
            ],
            level=3,
        ),
    ]


def shown_place(folder: Path) -> str:
    """A model folder's path inside the checkout, or its name: a card shows nobody's machine."""
    try:
        return folder.resolve().relative_to(_ROOT).as_posix()
    except ValueError:
        return folder.resolve().name
