"""The gate lets through what hears alike, and nothing else."""

from collections.abc import Callable
from typing import Self

import numpy as np
import pytest
from clips import clip, word_samples
from signals import HIGH_HZ, LOW_HZ, RATE_HZ, tone_stream, white_noise
from tiny_model import LABELS, make_model_folder

from engine.backends import Backend
from engine.backends.onnxruntime import CpuBackend
from engine.errors import ConfigError
from engine.manifest import ModelManifest, load_manifest
from engine.types import Float32
from training import gate as module
from training.evaluation.events import Reference
from training.evaluation.material import Material
from training.evaluation.streams import Stream
from training.gate import gate, gate_streams
from training.parity import Parity

KEYWORDS = LABELS[2:]
# Where the tones of tone_stream() are, and the silences between them.
TONES = (("low", 1.5, 2.0), ("high", 4.0, 4.5), ("low", 8.4, 9.0))
REPEATS = 10


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> ModelManifest:
    return load_manifest(make_model_folder(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture(scope="module")
def streams() -> list[Stream]:
    once = tone_stream()
    length_s = len(once) / RATE_HZ
    references = tuple(
        Reference(keyword=word, onset_s=turn * length_s + first, offset_s=turn * length_s + last)
        for turn in range(REPEATS)
        for word, first, last in TONES
    )
    words = Stream(
        name="words", kind="words", samples=np.tile(once, REPEATS), references=references
    )
    return [words, Stream(name="noise", kind="noise", samples=white_noise(30))]


class Altered:
    """A precision that changes logits in a way of its own."""

    name = "altered"

    def __init__(self, manifest: ModelManifest, change: Callable[[Float32], Float32]) -> None:
        self._backend = CpuBackend(manifest)
        self._change = change

    def __enter__(self) -> Self:
        self._backend.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._backend.__exit__(*exc_info)

    def infer(self, model_inputs: Float32) -> Float32:
        return self._change(self._backend.infer(model_inputs).copy())


def passed(
    manifest: ModelManifest,
    streams: list[Stream],
    change: Callable[[Float32], Float32],
    precision: str = "fp16",
) -> Parity:
    backends: tuple[Backend, Backend] = (CpuBackend(manifest), Altered(manifest, change))
    return gate(precision, "torch", manifest, backends, streams)


def without_low(logits: Float32) -> Float32:
    logits[:, 2] = -9
    return logits


def fires_high(logits: Float32) -> Float32:
    """Loud and no tone: what the noise is."""
    logits[logits.argmax(axis=1) == 1, 3] += 20
    return logits


def test_what_hears_alike_passes_with_its_figures(
    manifest: ModelManifest, streams: list[Stream]
) -> None:
    found = passed(manifest, streams, lambda logits: logits + np.float32([0, 0, 0, 0.01]))
    assert found.windows >= 1_000
    assert found.largest == pytest.approx(0.01, rel=1e-3)
    assert found.mean == pytest.approx(0.0025, rel=1e-3)
    assert (found.gained, found.lost) == (0, 0)
    assert found.decisions >= REPEATS * len(TONES)
    assert found.words == REPEATS * len(TONES)
    assert found.missed[0] == found.missed[1]
    assert found.hours == pytest.approx(30 / 3600)


def test_lost_words_are_refused_with_figures_and_what_to_take(
    manifest: ModelManifest, streams: list[Stream]
) -> None:
    with pytest.raises(ConfigError, match="fp16 is refused: ") as refused:
        passed(manifest, streams, without_low)
    text = str(refused.value)
    assert "more words missed, limit 1%" in text
    assert "of the decisions changed" in text
    assert "Take --precision bf16." in text
    assert "of 30 words 0.0% missed before, 66.7% now" in text


def test_alarms_are_refused(manifest: ModelManifest, streams: list[Stream]) -> None:
    silences = [white_noise(1), np.zeros(2 * RATE_HZ, np.float32)] * 10
    noise = Stream(name="noise", kind="noise", samples=np.concatenate(silences))
    with pytest.raises(ConfigError, match=r"int8 is refused: .* more alarms, limit 1.*fp16"):
        passed(manifest, [streams[0], noise], fires_high, "int8")


def test_an_overflow_ends_it_at_once(manifest: ModelManifest, streams: list[Stream]) -> None:
    seen = []

    def overflow(logits: Float32) -> Float32:
        seen.append(len(logits))
        return np.full_like(logits, np.inf) if len(seen) == 3 else logits

    with pytest.raises(
        ConfigError, match=r"the logits of window 3 are no finite numbers.* --precision bf16"
    ):
        passed(manifest, streams, overflow)
    assert len(seen) == 3


def test_float32_itself_can_fail(manifest: ModelManifest, streams: list[Stream]) -> None:
    broken = Altered(manifest, lambda logits: np.full_like(logits, np.nan))
    with pytest.raises(ConfigError, match=r"fp32 is refused: .* Nothing safer is left"):
        gate("fp16", "torch", manifest, (broken, CpuBackend(manifest)), streams)


def test_too_few_windows_prove_nothing(manifest: ModelManifest, streams: list[Stream]) -> None:
    with pytest.raises(ConfigError, match=r"gives 291 windows; the gate .* takes at least 1000"):
        passed(manifest, streams[1:], lambda logits: logits)


def test_a_word_that_fires_a_hop_later_is_the_same_decision(
    manifest: ModelManifest, streams: list[Stream]
) -> None:
    before = [module.Heard(keyword="low", time_s=t) for t in (1.0, 3.0, 5.0)]
    after = [module.Heard(keyword="low", time_s=t) for t in (1.1, 3.0, 5.6)]
    assert module._in_common(before, after) == 2
    assert module._in_common(before, [*after, *after]) == 2
    assert module._in_common(before, [module.Heard(keyword="high", time_s=1.0)]) == 0


def material(*kinds: str) -> Material:
    clips = {
        "word": clip("word", word_samples(LOW_HZ), word="low"),
        "speech": clip("speech", white_noise(40)),
        "noise": clip("noise", white_noise(50)),
        "other_word": clip("other_word", word_samples(HIGH_HZ)),
    }
    return Material(clips=[clips[kind] for kind in kinds], origin={"split": "validation"})


def test_it_listens_to_words_speech_and_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BACKGROUND_S", 30)
    found = gate_streams(material("word", "speech", "noise", "other_word"), KEYWORDS)
    assert [stream.kind for stream in found] == ["words", "speech", "noise"]
    assert [word.keyword for word in found[0].references] == ["low"]
    # Half a second of silence is behind each.
    assert [stream.hours * 3600 for stream in found[1:]] == pytest.approx([30.5, 30.5])


def test_there_must_be_words_and_backgrounds() -> None:
    with pytest.raises(ConfigError, match="validation split has no clip of low, high"):
        gate_streams(material("noise"), KEYWORDS)
    with pytest.raises(ConfigError, match="neither running speech nor noise"):
        gate_streams(material("word", "other_word"), KEYWORDS)
