"""Writes the first inputs of every target: python tests/fuzz/seeds.py FOLDER."""

import dataclasses
import io
import json
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import torch
from targets import checkpoint, labels

from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.manifest import ModelManifest, manifest_to_json
from kws_app.settings import Settings, to_toml
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.recipe import RECIPES
from training.weights import write_weights

_LABELS = ("_silence_", "_unknown_", "no", "yes")


def _sounds() -> Iterator[bytes]:
    noise = np.random.default_rng(0).normal(0, 0.1, (900, 2)).astype(np.float32)
    kinds = [("WAV", "PCM_16", 0), ("WAV", "FLOAT", 0), ("WAV", "ULAW", 0), ("WAV", "MS_ADPCM", 0)]
    kinds += [("FLAC", "PCM_16", 1), ("FLAC", "PCM_24", 1)]
    kinds += [("OGG", "VORBIS", 2), ("OGG", "OPUS", 2)]
    kinds += [("MP3", "MPEG_LAYER_III", 3), ("AIFF", "PCM_16", 4), ("AU", "PCM_16", 6)]
    kinds += [("RAW", "PCM_16", 5), ("W64", "PCM_16", 7), ("CAF", "ALAC_16", 7)]
    for number, (kind, subtype, suffix) in enumerate(kinds):
        file = io.BytesIO()
        channels = 1 + number % 2
        samples = noise[:, :channels] if channels > 1 else noise[:, 0]
        rate_hz = 48_000 if subtype == "OPUS" else (8_000, 16_000, 44_100)[number % 3]
        soundfile.write(file, samples, rate_hz, format=kind, subtype=subtype)
        yield bytes([suffix]) + file.getvalue()
    for channels, rate_hz in ((1_024, 768_000), (65, 8_000), (1, 2**31 - 1)):
        size = 2 * channels
        data = b"WAVEfmt " + struct.pack("<IHHI", 16, 1, channels, rate_hz)
        data += struct.pack("<IHH", rate_hz * size & 0xFFFFFFFF, size, 16)
        data += b"data" + struct.pack("<I", 4 * size) + bytes(4 * size)
        yield b"\0RIFF" + struct.pack("<I", len(data)) + data


def _stdin() -> Iterator[bytes]:
    for rate_hz, channels, length in (
        *((16_000, 1, 999), (44_100, 2, 4_000), (8_000, 64, 640), (768_000, 3, 1_000)),
        *((1_000, 1, 3), (47_999, 7, 1_400), (16_000, 0, 10), (0, 1, 10), (16_001, 1, 0)),
    ):
        yield rate_hz.to_bytes(3) + bytes([channels, 3]) + bytes(i % 251 for i in range(length))


def _manifests() -> Iterator[bytes]:
    shipped = ModelManifest(
        name="tiny",
        labels=_LABELS,
        background_labels=_LABELS[:2],
        activation="softmax",
        normalization="outside",
        fbank=FbankConfig(),
        windows=WindowConfig(),
        decision=DecisionConfig(
            operating_points={
                "no": OperatingPoint(
                    threshold=0.6,
                    rearm_threshold=0.3,
                    false_alarms_per_day=1.5,
                    false_alarms_per_day_interval=(0.5, 3.0),
                ),
                "yes": OperatingPoint(threshold=1, rearm_threshold=1e-3),
            }
        ),
        files={"model.onnx": ""},
    )
    other = FbankConfig(
        sample_rate_hz=8_000, high_hz=4_000, n_mels=256, padding_stage="after_normalization"
    )
    inside = {"activation": "sigmoid", "normalization": "inside", "fbank": other}
    windows = WindowConfig(window_samples=8_000, hop_samples=80)
    for each in (shipped, dataclasses.replace(shipped, windows=windows, **inside)):
        yield manifest_to_json(each).encode()


def _tomls() -> Iterator[bytes]:
    yield to_toml(Settings(model=Path("models/own"))).encode()
    yield b"""device = 3
keywords = ["yes", "no"]
rate = 48000
smoothing = 5
refractory = 0.5
ledger = "kept"
ledger_mb = 1_000
near_miss = 0.5
actions = "on"
window = { theme = "dark" }
threshold = { yes = 0.8, no = 1 }
[[action]]
keyword = "yes"
command = ["amixer", "set", "{keyword}"]
cooldown_s = 2
min_score = 0.9
[[action]]
keyword = ["no", "yes"]
webhook = "https://127.0.0.1:8123/x"
method = "PUT"
headers = { Authorization = { env = "HOOK" }, X = "y" }
timeout_s = 0.5
[[action]]
keyword = "*"
mqtt = "kws/{keyword}"
payload = '{"a": "{keyword}"}'
host = "127.0.0.1"
port = 1883
username = "kws"
password_file = "secret.txt"
tls = true
ca_file = "ca.pem"
[[action]]
keyword = "yes"
keystroke = "ctrl+shift+m"
dry_run = true
enabled = false
"""
    yield b'input = "-"\nchannels = 2\nthreshold = "yes=0.5,no=0.6"\nkeywords = "yes,no"\n'
    for path in sorted(RECIPES.glob("*.toml")):
        yield path.read_bytes()


def _labels() -> Iterator[bytes]:
    figures = {"format_version": 1, "streams": [], "settings": [], "data": {}, "model": {}}
    stream = {"name": "a", "kind": "words", "file": "a.wav", "truth": "a.csv", "snr_db": 5}
    stream |= {"room": "small", "gain_db": -3.5}
    texts = {
        "labels.csv": ["index,mid,display_name\n0,/m/a,yes\n1,/m/b,no\n", '"index","mid","x"\r\n'],
        "truth.csv": [
            "keyword,onset_s,offset_s,speaker,synthetic\nyes,0.1,0.4,p,1\nno,0.2,0.3,,0\n",
            "onset_s,offset_s,keyword\n0.1,0.2\n",
        ],
        "streams.json": [json.dumps({"format_version": 1, "streams": [stream]}), "{}"],
        "list.json": [json.dumps({"data": [{"wav": "a.wav", "labels": "/m/a"}]})],
        "words.csv": ["path,word,speaker,split,suspect\na.wav,yes,p,train,\nb.wav,no,q,test,1\n"],
        "other.csv": [
            "path,kind,speaker,note,source,licence\na.wav,speech,p,,x,y\nb.wav,digit,,one,x,y\n"
        ],
        "split.txt": ["yes/p0_nohash_0.wav\n", "yes/p1.wav\n"],
    }
    texts["streams.json"].append(json.dumps(figures))
    for kind, found in texts.items():
        for text in found:
            yield bytes([labels.KINDS.index(kind)]) + text.encode()


def _ledgers() -> Iterator[bytes]:
    entry = {
        "id": "00000",
        "utc": "2026-05-01T10:00:00.000Z",
        "time_s": 1.5,
        "keyword": "yes",
        "kind": "detection",
        "reason": None,
        "score": 0.9,
        "threshold": 0.5,
        "model": "tiny",
        "model_sha256": "00",
        "source": "a.wav",
        "clip_bytes": 4,
        "clip": "00000.flac",
        "label": None,
    }
    other = {**entry, "id": "abcde", "kind": "near miss", "reason": "below threshold"}
    label = {"id": "abcde", "label": "no"}
    about = {"speaker": "ledger-0123abcd", "keywords": ["yes", "no"]}
    lines = b"".join(json.dumps(line).encode() + b"\n" for line in (entry, other, label))
    yield lines
    yield lines + b'{"id": "00000", "la\n---\n' + json.dumps(about).encode()


def _checkpoints() -> Iterator[bytes]:
    tensors = {name: torch.zeros(shape) for name, shape in checkpoint.small_shapes().items()}
    small = {name: tensors[name] for name in list(tensors)[:6]}
    # Views of the one storage that the target has for a pickle.
    storage = torch.zeros(checkpoint.TENSOR_BYTES // 4)
    tensors = {name: storage[: t.numel()].view(t.shape) for name, t in tensors.items()}
    state: dict[str, object] = {
        "labels": ["no", "yes"],
        "activation": "softmax",
        "fbank": dataclasses.asdict(FbankConfig()),
        "windows": dataclasses.asdict(WindowConfig()),
        "model": {"n_labels": 2, "dim": 24, "depth": 1, "heads": 2},
    }
    empty = ("weights", "averaged_weights", "optimizer", "scaler", "augment", "provenance")
    state |= {name: {} for name in empty} | {"fit": {"select": "last"}}
    state |= dict.fromkeys(("epoch_sums", "epoch_count", "step", "best", "loss_sum"), 0)
    state |= {"loss_steps": 0, "trained_s": 0.0}
    kind = {name: bytes([number]) for number, name in enumerate(checkpoint.KINDS)}
    whole = checkpoint.small_safetensors()
    length = struct.unpack("<Q", whole[:8])[0]
    yield kind["safetensors"] + whole
    yield kind["header"] + whole[8 : 8 + length]
    for values, name in ((tensors, "pickle"), (state, "run"), (small, "")):
        file = io.BytesIO()
        torch.save(values, file)
        yield kind[name] + _pickle_in(file.getvalue()) if name else kind["zip"] + file.getvalue()
    file = io.BytesIO()
    torch.save(small, file, _use_new_zipfile_serialization=False)
    yield kind["zip"] + file.getvalue()
    shape = {"n_frames": 4, "n_mels": 4, "patch_frames": 2, "patch_mels": 4, "mel_stride": 4}
    shape |= {"frame_stride": 1, "dim": 2, "depth": 1, "heads": 1}
    ours = AudioSpectrogramTransformer(AstConfig(n_labels=2, **shape))
    with tempfile.TemporaryDirectory() as folder:
        write_weights(Path(folder) / "a.safetensors", ours, {"labels": "[]"})
        data = (Path(folder) / "a.safetensors").read_bytes()
    yield kind["safetensors"] + data
    yield kind["header"] + data[8 : 8 + struct.unpack("<Q", data[:8])[0]]
    yield kind["state"] + json.dumps(state).encode()
    config = {"num_attention_heads": 1, "max_length": 48, "num_mel_bins": 48, "time_stride": 16}
    config |= {"frequency_stride": 16, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
    config |= {"id2label": {"0": "a", "1": "b", "2": "c"}}
    extractor = {"mean": -4.2, "std": 4.5, "do_normalize": True, "sampling_rate": 16_000}
    extractor |= {"padding_value": 0.0}
    parts = (json.dumps(config).encode(), json.dumps(extractor).encode())
    yield kind["config"] + b"\n---\n".join(parts)


def _pickle_in(archive: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return file.read(next(name for name in file.namelist() if name.endswith("data.pkl")))


SEEDS = {
    "sound": _sounds,
    "stdin": _stdin,
    "manifest": _manifests,
    "toml": _tomls,
    "labels": _labels,
    "ledger": _ledgers,
    "checkpoint": _checkpoints,
}

if __name__ == "__main__":
    for name, make in SEEDS.items():
        folder = Path(sys.argv[1]) / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(filter(None, make())):
            (folder / f"seed-{number:02}").write_bytes(data)
