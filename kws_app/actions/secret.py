"""Where a password or token is kept: outside the settings file, and never in a message."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A text that is read when it is needed.

    Attributes:
        place: Whose it is, for messages.
        variable: Name of the environment variable that holds it, or None.
        path: The file that holds it, or None.
    """

    place: str
    variable: str | None = None
    path: str | None = None

    def read(self) -> str:
        """The text, without the end of its line.

        Raises:
            ConfigError: It is not there, empty, or more than one line.
        """
        if self.variable is not None:
            source = f"environment variable {self.variable}"
            text = os.environ.get(self.variable)
            if text is None:
                raise ConfigError(f"{self.place}: {source} is not set; export it")
        else:
            source = f"file {self.path}"
            text = self._read_file()
        text = text.rstrip("\r\n")
        if not text:
            raise ConfigError(f"{self.place}: {source} is empty; put the secret into it")
        if not text.isprintable():
            raise ConfigError(
                f"{self.place}: {source} holds more than one line, or control characters; "
                "it must be one line of text"
            )
        return text

    def _read_file(self) -> str:
        path = Path(self.path or "")
        try:
            path = path.expanduser().absolute()  # told in full: it need not lie beside the settings
            return path.read_text(encoding="utf-8")
        except OSError as err:
            raise ConfigError(f"{self.place}: cannot read {path}: {err.strerror}") from err
        except RuntimeError as err:
            raise ConfigError(f"{self.place}: {self.path} names no home directory") from err
        except UnicodeDecodeError:
            # The error holds the text: it must not be chained into a traceback.
            raise ConfigError(f"{self.place}: {self.path} is not UTF-8 text") from None
