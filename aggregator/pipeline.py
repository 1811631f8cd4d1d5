"""poll and publish: what happens to a source, step by step. Knows protocols, no concrete parts."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import quote

from aggregator.article import Problem
from aggregator.config import Config, Source
from aggregator.errors import FetchError, SourceError, WriteError
from aggregator.fetch import Fetched, NotModified, Resource, Validators
from aggregator.normalise import IdentityKind
from aggregator.reading import Context, Reading
from aggregator.store import ALL, Category, Found, Saved, State, Store, Update
from aggregator.writers.channel import Channel, Item, Writer
from aggregator.writers.files import remove_leftovers, write_if_changed
from aggregator.writers.folders import folder_name

_POLLS_AHEAD = 256


class Fetches(Protocol):
    """Where bytes come from."""

    def fetch(self, source: Source, validators: Validators) -> Fetched | NotModified:
        """What is new at `source`. Raises FetchError."""
        ...


Reads = Callable[[Resource, Context], Reading]
"""Turns one document's bytes into articles. Raises ReadError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How one poll of one source went; `error` is None when it succeeded."""

    source: Source
    saved: Saved = field(default_factory=Saved)
    was_read: bool = False
    problems: tuple[Problem, ...] = ()
    error: SourceError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publication did: how many feeds were rendered, the files whose bytes changed, what failed."""

    rendered: int = 0
    written: tuple[Path, ...] = ()
    feeds: int = 0
    errors: tuple[WriteError, ...] = ()


@dataclass(slots=True)
class _Poll:
    """What fetching and reading gave, before the store has it."""

    update: Update | None = None
    was_read: bool = False
    problems: list[Problem] = field(default_factory=list)
    error: SourceError | None = None


def poll_many(
    sources: Sequence[Source], *, store: Store, fetcher: Fetches, read: Reads, workers: int, now: datetime
) -> Iterator[Poll]:
    """Polls sources in parallel and yields the results in the order of `sources`, each saved already.

    Saving in one order whatever network answers first makes outward ids and folder names the same
    in every run. One source's failure is its own result; it never stops another.
    """
    waiting: deque[tuple[Source, Future[_Poll]]] = deque()
    left = iter(sources)
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="poll")
    try:
        while True:
            while len(waiting) < _POLLS_AHEAD and (source := next(left, None)) is not None:
                waiting.append((source, pool.submit(_read_source, source, store, fetcher, read)))
            if not waiting:
                return
            source, future = waiting.popleft()
            yield _save(source, future.result(), store, now)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read_source(source: Source, store: Store, fetcher: Fetches, read: Reads) -> _Poll:
    poll = _Poll()
    try:
        state = store.state(source.name)
        fetched = fetcher.fetch(source, state.validators)
        if isinstance(fetched, NotModified):
            poll.update = Update(source=source.name, validators=fetched.validators, body_hash=state.body_hash)
            return poll
        poll.problems.extend(fetched.unread)
        body_hash = _body_hash(fetched.resources)
        if body_hash is not None and body_hash == state.body_hash:
            poll.update = Update(source=source.name, validators=fetched.validators, body_hash=body_hash)
            return poll
        poll.was_read = True
        readings = _read_resources(fetched.resources, _context(source, state, store), read, poll)
        only = next(iter(readings.values())) if len(readings) == 1 else None
        poll.update = Update(
            source=source.name,
            validators=fetched.validators_without(
                {r.name for r in fetched.resources if r.name not in readings}
            ),
            body_hash=body_hash,
            identity=only.identity if only else None,
            title=only.document.title if only and "" in readings else "",
            found=_unique(readings, fetched, store.files(source.name), poll),
            unchanged=sum(reading.unchanged for reading in readings.values()),
        )
    except SourceError as error:
        error.source = source.name
        error.url = error.url or source.address
        poll.error = error
    return poll


def _context(source: Source, state: State, store: Store) -> Context:
    return Context(
        kind=source.kind,
        source=source.name,
        categories=source.categories,
        author=source.author,
        identity=cast(IdentityKind, state.identity or "guid"),
        known=store.fingerprints(source.name),
    )


def _read_resources(
    resources: Iterable[Resource], context: Context, read: Reads, poll: _Poll
) -> dict[str, Reading]:
    """What each document gave, by its name; one that was refused is left out, unless it stands alone."""
    readings = {}
    for resource in resources:
        try:
            reading = read(resource, context)
        except SourceError as error:
            if not resource.name:
                raise
            poll.problems.append(Problem(text=error.reason, where=resource.name))
        else:
            readings[resource.name] = reading
            poll.problems.extend(_placed(problem, resource.name) for problem in reading.document.problems)
    return readings


def _unique(
    readings: Mapping[str, Reading], fetched: Fetched, owners: dict[str, str], poll: _Poll
) -> list[Found]:
    """Every article under an id of its own: two files of one folder that share a guid are two articles.

    `owners` tells which file an id belonged to so far. A file that is gone has left its id to be taken
    over, so that a renamed file stays the same article.
    """
    present = fetched.validators.get("files", {})
    owners = {id_: name for id_, name in owners.items() if name in present}
    found = []
    for name, reading in readings.items():
        marks = reading.fingerprints or [""] * len(reading.document.articles)
        for article, mark in zip(reading.document.articles, marks, strict=True):
            if name and owners.setdefault(article.id, name) != name:
                shared = f"has the id of {owners[article.id]}; kept as an article of its own"
                poll.problems.append(Problem(text=shared, where=name))
                article = replace(article, id=f"{article.id}|{name}")
                owners[article.id] = name
            found.append(Found(article, mark, name))
    return found


def _placed(problem: Problem, name: str) -> Problem:
    return replace(problem, where=f"{name}: {problem.where}" if problem.where else name) if name else problem


def _body_hash(resources: Sequence[Resource]) -> str | None:
    """Stands for a source of one document; a folder knows by itself which of its files changed."""
    if len(resources) != 1 or resources[0].name:
        return None
    return hashlib.blake2b(resources[0].body, digest_size=16).hexdigest()


def _save(source: Source, polled: _Poll, store: Store, now: datetime) -> Poll:
    problems = tuple(polled.problems)
    if polled.update is None:
        error = polled.error or FetchError("it gave nothing", source=source.name, url=source.address)
        store.fail(source.name, error.reason, now)
        return Poll(source=source, problems=problems, error=error)
    saved = store.commit(polled.update, now)
    return Poll(source=source, saved=saved, was_read=polled.was_read, problems=problems)


def publish(
    *, store: Store, config: Config, writers: Mapping[str, Writer], version: str, everything: bool = False
) -> Published:
    """Writes every feed that is stale, or whose files are missing; `everything` renders all of them.

    A feed that cannot be written is told in `errors` and stays stale; the others are written.
    """
    config.output.mkdir(parents=True, exist_ok=True)
    look = _look(config, writers, version)
    everything = everything or store.setting("look") != look
    written: list[Path] = []
    errors: list[WriteError] = []
    rendered = 0
    feeds = _settled_feeds(store, config)
    for feed, folder, feed_id in feeds:
        place = config.output / folder
        paths = [place / name for name in writers]
        if not (everything or feed.is_stale or not all(path.exists() for path in paths)):
            continue
        rendered += 1
        try:
            channel = _channel(feed, folder, feed_id, store, config, version)
            remove_leftovers(place)
            written += [
                path
                for path, writer in zip(paths, writers.values(), strict=True)
                if write_if_changed(path, writer.render(channel))
            ]
        except WriteError as error:
            errors.append(error)
        else:
            store.rendered(feed.name, feed.generation)
    if not errors:
        store.remember("look", look)
    return Published(rendered=rendered, written=tuple(written), feeds=len(feeds), errors=tuple(errors))


def _look(config: Config, writers: Mapping[str, Writer], version: str) -> str:
    """Stands for everything beside the articles that decides how feeds look."""
    facts = [config.site.model_dump(), config.entries_per_feed, [*writers], version]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _settled_feeds(store: Store, config: Config) -> list[tuple[Category, str, str]]:
    """Every feed with its folder and id; a new category is given them here, once and for good."""
    feeds = store.feeds()
    taken = [feed.folder for feed in feeds if feed.folder]
    settled = []
    for feed in feeds:
        folder, feed_id = feed.folder, feed.feed_id
        if folder is None or feed_id is None:
            folder = "all" if feed.name == ALL else folder_name(feed.name, taken)
            feed_id = _feed_id(config, feed.name, folder)
            store.settle(feed.name, folder=folder, feed_id=feed_id)
            taken.append(folder)
        settled.append((feed, folder, feed_id))
    return settled


def _feed_id(config: Config, name: str, folder: str) -> str:
    """RFC 4287 §4.2.6: permanent and unique. The public address at the time, else a name-based UUID."""
    if config.site.url:
        return _public_url(config, folder)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{config.site.title}\n{name}").urn


def _public_url(config: Config, folder: str, file_name: str = "") -> str:
    return f"{config.site.url.rstrip('/')}/{quote(folder)}/{file_name}" if config.site.url else ""


def _channel(
    feed: Category, folder: str, feed_id: str, store: Store, config: Config, version: str
) -> Channel:
    kept = store.newest(feed.name, config.entries_per_feed)
    items = tuple(
        Item(
            id=k.uid,
            article=k.article,
            published=k.published.replace(microsecond=0),
            updated=k.updated.replace(microsecond=0),
        )
        for k in kept
    )
    site = config.site
    title = site.title if feed.name == ALL else f"{feed.name} — {site.title}"
    return Channel(
        id=feed_id,
        title=title,
        description=site.description or title,
        category=None if feed.name == ALL else feed.name,
        link=_public_url(config, folder),
        self_links={name: _public_url(config, folder, name) for name in ("rss.xml", "atom.xml") if site.url},
        updated=max((item.updated for item in items), default=feed.changed.replace(microsecond=0)),
        items=items,
        language=site.language,
        generator_version=version,
    )
