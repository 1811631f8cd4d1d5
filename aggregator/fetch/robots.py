"""robots.txt (RFC 9309): which web pages a publisher allows programs to fetch.

It is parsed here because protego took 22 s and 360 MB for a hostile file of 66 KB (measured), and RFC 9309
asks for 500 KiB. This parser is linear in the file, and matching a rule is linear in the address.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from aggregator import errors
from aggregator.model.struct import Struct

if TYPE_CHECKING:
    from aggregator.config.load import Source

PRODUCT = "aggregator"
MAX_BYTES = 500 * 1024
MAX_ORIGINS = 2_000
LONGEST_DELAY = timedelta(minutes=1)
FRESH_FOR = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(minutes=10)
"""How long to wait before a robots.txt that could not be fetched is fetched again."""

_PRODUCT = re.compile(r"[a-z_-]+")
_LINE_END = re.compile(r"\r\n?|\n")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_DELAY = re.compile(r"\d{1,6}(?:\.\d{0,6})?")


class Rules(Struct, frozen=True):
    """The rules of one robots.txt that apply to us.

    `paths` are patterns and whether they allow, the most specific first; `delay` is its Crawl-delay, which is
    not in RFC 9309, None without one.
    """

    paths: tuple[tuple[str, bool], ...] = ()
    delay: timedelta | None = None

    def allow(self, url: str) -> bool:
        """Whether the address may be fetched: the longest matching pattern decides (RFC 9309 §2.2.2)."""
        parts = urlsplit(url)
        if parts.path == "/robots.txt":
            return True
        path = _comparable((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        return next((allows for pattern, allows in self.paths if _matches(pattern, path)), True)


ALL_ALLOWED = Rules()


def parse(text: str) -> Rules:
    """The rules for us: of every group that names us, else of `*` (RFC 9309 §2.2.1)."""
    paths: dict[str, list[tuple[str, bool]]] = {PRODUCT: [], "*": []}
    delays: dict[str, timedelta] = {}
    named: set[str] = set()
    agents: set[str] = set()
    is_heading = False
    for line in _LINE_END.split(text.removeprefix("\ufeff")):
        key, mark, value = line.partition("#")[0].partition(":")
        key, value = key.strip().lower(), value.strip()
        if not mark:
            continue
        if key == "user-agent":
            if not is_heading:
                agents = set()
            is_heading = True
            product = _PRODUCT.match(value.lower())
            agents.add("*" if value == "*" else product[0] if product else "")
            named |= agents
        elif key in ("allow", "disallow", "crawl-delay"):
            is_heading = False
            for agent in agents & paths.keys():
                if key != "crawl-delay" and value:
                    paths[agent].append((_comparable(value), key == "allow"))
                elif key == "crawl-delay" and _DELAY.fullmatch(value):
                    delays[agent] = min(timedelta(seconds=float(value)), LONGEST_DELAY)
    agent = PRODUCT if PRODUCT in named else "*"
    specific = sorted(paths[agent], key=lambda rule: (-len(rule[0]), not rule[1]))
    return Rules(tuple(specific), delays.get(agent))


def _comparable(path: str) -> str:
    """A path in the form that §2.2.2 compares: percent-encoded, except letters that need not be."""
    return _ESCAPED.sub(_decoded, quote(path, safe=_ASCII, errors="replace"))


def _decoded(escaped: re.Match[str]) -> str:
    character = chr(int(escaped[0][1:], 16))
    return character if character in _UNRESERVED else escaped[0].upper()


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern matches a prefix of the path; `*` is anything, `$` its end (§2.2.3)."""
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not others:
        return not is_whole or len(path) == len(first)
    place = len(first)
    last = others.pop() if is_whole else ""
    for piece in others:
        found = path.find(piece, place)
        if found < 0:
            return False
        place = found + len(piece)
    return not is_whole or (path.endswith(last) and len(path) - len(last) >= place)


class _Origin:
    """One origin's rules; `error` is why its robots.txt could not be fetched the last time."""

    __slots__ = ("error", "lock", "rules", "until")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.rules: Rules | None = None
        self.error: errors.FetchError | None = None
        self.until: datetime | None = None


class Robots:
    """The robots.txt of every origin, fetched once a day; safe to use from several threads.

    `get` fetches a document for a source and raises FetchError. `slow` is called with the Crawl-delay of an
    address.
    """

    def __init__(
        self, get: Callable[[Source, str, datetime], bytes], slow: Callable[[str, timedelta], None]
    ) -> None:
        self._get = get
        self._slow = slow
        self._origins: OrderedDict[str, _Origin] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, source: Source, url: str, now: datetime) -> None:
        """Raises Disallowed if the address is forbidden; FetchError and its kinds while that is unknown.

        No robots.txt (4xx) allows everything; one that cannot be fetched now allows nothing (§2.3.1), unless
        an earlier one is known.
        """
        rules = self._rules(source, url, now)
        if rules.delay:
            self._slow(url, rules.delay)
        if not rules.allow(url):
            raise errors.Disallowed("its robots.txt forbids fetching this", url=url)

    def _rules(self, source: Source, url: str, now: datetime) -> Rules:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
        with self._lock:
            origin = self._origins.setdefault(place, _Origin())
            self._origins.move_to_end(place)
            if len(self._origins) > MAX_ORIGINS:
                self._origins.popitem(last=False)
        with origin.lock:
            if origin.until is None or not now < origin.until:
                self._ask(origin, source, f"{place}/robots.txt", now)
            if origin.rules is not None:
                return origin.rules
            assert origin.error is not None, "`origin` has rules or an error"
            raise _for_now(origin.error)

    def _ask(self, origin: _Origin, source: Source, url: str, now: datetime) -> None:
        origin.until = now + FRESH_FOR
        try:
            body = self._get(source, url, now)
        except errors.FetchError as error:
            if _is_absent(error):
                origin.rules = ALL_ALLOWED
            else:
                origin.error, origin.until = error, now + ASKED_AGAIN_AFTER
        else:
            origin.rules = parse(body[:MAX_BYTES].decode("utf-8", "replace"))


def _is_absent(error: errors.FetchError) -> bool:
    """Whether there is no robots.txt: 4xx, or endless redirects (§2.3.1.2, §2.3.1.3).

    Except 429, unlike the RFC: it asks us to come later.
    """
    if isinstance(error, errors.HttpStatus):
        return 400 <= error.status < 500 and error.status != 429
    return isinstance(error, errors.TooManyRedirects)


def _for_now(error: errors.FetchError) -> errors.FetchError:
    """The error of a fetch that waits for robots.txt; NoNetwork stays NoNetwork."""
    reason = f"its robots.txt cannot be fetched, so nothing else may be fetched yet: {error.reason}"
    if isinstance(error, errors.HttpStatus):
        return errors.Later(reason, status=error.status, retry_after=error.retry_after, url=error.url)
    kind = errors.NoNetwork if isinstance(error, errors.NoNetwork) else errors.FetchError
    return kind(reason, url=error.url, advice=error.advice)
