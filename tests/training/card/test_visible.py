"""Markdown and HTML show the same lines."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from training.card.visible import lines_of_html, picture_line, svg_hash, visible_lines

PAGE = """<!doctype html><html><head><title>T 1</title><style>p { width: 2 }</style></head><body>
<h1>T</h1><h2>A &amp; B</h2><p>Some <code>code</code>
text</p><ul><li><strong>one</strong>: 1</li><li>two</li></ul>
<h3>C</h3><table><thead><tr><th>h</th><th>i</th></tr></thead>
<tbody><tr><td>x</td><td>3 %</td></tr></tbody></table><p><svg><text>9</text></svg></p>
<pre><code>a
b</code></pre><script type="application/json">{"x": 5}</script></body></html>"""


def test_lines_stand_below_their_headings() -> None:
    assert [(line.section, line.text) for line in lines_of_html(PAGE)] == [
        ("", "<style> that is not this program's"),
        ("", "T"),
        ("A & B", "A & B"),
        ("A & B", "Some code text"),
        ("A & B", "one: 1"),
        ("A & B", "two"),
        ("C", "C"),
        ("C", "h | i"),
        ("C", "x | 3 %"),
        ("C", "9"),
        ("C", "a b"),
        ("C", '<script type="application/json">'),
    ]


def test_pictures_are_lines() -> None:
    svg = '<svg width="1"><path style="x" d="M 0 1"/></svg>'
    lines = [line.text for line in lines_of_html(f"<h2>A</h2><figure>{svg}</figure>")]
    assert lines == ["A", picture_line(svg_hash(svg))]
    assert svg_hash(f"<?xml?>{svg}\n") == svg_hash(svg) != svg_hash(svg.replace("M 0", "M 5"))
    beside = lines_of_html('<p><img src="a/p.svg" alt="P"></p>')
    assert beside[0].text == picture_line("a/p.svg", "P")


def test_both_kinds_of_files(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("# T\n\n## A\n\n- **one**: 1\n\n<!-- kws-card\n{}\n-->\n")
    (tmp_path / "c.html").write_text("<h1>T</h1><h2>A</h2><li><b>one</b>: 1</li>")
    lines = [visible_lines(tmp_path / name)[1] for name in ("c.md", "c.html")]
    assert lines[0] == lines[1]
    assert [line.text for line in lines[0]] == ["T", "A", "one: 1"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read card .*gone.md: No such file"):
        visible_lines(tmp_path / "gone.md")
    (tmp_path / "x.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"card .*x.md is no text"):
        visible_lines(tmp_path / "x.md")
