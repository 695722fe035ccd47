"""The only reader of flags, KWS_* environment variables and the TOML file.

Each setting is one field of `Settings`. A flag wins over the environment, the environment over
the file, the file over the default.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.backends import BACKEND_NAMES
from engine.config import DecisionConfig
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app.actions.action import Action
from kws_app.actions.tables import SWITCHES
from kws_app.arguments import hint
from kws_app.config_file import parse_config, read_config_file
from kws_app.flags import COMMANDS, make_parser
from kws_app.resources import asset
from kws_app.values import convert, to_toml_value

DEFAULT_MODEL = asset("models/default")
MAX_DAYS = 36_500  # a hundred years: dates can still be counted back
MAX_REFRACTORY_S = 3_600
_MAX_DURATION_S = MAX_DAYS * 86_400
_ACTIONS = {  # the first one asked for counts
    "list-devices": "list the microphones",
    "print-config": "print the settings as TOML",
    "headless": "listen without a window",
}
_HEADLESS_ONLY = ("duration", "max_detections", "json", "posteriors", "health")
BACKENDS = ("auto", *BACKEND_NAMES)
_RANGES: dict[str, tuple[str, Callable[[float], bool]]] = {
    **dict.fromkeys(
        ("max_detections", "rate", "channels", "record_hours", "ledger_mb"),
        ("above 0", lambda value: 0 < value < math.inf),
    ),
    # What is counted in samples must stay countable.
    "duration": (
        f"above 0 and at most {_MAX_DURATION_S} seconds",
        lambda value: 0 < value <= _MAX_DURATION_S,
    ),
    "refractory": (
        f"0 to {MAX_REFRACTORY_S} seconds",
        lambda value: 0 <= value <= MAX_REFRACTORY_S,
    ),
    "near_miss": ("above 0 and at most 1", lambda value: 0 < value <= 1),
    "ledger_days": (f"above 0 and at most {MAX_DAYS}", lambda value: 0 < value <= MAX_DAYS),
}

_AUDIO, _HEARD, _OUTPUT = "where the audio comes from", "what is heard", "what comes out"


def _setting(
    text: str,
    group: str,
    metavar: str = "",
    *,
    default: Any = None,
    factory: Callable[[], Any] | None = None,
) -> Any:
    metadata = {"help": text, "group": group, "metavar": metavar}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a person can set; the metadata is what --help prints."""

    device: str | None = _setting("microphone, by name or index", _AUDIO, "NAME|INDEX")
    fallback_device: str | None = _setting(
        "listened to while the other microphone is not there", _AUDIO, "NAME|INDEX"
    )
    input: str | None = _setting(
        "sound file, or - for raw signed 16-bit PCM on standard input", _AUDIO, "FILE|-"
    )
    rate: int | None = _setting(
        "rate of the PCM (default 16000) or of the microphone", _AUDIO, "HZ"
    )
    channels: int | None = _setting(
        "channels of the PCM or of the microphone (default 1)", _AUDIO, "N"
    )
    realtime: bool = _setting("pace a file like a microphone", _AUDIO, default=False)
    duration: float | None = _setting("stop after so many seconds of audio", _AUDIO, "S")
    model: Path = _setting("model folder", _HEARD, "DIR", default=DEFAULT_MODEL)
    backend: str = _setting(
        f"{', '.join(BACKENDS)}; a named one is strict", _HEARD, "NAME", default="auto"
    )
    keywords: tuple[str, ...] | None = _setting("only these fire", _HEARD, "WORD,WORD")
    threshold: Mapping[str, float] = _setting(
        "fire at or above this, 0 to 1; may be repeated", _HEARD, "WORD=VALUE", factory=dict
    )
    smoothing: int | None = _setting("windows to average", _HEARD, "N")
    refractory: float | None = _setting("seconds in which a keyword cannot fire again", _HEARD, "S")
    max_detections: int | None = _setting("stop after so many detections", _HEARD, "N")
    json: bool = _setting("one JSON object a line on stdout", _OUTPUT, default=False)
    posteriors: Path | None = _setting(
        "write every window's posteriors to this file", _OUTPUT, "FILE.npz"
    )
    record: Path | None = _setting(
        "write the samples that the model hears to this file", _OUTPUT, "FILE.flac|FILE.wav"
    )
    record_hours: float = _setting(
        "end the recording at this length; listening goes on", _OUTPUT, "HOURS", default=24.0
    )
    ledger: Path | None = _setting(
        "keep the audio of detections and near misses in this folder", _OUTPUT, "DIR"
    )
    near_miss: float = _setting(
        "a near miss is this fraction of the threshold or more", _OUTPUT, "FRACTION", default=0.6
    )
    ledger_days: float = _setting("remove what is older", _OUTPUT, "DAYS", default=30.0)
    ledger_mb: float = _setting("remove the oldest above this size", _OUTPUT, "MB", default=200.0)
    actions: str = _setting(
        "do what the [[action]] tables of --config say, or only say what it would do",
        _OUTPUT,
        "|".join(SWITCHES),
        default="off",
    )
    health: Path | None = _setting(
        "write how it goes to this file, every second in which something is scored", _OUTPUT, "FILE"
    )
    verbose: int = _setting("more on stderr; may be repeated", _OUTPUT, default=0)
    quiet: bool = _setting("nothing but errors on stderr", _OUTPUT, default=False)

    def __post_init__(self) -> None:
        """Refuse values that cannot work, whatever they came from."""
        if self.backend not in BACKENDS:
            raise ConfigError(
                f"backend {self.backend!r} is unknown; choose one of {', '.join(BACKENDS)}"
            )
        if self.actions not in SWITCHES:
            wanted = ", ".join(SWITCHES)
            raise ConfigError(
                f"actions is {self.actions!r}; it must be one of {wanted}"
                f"{hint(self.actions, SWITCHES)}"
            )
        self._require_one_source()
        for name, (wanted, fits) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not fits(value):
                raise ConfigError(f"{name} is {value}; it must be {wanted}")
        for word, value in self.threshold.items():
            if not 0 < value <= 1:
                raise ConfigError(
                    f"threshold of {word!r} is {value}; it must be above 0 and at most 1"
                )

    def _require_one_source(self) -> None:
        if self.device is not None and self.input is not None:
            raise ConfigError("--device and --input exclude each other; give one of them")
        if self.fallback_device is not None and self.fallback_device == self.device:
            raise ConfigError(
                f"fallback_device is {self.device!r}, as device is; name another microphone"
            )
        for name, device in (("device", self.device), ("fallback_device", self.fallback_device)):
            if device is not None and not device.strip():  # would be a part of every name
                raise ConfigError(
                    f"{name} is empty; name a microphone (--list-devices), or leave {name} out"
                )
        if self.input == "":
            raise ConfigError("input is empty; name a sound file, or - for standard input")
        if self.realtime and self.input is None:
            raise ConfigError("--realtime paces a file; give --input FILE with it")


@dataclass(frozen=True, kw_only=True)
class Command:
    """What was asked for on the command line.

    Attributes:
        action: "headless", "window", "list-devices" or "print-config".
        settings: The merged settings.
        given: What flags and environment said, which wins over any file.
        file: The TOML file that was named.
        actions: The [[action]] tables of the file.
    """

    action: str
    settings: Settings
    given: Mapping[str, Any] = field(default_factory=dict)
    file: Path | None = None
    actions: tuple[Action, ...] = ()


def read_command(arguments: Sequence[str], environment: Mapping[str, str]) -> Command:
    """Merge flags, environment and file.

    Args:
        arguments: Without the program's name.
        environment: Usually os.environ.

    Raises:
        ConfigError: Something is unknown, malformed or out of range.
        SystemExit: --help and --version (status 0).
    """
    options = _parse(arguments)
    chosen = [name for name in _ACTIONS if options.pop(name)]
    action = chosen[0] if chosen else "window"
    config = options.pop("config") or environment.get("KWS_CONFIG")
    file = Path(config) if config else None
    flags = {name: value for name, value in options.items() if value is not None}
    given = lay_over(_typed(_read_environment(environment)), _typed(flags))
    held: dict[str, Any] = {}
    actions: tuple[Action, ...] = ()
    if file is not None:
        found = read_config_file(file, _names())
        held, actions = _typed(found.settings), found.actions
    settings = Settings(**lay_over(held, given))
    return Command(action=action, settings=settings, given=given, file=file, actions=actions)


def require_window_has(given: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Refuse what was asked for and the window would not do.

    What a file says of it is left alone: it may serve the console as well.

    Args:
        given: `Command.given`.
        environment: That it was read from.

    Raises:
        ConfigError: Something goes with --headless.
    """
    for name in _HEADLESS_ONLY:
        if given.get(name) not in (None, False):
            variable, flag = f"KWS_{name.upper()}", f"--{name.replace('_', '-')}"
            asked = variable if variable in environment else flag
            raise ConfigError(f"{asked} goes with --headless; the window does not have it")
    if given.get("input") == "-":
        raise ConfigError("--input - goes with --headless; the window reads no standard input")


def lay_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by name, the nearer ones over the others.

    A nearer microphone puts a file to listen to out of force, and the other way round.
    """
    hidden: set[str] = set()
    if over.get("device") is not None:
        hidden |= {"input", "realtime"}
    if over.get("input") is not None:
        hidden |= {"device"}
    return {name: value for name, value in under.items() if name not in hidden} | dict(over)


def settings_of(data: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The settings in the tables of a TOML file.

    Args:
        data: The file's values.
        path: For messages.

    Raises:
        ConfigError: One is unknown or of the wrong kind.
    """
    return _typed(parse_config(data, path, _names()).settings)


def decision_for(settings: Settings, manifest: ModelManifest) -> DecisionConfig:
    """The manifest's decision settings with the person's wishes over them.

    Raises:
        ConfigError: A keyword is not one of the model's, or a value is out of range.
    """
    words = settings.keywords if settings.keywords is not None else manifest.keywords
    if not words:
        raise ConfigError("keywords is empty; name at least one, or leave it out for all")
    for word in (*words, *settings.threshold):
        if word not in manifest.keywords:
            suggestion = hint(word, manifest.keywords)
            raise ConfigError(
                f"{word!r} is not a keyword of model {manifest.name!r}{suggestion}"
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


def to_toml(settings: Settings, actions: Sequence[Action] = ()) -> str:
    """A TOML file that --config reads back; unset settings as comments."""
    lines, tables = [], []
    for item in fields(Settings):
        value = getattr(settings, item.name)
        if isinstance(value, Mapping):
            tables.append(f"[{item.name}]")
            tables += [f"{to_toml_value(word)} = {number}" for word, number in value.items()]
        elif value is None:
            lines.append(f"# {item.name} = ")
        else:
            lines.append(f"{item.name} = {to_toml_value(value)}")
    for action in actions:
        tables.append("[[action]]")
        tables += [f"{key} = {to_toml_value(value)}" for key, value in action.table.items()]
    return "\n".join([*lines, *tables])


def _parse(arguments: Sequence[str]) -> dict[str, Any]:
    parser = make_parser(fields(Settings), _ACTIONS)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        flag = unknown[0].partition("=")[0]
        known = [f"--{item.name.replace('_', '-')}" for item in fields(Settings)]
        known += [f"--{name}" for name in (*_ACTIONS, "config", "version")]
        known += COMMANDS
        raise ConfigError(f"unknown argument {flag!r}{hint(flag, known)}; --help lists them")
    return vars(options)


def _read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {f"KWS_{item.name.upper()}": item.name for item in fields(Settings)}
    found = {}
    for variable, value in environment.items():
        if not variable.startswith("KWS_") or variable == "KWS_CONFIG":
            continue
        if variable not in names:
            raise ConfigError(f"environment variable {variable} is unknown{hint(variable, names)}")
        found[names[variable]] = value
    return found


def _names() -> list[str]:
    return [item.name for item in fields(Settings)]


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {item.name: str(item.type) for item in fields(Settings)}
    return {
        # No file or folder: not the one that a farther place names. "" would be "." otherwise.
        name: None
        if value == "" and kinds[name] == "Path | None"
        else convert(name, kinds[name], value)
        for name, value in values.items()
    }
