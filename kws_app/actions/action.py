"""What one [[action]] table asks for, as values; and the placeholders in them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.types import Detection
from kws_app.actions.secret import Secret

ANY_KEYWORD = "*"
PLACEHOLDERS = ("keyword", "score", "time_s")
_PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


@dataclass(frozen=True, kw_only=True)
class Program:
    """Start a program.

    Attributes:
        arguments: Its name and its arguments; no shell reads them.
    """

    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Keystroke:
    """Press keys together and let them go.

    Attributes:
        text: As it was written, for people.
        keysyms: X keysyms in the order in which they go down, the key itself last.
    """

    text: str
    keysyms: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """Send an HTTP request.

    Attributes:
        url: http or https.
        method: GET sends no body.
        headers: More headers; values are text or where to find it. Never shown.
    """

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str | Secret] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Broker:
    """Where messages are published.

    Attributes:
        host: Name or address.
        port: TCP port.
        username: None for none.
        password: Where to find it; None for none.
        tls: Whether to encrypt and to verify the broker's certificate.
        ca_file: Certificates to verify it with; None for those of the system.
    """

    host: str
    port: int
    username: str | None
    password: Secret | None
    tls: bool
    ca_file: str | None


@dataclass(frozen=True, kw_only=True)
class Message:
    """Publish to MQTT.

    Attributes:
        topic: With placeholders.
        payload: With placeholders; None for the detection as JSON.
        broker: Where.
    """

    topic: str
    payload: str | None
    broker: Broker


Deed = Program | Keystroke | Webhook | Message


@dataclass(frozen=True, kw_only=True)
class Action:
    """One [[action]] table.

    Attributes:
        number: Its place among the tables, from 1.
        place: The same with the file, for messages: "kws.toml, action 2".
        keywords: What it is done for; "*" is every keyword.
        deed: What is done.
        cooldown_s: After it was begun, it is not begun again for so many seconds of audio.
        min_score: Not below this smoothed posterior; None leaves it to the threshold.
        dry_run: Only say what would be done.
        enabled: False keeps the table and does nothing.
        timeout_s: It is ended after so many seconds.
        table: As it was read, to be written again.
    """

    number: int
    place: str
    keywords: tuple[str, ...]
    deed: Deed
    cooldown_s: float
    min_score: float | None
    dry_run: bool
    enabled: bool
    timeout_s: float
    table: Mapping[str, Any] = field(compare=False, repr=False)

    def answers(self, keyword: str) -> bool:
        """Whether it is done for this keyword."""
        return ANY_KEYWORD in self.keywords or keyword in self.keywords


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """A detection and its time in seconds."""

    detection: Detection
    time_s: float

    def fill(self, text: str) -> str:
        """Put the values in place of the placeholders, once; other braces stay as they are."""
        values = {
            "keyword": self.detection.keyword,
            "score": str(round(self.detection.score, 6)),
            "time_s": str(self.time_s),
        }
        return _PLACEHOLDER.sub(lambda match: values[match[1]], text)

    def fill_payload(self, text: str) -> str:
        """The same for a payload: inside of JSON a keyword is written as JSON writes it.

        So a quote in a keyword cannot end the string that it stands in. A payload is JSON when it
        is with a plain word for the keyword.
        """
        keyword = self.detection.keyword
        if not _is_json(replace(self, detection=replace(self.detection, keyword="x")).fill(text)):
            return self.fill(text)
        escaped = json.dumps(keyword, ensure_ascii=False)[1:-1]
        return replace(self, detection=replace(self.detection, keyword=escaped)).fill(text)

    def to_json(self) -> str:
        """What webhooks and messages carry."""
        detection = self.detection
        return json.dumps(
            {
                "keyword": detection.keyword,
                "score": round(detection.score, 6),
                "time_s": self.time_s,
                "threshold": detection.threshold,
            }
        )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def has_placeholder(text: str) -> bool:
    """Whether `fill` would change it."""
    return _PLACEHOLDER.search(text) is not None


def describe(deed: Deed, occasion: Occasion) -> str:
    """What is done, for people: without headers, passwords, and what may be secret in an URL."""
    match deed:
        case Program(arguments=arguments):
            return f"command {shlex.join(map(occasion.fill, arguments))}"
        case Keystroke(text=text):
            return f"keystroke {text}"
        case Webhook(url=url):
            scheme, _, rest = url.partition("://")
            return f"webhook {scheme}://{re.split('[/?#]', rest)[0]}"
        case Message(topic=topic, broker=broker):
            return f"mqtt {occasion.fill(topic)} on {broker.host}:{broker.port}"
