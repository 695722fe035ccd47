"""The one dialog that an unexpected error shows."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtGui import QFontDatabase, QGuiApplication
from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

_WIDTH_PX, _HEIGHT_PX = 640, 360


class CrashDialog(QDialog):
    """Says what happened and where the log is; a button copies both."""

    def __init__(self, report: str, log_path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = f"{report}\n\nLog: {log_path}"
        self.setWindowTitle("kws: unexpected error")
        self.resize(_WIDTH_PX, _HEIGHT_PX)
        head = QLabel("kws met an error that it did not expect, and ends when this is closed.")
        head.setWordWrap(True)
        details = QPlainTextEdit(report)
        details.setObjectName("report")
        details.setReadOnly(True)
        details.setAccessibleName("Report")
        details.setTabChangesFocus(True)
        details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        where = QLabel(f"The log has more of it: {log_path}")
        where.setObjectName("log")
        where.setWordWrap(True)
        where.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._copy = QPushButton("&Copy")
        self._copy.clicked.connect(self._copy_text)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.addButton(self._copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (head, details, where, buttons):
            layout.addWidget(widget)

    @property
    def copy_button(self) -> QPushButton:
        """Copies the report and the log's path."""
        return self._copy

    def _copy_text(self) -> None:
        clipboard = QGuiApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(self._text)
        self._copy.setText("Copied")


def show_crash_dialog(report: str, log_path: Path) -> None:
    """Show it and wait until it is closed."""
    CrashDialog(report, log_path).exec_()
