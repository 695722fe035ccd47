"""A choice colours the whole application, at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, environment
from pytestqt.qtbot import QtBot
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QApplication, QCheckBox, QLabel, QProxyStyle, QSpinBox, QStyle

from engine.errors import ConfigError
from kws_app.gui import theme as module
from kws_app.gui.colours import DARK, LIGHT, Colours
from kws_app.gui.theme import Outlined, Theme, desktop_is_dark, palette_of, prepare_high_dpi

HIGH_DPI = """
from qtpy.QtCore import Qt
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QApplication
Policy = Qt.HighDpiScaleFactorRoundingPolicy
from kws_app.gui.theme import prepare_high_dpi
prepare_high_dpi()
app = QApplication([])
prepare_high_dpi()
print(*(int(app.testAttribute(getattr(Qt, name)))
        for name in ("AA_EnableHighDpiScaling", "AA_UseHighDpiPixmaps")),
      QGuiApplication.highDpiScaleFactorRoundingPolicy() == Policy.PassThrough)
"""


@pytest.fixture
def application(qapp: QApplication) -> Iterator[QApplication]:
    before = QPalette(qapp.palette())
    yield qapp
    qapp.setPalette(before)


@pytest.fixture
def theme(application: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[Theme]:
    monkeypatch.setattr(module, "desktop_is_dark", lambda *_: True)
    made = Theme(application)
    yield made
    made.deleteLater()


def ground(application: QApplication) -> str:
    return application.palette().color(QPalette.ColorRole.Window).name()


def test_choices(theme: Theme, application: QApplication) -> None:
    assert theme.choice == ""
    for choice, colours in (("light", LIGHT), ("dark", DARK), ("system", DARK)):
        assert theme.apply(choice) is colours is theme.colours
        assert theme.choice == choice
        assert ground(application) == colours.window
    assert application.style().objectName() == "kws"


def test_who_paints_hears_of_a_change_and_of_nothing_else(theme: Theme) -> None:
    heard: list[Colours] = []
    theme.changed.connect(heard.append)
    for choice in ("light", "light", "dark", "system", "dark", "light"):
        theme.apply(choice)
    assert heard == [LIGHT, DARK, LIGHT]


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_boxes_and_numbers_have_an_edge_that_is_seen(
    theme: Theme, qtbot: QtBot, choice: str
) -> None:
    theme.apply(choice)
    for widget in (QCheckBox(), QSpinBox()):
        qtbot.addWidget(widget)
        widget.show()
        image = widget.grab().toImage()
        ground, middle = QColor(theme.colours.window).lightness(), image.height() // 2
        left = [image.pixelColor(x, middle).lightness() for x in range(6)]
        assert max(abs(one - ground) for one in left) > 60


def test_buttons_of_dialogs_have_no_icons(
    application: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QProxyStyle, "styleHint", lambda *_: 1)  # as desktops say
    style = Outlined()
    assert style.styleHint(QStyle.StyleHint.SH_DialogButtonBox_ButtonsHaveIcons) == 0
    assert style.styleHint(QStyle.StyleHint.SH_UnderlineShortcut) == 1


def test_what_is_shown_already_changes_too(theme: Theme, qtbot: QtBot) -> None:
    label = QLabel("text")
    qtbot.addWidget(label)
    label.show()
    for choice, colours in (("light", LIGHT), ("dark", DARK)):
        theme.apply(choice)
        assert label.palette().color(QPalette.ColorRole.WindowText).name() == colours.text
        picture = label.grab().toImage()
        assert picture.pixelColor(picture.width() - 1, 0).name() == colours.window


def test_unknown_choice(theme: Theme) -> None:
    with pytest.raises(ConfigError, match="theme is 'blue'; it must be one of system, light, dark"):
        theme.apply("blue")


def test_what_is_disabled_is_muted() -> None:
    palette = palette_of(DARK)
    group, role = QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
    assert palette.color(group, role).name() == DARK.muted
    assert palette.color(role).name() == DARK.text


@pytest.mark.parametrize(
    ("window", "name", "wanted"),
    [
        ("#202020", "", True),
        ("#202020", "Adwaita", True),  # what Qt was told by the desktop's plugin
        ("#efefef", "", False),
        ("#efefef", "Adwaita:dark", True),
        ("#efefef", "Breeze-Dark", True),
        ("#efefef", "Darkroom", False),
    ],
)
def test_what_the_desktop_wants(window: str, name: str, wanted: bool) -> None:
    variables = {"GTK_THEME": name, "HOME": "/nowhere"}
    assert desktop_is_dark(QPalette(QColor(window)), variables) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[Settings]\ngtk-application-prefer-dark-theme=1\n", True),
        ("[Settings]\ngtk-application-prefer-dark-theme=false\n", False),
        ("[Settings]\ngtk-theme-name=Arc-Dark\n", True),
        ("[Settings]\ngtk-theme-name=Arc\ngtk-font-name=100%\n", False),
        ("[Settings]\ngtk-application-prefer-dark-theme=perhaps\n", False),
        ("[Settings]\ngtk-theme-name=100%-dark\n", True),
        ("[Settings]\na=1\na=2\ngtk-application-prefer-dark-theme=1\n", True),
        ("[Other]\n", False),
        ("no table", False),
        ("\udcff", False),
    ],
)
def test_gtk_settings(tmp_path: Path, text: str, wanted: bool) -> None:
    path = tmp_path / "gtk-3.0" / "settings.ini"
    path.parent.mkdir()
    path.write_bytes(text.encode(errors="surrogateescape"))
    light = QPalette(QColor("#efefef"))
    assert desktop_is_dark(light, {"XDG_CONFIG_HOME": str(tmp_path)}) == wanted
    path.parent.rename(tmp_path / "elsewhere")
    (tmp_path / ".config").symlink_to(tmp_path)
    (tmp_path / "elsewhere").rename(path.parent)
    assert desktop_is_dark(light, {"HOME": str(tmp_path)}) == wanted


def test_sharp_on_every_screen() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIGH_DPI],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert done.stdout == "1 1 True\n"
    assert "must be" not in done.stderr  # set before the application is created


def test_names_that_qt_has_forgotten_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    set_names: list[object] = []
    application = type(
        "Application",
        (),
        {"instance": staticmethod(lambda: None), "setAttribute": lambda *a: set_names.append(a)},
    )
    gui = type("Gui", (), {"setHighDpiScaleFactorRoundingPolicy": set_names.append})
    policy = type("Policy", (), {"PassThrough": 5})
    qt = type("Qt", (), {"ApplicationAttribute": 0, "HighDpiScaleFactorRoundingPolicy": policy})
    for name, fake in (("QApplication", application), ("QGuiApplication", gui), ("Qt", qt)):
        monkeypatch.setattr(module, name, fake)
    prepare_high_dpi()
    assert set_names == [5]
