"""A model of two tones with everything that a card is made of: run, figures, owner."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clips import small_corpus
from small_run import ALONE, QUICK, scenes, small_task, validation

from engine.manifest import ModelManifest, load_manifest
from training.card.build import write_card
from training.card.records import Records, read_records, with_measurements
from training.data.counts import count_clips
from training.data.scene_config import SceneConfig
from training.evaluation.figures import FORMAT_VERSION
from training.evaluation.intervals import poisson_interval, wilson_interval
from training.export import export_model
from training.fit import Trainer
from training.settings import (
    AugmentConfig,
    DataConfig,
    FitConfig,
    ModelConfig,
    plain_values,
)

KEYWORDS = ("no", "yes")
OWNER = """
licence = "Apache-2.0"
owner = "A | B & C"
contact = "kws@example.org"
intended_use = "tests"
watts = 50
kg_per_kwh = 0.25
"""


@dataclass(frozen=True)
class World:
    folder: Path
    records: Records

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def figures(self) -> Path:
        return self.folder / "report"

    @property
    def owner(self) -> Path:
        return self.folder / "owner.toml"

    @property
    def card(self) -> Path:
        return self.folder / "card" / "card.md"

    @property
    def arguments(self) -> list[str]:
        places = {"model": self.model, "figures": self.figures, "run": self.run}
        named = [text for name, path in places.items() for text in (f"--{name}", str(path))]
        return [*named, "--owner", str(self.owner)]


def make_world(folder: Path) -> World:
    """Train, export, write figures and an owner's file, measure, and write the card."""
    train_recorded(folder / "run")
    export_model(folder / "run", folder / "model", name="tones", threshold=0.6, smoothing_windows=2)
    (folder / "report").mkdir()
    found = figures(load_manifest(folder / "model"))
    (folder / "report" / "figures.json").write_text(json.dumps(found))
    (folder / "owner.toml").write_text(OWNER)
    world = World(folder, Records())
    records = read_records(world.model, world.figures, world.run, world.owner)
    world = replace(world, records=with_measurements(records))
    write_card(world.records, world.card.parent)
    return world


def train_recorded(folder: Path) -> None:
    """A run whose record is as `make_run` makes it."""

    words = [clip for clip in small_corpus() if clip.kind == "word"]
    trainer = Trainer(
        folder,
        task=small_task(),
        config=FitConfig(**QUICK),
        augment=AugmentConfig(mixup=0.5, mask_frames=8, mask_mels=8, masks=2, warp=0.1),
        world=ALONE,
        provenance={
            "data": {"sources": [{"source": "tones", "licence": "CC0"}]},
            "clips": {
                "train": count_clips(small_corpus()),
                "validation": count_clips(words),
            },
            "start": "",
            "start_sha256": None,
            "recipe": {
                "data": plain_values(DataConfig(folder="tones")),
                "model": plain_values(ModelConfig()),
            },
            "scene": plain_values(SceneConfig()),
        },
    )
    trainer.run(scenes(), validation())


def figures(manifest: ModelManifest) -> dict[str, Any]:
    """Figures as `evaluate` writes them."""
    labels = ["_silence_", "_unknown_", *KEYWORDS]
    return {
        "format_version": FORMAT_VERSION,
        "date": "2026-11-25",
        "model": {
            "name": "tones",
            "sha256": manifest.model_sha256,
            "keywords": list(KEYWORDS),
            "decision_sha256": manifest.decision.fingerprint,
        },
        "data": {"folder": "tones", "split": "validation", "clips": {"word": 40}, "seed": 1},
        "keywords": list(KEYWORDS),
        "clips": {"people": clip_figures(labels)},
        "settings": [setting("as shipped", 0.6), setting("at most 6/h", 0.9)],
        "by_keyword": {
            name: {word: {**missed(n, 25), "false_alarms": 0, "taken_for": {}} for word, n in rows}
            for name, rows in (
                ("words, clean", (("no", 1), ("yes", 5))),
                ("words, 10 dB", (("no", 4), ("yes", 12))),
            )
        },
        "false_alarms_by_keyword": {"speech": {"yes": 3, "no": 1}, "noise": {}},
        "by_source": {
            "people": {"words, clean": missed(6, 50), "words, 10 dB": missed(16, 50)},
            "programs": {"words, clean": missed(0, 0), "words, 10 dB": missed(0, 0)},
        },
        "by_speaker": {
            "speakers": 10,
            "min_references": 3,
            "mean": 0.22,
            "median": 0.2,
            "quartiles": [0.1, 0.3],
            "worst_tenth": 0.6,
            "worst_tenth_by_chance": 0.4,
            "rates": [0.1] * 9 + [0.6],
        },
        "curves": [
            {
                "smoothing_windows": 2,
                "thresholds": [0.5, 0.6, 0.9],
                "references": {"words, clean": 50, "words, 10 dB": 50},
                "missed": {"words, clean": [3, 6, 20], "words, 10 dB": [10, 16, 40]},
                "false_alarms": {"speech": [9, 4, 0]},
                "hours": {"speech": 0.5},
            }
        ],
        "cannot_be_claimed": ["4 alarms in 0.50 hours mean 52.3 to 491 a day."],
    }


def clip_figures(labels: list[str]) -> dict[str, Any]:
    confusion = [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 18, 1], [0, 0, 0, 20]]
    rows = {
        "_silence_": (0, None, None),
        "_unknown_": (0, 0.0, None),
        "no": (20, 1.0, 0.9),
        "yes": (20, 20 / 21, 1.0),
    }
    return {
        "models": ["tones"],
        "clips": 40,
        "accuracy": 0.95,
        "accuracy_interval": list(wilson_interval(38, 40)),
        "mean_average_precision": 0.97123,
        "mean_area_under_roc": 0.99234,
        "d_prime": 3.4321,
        "labels": {
            label: {"clips": rows[label][0], "precision": rows[label][1], "recall": rows[label][2]}
            for label in labels
        },
        "confusion": confusion,
    }


def missed(count: int, references: int) -> dict[str, Any]:
    return {
        "references": references,
        "missed": count,
        "miss_rate": count / references if references else None,
        "miss_interval": list(wilson_interval(count, references)),
    }


def setting(name: str, threshold: float) -> dict[str, Any]:
    words = [
        {
            **background(title, "words", 0.1, 0),
            **missed(count, 50),
            "snr_db": None,
            "room": None,
            "gain_db": 0.0,
            "substitutions": 1,
            "duplicates": 0,
            "latency_s": {"p50": 0.171, "p95": 0.368},
        }
        for title, count in (("words, clean", 6), ("words, 10 dB", 16))
    ]
    return {
        "name": name,
        "smoothing_windows": 2,
        "refractory_s": 0.8,
        "lowest_threshold": threshold,
        "highest_threshold": threshold,
        "keywords_listening": 2,
        "streams": [*words, background("speech", "speech", 0.5, 4)],
    }


def background(name: str, kind: str, hours: float, alarms: int) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "hours": hours,
        "false_alarms": alarms,
        "false_alarms_per_hour": alarms / hours,
        "false_alarms_per_hour_interval": [bound / hours for bound in poisson_interval(alarms)],
    }
