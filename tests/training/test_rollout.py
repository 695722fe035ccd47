"""Rollout says where in the window a decision came from."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from tiny_model import make_model_folder

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.export import ModelCard, write_model_folder
from training.rollout import ROLLOUT_FILE, Rollout, add_rollout


@pytest.fixture(scope="module")
def model() -> AudioSpectrogramTransformer:
    torch.manual_seed(1)
    config = AstConfig(n_labels=3, dim=16, depth=2, heads=2, distillation_token=True)
    return AudioSpectrogramTransformer(config).eval()


def test_it_is_a_share_of_all_that_is_read(model: AudioSpectrogramTransformer) -> None:
    """Rows of attention sum to one, so those of the rollout do, special tokens included."""
    config = model.config
    rollout = Rollout(model)
    weights = rollout(torch.randn(2, config.n_frames, config.n_mels))
    assert weights.shape == (2, config.n_mels, config.n_frames)
    assert (weights >= 0).all()
    first_frame = weights[:, :, 0]
    # The first frame is covered by the first patch alone: what stands there is its weight.
    patches = rollout._spread(torch.ones(1, 1, *config.grid))
    assert patches[0, 0, 0, 0] == 1
    assert (first_frame > 0).all()


def test_attention_to_one_patch_alone_lies_on_its_frames(
    model: AudioSpectrogramTransformer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = model.config
    place = 7

    def attend(_: object, x: torch.Tensor) -> torch.Tensor:
        weights = torch.zeros(x.shape[0], x.shape[1], x.shape[1])
        weights[:, :, config.n_special + place] = 1
        return weights

    monkeypatch.setattr("training.rollout._attention", attend)
    weights = Rollout(model)(torch.zeros(1, config.n_frames, config.n_mels))[0].detach().numpy()
    frames = np.flatnonzero(weights.sum(axis=0))
    first = place * config.frame_stride
    assert frames[0] == first
    assert frames[-1] == first + config.patch_frames - 1


def test_a_model_folder_gets_one_and_stays_valid(
    model: AudioSpectrogramTransformer, tmp_path: Path
) -> None:
    card = ModelCard(
        name="m",
        labels=("_silence_", "_unknown_", "yes"),
        activation="softmax",
        fbank=FbankConfig(),
    )
    write_model_folder(tmp_path / "m", model, card)
    path = add_rollout(tmp_path / "m")
    assert path.name == ROLLOUT_FILE
    manifest = load_manifest(tmp_path / "m")
    assert ROLLOUT_FILE in manifest.files
    session = onnxruntime.InferenceSession(str(path))
    inputs = np.random.default_rng(0).normal(0, 0.5, (2, 98, 128)).astype(np.float32)
    (found,) = session.run(["rollout"], {"fbank": inputs})
    wanted = Rollout(model)(torch.from_numpy(inputs)).detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-3 * wanted.max())
    weights = (tmp_path / "m" / "model.safetensors").stat().st_size
    assert path.stat().st_size < weights + 60_000


def test_without_weights_there_is_none(tmp_path: Path) -> None:
    folder = make_model_folder(tmp_path / "m")
    with pytest.raises(ConfigError, match=r"has no model\.safetensors"):
        add_rollout(folder)
