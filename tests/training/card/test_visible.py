"""Markdown and HTML show the same lines."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from training.card.visible import lines_of_html, visible_lines

PAGE = """<!doctype html><html><head><title>T 1</title><style>p { width: 2 }</style></head><body>
<h1>T</h1><h2>A &amp; B</h2><p>Some <code>code</code>
text</p><ul><li><strong>one</strong>: 1</li><li>two</li></ul>
<h3>C</h3><table><thead><tr><th>h</th><th>i</th></tr></thead>
<tbody><tr><td>x</td><td>3 %</td></tr></tbody></table><p><svg><text>9</text></svg></p>
<pre><code>a
b</code></pre><script type="application/json">{"x": 5}</script></body></html>"""


def test_lines_stand_below_their_headings() -> None:
    assert [(line.section, line.text) for line in lines_of_html(PAGE)] == [
        ("A & B", "Some code text"),
        ("A & B", "one: 1"),
        ("A & B", "two"),
        ("C", "h | i"),
        ("C", "x | 3 %"),
        ("C", "a b"),
    ]


def test_both_kinds_of_files(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("# T\n\n## A\n\n- **one**: 1\n\n<!-- kws-card\n{}\n-->\n")
    (tmp_path / "c.html").write_text("<h2>A</h2><li><b>one</b>: 1</li>")
    lines = [visible_lines(tmp_path / name)[1] for name in ("c.md", "c.html")]
    assert lines[0] == lines[1]
    assert [line.text for line in lines[0]] == ["one: 1"]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read card .*gone.md: No such file"):
        visible_lines(tmp_path / "gone.md")
    (tmp_path / "x.md").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match=r"card .*x.md is no text"):
        visible_lines(tmp_path / "x.md")
