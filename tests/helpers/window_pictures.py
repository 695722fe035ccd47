"""Pictures of the window for the README: `make pictures`.

The bundled recording runs at its own speed, so it takes a quarter of a minute.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from kws_app.gui.history import HeardRow
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session
from kws_app.gui.settings_dialog import SettingsDialog
from kws_app.gui.theme import Theme, prepare_high_dpi
from kws_app.gui.window_state import WindowState
from kws_app.settings import Settings

DEMO = Path(__file__).parents[2] / "assets" / "demo.flac"
WORD = "right"  # has just been said
AFTER_MS = 200
AGAIN_MS = 1_500  # for what is computed aside


def main(folder: Path) -> None:
    """Write them into a folder."""
    prepare_high_dpi()
    application = QApplication(["kws"])
    theme = Theme(application)
    theme.apply("light")
    session = Session(Settings(input=str(DEMO), backend="cpu"))
    window = MainWindow(session, theme.colours)
    theme.changed.connect(window.set_colours)
    window.resize(1_040, 700)
    window.show()
    session.start()

    def first() -> None:
        window.grab().save(str(folder / "window.png"))
        theme.apply("dark")
        application.processEvents()
        window.grab().save(str(folder / "window_dark.png"))
        window.explain_newest()
        view = window.moments.view
        assert view is not None
        view.show_attention()
        QTimer.singleShot(AGAIN_MS, second)

    def second() -> None:
        assert window.moments.view is not None
        window.moments.view.grab().save(str(folder / "why.png"))
        dialog = SettingsDialog(session, WindowState(theme="dark"), window)
        dialog.show()
        application.processEvents()
        dialog.grab().save(str(folder / "settings.png"))
        dialog.tabs.setCurrentIndex(1)
        application.processEvents()
        dialog.grab().save(str(folder / "settings_keywords.png"))
        window.close()
        application.quit()

    def wait(row: HeardRow) -> None:
        if row.keyword == WORD:
            QTimer.singleShot(AFTER_MS, first)

    window.word_heard.connect(wait)
    application.exec_()


if __name__ == "__main__":
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    main(out)
