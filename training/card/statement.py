"""One statement of a card: its words, its values, and whether a text still says the same."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?( ?%)?")
_LARGEST_EXPONENT = 400
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Number:
    """A value as a record holds it, and how a card shows it.

    Attributes:
        value: At full precision; of percentages the share.
        decimals: Digits after the point that are shown; None shows all.
        percent: Whether a percentage is shown.
    """

    value: float
    decimals: int | None = None
    percent: bool = False

    def __post_init__(self) -> None:
        """Raise TypeError or OverflowError where a record holds something else than a number."""
        if not isinstance(self.value, int | float):
            raise TypeError(f"{self.value!r} is no number")
        float(self.value)

    @property
    def text(self) -> str:
        """As the card shows it."""
        shown = self.value * 100 if self.percent else self.value
        text = repr(shown) if self.decimals is None else f"{shown:.{self.decimals}f}"
        return f"{text} %" if self.percent else text


Slot = Number | str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What a card says of one thing.

    Attributes:
        key: Names the thing; the same in every card.
        label: What stands before it; "" for a sentence.
        form: Words, with slots in braces; " | " parts the cells of a table's row.
        values: Slot to value.
        known: False where it says that nothing was measured or recorded.
        lasting: False for what was measured when the card was made and would differ today.
    """

    key: str
    label: str
    form: str
    values: Mapping[str, Slot] = field(default_factory=dict)
    known: bool = True
    lasting: bool = True

    @property
    def text(self) -> str:
        """As the card shows it, without the label."""
        return _SLOT.sub(lambda slot: text_of(self.values[slot[1]]), self.form)


def text_of(slot: Slot) -> str:
    """A value as a card shows it, on one line."""
    return slot.text if isinstance(slot, Number) else one_line(slot)


def one_line(text: str) -> str:
    """Text without line breaks and double spaces, as HTML shows it."""
    return " ".join(text.split())


def said(key: str, label: str, form: str, /, **values: Slot) -> Statement:
    """A statement that is known."""
    return Statement(key=key, label=label, form=form, values=values)


def value_said(key: str, label: str, value: Any) -> Statement:
    """A statement of one plain value."""
    return said(key, label, "{value}", value=slot_of(value))


def of_today(statement: Statement) -> Statement:
    """A statement of what would differ if it was measured again."""
    return replace(statement, lasting=False)


def unknown(key: str, label: str, why: str) -> Statement:
    """A statement that there is nothing to state.

    Args:
        key: As in Statement.
        label: As in Statement.
        why: "not measured: ..." and the like, with what would mend it.
    """
    return Statement(key=key, label=label, form="{why}", values={"why": why}, known=False)


def slot_of(value: Any) -> Slot:
    """A plain value of a record as a slot; lists and tables become text."""
    if isinstance(value, Number):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return Number(value=value) if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_inner(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(text_of(slot_of(part)) for part in value) or "none"
    return "none" if value in (None, "") else str(value)


def _inner(value: Any) -> str:
    """A value within a table, in brackets where it has several parts itself."""
    text = text_of(slot_of(value))
    return f"({text})" if isinstance(value, Mapping | list | tuple) else text


def whole(value: float) -> Number:
    """A count."""
    return Number(value=value, decimals=0)


def share(value: float) -> Number:
    """A share, shown in percent with one decimal."""
    return Number(value=value, decimals=1, percent=True)


def points(value: float) -> Number:
    """A share in percent, for a text that has the sign elsewhere."""
    return Number(value=100 * value, decimals=1)


def optional_share(value: float | None) -> Slot:
    """A share that may be undefined."""
    return "-" if value is None or not math.isfinite(value) else share(value)


def slot_names(form: str) -> list[str]:
    """Names of the slots in a form, in order."""
    return _SLOT.findall(form)


def shown_values(form: str, text: str) -> dict[str, str] | None:
    """What stands in the slots of a form; None if the words around them are others."""
    pattern = "".join(
        f"(?P<{part}>.*?)" if number % 2 else re.escape(one_line_edges(part))
        for number, part in enumerate(_SLOT.split(form))
    )
    found = re.fullmatch(pattern, one_line(text))
    return found.groupdict() if found else None


def one_line_edges(text: str) -> str:
    """Words of a form with single spaces, keeping those at their ends."""
    return re.sub(r"\s+", " ", text)


def parse_number(text: str) -> tuple[Decimal, bool] | None:
    """A number in a text, and whether it is a percentage; None if it is none."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        return None
    number = Decimal(stripped.rstrip("% "))
    return (number, stripped.endswith("%")) if is_usable(number) else None


def is_usable(number: Decimal) -> bool:
    """Whether a number can be computed with: finite, and of a size that any record has."""
    if not number.is_finite():
        return False
    lowest = int(number.as_tuple().exponent)
    return max(abs(number.adjusted()), abs(lowest)) < _LARGEST_EXPONENT


def agrees(shown: str, slot: Slot) -> bool:
    """Whether a text shows a value, at the precision that it is shown with."""
    if one_line(shown) == text_of(slot):
        return True
    if isinstance(slot, str) or not math.isfinite(slot.value):
        return False
    parsed = parse_number(shown)
    if parsed is None or parsed[1] is not slot.percent:
        return False
    if slot.decimals is None and slot.value and not parsed[0]:
        return False  # nothing of the value is left
    return rounds_to(Decimal(repr(slot.value)) * (100 if slot.percent else 1), parsed[0])


def rounds_to(true: Decimal, stated: Decimal, *, or_is_cut_to: bool = False) -> bool:
    """Whether a value, rounded as a stated number is, gives that number.

    A number of one digit must also be the value's own first digit: 0.0006 is not 0.001.

    Args:
        true: The value.
        stated: Its digits tell the precision.
        or_is_cut_to: Whether leaving out the further digits may give it, too; not of one digit.
    """
    digits = stated.as_tuple()
    unit = Decimal(1).scaleb(int(digits.exponent))
    if not stated:
        return not true or (unit < 1 and abs(true) <= unit / 2)
    if len(digits.digits) == 1:
        unit = min(unit, Decimal(1).scaleb(true.adjusted())) if true else unit
        or_is_cut_to = False
    if abs(true - stated) <= unit / 2 + abs(true) * Decimal("1e-12"):
        return True
    is_cut = true.is_signed() == stated.is_signed() and 0 <= abs(true) - abs(stated) < unit
    return or_is_cut_to and is_cut
