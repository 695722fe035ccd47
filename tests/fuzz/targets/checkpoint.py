"""Checkpoints: files of torch.save and safetensors, whole or with a damaged part.

The first byte says what the rest is, so that the checksums of an archive need not be guessed.
"""

import io
import json
import re
import struct
import zipfile
from pathlib import Path
from unittest import mock

import torch
from targets.common import folder, written

from engine.errors import KwsError
from training.checkpoint import LAST_FILE, load_run
from training.convert import ConvertOptions, convert
from training.start import open_start
from training.task import Task
from training.weights import build_model, read_weights

IS_TEXT = False
KINDS = ("zip", "safetensors", "pickle", "header", "config", "run", "state")
TENSOR_BYTES = 1 << 16


def run(data: bytes) -> None:
    kind = KINDS[data[0] % len(KINDS)] if data else KINDS[0]
    for path in folder().iterdir():
        if path.is_file():
            path.unlink()
    try:
        _read(kind, data[1:])
    except KwsError as err:
        str(err)


def _read(kind: str, data: bytes) -> None:
    match kind:
        case "zip":
            _build(written("a.pth", data))
        case "safetensors":
            _build(written("model.safetensors", data))
        case "pickle":
            _build(written("a.pth", archive(data)))
        case "header":
            length = struct.pack("<Q", len(data))
            _build(written("model.safetensors", length + data + bytes(_covered(data))))
        case "config":
            written("model.safetensors", small_safetensors())
            config, _, extractor = data.partition(b"\n---\n")
            written("config.json", config)
            written("preprocessor_config.json", extractor or b"{}")
            # Its work begins when everything that was read is found good.
            with mock.patch("training.convert.write_model_folder", return_value=0.0):
                convert(folder(), folder() / "out", ConvertOptions())
        case "run":
            written(LAST_FILE, archive(data))
            Task.from_dict(load_run(folder()))
            open_start(str(folder()))
        case "state":
            _read_state(data)


def _covered(header: bytes) -> int:
    """How many bytes a header wants behind it, if that is not absurd."""
    ends = [int(digits) for digits in re.findall(rb"(\d{1,6})\s*\]\s*}", header)]
    return max(ends, default=0)


def _build(path: Path) -> None:
    weights = read_weights(path)
    if weights.config is not None:
        build_model(weights, str(path))


def _read_state(data: bytes) -> None:
    """A run's state as JSON: every value of another kind than it should be."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return
    with (folder() / LAST_FILE).open("wb") as file:
        try:
            torch.save(state, file)
        except RecursionError:
            return
    open_start(str(folder()))


def archive(pickled: bytes) -> bytes:
    """A file of torch.save with this pickle in it and one storage of zeros."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archived:
        archived.writestr("a/data.pkl", pickled)
        archived.writestr("a/byteorder", b"little")
        archived.writestr("a/version", b"3\n")
        archived.writestr("a/data/0", bytes(TENSOR_BYTES))
    return file.getvalue()


def small_safetensors() -> bytes:
    """The smallest AST, in the words of transformers."""
    from safetensors.torch import save

    return save({name: torch.zeros(shape) for name, shape in small_shapes().items()})


def small_shapes() -> dict[str, tuple[int, ...]]:
    ast, block = "audio_spectrogram_transformer.", "audio_spectrogram_transformer.layers.0."
    dim, patches = 2, 9
    matrices = {f"{block}attention.{part}_proj": (dim, dim) for part in "qkvo"}
    matrices |= {f"{block}mlp.fc1": (4 * dim, dim), f"{block}mlp.fc2": (dim, 4 * dim)}
    norms = [f"{block}layernorm_before", f"{block}layernorm_after", f"{ast}layernorm"]
    shapes: dict[str, tuple[int, ...]] = {
        f"{ast}embeddings.cls_token": (1, 1, dim),
        f"{ast}embeddings.distillation_token": (1, 1, dim),
        f"{ast}embeddings.position_embeddings": (1, 2 + patches, dim),
        f"{ast}embeddings.patch_embeddings.projection.weight": (dim, 1, 16, 16),
        f"{ast}embeddings.patch_embeddings.projection.bias": (dim,),
        "classifier.dense.weight": (3, dim),
        "classifier.dense.bias": (3,),
    }
    for name, shape in matrices.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    for name in (*norms, "classifier.layernorm"):
        shapes |= {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}
    return shapes
