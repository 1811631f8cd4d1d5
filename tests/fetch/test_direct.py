"""GETs that are made without requests: the same bytes are sent, and the same results come back."""

from __future__ import annotations

import socket
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, NotModified, Validators, direct
from aggregator.fetch.addresses import Place, place_of
from aggregator.fetch.direct import head_of
from aggregator.fetch.http import HttpFetcher
from tests.conftest import NOW
from tests.support.wire import Manner, Serve, in_turn, sends

START = b"HTTP/1.1 304 Not Modified\r\n"
UNCHANGED = START + b'ETag: "2"\r\n\r\n'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>"


@pytest.fixture
def fetcher() -> Iterator[HttpFetcher]:
    """A fetcher that may reach loopback."""
    made = HttpFetcher(Fetch(allow=("127.0.0.1",)), "Aggregator/test")
    yield made
    made.close()


def poll(fetcher: HttpFetcher, url: str) -> Fetched | NotModified:
    """Fetches a document that is known."""
    known: Validators = {"url": url, "etag": '"1"', "last_modified": "then"}
    return fetcher.fetch(Source(name="x", url=url), known, NOW)


@pytest.mark.parametrize(
    ("answer", "etag", "connections"),
    [
        (UNCHANGED, '"2"', 1),
        (START + b"\r\n", '"1"', 1),
        (b'HTTP/1.1 304\r\netag:\t"2" \r\n\r\n', '"2"', 1),
        (START + b'ETag: "2"\r\nContent-Length: 900\r\n\r\n', '"2"', 1),
        (START + b'ETag: "2"\r\nConnection: Close\r\n\r\n', '"2"', 3),
        (b'HTTP/1.0 304 Not Modified\r\nETag: "2"\r\n\r\n', '"2"', 3),
        (b'HTTP/1.1 103 Early Hints\r\nETag: "3"\r\n\r\n' + UNCHANGED, '"2"', 1),
        (START + b'X: a\r\n b\r\nETag: "2"\r\n\r\n', '"2"', 1),
        (START + b'ETag:\r\n "2"\r\n\r\n', '"2"', 1),
        (START + b'X: a\r\n b\r\nETag: "2" \t\r\n\r\n', '"2"', 1),
        (START + b'ETag: "2"\r\nTransfer-Encoding: chunked\r\n\r\n', '"2"', 3),
        (START + b'ETag: "2"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', '"2"', 3),
        (START + b'X: 1\r\nX: 2\r\nETag: "2"\r\n\r\n', '"2"', 1),
        (START + b"X: " + b"y" * 20_000 + b'\r\nETag: "2"\r\n\r\n', '"2"', 1),
        (UNCHANGED.replace(b"\r\n", b"\n"), '"2"', 1),
        (START + b'ETag: "a\x01"\r\n\r\n', '"1"', 1),
    ],
)
def test_a_304_is_understood_however_it_is_written(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, etag: str, connections: int
) -> None:
    """What is not exactly the head of a plain 304 is read by http.client; the connection is kept alike."""
    wire = serve(sends(answer, keeps=True))
    for _ in range(3):
        found = poll(fetcher, wire.url + "/feed?a=b")
        assert isinstance(found, NotModified)
        assert found.validators["etag"] == etag
    assert wire.connections == connections
    assert len(wire.requests) == 3


DOCUMENT = b"<rss>" + b"x" * 300_000 + b"</rss>"
SIZE = b"Content-Length: %d\r\n" % len(DOCUMENT)
GOOD = b"HTTP/1.1 200 OK\r\n"
TYPE = b"Content-Type: text/xml\r\n"


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (GOOD + SIZE + TYPE + b"\r\n" + DOCUMENT, 1),
        (GOOD + TYPE + SIZE.lower() + b"\r\n" + DOCUMENT, 1),
        (b"HTTP/1.1 200\r\n" + SIZE + TYPE + b"\r\n" + DOCUMENT, 1),
        (GOOD + SIZE + TYPE + b"X: 1\r\nX: 2\r\n\r\n" + DOCUMENT, 1),
        (GOOD + SIZE + TYPE + b"Content-Encoding: identity\r\n\r\n" + DOCUMENT, 1),
        (GOOD + SIZE + SIZE + TYPE + b"\r\n" + DOCUMENT, 1),
        (GOOD + SIZE + TYPE + b"Connection: close\r\n\r\n" + DOCUMENT, 3),
        (b"HTTP/1.0 200 OK\r\n" + SIZE + TYPE + b"\r\n" + DOCUMENT, 3),
        (
            GOOD
            + TYPE
            + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(DOCUMENT)
            + DOCUMENT
            + b"\r\n0\r\n\r\n",
            1,
        ),
        ((GOOD + SIZE + TYPE + b"\r\n" + DOCUMENT).replace(b"\r\n", b"\n"), 1),
        (
            b"HTTP/1.1 103 Early Hints\r\nContent-Length: 1\r\n\r\n"
            + GOOD
            + SIZE
            + TYPE
            + b"\r\n"
            + DOCUMENT,
            1,
        ),
    ],
)
def test_a_document_is_received_however_it_is_sent(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, connections: int
) -> None:
    """What is not plain is read by http.client and urllib3: the result is the same."""
    wire = serve(sends(answer, keeps=True))
    for _ in range(3):
        found = poll(fetcher, wire.url + "/feed")
        assert isinstance(found, Fetched)
        assert found.resources[0].body == DOCUMENT
        assert found.resources[0].content_type == "text/xml"
    assert wire.connections == connections


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (GOOD + b"Content-Length: 9\r\n\r\n<rss/>", errors.BrokenExchange),
        (GOOD + b"Content-Length: 9\r\n\r\n", errors.BrokenExchange),
        (GOOD + b"Content-Length: 99999999999999\r\n\r\n<rss/>", errors.TooLarge),
        (GOOD + b"Content-Length: 99999999999999999999\r\n\r\n<rss/>", errors.TooLarge),
        (GOOD + b"Content-Length: 6\r\nContent-Encoding: gzip\r\n\r\n<rss/>", errors.BrokenExchange),
        (GOOD + b"Content-Length: 6\r\ncf-mitigated: challenge\r\n\r\n<rss/>", errors.ChallengePage),
    ],
)
def test_a_document_that_is_not_whole_is_an_error(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, error: type[errors.FetchError]
) -> None:
    """Nor is one that is too large, or a page of bot protection."""
    with pytest.raises(error):
        poll(fetcher, serve(sends(answer)).url)


@pytest.mark.parametrize("body", [b"<rss/>", DOCUMENT])
def test_what_a_server_sends_after_a_document_is_no_answer_to_the_next_request(
    fetcher: HttpFetcher, serve: Serve, body: bytes
) -> None:
    """Also if it comes in the same packet."""
    first = GOOD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    wire = serve(in_turn(first + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK))
    for expected in (body, b"<rss/>"):
        found = poll(fetcher, wire.url)
        assert isinstance(found, Fetched)
        assert found.resources[0].body == expected


CHUNKED = GOOD + b"Transfer-Encoding: chunked\r\n\r\n6\r\n<rss/>\r\n0\r\n\r\n"
EMPTY = GOOD + TYPE + TYPE + b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (EMPTY, 1),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n" + EMPTY, 1),
        (EMPTY + b"x", 2),
        (b"HTTP/1.1 304\r\nX: 1\r\nX: 2\r\nContent-Length: 4\r\n\r\nevil", 2),
        (b"HTTP/1.1 304\r\nX: 1\r\nX: 2\r\nContent-Length: 4\r\n\r\n", 1),
        (OK.replace(b"\r\n", b"\n"), 1),
        (OK.replace(b"\r\n", b"\n") + b"x", 2),
        (CHUNKED, 1),
        (CHUNKED + b"x", 2),
    ],
)
def test_a_connection_is_closed_if_more_than_an_answer_came(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, connections: int
) -> None:
    """Also if http.client reads it: it drops what came with the answer, and the rest may still be coming."""
    wire = serve(in_turn(answer, OK))
    for _ in range(2):
        poll(fetcher, wire.url)
    assert wire.connections == connections


def test_a_document_of_single_bytes_takes_no_more_memory(
    fetcher: HttpFetcher, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a server may make us keep is bounded by the document's size, however it is cut."""
    monkeypatch.setattr(direct, "_PART_BYTES", 1)
    wire = serve(sends(GOOD + SIZE + b"\r\n" + DOCUMENT, keeps=True))
    poll(fetcher, wire.url)
    tracemalloc.start()
    try:
        found = poll(fetcher, wire.url)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(found, Fetched)
    assert found.resources[0].body == DOCUMENT
    assert most < 4 * len(DOCUMENT)


def test_a_document_in_pieces_is_received_whole(fetcher: HttpFetcher, serve: Serve) -> None:
    """Wherever it is cut."""

    def manner(sock: socket.socket, _head: bytes) -> bool:
        for at in range(len(OK)):
            sock.sendall(OK[at : at + 1])
        return True

    wire = serve(manner)
    for _ in range(2):
        found = poll(fetcher, wire.url)
        assert isinstance(found, Fetched)
        assert found.resources[0].body == b"<rss/>"
    assert wire.connections == 1


def test_an_empty_document_is_received(fetcher: HttpFetcher, serve: Serve) -> None:
    """Reading it is an error, fetching it is not."""
    found = poll(fetcher, serve(sends(GOOD + b"Content-Length: 0\r\n\r\n", keeps=True)).url)
    assert isinstance(found, Fetched)
    assert found.resources[0].body == b""


PATHS = pytest.mark.parametrize("path", ["/feed", "/%62"], ids=["direct", "by-requests"])
"""Of two addresses, one of which requests must normalise."""


@PATHS
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 304 Not Modified",
        START,
        START + b'ETag: "2',
        START + b'ETag: "2"\r\n',
        b"HTTP/1.1 200 OK\r\nETag: ",
        b"HTTP/1.1 103 Early Hints\r\nLink: ",
    ],
)
def test_a_head_that_is_cut_short_is_an_error(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, path: str
) -> None:
    """Half of an ETag would be stored, and an empty document read."""
    wire = serve(sends(answer))
    with pytest.raises(errors.BrokenExchange, match="ended within the headers"):
        poll(fetcher, wire.url + path)


@PATHS
@pytest.mark.parametrize(
    "answer", [b"204 No Content\r\nTransfer-Encoding: chunked", b"101 Switching Protocols"]
)
def test_no_body_is_waited_for_where_none_may_be(
    fetcher: HttpFetcher, serve: Serve, answer: bytes, path: str
) -> None:
    """Nor is the connection used again, in case that one follows."""
    wire = serve(sends(b"HTTP/1.1 " + answer + b"\r\n\r\n", keeps=True))
    for _ in range(2):
        with pytest.raises(errors.HttpStatus):
            poll(fetcher, wire.url + path)
    assert wire.connections == 2


@PATHS
def test_a_header_that_goes_on_in_the_next_line_is_one_line(
    fetcher: HttpFetcher, serve: Serve, path: str
) -> None:
    """As RFC 9112 §5.2 requires."""
    wire = serve(sends(OK.replace(b"\r\n", b"\r\nContent-Type: text/xml;\r\n\tcharset=latin-1\r\n", 1)))
    found = poll(fetcher, wire.url + path)
    assert isinstance(found, Fetched)
    assert found.resources[0].content_type == "text/xml; charset=latin-1"


def closes_at(number: int) -> Manner:
    """A server that keeps a connection, and closes it at its request of this number."""
    left = [number]

    def manner(sock: socket.socket, _head: bytes) -> bool:
        left[0] -= 1
        if left[0] == 0:
            return False
        sock.sendall(OK)
        return True

    return manner


@PATHS
def test_a_get_is_sent_again_if_its_kept_connection_was_closed(
    fetcher: HttpFetcher, serve: Serve, path: str
) -> None:
    """Once: the second connection is new."""
    wire = serve(closes_at(2))
    for _ in range(2):
        assert isinstance(poll(fetcher, wire.url + path), Fetched)
    assert (len(wire.requests), wire.connections) == (3, 2)
    wire = serve(closes_at(1))
    with pytest.raises(errors.BrokenExchange):
        poll(fetcher, wire.url + path)
    assert len(wire.requests) == 1


def test_a_post_is_never_sent_again(fetcher: HttpFetcher, serve: Serve) -> None:
    """It may have taken effect before the connection was closed."""
    wire = serve(closes_at(2))
    fetcher.post(wire.url, b"x", NOW, timedelta(minutes=1))
    with pytest.raises(errors.BrokenExchange):
        fetcher.post(wire.url, b"x", NOW, timedelta(minutes=1))
    assert sum(request.startswith(b"POST") for request in wire.requests) == 2


def test_no_connection_is_made_without_certificates(
    fetcher: HttpFetcher, serve: Serve, tmp_path: Path
) -> None:
    """The server has no part in a mistake of the config."""
    wire = serve(sends(OK))
    url = wire.url.replace("http:", "https:")
    with pytest.raises(errors.TlsError, match="no certificates"):
        fetcher.fetch(Source(name="x", url=url, tls_ca=tmp_path / "none.pem"), {}, NOW)
    assert wire.connections == 0


def test_connections_are_closed_also_after_the_end(serve: Serve) -> None:
    """A daemon that stops closes the fetcher while polls are still running."""
    fetcher = HttpFetcher(Fetch(allow=("127.0.0.1",)), "Aggregator/test")
    wire = serve(sends(UNCHANGED, keeps=True))
    for _ in range(2):
        poll(fetcher, wire.url)
        fetcher.close()
        poll(fetcher, wire.url)
    assert wire.connections == 4


def test_headers_of_a_304_are_found_in_any_case(fetcher: HttpFetcher, serve: Serve) -> None:
    """Freshness and the server's time are those of http.client's reading."""
    fields = b"DATE: Fri, 30 Jan 2026 10:00:00 GMT\r\ncache-CONTROL: max-age=60\r\nRetry-after: 5\r\n"
    plain, folded = (
        poll(fetcher, serve(sends(START + more + fields + b"\r\n")).url).hints
        for more in (b"", b"X: a\r\n b\r\n")
    )
    assert plain == folded
    assert plain.max_age is not None
    assert plain.time is not None


def test_a_304_in_pieces_is_read_whole(fetcher: HttpFetcher, serve: Serve) -> None:
    """Servers may send the status line first."""

    def manner(sock: object, _head: bytes) -> bool:
        for at in range(len(UNCHANGED)):
            sock.sendall(UNCHANGED[at : at + 1])  # type: ignore[attr-defined]
        return True

    wire = serve(manner)
    for _ in range(2):
        assert poll(fetcher, wire.url).validators["etag"] == '"2"'
    assert wire.connections == 1


def test_what_a_server_sends_after_a_304_is_no_answer_to_the_next_request(
    fetcher: HttpFetcher, serve: Serve
) -> None:
    """A body that a 304 must not have could be another site's document."""
    wire = serve(in_turn(UNCHANGED + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", OK))
    assert isinstance(poll(fetcher, wire.url), NotModified)
    found = poll(fetcher, wire.url)
    assert isinstance(found, Fetched)
    assert found.resources[0].body == b"<rss/>"


def test_a_connection_is_kept_through_304s_bodies_and_redirects(fetcher: HttpFetcher, serve: Serve) -> None:
    """One connection for all that a server answers whole."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n<rss/>\r\n0\r\n\r\n"
    wire = serve(in_turn(UNCHANGED, OK, moved, OK, chunked, UNCHANGED))
    kinds = [type(poll(fetcher, wire.url)) for _ in range(5)]
    assert kinds == [NotModified, Fetched, Fetched, Fetched, NotModified]
    assert wire.connections == 1


def test_a_304_to_an_unconditional_request_is_an_error(fetcher: HttpFetcher, serve: Serve) -> None:
    """There is no copy that it could mean."""
    wire = serve(sends(UNCHANGED, keeps=True))
    with pytest.raises(Exception, match="no copy is stored"):
        fetcher.fetch(Source(name="x", url=wire.url), {}, NOW)


def test_few_idle_connections_are_kept(serve: Serve) -> None:
    """Of many servers, those that were asked last."""
    fetcher = HttpFetcher(Fetch(allow=("127.0.0.1",), workers=1), "Aggregator/test")
    wires = [serve(sends(UNCHANGED, keeps=True)) for _ in range(3)]
    for wire in (*wires, wires[2], wires[1], wires[0]):
        poll(fetcher, wire.url)
    assert [wire.connections for wire in wires] == [2, 1, 1]
    fetcher.close()


def test_the_same_bytes_are_sent_as_by_requests(fetcher: HttpFetcher, serve: Serve) -> None:
    """An address with an escape is requested through requests, which undoes this one."""
    wire = serve(sends(OK, keeps=True))
    for path in ("/a/b;c?d=e&f", "/a/%62;c?d=e&f"):
        poll(fetcher, wire.url + path)
    direct, by_requests = wire.requests
    assert direct == by_requests


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://a.example", Place("http", "a.example", 80, "/")),
        ("https://a_b.example:8443/x/~y?q=1&r=/?", Place("https", "a_b.example", 8443, "/x/~y?q=1&r=/?")),
        ("http://127.0.0.1:80/", Place("http", "127.0.0.1", 80, "/")),
        ("http://A.example/", None),
        ("http://a.example./", None),
        ("http://me@a.example/", None),
        ("http://[::1]/", None),
        ("http://ä.example/", None),
        ("http://a.example/%41", None),
        ("http://a.example/a b", None),
        ("http://a.example/a/../b", None),
        ("http://a.example/#x", None),
        ("http://a.example/\r\nX: y", None),
        ("http://a.example/x\n", None),
        ("http://a.example:0/", None),
        ("http://a.example:65536/", None),
        ("ftp://a.example/", None),
    ],
)
def test_only_addresses_that_need_no_change_are_requested_directly(url: str, place: Place | None) -> None:
    """All others are encoded and normalised by requests."""
    assert place_of(url) == place


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00b", "a\u0416"])
def test_a_header_cannot_add_another(value: str) -> None:
    """Such a header is left to http.client, which refuses it."""
    place = Place("http", "a.example", 80, "/")
    assert head_of(place, {"User-Agent": value}) is None
    assert head_of(place, {"User-Agent: x\r\nY": "z"}) is None
    assert head_of(place, {"User-Agent: x": "z"}) is None
    assert (
        head_of(place, {"User-Agent": "é\t"})
        == b"GET / HTTP/1.1\r\nHost: a.example\r\nUser-Agent: \xe9\t\r\n\r\n"
    )


@pytest.mark.parametrize("answer", [UNCHANGED, OK])
def test_plain_polls_import_no_requests(serve: Serve, answer: bytes) -> None:
    """Importing it takes longer than a hundred such polls."""
    wire = serve(sends(answer, keeps=True))
    code = (
        "import datetime, sys\n"
        "from aggregator.config.load import Fetch, Source\n"
        "from aggregator.fetch.http import HttpFetcher\n"
        f"url = {wire.url!r}\n"
        "fetcher = HttpFetcher(Fetch(allow=('127.0.0.1',)), 'x')\n"
        "now = datetime.datetime.now(datetime.UTC)\n"
        "fetcher.fetch(Source(name='x', url=url), {'url': url, 'etag': 'x'}, now)\n"
        "fetcher.close()\n"
        "print({'requests', 'urllib3'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_threads_that_import_requests_at_once_do_not_get_a_half_of_it(serve: Serve) -> None:
    """Its modules import each other: a thread could be given one that another thread is importing."""
    wire = serve(sends(OK))
    broken = serve(sends(b"no HTTP\r\n\r\n"))
    code = (
        "import datetime, sys, threading, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "from aggregator.config.load import Fetch, Source\n"
        "from aggregator.errors import FetchError\n"
        "from aggregator.fetch.connection import tls_context\n"
        "from aggregator.fetch.http import HttpFetcher\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.startswith(('requests', 'urllib3', 'aggregator')):\n"
        "            time.sleep(0.01)\n"
        "sys.meta_path.insert(0, Slow())\n"
        "fetcher = HttpFetcher(Fetch(allow=('127.0.0.1',)), 'x')\n"
        "now, minute = datetime.datetime.now(datetime.UTC), datetime.timedelta(minutes=1)\n"
        "start = threading.Barrier(8)\n"
        "def run(job):\n"
        "    start.wait()\n"
        "    try:\n"
        "        job()\n"
        "    except FetchError:\n"
        "        pass\n"
        "jobs = [\n"
        f"    lambda: fetcher.fetch(Source(name='x', url={wire.url!r}), {{}}, now),\n"
        f"    lambda: fetcher.fetch(Source(name='x', url={broken.url!r}), {{}}, now),\n"
        f"    lambda: fetcher.post({wire.url!r}, b'', now, minute),\n"
        "    lambda: tls_context(True),\n"
        "]\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    list(pool.map(run, 2 * jobs))\n"
        "fetcher.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
