"""Object stores on loopback: a known one, and one that does what networks and stores do."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

ACCOUNT = "123456789012"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "wJalrSECRETexample",
    "AWS_REGION": "us-east-1",
}
BUCKET = "planet"
INVENTORY = "feeds/.aggregator/inventory"


@dataclass(frozen=True)
class StoredObject:
    """An object with the headers it was put with, their names in small letters."""

    body: bytes
    headers: Mapping[str, str]

    @property
    def etag(self) -> str:
        """The ETag, as S3 has it for what was put in one part."""
        return f'"{hashlib.md5(self.body, usedforsecurity=False).hexdigest()}"'


class Moto:
    """moto's S3, in this process, with one bucket."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # Importing it takes a second, which every process would spend as it collects tests.
        from moto.s3.models import s3_backends
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        host, port = self._server.get_host_and_port()
        self.url = f"http://{host}:{port}"
        self._backend: Any = s3_backends[ACCOUNT]["aws"]
        self._backend.create_bucket(BUCKET, "us-east-1")

    def close(self) -> None:
        """Stops it."""
        self._server.stop()

    def clear(self) -> None:
        """Empties the bucket."""
        for name in list(self._backend.buckets[BUCKET].keys):
            self._backend.delete_object(BUCKET, name)

    @property
    def objects(self) -> dict[str, StoredObject]:
        """Returns what is in the bucket, by key."""
        return {
            name: StoredObject(key.value, {each.lower(): value for each, value in key.metadata.items()})
            for name, key in self._backend.buckets[BUCKET].keys.items()
        }

    def put(self, key: str, body: bytes) -> None:
        """Puts an object of somebody else."""
        self._backend.put_object(BUCKET, key, body)

    def delete(self, key: str) -> None:
        """Deletes an object behind our back."""
        self._backend.delete_object(BUCKET, key)


Fault = Callable[[str, str], str | None]
"""What happens to a request, by its method and key; None: it is answered.

"503", "403 Code": that status, with that code. "cut": the connection is closed unanswered; "cut after": once
it was done. "lost": it is acknowledged, and not done. "slow": it takes a while.
"""


class StandIn:
    """A store with one bucket that writes down each request, and lets happen to it what `fault` says.

    It knows what we ask of S3, and conditions of writes unless it `ignores_conditions`.
    """

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.requests: list[tuple[str, str]] = []
        self.fault: Fault = lambda _method, _key: None
        self.on_cut_after: Callable[[], None] = lambda: None
        self.ignores_conditions = False
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        """Stops it."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def clear(self) -> None:
        """Empties the bucket, and forgets requests and faults."""
        self.objects = {}
        self.clear_faults()

    def clear_faults(self) -> None:
        """Forgets requests and faults."""
        self.requests, self.ignores_conditions = [], False
        self.fault, self.on_cut_after = lambda _method, _key: None, lambda: None

    def asked(self, method: str) -> list[str]:
        """The keys that were asked for in this way, in their order."""
        return [key for each, key in self.requests if each == method]

    def put(self, key: str, body: bytes) -> None:
        """Puts an object of somebody else."""
        self.objects[key] = StoredObject(body, {})

    def delete(self, key: str) -> None:
        """Deletes an object behind our back."""
        self.objects.pop(key, None)

    def answer(
        self, method: str, key: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Does what is asked."""
        with self._lock:
            there = self.objects.get(key)
            if method == "LIST":
                return 200, {}, self._listing(key)
            if method == "POST":
                for name in _named(body):
                    self.objects.pop(unescape(name), None)
                return 200, {}, _deleted(body)
            if method == "DELETE":
                self.objects.pop(key, None)
                return 204, {}, b""
            if method == "PUT":
                wants = headers.get("if-match")
                is_other = wants is not None and (there is None or there.etag != wants)
                if not self.ignores_conditions and (is_other or (there and "if-none-match" in headers)):
                    return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
                names = ("content-type", "cache-control", "content-encoding")
                kept = {k: v for k, v in headers.items() if k in names or k.startswith("x-amz-meta-")}
                self.objects[key] = made = StoredObject(body, kept)
                return 200, {"ETag": made.etag}, b""
            if there is None:
                return 404, {}, b"<Error><Code>NoSuchKey</Code></Error>"
            if headers.get("if-none-match") == there.etag:
                return 304, {"ETag": there.etag}, b""
            when = "Mon, 01 Jun 2026 12:00:00 GMT"
            return 200, {**there.headers, "ETag": there.etag, "Last-Modified": when}, there.body

    def _listing(self, prefix: str) -> bytes:
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-06-01T12:00:00.000Z</LastModified>"
            f"<ETag>{escape(found.etag)}</ETag><Size>{len(found.body)}</Size></Contents>"
            for key, found in sorted(self.objects.items())
            if key.startswith(prefix)
        )
        return f"<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>".encode()


def _named(body: bytes) -> list[str]:
    return re.findall("<Key>(.*?)</Key>", body.decode(), re.DOTALL)


def _deleted(body: bytes) -> bytes:
    entries = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in _named(body))
    return f"<DeleteResult>{entries}</DeleteResult>".encode()


def _handler_of(store: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = urlsplit(self.path)
            key = unquote(parts.path).lstrip("/").partition("/")[2]
            method = self.command
            if "list-type" in parts.query:
                method, key = "LIST", parse_qs(parts.query).get("prefix", [""])[0]
            store.requests.append((method, key))
            fault = store.fault(method, key) or ""
            if fault == "slow":
                time.sleep(0.3)
            if fault == "cut":
                self.close_connection = True
            elif fault[:3].isdigit():
                code = fault[4:]
                text = (
                    f"<Error><Code>{code}</Code><Message>AKIDEXAMPLE wJalr</Message></Error>" if code else ""
                )
                self._send(int(fault[:3]), {}, text.encode())
            elif fault == "lost":
                made_up = {"ETag": '"0123456789abcdef0123456789abcdef"'}
                self._send(200, made_up, _deleted(body) if method == "POST" else b"")
            else:
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = store.answer(method, key, headers, body)
                if fault == "cut after":
                    store.on_cut_after()
                    self.close_connection = True
                else:
                    self._send(*answer)

        def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and status not in (204, 304):
                self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    return Handler
