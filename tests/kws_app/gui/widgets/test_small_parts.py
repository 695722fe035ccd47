"""Last word, costs, keyword table, device picker."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from history_rows import row
from qtpy.QtCore import Qt

from engine.config import OperatingPoint
from engine.manifest import load_manifest
from engine.types import StreamStats
from kws_app.gui.colours import DARK
from kws_app.gui.widgets.keyword_table import KeywordTable
from kws_app.gui.widgets.last_word import LastWord
from kws_app.gui.widgets.source_picker import DEFAULT_TEXT, SourcePicker
from kws_app.gui.widgets.status import CostBar

STATS = StreamStats(
    end_sample=160_000,
    windows=91,
    skipped_windows=0,
    overflows=0,
    lost_samples=0,
    detections=0,
    dropped_events=0,
    capture_ms=(20.0, 40.0),
    feature_ms=(0.2, 0.4),
    inference_ms=(2.4, 3.5),
    total_ms=(3.0, 5.0),
    last_window_age_s=0.05,
)


def test_the_last_word_and_how_long_ago(qtbot: Any) -> None:
    word = LastWord(DARK)
    qtbot.addWidget(word)
    word.show_age(5)  # nothing heard yet
    assert word.word == ""
    word.resize(300, 100)
    word.show_row(row(1, keyword="w" * 64))
    assert word._word.text().endswith("…")
    assert word.word == "w" * 64
    word.show()
    shown = len(word._word.text())
    word.resize(900, 100)
    assert len(word._word.text()) > shown
    assert word.minimumSizeHint().width() < 300  # it does not keep the window wide
    word.show_row(row(1, keyword="stop", score=0.934, threshold=0.9))
    assert word._word.text() == "stop"
    texts = []
    for seconds in (0.2, 4.4, 61, 7_300):
        word.show_age(seconds)
        texts.append(word._detail.text())
    assert word.word == "stop"
    assert texts == [f"0.93 of 0.90, {t}" for t in ("now", "4 s ago", "1 min ago", "2 h ago")]


def test_costs(qtbot: Any) -> None:
    now, used = [100.0], [10.0]
    costs = CostBar(DARK, clock=lambda: now[0], processor=lambda: used[0])
    qtbot.addWidget(costs)
    assert costs.details() == "Nothing was scored yet."
    costs.show_backend("cpu", "not cuda: no CUDA")
    assert costs.details() == "Backend cpu: not cuda: no CUDA"
    assert costs.text("backend") == "backend cpu"
    costs.show_building(("tensorrt", 0.426))
    assert costs.text("building") == "tensorrt builds its plan: 43%"
    costs.show_building(None)
    assert costs.text("building") == ""
    costs.show_stats(STATS)
    now[0] += 2
    used[0] += 0.1
    costs.show_stats(replace(STATS, windows=111))
    costs.show_processor()
    assert costs.text("rate") == "10.0 windows/s"
    assert costs.text("times") == "23 ms delay"
    assert costs.text("losses") == "nothing lost"
    assert costs.text("cpu") == "5% of a core"
    costs.show_stats(replace(STATS, skipped_windows=3, overflows=2))
    assert costs.text("losses") == "3 skipped, 2 overruns"
    costs.show_stats(replace(STATS, windows=0))  # a device that did not open
    assert [costs.text(name) for name in ("rate", "times", "losses")] == ["", "", ""]
    costs.show_stats(STATS)
    assert costs.text("rate") == ""  # not since the stream before


def test_a_style_is_set_when_it_changes_and_not_once_a_second(qtbot: Any) -> None:
    costs, word = CostBar(DARK), LastWord(DARK)
    qtbot.addWidget(costs)
    qtbot.addWidget(word)
    word.show_row(row(1))
    set_styles: list[str] = []
    for label in (costs._labels["losses"], word._word):
        label.setStyleSheet = set_styles.append
    for seconds in range(5):
        costs.show_stats(STATS)
        word.show_age(seconds)
    assert set_styles == []
    costs.show_stats(replace(STATS, skipped_windows=1))
    word.show_age(6)
    assert set_styles == [f"color: {DARK.warning}", f"color: {DARK.muted}"]


def test_the_age_of_the_last_window_turns_red(qtbot: Any) -> None:
    costs = CostBar(DARK)
    qtbot.addWidget(costs)
    label = costs._labels["age"]
    costs.show_age(0.3)
    assert (label.text(), label.styleSheet()) == ("up to date", "")
    costs.show_age(1.2)
    assert label.text() == "last window 1.2 s ago"
    assert DARK.error in label.styleSheet()
    costs.show_age(None)
    assert (label.text(), label.styleSheet()) == ("", "")


def test_keywords_with_what_they_cost(qtbot: Any, tiny_folder: Path) -> None:
    manifest = load_manifest(tiny_folder)
    point = OperatingPoint(
        threshold=0.6,
        rearm_threshold=0.3,
        false_alarms_per_day=1.5,
        false_alarms_per_day_interval=(0.2, 159.7),
    )
    decision = replace(
        manifest.decision,
        operating_points={"low": point, "high": manifest.decision.operating_points["high"]},
    )
    manifest = replace(manifest, decision=decision)
    table = KeywordTable()
    qtbot.addWidget(table)
    changed: list[tuple[str, float]] = []
    switched: list[tuple[str, bool]] = []
    table.threshold_changed.connect(lambda w, v: changed.append((w, v)))
    table.enabled_changed.connect(lambda w, v: switched.append((w, v)))
    table.show_model(manifest, replace(decision, operating_points={"low": point}))
    assert changed == switched == []
    assert table.item(1, 0).checkState() == Qt.CheckState.Unchecked
    assert table.expected("low") == "1.5 (0.2 to 160)"
    assert table.expected("high") == "not calibrated"
    table.threshold_item("low").setData(Qt.ItemDataRole.EditRole, 0.7)
    assert changed == [("low", 0.7)]
    assert table.expected("low") == "fewer than 1.5 (calibrated at 0.600)"
    table.threshold_item("low").setData(Qt.ItemDataRole.EditRole, 0.5)
    assert table.expected("low") == "more than 1.5 (calibrated at 0.600)"
    table.item(1, 0).setCheckState(Qt.CheckState.Checked)
    assert switched == [("high", True)]
    table.show_model(manifest, replace(manifest.decision, smoothing_windows=9))
    windows = manifest.decision.smoothing_windows
    assert table.expected("low") == f"calibrated over {windows} windows only"


def listing(*devices: dict[str, Any]) -> tuple[str, ...]:
    lines = [json.dumps({"v": 1, "event": "device", "time_s": 0.0, **d}) for d in devices]
    return (sys.executable, "-c", f"print({chr(10).join(lines)!r})")


def device(index: int, name: str, *, is_default: bool = False) -> dict[str, Any]:
    return {
        "index": index,
        "name": name,
        "host_api": "ALSA",
        "channels": 2,
        "default_rate_hz": 48_000,
        "is_default": is_default,
    }


def test_devices_are_listed_by_another_process(qtbot: Any) -> None:
    picker = SourcePicker(
        listing(device(1, "USB", is_default=True), device(3, "Twin"), device(4, "Twin"))
    )
    qtbot.addWidget(picker)
    chosen: list[str | None] = []
    picker.chosen.connect(chosen.append)
    picker.refresh()
    qtbot.waitUntil(lambda: picker.box.count() == 4, timeout=10_000)
    texts = [picker.box.itemText(i) for i in range(4)]
    assert texts == [DEFAULT_TEXT, "USB · ALSA ★", "Twin · ALSA", "Twin · ALSA"]
    assert [picker.box.itemData(i) for i in range(4)] == [None, "USB", "3", "4"]
    picker.select("USB")
    assert picker.box.currentIndex() == 1
    assert chosen == []
    picker.box.setCurrentIndex(3)
    picker.box.activated.emit(3)
    picker.box.activated.emit(0)
    assert chosen == ["4", None]


def test_a_device_that_is_gone_is_still_shown(qtbot: Any) -> None:
    picker = SourcePicker(listing(device(1, "USB")))
    qtbot.addWidget(picker)
    picker.select("Headset")
    assert picker.box.currentText() == "Headset (not there)"
    picker.refresh()
    qtbot.waitUntil(lambda: picker.box.count() == 3, timeout=10_000)
    assert picker.box.currentText() == "Headset (not there)"


def test_a_recording_is_shown_as_the_source(qtbot: Any) -> None:
    picker = SourcePicker(listing(device(1, "USB")))
    qtbot.addWidget(picker)
    chosen: list[str | None] = []
    picker.chosen.connect(chosen.append)
    picker.select(None, "demo.flac")
    assert picker.box.currentText() == "demo.flac (recording)"
    picker.refresh()
    qtbot.waitUntil(lambda: picker.box.findData("USB") == 1, timeout=10_000)
    assert picker.box.currentText() == "demo.flac (recording)"
    picker.box.activated.emit(picker.box.currentIndex())  # it is listened to already
    assert chosen == []
    picker.select("USB")
    assert [picker.box.itemText(i) for i in range(picker.box.count())] == [
        DEFAULT_TEXT,
        "USB · ALSA",
    ]


def test_the_box_opens_by_keyboard(qtbot: Any) -> None:
    picker = SourcePicker(listing(device(1, "USB")))
    qtbot.addWidget(picker)
    picker.show()
    picker.choose()
    qtbot.waitUntil(picker.box.view().isVisible, timeout=10_000)
    picker.box.hidePopup()


def test_what_cannot_be_listed_is_told(qtbot: Any) -> None:
    program = (sys.executable, "-c", "import sys; sys.exit('kws: PortAudio is missing')")
    picker = SourcePicker(program)
    qtbot.addWidget(picker)
    with qtbot.waitSignal(picker.problem, timeout=10_000) as told:
        picker.refresh()
    assert told.args == ["kws: PortAudio is missing"]
    picker.refresh()
    picker.stop()


@pytest.mark.parametrize("said", ["ALSA lib pcm.c", "{}", '{"name": "USB', "[1]"])
def test_what_is_no_list_is_told(qtbot: Any, said: str) -> None:
    picker = SourcePicker((sys.executable, "-c", "import sys; print(sys.argv[1])", said))
    qtbot.addWidget(picker)
    with qtbot.waitSignal(picker.problem, timeout=10_000) as told:
        picker.refresh()
    assert "cannot be listed" in told.args[0]
    picker.stop()


@pytest.mark.parametrize("program", [("no-such-program-here",)])
def test_a_program_that_is_not_there_leaves_the_button_alive(
    qtbot: Any, program: tuple[str, ...]
) -> None:
    picker = SourcePicker(program)
    qtbot.addWidget(picker)
    picker.refresh()
    qtbot.waitUntil(picker._again.isEnabled, timeout=5_000)
