"""Attention is computed aside, for what was asked last."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qtpy.QtCore import QCoreApplication, QEvent, QObject

from engine.manifest import ModelManifest, file_sha256, load_manifest
from kws_app.gui.attention import ROLLOUT_FILE, Attention


@pytest.fixture
def manifest(own_tiny_folder: Path) -> ModelManifest:
    """A rollout that is the input itself, turned."""
    shape = ["batch", 98, 128]
    graph = helper.make_graph(
        [helper.make_node("Transpose", ["fbank"], ["rollout"], perm=[0, 2, 1])],
        "rollout",
        [helper.make_tensor_value_info("fbank", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("rollout", TensorProto.FLOAT, ["batch", 128, 98])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, own_tiny_folder / ROLLOUT_FILE)
    manifest = load_manifest(own_tiny_folder)
    files = {**manifest.files, ROLLOUT_FILE: file_sha256(own_tiny_folder / ROLLOUT_FILE)}
    return replace(manifest, files=files)


def test_weights_lie_between_0_and_1(manifest: ModelManifest, qtbot: Any) -> None:
    attention = Attention(manifest)
    features = np.arange(98 * 128, dtype=np.float32).reshape(98, 128)
    with qtbot.waitSignal(attention.ready, timeout=10_000) as answer:
        attention.ask(16_000, features)
    end_sample, weights, why_not = answer.args
    assert (end_sample, why_not) == (16_000, "")
    assert weights.shape == (128, 98)
    assert (weights.min(), weights.max()) == (0, 1)
    assert weights[5, 3] == pytest.approx(features[3, 5] / features.max())
    attention.join(5)
    assert not [t for t in threading.enumerate() if t.name == "attention"]


def test_what_is_not_named_in_the_manifest_is_not_used(manifest: ModelManifest) -> None:
    files = {name: value for name, value in manifest.files.items() if name != ROLLOUT_FILE}
    attention = Attention(replace(manifest, files=files))
    assert not attention.is_there
    attention.ask(16_000, np.zeros((98, 128), np.float32))
    attention.join(5)


def test_a_file_that_is_no_model_is_told(manifest: ModelManifest, qtbot: Any) -> None:
    (manifest.folder / ROLLOUT_FILE).write_bytes(b"nothing")
    attention = Attention(manifest)
    with qtbot.waitSignal(attention.ready, timeout=10_000) as answer:
        attention.ask(16_000, np.zeros((98, 128), np.float32))
    assert answer.args[1] is None
    assert answer.args[2].startswith("rollout.onnx cannot be used")


def let_go(parent: QObject) -> None:
    """What is to be deleted is deleted."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QCoreApplication.processEvents()
    assert parent.children() == []


def test_one_that_is_retired_leaves_nothing_behind(manifest: ModelManifest, qtbot: Any) -> None:
    parent, gone = QObject(), []
    attention = Attention(manifest, parent)
    attention.ready.connect(lambda *answer: None)
    attention.destroyed.connect(lambda: gone.append(True))
    attention.retire()
    del attention
    let_go(parent)
    assert gone == [True]


def test_one_that_is_retired_while_it_computes_says_nothing_and_ends(
    manifest: ModelManifest, qtbot: Any
) -> None:
    parent, gone, answers, computed = QObject(), [], [], []
    entered, go_on = threading.Event(), threading.Event()
    attention = Attention(manifest, parent)

    def compute(features: np.ndarray) -> np.ndarray:
        computed.append(features)
        entered.set()
        go_on.wait(10)
        return features

    attention._compute = compute  # type: ignore[method-assign]
    attention.ready.connect(lambda *answer: answers.append(answer))
    attention.destroyed.connect(lambda: gone.append(threading.current_thread().name))
    attention.ask(16_000, np.zeros((98, 128), np.float32))
    assert entered.wait(10)
    attention.ask(17_600, np.zeros((98, 128), np.float32))  # is not begun any more
    thread = attention._thread
    attention.retire()
    attention.ask(19_200, np.zeros((98, 128), np.float32))
    go_on.set()
    assert thread is not None
    thread.join(10)
    attention.join(10)
    assert not thread.is_alive()
    assert len(computed) == 1
    del attention
    qtbot.waitUntil(lambda: gone == ["MainThread"], timeout=5_000)
    let_go(parent)
    assert answers == []


def test_what_no_hash_covers_is_not_loaded(manifest: ModelManifest, qtbot: Any) -> None:
    path = manifest.folder / ROLLOUT_FILE
    model = onnx.load(path)
    model.graph.node[0].domain = "com.microsoft"
    onnx.save(model, path)
    for files, why in (
        (manifest.files, "was altered"),
        ({**manifest.files, ROLLOUT_FILE: file_sha256(path)}, "uses operators of 'com.microsoft'"),
    ):
        attention = Attention(replace(manifest, files=files))
        with qtbot.waitSignal(attention.ready, timeout=10_000) as answer:
            attention.ask(16_000, np.zeros((98, 128), np.float32))
        assert answer.args[1] is None
        assert why in answer.args[2]
        attention.join(5)
