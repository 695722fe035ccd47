"""Everything that a card may be made of: manifest, figures, training, owner, measurements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.manifest import ModelManifest, load_manifest
from training.card.behaviour import Behaviour, find_behaviour
from training.card.compute import Cost, measure_cost
from training.card.owner import Owner, read_owner
from training.card.reliability import Reliability, measure_reliability
from training.card.training_record import TrainingRecord, record_of, record_of_run


@dataclass(frozen=True, kw_only=True)
class Records:
    """What is there; None where it was not given.

    Attributes:
        manifest: Of the model folder.
        figures: Of `python -m training evaluate --out`.
        training: Of the run's folder, or of the manifest where no run is named.
        owner: Of the owner's file.
        behaviour: Found out on this machine.
        cost: Counted and measured on this machine.
        reliability: Measured on clips.
    """

    manifest: ModelManifest | None = None
    figures: Mapping[str, Any] | None = None
    training: TrainingRecord | None = None
    owner: Owner | None = None
    behaviour: Behaviour | None = None
    cost: Cost | None = None
    reliability: Reliability | None = None


def read_records(
    model: Path | None = None,
    figures: Path | None = None,
    run: Path | None = None,
    owner: Path | None = None,
) -> Records:
    """Read what was written down, and check that it is all of one model.

    Raises:
        ModelError: The model or the run is refused.
        ConfigError: A file is something else, or two of them are of different models.
    """
    from training.evaluation.files import read_figures

    manifest = load_manifest(model) if model else None
    found = read_figures(figures) if figures else None
    training = None
    if run is not None:
        training = record_of_run(run)
        if manifest is not None:
            _check_run(manifest, run)
    elif manifest is not None:
        provenance = manifest.provenance
        training = record_of(provenance, provenance.get("training", {}))
    if manifest is not None and found is not None:
        _check_figures(manifest, found, figures)
    return Records(
        manifest=manifest,
        figures=found,
        training=training,
        owner=read_owner(owner) if owner else None,
    )


def with_measurements(
    records: Records, *, data: Path | None = None, split: str = "validation", timed: bool = True
) -> Records:
    """Records with what is found out by running the model.

    Args:
        records: With a manifest.
        data: Folder of clips to measure the posteriors on; None leaves that out.
        split: Which clips of it.
        timed: Whether times and memory are measured, too.
    """
    manifest = records.manifest
    if manifest is None:
        return records
    reliability = measure_reliability(manifest.folder, data, split) if data else None
    return replace(
        records,
        behaviour=find_behaviour(manifest),
        cost=measure_cost(manifest, timed=timed),
        reliability=reliability,
    )


def _check_figures(manifest: ModelManifest, figures: Mapping[str, Any], path: Path | None) -> None:
    model = figures.get("model")
    measured = model.get("sha256") if isinstance(model, Mapping) else None
    if measured != manifest.model_sha256:
        raise ConfigError(
            f"the figures in {path} are of model {str(measured)[:16]}, {manifest.folder} is "
            f"{manifest.model_sha256[:16]}; measure this one (python -m training evaluate --out)"
        )
    if dict(model or {}).get("decision_sha256") != manifest.decision.fingerprint:
        raise ConfigError(
            f"the figures in {path} were measured at other thresholds than {manifest.folder} has "
            "now; measure it again (python -m training evaluate --out)"
        )


def _check_run(manifest: ModelManifest, run: Path) -> None:
    """Refuse a run whose weights are not those of the model."""
    import torch

    from training.start import open_start

    trained = open_start(str(run)).weights.tensors
    exported = open_start(str(manifest.folder)).weights.tensors
    same = set(trained) == set(exported) and all(
        torch.equal(trained[name].cpu(), exported[name]) for name in exported
    )
    if not same:
        raise ConfigError(
            f"{manifest.folder} does not hold the weights of {run}; export it anew, or name the "
            "run that it comes from"
        )
