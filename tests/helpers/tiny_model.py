"""A model folder whose behaviour is known: two tones are its keywords."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from signals import HIGH_HZ, LOW_HZ, RATE_HZ

from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.features import mel_matrix
from engine.manifest import ModelManifest, file_sha256, load_manifest, manifest_to_json

LABELS = ("_silence_", "_unknown_", "low", "high")
FBANK = FbankConfig()


def weights() -> tuple[np.ndarray, np.ndarray]:
    """Silence scores 0, a tone its own mel bins, everything loud the mean of all bins."""
    matrix = np.zeros((FBANK.n_mels, len(LABELS)), np.float32)
    matrix[:, 1] = 20 / FBANK.n_mels
    for column, hz in ((2, LOW_HZ), (3, HIGH_HZ)):
        middle = int(mel_matrix(FBANK)[round(hz * FBANK.fft_samples / RATE_HZ)].argmax())
        matrix[middle - 1 : middle + 2, column] = 20 / 3
    return matrix, np.array([0, 14, 6, 6], np.float32)


def write_onnx(
    path: Path,
    *,
    input_name: str = "fbank",
    output_name: str = "logits",
    n_frames: int = FBANK.target_frames,
    n_labels: int = len(LABELS),
    bias: np.ndarray | None = None,
) -> None:
    """Mean over the frames, one matrix, one bias."""
    matrix, own_bias = weights()
    bias = own_bias if bias is None else bias
    nodes = [
        helper.make_node("ReduceMean", [input_name, "axes"], ["mean"], keepdims=0),
        helper.make_node("MatMul", ["mean", "matrix"], ["product"]),
        helper.make_node("Add", ["product", "bias"], [output_name]),
    ]
    tensors = {
        "axes": np.array([1]),
        "matrix": np.resize(matrix, (FBANK.n_mels, n_labels)),
        "bias": np.resize(bias, n_labels),
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(
                input_name, TensorProto.FLOAT, ["batch", n_frames, FBANK.n_mels]
            )
        ],
        [helper.make_tensor_value_info(output_name, TensorProto.FLOAT, ["batch", n_labels])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)


def make_model_folder(folder: Path, **onnx_options: Any) -> Path:
    """Write model.onnx and a manifest that fits it unless the options break it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_onnx(folder / "model.onnx", **onnx_options)
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    manifest = ModelManifest(
        name="tiny",
        labels=LABELS,
        background_labels=LABELS[:2],
        activation="softmax",
        normalization="outside",
        fbank=FBANK,
        windows=WindowConfig(),
        decision=DecisionConfig(
            smoothing_windows=2, operating_points=dict.fromkeys(LABELS[2:], point)
        ),
        files={"model.onnx": file_sha256(folder / "model.onnx")},
    )
    (folder / "manifest.json").write_text(manifest_to_json(manifest))
    return folder


def edit_manifest(folder: Path, edit: Any) -> None:
    """Change the JSON of a manifest in place."""
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def without_smoothing(folder: Path) -> ModelManifest:
    """The folder's manifest, with every window deciding for itself."""
    manifest = load_manifest(folder)
    decision = dataclasses.replace(manifest.decision, smoothing_windows=1)
    return dataclasses.replace(manifest, decision=decision)
