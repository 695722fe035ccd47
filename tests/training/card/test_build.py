"""A card is two files that need nothing else; what no card can be made of is one error."""

import copy
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from card_world import World
from tiny_model import make_model_folder

from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.__main__ import main
from training.card.build import card_sections, write_card
from training.card.document import all_statements, read_written
from training.card.records import Records, read_records


def test_the_page_needs_no_network(world: World) -> None:
    page = (world.card.parent / "card.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<svg") == 6
    assert "<img" not in page
    outside = re.findall(r'(?:src|href)="(?!#)([^"]*)"', re.sub(r"xlink:href", "href", page))
    assert [place for place in outside if not place.startswith("data:")] == []
    # SVG names its vocabularies by addresses that nobody opens.
    assert {url for url in re.findall(r"https?://[\w.]+", page) if "w3.org" not in url} <= {
        "http://purl.org",
        "http://creativecommons.org",
        "https://matplotlib.org",
    }


def test_the_markdown_names_pictures_that_are_there(world: World) -> None:
    names = re.findall(r"\]\((card_pictures/\w+\.svg)\)", world.card.read_text())
    assert len(names) == 6
    for name in names:
        assert (world.card.parent / name).is_file()
    assert "learning_curve" in names[0]


def test_a_card_has_the_same_text_again_but_for_what_is_of_today(
    world: World, tmp_path: Path
) -> None:
    write_card(world.records, tmp_path)
    for name in ("card.md", "card.html", "card_pictures/learning_curve.svg"):
        assert (tmp_path / name).read_bytes() == (world.card.parent / name).read_bytes(), name


def test_pictures_of_the_card_before_are_gone(world: World, tmp_path: Path) -> None:
    write_card(world.records, tmp_path)
    write_card(replace(world.records, figures=None), tmp_path)
    left = [path.name for path in (tmp_path / "card_pictures").iterdir()]
    assert left == ["learning_curve.svg"]
    assert "confusion_people" not in (tmp_path / "card.md").read_text()
    assert not list(tmp_path.glob("*.partial"))


def test_a_picture_that_was_not_drawn_is_not_named(world: World, tmp_path: Path) -> None:
    figures = copy.deepcopy(dict(world.records.figures or {}))
    del figures["settings"][0]["streams"][1]  # one stream of words is no comparison
    figures["curves"] = []
    write_card(replace(world.records, figures=figures), tmp_path)
    text = (tmp_path / "card.md").read_text()
    assert "card_pictures/conditions.svg" not in text
    for name in re.findall(r"\]\((card_pictures/\w+\.svg)\)", text):
        assert (tmp_path / name).is_file()


def test_a_model_alone_makes_a_card_that_says_what_is_missing(
    tiny_folder: Path, tmp_path: Path
) -> None:
    write_card(read_records(tiny_folder), tmp_path)
    text = (tmp_path / "card.md").read_text()
    assert text.count("not measured: python -m training evaluate") >= 8
    assert "not recorded by this run" in text
    assert "not stated by the owner: licence = ..." in text
    assert not [s for _, s in read_written(text, "card.md").statements if "None" in s.text]
    assert not (tmp_path / "card_pictures").exists()


def test_records_that_no_card_can_be_made_of(world: World) -> None:
    assert world.records.figures
    for path in (("settings",), ("clips", "people", "confusion"), ("data", "split"), ("curves",)):
        broken = copy.deepcopy(dict(world.records.figures))
        inner = broken
        for name in path[:-1]:
            inner = inner[name]
        del inner[path[-1]]
        with pytest.raises(ConfigError, match=r"have a form that no card can be made of \(KeyErr"):
            card_sections(replace(world.records, figures=broken))
    for wrong in ({"settings": []}, {"clips": 5}, {"cannot_be_claimed": 5}):
        with pytest.raises(ConfigError, match=r"no card can be made of \((Index|Attribute|Type)E"):
            card_sections(replace(world.records, figures={**world.records.figures, **wrong}))
    empty = copy.deepcopy(dict(world.records.figures))
    empty["settings"][0]["streams"][2]["hours"] = 0
    with pytest.raises(ConfigError, match=r"no card can be made of \(ZeroDivisionError"):
        card_sections(replace(world.records, figures=empty))
    with pytest.raises(ConfigError, match="a card needs a model; name it with --model"):
        write_card(Records(), world.folder / "none")


def test_without_a_model_the_records_still_decide(world: World) -> None:
    found = all_statements(card_sections(read_records(figures=world.figures, run=world.run)))
    assert found["clips.people.accuracy"].known
    assert found["training.steps"].known
    assert "identity.name" not in found


def test_the_command_writes_beside_the_model_which_stays_valid(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model_folder(tmp_path / "model")
    before = (folder / "manifest.json").read_bytes()
    arguments = ["card", "--model", str(folder), "--owner", str(world.owner), "--watts", "60"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"wrote {folder}/card.md\nwrote {folder}/card.html\n"
    assert (folder / "manifest.json").read_bytes() == before
    assert load_manifest(folder).files.keys() == {"model.onnx"}
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "card.html").exists()


def test_an_export_says_that_a_card_is_of_the_model_before(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", str(world.run), "--model", str(tmp_path / "model")]
    assert main(arguments) == 0
    assert "card.md" not in capsys.readouterr().out
    write_card(read_records(tmp_path / "model"), tmp_path / "model")
    assert main(arguments) == 0
    assert "card.md is of the model before; make it anew: python -m" in capsys.readouterr().out


def test_text_for_programs_is_the_same_in_both_files(world: World) -> None:
    texts = [(world.card.parent / name).read_text() for name in ("card.md", "card.html")]
    found = [re.search(r"^\{\n \"format_version.*?^\}$", text, re.DOTALL | re.M) for text in texts]
    assert found[0]
    assert found[1]
    assert json.loads(found[0][0]) == json.loads(found[1][0])
