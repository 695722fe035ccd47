"""Goes through unlabelled entries in the terminal: play, ask, save at once."""

from __future__ import annotations

from collections.abc import Callable

from engine.audio.playback import play
from engine.errors import ConfigError, DeviceError, SourceError
from engine.types import Float32
from kws_app.ledger.entries import RIGHT, WRONG, Entry
from kws_app.ledger.store import Ledger
from kws_app.streams import ask, emit, say

_QUESTION = "r(ight), w(rong), another WORD, s(kip), p(lay again), q(uit)?"
_MAX_CLIP_S = 60
_SHORT = {"r": RIGHT, "w": WRONG}


def review(ledger: Ledger, describe: Callable[[Entry], str]) -> None:
    """Ask for the label of every unlabelled entry, until one says quit or goes away.

    Args:
        ledger: The ledger.
        describe: An entry in one line.

    Raises:
        KwsError: The ledger cannot be read or written.
        BrokenPipeError: Nobody reads the questions.
    """
    entries = [entry for entry in ledger.entries() if entry.label is None]
    player = _Player(ledger)
    labelled = 0
    try:
        for number, entry in enumerate(entries, 1):
            emit(f"{number} of {len(entries)}: {describe(entry)}")
            player.play(entry)
            answer = _answer(ledger, entry, player)
            if answer is None:
                break
            labelled += answer
    except KeyboardInterrupt:
        emit("")  # the prompt of the shell begins a line of its own
    say(f"{labelled} labelled, {len(entries) - labelled} left")


def _answer(ledger: Ledger, entry: Entry, player: _Player) -> bool | None:
    """Ask until the entry is labelled (True) or skipped (False); None to end the review."""
    while True:
        text = ask(_QUESTION)
        if text is None:
            emit("")
            return None
        text = text.strip()
        if text == "q":
            return None
        if text == "s":
            return False
        if text == "p":
            player.play(entry)
        elif text:
            try:
                ledger.label([entry.id], _SHORT.get(text, text))
            except ConfigError as err:  # a word that is none, or an entry that is gone by now
                say(str(err))
            else:
                return True


class _Player:
    """Plays clips; says once why it cannot, and goes on without sound."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._is_mute = False

    def play(self, entry: Entry) -> None:
        if self._is_mute:
            return
        try:
            play(*_read(self._ledger, entry))
        except DeviceError as err:
            self._is_mute = True
            say(str(err))
        except SourceError as err:
            say(str(err))


def _read(ledger: Ledger, entry: Entry) -> tuple[Float32, int]:
    import soundfile

    path = ledger.clip_path(entry)
    try:
        with soundfile.SoundFile(path) as file:
            file.seekable = lambda: False  # or its header decides how much memory is taken
            rate_hz = int(file.samplerate)
            return file.read(_MAX_CLIP_S * rate_hz, dtype="float32"), rate_hz
    except (OSError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}") from err
