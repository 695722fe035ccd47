"""A ledger beside a stream that does not end with it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Self

from engine.errors import ConfigError, KwsError
from engine.scorer import ScoredWindow
from engine.types import Float32
from kws_app.ledger.keeper import LedgerKeeper

_AGAIN_S = 300.0
# On the scorer thread; another process holds a ledger for milliseconds, or it hangs.
_WAIT_S = 0.3


class LedgerOutput:
    """Keeps clips while that is possible, and tries again every five minutes of audio.

    Args:
        make: A new keeper.
        sample_rate_hz: Rate of the model.
        tell: Takes a line for people.
        goes_on: Whether what cannot be kept does not end the stream.

    Attributes:
        failure: The first thing that kept a clip from being kept.
    """

    def __init__(
        self,
        make: Callable[[], LedgerKeeper],
        sample_rate_hz: int,
        tell: Callable[[str], None],
        *,
        goes_on: bool,
    ) -> None:
        self._make = make
        self._goes_on = goes_on
        self._again_samples = round(_AGAIN_S * sample_rate_hz)
        self._tell = tell
        self._keeper: LedgerKeeper | None = make()
        self._heard_samples = self._again_at = 0
        self.failure: KwsError | None = None

    @property
    def is_keeping(self) -> bool:
        """Whether clips are kept now."""
        return self._keeper is not None

    def __enter__(self) -> Self:
        """Make the folder, later where the disk is full.

        Raises:
            ConfigError: It can never be kept there.
            KwsError: It cannot be kept, and that ends the stream.
        """
        if self._keeper is not None:
            try:
                self._keeper.__enter__()
            except ConfigError:
                raise
            except KwsError as err:
                # A service that is started on a full disk must hear as well.
                if not self._goes_on:
                    raise
                self._put_off(err)
        return self

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take what the model hears, shape [n], after so many lost samples.

        Raises:
            KwsError: What cannot be kept ends the stream.
        """
        before = 0
        if self._keeper is None and self._heard_samples >= self._again_at:
            self._begin_again()
            before = self._heard_samples  # it counts from the beginning of the stream
        self._heard_samples += lost_samples + len(samples)
        if self._keeper is not None:
            try:
                self._keeper.hear(samples, lost_samples + before)
            except KwsError as err:
                if not self._goes_on:
                    raise
                self._give_up(self._keeper, err)

    def see(self, scored: ScoredWindow) -> None:
        """Take a scored window."""
        if self._keeper is not None:
            self._keeper.see(scored)

    def __exit__(self, kind: type[BaseException] | None, *exc_info: object) -> None:
        """Write what is still waiting; raises KwsError if that cannot be."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.__exit__(kind, *exc_info)

    def _begin_again(self) -> None:
        self._again_at = self._heard_samples + self._again_samples
        keeper = self._make()
        with contextlib.suppress(KwsError):  # as before; that was told
            keeper.begin(_WAIT_S)
            self._keeper = keeper

    def _give_up(self, keeper: LedgerKeeper, err: KwsError) -> None:
        with contextlib.suppress(KwsError):  # the first error is the one to tell
            keeper.__exit__(type(err), err, None)
        self._put_off(err)

    def _put_off(self, err: KwsError) -> None:
        self._keeper = None
        self._again_at = self._heard_samples + self._again_samples
        self.failure = self.failure or err
        self._tell(
            f"{err}; listening goes on, and it is tried again in {_AGAIN_S / 60:.0f} minutes"
        )
