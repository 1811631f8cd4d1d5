"""The one place that puts the parts together: what the command line, and later the daemon, can do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aggregator import __version__, pipeline
from aggregator.article import Document, Problem
from aggregator.config import Config, Fetch, Source
from aggregator.errors import ReadError, SourceError
from aggregator.fetch import Fetcher, NotModified
from aggregator.pipeline import Poll, Published
from aggregator.reading import Context
from aggregator.store import Store
from aggregator.workers import Workers
from aggregator.writers import WRITERS


def user_agent(settings: Fetch) -> str:
    """Product, version and, where the config gives one, the address of who runs this (RFC 9110 §10.1.5)."""
    contact = f" (+{settings.contact})" if settings.contact else ""
    return f"Aggregator/{__version__}{contact}"


class App:
    """A config with its store open; use it in a `with` statement. Raises StoreError when it cannot open."""

    def __init__(self, config: Config, now: datetime) -> None:
        self.config = config
        self._store = Store(config.store)
        self._fetcher = Fetcher(config.fetch, user_agent(config.fetch))
        self._workers = Workers()
        self._store.adopt(config.sources, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._workers.close()
        self._fetcher.close()
        self._store.close()

    def fetch(self, sources: Sequence[Source], now: datetime) -> Iterator[Poll]:
        """Polls these sources and saves what they give, yielding how each went, in their order."""
        return pipeline.poll_many(
            sources,
            store=self._store,
            fetcher=self._fetcher,
            read=self._workers.read,
            workers=self.config.fetch.workers,
            now=now,
        )

    def publish(self, *, everything: bool = False) -> Published:
        """Writes the feeds that are stale, or all of them, from the store alone."""
        return pipeline.publish(
            store=self._store,
            config=self.config,
            writers={writer.file_name: writer for writer in WRITERS},
            version=__version__,
            everything=everything,
        )


def preview(target: str, kind: str | None, settings: Fetch) -> Document:
    """What a URL, a file or a folder would give, storing nothing.

    `kind` None means articles for a folder or a file of front matter, else a feed. Raises SourceError.
    """
    source = _source_for(target, kind)
    fetcher = Fetcher(settings, user_agent(settings))
    try:
        fetched = fetcher.fetch(source, {})
    finally:
        fetcher.close()
    assert not isinstance(fetched, NotModified), "nothing was known, so nothing can be unchanged"
    context = Context(kind=source.kind, source=source.name)
    problems: list[Problem] = [*fetched.unread]
    documents: list[Document] = []
    with Workers(1) as workers:
        for resource in fetched.resources:
            try:
                documents.append(workers.read(resource, context).document)
            except ReadError as error:
                if len(fetched.resources) == 1:
                    raise
                problems.append(Problem(text=error.reason, where=resource.name))
    problems += [problem for document in documents for problem in document.problems]
    first = documents[0] if len(documents) == 1 else Document()
    return Document(
        source=target,
        kind=source.kind,
        title=first.title,
        link=first.link,
        articles=tuple(article for document in documents for article in document.articles),
        problems=tuple(problems),
    )


def _source_for(target: str, kind: str | None) -> Source:
    if "://" in target or target.startswith("file:"):
        if kind == "articles":
            raise SourceError("articles are read from a folder or a file, not from an address", url=target)
        return Source(name=target, url=target)
    path = Path(target).absolute()
    if kind is None:
        kind = "articles" if path.is_dir() or path.suffix.lower() in (".md", ".markdown") else "feed"
    if kind == "articles":
        return Source(name=target, kind="articles", path=path)
    return Source(name=target, url=path.as_uri())
