"""The session that the window begins with, whatever its settings file says by now. No Qt."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from engine.errors import ConfigError, ModelError
from engine.manifest import ModelManifest, load_manifest
from kws_app.gui.preferences import Preferences
from kws_app.gui.session import Session
from kws_app.settings import Settings, decision_for
from kws_app.streams import say

OF_A_MODEL = ("keywords", "threshold", "smoothing", "refractory")


def first_session(preferences: Preferences) -> tuple[Session, list[str]]:
    """Make a session, without what of the settings file can't be used any more.

    A model's folder may have gone, or another model may not know a keyword: nobody should have to
    mend a file to see the window again.

    Args:
        preferences: They do without what is left out.

    Returns:
        The session, and a line for each setting that was left out.

    Raises:
        ConfigError: A flag or the environment asked for what cannot work.
        ModelError: The same of a model.
    """
    told: list[str] = []

    def leave_out(name: str, rest: Any, err: Exception) -> bool:
        value = getattr(preferences.settings, name)
        if not preferences.leave_out(name, rest):
            return False
        why = str(err).partition("; its keywords")[0]  # all of them fill the window
        told.append(f"{name} = {_shown(value)} in {preferences.path} is not used: {why}")
        return True

    try:
        manifest = load_manifest(preferences.settings.model)
    except ModelError as err:
        if not leave_out("model", None, err):
            raise
        manifest = load_manifest(preferences.settings.model)
    for name, rest, why in list(_unfit(preferences.settings, manifest)):
        leave_out(name, rest, why)
    for line in told:
        say(line)
    return Session(preferences.settings), told


def _unfit(settings: Settings, manifest: ModelManifest) -> Iterator[tuple[str, Any, ConfigError]]:
    """Settings that the model does not take, and what of each it does."""
    for name in OF_A_MODEL:
        value = getattr(settings, name)
        try:
            decision_for(replace(Settings(), **{name: value}), manifest)
        except ConfigError as err:
            yield name, _rest(name, value, manifest), err


def _rest(name: str, value: Any, manifest: ModelManifest) -> Any:
    if name == "keywords":
        return tuple(word for word in value if word in manifest.keywords) or None
    if name == "threshold":
        return {word: at for word, at in value.items() if word in manifest.keywords}
    return None


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return str(dict(value)) if isinstance(value, dict) else str(value)
