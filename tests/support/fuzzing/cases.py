"""Makes a case from a sample: bytes flipped, words and tags put in, pieces dropped, doubled, exchanged."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any

Case = Callable[[Random], str]

MAX_BYTES = 12_000
WORDS = (
    b"&#xD800; &#x110000; &#99999999999; ]]> <![CDATA[ <!-- --> &amp;amp; &nbsp; &x; \0 \xff\xfe \xef\xbb\xbf <?xml "
    b"<!DOCTYPE xmlns:a='' xml:base='http://[' isPermaLink='x' type='xhtml' type='application/octet-stream' <div> "
    b"</item> </entry> <item> <entry> <title> </title> <link href='http://[::1'/> <guid/> "
    b"<pubDate>99 Foo 99999</pubDate> <updated>2026-13-45T99:99:99Z</updated> <content:encoded> "
    b"<media:content url='x'/> <itunes:duration>::</itunes:duration> \xe2\x80\xae \xed\xa0\x80 +ADw- \x1b$B <script> "
    b"javascript: %00 %zz --- +++ ``` {{ {% }} ![ ]( [[ ]] : # & * ! | > ' \" \\ \\u0000 \\ud800 1e999 -1 0x 9999999999999 "
    b"null true NaN {} [] , \r\n \r \n \t =?utf-8?B?//8=?= =?x?Q?=00?= Content-Type: boundary= =00 "
    b"\xe2\x80\xa8 \xc2\x85 \x7f \x08 CON .. / ../../ ~ $HOME %s %n"
).split(b" ")
TAG = re.compile(rb"<[^<>]{1,200}>")


class Wrong(AssertionError):
    """What a case showed to be a mistake of ours."""


def mutated(chance: Random, samples: Sequence[bytes]) -> bytes:
    """One of the samples with some accidents, at most some MAX_BYTES long."""
    body = chance.choice(samples)
    if len(body) > MAX_BYTES:
        start = 0 if chance.random() < 0.8 else chance.randrange(len(body) - MAX_BYTES)
        body = body[start : start + MAX_BYTES]
    case = bytearray(body)
    for _ in range(chance.choice((1, 1, 2, 4, 8, 30))):
        at = chance.randrange(len(case) + 1)
        chance.choice(_ACCIDENTS)(chance, case, at, samples)
    return bytes(case)


def word(chance: Random, words: Sequence[str], *, odd: float = 0.2) -> str:
    """One of these words; now and then damaged, or something else altogether. Never with a NUL or surrogate."""
    if chance.random() > odd:
        return chance.choice(words)
    made = mutated(chance, [chance.choice(words).encode(), b""])[: chance.choice((10, 100, 3000))]
    return made.decode("utf-8", "replace").replace("\0", "")


def _flip(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    if at < len(case):
        case[at] = chance.randrange(256)


def _drop(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    case[at : at + chance.randrange(1, 60)] = b""


def _word(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    case[at:at] = chance.choice(WORDS)


def _tag(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    tags = TAG.findall(bytes(case[:4000]))
    case[at:at] = chance.choice(tags) if tags else b"<x>"


def _splice(chance: Random, case: bytearray, at: int, samples: Sequence[bytes]) -> None:
    other = chance.choice(samples)
    start = chance.randrange(len(other) + 1)
    case[at:at] = other[start : start + chance.randrange(400)]


def _repeat(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    case[at:at] = bytes(case[at : at + 200]) * chance.choice((2, 5, 20))


def _encoding(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    names = (b"utf-16", b"gb2312", b"utf-7", b"iso-2022-jp", b"x", b"ascii", b"undefined", b"idna")
    new = chance.choice(names)
    case[:] = re.sub(rb"((?:encoding|charset)=['\"]?)[\w-]*", lambda m: m[1] + new, bytes(case), count=1)


def _cut(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    del case[at:]


def _untag(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    found = TAG.search(bytes(case), min(at, max(len(case) - 1, 0)))
    if found:
        case[found.start() : found.end()] = b""


def _number(chance: Random, case: bytearray, at: int, _: Sequence[bytes]) -> None:
    found = re.compile(rb"\d+").search(bytes(case), at)
    if found:
        new = chance.choice((b"0", b"-1", b"999999999999999999999", b"1e400", b"00", b"2147483648"))
        case[found.start() : found.end()] = new


_ACCIDENTS = (_flip, _drop, _word, _tag, _splice, _repeat, _encoding, _cut, _untag, _number)


@contextmanager
def loopback_alone() -> Iterator[None]:
    """No case may reach another machine: names are not looked up, and only loopback is connected to."""
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def near(self: Any, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            raise OSError(101, "Network is unreachable")
        connect(self, address)

    def known(host: Any, *rest: Any, **named: Any) -> Any:
        if host in ("127.0.0.1", "::1", "localhost", b"127.0.0.1", b"localhost"):
            return resolve("127.0.0.1" if host != "::1" else host, *rest, **named)
        raise socket.gaierror(-2, "Name or service not known")

    socket.socket.connect, socket.getaddrinfo = near, known  # type: ignore[method-assign]
    try:
        yield
    finally:
        socket.socket.connect, socket.getaddrinfo = connect, resolve  # type: ignore[method-assign]
