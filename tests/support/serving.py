"""An output folder that is really served, and requests written out by hand."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aggregator.config.load import Config
from aggregator.server import Server, ServiceHealth

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Served:
    """A server on loopback for a folder."""

    def __init__(self, home: Path, vitals: ServiceHealth | None = None, **settings: Any) -> None:
        settings = {"output": home / "feeds", "store": home / "var" / "store.db", **settings}
        self.config = Config.model_validate(settings)
        self.output = self.config.output
        self.server = Server(self.config, "127.0.0.1:0", lambda: NOW, vitals)
        self.port = int(self.server.url.rstrip("/").rpartition(":")[2])
        self.server.start()

    def ask(self, path: str, method: str = "GET", **headers: str) -> Reply:
        """One request on a connection of its own; the path goes out as it stands."""
        return ask(self.port, path, method, **headers)

    def connect(self) -> socket.socket:
        """A bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=120)


def ask(port: int, path: str, method: str = "GET", **headers: str) -> Reply:
    """One request to a port here; `_` in names of headers is sent as `-`."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        received: dict[str, str] = {}
        for name, value in response.getheaders():
            name = name.lower()
            received[name] = f"{received[name]}, {value}" if name in received else value
        return Reply(response.status, received, response.read())
    finally:
        connection.close()


@contextmanager
def serving(home: Path, vitals: ServiceHealth | None = None, **settings: Any) -> Iterator[Served]:
    """A server for a while."""
    served = Served(home, vitals, **settings)
    try:
        yield served
    finally:
        served.server.stop()
