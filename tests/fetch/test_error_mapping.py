"""Faults on the wire: the right class, the right advice, the deadline kept, and no other source affected."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import gzip
import http.client
import inspect
import socket
import ssl
import sys
import threading
import time
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests.exceptions
import trustme
import urllib3.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, Fetcher
from aggregator.fetch.error_mapping import VENDORS, classify
from tests.conftest import NOW
from tests.support.wire import Manner, Wire, drips, resets, sends

SHORT = 0.5
HANG = 60.0  # seconds that no fetch here may take, on the slowest machine
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>"
NAMES = {"feeds.example": ["127.0.0.1"], "nowhere.example": ["127.0.0.2"]}

Serve = Callable[..., Wire]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes servers that are closed after the test."""
    running: list[Wire] = []

    def made(manner: Manner, **settings: Any) -> Wire:
        running.append(Wire(manner, **settings))
        return running[-1]

    yield made
    for wire in running:
        wire.close()


def resolve(host: str) -> Sequence[str]:
    """A resolver of ours."""
    if host not in NAMES:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return NAMES[host]


@contextlib.contextmanager
def fetching(**patience: float) -> Iterator[Fetcher]:
    """A fetcher that may reach loopback; patient but for the `timeout` or `deadline` that it is reported."""
    settings = Fetch(
        timeout=dt.timedelta(seconds=patience.get("timeout", HANG)),
        deadline=dt.timedelta(seconds=patience.get("deadline", HANG)),
        max_bytes=100_000,
        allow=("127.0.0.0/8",),
    )
    made = Fetcher(settings, "Aggregator/test", resolve)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A patient one: no machine is too slow for what is not about time."""
    with fetching() as made:
        yield made


def failure(fetcher: Fetcher, url: str, **settings: Any) -> errors.FetchError:
    """How the fetch of this address fails, which it does without waiting for the end of what has none."""
    begun = time.monotonic()
    with pytest.raises(errors.FetchError) as caught:
        fetcher.fetch(Source(name="x", url=url, **settings), {}, NOW)
    assert time.monotonic() - begun < HANG
    assert caught.value.url == url
    assert caught.value.advice
    return caught.value


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("manner", "kind", "says"),
    [
        (resets(), errors.BrokenExchange, "reset by peer"),
        (resets(HEAD + b"Content-Length: 9\r\n\r\nhalf"), errors.BrokenExchange, "broke off"),
        (sends(b""), errors.BrokenExchange, "without response"),
        (sends(HEAD + b"Content-Length: 9\r\n\r\nhalf"), errors.BrokenExchange, "4 bytes read, 5 more"),
        (sends(HEAD + b"Content-Length: -9\r\n\r\n"), None, ""),
        (sends(HEAD + b"Content-Length: 9, 8\r\n\r\n<rss/>"), errors.BrokenExchange, "Content-Length"),
        (
            sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n<rss/>"),
            errors.BrokenExchange,
            "broke off",
        ),
        (
            sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\n<rss/>\r\n"),
            errors.BrokenExchange,
            "broke off",
        ),
        (sends(b"<rss>no HTTP at all</rss>\r\n\r\n"), errors.BrokenExchange, "broke off"),
        (sends(HEAD + b"X: y\r\n" * 200 + b"\r\n"), errors.BrokenExchange, "more than 100 headers"),
        (sends(HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n"), errors.BrokenExchange, "more than 65536"),
        (
            sends(HEAD + b"".join(b"X%d: %s\r\n" % (n, b"y" * 60_000) for n in range(9)) + b"\r\n"),
            errors.BrokenExchange,
            "its headers exceed",
        ),
        (sends(HEAD + b"Content-Encoding: gzip\r\n\r\nnot gzip"), errors.BrokenExchange, "broke off"),
        (
            sends(HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"\0" * 9_000_000)),
            errors.TooLarge,
            "100000 bytes",
        ),
        (sends(HEAD + b"Content-Length: 100001\r\n\r\n"), errors.TooLarge, "100000 bytes"),
        (sends(b"HTTP/1.1 302 F\r\nLocation: ?\r\n\r\n"), errors.TooManyRedirects, "loop"),
        (drips(b"HTTP/1.1 302 F\r\nLocation: ?\r\n\r\n"), errors.TooManyRedirects, "loop"),
        (drips(b"HTTP/1.1 404 N\r\nContent-Length: 9\r\n\r\n", seconds=9), errors.HttpStatus, "404"),
    ],
    ids=[
        *("reset-at-once", "reset-in-the-body", "no-answer", "half-body", "length-negative", "two-lengths"),
        *("bad-chunk", "chunks-without-end", "no-http", "too-many-headers", "too-long-a-header"),
        *("headers-without-end", "bad-gzip", "gzip-bomb", "too-long-by-its-own-word", "loop"),
        *("drip-of-redirect", "error-that-hangs"),
    ],
)
def test_a_connection_error_has_the_right_class(
    fetcher: Fetcher, serve: Serve, manner: Manner, kind: type[errors.FetchError] | None, says: str
) -> None:
    """Never an empty or a shorter document; the next source is unharmed."""
    wire = serve(manner)
    if kind is None:
        # http.client passes over a length that is none: the body then ends with the connection.
        assert isinstance(fetcher.fetch(Source(name="x", url=wire.url), {}, NOW), Fetched)
    else:
        found = failure(fetcher, wire.url)
        assert type(found) is kind
        assert says in found.reason
    sound = serve(sends(OK))
    fetched = fetcher.fetch(Source(name="y", url=sound.url), {}, NOW)
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].body == b"<rss/>"


@pytest.mark.parametrize(
    ("manner", "patience", "kind", "says"),
    [
        (drips(b""), {"deadline": SHORT}, errors.TimedOut, "not done within 0.5 s"),
        (drips(b"HTTP/1.1 200 OK\r\nX: "), {"deadline": SHORT}, errors.TimedOut, "not done within 0.5 s"),
        (drips(HEAD + b"\r\n"), {"deadline": SHORT}, errors.TimedOut, "not done within 0.5 s"),
        (
            drips(HEAD + b"Content-Length: 999\r\n\r\n"),
            {"deadline": SHORT},
            errors.TimedOut,
            "not done within 0.5 s",
        ),
        (
            drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            {"deadline": SHORT},
            errors.TimedOut,
            "not done within 0.5 s",
        ),
        (
            drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            {"deadline": SHORT},
            errors.TimedOut,
            "not done within 0.5 s",
        ),
        (drips(HEAD + b"\r\n", seconds=HANG), {"timeout": SHORT}, errors.TimedOut, "no answer within 0.5 s"),
        # Its beginning is looked at, for who may stand before the server: its head has to be there by then.
        (
            drips(b"HTTP/1.1 403 N\r\nContent-Type: text/html\r\n\r\n"),
            {"deadline": 2.0},
            errors.HttpStatus,
            "403",
        ),
    ],
    ids=[
        *("drip-of-nonsense", "drip-in-a-header", "drip-of-body", "drip-of-sized-body", "drip-of-chunks"),
        *("drip-of-100-continue", "silent-body", "drip-of-error"),
    ],
)
def test_a_fetch_over_the_deadline_is_given_up(
    serve: Serve, manner: Manner, patience: dict[str, float], kind: type[errors.FetchError], says: str
) -> None:
    """Whether bytes come or not."""
    with fetching(**patience) as fetcher:
        found = failure(fetcher, serve(manner).url)
    assert type(found) is kind
    assert says in found.reason


FEED = b"<rss>" + bytes(n * n % 251 for n in range(3_000)) + b"</rss>"


def packed(coding: str) -> bytes:
    """The feed in this content coding; skips where nothing here can pack it."""
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    if coding == "br":
        return bytes(pytest.importorskip("brotli").compress(FEED))
    if coding == "zstd":
        zstd = "backports.zstd" if sys.version_info < (3, 14) else "compression.zstd"
        return bytes(pytest.importorskip(zstd).compress(FEED))
    return {
        "gzip": gzip.compress(FEED),
        "x-gzip": gzip.compress(FEED),
        "deflate": zlib.compress(FEED),
        "raw deflate": raw.compress(FEED) + raw.flush(),
        "deflate, gzip": gzip.compress(zlib.compress(FEED)),
        "gzip in two members": gzip.compress(FEED[:100]) + gzip.compress(FEED[100:]),
        "gzip and a stray byte": gzip.compress(FEED) + b"\n",
    }[coding]


@pytest.mark.parametrize("is_chunked", [False, True], ids=["to-the-close", "chunked"])
@pytest.mark.parametrize(
    ("name", "coding"),
    [
        *((name, name) for name in ("gzip", "x-gzip", "deflate", "br", "zstd", "deflate, gzip")),
        ("raw deflate", "deflate"),
        ("gzip in two members", "gzip"),
        ("gzip and a stray byte", "gzip"),
    ],
    ids=lambda value: value.replace(" ", "-"),
)
def test_a_truncated_compressed_body_is_an_error(
    fetcher: Fetcher, serve: Serve, name: str, coding: str, is_chunked: bool
) -> None:
    """Framing says nothing of it: the connection closes, or a proxy framed what it got. Whole, it is read."""
    whole = packed(name)
    first = packed(coding)

    def served(body: bytes) -> str:
        head = HEAD + b"Content-Encoding: " + coding.encode()
        if is_chunked:
            head += b"\r\nTransfer-Encoding: chunked"
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        return serve(sends(head + b"\r\n\r\n" + body)).url

    fetched = fetcher.fetch(Source(name="x", url=served(whole)), {}, NOW)
    assert isinstance(fetched, Fetched)
    assert fetched.resources[0].body == FEED
    for length in (1, 5, len(first) // 2, len(first) - 1):
        found = failure(fetcher, served(first[:length]))
        assert type(found) is errors.BrokenExchange
        assert "incomplete" in found.reason or "broke off" in found.reason


def test_a_refused_connection_an_unknown_host_and_a_hundred_redirects(fetcher: Fetcher, serve: Serve) -> None:
    """Each has a class of its own."""
    wire = serve(lambda sock, head: sock.sendall(b"HTTP/1.1 301 M\r\nLocation: %dx\r\n\r\n" % time.time_ns()))
    assert type(failure(fetcher, f"http://nowhere.example:{wire.port}/")) is errors.ConnectError
    assert type(failure(fetcher, "http://unknown.example/")) is errors.DnsError
    assert type(failure(fetcher, wire.url)) is errors.TooManyRedirects
    assert len(wire.requests) == 6


def without_network(host: str) -> Sequence[str]:
    """A resolver whose names lead to addresses that no machine has a route to: no TCP goes to multicast."""
    if host == "again.example":
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    if host == "down.example":
        raise OSError(errno.ENETDOWN, "Network is down")
    return {
        "routeless.example": ["224.0.0.1", "ff0e::1"],
        "v6only.example": ["ff0e::1"],
        "refused.example": ["224.0.0.1", "127.0.0.2", "ff0e::1"],
    }[host]


@pytest.mark.parametrize(
    ("host", "proxy", "kind"),
    [
        ("again.example", "", errors.NoNetwork),
        ("down.example", "", errors.NoNetwork),
        ("routeless.example", "", errors.NoNetwork),
        ("feeds.example", "http://routeless.example:9", errors.NoNetwork),
        ("feeds.example", "http://again.example:9", errors.NoNetwork),
        ("refused.example", "", errors.ConnectError),
    ],
)
def test_a_machine_without_a_network_is_distinguished_from_a_host_that_is_down(
    serve: Serve, host: str, proxy: str, kind: type[errors.FetchError]
) -> None:
    """EAI_AGAIN, ENETDOWN, ENETUNREACH at every address; one that refuses shows that there is a way."""
    port = serve(sends(OK)).port
    fetcher = Fetcher(
        Fetch(allow=("127.0.0.0/8", "224.0.0.0/4", "ff00::/8")), "Aggregator/test", without_network
    )
    found = failure(fetcher, f"http://{host}:{port}/", proxy=proxy)
    fetcher.close()
    assert type(found) is kind
    assert ("this machine's network" in found.advice) == (kind is errors.NoNetwork)


def test_a_host_is_reached_by_the_address_that_answers(serve: Serve) -> None:
    """The first of two addresses refuses: the second is tried."""
    wire = serve(sends(OK))
    settings = Fetch(allow=("127.0.0.0/8",))
    fetcher = Fetcher(settings, "Aggregator/test", lambda host: ["127.0.0.2", "127.0.0.1"])
    assert isinstance(fetcher.fetch(Source(name="x", url=f"http://a.example:{wire.port}/"), {}, NOW), Fetched)
    fetcher.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """An authority of ours, and the file of its certificate."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "feeds.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("feeds.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "self-signed.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem = serialization.Encoding.PEM
    file.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's side of TLS with this certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(made)
    return made


def test_tls_is_checked_against_the_name_and_the_authority(
    fetcher: Fetcher, serve: Serve, authority: tuple[trustme.CA, Path], tmp_path: Path
) -> None:
    """Valid, self-signed, another host's, expired …: reported as such; accepted only if set."""
    ca, file = authority
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    sound = serve(sends(OK), tls=context(ca.issue_cert("feeds.example")))
    other = serve(sends(OK), tls=context(ca.issue_cert("other.example")))
    expired = serve(
        sends(OK),
        tls=context(ca.issue_cert("feeds.example", not_before=past, not_after=past + dt.timedelta(days=1))),
    )
    stranger = serve(sends(OK), tls=context(trustme.CA().issue_cert("feeds.example")))
    own = serve(sends(OK), tls=self_signed(tmp_path))

    def url(wire: Wire) -> str:
        return f"https://feeds.example:{wire.port}/"

    assert isinstance(fetcher.fetch(Source(name="x", url=url(sound), tls_ca=file), {}, NOW), Fetched)
    assert isinstance(fetcher.fetch(Source(name="x", url=url(stranger), tls_verify=False), {}, NOW), Fetched)
    for wire, settings, says, advice in (
        (sound, {}, "certificate was refused: ", "tls_ca"),
        (stranger, {"tls_ca": file}, "certificate was refused: ", "tls_ca"),
        (own, {}, "self-signed certificate", "tls_ca"),
        (expired, {"tls_ca": file}, "certificate has expired", "tell the publisher"),
        (other, {"tls_ca": file}, "mismatch", "check the host's name"),
        (sound, {"tls_ca": file.with_name("none.pem")}, "no certificates can be read", "correct tls_ca"),
    ):
        found = failure(fetcher, url(wire), **settings)
        assert type(found) is errors.TlsError
        assert says in found.reason
        assert advice in found.advice
    assert [len(wire.requests) for wire in (sound, stranger, own, expired, other)] == [1, 1, 0, 0, 0]


def test_missing_or_endless_tls_handshakes_are_errors(
    fetcher: Fetcher, serve: Serve, authority: tuple[trustme.CA, Path]
) -> None:
    """Plain HTTP on the port, a handshake that is silent, one that drips, a body that drips."""
    ca, file = authority
    hello = b"\x16\x03\x03\x40\x00"
    plain = serve(sends(OK), before=lambda sock: sock.sendall(b"HTTP/1.1 400 Bad\r\n\r\n") or True)
    assert type(failure(fetcher, plain.url.replace("http:", "https:"))) is errors.TlsError
    for before, patience in ((drips(b"", seconds=HANG), "timeout"), (drips(hello), "deadline")):
        wire = serve(sends(OK), before=before)
        with fetching(**{patience: SHORT}) as hasty:
            assert type(failure(hasty, wire.url.replace("http:", "https:"))) is errors.TimedOut
    slow = serve(drips(HEAD + b"\r\n"), tls=context(ca.issue_cert("feeds.example")))
    with fetching(deadline=SHORT) as hasty:
        found = failure(hasty, f"https://feeds.example:{slow.port}/", tls_ca=file)
    assert type(found) is errors.TimedOut
    assert "not done within" in found.reason


def test_a_hanging_resolver_is_given_up(serve: Serve) -> None:
    """`getaddrinfo` has no timeout; the fetch has. Others go on meanwhile."""
    release = threading.Event()

    def hangs(host: str) -> Sequence[str]:
        if host == "slow.example":
            release.wait(2 * HANG)
        return ["127.0.0.1"]

    settings = Fetch(deadline=dt.timedelta(seconds=2), allow=("127.0.0.1",))
    fetcher = Fetcher(settings, "Aggregator/test", hangs)
    wire = serve(sends(OK))
    found = failure(fetcher, f"http://slow.example:{wire.port}/")
    assert type(found) is errors.TimedOut
    assert "resolver" in found.advice
    assert isinstance(fetcher.fetch(Source(name="x", url=f"http://a.example:{wire.port}/"), {}, NOW), Fetched)
    release.set()
    fetcher.close()


def test_a_connection_that_was_closed_meanwhile_is_not_used_again(fetcher: Fetcher, serve: Serve) -> None:
    """A server that keeps, then closes: the next fetch makes a new connection and succeeds."""
    wire = serve(sends(OK))
    for _ in range(3):
        assert isinstance(fetcher.fetch(Source(name="x", url=wire.url), {}, NOW), Fetched)
    assert wire.connections == 3
    kept = serve(sends(OK, keeps=True))
    for _ in range(3):
        fetcher.fetch(Source(name="x", url=kept.url), {}, NOW)
    assert kept.connections == 1


def vendors() -> list[type[BaseException]]:
    """Every exception class of requests, urllib3 and http.client."""
    found = {
        kind
        for module in (requests.exceptions, urllib3.exceptions, http.client)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, Exception) and not issubclass(kind, Warning)
    }
    return sorted(found, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def made(kind: type[BaseException]) -> BaseException:
    """One of this class, whatever it wants to be made from."""
    answer = types.SimpleNamespace(tell=lambda: 1, length_remaining=1)
    texts = ((), ("x",), ("x", "x"), ("x", "x", "x"), ("x", "x", 1))
    for arguments in (*texts, (1, 1), (answer, b"x")):
        with contextlib.suppress(TypeError, AttributeError):
            fault = kind(*arguments)
            str(fault)
            return fault
    raise AssertionError(f"{kind} cannot be made")


def test_every_exception_of_the_vendors_is_mapped() -> None:
    """Whatever class they raise becomes a FetchError with a reason; none gets past `mapped`."""
    assert len(vendors()) > 60
    for kind in vendors():
        assert issubclass(kind, VENDORS) or kind.__module__ == "builtins", kind
        found = classify(made(kind))
        assert isinstance(found, errors.FetchError), kind
        assert type(found) is not errors.FetchError, kind
        assert found.reason, kind


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (requests.exceptions.SSLError(ssl.SSLError(1, "wrong version")), errors.TlsError),
        (requests.exceptions.ProxyError("403"), errors.ProxyError),
        (requests.exceptions.ConnectTimeout(), errors.TimedOut),
        (requests.exceptions.ConnectionError(TimeoutError("timed out")), errors.TimedOut),
        (requests.exceptions.ConnectionError(ConnectionResetError(104, "reset")), errors.BrokenExchange),
        (requests.exceptions.ConnectionError(socket.gaierror(-2, "unknown")), errors.DnsError),
        (requests.exceptions.InvalidURL("x"), errors.BadAddress),
        (requests.exceptions.ChunkedEncodingError("x"), errors.BrokenExchange),
        (http.client.RemoteDisconnected("x"), errors.BrokenExchange),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else type(value).__name__,
)
def test_the_innermost_exception_decides(fault: Exception, kind: type[errors.FetchError]) -> None:
    """Vendors wrap reasons in arguments and causes."""
    assert type(classify(fault)) is kind
