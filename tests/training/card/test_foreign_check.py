"""Statements of any card against records of any run."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from program import ROOT

from engine.errors import ConfigError
from training.card.foreign_check import (
    Claim,
    Source,
    check_claims,
    read_claims,
    read_sources,
    source_of,
)
from training.card.statement import said, share, unknown, whole

DATA = Path(__file__).parent / "data"
# What code and log of the released run contradict.
FALSE = (
    "audioset_pretrain=True",
    "fine-tuned from the AudioSet checkpoint",
    "max time mask length 192",
    "input of 100 frames",
    "normalised with mean -4.26",
    "normalised with standard deviation 4.57",
    "takes audio of variable length",
    "the cls token is used for classification",
    "trained for up to 20 epochs",
)


def test_every_false_statement_of_the_published_card_is_named_and_no_true_one() -> None:
    claims = read_claims(DATA / "ast_statements.toml")
    verdict = check_claims(claims, read_sources(DATA / "ast_records.toml"))
    assert tuple(line.partition(": the card says")[0] for line in verdict.false) == FALSE
    assert verdict.held == len(claims) - len(FALSE) - 1
    assert verdict.unchecked == [
        ("no record of 'literature.cnn_accuracy'", "a CNN reaches 97.7"),
    ]
    assert verdict.notes == [
        "mixup 0.5: sources differ; augment.mixup, log: 0.5; script: 0.6",
    ]
    assert (
        "max time mask length 192: the card says 192; augment.mask_frames, log: 48; script: 48"
        in verdict.false
    )
    assert "trained for up to 20 epochs: the card says at most 20; fit.epochs, log: 30" in (
        verdict.false
    )


def verdict_of(value: object, record: object, relation: str = "is") -> bool:
    claim = Claim(says="x", about="a", value=value, relation=relation)
    verdict = check_claims([claim], [Source(name="log", values={"a": record})])
    assert verdict.held + len(verdict.false) == 1
    return bool(verdict.held)


@pytest.mark.parametrize(
    ("value", "record", "holds"),
    [
        (Decimal("98.1"), Decimal("98.1281"), True),
        (Decimal("98.13"), Decimal("98.1281"), True),  # rounded
        (Decimal("98.12"), Decimal("98.1281"), True),  # cut
        (Decimal("98.14"), Decimal("98.1281"), False),
        (Decimal("98.11"), Decimal("98.1281"), False),
        (98, Decimal("98.1281"), True),
        (Decimal("1e-3"), Decimal("6e-4"), False),
        (Decimal("6e-4"), Decimal("6e-4"), True),
        (6, Decimal("6.18"), True),
        (6, Decimal("6.9"), False),  # a single digit is not cut
        (0, Decimal("5e-7"), False),
        (Decimal("0.0"), Decimal("0.04"), True),
        (Decimal("98.10"), Decimal("98.1281"), False),  # two digits are stated
        (Decimal("-6.84"), Decimal("-6.845978"), True),
        (Decimal("-6.83"), Decimal("-6.845978"), False),
        (Decimal("6.84"), Decimal("-6.845978"), False),
        ("98.12 %", Decimal("0.981281"), True),
        ("98.2 %", Decimal("0.981281"), False),
        (Decimal("0.98"), "98.1281 %", True),
        (192, 48, False),
        (True, False, False),
        (True, True, True),
        (True, "true", True),
        (True, 1, False),
        ("Mean of  CLS", "mean of cls", True),
        ("variable", "fixed", False),
        (100, "a hundred", False),
        ([Decimal("0.9"), Decimal("0.98")], [Decimal("0.9"), Decimal("0.98")], True),
        ([Decimal("0.9"), Decimal("0.999")], [Decimal("0.9"), Decimal("0.98")], False),
        ([1], [1, 2], False),
        (["yes", "no"], "yes, no", True),
        ([1], 1, True),
        (Decimal("nan"), Decimal("nan"), True),
        (Decimal("inf"), 1, False),
        (Decimal("1e9999999"), 1, False),
        (1, Decimal("1e-9999999"), False),
    ],
)
def test_values_are_compared_at_the_precision_of_the_card(
    value: object, record: object, holds: bool
) -> None:
    assert verdict_of(value, record) is holds


@pytest.mark.parametrize(
    ("value", "record", "relation", "holds"),
    [
        (20, 30, "at most", False),
        (30, 30, "at most", True),
        (20, 30, "at least", True),
        ("5 %", Decimal("0.06"), "at most", False),
        ("5 %", Decimal("0.04"), "at most", True),
        (5, "many", "at most", False),
        (5, Decimal("nan"), "at most", False),
    ],
)
def test_limits(value: object, record: object, relation: str, holds: bool) -> None:
    assert verdict_of(value, record, relation) is holds


def test_the_first_source_that_knows_decides() -> None:
    claim = Claim(says="mixup 0.6", about="mixup", value=Decimal("0.6"))
    log = Source(name="log", values={"mixup": Decimal("0.5")})
    script = Source(name="script", values={"mixup": Decimal("0.6")})
    assert check_claims([claim], [log, script]).false == [
        "mixup 0.6: the card says 0.6; mixup, log: 0.5; script: 0.6"
    ]
    assert check_claims([claim], [script, log]).held == 1


def test_what_no_record_tells_is_not_passed() -> None:
    claim = Claim(says="x", about="fit.epoch", value=3)
    verdict = check_claims([claim], [Source(name="log", values={"fit.epochs": 3})])
    assert (verdict.held, verdict.false) == (0, [])
    assert verdict.unchecked == [
        ("no record of 'fit.epoch'; there is one of 'fit.epochs'", "x"),
    ]


def test_our_own_statements_are_records_too() -> None:
    source = source_of(
        {
            "clips": said("clips", "", "{right} {n}", right=share(0.9612), n=whole(1507)),
            "fit.steps": said("fit.steps", "steps", "{value}", value=whole(7)),
            "fit.loss": said("fit.loss", "loss", "{value}", value="bce"),
            "gone": unknown("gone", "gone", "not measured"),
        }
    )
    claims = [
        Claim(says="a", about="clips.right", value="96.1 %"),
        Claim(says="b", about="clips.right", value=Decimal("0.96")),
        Claim(says="c", about="clips.n", value=1507),
        Claim(says="d", about="fit.steps", value=8),
        Claim(says="e", about="fit.loss", value="bce"),
        Claim(says="f", about="gone", value="x"),
    ]
    verdict = check_claims(claims, [source])
    assert verdict.held == 4
    assert verdict.false == ["d: the card says 8; fit.steps, records: 7"]
    assert [what for _, what in verdict.unchecked] == ["f"]


def test_json_holds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text('{"statement": [{"says": "x", "about": "a", "value": 98.10}]}')
    (claim,) = read_claims(path)
    assert str(claim.value) == "98.10"  # with its digits
    (tmp_path / "r.json").write_text(json.dumps({"log": {"a": {"b": {"c": 1}}, "d": 2}}))
    (source,) = read_sources(tmp_path / "r.json")
    assert source.values == {"a.b.c": 1, "d": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "s.toml is not TOML: "),
        ("", r"must hold a list of \[\[statement\]\] and nothing else"),
        ("other = 1\n[[statement]]\nsays='x'\nabout='a'\nvalue=1", "and nothing else"),
        ("statement = [1]", "statement 1 is 1; it must be a table"),
        ("[[statement]]\nsays='x'\nabout='a'\nvalue=1\nvalues=2", "unknown key 'values'; it may"),
        ("[[statement]]\nabout='a'\nvalue=1", "statement 1: says is None; it must be text"),
        ("[[statement]]\nsays='x'\nabout=5\nvalue=1", "about is 5; it must be text"),
        ("[[statement]]\nsays='x'\nabout='a'", "has no value; it must be what the card states"),
        (
            "[[statement]]\nsays='x'\nabout='a'\nvalue=1\nrelation='near'",
            "relation is 'near'; it must be one of is, at most, at least",
        ),
        (
            "[[statement]]\nsays='x'\nabout='a'\nvalue='y'\nrelation='at most'",
            "'at most' takes a number, not 'y'",
        ),
    ],
)
def test_files_that_hold_no_statements(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_claims(path)


def test_files_that_hold_no_records(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*gone.toml: No such file"):
        read_sources(tmp_path / "gone.toml")
    (tmp_path / "r.toml").write_text("epochs = 3")
    with pytest.raises(ConfigError, match="has 'epochs' outside a table; records belong under"):
        read_sources(tmp_path / "r.toml")
    (tmp_path / "r.json").write_text("[1]")
    with pytest.raises(ConfigError, match="holds a list; it must hold tables"):
        read_sources(tmp_path / "r.json")
    (tmp_path / "r.json").write_text("{")
    with pytest.raises(ConfigError, match=r"r\.json is not JSON"):
        read_sources(tmp_path / "r.json")
    (tmp_path / "b.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"b\.toml is not TOML"):
        read_sources(tmp_path / "b.toml")


def test_the_documented_files_are_such(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    for name, first in (("s.toml", "[[statement]]\nsays"), ("r.toml", "[log]")):
        example = text[text.index(f"```\n{first}") + 4 :].partition("```")[0]
        (tmp_path / name).write_text(example)
    verdict = check_claims(read_claims(tmp_path / "s.toml"), read_sources(tmp_path / "r.toml"))
    assert verdict.false == [
        "trained for up to 20 epochs: the card says at most 20; fit.epochs, log: 30"
    ]


def test_a_name_that_would_take_all_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(".".join("a" * 21) + " = 1\n")
    with pytest.raises(ConfigError, match="the name in line 1 has more than 20 parts"):
        read_claims(path)
