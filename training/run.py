"""Puts a run together from its recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError
from training.data.clips import SAMPLE_RATE_HZ
from training.data.opened import OpenedData, open_data
from training.data.scene_config import SceneConfig
from training.distributed import World
from training.fit import Trainer
from training.recipe import Recipe
from training.settings import plain_values
from training.start import fresh_model, open_start, open_trained, shape_of, start_sha256
from training.task import Task
from training.teacher import Teacher


@dataclass(frozen=True, kw_only=True)
class Run:
    """A trainer and what it trains on.

    Attributes:
        trainer: Ready to run, at the step where the folder stands.
        data: Labels and windows.
    """

    trainer: Trainer
    data: OpenedData

    def start(self) -> None:
        """Train to the last step."""
        self.trainer.run(self.data.train, self.data.validation)

    def describe(self) -> list[str]:
        """What people should know before it runs."""
        trainer, data = self.trainer, self.data
        parameters = sum(p.numel() for p in trainer.model.parameters())
        shape = trainer.task.model
        lines = [
            f"{len(data.labels)} labels; {data.train.epoch_windows} clips of words to train on, "
            f"{data.validation.epoch_windows} to validate by",
            f"model: {parameters / 1e6:.2f} M parameters, dim {shape.dim}, depth {shape.depth}, "
            f"{shape.n_frames} frames, {trainer.precision} on {trainer.world.device}",
        ]
        if trainer.step:
            lines.append(f"goes on after step {trainer.step}")
        return lines + trainer.notes + _shortened(data.notes)


def make_run(recipe: Recipe, folder: Path, world: World) -> Run:
    """Open data, start and teacher, and take up what the folder holds.

    Raises:
        ConfigError: A setting is wrong, or data or start are missing.
        ModelError: A checkpoint is refused.
        SourceError: A recording cannot be read.
    """
    start = open_start(recipe.model.start) if recipe.model.start else None
    features = recipe.features
    if start and start.fbank and "features" not in recipe.given:
        features = start.fbank
    if features.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ConfigError(
            f"features.sample_rate_hz is {features.sample_rate_hz}; recordings of any rate are "
            f"trained on at {SAMPLE_RATE_HZ} Hz"
        )
    scene, notes = recipe.scene, []
    if features.n_frames(scene.window_samples) > features.target_frames:
        scene = replace(scene, window_samples=_longest(features))
        notes = [
            f"note: scene.window_samples is {scene.window_samples}, as much as "
            f"{features.target_frames} frames of input take"
        ]
    data = open_data(recipe.data, features, scene, seed=recipe.fit.seed)
    data.notes.extend(notes)
    shape = recipe.model.shape(len(data.labels), features, shape_of(start))
    task = Task(
        labels=data.labels,
        activation="sigmoid" if recipe.fit.loss == "bce" else "softmax",
        fbank=features,
        windows=_windows(features, scene if recipe.data.windows == "scenes" else None),
        model=shape,
    )
    teacher = None
    if recipe.fit.teacher:
        if recipe.fit.loss == "bce":
            raise ConfigError("fit.teacher needs loss = 'cross_entropy'; posteriors are compared")
        teacher = Teacher(
            open_trained(recipe.fit.teacher),
            data.labels,
            device=world.device,
            temperature=recipe.fit.temperature,
            where=Path(recipe.fit.teacher),
        )
    provenance: dict[str, Any] = {
        "data": data.origin,
        "clips": data.counts,
        "start": recipe.model.start,
        "start_sha256": start_sha256(start) if start else None,
        "recipe": _recipe_values(recipe),
    }
    if recipe.data.windows == "scenes":
        provenance["scene"] = asdict(scene)
    torch.manual_seed(recipe.fit.seed)
    trainer = Trainer(
        folder,
        task=task,
        config=recipe.fit,
        augment=recipe.augment,
        world=world,
        model=fresh_model(shape, data.labels, start),
        teacher=teacher,
        provenance=provenance,
    )
    return Run(trainer=trainer, data=data)


def _recipe_values(recipe: Recipe) -> dict[str, Any]:
    """Tables that a checkpoint does not hold otherwise; of places on this machine the names."""
    data = plain_values(recipe.data)
    for name in ("folder", "train_list", "validation_list", "labels", "synthetic", "corrections"):
        data[name] = Path(data[name]).name
    return {"data": data, "model": plain_values(recipe.model)}


def _longest(features: FbankConfig) -> int:
    """Samples of the longest window in whole hops whose frames all fit into the model's input."""
    hop = WindowConfig().hop_samples
    too_long = features.frame_length_samples + features.target_frames * features.frame_hop_samples
    return max(hop, (too_long - 1) // hop * hop)


def _windows(features: FbankConfig, scene: SceneConfig | None) -> WindowConfig:
    """What scenes are trained on; of clips one second, or all of an input for longer ones."""
    if scene is not None:
        return WindowConfig(window_samples=scene.window_samples)
    longest = _longest(features)
    is_long = longest >= 2 * SAMPLE_RATE_HZ
    return WindowConfig(window_samples=longest if is_long else min(SAMPLE_RATE_HZ, longest))


def _shortened(notes: list[str], most: int = 6) -> list[str]:
    if len(notes) <= most:
        return notes
    return [*notes[:most], f"... and {len(notes) - most} more"]
