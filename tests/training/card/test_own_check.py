"""Whoever changes what a card says is caught; a card that says what the records say is not."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from card_world import World

from training.__main__ import main
from training.card.build import card_sections
from training.card.document import all_statements
from training.card.own_check import check_own
from training.card.statement import Number, Statement
from training.card.verdict import Verdict


@pytest.fixture(scope="module")
def expected(world: World) -> dict[str, Statement]:
    return all_statements(card_sections(world.records))


def edited(world: World, folder: Path, edit: Callable[[str], str], name: str = "card.md") -> Path:
    """A card whose visible text somebody changed."""
    text = (world.card.parent / name).read_text()
    start = re.search(r"^(<!-- kws-card|<script)", text, re.MULTILINE)
    assert start
    visible, programs = text[: start.start()], text[start.start() :]
    changed = edit(visible)
    assert changed != visible
    (folder / name).write_text(changed + programs)
    shutil.copytree(world.card.parent / "card_pictures", folder / "card_pictures")
    return folder / name


@pytest.mark.parametrize("name", ["card.md", "card.html"])
def test_a_card_holds_against_its_own_records(
    world: World, expected: dict[str, Statement], name: str
) -> None:
    verdict = check_own(world.card.parent / name, expected)
    assert verdict.false == []
    assert verdict.held > 150
    assert {why for why, _ in verdict.unchecked} == {
        "measured when the card was made; it would differ today"
    }


# What is edited, to what, and what the check then says.
EDITS = [
    ("95.0 % (", "96.0 % (", "accuracy '96.0 %', the records say '95.0 %'"),
    ("38 of 40", "39 of 40", "right '39', the records say '38'"),
    ("**optimiser steps**: 6", "**optimiser steps**: 60", "value '60', the records say '6'"),
    ("| batch_size | 8 |", "| batch_size | 80 |", "value '80', the records say '8'"),
    ("learning_rate | 0.001 |", "learning_rate | 0.0001 |", "the records say '0.001'"),
    ("p50 0.17 s", "p50 0.07 s", "p50 '0.07', the records say '0.17'"),
    ("licence CC0", "licence MIT", "value 'MIT', the records say 'CC0'"),
    ("seed of everything drawn**: 1", "seed of everything drawn**: 2", "the records say '1'"),
    ("loss | cross_entropy", "loss | bce", "value 'bce', the records say 'cross_entropy'"),
    ("| clean | 50 | 12.0 %", "| clean | 50 | 2.0 %", "rate '2.0 %', the records say '12.0 %'"),
    ("8.0 (2.2 to 20.5)", "8.0 (2.2 to 2.5)", "high '2.5', the records say '20.5'"),
    ("0 windows scored", "1 windows scored", "windows '1', the records say '0'"),
    ("52.3 to 491", "52.3 to 91", "the text does not have it any more"),
    ("Apache-2.0", "Apache-1.0", "value 'Apache-1.0', the records say 'Apache-2.0'"),
    ("an estimate, not a measurement", "a measurement", "the records say"),
    ("no, yes", "yes, no", "the records say '_silence_, _unknown_, no, yes'"),
    ("not stated by the owner: funding", "paid by us: funding", "it was made as 'not stated"),
    ("opens no network connection", "opens a network connection", "does not have"),
    ("| label | clips |", "| label | hours |", "does not have 'label | clips |"),
    ("StreamScorer(manifest", "StreamScorer(other", "does not have 'from pathlib"),
    ("## Energy", "## Power", "energy of training: the text does not have it any more"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "says"), EDITS)
def test_an_edit_of_the_text_is_caught(
    world: World, expected: dict[str, Statement], tmp_path: Path, old: str, new: str, says: str
) -> None:
    path = edited(world, tmp_path, lambda text: text.replace(old, new, 1))
    verdict = check_own(path, expected)
    assert verdict.false
    assert says in " ".join(verdict.false)


@pytest.mark.parametrize(("old", "new"), [("95.0 % (", "96.0 % ("), ("38 of 40", "39 of 40")])
def test_an_edit_of_the_page_is_caught(
    world: World, expected: dict[str, Statement], tmp_path: Path, old: str, new: str
) -> None:
    path = edited(world, tmp_path, lambda text: text.replace(old, new, 1), "card.html")
    assert len(check_own(path, expected).false) == 1


def test_without_records_an_edit_is_caught_by_what_programs_read(
    world: World, tmp_path: Path
) -> None:
    path = edited(world, tmp_path, lambda text: text.replace("95.0 % (", "96.0 % (", 1))
    verdict = check_own(path, {})
    assert verdict.held == 0
    (line,) = verdict.false
    assert "the text says '96.0 % (" in line
    assert "it was made as '95.0 % (" in line
    assert "no record that was named tells it" in {why for why, _ in verdict.unchecked}


def test_times_are_held_to_what_was_written(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    def faster(text: str) -> str:
        return re.sub(r"model p50 [\d.]+ ms", "model p50 0.01 ms", text)

    verdict = check_own(edited(world, tmp_path, faster), expected)
    (line,) = verdict.false
    assert line.startswith("Compute, a window, backend cpu: the text says 'model p50 0.01 ms")


def test_an_edit_for_programs_alone_is_caught(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    path = tmp_path / "card.md"
    path.write_text(world.card.read_text().replace('"value": 0.95,', '"value": 0.96,', 1))
    (line,) = check_own(path, expected).false
    assert "for programs the card says '96.0 %" in line


def test_both_edited_alike_are_caught_by_the_records(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    text = world.card.read_text().replace("95.0 % (", "96.0 % (", 1)
    (tmp_path / "card.md").write_text(text.replace('"value": 0.95,', '"value": 0.96,', 1))
    (line,) = check_own(tmp_path / "card.md", expected).false
    assert "accuracy '96.0 %', the records say '95.0 %'" in line


def test_fewer_digits_that_are_true_are_no_lie(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    path = edited(world, tmp_path, lambda text: text.replace("95.0 % (", "95 % (", 1))
    assert check_own(path, expected).false == []


def test_what_was_added_by_hand_is_not_passed(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    def praise(text: str) -> str:
        return text.replace("## Energy", "- **rank**: best of 100\n\n## Energy")

    verdict = check_own(edited(world, tmp_path, praise), expected)
    assert verdict.false == []
    assert ("added to the card by hand", "Compute: rank: best of 100") in verdict.unchecked


ADDED_TO_MARKDOWN = [
    ("## Energy", "### This model never fires by mistake\n\n## Energy"),
    ("## Energy", "##### Nor does it miss\n\n## Energy"),
    ("## Energy", "Never by mistake\n---\n\n## Energy"),
    ("## Energy", "> It hears everything.\n\n## Energy"),
    ("## Energy", "![A medal](medal.svg)\n\n## Energy"),
]
ADDED_TO_THE_PAGE = [
    *(
        ("<h2>Energy", f"<{tag}>It hears everything.</{tag}><h2>Energy")
        for tag in ("div", "blockquote", "h1", "h5", "span", "dt", "summary", "caption", "svg")
    ),
    ("<h2>Energy", "<script>document.body.innerHTML = ''</script><h2>Energy"),
    ("<h2>Energy", '<iframe src="x"></iframe><h2>Energy'),
    ("<li><strong>parameters", "<li hidden><strong>parameters"),
    ("</style>", "li { display: none }</style>"),
]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        *(("card.md", *pair) for pair in ADDED_TO_MARKDOWN),
        *(("card.html", *pair) for pair in ADDED_TO_THE_PAGE),
    ],
)
def test_whatever_was_added_is_listed(
    world: World, expected: dict[str, Statement], tmp_path: Path, name: str, old: str, new: str
) -> None:
    def add(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    verdict = check_own(edited(world, tmp_path, add, name), expected)
    assert "added to the card by hand" in {why for why, _ in verdict.unchecked}


@pytest.mark.parametrize(
    ("name", "pattern", "new"),
    [
        ("card.md", r"\A# .*", "# Model card: another"),
        ("card.html", r"<h1>[^<]*", "<h1>Model card: another"),
        ("card.md", r"!\[[^\]]*\]", "![Something else]"),
        ("card.md", r"card_pictures/(\w+)\.svg", r"other/\1.svg"),
        ("card.html", r"<figure>.*?</figure>", ""),
        ("card.html", r'(<figure><svg[^>]*?) width="[0-9.]+', r'\1 width="1'),
    ],
)
def test_title_and_pictures_are_held_to_what_they_were(
    world: World, expected: dict[str, Statement], tmp_path: Path, name: str, pattern: str, new: str
) -> None:
    def change(text: str) -> str:
        return re.sub(pattern, new, text, count=1, flags=re.DOTALL if "figure" in pattern else 0)

    assert check_own(edited(world, tmp_path, change, name), expected).false


def test_a_picture_beside_the_card_is_held_to_what_it_was(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    card = tmp_path / "card.md"
    shutil.copy(world.card, card)
    verdict = check_own(card, expected)
    assert verdict.false == []
    assert "the picture's file is not there" in {why for why, _ in verdict.unchecked}
    shutil.copytree(world.card.parent / "card_pictures", tmp_path / "card_pictures")
    assert check_own(card, expected).false == []
    picture = next((tmp_path / "card_pictures").iterdir())
    picture.write_text(picture.read_text().replace("</svg>", "<text>best</text></svg>"))
    (line,) = check_own(card, expected).false
    assert line.endswith(f"{picture.name} is another picture than it was")


def test_a_line_that_was_removed_is_named(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    def hide(text: str) -> str:
        return re.sub(r"\n- \*\*people who are heard worst.*", "", text)

    (line,) = check_own(edited(world, tmp_path, hide), expected).false
    assert line.startswith("Bias and fairness, people who are heard worst: the text does not have")


def test_a_label_that_was_reworded_is_found(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    def reword(text: str) -> str:
        return text.replace("**optimiser steps**", "**optimizer steps**")

    (line,) = check_own(edited(world, tmp_path, reword), expected).false
    assert "is it now 'optimizer steps: 6'?" in line


def test_a_record_that_says_otherwise_makes_an_old_card_false(
    world: World, expected: dict[str, Statement]
) -> None:
    steps = replace(expected["training.steps"], values={"value": "7"})
    (line,) = check_own(world.card, {**expected, "training.steps": steps}).false
    assert line == "Training, optimiser steps: the card says value '6', the records say '7'"


def test_other_words_of_another_version_are_told_from_other_values(
    world: World, expected: dict[str, Statement]
) -> None:
    key = "training.hours"
    reworded = replace(expected[key], form="{value} hours, all in all")
    verdict = check_own(world.card, {**expected, key: reworded})
    assert verdict.false == []
    shown = f"Training, time in training: {expected[key].text}"
    why = "worded by another version of the program; its values are those of the records"
    assert (why, shown) in verdict.unchecked
    longer = replace(reworded, values={"value": Number(value=9.0, decimals=2)})
    (line,) = check_own(world.card, {**expected, key: longer}).false
    assert "value '0.00', the records say '9.00'" in line
    as_share = replace(reworded, values={"value": Number(value=0.5, percent=True)})
    assert check_own(world.card, {**expected, key: as_share}).false == []


def test_words_that_were_edited_for_programs_too_are_not_passed(
    world: World, expected: dict[str, Statement], tmp_path: Path
) -> None:
    text = world.card.read_text().replace("; by chance alone", "; worse by chance alone")
    (tmp_path / "card.md").write_text(text)
    verdict = check_own(tmp_path / "card.md", expected)
    assert verdict.false == []
    assert any(
        "another version" in why and "worst tenth" in what for why, what in verdict.unchecked
    )
    both = text.replace("is missed 60.0 %", "is missed 6.0 %")
    (tmp_path / "card.md").write_text(both)
    assert (
        "worst '6.0 %', the records say '60.0 %'"
        in check_own(tmp_path / "card.md", expected).false[0]
    )


def test_nothing_was_measured_is_false_where_it_was(
    world: World, expected: dict[str, Statement]
) -> None:
    funding = Statement(key="owner.funding", label="funding", form="by {x}", values={"x": "us"})
    (line,) = check_own(world.card, {**expected, "owner.funding": funding}).false
    assert "the card says 'not stated by the owner: funding" in line
    assert "the records say 'by us'" in line


def test_what_the_card_leaves_out_is_told(world: World, expected: dict[str, Statement]) -> None:
    more = Statement(key="x.y", label="alarms", form="{n}", values={"n": "many"})
    unknown = replace(more, key="x.z", known=False)
    assert check_own(world.card, expected).notes == []
    verdict = check_own(world.card, {**expected, "x.y": more, "x.z": unknown})
    assert verdict.notes == ["the records tell what the card does not state: alarms: many"]


def test_the_command(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card", "--check", str(world.card), *world.arguments]) == 0
    out = capsys.readouterr().out
    assert re.search(r"card.md: \d+ statements hold, 0 do not, \d+ are not checkable, \d+ say", out)
    path = edited(world, tmp_path, lambda text: text.replace("95.0 % (", "96.0 % (", 1))
    assert main(["card", "--check", str(path), "--figures", str(world.figures)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("false: Clips of people, accuracy (one window a clip, highest poster")
    assert "not checkable (no record that was named tells it):" in out
    assert "statements hold, 1 do not," in out


def test_a_card_of_another_kind(
    tmp_path: Path, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    data = Path(__file__).parent / "data"
    arguments = ["card", "--check", str(data / "ast_statements.toml")]
    assert main([*arguments, "--run", str(data / "ast_records.toml")]) == 1
    out = capsys.readouterr().out
    assert out.count("false: ") == 9
    assert "ast_statements.toml: 8 statements hold, 9 do not, 1 are not checkable\n" in out
    assert main(arguments) == 0  # nothing is known of it
    assert "0 statements hold, 0 do not, 18 are not checkable" in capsys.readouterr().out
    text = "[[statement]]\nsays = 'batches of 8'\nabout = 'fit.batch_size'\nvalue = 8\n"
    (tmp_path / "s.toml").write_text(text + text.replace("8", "9"))
    assert main(["card", "--check", str(tmp_path / "s.toml"), "--run", str(world.run)]) == 1
    assert "batches of 9: the card says 9; fit.batch_size, records: 8" in capsys.readouterr().out


def test_what_cannot_be_checked_is_one_line(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = Path(__file__).parent / "data" / "ast_records.toml"
    (tmp_path / "readme.md").write_text("# Hello")
    shutil.copy(world.figures / "figures.json", tmp_path / "figures.json")
    for arguments, message in (
        (["--check", "gone.md"], "cannot read card gone.md: No such file"),
        (["--check", str(tmp_path / "readme.md")], "is no card of this program"),
        (["--check", str(world.card), "--run", str(records)], "is a file of records; a card of"),
        (["--check", str(tmp_path / "figures.json")], "must hold a list of [[statement]]"),
        ([], "a card needs a model; name it with --model"),
        (["--model", str(world.model), "--watts", "-1"], "watts is -1; it must be above 0"),
    ):
        assert main(["card", *arguments]) == 1
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1


def test_a_verdict_in_lines() -> None:
    verdict = Verdict(held=2, false=["a"], unchecked=[("w", "b"), ("v", "c"), ("w", "d")])
    assert verdict.lines("x.md") == [
        "false: a",
        "not checkable (w):",
        "  b",
        "  d",
        "not checkable (v):",
        "  c",
        "x.md: 2 statements hold, 1 do not, 3 are not checkable",
    ]
