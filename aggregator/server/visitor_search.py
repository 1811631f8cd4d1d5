"""Searches by visitors: two at a time, each for at most two seconds; results are cached for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

from aggregator import __version__
from aggregator.config.load import Config
from aggregator.errors import AggregatorError, QueryError, TookTooLong
from aggregator.publishing.visitor_search import PublicSearch, SearchFound, asked
from aggregator.rules.query import Query
from aggregator.server.file_cache import EncodedBody, File, compressed, plain_body
from aggregator.writers import installed
from aggregator.writers.html.page_variables import PAGE
from aggregator.writers.html.search_page import AWAY, BUSY, MISSING, SLOW

__all__ = ["AT_ONCE", "MAX_SECONDS", "Refusal", "Searches"]

AT_ONCE = 2
MAX_SECONDS = 2.0
KEPT_SECONDS = 30
MAX_KEPT_BYTES = 8 * 1024 * 1024
_MAX_ASKED_BYTES = 8_000
_MAX_PARAMETERS = 10

_log = logging.getLogger("aggregator")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there are no results: `body` says so, as a page or, for a feed, as text.

    `retry_seconds`: when to try again; None if trying again does not help.
    """

    status: int
    body: bytes
    is_page: bool
    retry_seconds: int | None = None


class Searches:
    """Answers searches with a config; `clock` returns the time for `age:`."""

    def __init__(self, config: Config, clock: Callable[[], datetime]) -> None:
        self._search = PublicSearch(config, dict(installed(())), __version__)
        self._clock = clock
        self._running = 0
        self._kept: OrderedDict[tuple[str, str], tuple[float, File | Refusal]] = OrderedDict()
        self._bytes = 0
        self._reported = ""

    async def answer(self, query_string: bytes) -> File | Refusal:
        """The response to `q=QUERY&format=FORMAT`; without a format, or with "html", a page."""
        text, name = _parameters(query_string)
        name = "" if name == "html" else name
        if name and name not in self._search.writers:
            known = ", ".join(("html", *self._search.writers))
            return Refusal(404, f"A search has no such format; there are {known}.\n".encode(), is_page=False)
        if (kept := self._kept.get((text, name))) is not None and kept[0] > time.monotonic():
            return kept[1]
        if not text:
            return self._made(text, name, None) if not name else self._refused(text, name, 400, MISSING)
        try:
            query = asked(text)
        except QueryError as error:
            return self._refused(text, name, 400, error)
        if self._running >= AT_ONCE:
            return self._refused(text, name, 503, BUSY, 2)
        self._running += 1
        try:
            made = await asyncio.to_thread(self._looked_for, query, text, name)
        finally:
            self._running -= 1
        self._keep((text, name), made)
        return made

    def _looked_for(self, query: Query, text: str, name: str) -> File | Refusal:
        end = time.monotonic() + MAX_SECONDS
        try:
            found = self._search.find(query, self._clock(), lambda: time.monotonic() > end)
            return self._made(text, name, found)
        except TookTooLong:
            return self._refused(text, name, 503, SLOW, KEPT_SECONDS)
        except AggregatorError as error:
            # Its message has paths, which must not be public.
            if str(error) != self._reported:
                self._reported = str(error)
                _log.warning("a search on the pages failed: %s", error)
            return self._refused(text, name, 503, AWAY, KEPT_SECONDS)

    def _made(self, text: str, name: str, found: SearchFound | None) -> File:
        if name and found is not None:
            body = self._search.feed(text, found, name)
            path = self._search.writers[name].file_name
        else:
            body, path = self._search.page(text, found), PAGE
        modified = int(found.updated.timestamp()) if found else 0
        return File(path, (0, 0, 0, 0), modified, {"identity": plain_body(body)})

    def _refused(
        self, text: str, name: str, status: int, problem: QueryError | str, retry_seconds: int | None = None
    ) -> Refusal:
        why = self._search.why(problem)
        body = f"{why}\n".encode() if name else self._search.page(text[:1_000], None, why)
        return Refusal(status, body, not name, retry_seconds)

    def _keep(self, key: tuple[str, str], made: File | Refusal) -> None:
        if (before := self._kept.pop(key, None)) is not None:
            self._bytes -= _size(before[1])
        self._kept[key] = time.monotonic() + KEPT_SECONDS, made
        self._bytes += _size(made)
        while self._bytes > MAX_KEPT_BYTES and len(self._kept) > 1:
            _, (_, oldest) = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)


def _size(made: File | Refusal) -> int:
    return 1_000 + len(made.bodies["identity"].data if isinstance(made, File) else made.body)


async def encoded(file: File, encodings: tuple[str, ...]) -> EncodedBody:
    """Results in the first of these encodings."""
    plain = file.bodies["identity"]
    wanted = encodings[0]
    return plain if wanted == "identity" else await asyncio.to_thread(compressed, plain, wanted)


def _parameters(query_string: bytes) -> tuple[str, str]:
    """`q` and `format`, the first of each; "" for a missing one."""
    written = query_string[:_MAX_ASKED_BYTES].decode("latin-1")
    try:
        pairs = parse_qsl(written, max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return "", ""
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return " ".join(found.get("q", "").split()), found.get("format", "")
