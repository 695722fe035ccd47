"""Which model and which backend, and why nothing faster was taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from engine.manifest import ModelManifest
from engine.types import Started
from kws_app.gui.choices import backend_choices, model_choices
from kws_app.gui.files import ask_folder
from kws_app.gui.plain_text import plain_tip

COST = (
    "Another model or backend begins to listen anew, in about a second; the history stays. A model "
    "brings its own thresholds, smoothing and refractory period. A larger one takes longer for a "
    "window: the foot of the window says how long."
)


class ModelPicker(QWidget):
    """Rows of a form: model, backend, what is in use and why.

    Args:
        form: Gets the rows.
        parent: Owner.
    """

    model_chosen = Signal(object)
    backend_chosen = Signal(str)

    def __init__(self, form: QFormLayout, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self.model, self.backend = QComboBox(), QComboBox()
        self.other = QPushButton("&Other folder…")
        self.other.setAutoDefault(False)
        self.reason, cost = QLabel(), QLabel(COST)
        for label in (self.reason, cost):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)  # names of files may be in it
        for box in (self.model, self.backend):
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
        self.model.setAccessibleName("Model")
        row = QHBoxLayout()
        row.addWidget(self.model, 1)
        row.addWidget(self.other)
        title = QLabel("&Model")
        title.setBuddy(self.model)
        form.addRow(title, row)
        form.addRow("&Backend", self.backend)
        form.addRow("", self.reason)
        form.addRow("", cost)
        self.model.activated.connect(lambda place: self._choose(Path(self.model.itemData(place))))
        self.other.clicked.connect(lambda: self.choose_other())
        self.backend.activated.connect(
            lambda place: self.backend_chosen.emit(self.backend.itemData(place))
        )

    def show_choices(
        self,
        manifest: ModelManifest,
        backend: str,
        started: Started | None,
        recent: Sequence[str] = (),
    ) -> None:
        """Show what there is and what is in force; no signal.

        Args:
            manifest: The model.
            backend: As it was asked for.
            started: What the stream said of its backend when it began.
            recent: Model folders that were used before.
        """
        self.model.clear()
        for model in model_choices(manifest.folder, recent):
            self.model.addItem(model.text, str(model.folder))
            place = self.model.count() - 1
            self.model.setItemData(place, plain_tip(str(model.folder)), Qt.ItemDataRole.ToolTipRole)
            if model.folder == manifest.folder:
                self.model.setCurrentIndex(place)
        self.backend.clear()
        for choice in backend_choices(manifest):
            mark = "  (not available)" if choice.why_not else ""
            self.backend.addItem(choice.name + mark, choice.name)
            self.backend.setItemData(
                self.backend.count() - 1, plain_tip(choice.why_not), Qt.ItemDataRole.ToolTipRole
            )
        self.backend.setCurrentIndex(self.backend.findData(backend))
        self.reason.setText(self._reason(manifest, started))

    def choose_other(self, folder: Path | None = None) -> None:
        """Take a folder that is not in the list."""
        folder = folder or ask_folder(self, "Model folder")
        if folder is not None:
            self._choose(folder)

    def _choose(self, folder: Path) -> None:
        self.model_chosen.emit(folder)

    def _reason(self, manifest: ModelManifest, started: Started | None) -> str:
        lines = []
        if started is not None:
            lines.append(f"In use: {started.backend} ({started.backend_reason}).")
        lines += [
            f"{choice.name}: {choice.why_not}."
            for choice in backend_choices(manifest)
            if choice.why_not and (started is None or choice.why_not not in started.backend_reason)
        ]
        return "\n".join(lines)
