"""Opens what a run starts from or learns from: a checkpoint, a model folder, another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.manifest import MANIFEST_FILE, file_sha256, load_manifest
from training.assets import DEFAULT_MODEL
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.checkpoint import LAST_FILE, load_run
from training.fetch import NAMES
from training.task import Task
from training.teacher import Trained
from training.weights import WEIGHTS_FILE, Weights, build_model, read_weights, start_from

BEST_FILE = "best.safetensors"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Weights, and what is known of how they were trained.

    Attributes:
        where: For messages.
        weights: The tensors.
        fbank: Features that they were trained on, where that is known.
        labels: Labels of the head, where they are known.
    """

    where: Path
    weights: Weights
    fbank: FbankConfig | None = None
    labels: tuple[str, ...] = ()


def open_start(name: str, fetched: Path = Path("weights"), *, role: str = "start") -> Start:
    """Find and read weights.

    Args:
        name: "default" for the model that ships; a name that `fetch` knows; a model folder; a
            run's folder; a folder of transformers'; or a weight file.
        fetched: Where `fetch` puts what it gets.
        role: What it is to be, for messages.

    Raises:
        ConfigError: Nothing of that name is there.
        ModelError: It is refused.
    """
    path = DEFAULT_MODEL if name == "default" else Path(name)
    if name in NAMES:
        path = fetched / name
        if not path.is_dir():
            raise ConfigError(
                f"{role} {name!r} is not fetched yet: python -m training fetch {name} --to "
                f"{fetched}"
            )
        files = sorted(path.glob("*.pth"))
        path = files[0] if files else path
    if (path / LAST_FILE).is_file():
        return _open_run(path)
    if (path / MANIFEST_FILE).is_file():
        manifest = load_manifest(path)
        weights = read_weights(path / WEIGHTS_FILE)
        return Start(where=path, weights=weights, fbank=manifest.fbank, labels=manifest.labels)
    if (path / WEIGHTS_FILE).is_file():
        path = path / WEIGHTS_FILE
    if not path.is_file():
        raise ConfigError(
            f"{role} {name!r} is no file, model folder or run; it may also be 'default' or one of "
            f"{', '.join(NAMES)}"
        )
    return Start(where=path, weights=read_weights(path))


def _open_run(folder: Path) -> Start:
    state = load_run(folder)
    task = Task.from_dict(state)
    best = folder / BEST_FILE
    if state["fit"].get("select") == "best" and best.is_file():
        tensors = read_weights(best).tensors
    else:
        tensors = state["averaged_weights"]
    weights = Weights(tensors=tensors, config=task.model, spelling="kws run", metadata={})
    return Start(where=folder, weights=weights, fbank=task.fbank, labels=tuple(task.labels))


def open_trained(name: str) -> Trained:
    """A teacher: a model whose labels and features are known.

    Raises:
        ConfigError: They are not.
        ModelError: It is refused.
    """
    start = open_start(name, role="teacher")
    if start.fbank is None or not start.labels:
        raise ConfigError(
            f"{start.where} does not tell its labels and features; convert it to a model folder"
        )
    model = build_model(start.weights, str(start.where))
    return Trained(model=model, labels=start.labels, fbank=start.fbank)


def shape_of(start: Start | None) -> AstConfig | None:
    """Shape of the model that the weights make, where they make one."""
    return start.weights.config if start else None


def start_sha256(start: Start) -> str:
    """Hash of the weights' file; of a run, of its checkpoint."""
    path = start.where
    if path.is_dir():
        path /= LAST_FILE if (path / LAST_FILE).is_file() else WEIGHTS_FILE
    return file_sha256(path)


def fresh_model(
    shape: AstConfig, labels: Sequence[str], start: Start | None
) -> AudioSpectrogramTransformer:
    """A model to train, with the start's weights where there is one.

    Args:
        shape: Of the model.
        labels: Of the model; those that the start knows by name keep what it knows of them.
        start: What to start from.

    Raises:
        ModelError: The start does not fit the shape.
    """
    model = AudioSpectrogramTransformer(shape)
    if start is not None:
        known = {label: row for row, label in enumerate(start.labels)}
        rows = {row: known[label] for row, label in enumerate(labels) if label in known}
        start_from(model, start.weights, str(start.where), rows)
    return model
