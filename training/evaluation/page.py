"""One HTML page that opens without a network: tables, pictures, and what can't be claimed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from training.evaluation.tables import to_markdown

Figures = Mapping[str, Any]
STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #8886; padding: .3rem .7rem; text-align: left; }
th { border-bottom-width: 2px; vertical-align: bottom; }
figure { margin: 1.5rem 0; background: white; }
figure svg { max-width: 100%; height: auto; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #8886; }
"""


def write_page(figures: Figures, plots: Sequence[Path], path: Path) -> None:
    """Write the page, with the SVG pictures inside it.

    Args:
        figures: Of `figures.figures`.
        plots: SVG files.
        path: HTML file to write.
    """
    title = f"How well {figures['model']['name']} hears"
    body = [
        f"<p>Measured {escape(figures['date'])} on {escape(_data(figures))}; seed "
        f"{figures['data']['seed']}. Intervals are 95 %: Wilson for shares, Poisson for rates.</p>",
        markdown_to_html(to_markdown(figures)),
        *(f"<figure>{svg_inside(plot)}</figure>" for plot in plots),
    ]
    path.write_text(html_page(title, "\n".join(body)), encoding="utf-8")


def html_page(title: str, body: str) -> str:
    """A whole document that refers to nothing outside itself."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n"
    )


def markdown_to_html(text: str) -> str:
    """Markdown with tables, as HTML; what looks like HTML in it is shown as text."""
    from markdown_it import MarkdownIt

    rendered: str = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return rendered


def svg_inside(path: Path) -> str:
    """An SVG file as an element of a page."""
    text = path.read_text(encoding="utf-8")
    return text[text.index("<svg") :]


def _data(figures: Figures) -> str:
    data = figures["data"]
    parts = [f"the {data['split']} split of {data['folder']}" if "folder" in data else "streams"]
    parts += [f"synthetic voices of {data['synthetic']}"] if data.get("synthetic") else []
    return " and ".join(parts)
