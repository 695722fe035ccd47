"""A card's Markdown shows every statement as it is, and carries it for programs."""

import pytest

from engine.errors import ConfigError
from training.card.document import (
    Code,
    Items,
    Picture,
    Prose,
    Section,
    Table,
    all_statements,
    read_written,
    to_markdown,
    without_written,
)
from training.card.statement import Number, Statement, said, share, unknown, value_said, whole
from training.card.visible import lines_of_html
from training.evaluation.page import markdown_to_html

NASTY = (
    "_silence_ and *stars* `ticks` <b>tags</b> & &amp; [a](b) a|b \\ --> -- <!-- kws-card -->",
    "# 1. no heading\n\n- no list",
    "snake_case_name _ __x__",
    "1. not a list",
    "- not a list",
    "-6.8 dB",
    "---",
    "## 2",
    "ends with <!-- kws-card",
)


def card(*statements: Statement) -> list[Section]:
    return [Section("S", [Items(statements)])]


def seen(sections: list[Section]) -> list[tuple[str, str]]:
    pictures = {"p": "ab"}
    html = markdown_to_html(without_written(to_markdown("T", sections, pictures)))
    lines = [(line.section, line.text) for line in lines_of_html(html)]
    assert lines[0] == ("", "T")
    return lines[1:]


@pytest.mark.parametrize("text", NASTY)
def test_people_see_what_was_said(text: str) -> None:
    statement = value_said("k", "label_", text)
    assert seen(card(statement)) == [("S", "S"), ("S", f"label_: {statement.text}")]
    row = said("k", "row", "{a} | {b}", a=text, b="x")
    found = seen([Section("S", [Table(("h", "i", "j"), [row])])])
    assert found[1:] == [("S", "h | i | j"), ("S", f"row | {row.text}")]
    alone = said("k", "", "{value}", value=text)
    assert seen(card(alone))[1:] == [("S", alone.text)]


@pytest.mark.parametrize("text", NASTY)
def test_a_comment_ends_where_it_should(text: str) -> None:
    """Any viewer must take the statements for programs as one comment."""
    markdown = to_markdown("T", card(value_said("k", "l", text)), {})
    inside = markdown.rpartition("<!-- kws-card\n")[2].removesuffix("\n-->\n")
    assert inside.endswith("}")
    assert not any(mark in inside for mark in ("<", ">", "--"))


@pytest.mark.parametrize("text", NASTY)
def test_programs_read_what_was_said(text: str) -> None:
    statements = [
        said("a", "one", "{x} and {y}", x=share(0.123456789), y=text),
        said("b", "two", "{n} s", n=Number(value=1.5, decimals=2)),
        unknown("c", "three", text),
        said("d", "", "{value}", value=text),
    ]
    written = read_written(to_markdown("T", card(*statements), {}), "card.md")
    assert [statement for _, statement in written.statements] == statements
    assert {section for section, _ in written.statements} == {"S"}


def test_every_kind_of_block() -> None:
    sections = [
        Section("A", [Prose("Type `x`."), Code("sh", "echo 1 |\n  cat\n"), Picture("p", "P")]),
        Section("B", [Items([said("k", "", "{value}", value="A sentence.")])], level=3),
    ]
    markdown = to_markdown("T", sections, {"p": "ab"})
    assert "# T\n\n## A\n" in markdown
    assert "### B" in markdown
    assert "```sh\necho 1 |\n  cat\n```" in markdown
    assert "![P](card_pictures/p.svg)" in markdown
    assert seen(sections) == [
        ("A", "A"),
        ("A", "Type x."),
        ("A", "echo 1 | cat"),
        ("A", "picture card_pictures/p.svg P"),
        ("B", "B"),
        ("B", "A sentence."),
    ]
    written = read_written(markdown, "x")
    assert written.other_text == [
        ("", "T"),
        ("A", "A"),
        ("A", "Type x."),
        ("A", "echo 1 | cat"),
        ("B", "B"),
    ]
    assert written.pictures == [("A", "p", "P", "ab")]


def test_two_statements_of_one_thing_are_a_mistake() -> None:
    one, other = value_said("k", "l", 1), value_said("k", "m", 2)
    with pytest.raises(ValueError, match="two statements of 'k'"):
        all_statements(card(one, other))
    with pytest.raises(ValueError, match=r"at \('S', 'l'\)"):
        all_statements(card(one, value_said("j", "l", 2)))
    assert set(all_statements(card(one, value_said("j", "m", 2)))) == {"k", "j"}


def test_a_text_without_statements_is_no_card_of_ours() -> None:
    with pytest.raises(ConfigError, match=r"x.md is no card of this program: .*into a TOML file"):
        read_written("# Model card\n\naccuracy 98.12\n", "x.md")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"format_version": 2', '"format_version": 3'),
        ('"form": "{n}"', '"form": "{m}"'),
        ('"values": {', '"values": 5, "x": {'),
        ('"value": 3', '"value": "x"'),
        ('"statements": [', '"statement": ['),
        ('"pictures": [', '"pictures": [{"name": "x"}, '),
        ("{", "["),
        ('"form": "{n}"', '"form": "{n} {n}"'),
        ('"form": "{n}"', '"form": "{1}"'),
        ('"value": 3', f'"value": 1{400 * "0"}'),
    ],
)
def test_damaged_statements_are_one_error(old: str, new: str) -> None:
    markdown = to_markdown("T", card(said("k", "l", "{n}", n=whole(3))), {})
    assert old in markdown
    with pytest.raises(ConfigError, match="statements for programs in x are damaged"):
        read_written(markdown.replace(old, new, 1), "x")
