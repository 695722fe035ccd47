"""What there is to choose from: models that come along, models used before, backends. No Qt."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.backends import why_not
from engine.files import read_plain_file
from engine.manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES, MODEL_FILE, ModelManifest
from engine.toml_text import is_text
from kws_app.resources import asset
from kws_app.settings import BACKENDS, Settings

MAX_RECENT = 5
_MB = 1_000_000


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """A model folder.

    Attributes:
        folder: Where it is.
        text: Its name, its folder and its size.
    """

    folder: Path
    text: str


@dataclass(frozen=True, kw_only=True)
class BackendChoice:
    """A backend.

    Attributes:
        name: As in --backend.
        why_not: Why it cannot be used here; "" if it may be.
    """

    name: str
    why_not: str


def model_choices(current: Path, recent: Sequence[str] = ()) -> list[ModelChoice]:
    """Models to choose from: those that come along first, then those used before.

    Args:
        current: The folder in force; always among them.
        recent: Folders that were used before.
    """
    bundled = sorted(path.parent for path in asset("models").glob(f"*/{MANIFEST_FILE}"))
    bundled.sort(key=lambda folder: folder.name != "default")
    own = [Path(folder) for folder in recent if (Path(folder) / MANIFEST_FILE).is_file()]
    folders = dict.fromkeys([*bundled, *own, current])  # each once, in this order
    return [ModelChoice(folder=folder, text=_text(folder)) for folder in folders]


def with_recent(recent: Sequence[str], folder: Path) -> tuple[str, ...]:
    """Folders used before, this one first.

    Those that come along need not be remembered, and a file of settings can't hold what is no text.
    """
    own = str(folder.absolute())
    if folder.parent == asset("models") or not is_text(own):
        return tuple(recent)
    return (own, *(other for other in recent if other != own))[:MAX_RECENT]


def backend_choices(manifest: ModelManifest) -> list[BackendChoice]:
    """All backends, with what keeps one from being used, as far as is known without loading it."""
    return [BackendChoice(name=name, why_not=why_not(name, manifest)) for name in BACKENDS]


def for_model(settings: Settings, manifest: ModelManifest) -> dict[str, object]:
    """What changes with the model: thresholds and smoothing are those that it was calibrated with.

    Args:
        settings: Those in force.
        manifest: The other model.

    Returns:
        Changes by name; the choice of keywords stays where the model has them all.
    """
    words = settings.keywords
    stay = words is not None and set(words) <= set(manifest.keywords)
    return {
        "model": manifest.folder,
        "keywords": words if stay else None,
        "threshold": {},
        "smoothing": None,
        "refractory": None,
    }


def _text(folder: Path) -> str:
    """For people, from what can be read without verifying the model."""
    try:
        name = json.loads(read_plain_file(folder / MANIFEST_FILE, MAX_MANIFEST_BYTES))["name"]
        megabytes = (folder / MODEL_FILE).stat().st_size / _MB
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return str(folder)
    size = f"{megabytes:.0f} MB" if megabytes >= 1 else "below 1 MB"
    return f"{name} ({folder.name}, {size})"
