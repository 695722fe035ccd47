"""The only reader of flags, KWS_* environment variables and the TOML file.

Each setting is one field of `Settings`. A flag wins over the environment, the environment over
the file, the file over the default.
"""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.backends import BACKEND_NAMES
from engine.config import DecisionConfig
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app import __version__

DEFAULT_MODEL = Path(__file__).parent.parent / "assets" / "models" / "default"
_BACKENDS = ("auto", "tensorrt", *BACKEND_NAMES)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a person can set; `help` in the metadata is what --help prints."""

    device: str | None = field(default=None, metadata={"help": "microphone, by name or index"})
    input: str | None = field(
        default=None, metadata={"help": "sound file, or - for raw 16-bit PCM on standard input"}
    )
    rate: int | None = field(
        default=None, metadata={"help": "rate of the PCM (default 16000) or of the microphone, Hz"}
    )
    channels: int | None = field(
        default=None, metadata={"help": "channels of the PCM or of the microphone (default 1)"}
    )
    realtime: bool = field(default=False, metadata={"help": "pace a file like a microphone"})
    model: Path = field(default=DEFAULT_MODEL, metadata={"help": "model folder"})
    backend: str = field(
        default="auto", metadata={"help": f"{', '.join(_BACKENDS)}; a named one is strict"}
    )
    keywords: tuple[str, ...] | None = field(
        default=None, metadata={"help": "only these keywords, separated by commas"}
    )
    threshold: Mapping[str, float] = field(
        default_factory=dict, metadata={"help": "KEYWORD=VALUE, 0 to 1; may be repeated"}
    )
    smoothing: int | None = field(default=None, metadata={"help": "windows to average"})
    refractory: float | None = field(
        default=None, metadata={"help": "seconds in which a keyword cannot fire again"}
    )
    json: bool = field(default=False, metadata={"help": "one JSON object a line on stdout"})
    posteriors: Path | None = field(
        default=None, metadata={"help": "write every window's posteriors to this .npz file"}
    )
    duration: float | None = field(default=None, metadata={"help": "stop after seconds of audio"})
    max_detections: int | None = field(default=None, metadata={"help": "stop after detections"})
    verbose: int = field(default=0, metadata={"help": "more on stderr; may be repeated"})
    quiet: bool = field(default=False, metadata={"help": "nothing but errors on stderr"})

    def __post_init__(self) -> None:
        """Refuse values that cannot work, whatever they came from."""
        if self.backend not in _BACKENDS:
            raise ConfigError(
                f"backend {self.backend!r} is unknown; choose one of {', '.join(_BACKENDS)}"
            )
        if self.device is not None and self.input is not None:
            raise ConfigError("--device and --input exclude each other; give one of them")
        if self.realtime and self.input is None:
            raise ConfigError("--realtime paces a file; give --input FILE with it")
        _check_positive("duration", self.duration)
        _check_positive("max-detections", self.max_detections)
        _check_positive("rate", self.rate)
        _check_positive("channels", self.channels)
        for word, value in self.threshold.items():
            if not 0 < value <= 1:
                raise ConfigError(
                    f"threshold of {word!r} is {value}; it must be above 0 and at most 1"
                )


@dataclass(frozen=True, kw_only=True)
class Command:
    """What was asked for on the command line.

    Attributes:
        action: "headless", "window", "list-devices" or "print-config".
        settings: The merged settings.
    """

    action: str
    settings: Settings


def read_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """Merge flags, environment and file.

    Args:
        arguments: Without the program's name.
        environment: Usually os.environ.

    Raises:
        ConfigError: Something is unknown, malformed or out of range.
        SystemExit: --help and --version (status 0).
    """
    options = vars(_parser().parse_args(arguments))
    action = next(
        (name for name in ("list-devices", "print-config", "headless") if options.pop(name)),
        "window",
    )
    config_path = options.pop("config") or environment.get("KWS_CONFIG")
    merged: dict[str, Any] = {}
    if config_path:
        merged |= _read_toml(Path(config_path))
    merged |= _read_environment(environment)
    merged |= {name: value for name, value in options.items() if value is not None}
    typed = {name: _convert(name, value) for name, value in merged.items()}
    return Command(action=action, settings=Settings(**typed))


def decision_for(settings: Settings, manifest: ModelManifest) -> DecisionConfig:
    """The manifest's decision settings with the person's wishes over them.

    Raises:
        ConfigError: A keyword is not one of the model's, or a value is out of range.
    """
    words = settings.keywords if settings.keywords is not None else manifest.keywords
    for word in (*words, *settings.threshold):
        if word not in manifest.keywords:
            hint = _hint(word, manifest.keywords)
            raise ConfigError(
                f"{word!r} is not a keyword of model {manifest.name!r}{hint}"
                f"; its keywords: {', '.join(manifest.keywords)}"
            )
    points = {}
    for word in words:
        point = manifest.decision.operating_points[word]
        asked = settings.threshold.get(word)
        points[word] = point if asked is None else point.with_threshold(asked)
    decision = manifest.decision
    refractory = decision.refractory_samples
    if settings.refractory is not None:
        refractory = round(settings.refractory * manifest.fbank.sample_rate_hz)
    return DecisionConfig(
        smoothing_windows=settings.smoothing
        if settings.smoothing is not None
        else decision.smoothing_windows,
        refractory_samples=refractory,
        operating_points=points,
    )


def to_toml(settings: Settings) -> str:
    """The settings as a TOML file that --config reads back; unset ones as comments."""
    lines, tables = [], []
    for item in fields(Settings):
        value = getattr(settings, item.name)
        if isinstance(value, Mapping):
            tables.append(f"[{item.name}]")
            tables += [f"{word} = {number}" for word, number in value.items()]
        elif value is None:
            lines.append(f"# {item.name} = ")
        else:
            lines.append(f"{item.name} = {_toml_value(value)}")
    return "\n".join([*lines, *tables]) + "\n"


class _Parser(argparse.ArgumentParser):
    """Reports mistakes as ConfigError, in one line."""

    def error(self, message: str) -> Any:
        raise ConfigError(f"{message}; --help lists the flags")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m kws_app", description="Hears keywords.", allow_abbrev=False)
    parser.add_argument("--headless", action="store_true", dest="headless", help="no window")
    parser.add_argument(
        "--list-devices", action="store_true", dest="list-devices", help="list the microphones"
    )
    parser.add_argument(
        "--print-config", action="store_true", dest="print-config", help="print the settings"
    )
    parser.add_argument("--config", metavar="FILE", help="TOML file with any of these settings")
    parser.add_argument("--version", action="version", version=f"kws {__version__}")
    short = {"verbose": "-v", "quiet": "-q"}
    for item in fields(Settings):
        flags = [f"--{item.name.replace('_', '-')}"]
        if item.name in short:
            flags.insert(0, short[item.name])
        options: dict[str, Any] = {
            "dest": item.name,
            "default": None,
            "help": item.metadata["help"],
        }
        if item.name == "verbose":
            options["action"] = "count"
        elif item.type == "bool":
            options["action"] = "store_true"
        elif item.name == "threshold":
            options |= {"action": "append", "metavar": "KEYWORD=VALUE"}
        else:
            options["metavar"] = item.name.upper()
        parser.add_argument(*flags, **options)
    return parser


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {f"KWS_{item.name.upper()}": item.name for item in fields(Settings)}
    found = {}
    for variable, value in environment.items():
        if not variable.startswith("KWS_") or variable == "KWS_CONFIG":
            continue
        if variable not in names:
            raise ConfigError(f"environment variable {variable} is unknown{_hint(variable, names)}")
        found[names[variable]] = value
    return found


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path} is not valid TOML: {err}") from err
    known = [item.name for item in fields(Settings)]
    for name in data:
        if name not in known:
            raise ConfigError(f"{path}: setting {name!r} is unknown{_hint(name, known)}")
    return data


def _convert(name: str, value: Any) -> Any:
    """A setting's value from its text, list or TOML form."""
    kind = next(str(item.type) for item in fields(Settings) if item.name == name)
    try:
        if name == "threshold":
            return _thresholds(value)
        if name == "keywords":
            parts = value.split(",") if isinstance(value, str) else list(value)
            return tuple(word.strip() for word in parts if word.strip())
        if kind == "bool":
            return _boolean(value)
        if isinstance(value, bool):
            raise ValueError("a truth value")
        if kind.startswith("int"):
            return int(value) if isinstance(value, str) else _whole(value)
        if kind.startswith("float"):
            return float(value)
        return Path(value) if kind.startswith("Path") else str(value)
    except (TypeError, ValueError, AttributeError) as err:
        wanted = kind.removesuffix(" | None")
        raise ConfigError(f"setting {name!r} is {value!r}; it must be {wanted}") from err


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    return words[value.lower()] if value.lower() in words else _fail(value)


def _fail(value: Any) -> bool:
    raise ValueError(value)


def _thresholds(value: Any) -> dict[str, float]:
    if isinstance(value, Mapping):
        return {str(word): float(number) for word, number in value.items()}
    pairs = value.split(",") if isinstance(value, str) else value
    result = {}
    for pair in pairs:
        word, equals, number = str(pair).partition("=")
        try:
            result[word.strip()] = float(number)
        except ValueError as err:
            raise ConfigError(
                f"--threshold {pair!r} is not KEYWORD=VALUE, for example yes=0.8"
            ) from err
        if not equals or not word.strip():
            raise ConfigError(f"--threshold {pair!r} is not KEYWORD=VALUE, for example yes=0.8")
    return result


def _check_positive(name: str, value: float | None) -> None:
    if value is not None and not 0 < value < float("inf"):
        raise ConfigError(f"--{name} is {value}; it must be above 0")


def _hint(name: str, known: Any) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
