"""From the switch and the tables to a runner; what the model and the machine lack is told here."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable, Sequence

from engine.errors import ConfigError
from engine.manifest import ModelManifest
from kws_app.actions.action import ANY_KEYWORD, Action, Keystroke, Message, Program, Webhook
from kws_app.actions.keyboard import check_keystroke
from kws_app.actions.mqtt import require_paho
from kws_app.actions.runner import ActionRunner
from kws_app.actions.secret import Secret
from kws_app.arguments import hint


def make_runner(
    switch: str,
    actions: Sequence[Action],
    manifest: ModelManifest,
    on_line: Callable[[str], None],
    *,
    on_failure: Callable[[str], None] | None = None,
    level: int = 0,
) -> ActionRunner:
    """The runner for these actions; it has none when they are off.

    Args:
        switch: "off", "dry-run" or "on".
        actions: As they were read.
        manifest: The model that listens.
        on_line: Takes a line for people; also called from the runner's thread.
        on_failure: See `ActionRunner`.
        level: See `ActionRunner`.

    Raises:
        ConfigError: A keyword is not one of the model's, or this machine lacks what an action
            needs. Nothing of this is looked at when they are off, or for a disabled one.
    """
    enabled = [action for action in actions if action.enabled]
    is_on = switch != "off"
    if is_on:
        for action in enabled:
            _check_keywords(action, manifest)
            _check_machine(action)
    if level >= 0:
        line = _state(switch, enabled, actions)
        if line is not None:
            on_line(line)
    return ActionRunner(
        enabled if is_on else [],
        manifest.fbank.sample_rate_hz,
        on_line,
        on_failure=on_failure,
        dry_run=switch == "dry-run",
        level=level,
    )


def _state(switch: str, enabled: Sequence[Action], actions: Sequence[Action]) -> str | None:
    if switch == "off":
        if not actions:
            return None
        return (
            f"actions are off ({len(actions)} in the settings file): --actions on does them, "
            "--actions dry-run only says what it would do"
        )
    if not enabled:
        return f"actions are {switch}, but no enabled [[action]] was read; --config names the file"
    said = "only said, not done" if switch == "dry-run" else "on"
    return f"actions are {said}: {len(enabled)} of {len(actions)} enabled"


def _check_keywords(action: Action, manifest: ModelManifest) -> None:
    for word in action.keywords:
        if word != ANY_KEYWORD and word not in manifest.keywords:
            raise ConfigError(
                f"{action.place}: {word!r} is not a keyword of model {manifest.name!r}"
                f"{hint(word, manifest.keywords)}; its keywords: {', '.join(manifest.keywords)}"
            )


def _check_machine(action: Action) -> None:
    match action.deed:
        case Program(arguments=(name, *_)):
            if shutil.which(name) is None:
                raise ConfigError(
                    f"{action.place}: no program {name!r} is on PATH; install it, or write where "
                    "it is, beginning with /"
                )
        case Keystroke() as keystroke:
            check_keystroke(keystroke, action.place)
        case Webhook(headers=headers):
            for value in headers.values():
                if isinstance(value, Secret) and not value.read().isascii():
                    raise ConfigError(
                        f"{value.place}: the secret has letters outside of ASCII, "
                        "which no header can hold"
                    )
        case Message(broker=broker):
            require_paho(action.place)
            if broker.password is not None:
                broker.password.read()
            _check_certificates(action.place, broker.ca_file)


def _check_certificates(place: str, path: str | None) -> None:
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as err:  # also of ssl
        reason = "no certificates in PEM format" if isinstance(err, ssl.SSLError) else err.strerror
        raise ConfigError(f"{place}: cannot use ca_file {path}: {reason}") from err
