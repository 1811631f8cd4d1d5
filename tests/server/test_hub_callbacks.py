"""Callbacks of hubs over HTTP: what is asked of the served site by strangers who know, or guess, a token."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from aggregator.config.load import Config
from aggregator.errors import StoreError
from aggregator.polling.hub_callbacks import CallbackAnswer
from aggregator.server import Server as HttpServer
from tests.conftest import NOW

TOKEN = "t" * 43
MOST = 100_000


class Answers:
    """What answers hubs, in place of the part that knows subscriptions; it notes what it was asked."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.queries: list[bytes] = []
        self.fails = False

    def adopt(self, config: Config) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def listening(self, now: datetime) -> None:
        """Nothing to do."""

    def token(self, path: str) -> str | None:
        """Whatever comes after `/websub/`."""
        return path.rpartition("/")[2] if path.startswith("/websub/") else None

    def verify(self, token: str, query: bytes, now: datetime) -> CallbackAnswer:
        """Sends back markup, as a hub may want."""
        self.queries.append(query)
        return CallbackAnswer(200, b"<script>alert(1)</script>")

    def allowance(self, token: str, headers: object, now: datetime) -> CallbackAnswer | int:
        """One token is known."""
        return MOST if token == TOKEN else CallbackAnswer(410, b"gone\n")

    def deliver(self, token: str, headers: object, body: bytes, now: datetime) -> CallbackAnswer:
        """Takes it."""
        if self.fails:
            raise StoreError("locked")
        self.bodies.append(body)
        return CallbackAnswer(202)


class Site:
    """A served site with callbacks."""

    def __init__(self, home: Path) -> None:
        self.answers = Answers()
        config = Config.model_validate({"output": home / "feeds", "store": home / "store.db"})
        self.server = HttpServer(config, "127.0.0.1:0", lambda: NOW, callbacks=self.answers)
        self.port = int(self.server.url.rstrip("/").rpartition(":")[2])
        self.server.start()

    def ask(
        self, method: str, path: str = f"/websub/{TOKEN}", body: object = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own; a body that is no bytes is sent in chunks."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes))  # type: ignore[arg-type]
            response = connection.getresponse()
            return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all tests here."""
    made = Site(tmp_path_factory.mktemp("callbacks"))
    yield made
    made.server.stop()


def test_a_challenge_is_sent_as_plain_text(site: Site) -> None:
    """text/plain, and no browser guesses (§5.3: "a safe Media Type")."""
    status, headers, body = site.ask("GET", f"/websub/{TOKEN}?hub.mode=subscribe&x=%3C")
    assert (status, body) == (200, b"<script>alert(1)</script>")
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert site.answers.queries[-1] == b"hub.mode=subscribe&x=%3C"


@pytest.mark.parametrize("size", [0, 1, 32_768, 65_536, MOST])
def test_a_large_ping_body_arrives_completely(site: Site, size: int) -> None:
    """Also one that is larger than any other request may be, and one in chunks."""
    body = bytes(number % 251 for number in range(size))
    assert site.ask("POST", body=body)[0] == 202
    assert site.answers.bodies[-1] == body
    assert site.ask("POST", body=iter([body[:10], body[10:]]), Transfer_Encoding="x")[0] == 202
    assert site.answers.bodies[-1] == body


def test_a_ping_body_over_the_limit_is_refused_early(site: Site) -> None:
    """In chunks, where no length is said: 413 as soon as there is too much, or the connection ends."""
    before = len(site.answers.bodies)
    with pytest.MonkeyPatch.context():
        try:
            status = site.ask("POST", body=iter([b"x" * 50_000] * 100))[0]
        except (ConnectionError, http.client.HTTPException):
            status = 413
    assert status == 413
    assert len(site.answers.bodies) == before


def test_the_body_for_an_unknown_token_is_not_read(site: Site) -> None:
    """410 makes hubs stop; it comes before the body."""
    with socket.create_connection(("127.0.0.1", site.port), timeout=60) as connection:
        head = f"POST /websub/other HTTP/1.1\r\nHost: x\r\nContent-Length: {MOST}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 410 ")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
def test_other_methods_are_405(site: Site, method: str) -> None:
    """A callback takes two."""
    status, headers, _ = site.ask(method)
    assert (status, headers["allow"]) == (405, "GET, POST")


def test_other_paths_take_no_bodies(site: Site) -> None:
    """Their requests are as bounded as ever."""
    assert site.ask("POST", "/feeds/rss.xml", b"x")[0] == 405
    # The connection ends before all of it is read; an answer may have arrived by then.
    with contextlib.suppress(ConnectionError, http.client.HTTPException):
        assert site.ask("POST", "/feeds/rss.xml", b"x" * 200_000)[0] in (405, 413)
    assert site.ask("POST", "/feeds/rss.xml", b"x")[0] == 405


def test_a_store_that_is_busy_lets_hubs_come_again(site: Site) -> None:
    """503, which the recommendation has hubs retry."""
    site.answers.fails = True
    status, headers, _ = site.ask("POST", body=b"x")
    site.answers.fails = False
    assert (status, headers["retry-after"]) == (503, "60")
    assert site.ask("POST", body=b"x")[0] == 202
