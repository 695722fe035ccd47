"""Writes a report into a folder, and its main figures into a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.evaluation.figures import FIELDS, FORMAT_VERSION
from training.evaluation.page import write_page
from training.evaluation.plots import draw_plots
from training.evaluation.tables import write_csv
from training.manifest_file import write_manifest

FIGURES_FILE = "figures.json"
PAGE_FILE = "report.html"


def write_report(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write JSON, CSV, pictures and the page; returns what people look at first."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=1, allow_nan=False) + "\n"
    try:
        # The figures go first and come last: a report without them is one that was cut short.
        (folder / FIGURES_FILE).unlink(missing_ok=True)
        write_csv(figures, folder)
        plots = draw_plots(figures, folder / "plots")
        write_page(figures, plots, folder / PAGE_FILE)
        (folder / FIGURES_FILE).write_text(text)
    except OSError as err:
        raise ConfigError(
            f"cannot write the report to {folder}: {err.strerror}; what lies there is not complete"
        ) from err
    return [folder / PAGE_FILE, folder / FIGURES_FILE]


def read_figures(path: Path) -> dict[str, Any]:
    """Figures of an earlier report.

    Args:
        path: The folder of the report, or its `figures.json`.

    Raises:
        ConfigError: It is none.
    """
    file = path / FIGURES_FILE if path.is_dir() else path
    try:
        found = json.loads(file.read_text())
        if found["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {found['format_version']}, not {FORMAT_VERSION}")
        missing = [name for name in FIELDS if name not in found]
        if missing:
            raise ValueError(f"{missing[0]!r} is missing")
    except OSError as err:
        raise ConfigError(
            f"cannot read {file}: {err.strerror}; python -m training evaluate --out makes it"
        ) from err
    except (ValueError, KeyError, TypeError, RecursionError) as err:
        raise ConfigError(f"{file} holds no figures of evaluate: {err}; make it anew") from err
    return dict(found)


def record(figures: Mapping[str, Any], model: Path) -> None:
    """Write the figures of the setting that ships into the manifest's provenance, `measured`."""
    manifest = load_manifest(model)
    if figures["model"]["sha256"] != manifest.model_sha256:
        raise ConfigError(f"the figures are of another model than {model}; measure it anew")
    measured = {
        "date": figures["date"],
        "data": {
            key: figures["data"][key]
            for key in ("folder", "split", "streams", "seed")
            if key in figures["data"]
        },
        "clips": {
            group: {
                "clips": clips["clips"],
                "accuracy": round(clips["accuracy"], 5),
                "interval": [round(bound, 5) for bound in clips["accuracy_interval"]],
            }
            for group, clips in figures["clips"].items()
        },
        "streams": [
            {
                key: round(value, 5) if isinstance(value, float) else value
                for key, value in stream.items()
                if key in ("name", "hours", "references", "missed", "false_alarms", "latency_s")
            }
            for stream in figures["settings"][0]["streams"]
        ],
    }
    recorded = replace(manifest, provenance={**manifest.provenance, "measured": measured})
    write_manifest(recorded)
