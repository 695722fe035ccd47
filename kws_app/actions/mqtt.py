"""Publishes to MQTT brokers. The only file that imports paho-mqtt."""

from __future__ import annotations

import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError, KwsError
from kws_app.actions.action import Broker
from kws_app.actions.runs import Outcome

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_QOS = 1  # the broker says that it has it
_CLOSE_S = 0.3


def require_paho(place: str) -> None:
    """Raise ConfigError when paho-mqtt is not installed."""
    try:
        import paho.mqtt.client  # noqa: F401
    except ImportError as err:
        raise ConfigError(
            f"{place}: mqtt needs paho-mqtt; install it with pip install '.[actions]'"
        ) from err


class Connection:
    """One broker, connected with the first message and anew after a loss.

    A message that was not acknowledged in time is given up together with the connection. Otherwise
    it would be sent whenever the broker comes back, long after the word was said.

    Args:
        broker: Which one.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._is_closed = False

    def publish(self, topic: str, payload: str, timeout_s: float) -> Outcome:
        """Publish and wait until the broker has it.

        Raises:
            ConfigError: The password is not there any more.
            KwsError: The broker refused the connection.
            OSError: There is no connection, or no acknowledgement in time.
        """
        until = time.monotonic() + timeout_s
        client = self._connected(until)
        if self._is_closed:  # meanwhile: nothing is sent after the end
            self._drop(client)
            raise KwsError("not sent, since listening stopped")
        message = client.publish(topic, payload, _QOS)
        message.wait_for_publish(max(0.0, until - time.monotonic()))
        if not message.is_published():
            self._drop(client)
            raise TimeoutError(f"the broker did not acknowledge it within {timeout_s:g} s")
        return Outcome(text="acknowledged", failed=False)

    def close(self) -> None:
        """Say goodbye; what is not acknowledged by now is given up."""
        self._is_closed = True
        client = self._client
        if client is not None:
            self._drop(client)

    def _connected(self, until: float) -> Client:
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError("another message still waits for the connection")
        try:
            if self._client is not None and not self._client.is_connected():
                self._drop(self._client)
            if self._client is None:
                self._client = self._connect(until)
            return self._client
        finally:
            self._lock.release()

    def _connect(self, until: float) -> Client:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        answered = threading.Event()
        refusals: list[str] = []

        def on_connect(_client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
            if reason.is_failure:
                refusals.append(str(reason))
            answered.set()

        client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
        client.on_connect = on_connect
        client.connect_timeout = max(0.1, until - time.monotonic())
        broker = self._broker
        if broker.username is not None:
            password = broker.password.read() if broker.password else None
            client.username_pw_set(broker.username, password)
        if broker.tls:
            client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        client.connect(broker.host, broker.port)
        client.loop_start()
        in_time = answered.wait(max(0.0, until - time.monotonic()))
        if refusals or not in_time:
            _close(client)
            if refusals:
                raise KwsError(f"the broker refused: {refusals[0]}")
            raise TimeoutError("the broker did not answer in time")
        return client

    def _drop(self, client: Client) -> None:
        if self._client is client:
            self._client = None
        _close(client)


def _close(client: Client) -> None:
    client.disconnect()
    # loop_stop waits for the thread without end.
    closing = threading.Thread(target=client.loop_stop, name="mqtt close", daemon=True)
    closing.start()
    closing.join(_CLOSE_S)
