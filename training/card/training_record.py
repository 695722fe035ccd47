"""What is recorded of a training, from a run's folder or from a manifest's provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

# The tables that a recipe has besides [features], which a manifest holds itself.
TABLES = ("data", "model", "scene", "augment", "fit")


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """A training; what was not recorded is None or empty.

    Attributes:
        tables: The recipe's tables, by name.
        architecture: Shape of the model.
        sources: Names of data and their licences.
        origin: What else is known of the data.
        clips: Split to counts (`training.data.counts`).
        start: What it started from; "" for nothing; None where it is not recorded.
        start_sha256: Hash of that file.
        converted_from: Of a converted checkpoint, its file.
        step: Steps taken.
        trained_s: Seconds that they took.
        stretches: Dates, versions and machines (`training.stretches`).
        log: Rows of the run's log; none without the run's folder.
    """

    tables: Mapping[str, Mapping[str, Any]]
    architecture: Mapping[str, Any]
    sources: Sequence[Mapping[str, str]]
    origin: Mapping[str, Any]
    clips: Mapping[str, Any]
    start: str | None
    start_sha256: str | None
    converted_from: Mapping[str, Any]
    step: int | None
    trained_s: float | None
    stretches: Sequence[Mapping[str, Any]]
    log: Sequence[Mapping[str, str]] = field(default_factory=tuple)


def record_of(
    provenance: Mapping[str, Any],
    state: Mapping[str, Any],
    log: Sequence[Mapping[str, str]] = (),
) -> TrainingRecord:
    """A record out of what a checkpoint or a manifest holds.

    Args:
        provenance: Of the manifest, or of the checkpoint.
        state: A checkpoint's `fit`, `augment`, `model`, `step` and `trained_s`, wherever they are.
        log: Rows of the run's log.

    Raises:
        ConfigError: They have another form.
    """
    try:
        return _record(provenance, state, log)
    except (AttributeError, TypeError, ValueError, KeyError) as err:
        raise ConfigError(
            f"the record of the training has a form that is not known ({type(err).__name__}: "
            f"{err}); export the model anew"
        ) from err


def _record(
    provenance: Mapping[str, Any], state: Mapping[str, Any], log: Sequence[Mapping[str, str]]
) -> TrainingRecord:
    recipe = provenance.get("recipe", {})
    tables = {
        "data": recipe.get("data", {}),
        "model": recipe.get("model", {}),
        "scene": provenance.get("scene", state.get("scene", {})),
        "augment": state.get("augment", {}),
        "fit": state.get("fit", {}),
    }
    origin = provenance.get("data", {})
    # Early manifests hold the list of sources itself; provenance is free form.
    if isinstance(origin, list):
        origin = {"sources": origin}
    elif not isinstance(origin, Mapping):
        origin = {"described": origin}
    return TrainingRecord(
        tables=tables,
        architecture=state.get("model", provenance.get("architecture", {})),
        sources=origin.get("sources", ()),
        origin={name: value for name, value in origin.items() if name != "sources"},
        clips=provenance.get("clips", {}),
        start=provenance.get("start"),
        start_sha256=provenance.get("start_sha256"),
        converted_from=provenance.get("converted_from", {}),
        step=state.get("step"),
        trained_s=state.get("trained_s"),
        stretches=provenance.get("stretches", ()),
        log=log,
    )


def record_of_run(folder: Path) -> TrainingRecord:
    """The record of a run's folder.

    Raises:
        ModelError: It holds no whole checkpoint.
        ConfigError: Its log is something else.
    """
    from training.checkpoint import load_run
    from training.run_log import read_log

    state = load_run(folder)
    return record_of(state["provenance"], state, read_log(folder / "log.csv"))
