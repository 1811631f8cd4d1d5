"""Reads a source without storing anything: for finding the right options."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aggregator.adapters import kinds
from aggregator.config.load import Fetch, Source
from aggregator.config.subscriptions import unused_name
from aggregator.discovery.guess_kind import MIN_ENTRIES, guessed_options, is_address, kind_of_place, kinds_of
from aggregator.errors import ConfigError, NotAFeed, ReadError, SourceError
from aggregator.fetch import Fetcher, NotModified, user_agent
from aggregator.model.article import Article, Document, Problem
from aggregator.polling.read_documents import Gathered, found, gather
from aggregator.reading.document import Context
from aggregator.reading.workers import Workers


def preview(
    target: str, kind: str | None, settings: Fetch, now: datetime, options: Sequence[str] = ()
) -> Document:
    """Reads a URL, a file or a folder without storing anything.

    `kind` None: it is guessed, by the address or folder, else by the document. `options` are the kind's, as
    lines of TOML; a value that is not TOML is a text. A typed host or command is allowed, also on this
    machine; redirects are still checked. Raises SourceError, and ConfigError for a kind that does not exist
    or options that it does not have.
    """
    is_guessed = kind is None and kind_of_place(target) is None
    source = _source_for(target, kind, () if is_guessed else options)
    with contextlib.suppress(ValueError):
        host = (urlsplit(source.address).hostname or "").rstrip(".")
        settings = settings.model_copy(update={"allow": (*settings.allow, host), "commands": True})
    fetcher = Fetcher(settings, user_agent(settings))
    try:
        fetched = fetcher.fetch(source, {}, now)
        if isinstance(fetched, NotModified):  # an empty folder
            nothing = Problem(text="there is nothing to read in it", where=str(source.path or ""))
            return Document(source=target, kind=source.kind, problems=(nothing,))
        given = read_options(options)
        with Workers(1) as workers:
            guesses = kinds_of(fetched.resources[0]) if is_guessed else (source.kind,)
            source, gathered = _first_read(
                [source.model_copy(update={"kind": each, "options": given}) for each in guesses],
                lambda one: gather(
                    fetched.resources,
                    Context(kind=one.kind, source=one.name, options=kinds.named(one.kind).parse(one.options)),
                    workers.read,
                    lambda url: fetcher.further(source, url, now),
                    now,
                ),
            )
    finally:
        fetcher.close()
    articles = tuple(f.article for f in found(gathered, fetched.validators.get("files", {}), {}))
    problems: list[Problem] = [*fetched.unread, *gathered.problems]
    articles += listed(gathered)
    is_list = not fetched.validators.get("files") or len(gathered.readings) == 1
    first = gathered.readings[0][1].document if gathered.readings and is_list else Document()
    return Document(
        source=target,
        kind=source.kind,
        title=first.title,
        link=first.link,
        articles=articles,
        problems=tuple(problems),
        findings=first.findings,
    )


def listed(gathered: Gathered) -> tuple[Article, ...]:
    """The feeds that a list names, shown like articles."""
    return tuple(
        Article(id=each.url, title=each.title or each.url, link=each.url, categories=each.categories)
        for _, reading in gathered.readings
        for each in reading.subscriptions or ()
    )


def _first_read(guesses: Sequence[Source], read: Callable[[Source], Gathered]) -> tuple[Source, Gathered]:
    """The first kind that can read it. Raises ReadError, and ConfigError for options that no kind has.

    A page is not a list of entries if it links to feeds, or has few entries.
    """
    failed: SourceError | None = None
    refused: list[str] = []
    for source in guesses:
        if wrong := kinds.mistakes(source.kind, source.options):
            refused += [f"{'.'.join(map(str, where))}: {text}" for where, _, text in wrong]
            continue
        try:
            gathered = read(source)
        except ReadError as error:
            failed = failed or error
            if isinstance(error, NotAFeed) and error.feeds and not source.options:
                break
            continue
        entries = sum(len(reading.document.articles) for _, reading in gathered.readings)
        if source.kind != "page" or entries >= MIN_ENTRIES or source.options or len(guesses) == 1:
            return source, gathered
    raise failed or ConfigError(*refused)


def as_written(
    target: str,
    kind: str | None,
    options: Sequence[str],
    document: Document,
    sources: Sequence[Source],
    *,
    name: str | None = None,
    categories: Sequence[str] = (),
) -> Mapping[str, object]:
    """A new `[[sources]]` table for the document that `preview` read with these, guessed options included.

    `name` None: its title, else the host or folder, with a number if another source has that name. Raises
    ConfigError if another source has the given name, or the address is followed already.
    """
    source = _source_for(target, kind or document.kind, options)
    chosen = guessed_options(source.kind, document, source.options)
    taken = {each.name for each in sources}
    if name is not None and name in taken:
        raise ConfigError(f"a source is named {name!r} already; choose another --name")
    for each in sources:
        if (each.kind, each.address) == (source.kind, source.address) and dict(each.options) in (
            chosen,
            dict(source.options),
        ):
            raise ConfigError(f"it is followed already, as {each.name!r}")
    place = urlsplit(source.address).hostname or Path(target).name or target
    return {
        "name": name or unused_name(document.title.strip() or place, taken),
        "kind": source.kind if source.kind != "feed" else None,
        "url": source.url,
        "path": str(source.path) if source.path is not None else None,
        "categories": list(categories) or None,
        "options": chosen or None,
    }


def _source_for(target: str, kind: str | None, options: Sequence[str]) -> Source:
    if not target.strip():
        raise SourceError("name a URL, a file or a folder")
    name = target[:200]  # as long as a source's name may be
    path = Path(target).absolute()
    kind = kind or kind_of_place(target) or "feed"
    chosen = read_options(options)
    if wrong := kinds.mistakes(kind, chosen):
        raise ConfigError(*(f"{'.'.join(map(str, where))}: {text}" for where, _, text in wrong))
    place = kinds.named(kind).place
    if place == "none":
        return Source(name=name, kind=kind, options=chosen)
    if place == "path" and is_address(target):
        raise SourceError(f"{kind} are read from a folder or a file, not from an address", url=target)
    if place == "path" or (place == "either" and not is_address(target)):
        return Source(name=name, kind=kind, options=chosen, path=path)
    # Not validated: the fetcher explains what is wrong with an address.
    url = target if is_address(target) else path.as_uri()
    return Source.model_construct(name=name, kind=kind, options=chosen, url=url)


def read_options(texts: Sequence[str]) -> dict[str, Any]:
    """Parses options that were typed as KEY=VALUE. Raises ConfigError."""
    lines = []
    for text in texts:
        key, mark, value = text.partition("=")
        if not mark:
            raise ConfigError(f"option {text!r}: write it as KEY=VALUE")
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            text = f"{key} = {json.dumps(value.strip())}"
        lines.append(text)
    try:
        return tomllib.loads("\n".join(lines))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"options: {error}") from error
