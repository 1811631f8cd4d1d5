"""Requests as strangers send them: badly addressed, forwarded, given up, or far too many at once."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.server.clients import client_key, host_mistake, is_direct
from tests.support.serving import Served, serving

PARSERS = {
    "h11": "uvicorn.protocols.http.h11_impl:H11Protocol",
    "httptools": "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol",
}


@pytest.fixture(params=PARSERS)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either of the parsers of requests that uvicorn has."""
    pytest.importorskip(request.param, reason="the extra `fast` is not installed")
    module, _, name = PARSERS[request.param].partition(":")
    protocol = getattr(importlib.import_module(module), name)
    monkeypatch.setattr("aggregator.server.listener.Protocol", protocol)
    return str(request.param)


@pytest.fixture
def served(tmp_path: Path, parser: str) -> Iterator[Served]:
    """A small file and one that takes a while to send."""
    folder = tmp_path / "feeds" / "news"
    folder.mkdir(parents=True)
    (folder / "rss.xml").write_bytes(b"<rss/>")
    (folder / "atom.xml").write_bytes(b"<feed>" + b"x" * 3_000_000)
    with serving(tmp_path) as running:
        yield running


def statuses(served: Served, request: bytes) -> list[bytes]:
    """The status of each answer to what is sent, until the server closes the connection."""
    with served.connect() as connection:
        connection.sendall(request)
        received = b""
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            pass
    return [line.split(b" ")[1] for line in received.split(b"\r\n") if line.startswith(b"HTTP/1.")]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /news/rss.xml HTTP/1.1\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nUser-Agent: x\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nhost: a\r\nAccept: */*\r\nHOST: a\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost:\r\nHost: a\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a, b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a,b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: https://a/\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: user@a\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a/b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a:port\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: [::1\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a?b\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: <script>\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: \xe4\r\n",
        b"GET /news/rss.xml HTTP/1.0\r\nHost: a\r\nHost: b\r\n",
        b"GET /healthz HTTP/1.1\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
        b"HEAD /news/rss.xml HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"POST /news/rss.xml HTTP/1.1\r\nContent-Length: 0\r\n",
    ],
)
def test_a_request_without_exactly_one_valid_host_gets_400(served: Served, head: bytes) -> None:
    """RFC 9112 §3.2, whatever is requested and whichever parser reads it."""
    assert statuses(served, head + b"\r\n") == [b"400"]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /news/rss.xml HTTP/1.1\r\nHost: example.org\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: example.org:8000\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: [::1]:8000\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: 192.0.2.1\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost: my_host.local.\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHost:\r\n",
        b"GET /news/rss.xml HTTP/1.1\r\nHOST:   xn--caf-dma.example  \r\n",
        b"GET /news/rss.xml HTTP/1.0\r\n",
        b"GET /news/rss.xml HTTP/1.0\r\nHost: example.org\r\n",
    ],
)
def test_a_request_with_a_valid_host_is_answered(served: Served, head: bytes) -> None:
    """HTTP/1.0 needs no Host, and an empty one is one."""
    assert statuses(served, head + b"Connection: close\r\n\r\n") == [b"200"]


def test_a_second_host_stays_a_mistake_in_a_pipeline(served: Served) -> None:
    """What came before it is answered."""
    good, bad = (
        b"GET /news/rss.xml HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    )
    assert statuses(served, good + bad)[-1:] in ([b"400"], [b"200"])
    assert host_mistake([(b"host", b"a"), (b"host", b"b")], "1.1") is not None


FORWARDING = [
    *("Forwarded", "Via", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-By", "X-Forwarded-Prefix", "X-Forwarded-Scheme"),
    *("X-Forwarded-Ssl", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-Forwarded-For"),
    *("X-Original-Host", "X-Original-URL", "X-ProxyUser-Ip", "Proxy-Client-IP", "WL-Proxy-Client-IP"),
    *("CF-Connecting-IP", "CF-Connecting-IPv6", "CF-Ray", "CF-Visitor", "CF-IPCountry", "CDN-Loop"),
    *(
        "True-Client-IP",
        "Fly-Client-IP",
        "Fly-Forwarded-Proto",
        "Fastly-Client-IP",
        "Fastly-FF",
        "Fastly-SSL",
    ),
    *("X-Amz-Cf-Id", "X-Amzn-Trace-Id", "CloudFront-Viewer-Address", "CloudFront-Forwarded-Proto"),
    *("X-Azure-ClientIP", "X-Azure-Ref", "X-ARR-LOG-ID", "X-Appengine-User-IP", "X-Cloud-Trace-Context"),
    *("X-Envoy-External-Address", "X-Vercel-Forwarded-For", "X-NF-Client-Connection-IP", "DO-Connecting-IP"),
    *("X-Varnish", "X-Request-Id", "X-Scheme", "X-Url-Scheme", "Front-End-Https", "Ali-CDN-Real-IP"),
    *(
        "Client-IP",
        "X-Remote-Addr",
        "X-Remote-IP",
        "X-Originating-IP",
        "X-Host",
        "X-Coming-From",
        "Max-Forwards",
    ),
    *("X-Sucuri-ClientIP", "Incap-Client-IP", "X-Akamai-Edgescape", "Akamai-Origin-Hop", "X-Proxy-Id"),
    "X-Whatever-A-Proxy-Invents-Next",
]


@pytest.mark.parametrize("header", FORWARDING)
def test_a_forwarded_request_is_not_local(header: str) -> None:
    """One such header is enough."""
    headers = [(b"host", b"localhost"), (header.lower().encode(), b"203.0.113.1")]
    assert not is_direct("127.0.0.1", headers)


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "CF-Connecting-IP", "True-Client-IP", "Forwarded"])
def test_metrics_do_not_pass_through_a_proxy(served: Served, header: str) -> None:
    """Over a real connection too."""
    assert served.ask("/metrics").status == 200
    assert served.ask("/metrics", **{header: "203.0.113.1"}).status == 404


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        (b"localhost:8000", True),
        (b"LOCALHOST", True),
        (b"127.0.0.1", True),
        (b"127.8.9.1:80", True),
        (b"[::1]:8000", True),
        (b"[::ffff:127.0.0.1]", True),
        (b"planet.localhost", True),
        (b"example.org", False),
        (b"localhost.example.org", False),
        (b"notlocalhost", False),
        (b"192.0.2.1:8000", False),
        (b"[2001:db8::1]", False),
        (b"127.0.0.1.nip.io", False),
    ],
)
def test_metrics_are_served_only_on_loopback_hosts(host: bytes, is_ours: bool) -> None:
    """A proxy that adds nothing but keeps the Host, and a name that was made to lead here."""
    assert is_direct("127.0.0.1", [(b"host", host)]) is is_ours


def test_ordinary_request_headers_are_no_sign_of_a_proxy() -> None:
    """Prometheus, curl and a browser."""
    prometheus = ["Accept", "Accept-Encoding", "User-Agent", "X-Prometheus-Scrape-Timeout-Seconds"]
    browser = ["Accept-Language", "Connection", "Cookie", "DNT", "Priority", "Sec-Fetch-Site", "Sec-CH-UA"]
    for names in (prometheus, browser, ["Authorization", "If-None-Match", "Upgrade-Insecure-Requests"]):
        headers = [(b"host", b"localhost"), *((name.lower().encode(), b"x") for name in names)]
        assert is_direct("127.0.0.1", headers)
        assert is_direct("::ffff:127.0.0.1", headers)
        assert is_direct("::1", headers)
        assert not is_direct("192.0.2.1", headers)


GET = b"GET /news/atom.xml HTTP/1.1\r\nHost: x\r\n\r\n"
SMALL = b"GET /news/rss.xml HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n123"
PIPELINES = {
    "large": GET * 20,
    "small": SMALL * 300,
    "mixed": (GET + SMALL + POST) * 30,
    "head": b"HEAD /news/atom.xml HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
    "health": (
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    * 50,
    "missing": b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
    "garbage behind": GET + SMALL * 5 + b"nonsense\r\n\r\n",
    "garbage between": (SMALL + b"\x00\x01\r\n\r\n") * 20,
    "half a request": GET * 3 + b"GET /new",
    "bodies": POST * 100,
    "an endless body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300\r\n\r\n123" + SMALL,
    "broken chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"
    + SMALL,
    "closing": SMALL + SMALL[:-2] + b"Connection: close\r\n\r\n" + GET * 5,
    "upgrade": SMALL[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n" + GET * 3,
    "expecting": POST[:-5] + b"Expect: 100-continue\r\n\r\n" + GET * 3,
    "no host": (SMALL + b"GET / HTTP/1.1\r\n\r\n") * 20,
    "too much": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000,
}


@pytest.mark.parametrize("name", PIPELINES)
def test_a_client_that_hangs_up_leaves_nothing_in_the_log(
    served: Served, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """However it does, after however much of its answers; others are answered."""
    caplog.set_level(logging.WARNING)
    for attempt in range(24):
        with served.connect() as connection:
            if attempt % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                connection.sendall(PIPELINES[name])
                if attempt % 3 == 1:
                    connection.settimeout(0.05)
                    connection.recv(1 << attempt)
                elif attempt % 3 == 2:
                    time.sleep(0.002 * attempt)
            except OSError:
                pass  # it was quicker to let go of us
    connections = served.server._listener._server.server_state.connections
    end = time.monotonic() + 120
    while connections and time.monotonic() < end:
        time.sleep(0.02)
    assert served.ask("/news/rss.xml").status == 200
    assert [record.getMessage() for record in caplog.records] == []


def test_an_invalid_pipelined_request_does_not_corrupt_a_response(served: Served) -> None:
    """The answer that is under way is not mixed with a 400."""
    with served.connect() as connection:
        connection.sendall(GET + b"nonsense\r\n\r\n")
        connection.settimeout(30)
        received = b""
        try:
            while part := connection.recv(1 << 20):
                received += part
        except OSError:
            pass
    assert received.count(b"HTTP/1.1 ") <= 1 or received.split(b"HTTP/1.1 ")[1].endswith(b"x" * 100)


def _hold(served: Served, address: str, count: int) -> list[socket.socket]:
    held = [
        socket.create_connection(("127.0.0.1", served.port), timeout=120, source_address=(address, 0))
        for _ in range(count)
    ]
    for connection in held:
        connection.sendall(b"GET / HTTP/1.1\r\n")
    return held


def _is_dropped(connection: socket.socket) -> bool:
    try:
        connection.sendall(SMALL)
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def test_one_client_cannot_hold_every_connection(tmp_path: Path, parser: str) -> None:
    """Others have the rest; its own come back as it lets go."""
    (tmp_path / "feeds" / "news").mkdir(parents=True)
    (tmp_path / "feeds" / "news" / "rss.xml").write_bytes(b"<rss/>")
    settings = {"max_connections": 40, "max_connections_per_client": 10}
    with serving(tmp_path, serve=settings) as served:
        held = _hold(served, "127.0.0.2", 30)
        connections = served.server._listener._server.server_state.connections
        end = time.monotonic() + 120
        while len(connections) != 10:
            assert time.monotonic() < end, len(connections)
            time.sleep(0.02)
        with socket.create_connection(("127.0.0.1", served.port), 120, ("127.0.0.2", 0)) as one_more:
            assert _is_dropped(one_more)
        for address in ("127.0.0.1", "127.0.0.3"):
            with socket.create_connection(("127.0.0.1", served.port), 120, (address, 0)) as another:
                assert not _is_dropped(another)
        for connection in held:
            connection.close()
        end = time.monotonic() + 120
        while True:
            with socket.create_connection(("127.0.0.1", served.port), 120, ("127.0.0.2", 0)) as again:
                if not _is_dropped(again):
                    break
            assert time.monotonic() < end


def test_by_default_a_client_holds_a_quarter_of_all_connections(tmp_path: Path, parser: str) -> None:
    """512 from one address leave room for everybody else."""
    (tmp_path / "feeds" / "news").mkdir(parents=True)
    (tmp_path / "feeds" / "news" / "rss.xml").write_bytes(b"<rss/>")
    with serving(tmp_path) as served:
        held = [served.connect() for _ in range(512)]
        with socket.create_connection(("127.0.0.1", served.port), 120, ("127.0.0.9", 0)) as another:
            assert not _is_dropped(another)
        assert len(served.server._listener._server.server_state.connections) <= 130
        for connection in held:
            connection.close()


@pytest.mark.parametrize("proxy", ["127.0.0.2", "127.0.0.0/30", "::ffff:127.0.0.2/128"])
def test_a_configured_proxy_is_not_bounded(tmp_path: Path, proxy: str, parser: str) -> None:
    """It brings many clients; an address that is none of the proxies is bounded still."""
    (tmp_path / "feeds" / "news").mkdir(parents=True)
    (tmp_path / "feeds" / "news" / "rss.xml").write_bytes(b"<rss/>")
    with serving(tmp_path, serve={"max_connections_per_client": 2, "proxies": (proxy,)}) as served:
        held = _hold(served, "127.0.0.2", 20) + _hold(served, "127.0.0.9", 2)
        connections = served.server._listener._server.server_state.connections
        end = time.monotonic() + 120
        while len(connections) != 22:
            assert time.monotonic() < end, len(connections)
            time.sleep(0.02)
        with socket.create_connection(("127.0.0.1", served.port), 120, ("127.0.0.9", 0)) as third:
            assert _is_dropped(third)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("::1", "127.0.0.1", False),
    ],
)
def test_a_client_is_its_address_or_its_ipv6_network(one: str, other: str, is_same: bool) -> None:
    """An IPv6 client has 2^64 addresses."""
    assert (client_key(one) == client_key(other)) is is_same


def _link(place: Path, to: str | Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(to)


@pytest.fixture
def with_links(tmp_path: Path, parser: str) -> Iterator[Served]:
    """An output folder with every kind of link in it, and a secret beside it."""
    secret = tmp_path / "feeds-secret" / "rss.xml"
    secret.parent.mkdir()
    secret.write_bytes(b"<secret/>")
    feeds = tmp_path / "feeds"
    (feeds / "news").mkdir(parents=True)
    (feeds / "news" / "rss.xml").write_bytes(b"<rss>" + b"word " * 400 + b"</rss>")
    for name in ("atom.xml", "feed.json", "index.html", "style.css"):
        (feeds / "news" / name).write_bytes(b"<x>" + b"word " * 400 + b"</x>")
    _link(feeds / "absolute.xml", secret)
    _link(feeds / "relative.xml", "../feeds-secret/rss.xml")
    _link(feeds / "folder", secret.parent)
    _link(feeds / "up", "..")
    _link(feeds / "root", "/")
    _link(feeds / "chain.xml", "absolute.xml")
    _link(feeds / "environ.txt", "/proc/self/environ")
    _link(feeds / "zero.bin", "/dev/zero")
    _link(feeds / "loop", "loop")
    _link(feeds / "one", "two")
    _link(feeds / "two", "one")
    _link(feeds / "self", ".")
    _link(feeds / "gone.xml", "nowhere.xml")
    _link(feeds / "tag" / "index.html", secret)
    _link(feeds / "tag" / "rss.xml", secret)
    _link(feeds / "sound.xml", "news/rss.xml")
    _link(feeds / "news" / "rss.xml.gz", "/dev/zero")
    _link(feeds / "news" / "rss.xml.br", secret)
    _link(feeds / "news" / "atom.xml.gz", "atom.xml.gz")
    os.mkfifo(feeds / "news" / "feed.json.gz")
    os.mkfifo(feeds / "pipe.xml")
    (feeds / "news" / "index.html.gz").mkdir()
    with serving(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/absolute.xml",
            "/relative.xml",
            "/folder/rss.xml",
            "/folder/",
            "/folder",
            "/up/feeds-secret/rss.xml",
        ),
        *(
            "/root/etc/passwd",
            "/root",
            "/root/",
            "/chain.xml",
            "/environ.txt",
            "/zero.bin",
            "/loop",
            "/loop/",
        ),
        *(
            "/loop/rss.xml",
            "/one",
            "/two/x",
            "/gone.xml",
            "/tag/",
            "/tag/rss.xml",
            "/tag/index.html",
            "/pipe.xml",
        ),
        *("/news/rss.xml.gz", "/news/rss.xml.br", "/news/atom.xml.gz", "/news/feed.json.gz", "/up/", "/up"),
        *("/self/folder/rss.xml", "/self/self/absolute.xml"),
    ],
)
def test_a_link_out_of_the_folder_is_not_served(with_links: Served, path: str) -> None:
    """Nor one in a circle, nor a pipe, nor a device."""
    assert with_links.ask(path).status == 404
    assert with_links.ask(path, Accept_Encoding="gzip, br").status == 404


@pytest.mark.parametrize("name", ["rss.xml", "atom.xml", "feed.json", "index.html", "style.css"])
def test_special_files_in_place_of_compressed_forms_are_ignored(with_links: Served, name: str) -> None:
    """A device, a pipe, a folder or a circle where the compressed form should be."""
    for encoding in ("gzip", "br", "identity"):
        reply = with_links.ask(f"/news/{name}", Accept_Encoding=encoding)
        assert reply.status == 200
        assert b"secret" not in reply.body
    assert with_links.ask("/sound.xml").body.startswith(b"<rss>")
    assert with_links.ask("/self/news/rss.xml").body.startswith(b"<rss>")


def test_readiness_does_not_stumble_over_links(with_links: Served) -> None:
    """The one category with a feed counts."""
    from aggregator.store import Store

    Store(with_links.config.store).close()
    assert with_links.ask("/readyz").status == 200
    (with_links.output / "news" / "rss.xml").unlink()
    (with_links.output / "news" / "atom.xml").unlink()
    (with_links.output / "news" / "feed.json").unlink()
