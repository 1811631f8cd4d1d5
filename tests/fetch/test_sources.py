"""The settings of a source: headers, login, cookie, user agent, proxy; and which hosts get them."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from aggregator import errors
from aggregator.config.load import Auth, Fetch, Source
from aggregator.fetch import Fetched, Fetcher, NotModified
from tests.conftest import NOW
from tests.support.wire import Wire, in_turn, sends

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>"
SECRETS = {
    "auth": {"user": "mé", "password": "p:w"},
    "cookie": "session=1; b=2",
    "headers": {"X-Key": "ключ", "Accept": "text/xml"},
}
BASIC = b"Authorization: Basic " + base64.b64encode("mé:p:w".encode())

Serve = Callable[..., Wire]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes servers that are closed after the test."""
    running: list[Wire] = []

    def made(*args: Any, **settings: Any) -> Wire:
        running.append(Wire(*args, **settings))
        return running[-1]

    yield made
    for wire in running:
        wire.close()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher that may reach loopback, where every name leads."""
    settings = Fetch(deadline=timedelta(seconds=60), allow=("127.0.0.1",))
    made = Fetcher(settings, "Aggregator/test", lambda host: ["127.0.0.1"])
    yield made
    made.close()


def get(fetcher: Fetcher, url: str, **settings: Any) -> Fetched | NotModified:
    """Fetches a source with these settings, as a config would give them."""
    return fetcher.fetch(Source.model_validate({"name": "x", "url": url, **settings}), {}, NOW)


def lines(head: bytes) -> set[bytes]:
    """The lines of a request's head."""
    return set(head.split(b"\r\n"))


def redirect(location: str) -> bytes:
    """A temporary redirect."""
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n"


def test_a_source_sets_its_own_headers_login_cookie_and_user_agent(serve: Serve, fetcher: Fetcher) -> None:
    """In UTF-8 where they are not ASCII (RFC 7617 §2.1); a header of ours may be replaced."""
    wire = serve(sends(OK))
    get(fetcher, wire.url, user_agent="Mine/2 (+https://example.org)", **SECRETS)
    sent = lines(wire.requests[0])
    assert {BASIC, b"Cookie: session=1; b=2", "X-Key: ключ".encode(), b"Accept: text/xml"} <= sent
    assert b"User-Agent: Mine/2 (+https://example.org)" in sent
    assert wire.requests[0].count(b"Accept: ") == wire.requests[0].count(b"User-Agent: ") == 1
    get(fetcher, wire.url, auth={"bearer": "token"})
    assert b"Authorization: Bearer token" in lines(wire.requests[1])


def test_user_and_password_in_an_address_go_into_a_header_and_nowhere_else(
    serve: Serve, fetcher: Fetcher
) -> None:
    """Not into what is stored, nor into an error's text."""
    wire = serve(in_turn(OK, b"HTTP/1.1 404 No\r\n\r\n"))
    url = f"http://m%C3%A9:p%3Aw@127.0.0.1:{wire.port}/feed"
    fetched = get(fetcher, url)
    assert isinstance(fetched, Fetched)
    assert BASIC in lines(wire.requests[0])
    assert "p%3Aw" not in str(fetched)
    with pytest.raises(errors.HttpStatus) as caught:
        get(fetcher, url)
    assert "p%3Aw" not in str(caught.value)


@pytest.mark.parametrize("name", ["other host", "other port", "there and back", "user in Location"])
def test_secrets_are_sent_only_to_the_configured_origin(serve: Serve, fetcher: Fetcher, name: str) -> None:
    """Once a redirect has left it, they stay away, even on the way back; the user agent goes along."""
    away = serve(sends(OK))
    wire = serve(in_turn(redirect("PLACE"), OK))
    place = {
        "other host": f"http://other.example:{away.port}/",
        "other port": f"{away.url}/",
        "there and back": f"http://other.example:{away.port}/",
        "user in Location": f"http://u:p@other.example:{away.port}/",
    }[name]
    back = name == "there and back"
    if back:
        away = serve(in_turn(redirect(f"{wire.url}/b")))
        place = f"http://other.example:{away.port}/"
    wire._manner = in_turn(redirect(place), OK)
    get(fetcher, f"{wire.url}/a", user_agent="Mine/2", **SECRETS)
    assert BASIC in lines(wire.requests[0])
    for request in [*away.requests, *wire.requests[1:]]:
        assert b"User-Agent: Mine/2" in request
        assert not [w for w in (b"Authorization", b"Cookie", b"X-Key", b"Referer") if w in request]
    assert (len(away.requests), len(wire.requests)) == (1, 2 if back else 1)


def test_secrets_stay_with_the_same_origin(serve: Serve, fetcher: Fetcher) -> None:
    """A redirect within it needs the login again."""
    wire = serve(in_turn(redirect("/b"), OK))
    get(fetcher, f"{wire.url}/a", **SECRETS)
    assert all(BASIC in lines(request) for request in wire.requests)
    assert wire.connections == 1


def test_requests_through_a_proxy(serve: Serve, fetcher: Fetcher) -> None:
    """The whole address on the request line, the login for the proxy alone; names are its to resolve."""
    proxy = serve(sends(OK))
    fetched = get(fetcher, "http://feeds.invalid/a", proxy=f"http://u:p@127.0.0.1:{proxy.port}")
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].url == "http://feeds.invalid/a"
    sent = proxy.requests[0]
    assert sent.startswith(b"GET http://feeds.invalid/a HTTP/1.1\r\nHost: feeds.invalid\r\n")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"u:p") in lines(sent)


def test_the_configs_proxy_is_used_unless_a_source_has_another(serve: Serve) -> None:
    """`proxy = ""` is none."""
    proxy, wire = serve(sends(OK)), serve(sends(OK))
    settings = Fetch.model_validate({"proxy": proxy.url, "allow": ["127.0.0.1"]})
    fetcher = Fetcher(settings, "Aggregator/test", lambda host: ["127.0.0.1"])
    url = f"http://feeds.example:{wire.port}/"
    get(fetcher, url)
    get(fetcher, url, proxy="")
    fetcher.close()
    assert (len(proxy.requests), len(wire.requests)) == (1, 1)


def test_https_through_a_proxy_is_a_tunnel(serve: Serve, fetcher: Fetcher, tmp_path: Path) -> None:
    """The proxy sees the host; the certificate is checked against it; no secret is sent in clear."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("feeds.example").configure_cert(context)

    def tunnel(sock: Any, head: bytes) -> bool:
        sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        with context.wrap_socket(sock, server_side=True) as inner:
            proxy.requests.append(inner.recv(65536))
            inner.sendall(OK)
        return False

    proxy = serve(tunnel)
    get(fetcher, "https://feeds.example/a", proxy=proxy.url, tls_ca=tmp_path / "ca.pem", **SECRETS)
    connect, inside = proxy.requests
    assert connect.startswith(b"CONNECT feeds.example:443 HTTP/1.")
    assert b"Cookie" not in connect
    assert BASIC in lines(inside)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://169.254.169.254/", errors.BlockedAddress),
        ("http://2130706433/", errors.BlockedAddress),
        ("http://localhost/", errors.BlockedAddress),
        ("http://db.localhost./", errors.BlockedAddress),
    ],
)
def test_a_written_address_is_checked_before_a_proxy_too(
    serve: Serve, url: str, kind: type[errors.FetchError]
) -> None:
    """The proxy may stand where those addresses lead to something."""
    proxy = serve(sends(OK))
    fetcher = Fetcher(Fetch(), "Aggregator/test", lambda host: ["127.0.0.1"])
    with pytest.raises(kind):
        get(fetcher, url, proxy=proxy.url)
    fetcher.close()
    assert proxy.requests == []


def test_a_proxy_that_fails_is_distinguished_from_the_source(serve: Serve, fetcher: Fetcher) -> None:
    """Not there, or not willing."""
    refusing = serve(sends(b"HTTP/1.1 403 Forbidden\r\n\r\n"))
    for proxy in ("http://127.0.0.1:9", refusing.url):
        with pytest.raises(errors.ProxyError):
            get(fetcher, "https://feeds.example/", proxy=proxy)


def test_an_unexpected_304_is_an_error(serve: Serve, fetcher: Fetcher) -> None:
    """Without validators there is nothing that could be unchanged: the feed would never appear."""
    wire = serve(sends(b"HTTP/1.1 304 Not Modified\r\n\r\n"))
    with pytest.raises(errors.HttpStatus, match="no copy is stored"):
        get(fetcher, wire.url)


def test_a_validator_too_long_to_send_is_not_kept(serve: Serve, fetcher: Fetcher) -> None:
    """Servers refuse requests with such a header."""
    wire = serve(sends(b'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nETag: "%s"\r\n\r\nx' % (b"x" * 5000)))
    assert "etag" not in get(fetcher, wire.url).validators


def test_a_bot_challenge_is_distinguished_from_a_refusal(serve: Serve, fetcher: Fetcher) -> None:
    """Whatever its status; with how long to stay away."""
    page = b"<html><title>Just a moment...</title>"
    head = b"HTTP/1.1 503 Busy\r\nContent-Type: text/html\r\nRetry-After: 5\r\n\r\n"
    with pytest.raises(errors.ChallengePage, match="Cloudflare") as caught:
        get(fetcher, serve(sends(head + page)).url)
    assert (caught.value.status, caught.value.retry_after) == (503, timedelta(seconds=5))
    with pytest.raises(errors.ChallengePage):
        get(fetcher, serve(sends(b"HTTP/1.1 200 OK\r\ncf-mitigated: challenge\r\n\r\n" + page)).url)


def test_secrets_are_not_shown() -> None:
    """Neither in a traceback nor in a log."""
    source = Source.model_validate({"name": "x", "url": "https://example.org/", **SECRETS})
    assert not [secret for secret in ("p:w", "session", "ключ") if secret in repr(source)]
    assert "token" not in repr(Auth.model_validate({"bearer": "token"}))
