"""What systemd is to a service that tells it of itself."""

import socket
from pathlib import Path


class Supervisor:
    """systemd's socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "2000000"}

    def told(self) -> list[str]:
        told = []
        while True:
            try:
                told.append(self.socket.recv(100).decode())
            except BlockingIOError:
                return told
