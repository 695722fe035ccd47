"""A card as sections of statements, and its Markdown with the statements for programs in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.errors import ConfigError
from training.card.statement import Number, Slot, Statement, one_line, slot_names

FORMAT_VERSION = 2
MARKDOWN_FILE = "card.md"
PAGE_FILE = "card.html"
PICTURES = "card_pictures"
WRITTEN_ID = "kws-card"
# Visible text cannot begin a line so: its angle brackets are escaped.
_SCRIPT_TAG = f'<script type="application/json" id="{WRITTEN_ID}">'
_COMMENT = re.compile(rf"^<!-- {WRITTEN_ID}\n(.*?)\n-->$", re.DOTALL | re.MULTILINE)
_SCRIPT = re.compile(rf"^{_SCRIPT_TAG}\n(.*?)\n</script>$", re.DOTALL | re.MULTILINE)
# What would begin a heading or a list at the beginning of a text.
_MARKER = re.compile(r"^(\d*)([#+.)-][#-]*)(?=\s|$)")
# An underscore between letters means nothing in Markdown.
_ESCAPED = re.compile(r"([\\`*\[\]<>|&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


@dataclass(frozen=True)
class Prose:
    """Markdown that is true of every model of this program; of marks only backticks."""

    text: str


@dataclass(frozen=True)
class Code:
    """Something to type."""

    language: str
    text: str


@dataclass(frozen=True)
class Picture:
    """An SVG by its name without suffix."""

    name: str
    title: str


@dataclass(frozen=True)
class Items:
    """Statements, one below the other."""

    statements: Sequence[Statement]


@dataclass(frozen=True)
class Table:
    """Statements of the same form; the label is the first cell."""

    head: Sequence[str]
    rows: Sequence[Statement]


Block = Prose | Code | Picture | Items | Table


@dataclass(frozen=True)
class Section:
    """A heading and what is below it.

    Attributes:
        title: Different from every other section's.
        blocks: In order.
        level: Of the heading.
    """

    title: str
    blocks: Sequence[Block]
    level: int = 2

    def statements(self) -> Iterator[Statement]:
        """All statements, in order."""
        for block in self.blocks:
            if isinstance(block, Items):
                yield from block.statements
            elif isinstance(block, Table):
                yield from block.rows


def all_statements(sections: Sequence[Section]) -> dict[str, Statement]:
    """Key to statement; raises ValueError where two things have one key or one place.

    What cannot be shown raises its own error here, before anything is written.
    """
    found: dict[str, Statement] = {}
    places = set()
    for section in sections:
        for statement in section.statements():
            text = statement.text
            place = (section.title, statement.label or text)
            if statement.key in found or place in places:
                raise ValueError(f"two statements of {statement.key!r}, at {place}")
            found[statement.key] = statement
            places.add(place)
    return found


def to_markdown(title: str, sections: Sequence[Section], pictures: Mapping[str, str]) -> str:
    """The card, with its statements for programs in a comment at its end.

    Args:
        title: Of the card.
        sections: In order.
        pictures: Name to the SHA-256 of its SVG.
    """
    lines = [f"# {escaped(title)}", ""]
    for section in sections:
        lines += [f"{'#' * section.level} {escaped(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block_lines(block), ""]
    return "\n".join(lines) + _as_comment(statements_json(title, sections, pictures))


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKER.sub(r"\1\\\2", _ESCAPED.sub(r"\\\1", one_line(text)))


def _block_lines(block: Block) -> list[str]:
    match block:
        case Prose(text):
            return [text]
        case Code(language, text):
            return [f"```{language}", text.rstrip("\n"), "```"]
        case Picture(name, title):
            return [f"![{escaped(title)}]({PICTURES}/{name}.svg)"]
        case Table(head, rows):
            lines = [_row(head), _row(["---"] * len(head))]
            return lines + [_row([r.label, *_cells(r)]) for r in rows]
        case Items(statements):
            return [_item(statement) for statement in statements]


def _item(statement: Statement) -> str:
    text = escaped(statement.text)
    return f"- **{escaped(statement.label)}**: {text}" if statement.label else f"- {text}"


def _cells(statement: Statement) -> list[str]:
    """Cells of a row: parted where the form parts them, never by what stands in a slot."""
    parts = [
        Statement(key="", label="", form=form, values=statement.values)
        for form in statement.form.split(" | ")
    ]
    return [part.text for part in parts]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else escaped(cell) for cell in cells)} |"


def _as_comment(text: str) -> str:
    return f"<!-- {WRITTEN_ID}\n{text}\n-->\n"


def statements_json(title: str, sections: Sequence[Section], pictures: Mapping[str, str]) -> str:
    """Everything that the visible text says, for programs; safe inside a comment of HTML."""
    data = {
        "format_version": FORMAT_VERSION,
        "statements": [
            _plain(section.title, statement)
            for section in sections
            for statement in section.statements()
        ],
        "other_text": [
            {"section": "", "text": title},
            *(
                {"section": section.title, "text": text}
                for section in sections
                for text in (section.title, *_other_text(section))
            ),
        ],
        "pictures": [
            {"section": section.title, **asdict(block), "sha256": pictures[block.name]}
            for section in sections
            for block in section.blocks
            if isinstance(block, Picture)
        ],
    }
    text = json.dumps(data, indent=1, ensure_ascii=False)
    # None of these stands outside of strings, where they may be written so.
    for mark in ("<", ">", "--"):
        text = text.replace(mark, "".join(f"\\u{ord(char):04x}" for char in mark))
    return text


def _other_text(section: Section) -> Iterator[str]:
    for block in section.blocks:
        if isinstance(block, Prose):
            yield block.text.replace("`", "")
        elif isinstance(block, Code):
            yield one_line(block.text)
        elif isinstance(block, Table):
            yield " | ".join(map(one_line, block.head))


def _plain(section: str, statement: Statement) -> dict[str, Any]:
    return {
        "key": statement.key,
        "section": section,
        "label": statement.label,
        "form": statement.form,
        "values": {name: _plain_slot(slot) for name, slot in statement.values.items()},
        "known": statement.known,
        "lasting": statement.lasting,
    }


def _plain_slot(slot: Slot) -> Any:
    if isinstance(slot, str):
        return slot
    plain: dict[str, Any] = {"value": slot.value}
    if slot.decimals is not None:
        plain["decimals"] = slot.decimals
    return {**plain, "percent": True} if slot.percent else plain


@dataclass(frozen=True)
class Written:
    """What a card says for programs.

    Attributes:
        statements: With the titles of their sections.
        other_text: Title, headings, sentences, heads of tables and snippets, with the same.
        pictures: With the same: name, title and SHA-256 of each.
    """

    statements: Sequence[tuple[str, Statement]]
    other_text: Sequence[tuple[str, str]]
    pictures: Sequence[tuple[str, str, str, str]] = ()


def read_written(text: str, where: str) -> Written:
    """The statements for programs in a card's Markdown or HTML.

    Raises:
        ConfigError: There are none, or they are damaged.
    """
    found = _COMMENT.search(text) or _SCRIPT.search(text)
    if not found:
        raise ConfigError(
            f"{where} is no card of this program: it has no statements for programs; write what it "
            "states into a TOML file (docs/training.md) and check that"
        )
    try:
        data = json.loads(found[1])
        if data["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format_version is {data['format_version']}, not {FORMAT_VERSION}")
        statements = [(str(plain["section"]), _statement(plain)) for plain in data["statements"]]
        others = [(str(plain["section"]), str(plain["text"])) for plain in data["other_text"]]
        fields = ("section", "name", "title", "sha256")
        pictures = [
            (section, name, heading, sha256)
            for section, name, heading, sha256 in (
                tuple(str(plain[field]) for field in fields) for plain in data["pictures"]
            )
        ]
    except (
        *(ValueError, KeyError, TypeError, AttributeError, RecursionError, ArithmeticError),
    ) as err:
        raise ConfigError(
            f"the statements for programs in {where} are damaged: {err}; make the card anew"
        ) from err
    return Written(statements=statements, other_text=others, pictures=pictures)


def without_written(text: str) -> str:
    """A card's Markdown without the statements for programs."""
    return _COMMENT.sub("", text)


def as_script(text: str) -> str:
    """Statements for programs as an element of a page."""
    return f"{_SCRIPT_TAG}\n{text}\n</script>"


def _statement(plain: Mapping[str, Any]) -> Statement:
    statement = Statement(
        key=str(plain["key"]),
        label=str(plain["label"]),
        form=str(plain["form"]),
        values={str(name): _slot(slot) for name, slot in plain["values"].items()},
        known=bool(plain["known"]),
        lasting=bool(plain["lasting"]),
    )
    names = slot_names(statement.form)
    if len(set(names)) != len(names) or not all(name.isidentifier() for name in names):
        raise ValueError(f"the slots of {statement.form!r} are not different names")
    _ = statement.text  # raises KeyError where a slot has no value
    return statement


def _slot(plain: Any) -> Slot:
    if isinstance(plain, str):
        return plain
    decimals = plain.get("decimals")
    return Number(
        value=plain["value"] + 0,
        decimals=None if decimals is None else int(decimals),
        percent=bool(plain.get("percent", False)),
    )
