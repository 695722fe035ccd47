"""Why did it (not) fire? One window: its fbank, its posteriors, and what stopped the others."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyqtgraph
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QShortcut,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.manifest import ModelManifest
from engine.types import Float32
from kws_app.gui.colours import Colours
from kws_app.gui.explain import FIRED, Verdict, explain, sentence
from kws_app.gui.memory import Moment
from kws_app.gui.pictures import GRID_HZ, height_share, to_pixels
from kws_app.ledger.entries import RIGHT, WRONG

_STEPS_A_PAGE = 10  # a second
_ATTENTION = "Attention of the model"
_HEAD = ("label", "this window", "smoothed", "threshold", "outcome")


class MomentView(QDialog):
    """Shows one window of the last minute.

    The slider goes to any other one, and so do the arrow keys and Page Up and Down on it.

    Args:
        colours: Theme.
        parent: Owner.
    """

    step_asked = Signal(int)
    place_asked = Signal(int)
    play_asked = Signal()
    label_asked = Signal(str)

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Why did it (not) fire?")
        self.resize(760, 620)
        self._colours = colours
        self._title, self._sentence = QLabel(), QLabel()
        self._sentence.setTextFormat(Qt.TextFormat.PlainText)  # labels of any model are in it
        self._sentence.setWordWrap(True)
        self._plot = pyqtgraph.PlotWidget(background=colours.base)
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(colours.grid)
            axis.setTextPen(colours.text)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setAccessibleName("Fbank of the window")
        self._image, self._overlay = pyqtgraph.ImageItem(), pyqtgraph.ImageItem()
        for item in (self._image, self._overlay):
            self._plot.addItem(item)
        self._overlay.setZValue(1)
        self._show_attention = QCheckBox(_ATTENTION)
        self._show_attention.toggled.connect(self._overlay.setVisible)
        self._table = QTableWidget(0, len(_HEAD))
        self._table.setHorizontalHeaderLabels([name.capitalize() for name in _HEAD])
        self._table.verticalHeader().hide()
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.setAccessibleName("Labels of this window")
        self._table.setTabKeyNavigation(False)
        self._table.horizontalHeader().setStretchLastSection(True)
        self._place = QSlider(Qt.Orientation.Horizontal)
        self._place.setAccessibleName("Moment of the last minute")
        self._place.setPageStep(_STEPS_A_PAGE)
        self._place.valueChanged.connect(self.place_asked)
        self._right, self._wrong = QPushButton("&Right"), QPushButton("&Wrong")
        self._labels: dict[QPushButton, str] = {}
        self._fired = ""
        self._lay_out()
        self.set_attention(None, "the model folder has no rollout.onnx")

    def end(self) -> None:
        """Close for good."""
        # Qt asks the plot's items for their bounds while it deletes them, and Python's collector
        # may have emptied them by then: there must be none.
        self._plot.close()
        self.close()
        self.deleteLater()

    @property
    def table(self) -> QTableWidget:
        """The labels."""
        return self._table

    @property
    def label_buttons(self) -> list[QPushButton]:
        """Those that say in the ledger what it was."""
        return list(self._labels)

    @property
    def text(self) -> str:
        """The sentence that is shown."""
        return str(self._sentence.text())

    def show_moment(
        self, moment: Moment, features: Float32 | None, manifest: ModelManifest, when: str
    ) -> None:
        """Show a window.

        Args:
            moment: What was decided.
            features: What the model saw, shape [target_frames, n_mels]; None if it is gone.
            manifest: The model.
            when: When it ended, for people.
        """
        self._title.setText(f"The second that ended {when}")
        self._sentence.setText(sentence(moment, manifest))
        self._fill(explain(moment, manifest))
        self._fired = moment.fired
        self._image.setVisible(features is not None)
        if features is not None:
            self._draw(features, manifest)
        self.set_attention(None, "not computed yet")

    def allow_labels(self, is_kept: bool) -> None:
        """Offer labels for what fired, if its clip is kept in a ledger."""
        for button, tip in self._labels.items():
            button.setEnabled(bool(self._fired) and is_kept)
            button.setToolTip(tip if is_kept else "No clips are kept: see Settings, Ledger")

    def show_place(self, place: int, places: int) -> None:
        """Show where among the windows of the last minute it stands; no signal."""
        self._place.blockSignals(True)
        self._place.setRange(0, max(0, places - 1))
        self._place.setValue(place)
        self._place.blockSignals(False)

    def show_attention(self) -> None:
        """Lay the attention over the fbank as soon as it is there."""
        self._show_attention.setChecked(True)

    def set_attention(self, weights: Float32 | None, why_not: str = "") -> None:
        """Lay the model's attention over the fbank.

        Args:
            weights: Shape [n_mels, n_frames], 0 to 1; None for none.
            why_not: The reason, where there is none.
        """
        self._show_attention.setEnabled(weights is not None)
        self._show_attention.setText(f"{_ATTENTION}: {why_not}" if weights is None else _ATTENTION)
        self._show_attention.setToolTip("What the decision did not come from is darkened")
        self._overlay.setVisible(weights is not None and self._show_attention.isChecked())
        if weights is None:
            self._overlay.clear()
            return
        # What the model did not look at is darkened; colours stay those of the fbank.
        shade = np.zeros((*weights.T.shape, 4), np.ubyte)
        shade[..., 3] = np.clip(200 * (1 - weights.T[:, ::-1]), 0, 255)
        self._overlay.setImage(shade, levels=None)
        self._overlay.setRect(self._image.boundingRect())

    def _draw(self, features: Float32, manifest: ModelManifest) -> None:
        config = manifest.fbank
        pixels = to_pixels(features, manifest)
        self._image.setImage(pixels[::-1].T, levels=(0, 255), lut=self._colours.waterfall)
        self._image.setRect(QRectF(0, 0, len(features), config.n_mels))
        self._overlay.setRect(QRectF(0, 0, len(features), config.n_mels))
        hop_s = config.frame_hop_samples / config.sample_rate_hz
        seconds = np.arange(0, len(features) * hop_s + 1e-9, 0.2)
        self._plot.getAxis("bottom").setTicks([[(s / hop_s, f"{s:.1f} s") for s in seconds]])
        self._plot.getAxis("left").setTicks(
            [[(config.n_mels * height_share(hz, config), f"{hz / 1000:g} kHz") for hz in GRID_HZ]]
        )
        self._plot.setRange(QRectF(0, 0, len(features), config.n_mels), padding=0)

    def _fill(self, verdicts: list[Verdict]) -> None:
        self._table.setRowCount(len(verdicts))
        for row, verdict in enumerate(verdicts):
            threshold = "" if verdict.threshold is None else f"{verdict.threshold:.3f}"
            cells = (
                verdict.label,
                f"{verdict.posterior:.3f}",
                f"{verdict.smoothed:.3f}",
                threshold,
                verdict.outcome,
            )
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if verdict.outcome == FIRED:
                    item.setForeground(QColor(self._colours.accent))
                if 0 < column < len(cells) - 1:
                    item.setTextAlignment(
                        int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    )
                self._table.setItem(row, column, item)
        self._table.resizeColumnsToContents()

    def _lay_out(self) -> None:
        places = QHBoxLayout()
        places.addWidget(self._button("◀ &earlier", "Ctrl+Left", lambda: self.step_asked.emit(-1)))
        places.addWidget(self._place, 1)
        places.addWidget(self._button("&later ▶", "Ctrl+Right", lambda: self.step_asked.emit(1)))
        bar = QHBoxLayout()
        bar.addWidget(self._button("&Play", "Ctrl+L", self.play_asked.emit))
        for button, keys, label in (
            (self._right, "Ctrl+Y", RIGHT),
            (self._wrong, "Ctrl+N", WRONG),
        ):
            self._labels[button] = f"Say in the ledger that it was {label} ({keys})"
            bar.addWidget(self._set(button, keys, partial(self.label_asked.emit, label)))
        bar.addStretch()
        bar.addWidget(self._show_attention)
        bar.addWidget(self._button("&Close", "", self.close))
        layout = QVBoxLayout(self)
        layout.addWidget(self._title)
        layout.addWidget(self._sentence)
        layout.addWidget(self._plot, 3)
        layout.addLayout(places)
        layout.addWidget(self._table, 2)
        layout.addLayout(bar)

    def _button(self, text: str, keys: str, call: Callable[[], object]) -> QPushButton:
        return self._set(QPushButton(text), keys, call)

    def _set(self, button: QPushButton, keys: str, call: Callable[[], object]) -> QPushButton:
        button.setAutoDefault(False)  # Enter in the table is not a click on the first button
        button.clicked.connect(lambda: call())
        if keys:  # besides the mnemonic, which a shortcut of the button itself would replace
            QShortcut(QKeySequence(keys), self, activated=button.click)
        return button
