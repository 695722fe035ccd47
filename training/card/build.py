"""Puts the sections of a card together, and writes it as Markdown and as one page."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import ConfigError
from training.card.costs import costs
from training.card.document import (
    MARKDOWN_FILE,
    PAGE_FILE,
    PICTURES,
    Picture,
    Section,
    all_statements,
    as_script,
    statements_json,
    to_markdown,
    without_written,
)
from training.card.hearing import hearing
from training.card.history import history
from training.card.identity import identity
from training.card.inputs import inputs
from training.card.limits import limits
from training.card.pictures import draw_pictures
from training.card.records import Records
from training.card.snippets import snippets
from training.card.streaming import streaming
from training.card.visible import svg_hash
from training.evaluation.page import html_page, markdown_to_html


def card_sections(records: Records) -> list[Section]:
    """All sections; those that need a manifest only where there is one.

    Raises:
        ConfigError: The figures or the records of the training have another form.
    """
    manifest = records.manifest
    try:
        sections = [
            *(identity(records, manifest) if manifest else []),
            *(inputs(records, manifest) if manifest else []),
            *(snippets(manifest) if manifest else []),
            *history(records),
            *hearing(records),
            *(streaming(records, manifest) if manifest else []),
            *(costs(records, manifest) if manifest else []),
            *(limits(records, manifest) if manifest else []),
        ]
        all_statements(sections)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError) as err:
        raise ConfigError(
            f"figures, log or provenance have a form that no card can be made of "
            f"({type(err).__name__}: {err}); measure or train anew with this version"
        ) from err
    return sections


def write_card(records: Records, folder: Path) -> list[Path]:
    """Write `card.md`, its pictures, and `card.html`.

    Args:
        records: With a manifest.
        folder: Made if need be; a card that is there is replaced.

    Returns:
        The two files.
    """
    if records.manifest is None:
        raise ConfigError("a card needs a model; name it with --model")
    with tempfile.TemporaryDirectory() as name:
        pictures = draw_pictures(records, Path(name))
    sections = [_with_drawn(section, pictures) for section in card_sections(records)]
    title = f"Model card: {records.manifest.name}"
    hashes = {name: svg_hash(svg) for name, svg in pictures.items()}
    markdown = to_markdown(title, sections, hashes)
    folder.mkdir(parents=True, exist_ok=True)
    _write_pictures(pictures, folder / PICTURES)
    _replace(folder / MARKDOWN_FILE, markdown)
    _replace(folder / PAGE_FILE, _page(title, markdown, sections, pictures))
    return [folder / MARKDOWN_FILE, folder / PAGE_FILE]


def _with_drawn(section: Section, pictures: Mapping[str, str]) -> Section:
    """A section without the pictures that there are no values for."""
    blocks = [b for b in section.blocks if not isinstance(b, Picture) or b.name in pictures]
    return replace(section, blocks=blocks)


def _write_pictures(pictures: Mapping[str, str], folder: Path) -> None:
    for old in folder.glob("*.svg"):  # of the card before
        old.unlink()
    if pictures:
        folder.mkdir(parents=True, exist_ok=True)
    for name, svg in pictures.items():
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")


def _page(
    title: str, markdown: str, sections: Sequence[Section], pictures: Mapping[str, str]
) -> str:
    """The Markdown as one page, with the pictures and the statements for programs inside."""
    body = markdown_to_html(without_written(markdown).partition("\n")[2])

    def inside(image: re.Match[str]) -> str:
        return f"<figure>{pictures[image[1]]}</figure>"

    body = re.sub(rf'<p><img src="{PICTURES}/(\w+)\.svg"[^>]*></p>', inside, body)
    hashes = {name: svg_hash(svg) for name, svg in pictures.items()}
    return html_page(title, f"{body}\n{as_script(statements_json(title, sections, hashes))}")


def _replace(path: Path, text: str) -> None:
    aside = path.with_suffix(".partial")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
