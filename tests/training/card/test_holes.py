"""The published AST card leaves 34 items open; a generated card answers each or says why not."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from card_world import World

from training.card.build import write_card
from training.card.document import read_written
from training.card.records import read_records
from training.card.statement import Statement

# Line of the published card, what it asks for, and the statements that answer it. An item that
# ends in a dot is any statement whose key begins so.
HOLES: dict[int, tuple[str, tuple[str, ...]]] = {
    20: ("training procedure", ("training.steps", "training.seed", "augmentation.", "fit.")),
    28: ("disclaimers: who wrote the card", ("identity.author", "claims.")),
    37: ("funding", ("owner.funding",)),
    45: ("licence", ("owner.licence",)),
    54: ("base model", ("identity.start",)),
    59: ("demonstration", ("owner.demo",)),
    80: ("code: direct use", ("input.window_s",)),
    98: ("code: getting started", ("input.frames",)),
    110: ("accents, noise, adversarial", ("group.accent", "stream.", "sweep.adversarial sounds")),
    114: ("fairness", ("bias.groups", "bias.worst_tenth", "speakers")),
    122: ("bias", ("bias.groups", "bias.rare", "bias.worst_tenth")),
    127: ("compute and latency", ("compute.scoring.", "streaming.latency")),
    131: ("privacy", ("owner.privacy",)),
    145: ("sounds that are no speech", ("rejection.noise", "rejection.silence")),
    147: ("demographics of the data", ("data.clips.", "bias.groups")),
    149: ("privacy of the people recorded", ("owner.privacy",)),
    151: ("noise curve", ("stream.",)),
    169: ("preprocessing", ("features.", "input.frames", "input.normalization")),
    184: ("hyper-parameters", ("fit.", "augment.")),
    203: ("size of the checkpoint", ("compute.bytes.model.safetensors", "compute.parameters")),
    210: (
        "start, end, throughput",
        ("training.started", "training.ended", "training.windows_per_s"),
    ),
    236: ("groups of speakers", ("speakers", "source.", "group.gender", "group.age")),
    253: ("precision, recall, confusion", ("clips.people.label.", "clips.people.confusion.")),
    272: ("hyper-parameters, optimiser", ("fit.optimizer", "fit.learning_rate", "fit.betas")),
    284: ("hyper-parameters, augmentation", ("augment.mixup", "augment.mask_frames")),
    296: ("interpretability: attention", ("explain.attention",)),
    298: ("interpretability: examples", ("explain.occlusion",)),
    300: ("interpretability: sanity check", ("explain.deletion", "explain.posteriors")),
    313: ("software", ("training.stretch.",)),
    316: ("hours of training", ("training.hours",)),
    317: ("cloud", ("owner.cloud",)),
    320: ("carbon", ("energy.carbon", "energy.training")),
    341: ("hyper-parameters, all tables", ("data.", "model.", "scene.", "augment.", "fit.")),
    349: ("CPU, memory, storage", ("compute.machine", "compute.scoring.cpu", "compute.bytes.")),
}
# What stands there instead where a model comes without records and nothing was measured.
WITHOUT_RECORDS = {
    20: ("training.steps", "augmentation", "fit.missing"),
    28: ("identity.author", "claims"),
    110: ("group.accent", "stream", "sweep.adversarial sounds"),
    127: ("compute.scoring", "streaming"),
    145: ("rejection.noise", "rejection.silence"),
    147: ("data.clips", "bias.groups"),
    151: ("stream",),
    184: ("fit.missing", "augment.missing"),
    203: ("compute.bytes", "compute.parameters"),
    236: ("speakers", "group.gender", "group.age"),
    253: ("clips",),
    272: ("fit.missing",),
    284: ("augment.missing",),
    313: ("training.software",),
    341: ("data.missing", "model.missing", "scene.missing", "augment.missing", "fit.missing"),
    349: ("compute.scoring", "compute.bytes"),
}
REASONS = ("not measured: ", "not recorded", "not stated by the owner: ", "not estimated: ")


def statements(card: Path) -> list[Statement]:
    written = read_written(card.read_text(), "card.md")
    return [statement for _, statement in written.statements]


@pytest.fixture
def bare_card(tiny_folder: Path, tmp_path: Path) -> Path:
    """Of a model folder alone."""
    return write_card(read_records(tiny_folder), tmp_path)[0]


def unanswered(found: list[Statement], holes: Mapping[int, tuple[str, ...]]) -> list[str]:
    return [
        f"{line}: {key}"
        for line, keys in holes.items()
        for key in keys
        if not any(
            s.text and (s.key == key or (key[-1] == "." and s.key.startswith(key))) for s in found
        )
    ]


def test_they_are_34() -> None:
    assert len(HOLES) == 34


def test_each_is_answered(world: World) -> None:
    holes = {line: keys for line, (_, keys) in HOLES.items()}
    assert unanswered(statements(world.card), holes) == []


def test_each_has_a_reason_in_the_card_of_a_model_alone(bare_card: Path) -> None:
    holes = {line: WITHOUT_RECORDS.get(line, keys) for line, (_, keys) in HOLES.items()}
    assert unanswered(statements(bare_card), holes) == []


def test_what_is_not_answered_has_a_reason(world: World, bare_card: Path) -> None:
    for statement in (*statements(world.card), *statements(bare_card)):
        if not statement.known:
            assert statement.text.startswith((*REASONS, "not calibrated: ", "not counted")), (
                statement
            )


def test_what_a_run_of_this_version_records_is_no_hole(world: World) -> None:
    """Items that code and records answer (A and the measured part of B) are answers, no reasons."""
    found = {statement.key: statement for statement in statements(world.card)}
    for key in (
        *("training.started", "training.ended", "training.hours", "training.windows_per_s"),
        *("training.stretch.1", "training.validation", "identity.start", "identity.architecture"),
        *("data.clips.train", "fit.betas", "augment.mixup", "scene.word_share", "data.folder"),
        *("compute.parameters", "compute.multiply_adds", "compute.scoring.cpu"),
        *("energy.training", "energy.carbon", "bias.rare", "failures.pairs"),
    ):
        assert found[key].known, key
    assert not any(key.endswith(".missing") for key in found)
