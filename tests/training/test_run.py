"""A run is put together from its recipe: features, shape, windows, start, teacher."""

from pathlib import Path

import numpy as np
import pytest
from program import ROOT
from small_run import ALONE, train, word_folder

from engine.errors import ConfigError, ModelError
from training.recipe import load_recipe
from training.run import Run, make_run

TINY = ["model.dim=24", "model.depth=1", "model.heads=2", "fit.tensorboard=false"]


def made(folder: Path, recipe: str, *changes: str) -> Run:
    words = folder / "words"
    if not words.exists():
        word_folder(words)
    changes = (f'data.folder="{words}"', *changes)
    return make_run(load_recipe(recipe, changes), folder / "run", ALONE)


def test_own_words_keep_the_features_and_the_window_of_the_model_that_ships(
    tmp_path: Path,
) -> None:
    run = made(tmp_path, "words")
    task = run.trainer.task
    assert task.labels == ("_silence_", "_unknown_", "high", "low")
    assert task.model.dim == 192
    assert task.windows.window_samples == 16_000
    assert task.fbank.n_frames(16_000) == task.fbank.target_frames == 98
    assert task.activation == "softmax"
    lines = run.describe()
    assert lines[0] == "4 labels; 8 clips of words to train on, 4 to validate by"
    assert lines[1] == "model: 2.92 M parameters, dim 192, depth 6, 98 frames, fp32 on cpu"


@pytest.mark.parametrize(
    ("frames", "kind", "seconds"),
    [(128, "clips", 1.0), (128, "scenes", 1.0), (60, "scenes", 0.6), (512, "clips", 5.1)],
)
def test_windows_fit_the_models_input(
    tmp_path: Path, frames: int, kind: str, seconds: float
) -> None:
    changes = [*TINY, "model.start=", f"features.target_frames={frames}", f"data.windows={kind}"]
    task = made(tmp_path, "words", *changes).trainer.task
    assert task.windows.window_samples == seconds * 16_000
    task.windows.check_against(task.fbank)


def test_the_window_is_the_one_that_was_trained(tmp_path: Path) -> None:
    changes = [*TINY, "model.start=", "features.target_frames=198"]
    run = made(tmp_path, "words", *changes, "scene.window_samples=32000")
    assert run.trainer.task.windows.window_samples == 32_000
    assert run.data.train.window(0, 0, np.random.default_rng(0))[0].shape == (32_000,)
    too_long = made(tmp_path, "words", *changes, "scene.window_samples=64000")
    assert too_long.trainer.task.windows.window_samples == 32_000
    assert too_long.describe()[-1].startswith("note: scene.window_samples is 32000, as much as")


def test_recordings_are_trained_on_at_their_one_rate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"sample_rate_hz is 44100; .* trained on at 16000 Hz"):
        made(tmp_path, "words", *TINY, "model.start=", "features.sample_rate_hz=44100")


def test_bce_makes_a_sigmoid_model(tmp_path: Path) -> None:
    run = made(tmp_path, "words", *TINY, "model.start=", "fit.loss=bce")
    assert run.trainer.task.activation == "sigmoid"


def test_the_published_recipe_on_own_words(tmp_path: Path) -> None:
    changes = [*TINY, "model.start=", "model.size=", "data.labels=", "fit.batch_size=4"]
    run = made(
        tmp_path, "speech_commands", *changes, "fit.epochs=1", "fit.workers=0", "fit.threads=1"
    )
    run.start()
    assert run.trainer.step == 2
    assert (tmp_path / "run" / "best.safetensors").exists()


def test_a_teacher_of_another_kind_is_refused(tmp_path: Path) -> None:
    train(tmp_path / "teacher", steps=1)
    teacher = f'fit.teacher="{tmp_path / "teacher"}"'
    with pytest.raises(ConfigError, match="does not know 'high'"):
        made(tmp_path, "words", teacher)
    with pytest.raises(ConfigError, match=r"fit.teacher needs loss = 'cross_entropy'"):
        made(tmp_path, "words", teacher, "fit.loss=bce")
    with pytest.raises(ConfigError, match="teacher 'nobody' is no file, model folder or run"):
        made(tmp_path, "words", "fit.teacher=nobody")


def test_a_start_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not fit the model"):
        made(tmp_path, "words", "model.dim=96")


def test_many_notes_are_shortened(tmp_path: Path) -> None:
    words = word_folder(tmp_path / "words")
    for i in range(20):
        (words / "low" / f"broken{i}.wav").write_bytes(b"RIFF")
    lines = made(tmp_path, "words", *TINY, "model.start=").describe()
    assert len(lines) == 2 + 6 + 1
    assert lines[-1] == "... and 14 more"


def test_the_record_says_what_the_run_is_made_of(tmp_path: Path) -> None:
    from engine.manifest import file_sha256

    run = made(tmp_path, "words")
    provenance = run.trainer.provenance
    assert provenance["recipe"]["data"]["folder"] == "words"  # not where it lies
    assert provenance["recipe"]["model"]["start"] == provenance["start"] == "default"
    weights = ROOT / "assets" / "models" / "default" / "model.safetensors"
    assert provenance["start_sha256"] == file_sha256(weights)
    assert provenance["clips"]["train"]["words"]["low"] == {"people": 4, "programs": 0}
    assert provenance["scene"]["word_share"] == 0.45
    fresh = made(tmp_path, "words", *TINY, "model.start=").trainer.provenance
    assert fresh["start_sha256"] is None
    train(tmp_path / "other", steps=1)
    again = made(tmp_path, "words", *TINY, f"model.start={tmp_path / 'other'}").trainer.provenance
    assert again["start_sha256"] == file_sha256(tmp_path / "other" / "last.pt")
