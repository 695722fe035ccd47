"""A statement shows its values, and a text that shows others is told from one that does not."""

from decimal import Decimal

import pytest

from training.card.statement import (
    Number,
    agrees,
    of_today,
    optional_share,
    parse_number,
    rounds_to,
    said,
    share,
    shown_values,
    slot_of,
    text_of,
    unknown,
    value_said,
    whole,
)


def test_values_stand_in_their_slots() -> None:
    statement = said("k", "l", "{a} of {b} ({c})", a=whole(3), b="many\n ones", c=share(0.1234))
    assert statement.text == "3 of many ones (12.3 %)"
    assert statement.known
    assert statement.lasting
    assert not unknown("k", "l", "not measured").known
    assert not of_today(statement).lasting


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "none"),
        ("", "none"),
        (17_500, "17500"),
        (5e-7, "5e-07"),
        (0.001, "0.001"),
        (float("nan"), "nan"),
        ([0.9, 0.98], "0.9, 0.98"),
        ([], "none"),
        ({"word": 3, "noise": [1]}, "word 3, noise (1)"),
        (Number(value=2.0, decimals=2), "2.00"),
    ],
)
def test_plain_values_as_text(value: object, text: str) -> None:
    assert text_of(slot_of(value)) == text
    assert value_said("k", "l", value).text == text


def test_what_is_no_number_is_found_at_once() -> None:
    for value in (None, "3", [1]):
        with pytest.raises(TypeError, match="is no number"):
            whole(value)  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        share(10**400)


def test_a_share_that_is_not_defined() -> None:
    assert text_of(optional_share(None)) == "-"
    assert text_of(optional_share(float("nan"))) == "-"
    assert text_of(optional_share(0.5)) == "50.0 %"


@pytest.mark.parametrize(
    ("shown", "slot", "holds"),
    [
        ("96.0 %", share(0.960186), True),
        ("96 %", share(0.960186), True),
        ("96.02 %", share(0.960186), True),
        ("96.1 %", share(0.960186), False),
        ("95.9 %", share(0.9597), False),  # its own card rounds, it does not cut
        ("96.0", share(0.960186), False),  # no percentage any more
        ("0.96", share(0.960186), False),
        ("1447", whole(1447), True),
        ("1448", whole(1447), False),
        ("14470", whole(1447), False),
        ("0.001", Number(value=0.001), True),
        ("0.002", Number(value=0.001), False),
        ("0.0", Number(value=0.001), False),
        ("0.001", Number(value=0.0006), False),  # a digit, and not its own
        ("0.0006", Number(value=0.00062), True),
        ("0", Number(value=0.3), False),
        ("1", Number(value=0.6, decimals=1), False),
        ("1", Number(value=0.96, decimals=2), True),
        ("0.5", Number(value=0.0), False),
        ("0", Number(value=0), True),
        ("0.0 %", share(0.0001), True),
        ("5e-07", Number(value=5e-7), True),
        ("5e-06", Number(value=5e-7), False),
        ("-6.846", Number(value=-6.845978), True),
        ("6.846", Number(value=-6.845978), False),
        ("many", whole(3), False),
        ("1e99999", whole(3), False),
        ("none  of them", "none of them", True),
        ("none", "one", False),
        ("nan", Number(value=float("nan")), True),
        ("3", Number(value=float("inf"), decimals=1), False),
    ],
)
def test_a_text_agrees_at_its_own_precision(shown: str, slot: Number | str, holds: bool) -> None:
    assert agrees(shown, slot) is holds


def test_cutting_is_accepted_where_it_is_asked_for() -> None:
    true = Decimal("98.1281")
    assert rounds_to(true, Decimal("98.13"))
    assert not rounds_to(true, Decimal("98.12"))
    assert rounds_to(true, Decimal("98.12"), or_is_cut_to=True)
    assert not rounds_to(true, Decimal("98.14"), or_is_cut_to=True)
    assert not rounds_to(-true, Decimal("98.12"), or_is_cut_to=True)


def test_numbers_in_a_text() -> None:
    assert parse_number(" 3 ") == (3, False)
    assert parse_number("3.50%") == (Decimal("3.50"), True)
    assert parse_number("3 of 4") is None
    assert parse_number("1e401") is None


def test_slots_are_found_where_the_words_are_the_same() -> None:
    form = "{right} of {n} | {how} (95 %)"
    assert shown_values(form, "3 of  4 | well (95 %)") == {"right": "3", "n": "4", "how": "well"}
    assert shown_values(form, "3 from 4 | well (95 %)") is None
    assert shown_values(form, "3 of 4 | well (99 %)") is None
