"""A run starts from weights of any kind, and what it knows by name it keeps."""

from pathlib import Path

import pytest
import torch
from published import save_original, transformers_model
from small_run import LABELS, small_task, train

from engine.errors import ConfigError, ModelError
from training.ast import AstConfig
from training.export import export_model
from training.start import fresh_model, open_start, open_trained


def test_from_the_model_that_ships() -> None:
    start = open_start("default")
    assert start.labels[:2] == ("_silence_", "_unknown_")
    assert start.fbank.target_frames == 98
    assert start.weights.config.dim == 192


def test_from_a_run_and_from_its_model_folder(tmp_path: Path) -> None:
    trainer = train(tmp_path / "run")
    export_model(tmp_path / "run", tmp_path / "m", name="x", threshold=0.5, smoothing_windows=1)
    for folder in ("run", "m"):
        start = open_start(str(tmp_path / folder))
        assert start.labels == LABELS
        torch.testing.assert_close(
            dict(start.weights.tensors), dict(trainer.export_weights()), rtol=0, atol=0
        )
    assert open_trained(str(tmp_path / "run")).labels == LABELS


def test_known_labels_keep_their_rows(tmp_path: Path) -> None:
    old = train(tmp_path / "run").export_weights()["head.weight"]
    start = open_start(str(tmp_path / "run"))
    labels = ("_silence_", "_unknown_", "maybe", "no")
    model = fresh_model(small_task(labels).model, labels, start)
    for row, old_row in ((0, 0), (1, 1), (3, 2)):
        torch.testing.assert_close(model.head.weight[row], old[old_row])
    assert not torch.allclose(model.head.weight[2], old[2])


def test_from_a_published_checkpoint(tmp_path: Path) -> None:
    path = save_original(tmp_path / "ast.pth", transformers_model(64, 1, depth=1))
    start = open_start(str(path))
    assert start.fbank is None
    config = AstConfig(**{**start.weights.config.to_dict(), "n_labels": 5, "n_frames": 98})
    model = fresh_model(config, ["a", "b", "c", "d", "e"], start)
    assert model.pos_embed.shape[1] == 2 + 12 * 9
    with pytest.raises(ConfigError, match="does not tell its labels and features; convert it"):
        open_trained(str(path))


def test_from_what_was_fetched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not fetched yet: python -m training fetch deit-tiny"):
        open_start("deit-tiny", tmp_path)
    (tmp_path / "deit-tiny").mkdir()
    (tmp_path / "deit-tiny" / "x.pth").write_bytes(b"")
    with pytest.raises(ModelError, match=r"cannot read .*x.pth"):
        open_start("deit-tiny", tmp_path)


def test_from_nothing_of_that_name(tmp_path: Path) -> None:
    for name in ("nowhere", str(tmp_path)):
        with pytest.raises(ConfigError, match="is no file, model folder or run; it may also be"):
            open_start(name)
