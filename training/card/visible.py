"""What people see of a card, Markdown or HTML: its lines, each with the heading above it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from engine.errors import ConfigError
from training.card.document import WRITTEN_ID, without_written
from training.card.statement import one_line
from training.evaluation.page import STYLE, markdown_to_html

PAGE_SUFFIXES = (".html", ".htm")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_CELLS = ("td", "th")
_UNSEEN = ("script", "style", "title")
# Whatever else has a tag of its own is a line of its own.
_WITHIN_LINES = ("a", "b", "br", "code", "em", "i", "s", "small", "strong", "sub", "sup", "u")
_EMBEDDED = ("iframe", "object", "embed", "link", "video", "audio", "form", "base")
_FIGURE = re.compile(r"<figure>(<svg.*?</svg>)\s*</figure>", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """A line. A heading stands below itself.

    Attributes:
        section: Heading above it.
        text: On one line; the cells of a table's row are parted by " | ".
    """

    section: str
    text: str


def visible_lines(path: Path) -> tuple[str, list[Line]]:
    """Text of a file, and the lines that people see.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as err:
        raise ConfigError(f"cannot read card {path}: {err.strerror}; name a card.md") from err
    except UnicodeDecodeError as err:
        raise ConfigError(f"card {path} is no text: {err}; name a card.md") from err
    is_page = path.suffix.lower() in PAGE_SUFFIXES
    return text, lines_of_html(text if is_page else markdown_to_html(without_written(text)))


def picture_line(source: str, title: str = "") -> str:
    """How a picture stands among the lines: by where it lies, or by the hash of an SVG inside."""
    return f"picture {source} {title}".strip()


def svg_hash(svg: str) -> str:
    """SHA-256 of an SVG element, without what stands before and after it."""
    start, end = svg.find("<svg"), svg.rfind("</svg>")
    return hashlib.sha256(svg[max(0, start) : end + len("</svg>")].encode()).hexdigest()


def lines_of_html(html: str) -> list[Line]:
    """The lines of a page, and a line for whatever may hide, change or replace others."""
    reader = _Reader()
    reader.feed(_FIGURE.sub(lambda found: f'<img src="{svg_hash(found[1])}">', html))
    reader.close()
    return reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self._section = ""
        self._parts: list[str] = []
        self._cells: list[str] = []
        self._unseen = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _WITHIN_LINES:
            return
        self._end_line()
        values = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self._unseen = tag
        if tag == "img":
            self._add(picture_line(values.get("src", ""), values.get("alt", "")))
        if tag == "tr":
            self._cells = []
        is_ours = tag != "script" or values.get("id") == WRITTEN_ID
        if tag in _EMBEDDED or not is_ours or any(_hides(name) for name in values):
            self._add(self.get_starttag_text() or tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _WITHIN_LINES:
            return
        text = one_line("".join(self._parts))
        if tag == self._unseen:
            self._unseen = ""
        elif tag in _CELLS:
            self._cells.append(text)
            self._parts = []
        elif tag == "tr":
            self._add(" | ".join(self._cells))
            self._cells = []
        elif tag in _HEADINGS:
            self._section = "" if tag == "h1" else text
            self._add(text)
            self._parts = []
        else:
            self._end_line()

    def handle_data(self, data: str) -> None:
        if self._unseen == "style" and one_line(data) != one_line(STYLE):
            self._add("<style> that is not this program's")
        elif not self._unseen:
            self._parts.append(data)

    def _end_line(self) -> None:
        self._add(one_line("".join(self._parts)))
        self._parts = []

    def _add(self, text: str) -> None:
        if text:
            self.lines.append(Line(self._section, text))


def _hides(attribute: str) -> bool:
    return attribute in ("hidden", "style", "aria-hidden") or attribute.startswith("on")
