"""What worked before, and comes back where something new fails. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.errors import KwsError, SourceError
from engine.manifest import ModelManifest
from kws_app.settings import Settings

_PIPELINE = ("device", "fallback_device", "input", "realtime", "rate", "channels", "backend")


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """What worked before.

    Attributes:
        settings: As they were.
        manifest: Kept, not loaded again: its folder may have gone meanwhile.
    """

    settings: Settings
    manifest: ModelManifest

    def is_done_with(self, begun: Settings) -> bool:
        """Whether nothing of it is needed any more, since something else has begun.

        A recording that has begun may still turn out to be damaged, at any of its samples.
        """
        before = self.settings
        is_same = (before.device, before.input) == (begun.device, begun.input)
        return begun.input is None or is_same

    def helps(self, err: KwsError, *, has_begun: bool) -> bool:
        """Whether going back mends it: not where a backend breaks down in a sound recording."""
        return not has_begun or isinstance(err, SourceError)

    def instead_of(self, failed: Settings) -> Settings:
        """The settings to go back to; what was changed since and has not failed stays."""
        before = self.settings
        if before.model != failed.model:
            return before  # thresholds belong to their model
        return replace(failed, **{name: getattr(before, name) for name in _PIPELINE})

    def name_for(self, failed: Settings) -> str:
        """Name what one gets back."""
        before = self.settings
        if (before.device, before.input) != (failed.device, failed.input):
            return before.input or before.device or "the default microphone"
        if before.model != failed.model:
            return f"model {before.model.name}"
        if before.backend != failed.backend:
            return f"backend {before.backend}"
        return "what was set before"
