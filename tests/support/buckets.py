"""An object store on loopback, what is in it, and a relay before it that does what networks and stores do."""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

ACCOUNT = "123456789012"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrSECRETexample",
    "AWS_REGION": "us-east-1",
}


@dataclass(frozen=True)
class StoredObject:
    """An object with what a reader gets of it."""

    body: bytes
    headers: Mapping[str, str]


class ObjectStore:
    """An S3-compatible store in this process."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.host, self.port = str(host), int(port)
        self.url = f"http://{host}:{port}"
        self._count = 0

    def close(self) -> None:
        """Stops it."""
        self._server.stop()

    def new_bucket(self) -> str:
        """The name of a bucket of one's own."""
        self._count += 1
        name = f"planet-{self._count}"
        self._backend.create_bucket(name, "us-east-1")
        return name

    def objects(self, bucket: str, prefix: str = "feeds/") -> dict[str, StoredObject]:
        """What is below a prefix of a bucket, by the rest of the keys, but for the inventory."""
        found = {}
        for name, key in self._backend.buckets[bucket].keys.items():
            if name.startswith(prefix) and not name.startswith(f"{prefix}.aggregator/"):
                headers = {each.lower(): value for each, value in key.metadata.items()}
                found[name.removeprefix(prefix)] = StoredObject(key.value, headers)
        return found

    def put(self, bucket: str, key: str, body: bytes) -> None:
        """Puts an object of somebody else."""
        self._backend.put_object(bucket, key, body)

    def delete(self, bucket: str, key: str) -> None:
        """Deletes an object behind our back."""
        self._backend.delete_object(bucket, key)

    @property
    def _backend(self) -> Any:
        return s3_backends[ACCOUNT]["aws"]


Fault = Callable[[str, str], str | None]
"""What happens to a request, by its method and key; None: it goes through.

"503", "403 Code": that status, with that code. "cut": the connection is closed unanswered; "cut after": once
the store has done it. "lost": it is acknowledged, and not done. "slow": it takes a while.
"""


class Relay:
    """A server before a store: writes down each request, and lets happen to it what `fault` says."""

    def __init__(self, store: ObjectStore) -> None:
        self.requests: list[tuple[str, str]] = []
        self.fault: Fault = lambda _method, _key: None
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]
                method = "LIST" if "list-type" in self.path else self.command
                relay.requests.append((method, key))
                fault = relay.fault(method, key) or ""
                if fault == "cut":
                    self.close_connection = True
                    return
                if fault[:3].isdigit():
                    status, _, code = fault.partition(" ")
                    text = (
                        f"<Error><Code>{code}</Code><Message>AKIDEXAMPLE wJalr</Message></Error>"
                        if code
                        else ""
                    )
                    self._answer(int(status), {}, text.encode())
                    return
                if fault == "lost":
                    self._answer(200, {"ETag": '"0123456789abcdef0123456789abcdef"'}, b"")
                    return
                if fault == "slow":
                    time.sleep(0.3)
                connection = http.client.HTTPConnection(store.host, store.port, timeout=60)
                try:
                    connection.request(self.command, self.path, body, dict(self.headers.items()))
                    answer = connection.getresponse()
                    found = answer.read()
                    headers = dict(answer.getheaders())
                finally:
                    connection.close()
                if fault == "cut after":
                    self.close_connection = True
                    return
                self._answer(answer.status, headers, found)

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response_only(status)
                skipped = ("content-length", "connection", "transfer-encoding")
                for name, value in headers.items():
                    if name.lower() not in skipped:
                        self.send_header(name, value)
                length = headers.get("Content-Length") if self.command == "HEAD" else None
                self.send_header("Content-Length", length or str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Stops it."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def asked(self, method: str) -> list[str]:
        """The keys that were asked for in this way, in their order."""
        return [key for each, key in self.requests if each == method]
