"""Serving, over real connections."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import struct
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import brotli
import pytest

from aggregator.config.load import Config, Publish, SiteSettings
from aggregator.errors import ListenError
from aggregator.publishing.publication_result import Published
from aggregator.server import Server, ServiceHealth, service_health
from aggregator.server.file_cache import MAX_HELD_COPY_BYTES
from aggregator.store import Store
from tests.support.serving import NOW, Served, ask, serving

ATOM = b"<feed>" + b"<entry>some words that repeat</entry>" * 100 + b"</feed>"
MODIFIED = 1_780_000_000
LAST_MODIFIED = "Thu, 28 May 2026 20:26:40 GMT"


def put(home: Path, files: dict[str, bytes]) -> None:
    """Files of an output folder, all of one time."""
    for name, body in files.items():
        path = home / "feeds" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        os.utime(path, (MODIFIED, MODIFIED))


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A category in every form, a page and its style."""
    put(
        tmp_path,
        {
            "index.html": b"<title>start</title>",
            "style.css": b"p {}",
            "feeds.opml": b"<opml/>",
            "news/index.html": b"<title>news</title>",
            "news/atom.xml": ATOM,
            "news/rss.xml": b"<rss/>",
            "news/feed.json": b"{}",
            "news/.0123456789abcdef.part": b"half",
            "新闻/atom.xml": b"<feed/>",
            "posts/a.md": b"---\n---\n",
            **{f"media/ab/{'ab' * 16}.{end}": b"RIFF" for end in ("webp", "jpg", "mp3", "mp4", "svg")},
            "media/ab/other.webp": b"RIFF",
            "media/rss.xml": b"<rss/>",
        },
    )
    with serving(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/news/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/news/rss.xml", "application/rss+xml; charset=utf-8"),
        ("/news/feed.json", "application/feed+json; charset=utf-8"),
        ("/news/index.html", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/feeds.opml", "text/x-opml; charset=utf-8"),
        ("/posts/a.md", "text/markdown; charset=utf-8"),
        ("/%E6%96%B0%E9%97%BB/atom.xml", "application/atom+xml; charset=utf-8"),
        ("/", "text/html; charset=utf-8"),
    ],
)
def test_each_file_has_its_type(served: Served, path: str, kind: str) -> None:
    """With the charset, and never to be guessed."""
    reply = served.ask(path)
    assert reply.status == 200
    assert reply.headers["content-type"] == kind
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_feed_is_served_with_cache_headers_and_type(served: Served) -> None:
    """Validators, freshness from the interval, CORS, and no more than that."""
    reply = served.ask("/news/atom.xml")
    assert reply.body == ATOM
    etag = reply.headers["etag"]
    assert etag.startswith('"')
    assert reply.headers["last-modified"] == LAST_MODIFIED
    assert reply.headers["cache-control"] == "public, max-age=900"
    assert reply.headers["vary"] == "Accept-Encoding"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "link" not in reply.headers
    assert "server" not in reply.headers


def test_pages_are_revalidated_and_have_a_strict_policy(served: Served) -> None:
    """A person wants the page as it is now; no script, no frame, no form."""
    headers = served.ask("/news/index.html").headers
    assert headers["cache-control"] == "no-cache"
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; img-src ")
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("end", "kind"),
    [("webp", "image/webp"), ("jpg", "image/jpeg"), ("mp3", "audio/mpeg"), ("mp4", "video/mp4")],
)
def test_copies_are_served_with_their_type_as_immutable(served: Served, end: str, kind: str) -> None:
    """A recording, whose bytes are a stranger's, is to be played or saved and not opened as a page."""
    headers = served.ask(f"/media/ab/{'ab' * 16}.{end}").headers
    assert headers["content-type"] == kind
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers.get("content-disposition") == (None if kind.startswith("image/") else "attachment")


def test_a_long_recording_is_read_in_pieces_and_not_held(served: Served, tmp_path: Path) -> None:
    """Whole, in part, conditionally, and as it is when it is asked for."""
    body = os.urandom(MAX_HELD_COPY_BYTES + 70_001)
    path = f"/media/cd/{'cd' * 16}.mp3"
    put(tmp_path, {path[1:]: body})
    for _ in range(2):
        whole = served.ask(path)
        assert whole.body == body
        assert whole.headers["content-length"] == str(len(body))
    assert whole.headers["etag"] == f'"{"cd" * 16}"'
    part = served.ask(path, Range="bytes=1000000-1100000")
    assert (part.status, part.body) == (206, body[1_000_000:1_100_001])
    assert served.ask(path, Range="bytes=-5").body == body[-5:]
    assert served.ask(path, Range=f"bytes={len(body)}-").status == 416
    assert served.ask(path, If_None_Match=whole.headers["etag"]).status == 304
    assert served.ask(path, "HEAD").headers["content-length"] == str(len(body))
    (tmp_path / "feeds" / path[1:]).unlink()
    assert served.ask(path).status == 404


def test_other_files_in_the_media_folder_are_not_copies(served: Served) -> None:
    """Such as the feed of a category with that name."""
    for path in ("/media/ab/other.webp", f"/media/ab/{'ab' * 16}.svg", "/media/rss.xml"):
        assert "immutable" not in served.ask(path).headers["cache-control"]


def test_the_freshness_can_be_set(tmp_path: Path) -> None:
    """Else it is a quarter of the interval, at least a minute."""
    put(tmp_path, {"news/atom.xml": ATOM})
    for settings, age in (
        ({"serve": {"max_age": timedelta(0)}}, 0),
        ({"interval": timedelta(seconds=30)}, 60),
        ({"interval": timedelta(hours=4)}, 3600),
    ):
        with serving(tmp_path, **settings) as served:
            assert served.ask("/news/atom.xml").headers["cache-control"] == f"public, max-age={age}"


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity"])
def test_each_encoding_has_an_etag_of_its_own(served: Served, encoding: str) -> None:
    """And is not sent again to a client that has it, only."""
    replies = {e: served.ask("/news/atom.xml", Accept_Encoding=e) for e in ("gzip", "br", "identity")}
    reply = replies.pop(encoding)
    unpack = {"gzip": gzip.decompress, "br": brotli.decompress, "identity": bytes}[encoding]
    assert unpack(reply.body) == ATOM
    assert reply.headers.get("content-encoding", "identity") == encoding
    etag = reply.headers["etag"]
    assert etag not in {other.headers["etag"] for other in replies.values()}
    again = served.ask("/news/atom.xml", Accept_Encoding=encoding, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == etag
    assert again.headers["cache-control"] == "public, max-age=900"
    assert again.headers["vary"] == "Accept-Encoding"
    assert "content-type" not in again.headers
    for other in replies.values():
        assert (
            served.ask("/news/atom.xml", Accept_Encoding=encoding, If_None_Match=other.headers["etag"]).status
            == 200
        )


def test_a_date_is_a_condition_too(served: Served) -> None:
    """If-Modified-Since, where no ETag is sent back."""
    assert served.ask("/news/atom.xml", If_Modified_Since=LAST_MODIFIED).status == 304
    assert served.ask("/news/atom.xml", If_Modified_Since=LAST_MODIFIED, If_None_Match='"x"').status == 200


def test_a_changed_file_is_seen_at_once(served: Served) -> None:
    """A feed that was kept in memory is read again when it is another; so are its packed forms."""
    before = served.ask("/news/atom.xml", Accept_Encoding="gzip")
    part = served.output / "news" / ".1123456789abcdef.part"
    part.write_bytes(ATOM.replace(b"repeat", b"rep3at"))
    part.replace(served.output / "news" / "atom.xml")
    after = served.ask("/news/atom.xml", Accept_Encoding="gzip", If_None_Match=before.headers["etag"])
    assert after.status == 200
    assert b"rep3at" in gzip.decompress(after.body)
    (served.output / "news" / "atom.xml").unlink()
    assert served.ask("/news/atom.xml").status == 404


@pytest.mark.parametrize(("name", "encoding"), [("atom.xml.gz", "gzip"), ("atom.xml.br", "br")])
def test_compressed_forms_beside_a_file_are_served(served: Served, name: str, encoding: str) -> None:
    """When it is the same; what was left there by another version is not."""
    body = {"gzip": gzip.compress(ATOM, 1), "br": brotli.compress(ATOM, quality=0)}[encoding]
    (served.output / "news" / name).write_bytes(body)
    assert served.ask("/news/atom.xml", Accept_Encoding=encoding).body == body
    put(served.output.parent, {"news/atom.xml": ATOM + b"\n"})
    other = served.ask("/news/atom.xml", Accept_Encoding=encoding)
    assert other.headers["content-encoding"] == encoding
    assert other.body != body


def test_a_damaged_compressed_file_is_not_served(served: Served) -> None:
    """It is packed here instead."""
    (served.output / "news" / "atom.xml.gz").write_bytes(b"\x1f\x8b nonsense")
    assert gzip.decompress(served.ask("/news/atom.xml", Accept_Encoding="gzip").body) == ATOM


def test_small_files_are_not_compressed(served: Served) -> None:
    """It would cost more than it saves."""
    assert "content-encoding" not in served.ask("/news/rss.xml", Accept_Encoding="gzip, br").headers


def test_head_is_get_without_a_body(served: Served) -> None:
    """The same headers, whatever is asked."""
    for path in ("/news/atom.xml", "/news/", "/nothing", "/healthz"):
        get, head = served.ask(path), served.ask(path, "HEAD")
        assert head.status == get.status
        assert head.body == b""
        assert {k: v for k, v in head.headers.items() if k != "date"} == {
            k: v for k, v in get.headers.items() if k != "date"
        }


def test_ranges_of_the_plain_file(served: Served) -> None:
    """One at a time, and of the packed ones none."""
    part = served.ask("/news/atom.xml", Range="bytes=6-12")
    assert (part.status, part.body) == (206, ATOM[6:13])
    assert part.headers["content-range"] == f"bytes 6-12/{len(ATOM)}"
    beyond = served.ask("/news/atom.xml", Range="bytes=99999-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{len(ATOM)}")
    assert served.ask("/news/atom.xml", Range="bytes=0-1", If_Range='"x"').status == 200
    assert served.ask("/news/atom.xml", Range="bytes=0-1", Accept_Encoding="gzip").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    """405, and which are allowed."""
    for path in ("/news/atom.xml", "/healthz"):
        reply = served.ask(path, method)
        assert reply.status == 405
        assert "GET, HEAD" in reply.headers["allow"]


def test_options_requests_are_answered(served: Served) -> None:
    """Also a browser's question before it sends If-None-Match from another origin."""
    reply = served.ask("/news/atom.xml", "OPTIONS")
    assert (reply.status, reply.headers["allow"]) == (204, "GET, HEAD, OPTIONS")
    assert reply.headers["access-control-allow-headers"] == "*"


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("text/html", "index.html"),
        ("application/atom+xml", "atom.xml"),
        ("application/rss+xml", "rss.xml"),
        ("application/feed+json", "feed.json"),
        ("image/png", "index.html"),
    ],
)
def test_a_category_is_served_as_page_or_feed_by_accept(served: Served, accept: str, name: str) -> None:
    """A page for a person, a feed for a reader, at one address."""
    reply = served.ask("/news/", Accept=accept)
    assert reply.status == 200
    assert reply.headers["content-location"] == name
    assert reply.headers["vary"] == "Accept, Accept-Encoding"
    assert reply.body == (served.output / "news" / name).read_bytes()
    assert (
        served.ask("/news/", Accept=accept, If_None_Match=reply.headers["etag"]).headers["content-location"]
        == name
    )


def test_a_category_without_a_page_is_its_feed(served: Served) -> None:
    """Better than nothing."""
    assert served.ask("/%E6%96%B0%E9%97%BB/", Accept="text/html").headers["content-location"] == "atom.xml"


@pytest.mark.parametrize(("path", "to"), [("/news", "news/"), ("/%E6%96%B0%E9%97%BB", "%E6%96%B0%E9%97%BB/")])
def test_a_folder_without_its_slash_is_redirected(served: Served, path: str, to: str) -> None:
    """Relative to where the client is, so that it can lead nowhere else."""
    reply = served.ask(path)
    assert (reply.status, reply.headers["location"]) == (308, to)


@pytest.mark.parametrize(
    "path",
    [
        *("/nothing", "/news/nothing.xml", "/posts/", "/news/atom.xml/", "/news/atom.xml/x"),
        *("/../secret", "/news/../../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/..%5csecret"),
        *("/%252e%252e/secret", "/%c0%ae%c0%ae/secret", "/..%00/secret", "/news/%00", "//etc/passwd"),
        *("/news/.0123456789abcdef.part", "/link", "/folder/secret", "/folder/", "/folder", "/pipe"),
        *("/" + "a" * 5000, "/" + "a/" * 2000, "/news/atom.xml%20", "//evil.example/", "/\\evil.example"),
    ],
)
def test_nothing_outside_the_output_folder_is_served(served: Served, path: str) -> None:
    """Encoded or not, through links, or half written."""
    outside = served.output.parent / "secret"
    outside.write_bytes(b"secret")
    (served.output / "link").symlink_to(outside)
    (served.output / "folder").symlink_to(served.output.parent)
    os.mkfifo(served.output / "pipe")
    reply = served.ask(path)
    assert reply.status == 404
    assert b"secret" not in reply.body
    assert "location" not in reply.headers


def test_links_inside_the_folder_are_followed(served: Served) -> None:
    """And the folder itself may be one."""
    (served.output / "again.xml").symlink_to(served.output / "news" / "rss.xml")
    assert served.ask("/again.xml").body == b"<rss/>"


def test_the_query_is_not_looked_at(served: Served) -> None:
    """Readers add some against caches."""
    assert served.ask("/news/rss.xml?utm=1").body == b"<rss/>"


def test_large_files_are_served_completely(served: Served) -> None:
    """In pieces, so that slow clients hold little; also when they cannot be kept."""
    body = os.urandom(3_000_000)
    put(served.output.parent, {"news/big.bin": body})
    assert served.ask("/news/big.bin").body == body
    assert served.ask("/news/big.bin", Range="bytes=5-2999999").body == body[5:]


def test_hubs_are_named_in_the_headers_of_feeds(tmp_path: Path) -> None:
    """WebSub §4: hub and self, as in the body; self is the public address."""
    put(tmp_path, {"新 闻/atom.xml": ATOM, "index.html": b"", "news/archive/1/atom.xml": ATOM})
    settings: dict[str, Any] = {
        "site": SiteSettings(url="https://example.org/feeds"),
        "publish": Publish(hubs=("https://hub.example/", "https://b.example/?a=b>c")),
    }
    with serving(tmp_path, **settings) as served:
        assert served.ask("/%E6%96%B0%20%E9%97%BB/atom.xml").headers["link"] == (
            '<https://hub.example/>; rel="hub", <https://b.example/?a=b%3Ec>; rel="hub", '
            '<https://example.org/feeds/%E6%96%B0%20%E9%97%BB/atom.xml>; rel="self"'
        )
        assert "link" not in served.ask("/").headers
        assert "link" not in served.ask("/news/archive/1/atom.xml").headers


def test_the_public_path_works_here_too(tmp_path: Path) -> None:
    """A feed's self link leads to it, with a proxy in front that strips the path or without."""
    put(tmp_path, {"news/rss.xml": b"<rss/>"})
    with serving(tmp_path, site=SiteSettings(url="https://example.org/my/feeds/")) as served:
        assert served.ask("/my/feeds/news/rss.xml").body == b"<rss/>"
        assert served.ask("/news/rss.xml").body == b"<rss/>"
        assert served.ask("/my/feeds").headers["location"] == "feeds/"
        assert served.ask("/my/feeds/news").headers["location"] == "news/"


def test_health_and_readiness_are_reported(tmp_path: Path) -> None:
    """Alive at once; ready once there is a store and a feed."""
    with serving(tmp_path) as served:
        assert (served.ask("/healthz").status, served.ask("/healthz").body) == (200, b"alive\n")
        reply = served.ask("/readyz")
        assert (reply.status, reply.body) == (503, b"there is no store yet\n")
        assert reply.headers["cache-control"] == "no-store"
    state = ServiceHealth()
    config = Config(output=tmp_path / "feeds", store=tmp_path / "store.db")
    Store(config.store).close()
    assert state.missing(config) == "no feed has been published yet"
    put(tmp_path, {"news/rss.xml": b"<rss/>"})
    assert state.missing(config) is None
    state.close()
    (tmp_path / "store.db").write_bytes(b"nonsense" * 1000)
    assert state.missing(config) == "the store cannot be read"


def test_a_daemon_that_hangs_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It shows itself at each tick and poll."""
    config = Config(output=tmp_path / "feeds", store=tmp_path / "store.db")
    Store(config.store).close()
    put(tmp_path, {"news/rss.xml": b"<rss/>"})
    state = ServiceHealth()
    state.beat()
    assert state.missing(config) is None
    later = time.monotonic() + service_health.MAX_SILENCE_SECONDS + 1
    monkeypatch.setattr("aggregator.server.service_health.time.monotonic", lambda: later)
    assert state.missing(config) == "no sign of polling for 300 s"
    state.close()


def test_metrics_for_prometheus(tmp_path: Path) -> None:
    """Sources, articles and polls in numbers; what was answered, by status."""
    put(tmp_path, {"news/rss.xml": b"<rss/>"})
    state = ServiceHealth()
    state.polled("read")
    state.polled("timeout")
    state.polled("read")
    state.published(NOW, Published(written=(tmp_path / "feeds" / "news" / "rss.xml",)))
    with serving(tmp_path, state) as served:
        Store(served.config.store).close()
        served.ask("/news/rss.xml")
        served.ask("/nothing")
        reply = served.ask("/metrics")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = reply.body.decode().splitlines()
    for line in (
        'aggregator_http_requests_total{status="200"} 1.0',
        'aggregator_http_requests_total{status="404"} 1.0',
        'aggregator_polls_total{outcome="read"} 2.0',
        'aggregator_polls_total{outcome="timeout"} 1.0',
        f"aggregator_last_publication_timestamp_seconds {NOW.timestamp() / 1e9}e+09",
        'aggregator_sources{state="healthy"} 0.0',
        "aggregator_articles 0.0",
        "# TYPE aggregator_polls_total counter",
    ):
        assert line in lines


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_metrics_are_not_served_through_a_proxy(served: Served, header: str) -> None:
    """Without an address of their own they are for this machine alone."""
    assert served.ask("/metrics").status == 200
    assert served.ask("/metrics", **{header: "203.0.113.1"}).status == 404


def test_metrics_at_an_address_of_their_own(tmp_path: Path) -> None:
    """Then nowhere else, and nothing else is there."""
    put(tmp_path, {"news/rss.xml": b"<rss/>"})
    with serving(tmp_path, serve={"metrics": "127.0.0.1:0"}) as served:
        port = int(served.server.metrics_url.split(":")[2].split("/")[0])
        assert ask(port, "/metrics", X_Forwarded_For="203.0.113.1").status == 200
        assert ask(port, "/healthz").status == 200
        assert ask(port, "/news/rss.xml").status == 404
        assert served.ask("/metrics").status == 404
        assert served.ask("/news/rss.xml").status == 200


def test_an_address_in_use_is_reported(served: Served) -> None:
    """With what to change."""
    address = f"127.0.0.1:{served.port}"
    with pytest.raises(ListenError, match=rf"{address} cannot be listened on: .*; name another host or port"):
        Server(served.config, address, lambda: NOW)


def test_a_changed_config_is_adopted_without_a_restart(served: Served, tmp_path: Path) -> None:
    """As the daemon does when its config changes."""
    put(tmp_path / "other", {"news/rss.xml": b"<rss>other</rss>"})
    served.server.adopt(served.config.model_copy(update={"output": tmp_path / "other" / "feeds"}))
    end = time.monotonic() + 120
    while served.ask("/news/rss.xml").body != b"<rss>other</rss>":
        assert time.monotonic() < end


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side ended it."""
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_a_hundred_slow_clients_do_not_block_others(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """They drip headers; others are answered, and after a while the slow ones are let go."""
    monkeypatch.setattr("aggregator.server.listener.HEAD_SECONDS", 2)
    slow = [served.connect() for _ in range(100)]
    for connection in slow:
        connection.sendall(b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\n")
    for turn in range(10):
        assert served.ask("/news/rss.xml").status == 200
        for connection in slow:
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"X-%d: x\r\n" % turn)
    assert all(is_closed(connection) for connection in slow)
    assert served.ask("/news/rss.xml").status == 200
    for connection in slow:
        connection.close()


def test_a_dripping_body_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to no request; that bytes come does not keep the connection."""
    monkeypatch.setattr("aggregator.server.listener.HEAD_SECONDS", 1)
    with served.connect() as connection:
        connection.sendall(b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.settimeout(0.2)
        end = time.monotonic() + 120
        closed = False
        while not closed:
            assert time.monotonic() < end, "it was waited for"
            try:
                connection.sendall(b"x")
                closed = connection.recv(100) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                closed = True


def test_a_flood_of_headers_is_cut_off(served: Served) -> None:
    """More than 32 KiB of one request are not taken."""
    with served.connect() as connection:
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-Header: some words\r\n" * 100_000)
            message = connection.recv(100)
        except ConnectionError:
            message = b""
    assert message in (b"", b"HTTP/1.1 400 Bad Request\r\n") or message.startswith(b"HTTP/1.1 400")
    assert served.ask("/").status == 200


def test_a_client_that_reads_nothing_is_disconnected(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is ended; the others have not noticed."""
    monkeypatch.setattr("aggregator.server.listener.STALLED_SECONDS", 1)
    put(served.output.parent, {"news/big.bin": os.urandom(20_000_000)})
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(120)
        connection.connect(("127.0.0.1", served.port))
        connection.sendall(b"GET /news/big.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        connections = served.server._listener._server.server_state.connections
        end = time.monotonic() + 120
        while not connections:
            assert time.monotonic() < end
            time.sleep(0.005)
        while connections:
            assert time.monotonic() < end, "it is waited for"
            time.sleep(0.02)
        assert served.ask("/").status == 200


def test_more_connections_than_may_be_are_dropped(tmp_path: Path) -> None:
    """And there is room again when others leave."""
    put(tmp_path, {"index.html": b"x"})
    with serving(tmp_path, serve={"max_connections": 3}) as served:
        held = [served.connect() for _ in range(3)]
        for connection in held:
            connection.sendall(b"GET / HTTP/1.1\r\n")
        connections = served.server._listener._server.server_state.connections
        end = time.monotonic() + 120
        while len(connections) < 3:
            assert time.monotonic() < end
            time.sleep(0.005)
        with served.connect() as fourth:
            assert is_closed(fourth)
        for connection in held:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        end = time.monotonic() + 120
        status: Any = None
        while status != 200:
            assert time.monotonic() < end
            try:
                status = served.ask("/").status
            except OSError:
                time.sleep(0.05)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_requests_that_are_not_http_get_400(served: Served, request_bytes: bytes) -> None:
    """Other requests are not affected."""
    with served.connect() as connection:
        connection.sendall(request_bytes)
        assert connection.recv(65536).split(b" ")[1:2] == [b"400"]
    assert served.ask("/").status == 200


def test_a_store_in_the_output_folder_is_not_served(tmp_path: Path) -> None:
    """Neither are its journal and its locks; everything else is."""
    put(tmp_path, {f"var/{name}": b"secret" for name in ("a.db", "a.db-wal", "a.db.lock", "b.txt")})
    with serving(tmp_path, store=tmp_path / "feeds" / "var" / "a.db") as running:
        found = [running.ask(f"/var/{name}").status for name in ("a.db", "a.db-wal", "a.d%62.lock", "b.txt")]
    assert found == [404, 404, 404, 200]
