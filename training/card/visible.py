"""What people see of a card, Markdown or HTML: its lines, each with the heading above it."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from engine.errors import ConfigError
from training.card.document import without_written
from training.card.statement import one_line
from training.evaluation.page import markdown_to_html

_HEADINGS = ("h2", "h3", "h4")
_LINES = ("li", "p", "pre")
_CELLS = ("td", "th")
_UNSEEN = ("script", "style", "svg", "title", "h1")


@dataclass(frozen=True)
class Line:
    """A line.

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
    is_page = path.suffix.lower() in (".html", ".htm")
    return text, lines_of_html(text if is_page else markdown_to_html(without_written(text)))


def lines_of_html(html: str) -> list[Line]:
    """The lines of a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[Line] = []
        self._section = ""
        self._parts: list[str] = []
        self._cells: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in (*_HEADINGS, *_LINES, *_CELLS):
            self._parts = []
        elif tag == "tr":
            self._cells = []

    def handle_endtag(self, tag: str) -> None:
        text = one_line("".join(self._parts))
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _HEADINGS:
            self._section = text
        elif tag in _CELLS:
            self._cells.append(text)
        elif tag == "tr":
            self._add(" | ".join(self._cells))
        elif tag in _LINES:
            self._add(text)
            self._parts = []

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._parts.append(data)

    def _add(self, text: str) -> None:
        if text:
            self.lines.append(Line(self._section, text))
