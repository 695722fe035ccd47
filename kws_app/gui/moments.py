"""Why did it (not) fire? Finds a moment of the last minute and shows it."""

from __future__ import annotations

from bisect import bisect_left

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from engine.types import Float32
from kws_app.gui.attention import Attention
from kws_app.gui.colours import Colours
from kws_app.gui.player import Player
from kws_app.gui.session import Session
from kws_app.gui.widgets.moment_view import MomentView
from kws_app.pcm import to_pcm

GONE = "That moment is more than a minute ago: its audio is gone."
OTHER_STREAM = "That was in an earlier stretch of listening: of that only the clip is there."


class Moments(QObject):
    """Explains moments in a window of its own, made when the first one is asked for.

    Args:
        session: Its memory has the moments.
        player: Plays them.
        colours: Theme.
        owner: Owner of the window.
    """

    notice = Signal(str)
    labelled = Signal(int, int, str)

    def __init__(self, session: Session, player: Player, colours: Colours, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._session = session
        self._player = player
        self._colours = colours
        self._view: MomentView | None = None
        self._attention = self._made_attention()
        self._sample = self._stream = 0

    @property
    def view(self) -> MomentView | None:
        """The explanation that is shown, if there is one."""
        return self._view

    def explain(self, end_sample: int, stream: int) -> None:
        """Show the window that ended nearest to a sample of a stream."""
        moment = None
        if stream == self._session.stream:
            moment = self._session.memory.nearest(end_sample)
        if moment is None:
            self.notice.emit(GONE if stream == self._session.stream else OTHER_STREAM)
            return
        self._sample, self._stream = moment.end_sample, stream
        view = self._shown_view()
        manifest = self._session.manifest
        features = self._session.memory.features(moment)
        seconds = moment.end_sample / manifest.fbank.sample_rate_hz
        view.show_moment(moment, features, manifest, f"{seconds:.1f} s into the stream")
        view.allow_labels(self._session.settings.ledger is not None)
        ends = self._ends()
        view.show_place(bisect_left(ends, moment.end_sample), len(ends))
        view.show()
        view.raise_()
        if not self._attention.is_there:
            view.set_attention(None, "the model folder has no rollout.onnx")
        elif features is not None:
            self._attention.ask(moment.end_sample, features)

    def set_colours(self, colours: Colours) -> None:
        """Take another theme; what is shown is closed."""
        self._colours = colours
        if self._view is not None:
            self._view.end()
            self._view = None

    def set_model(self) -> None:
        """The session has another model."""
        self._attention.retire()
        self._attention = self._made_attention()

    def join(self, timeout_s: float) -> None:
        """Wait for what is computed aside."""
        self._attention.join(timeout_s)

    def _shown_view(self) -> MomentView:
        if self._view is None:
            self._view = view = MomentView(self._colours, self._owner)
            view.step_asked.connect(self._step)
            view.place_asked.connect(self._go_to)
            view.play_asked.connect(self._play)
            view.label_asked.connect(self._label)
        return self._view

    def _ends(self) -> list[int]:
        return [moment.end_sample for moment in self._session.memory.moments()]

    def _step(self, windows: int) -> None:
        # To the next one that was scored: some may have been skipped.
        self._go_to(bisect_left(self._ends(), self._sample) + windows)

    def _go_to(self, place: int) -> None:
        ends = self._ends()
        if ends:
            self.explain(ends[min(max(0, place), len(ends) - 1)], self._stream)

    def _play(self) -> None:
        manifest = self._session.manifest
        audio = self._session.memory.audio(self._sample, manifest.windows.window_samples)
        if audio is not None:
            self._player.start(to_pcm(audio), manifest.fbank.sample_rate_hz)

    def _label(self, label: str) -> None:
        self.labelled.emit(self._stream, self._sample, label)

    def _made_attention(self) -> Attention:
        made = Attention(self._session.manifest, self)
        made.ready.connect(self._show_attention)
        return made

    def _show_attention(self, end_sample: int, weights: Float32 | None, why_not: str) -> None:
        if self._view is not None and end_sample == self._sample:
            self._view.set_attention(weights, why_not)
