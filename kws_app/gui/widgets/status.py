"""What listening costs: backend, times, losses, and how fresh the last scored window is."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtWidgets import QLabel, QStatusBar, QWidget

from engine.types import StreamStats
from kws_app.gui.colours import Colours
from kws_app.gui.plain_text import plain_tip

# Ten windows a second: after this long something is wrong.
_STALE_S = 1.0
_PARTS = ("building", "backend", "rate", "times", "losses", "cpu", "age")


class CostBar(QStatusBar):
    """Permanent fields at the foot of the window, once a second.

    Args:
        colours: Theme.
        clock: Monotonic seconds.
        processor: Seconds of processor time that this program has used.
        parent: Owner.
    """

    def __init__(
        self,
        colours: Colours,
        *,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._clock, self._processor = clock, processor
        self._looked = (clock(), processor())
        self._windows: tuple[float, int] | None = None
        self.setSizeGripEnabled(True)
        self._labels = {name: QLabel() for name in _PARTS}
        for name, label in self._labels.items():
            label.setAccessibleName(name)
            label.setContentsMargins(6, 0, 6, 0)
            self.addPermanentWidget(label)
        self.set_colours(colours)

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self._is_stale: bool | None = None

    def text(self, part: str) -> str:
        """What a field says."""
        return str(self._labels[part].text())

    def details(self) -> str:
        """What the fields say when the mouse rests on them, for those who have none."""
        said = [self._labels[name].toolTip() for name in ("backend", "times")]
        return "\n".join(text for text in said if text) or "Nothing was scored yet."

    def show_backend(self, name: str, reason: str) -> None:
        """Say what scores, and why nothing faster does."""
        self._labels["backend"].setText(f"backend {name}")
        self._labels["backend"].setToolTip(plain_tip(f"Backend {name}: {reason}"))

    def show_building(self, building: tuple[str, float] | None) -> None:
        """Say that a faster backend is getting ready, and how far it is."""
        label = self._labels["building"]
        text = "" if building is None else f"{building[0]} builds its plan: {building[1]:.0%}"
        if text != label.text():
            label.setText(text)
            label.setVisible(bool(text))

    def show_stats(self, stats: StreamStats) -> None:
        """Take a report; of a stream in which nothing was scored there is nothing to say."""
        if stats.windows == 0:
            self._windows = None
            for name in ("rate", "times", "losses"):
                self._labels[name].setText("")
            return
        now = self._clock()
        if self._windows is not None and stats.windows >= self._windows[1]:
            seconds = max(1e-3, now - self._windows[0])
            rate_hz = (stats.windows - self._windows[1]) / seconds
            self._labels["rate"].setText(f"{rate_hz:.1f} windows/s")
            self._labels["rate"].setToolTip("Windows scored a second")
        self._windows = (now, stats.windows)
        total = stats.total_ms[0] + stats.capture_ms[0]
        self._labels["times"].setText(f"{total:.0f} ms delay")
        self._labels["times"].setToolTip(
            "From the sound to the decision, p50 / p99 of the last minute\n"
            f"capture {_pair(stats.capture_ms)}\n"
            f"features {_pair(stats.feature_ms)}\n"
            f"inference {_pair(stats.inference_ms)}\n"
            f"handed over to decision {_pair(stats.total_ms)}"
        )
        losses = {
            "skipped": stats.skipped_windows,
            "overruns": stats.overflows,
            "lost": stats.lost_samples,
        }
        said = ", ".join(f"{count} {name}" for name, count in losses.items() if count)
        self._labels["losses"].setText(said or "nothing lost")
        self._labels["losses"].setToolTip(
            "Windows skipped because scoring fell behind, reports of the device that it lost "
            "input, samples known to be lost"
        )
        colour = f"color: {self._colours.warning}" if said else ""
        if colour != self._labels["losses"].styleSheet():  # costs more than a text
            self._labels["losses"].setStyleSheet(colour)

    def rest(self) -> None:
        """Nothing is scored: no rate, no delay, no age; losses stay told."""
        self._windows = None
        for name in ("rate", "times"):
            self._labels[name].setText("")
        self.show_age(None)

    def show_age(self, seconds: float | None) -> None:
        """Say how old the last scored window is.

        Args:
            seconds: None while nothing should be scored.
        """
        label = self._labels["age"]
        label.setToolTip("Age of the last scored window")
        is_stale = seconds is not None and seconds > _STALE_S
        text = "" if seconds is None else f"last window {seconds:.1f} s ago"
        if not is_stale and seconds is not None:
            text = "up to date"
        if text != label.text():
            label.setText(text)
        if is_stale != self._is_stale:
            self._is_stale = is_stale
            label.setStyleSheet(f"color: {self._colours.error}; font-weight: bold" * is_stale)

    def show_processor(self) -> None:
        """Say what share of one core this program took since the last call."""
        now, used = self._clock(), self._processor()
        seconds = now - self._looked[0]
        if seconds > 0:
            share = (used - self._looked[1]) / seconds
            self._labels["cpu"].setText(f"{share:.0%} of a core")
            self._labels["cpu"].setToolTip("Share of one core that this program takes")
        self._looked = (now, used)


def _pair(ms: tuple[float, float]) -> str:
    return f"{ms[0]:.1f} / {ms[1]:.1f} ms"
