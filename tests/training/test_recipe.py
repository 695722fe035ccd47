"""Recipes hold the published numbers, and refuse what they do not know."""

from pathlib import Path

import pytest

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.ast import AstConfig
from training.recipe import Recipe, load_recipe, recipe_names

PUBLISHED_ADAM = {
    "optimizer": "adam",
    "betas": (0.95, 0.999),
    "weight_decay": 5e-7,
    "clip_norm": 0.0,
    "schedule": "steps",
    "label_smoothing": 0.0,
    "ema_decay": 0.0,
}


def check(recipe: Recipe, table: str, expected: dict[str, object]) -> None:
    found = vars(getattr(recipe, table))
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "fit", "augment", "features", "start"),
    [
        (
            "speech_commands",
            {
                "learning_rate": 2.5e-4,
                "epochs": 30,
                "batch_size": 128,
                "loss": "bce",
                "decay_from": 5,
                "decay_every": 1,
                "decay": 0.85,
                "warmup_steps": 0,
                "metric": "accuracy",
                "average_epochs": (),
            },
            {"mask_mels": 48, "mask_frames": 48, "mixup": 0.6, "noise": True},
            {"mean": -6.845978, "std": 5.5654526, "target_frames": 128},
            "deit-base-384",
        ),
        (
            "audioset",
            {
                "learning_rate": 1e-5,
                "epochs": 5,
                "batch_size": 12,
                "loss": "bce",
                "decay_from": 2,
                "decay_every": 1,
                "decay": 0.5,
                "warmup_steps": 1000,
                "metric": "map",
                "average_epochs": (1, 5),
            },
            {"mask_mels": 48, "mask_frames": 192, "mixup": 0.5, "noise": False},
            {"mean": -4.2677393, "std": 4.5689974, "target_frames": 1024},
            "deit-base-384",
        ),
        (
            "audioset_balanced",
            {
                "learning_rate": 5e-5,
                "epochs": 25,
                "batch_size": 12,
                "loss": "bce",
                "decay_from": 10,
                "decay_every": 5,
                "decay": 0.5,
                "warmup_steps": 1000,
                "metric": "map",
                "average_epochs": (6, 25),
            },
            {"mask_mels": 48, "mask_frames": 192, "mixup": 0.5, "noise": False},
            {"mean": -4.2677393, "std": 4.5689974, "target_frames": 1024},
            "deit-base-384",
        ),
        (
            "esc50",
            {
                "learning_rate": 1e-5,
                "epochs": 25,
                "batch_size": 48,
                "decay_from": 5,
                "decay_every": 1,
                "decay": 0.85,
                "warmup_steps": 0,
                "loss": "cross_entropy",
                "metric": "accuracy",
                "average_epochs": (),
            },
            {"mask_mels": 24, "mask_frames": 96, "mixup": 0.0, "noise": False},
            {"mean": -6.6268077, "std": 5.358466, "target_frames": 512},
            "ast-audioset",
        ),
    ],
)
def test_published_recipes(
    name: str,
    fit: dict[str, object],
    augment: dict[str, object],
    features: dict[str, object],
    start: str,
) -> None:
    recipe = load_recipe(name)
    check(recipe, "fit", {**PUBLISHED_ADAM, **fit})
    check(recipe, "augment", {"masks": 1, "mask_value": "zero", "mixup_beta": 10.0, **augment})
    check(recipe, "features", features)
    check(recipe, "model", {"size": "base", "stride": 10, "start": start})
    assert recipe.data.windows == "clips"
    assert recipe.data.balanced == (name == "audioset")
    # Nothing is ever selected by the data that a figure is published for.
    assert recipe.fit.select == ("best" if name == "speech_commands" else "last")


def test_published_shapes() -> None:
    for name, n_labels, tokens in (("speech_commands", 35, 144), ("audioset", 527, 1212)):
        recipe = load_recipe(name)
        shape = recipe.model.shape(n_labels, recipe.features, None)
        assert shape == AstConfig.published(
            "base", n_labels=n_labels, n_frames=recipe.features.target_frames
        )
        assert shape.grid[0] * shape.grid[1] == tokens


@pytest.mark.parametrize(
    ("precision", "cpu", "cuda"),
    [
        ("auto", "fp32", "bf16"),
        ("bf16", "bf16", "bf16"),
        ("fp16", "fp32", "fp16"),
        ("fp32", "fp32", "fp32"),
    ],
)
def test_a_cpu_trains_in_float32_unless_told(precision: str, cpu: str, cuda: str) -> None:
    fit = load_recipe("words", [f"fit.precision={precision}"]).fit
    assert (fit.precision_on("cpu"), fit.precision_on("cuda")) == (cpu, cuda)
    assert load_recipe("words").fit.precision == "auto"


def test_workers_compose_beside_a_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    fit = load_recipe("words").fit
    assert (fit.worker_processes("cpu"), fit.worker_processes("cuda")) == (0, 7)
    assert load_recipe("words", ["fit.workers=3"]).fit.worker_processes("cpu") == 3


def test_every_recipe_that_ships_is_read() -> None:
    assert set(recipe_names()) >= {"default", "words", "speech_commands", "audioset", "esc50"}
    for name in recipe_names():
        load_recipe(name)


def test_a_recipe_changes_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('recipe = "words"\n[data]\nfolder = "my words"\n[fit]\nsteps = 7\n')
    recipe = load_recipe(str(path), ["fit.seed=3", "model.start=elsewhere", "fit.betas=[0.8, 0.9]"])
    assert recipe.data.folder == "my words"
    assert (recipe.fit.steps, recipe.fit.seed) == (7, 3)
    assert recipe.fit.learning_rate == load_recipe("words").fit.learning_rate
    assert recipe.model.start == "elsewhere"
    assert recipe.fit.betas == (0.8, 0.9)


def test_a_start_gives_the_shape_and_the_recipe_changes_it() -> None:
    recipe = load_recipe("words", ["model.drop_path=0.2"])
    started = AstConfig(n_labels=37, dim=96, depth=3)
    shape = recipe.model.shape(5, FbankConfig(), started)
    assert (shape.dim, shape.depth, shape.n_labels, shape.drop_path) == (96, 3, 5, 0.2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x =", "is not valid TOML"),
        ("steps = 3", r"'steps' outside a table; it belongs under \[data\]"),
        ("[train]\nsteps = 3", r"unknown table \[train\]; it may have data, features"),
        ("[fit]\nstep = 3", r"\[fit\] has an unknown key 'step'; did you mean 'steps'"),
        ("[fit]\nzzz = 3", r"unknown key 'zzz'; it may have steps, epochs"),
        ("[fit]\nsteps = 'many'", r"steps is 'many'; it must be a whole number"),
        ("[fit]\nsteps = 1.5", r"steps is 1.5; it must be a whole number"),
        ("[fit]\nsteps = true", r"steps is True; it must be a whole number"),
        ("[fit]\ntensorboard = 1", r"tensorboard is 1; it must be true or false"),
        ("[fit]\nbetas = [0.9]", r"betas is \[0.9\]; it must be a list of 2"),
        ("[fit]\nloss = 'mse'", r"\[fit\]: loss is 'mse'; it must be one of cross_entropy, bce"),
        ("[fit]\naverage_epochs = [3]", r"average_epochs is \[3\]; it must be \[first, last\]"),
        ("[fit]\nbatch_size = 0", r"batch_size is 0; it must be 1 to"),
        ("[fit]\nselect = 'best'\naverage_epochs = [1, 2]", "exclude each other"),
        ("[fit]\nema_decay = 0.9\naverage_epochs = [1, 2]", "exclude each other"),
        ("[fit]\nbetas = [1.0, 0.9]", r"betas is 1; it must be 0 to 0.999999"),
        ("[fit]\ndecay = -1", r"decay is -1; it must be 0.001 to 1"),
        ("[fit]\ndecay_from = -1000000000000", r"decay_from is -1000000000000; it must be 1 to"),
        ("[fit]\nwarmup_steps = -5", r"warmup_steps is -5; it must be 0 to 1000000000"),
        ("[fit]\nclip_norm = nan", r"clip_norm is nan; it must be 0 to 1000000"),
        ("[fit]\nthreads = -5", r"threads is -5; it must be 0 to 1024"),
        ("[fit]\ncheckpoint_every_s = -1", r"checkpoint_every_s is -1"),
        ("[fit]\naverage_epochs = [5, 1]", r"average_epochs is \[5, 1\]; they must rise from 1"),
        ("[fit]\naverage_epochs = [20, 40]", r"must rise from 1 to the last epoch \(30\)"),
        ("[fit]\nx = " + "[" * 20_000, "is not valid TOML: brackets are nested too deeply"),
        ("recipe = 'a\\u0000b'".replace("'", '"'), "cannot read recipe .*embedded null"),
        ("[fit]\n" + ".".join("a" * 100_000) + " = 1", "has more than 20 parts"),
        ("[fit]\nsteps = 0x" + "f" * 5_000, "a whole number has more than 64 bits"),
        ("[augment]\nmixup = 2", r"mixup is 2; it must be 0 to 1"),
        ("[data]\nwindows = 'frames'", "must be one of scenes, clips"),
        ("[data]\nfolder = 'a'\ntrain_list = 'b'", "name one of them"),
        ("[features]\nn_mels = 0", r"\[features\]: fbank n_mels is 0"),
        ("recipe = 3", "builds on 3; it must name another recipe"),
        (f"recipe = '{'x' * 300}'", "cannot read recipe x+: File name too long"),
        ("recipe = 'nowhere'", "cannot read recipe nowhere: No such file .*one of audioset"),
    ],
)
def test_what_a_recipe_must_not_say(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_recipe(str(path))


def test_a_recipe_on_itself_ends(tmp_path: Path) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(f"recipe = '{path}'")
    with pytest.raises(ConfigError, match="must name another recipe"):
        load_recipe(str(path))


def test_a_folder_may_look_like_a_number(tmp_path: Path) -> None:
    assert load_recipe("words", data_folder="2024").data.folder == "2024"
    path = tmp_path / "bom.toml"
    path.write_text('recipe = "words"\n', encoding="utf-8-sig")
    assert load_recipe(str(path)).fit == load_recipe("words").fit


@pytest.mark.parametrize("change", ["steps=3", "fit.steps", "fit"])
def test_changes_name_table_key_and_value(change: str) -> None:
    with pytest.raises(ConfigError, match=r"must be TABLE.KEY=VALUE"):
        load_recipe("words", [change])
