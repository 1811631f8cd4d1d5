"""Reads a source's documents, and the further documents that they name, into articles."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.errors import SourceError
from aggregator.model.article import Article, Problem
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.model.struct import Struct, field, replace
from aggregator.model.verdict import Judged
from aggregator.reading.context import Context
from aggregator.reading.version import READER_VERSION
from aggregator.store import Found

MAX_DOCUMENTS = 100
"""The largest number of further documents of a source that one poll fetches."""

_STEP = timedelta(seconds=1)
_EARLIEST = datetime(
    1900, 1, 1, tzinfo=UTC
)  # the first date that feeds have (`dates.parse`); files may have others
_ALIKE = 2
"""A problem that at least this many files share is reported once for all of them."""

Reads = Callable[[Resource, Context], Reading]
"""Turns one document's bytes into articles. Raises ReadError."""

Fetches = Callable[[str], Resource]
"""Fetches a further document of a source. Raises FetchError."""


class Gathered(Struct):
    """The readings of a source's documents, in order, and what was wrong with the documents.

    - `failed`: names or addresses of the documents that could not be fetched or read.
    - `skipped`: names of the files that are not to be published now, each with the reason.
    - `again`: names of files that are to be read again at a time, even if unchanged: their article is to be
      published from then on, or until then.
    """

    readings: list[tuple[Resource, Reading]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    again: dict[str, datetime] = field(default_factory=dict)


def gather(
    resources: Iterable[Resource], context: Context, read: Reads, fetch: Fetches, now: datetime
) -> Gathered:
    """Reads the documents, and the further ones that they name, each address once.

    An article that is to be published later than `now`, or no longer, is left out and reported. Raises
    SourceError if the source has a single document that cannot be read; if one file of a folder or a
    further document cannot be read, that is reported instead.
    """
    gathered = Gathered()
    waiting: deque[tuple[str, int]] = deque()
    seen: set[str] = set()

    def take(resource: Resource) -> None:
        reading = _shown(read(resource, context), resource.name, gathered, now)
        gathered.readings.append((resource, reading))
        seen.add(resource.url)
        further = [url for url in dict.fromkeys(reading.more) if url not in seen]
        seen.update(further)
        waiting.extend((url, resource.depth + 1) for url in further)

    for resource in resources:
        try:
            take(resource)
        except SourceError as error:
            if not resource.name:
                raise
            gathered.problems.append(Problem(text=error.message, where=resource.name))
            gathered.failed.add(resource.name)
    for number in range(1, MAX_DOCUMENTS + 1):
        if not waiting:
            break
        url, depth = waiting.popleft()
        try:
            take(replace(fetch(url), number=number, depth=depth))
        except SourceError as error:
            gathered.problems.append(Problem(text=error.message, where=url))
            gathered.failed.add(url)
    gathered.problems[:0] = _problems(gathered)
    if waiting:
        text = f"names more than {MAX_DOCUMENTS} further documents; the others are left out"
        gathered.problems.append(Problem(text=text))
    return gathered


def found(
    gathered: Gathered,
    present: Iterable[str],
    owners: Mapping[str, str],
    *,
    is_same: Callable[[Resource], bool] = lambda _: False,
    has_other_options: bool = False,
) -> list[Found]:
    """Returns every article with a unique id: two files of one folder that share a guid are two articles.

    - `present`: the files that are in the folder.
    - `owners`: the file of each known id. The id of a file that is gone may be used by another, so that a
      renamed file stays the same article.
    - `is_same`: whether a document is unchanged since the last poll.
    - `has_other_options`: whether the source's options changed since.

    An article that a further document repeats is returned once. Adds to the problems of `gathered`.
    """
    still = frozenset(present)
    taken = {id_: name for id_, name in owners.items() if name in still}
    listed: set[str] = set()
    every = []
    for resource, reading in gathered.readings:
        name, is_known = resource.name, is_same(resource)
        for article, mark, content_hash, packed, judged in _articles(reading):
            if name and taken.setdefault(article.id, name) != name:
                shared = f"has the id of {taken[article.id]}; kept as a separate article"
                gathered.problems.append(Problem(text=shared, where=name))
                article = replace(article, id=f"{article.id}|{name}")
                taken[article.id] = name
            if article.id not in listed:
                listed.add(article.id)
                one = Found(
                    article,
                    fingerprint=mark,
                    file=name,
                    reader_version=READER_VERSION,
                    is_same=is_known,
                    has_other_options=has_other_options,
                    content_hash=content_hash,
                    packed=packed,
                    judged=None if judged is None else (reading.judged_by, judged),
                )
                every.append(one)
    return every


def dated_in_order(found: Sequence[Found], modified: datetime | None, now: datetime) -> list[Found]:
    """Gives dates to undated articles of a source's first poll, so that they come after dated ones, in order.

    They were not published just now, and must not push other articles out of feeds. If none has a date, the
    first gets the feed's own date, else `modified` (Last-Modified), else `now`.
    """
    dates = [f.article.published for f in found if f.article.published is not None]
    said = (f.article.origin.updated for f in found if f.article.origin.updated is not None)
    stands_at = min(max(min(dates), _EARLIEST) - _STEP if dates else next(said, None) or modified or now, now)
    placed = []
    for each in found:
        if each.article.published is None:
            each = replace(each, stands_at=stands_at)
            stands_at -= _STEP
        placed.append(each)
    return placed


def _articles(reading: Reading) -> Iterator[tuple[Article, str, str, bytes, Judged | None]]:
    articles = reading.document.articles
    none = ("",) * len(articles)
    marks, hashes = reading.fingerprints or none, reading.content_hashes or none
    judged: tuple[Judged | None, ...] = reading.judged or (None,) * len(articles)
    packed = reading.packed or (b"",) * len(articles)
    return zip(articles, marks, hashes, packed, judged, strict=True)


def _shown(reading: Reading, name: str, gathered: Gathered, now: datetime) -> Reading:
    """Returns the reading, without its article if that is not to be published at `now`."""
    start, end = reading.shown_from, reading.shown_until
    reason = reading.skipped
    if not reason and end is not None and end <= now:
        reason = f"is not published any more since {end:%Y-%m-%d %H:%M} UTC"
    elif not reason and start is not None and start > now:
        reason = f"has a date in the future: it will be published at {start:%Y-%m-%d %H:%M} UTC"
        gathered.again[name] = start
    elif not reason and end is not None:
        gathered.again[name] = end
    if not reason:
        return reading
    gathered.skipped[name] = reason
    problems = reading.document.problems if reading.skipped else (Problem(text=reason),)
    document = replace(reading.document, articles=(), problems=problems)
    nothing: dict[str, Any] = dict.fromkeys(
        ("fingerprints", "content_hashes", "packed", "judged", "known"), ()
    )
    return replace(reading, document=document, **nothing)


def _problems(gathered: Gathered) -> Iterator[Problem]:
    """Yields the problems of all documents; one that many files share is reported once, at the first file."""
    alike = Counter(
        problem.text
        for resource, reading in gathered.readings
        if resource.name and resource.name not in gathered.skipped
        for problem in reading.document.problems
        if not problem.where
    )
    said: set[str] = set()
    for resource, reading in gathered.readings:
        name = resource.name
        for problem in reading.document.problems:
            count = 0 if problem.where or not name or name in gathered.skipped else alike[problem.text]
            if count < _ALIKE:
                yield _placed(problem, name)
            elif problem.text not in said:
                said.add(problem.text)
                others = f"{count - 1:,} further file{'s' if count > 2 else ''}"
                yield Problem(text=problem.text, where=f"{name} and {others}")


def _placed(problem: Problem, name: str) -> Problem:
    return replace(problem, where=f"{name}: {problem.where}" if problem.where else name) if name else problem
