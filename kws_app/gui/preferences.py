"""What a person set in the window, kept in the TOML file that --config reads too.

A flag wins over the environment, that over the file, that over the default; what is set in the
window wins until it is closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.toml_text import is_text
from kws_app.arguments import hint
from kws_app.config_file import WINDOW_TABLE
from kws_app.gui.toml_file import Changes, read_toml, save_toml
from kws_app.gui.window_state import WindowState, window_state_of
from kws_app.settings import Settings, lay_over, settings_of
from kws_app.streams import say

_DEFAULTS = Settings()


class Preferences:
    """The settings in force and how the window was left; changes are kept until `save`.

    Attributes:
        path: The file.
        problem: Why the file was not used, or None. It is never overwritten then.
    """

    def __init__(self, path: Path, given: Mapping[str, Any]) -> None:
        """Start with the defaults; `load` is the way to make one."""
        self.path = path
        self.problem: str | None = None
        self._given = frozenset(given)
        self._left_out: set[str] = set()
        self._values: dict[str, Any] = dict(given)
        self._settings = Settings(**self._values)
        self._window = WindowState()
        self._changes: Changes = {}
        self._last_said = ""

    @classmethod
    def load(cls, path: Path, given: Mapping[str, Any] | None = None) -> Preferences:
        """Read the file; one that is not there yet is empty.

        Args:
            path: Of the file.
            given: What flags and environment said (`Command.given`); wins over the file.

        A file that cannot be used is said, on stderr and in `problem`; the defaults are in force.
        """
        made = cls(path, given or {})
        try:
            settings, window = _checked(read_toml(path), path)
        except ConfigError as err:
            made.problem = f"{err}; the window starts with its defaults: mend or remove the file"
            say(made.problem)
            return made
        made._values = lay_over(settings, made._values)
        made._settings = Settings(**made._values)
        made._window = window
        return made

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self._settings

    @property
    def window(self) -> WindowState:
        """How the window was left."""
        return self._window

    def leave_out(self, name: str, rest: Any = None) -> bool:
        """Do without a setting of the file that cannot work; the file stays as it is.

        Args:
            name: The setting.
            rest: What of it can; None for the default.

        Returns:
            Whether the file has it; a flag or the environment is not overruled.
        """
        if name in self._given or name not in self._values:
            return False
        self._left_out.add(name)
        values = {key: value for key, value in self._values.items() if key != name}
        self._values = values if rest is None else {**values, name: rest}
        self._settings = Settings(**self._values)
        return True

    def settle(self, *names: str) -> None:
        """A person has chosen: what was left out of the file goes from it, too, with `save`."""
        for name in self._left_out.intersection(names):
            self._left_out.discard(name)
            own = {path: value for path, value in self._changes.items() if path[0] == name}
            others = {path: value for path, value in self._changes.items() if path[0] != name}
            self._changes = {**others, (name,): None, **own}  # what was chosen comes after it

    def update(self, values: Mapping[str, Any]) -> Settings:
        """Change settings, in force at once; `save` writes them.

        What stays as it is, is not written, so that no flag gets into the file: the whole of
        `vars(settings)` may be given.

        Args:
            values: By name; None is the default.

        Returns:
            The settings in force.

        Raises:
            ConfigError: A value cannot work; nothing is changed.
        """
        known = [item.name for item in fields(Settings)]
        for name in values:
            if name not in known:
                raise ConfigError(f"setting {name!r} is unknown{hint(name, known)}")
        typed = settings_of({n: v for n, v in values.items() if v is not None}, self.path)
        wanted = {name: typed.get(name, getattr(_DEFAULTS, name)) for name in values}
        changed = {n for n, v in wanted.items() if v != getattr(self._settings, n)}
        own = {name: value for name, value in typed.items() if name in changed}
        removed = (changed - set(own)) | _out_of_force(own)
        laid = lay_over(self._values, own)
        merged = {name: value for name, value in laid.items() if name not in removed}
        settings = Settings(**merged)
        self._note(own, removed)
        self._values, self._settings = merged, settings
        return settings

    def update_window(self, **values: Any) -> WindowState:
        """Change what is remembered of the window; `save` writes it.

        Raises:
            ConfigError: A value cannot work; nothing is changed.
        """
        before, self._window = self._window.as_toml(), replace(self._window, **values)
        for name, value in self._window.as_toml().items():
            if value != before[name]:
                self._changes[WINDOW_TABLE, name] = value
        return self._window

    def save(self) -> str | None:
        """Write what was changed, key by key, over what the file says by now.

        Returns:
            Why it could not be written, also said on stderr; None when all is well. The changes are
            kept for another try.
        """
        if not self._changes:
            return None
        unfit = [path for path, value in self._changes.items() if not _is_text(value)]
        fit = {path: value for path, value in self._changes.items() if path not in unfit}
        try:
            if fit:
                save_toml(self.path, fit, lambda data: _checked(data, self.path))
        except ConfigError as err:
            return self._say_once(f"settings are not saved: {err}")
        self._changes.clear()
        self._last_said = ""
        if fit:
            self.problem = None
        if unfit:
            names = ", ".join(sorted(".".join(path) for path in unfit))
            return self._say_once(f"not saved: {names}; a file's name there is no UTF-8 text")
        return None

    def _say_once(self, text: str) -> str:
        if text != self._last_said:
            say(text)
        self._last_said = text
        return text

    def _note(self, own: Mapping[str, Any], removed: set[str]) -> None:
        for name in removed:
            self._changes = {path: v for path, v in self._changes.items() if path[0] != name}
            self._changes[(name,)] = None
        for name, value in own.items():
            if not isinstance(value, Mapping):
                self._changes[(name,)] = _as_toml(value)
                continue
            before = getattr(self._settings, name)
            for word in {*value, *before}:
                if value.get(word) != before.get(word):
                    self._changes[name, word] = value.get(word)


def _checked(data: Mapping[str, Any], path: Path) -> tuple[dict[str, Any], WindowState]:
    """What a file says, if all of it can be used."""
    values = settings_of(data, path)
    try:
        Settings(**values)
    except ConfigError as err:
        raise ConfigError(f"{path}: {err}") from err
    return values, window_state_of(data.get(WINDOW_TABLE, {}), path)


def _out_of_force(own: Mapping[str, Any]) -> set[str]:
    """Settings that a new microphone or a new sound file makes meaningless."""
    everything = {"device": "", "input": "", "realtime": False}
    return set(everything) - set(lay_over(everything, own))


def _is_text(value: Any) -> bool:
    """Whether a TOML file can hold it: names of files may hold any bytes."""
    return all(
        is_text(text)
        for text in (value if isinstance(value, list) else [value])
        if isinstance(text, str)
    )


def _as_toml(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
