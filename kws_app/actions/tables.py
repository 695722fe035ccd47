"""Reads [[action]] tables; what can be known without the model and the machine is checked here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from engine.errors import ConfigError
from kws_app.actions.action import (
    ANY_KEYWORD,
    Action,
    Broker,
    Deed,
    Keystroke,
    Message,
    Program,
    Webhook,
    has_placeholder,
)
from kws_app.actions.keys import parse_keystroke
from kws_app.actions.secret import Secret
from kws_app.actions.table import Table, kind_of

SWITCHES = ("off", "dry-run", "on")
_MAX_COOLDOWN_S = 86_400
_MIN_TIMEOUT_S, _MAX_TIMEOUT_S = 0.1, 3_600
_COMMAND_TIMEOUT_S, _OTHER_TIMEOUT_S = 10.0, 5.0
_MQTT_PORT, _MQTTS_PORT = 1883, 8883
_MAX_TOPIC_BYTES = 65_535  # MQTT 3.1.1, section 1.5.3
_METHODS = ("GET", "POST", "PUT", "PATCH")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # token of RFC 9110, section 5.6.2
_COMMON = ("keyword", "cooldown_s", "min_score", "dry_run", "enabled", "timeout_s")
_KEYS = {
    "command": (),
    "keystroke": (),
    "webhook": ("method", "headers"),
    "mqtt": (
        *("host", "port", "username", "password_file", "password_env", "tls", "ca_file"),
        "payload",
    ),
}
_COMMAND_EXAMPLE = '["amixer", "set", "Master", "toggle"]'
_URL_EXAMPLE = '"http://127.0.0.1:8123/x"'


def read_actions(tables: object, path: Path) -> tuple[Action, ...]:
    """The actions of a settings file.

    Args:
        tables: What its key "action" holds.
        path: The file, for messages.

    Raises:
        ConfigError: Something is unknown, missing, malformed or out of range.
    """
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        wanted = f"it must be tables under [[action]]; the switch is actions = {SWITCHES[-1]!r}"
        raise ConfigError(f"{path}: action is {kind_of(tables)}; {wanted}")
    return tuple(
        _read_action(number, Table(values, f"{path}, action {number}"))
        for number, values in enumerate(tables, 1)
    )


def check_switch(value: object, path: Path) -> None:
    """Refuse what people may take for the switch; raises ConfigError."""
    if isinstance(value, list | dict):
        raise ConfigError(
            f"{path}: actions is {kind_of(value)}; it must be one of {', '.join(SWITCHES)}, "
            "and tables are headed [[action]]"
        )
    if isinstance(value, bool):
        raise ConfigError(
            f"{path}: actions is {str(value).lower()}; "
            f"it must be one of {', '.join(SWITCHES)}, in quotes"
        )


def _read_action(number: int, table: Table) -> Action:
    kind = _kind(table)
    _refuse_unknown(table, kind)
    deed = _READERS[kind](table)
    timeout_s = _COMMAND_TIMEOUT_S if kind == "command" else _OTHER_TIMEOUT_S
    min_score = None
    if "min_score" in table:
        min_score = table.number("min_score", 0, 0, 1, "")
    return Action(
        number=number,
        place=table.place,
        keywords=_keywords(table),
        deed=deed,
        cooldown_s=table.number("cooldown_s", 1.0, 0, _MAX_COOLDOWN_S, " seconds"),
        min_score=min_score,
        dry_run=table.flag("dry_run", default=False),
        enabled=table.flag("enabled", default=True),
        timeout_s=table.number("timeout_s", timeout_s, _MIN_TIMEOUT_S, _MAX_TIMEOUT_S, " seconds"),
        table=table.values,
    )


def _kind(table: Table) -> str:
    kinds = [kind for kind in _KEYS if kind in table]
    if not kinds:
        known = (*_COMMON, *_KEYS, *(key for keys in _KEYS.values() for key in keys))
        table.only(known, {})  # a misspelt one gets its suggestion
        table.fail(f"it does nothing; give it one of {', '.join(_KEYS)}")
    if len(kinds) > 1:
        table.fail(f"it has {' and '.join(kinds)}; write one [[action]] for each")
    return kinds[0]


def _refuse_unknown(table: Table, kind: str) -> None:
    elsewhere = {
        key: f"it goes with {other}, and this is a {kind}"
        for other, keys in _KEYS.items()
        if other != kind
        for key in keys
    }
    elsewhere["password"] = "a password is named by password_file or password_env"  # noqa: S105
    table.only((*_COMMON, kind, *_KEYS[kind]), elsewhere)


def _keywords(table: Table) -> tuple[str, ...]:
    if "keyword" not in table:
        table.fail('keyword is missing; write for example keyword = "stop", or "*" for all')
    value = table.values["keyword"]
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) and word for word in words):
        table.fail(f'keyword is {value!r}; it must be a keyword, a list of them, or "*" for all')
    if ANY_KEYWORD in words and len(words) > 1:
        table.fail(f'keyword is {value!r}; "*" is for all of them and stands alone')
    return tuple(words)


def _program(table: Table) -> Program:
    value = table.values["command"]
    wanted = f"it must be a list of texts, for example {_COMMAND_EXAMPLE}"
    if isinstance(value, str):
        table.fail(f"command is a text; {wanted}: no shell reads it")
    if not isinstance(value, list) or not value:
        table.fail(f"command is {'empty' if value == [] else kind_of(value)}; {wanted}")
    for number, argument in enumerate(value):
        if not isinstance(argument, str):
            table.fail(f"command[{number}] is {argument!r}; it must be a text, in quotes")
        if "\0" in argument:
            table.fail(f"command[{number}] has a NUL character, which no argument can hold")
    if not value[0]:
        table.fail(f"command[0] is empty; it must name a program, for example {_COMMAND_EXAMPLE}")
    if has_placeholder(value[0]):
        table.fail("command[0] has a placeholder; what was heard must not choose the program")
    return Program(arguments=tuple(value))


def _keystroke(table: Table) -> Keystroke:
    text = table.text("keystroke", '"ctrl+shift+m"')
    try:
        return parse_keystroke(text)
    except ValueError as err:
        table.fail(f"keystroke {text!r}: {err}")


def _webhook(table: Table) -> Webhook:
    url = table.text("webhook", _URL_EXAMPLE)
    _check_url(table, url)
    method = table.values.get("method", "POST")
    if method not in _METHODS:
        table.fail(f"method is {method!r}; it must be one of {', '.join(_METHODS)}")
    return Webhook(url=url, method=method, headers=_headers(table))


def _check_url(table: Table, url: str) -> None:
    """Refuse an URL that cannot be called; it is not shown, since it may hold a token."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as err:
        table.fail(f"webhook: {err}; write for example {_URL_EXAMPLE}")
    if parts.scheme not in ("http", "https"):
        table.fail(
            f"webhook has the scheme {parts.scheme!r}; it must be http or https, "
            f"for example {_URL_EXAMPLE}"
        )
    if not parts.hostname or port == 0:
        table.fail(f"webhook has no host; write for example {_URL_EXAMPLE}")
    if "@" in parts.netloc:
        table.fail("webhook has a user or password in it; write an Authorization under headers")
    if not url.isascii() or set(url) & set(' {}<>"\\^`|'):
        table.fail(
            "webhook has characters that no URL may have; write them as %XX. Placeholders "
            "are for commands and mqtt: what was heard is in the body"
        )


def _headers(table: Table) -> dict[str, str | Secret]:
    value = table.values.get("headers", {})
    wanted = 'for example headers = { Authorization = { env = "HOOK_TOKEN" } }'
    if not isinstance(value, dict):
        table.fail(f"headers is {kind_of(value)}; it must be a table, {wanted}")
    return {name: _header(table, name, content, wanted) for name, content in value.items()}


def _header(table: Table, name: str, content: object, wanted: str) -> str | Secret:
    if not _HEADER_NAME.fullmatch(name):
        table.fail(f"headers: {name!r} is no name of a header; {wanted}")
    inner = Table({name: content}, f"{table.place}, headers")
    if isinstance(content, str):
        if not content.isprintable() or not content.isascii():
            inner.fail(f"{name} has control characters or letters outside of ASCII; take them out")
        return content
    if not isinstance(content, Mapping) or set(content) not in ({"env"}, {"file"}):
        inner.fail(f'{name} must be a text, {{ env = "NAME" }} or {{ file = "PATH" }}; {wanted}')
    where = Table(content, f"{inner.place}, {name}")
    return _secret(where, "env", "file")


def _message(table: Table) -> Message:
    topic = table.text("mqtt", '"kws/{keyword}"')
    if set(topic) & set("+#"):
        table.fail(f"mqtt is {topic!r}; a topic to publish to has no + and no #")
    if len(topic.encode()) > _MAX_TOPIC_BYTES:
        table.fail(f"mqtt has {len(topic.encode())} bytes; a topic has {_MAX_TOPIC_BYTES} at most")
    payload = table.values.get("payload")
    if payload is not None and not isinstance(payload, str):
        table.fail(f'payload is {kind_of(payload)}; it must be a text, for example "ON"')
    return Message(topic=topic, payload=payload, broker=_broker(table))


def _broker(table: Table) -> Broker:
    if "host" not in table:
        table.fail('host is missing; name the broker, for example host = "127.0.0.1"')
    if "password_file" in table and "password_env" in table:
        table.fail("it has password_file and password_env; give one of them")
    password = None
    if "password_file" in table or "password_env" in table:
        password = _secret(table, "password_env", "password_file")
    username = table.optional_text("username", '"kws"')
    if password is not None and username is None:
        table.fail("it has a password without a username; MQTT 3.1.1 has none without the other")
    tls = table.flag("tls", default=False)
    if "ca_file" in table and not tls:
        table.fail("it has ca_file without tls; add tls = true")
    port = table.number("port", _MQTTS_PORT if tls else _MQTT_PORT, 1, 65_535, "")
    if not isinstance(port, int):
        table.fail(f"port is {port}; it must be a whole number")
    return Broker(
        host=table.text("host", '"127.0.0.1"'),
        port=port,
        username=username,
        password=password,
        tls=tls,
        ca_file=table.optional_text("ca_file", '"ca.pem"'),
    )


def _secret(table: Table, env_key: str, file_key: str) -> Secret:
    if file_key in table:
        return Secret(place=table.place, path=table.text(file_key, '"secret.txt"'))
    name = table.text(env_key, '"HOOK_TOKEN"')
    if name.startswith("KWS_"):
        table.fail(f"{env_key} is {name!r}; names that begin with KWS_ are settings, take another")
    return Secret(place=table.place, variable=name)


_READERS: dict[str, Callable[[Table], Deed]] = {
    "command": _program,
    "keystroke": _keystroke,
    "webhook": _webhook,
    "mqtt": _message,
}
