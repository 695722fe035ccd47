"""From streams and clips to figures, tables, pictures and a page."""

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clips import clip, word_samples
from signals import HIGH_HZ, LOW_HZ, silence, tone

from engine.backends import choose_backend
from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.evaluation import report as report_module
from training.evaluation.events import Reference
from training.evaluation.figures import figures
from training.evaluation.files import read_figures, record, write_report
from training.evaluation.material import Material
from training.evaluation.page import html_page, markdown_to_html
from training.evaluation.report import Report, measure, score_all
from training.evaluation.scored import score_stream
from training.evaluation.streams import Condition, Stream
from training.evaluation.tables import to_markdown


def stream(name: str, kind: str, n_tones: int, references: int, **condition: float) -> Stream:
    """Tones at 3, 6, 9 ... s; the first of them have references."""
    parts = [silence(3)]
    for _ in range(n_tones):
        parts += [tone(LOW_HZ, 0.5), silence(2.5)]
    truth = [
        Reference(
            keyword="low",
            onset_s=3 + 3 * i,
            offset_s=3.5 + 3 * i,
            speaker=f"p{i % 2}",
            synthetic=name.endswith("bots"),
        )
        for i in range(references)
    ]
    return Stream(
        name=name,
        kind=kind,
        samples=np.concatenate(parts),
        references=tuple(truth),
        condition=Condition(**condition),
    )


def streams() -> list[Stream]:
    return [
        stream("words, clean", "words", 6, 6),
        stream("words, 10 dB", "words", 5, 6, snr_db=10.0),
        stream("words, 0 dB", "words", 0, 6, snr_db=0.0),
        stream("words, bots", "words", 2, 4, gain_db=-10.0),
        stream("speech", "speech", 2, 0),
        stream("noise", "noise", 0, 0),
    ]


MATERIAL = Material(
    clips=[
        clip("word", word_samples(LOW_HZ), word="low"),
        clip("word", word_samples(HIGH_HZ)[:14_000], word="high"),
        clip("word", word_samples(HIGH_HZ), word="low"),
        clip("word", word_samples(HIGH_HZ), word="nobody's"),
        clip("noise", word_samples(LOW_HZ)),
    ],
    origin={"folder": "tones", "split": "validation"},
    notes=["one was left out"],
)


def measured_with(folder: Path, **options: Any) -> Report:
    values: dict[str, Any] = {
        "material": MATERIAL,
        "keywords": ("low", "high"),
        "alarms_per_hour": [0, 1e6],
        "smoothing": [1, 2],
        "seed": 7,
    }
    return measure(folder, streams(), **(values | options))


@pytest.fixture(scope="module")
def report(tiny_folder: Path) -> Report:
    return measured_with(tiny_folder)


@pytest.fixture(scope="module")
def found(report: Report) -> dict[str, Any]:
    return json.loads(json.dumps(figures(report)))  # nothing in it that JSON could not hold


def test_rows(report: Report) -> None:
    assert [(row.name, row.decision.smoothing_windows) for row in report.rows] == [
        ("as shipped", 2),
        ("at most 0/h", 1),
        ("at most 1e+06/h", 1),
        ("at most 0/h", 2),
        ("at most 1e+06/h", 2),
    ]
    shipped, none, many = report.rows[:3]
    assert shipped.thresholds == (0.6, 0.6)
    assert [len(shipped.matchings[s.name].hits) for s in streams()] == [6, 5, 0, 2, 0, 0]
    assert len(shipped.matchings["speech"].alarms) == 2
    assert len(none.matchings["speech"].alarms) == 0 or none.thresholds[0] == 0.999
    assert many.thresholds == (0.1, 0.1)


def test_streams_are_scored_in_their_order_by_the_shipped_scorer(tiny_folder: Path) -> None:
    manifest = load_manifest(tiny_folder)
    together = score_all(manifest, iter(streams()), workers=3)
    assert [item.stream.name for item in together] == [item.name for item in streams()]
    with choose_backend("cpu", manifest).backend as backend:
        for item, wanted in zip(together, streams(), strict=True):
            alone = score_stream(manifest, backend, wanted)
            np.testing.assert_array_equal(item.posteriors, alone.posteriors)


def test_no_more_streams_are_made_than_are_scored(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would fill the memory."""
    alive, most = 0, 0
    score = report_module.score_stream

    def counted(*arguments: Any) -> Any:
        nonlocal alive
        result = score(*arguments)
        alive -= 1
        return result

    def made() -> Any:
        nonlocal alive, most
        for item in streams() * 2:
            alive += 1
            most = max(most, alive)
            yield item

    monkeypatch.setattr(report_module, "score_stream", counted)
    score_all(load_manifest(tiny_folder), made(), workers=2)
    assert most <= 3


def test_a_stream_that_cannot_be_made_ends_the_scoring(tiny_folder: Path) -> None:
    def made() -> Any:
        yield streams()[0]
        raise ConfigError("no such file")

    with pytest.raises(ConfigError, match="no such file"):
        score_all(load_manifest(tiny_folder), made(), workers=2)


def test_clips_of_people(found: dict[str, Any]) -> None:
    clips = found["clips"]["people"]
    assert (clips["clips"], clips["accuracy"]) == (3, pytest.approx(2 / 3))
    assert "programs" not in found["clips"]


def test_figures_of_streams(found: dict[str, Any]) -> None:
    shipped = {stream["name"]: stream for stream in found["settings"][0]["streams"]}
    noisy, speech = shipped["words, 10 dB"], shipped["speech"]
    assert (noisy["references"], noisy["missed"], noisy["snr_db"]) == (6, 1, 10.0)
    assert noisy["miss_rate"] == pytest.approx(1 / 6)
    assert noisy["latency_s"]["p50"] == pytest.approx(0, abs=0.5)
    assert shipped["words, 0 dB"]["latency_s"] is None
    # Two alarms in 9 s are 800 an hour.
    assert speech["false_alarms_per_hour"] == pytest.approx(800)
    assert speech["false_alarms_per_hour_interval"] == [
        pytest.approx(96.9, abs=0.1),
        pytest.approx(2889.9, abs=0.1),
    ]


def test_groups(found: dict[str, Any]) -> None:
    assert found["by_keyword"]["words, 10 dB"]["low"]["missed"] == 1
    assert found["by_source"]["programs"]["words, bots"]["missed"] == 2
    assert found["by_source"]["people"]["words, bots"]["references"] == 0
    assert found["by_speaker"]["speakers"] == 2
    assert found["false_alarms_by_keyword"] == {"speech": {"low": 2}, "noise": {}}


def test_curves_fall_and_agree_with_the_rows(found: dict[str, Any]) -> None:
    assert [curve["smoothing_windows"] for curve in found["curves"]] == [1, 2]
    curve = found["curves"][1]  # with the smoothing that ships
    at = curve["thresholds"].index(0.6)
    assert curve["missed"]["words, 10 dB"][at] == 1
    assert curve["false_alarms"]["speech"][at] == 2
    assert curve["missed"]["words, clean"] == sorted(curve["missed"]["words, clean"])
    assert curve["hours"]["speech"] == pytest.approx(9 / 3600)


def test_what_cannot_be_claimed(found: dict[str, Any]) -> None:
    text = "\n".join(found["cannot_be_claimed"])
    assert "2 alarms in 9 seconds of running speech mean 2,330 to 69,400 a day" in text
    assert "No alarm in 3 seconds of noise proves no better than 86,300 a day (3 / T)" in text
    assert "One false alarm a day can't be claimed from 12 seconds: that takes 72 hours" in text
    assert "Fewer than 20 clips were spoken of low:" in text
    assert "no transcript" in text


def test_markdown(found: dict[str, Any]) -> None:
    text = to_markdown(found)
    assert "Clips of people: 2 of 3 right, 66.7% (20.8% to 93.9%)" in text
    row = next(line for line in text.splitlines() if line.startswith("| as shipped"))
    assert "| 0.0% | 16.7% | 100.0% |" in row
    assert "| 800.0 (96.9 to 2889.9; 2 in 0.1 min) |" in row
    assert "| bots | 4 | 50.0% (15.0% to 85.0%) | 0 | 0 | 0 |" in text
    assert "2 people with at least 3 words, clean and 10 dB" in text
    assert "\nFired in running speech: low 2\n" in text
    assert "Fired in noise" not in text


def test_a_report_is_a_folder(found: dict[str, Any], tmp_path: Path) -> None:
    written = write_report(found, tmp_path / "out")
    assert [path.name for path in written] == ["report.html", "figures.json"]
    assert read_figures(tmp_path / "out") == found
    with (tmp_path / "out" / "streams.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(found["settings"]) * 6
    assert float(rows[1]["miss_rate"]) == pytest.approx(1 / 6)
    with (tmp_path / "out" / "curves.csv").open() as file:
        curves = list(csv.DictReader(file))
    assert {float(row["miss_rate words, 0 dB"]) for row in curves} == {1.0}
    for name in ("keywords.csv", "confusion_people.csv"):
        assert (tmp_path / "out" / name).stat().st_size > 50
    with (tmp_path / "out" / "keywords.csv").open() as file:
        alarms = {row["stream"]: row for row in csv.DictReader(file)}["speech"]
    assert (alarms["keyword"], alarms["false_alarms"]) == ("low", "2")
    plots = {path.name for path in (tmp_path / "out" / "plots").iterdir()}
    for name in ("misses_against_alarms", "conditions", "keywords", "speakers", "confusion_people"):
        assert {f"{name}.svg", f"{name}.png"} <= plots


class _References(HTMLParser):
    """Collects whatever a page would load, and checks that its tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tables = self.pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tables += tag == "table"
        self.pictures += tag == "svg"
        for name in ("src", "href", "xlink:href", "data"):
            value = values.get(name)
            if value and not value.startswith(("#", "data:")):
                self.loads.append(value)


def test_the_page_needs_no_network(found: dict[str, Any], tmp_path: Path) -> None:
    write_report(found, tmp_path)
    text = (tmp_path / "report.html").read_text()
    parser = _References()
    parser.feed(text)
    assert parser.loads == []
    assert (parser.tables, parser.pictures) == (2, 5)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "seed 7" in text
    assert "the validation split of tones" in text


def test_names_are_shown_as_text() -> None:
    assert "&lt;script&gt;" in html_page("<script>", "")
    assert "<script>" not in markdown_to_html("| a |\n|---|\n| <script>x</script> |")


def test_the_same_figures_draw_the_same_pictures(found: dict[str, Any], tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report(found, tmp_path / name)
    for path in (tmp_path / "one" / "plots").glob("*.svg"):
        assert path.read_bytes() == (tmp_path / "two" / "plots" / path.name).read_bytes()


def test_streams_alone_and_backgrounds_alone(tiny_folder: Path, tmp_path: Path) -> None:
    words = figures(measure(tiny_folder, streams()[:1], **_ALONE))
    assert words["clips"] == {}
    assert [row["name"] for row in words["settings"]] == ["as shipped"]
    write_report(words, tmp_path / "words")
    noise = figures(measure(tiny_folder, streams()[4:], **_ALONE))
    write_report(noise, tmp_path / "noise")
    assert "| as shipped | 2 | 0.6 | 800.0" in to_markdown(noise)


_ALONE: dict[str, Any] = {
    "material": None,
    "keywords": ("low",),
    "alarms_per_hour": [1],
    "smoothing": [],
    "seed": 1,
}


def test_nothing_to_score_and_unknown_keywords(tiny_folder: Path) -> None:
    with pytest.raises(ConfigError, match="there is no stream to score"):
        measure(tiny_folder, [], **_ALONE)
    with pytest.raises(ConfigError, match=r"'loud' is no keyword of .*; it has low, high"):
        measure(tiny_folder, [], **(_ALONE | {"keywords": ("loud",)}))


def test_the_manifest_keeps_the_figures(own_tiny_folder: Path) -> None:
    found = figures(measured_with(own_tiny_folder, smoothing=[]))
    record(found, own_tiny_folder)
    measured = load_manifest(own_tiny_folder).provenance["measured"]
    assert measured["clips"]["people"]["clips"] == 3
    assert measured["data"] == {"folder": "tones", "split": "validation", "seed": 7}
    noisy = measured["streams"][1]
    assert (noisy["name"], noisy["missed"], noisy["references"]) == ("words, 10 dB", 1, 6)
    with pytest.raises(ConfigError, match="the figures are of another model"):
        record({**found, "model": {"sha256": "0" * 64}}, own_tiny_folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 9}', "{}", "[" * 100_000])
def test_figures_that_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "figures.json").write_text(text)
    with pytest.raises(ConfigError, match="holds no figures of evaluate"):
        read_figures(tmp_path)
    with pytest.raises(ConfigError, match=r"cannot read .*evaluate --out makes it"):
        read_figures(tmp_path / "nowhere.json")
