"""The manifest of a model folder; one that is accepted must be one that audio can be scored by."""

import hashlib
import json

import numpy as np
from backends import FakeBackend
from targets.common import folder, written

from engine.config import FbankConfig
from engine.errors import KwsError
from engine.manifest import ModelManifest, load_manifest, manifest_to_json
from engine.scorer import StreamScorer
from kws_app.settings import Settings, decision_for

IS_TEXT = True
_MODEL = b"stands for a model"


class _Zeros(FakeBackend):
    def __init__(self, n_labels: int) -> None:
        super().__init__("zeros")
        self.n_labels = n_labels

    def infer(self, model_inputs: np.ndarray) -> np.ndarray:
        assert np.isfinite(model_inputs).all()
        return np.zeros((len(model_inputs), self.n_labels), np.float32)


def run(data: bytes) -> None:
    written("model.onnx", _MODEL)
    written("manifest.json", _sealed(data))
    try:
        manifest = load_manifest(folder())
        decision = decision_for(Settings(), manifest)
    except KwsError as err:
        str(err)
        return
    _use(manifest)
    written("manifest.json", manifest_to_json(manifest).encode())
    assert load_manifest(folder()) == manifest
    assert decision.fingerprint == manifest.decision.fingerprint


def _sealed(data: bytes) -> bytes:
    """The same with the hashes that belong to it, or nothing would get past them."""
    try:
        values = json.loads(data)
        values["files"]["model.onnx"] = hashlib.sha256(_MODEL).hexdigest()
        values["fbank_fingerprint"] = FbankConfig(**values["fbank"]).fingerprint
        return json.dumps(values).encode()
    except Exception:  # noqa: BLE001  it is left as it was
        return data


def _use(manifest: ModelManifest) -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, manifest.windows.window_samples)
    with _Zeros(len(manifest.labels)) as backend:
        scorer = StreamScorer(manifest, backend, manifest.decision)
        scored = list(scorer.process(samples.astype(np.float32)))
    assert len(scored) == 1
    assert np.isfinite(scored[0].smoothed).all()
