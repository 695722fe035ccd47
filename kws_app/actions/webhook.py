"""Calls webhooks. No proxy and no redirect is followed: it goes where the person said, or fails."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

from kws_app import __version__
from kws_app.actions.action import Occasion, Webhook
from kws_app.actions.runs import Line, Outcome
from kws_app.actions.secret import Secret

_MAX_ANSWER_BYTES = 65_536  # read so that servers can finish; nobody looks at it


def call_webhook(webhook: Webhook, occasion: Occasion, timeout_s: float, line: Line) -> Outcome:
    """Send the request.

    Args:
        webhook: Where and how.
        occasion: What the body says.
        timeout_s: For each step; whoever watches ends the whole.
        line: Is told the socket.

    Raises:
        ConfigError: A header's secret is not there any more.
        OSError: There is no connection, or it broke.
        http.client.HTTPException: The answer is no HTTP.
    """
    parts = urlsplit(webhook.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"User-Agent": f"kws/{__version__}", "Content-Type": "application/json"}
    own = {name.title(): _value(value) for name, value in webhook.headers.items()}
    body = None if webhook.method == "GET" else occasion.to_json()
    if body is None:
        del headers["Content-Type"]
    try:
        connection.connect()
        line.opened(connection.sock)
        connection.request(webhook.method, target, body, headers | own)
        response = connection.getresponse()
        response.read(_MAX_ANSWER_BYTES)
    finally:
        connection.close()
    return _outcome(response.status)


def _value(value: str | Secret) -> str:
    return value.read() if isinstance(value, Secret) else value


def _outcome(status: int) -> Outcome:
    try:
        text = f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        text = f"HTTP {status}"
    if 300 <= status < 400:
        text += "; redirects are not followed, write the address it leads to"
    return Outcome(text=text, failed=not 200 <= status < 300)
