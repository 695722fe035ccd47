"""Compares a card of this program, as people see it, with the records."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from training.card.document import PICTURES, Written, read_written
from training.card.statement import (
    Number,
    Slot,
    Statement,
    agrees,
    one_line,
    shown_values,
    text_of,
)
from training.card.verdict import Verdict
from training.card.visible import (
    PAGE_SUFFIXES,
    Line,
    picture_line,
    svg_hash,
    visible_lines,
)

_ANOTHER_DAY = "measured when the card was made; it would differ today"
_OTHER_WORDS = "worded by another version of the program; its values are those of the records"


def check_own(path: Path, expected: Mapping[str, Statement]) -> Verdict:
    """Check `card.md` or `card.html`.

    Args:
        path: The card.
        expected: Key to what the records say now; those that are not known decide nothing.

    Raises:
        ConfigError: The file is no card of this program.
    """
    text, lines = visible_lines(path)
    written = read_written(text, str(path))
    verdict = compare(written, lines, expected)
    if path.suffix.lower() not in PAGE_SUFFIXES:
        _judge_pictures(verdict, path.parent, written)
    return verdict


def compare(written: Written, lines: Sequence[Line], expected: Mapping[str, Statement]) -> Verdict:
    """Compare what people see with what was written, and with the records.

    Args:
        written: The card's statements for programs.
        lines: What people see.
        expected: Key to what the records say.
    """
    verdict = Verdict()
    seen = _Seen(lines)
    for section, statement in written.statements:
        shown = seen.take(section, statement)
        place = f"{section}, {statement.label or statement.key}"
        if shown is None:
            verdict.false.append(
                f"{place}: the text does not have it any more; it was {statement.text!r}"
                f"{seen.nearest(section, statement)}"
            )
            continue
        _judge(verdict, place, shown, statement, expected.get(statement.key))
    for section, words in written.other_text:
        if not seen.take_text(section, words):
            verdict.false.append(f"{section}: the text does not have {words!r} any more")
    for section, name, title, sha256 in written.pictures:
        beside, inside = picture_line(f"{PICTURES}/{name}.svg", title), picture_line(sha256)
        if not seen.take_text(section, beside) and not seen.take_text(section, inside):
            verdict.false.append(f"{section}: picture {name} is gone, or another one")
    stated = {statement.key for _, statement in written.statements}
    verdict.notes += [
        f"the records tell what the card does not state: {statement.label}: {statement.text}"
        for key, statement in expected.items()
        if key not in stated and statement.known and statement.lasting
    ]
    verdict.unchecked += [
        ("added to the card by hand", f"{line.section}: {line.text}") for line in seen.left
    ]
    return verdict


def _judge_pictures(verdict: Verdict, folder: Path, written: Written) -> None:
    """The pictures beside a card's Markdown: those that it was made with, or others."""
    for section, name, _, sha256 in written.pictures:
        path = folder / PICTURES / f"{name}.svg"
        try:
            found = svg_hash(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            verdict.unchecked.append(("the picture's file is not there", f"{section}: {path.name}"))
            continue
        if found != sha256:
            verdict.false.append(f"{section}: {path.name} is another picture than it was")


def _judge(
    verdict: Verdict, place: str, shown: str, written: Statement, recorded: Statement | None
) -> None:
    """One statement: the text against the records, or at least against what was written."""
    if recorded is not None and _is_reworded(written, recorded):
        wrong = _values_differ(shown, written, recorded)
        if wrong:
            verdict.false.append(f"{place}: {wrong}")
        else:
            verdict.unchecked.append((_OTHER_WORDS, f"{place}: {shown}"))
        return
    if recorded is not None and recorded.known and written.lasting:
        wrong = _difference(shown, recorded)
        if wrong is None and _written_differs(written, recorded):
            wrong = f"for programs the card says {written.text!r}; the records {recorded.text!r}"
        if wrong:
            verdict.false.append(f"{place}: {wrong}")
        else:
            verdict.held += 1
        return
    values = shown_values(written.form, shown)
    if values is None or not all(agrees(values[n], slot) for n, slot in written.values.items()):
        verdict.false.append(f"{place}: the text says {shown!r}; it was made as {written.text!r}")
    elif not written.known:
        verdict.silent += 1
    elif not written.lasting:
        verdict.unchecked.append((_ANOTHER_DAY, f"{place}: {shown}"))
    else:
        why = recorded.text if recorded is not None else "no record that was named tells it"
        verdict.unchecked.append((why, f"{place}: {shown}"))


def _is_reworded(written: Statement, recorded: Statement) -> bool:
    """Whether both state something lasting, in other words."""
    stated = written.known and recorded.known and written.lasting
    return stated and written.form != recorded.form


def _values_differ(shown: str, written: Statement, recorded: Statement) -> str | None:
    """What a text in other words than the records' says otherwise; None if nothing."""
    values = shown_values(written.form, shown)
    if values is None:
        return f"the text says {shown!r}; it was made as {written.text!r}"
    wrong = [
        f"{name} {values[name]!r}, the records say {text_of(slot)!r}"
        for name, slot in recorded.values.items()
        if name in values
        and _is_percentage(slot) == _is_percentage(written.values[name])
        and not agrees(values[name], slot)
    ]
    return f"the card says {'; '.join(wrong)}" if wrong else None


def _is_percentage(slot: Slot) -> bool:
    return isinstance(slot, Number) and slot.percent


def _difference(shown: str, recorded: Statement) -> str | None:
    """What a text says otherwise than the records; None if nothing."""
    values = shown_values(recorded.form, shown)
    if values is None:
        return f"the card says {shown!r}; the records say {recorded.text!r}"
    wrong = [
        f"{name} {values[name]!r}, the records say {text_of(slot)!r}"
        for name, slot in recorded.values.items()
        if not agrees(values[name], slot)
    ]
    return f"the card says {'; '.join(wrong)}" if wrong else None


def _written_differs(written: Statement, recorded: Statement) -> bool:
    """Whether the values for programs are others than the records'."""

    def plain(slots: Mapping[str, Slot]) -> dict[str, str]:
        return {name: text_of(slot) for name, slot in slots.items()}

    return plain(written.values) != plain(recorded.values)


class _Seen:
    """Lines that people see, each to be accounted for once."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.left = list(lines)

    def take(self, section: str, statement: Statement) -> str | None:
        """The text of a statement, without its label."""
        if not statement.label:
            return statement.text if self.take_text(section, statement.text) else None
        label = one_line(statement.label)
        for line in self.left:
            for between in (": ", " | "):
                if line.section == section and line.text.startswith(label + between):
                    self.left.remove(line)
                    return line.text.removeprefix(label + between)
        return None

    def take_text(self, section: str, text: str) -> bool:
        """Whether there is a line of just this text."""
        line = Line(section, one_line(text))
        if line not in self.left:
            return False
        self.left.remove(line)
        return True

    def nearest(self, section: str, statement: Statement) -> str:
        """What may have become of a statement."""
        texts = [line.text for line in self.left if line.section == section]
        wanted = f"{statement.label}: {statement.text}" if statement.label else statement.text
        near = difflib.get_close_matches(wanted, texts, 1, 0.8)
        return f"; is it now {near[0]!r}?" if near else ""
