"""What a source would give, without storing anything: for finding the right options."""

from __future__ import annotations

import contextlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aggregator.adapters import kinds
from aggregator.config.load import Fetch, Source
from aggregator.config.subscriptions import unlike
from aggregator.errors import ConfigError, SourceError
from aggregator.fetch import Fetcher, NotModified, user_agent
from aggregator.model.article import Article, Document, Problem
from aggregator.polling.gather import found, gather
from aggregator.reading.document import Context
from aggregator.reading.workers import Workers


def preview(
    target: str, kind: str | None, settings: Fetch, now: datetime, options: Sequence[str] = ()
) -> Document:
    """What a URL, a file or a folder would give, without storing anything.

    `kind` None means articles for a folder or a file of front matter, else a feed. `options` are the kind's,
    as lines of TOML; a value that is no TOML is a text. A host or command that is typed is
    allowed by that, also on this machine; where it redirects to is still checked. Raises SourceError,
    and ConfigError for a kind that does not exist or options that it does not have.
    """
    source = _source_for(target, kind, options)
    context = Context(
        kind=source.kind, source=source.name, options=kinds.named(source.kind).parse(source.options)
    )
    with contextlib.suppress(ValueError):
        host = (urlsplit(source.address).hostname or "").rstrip(".")
        settings = settings.model_copy(update={"allow": (*settings.allow, host), "commands": True})
    fetcher = Fetcher(settings, user_agent(settings))
    try:
        fetched = fetcher.fetch(source, {}, now)
        if isinstance(fetched, NotModified):  # an empty folder: nothing new beside the nothing that was known
            nothing = Problem(text="nothing to read is there", where=str(source.path or ""))
            return Document(source=target, kind=source.kind, problems=(nothing,))
        with Workers(1) as workers:
            gathered = gather(
                fetched.resources, context, workers.read, lambda url: fetcher.further(source, url, now), now
            )
    finally:
        fetcher.close()
    articles = tuple(f.article for f in found(gathered, fetched.validators.get("files", {}), {}))
    problems: list[Problem] = [*fetched.unread, *gathered.problems]
    for _, reading in gathered.readings:
        # Feeds that would be followed are shown like articles.
        articles += tuple(
            Article(id=each.url, title=each.title or each.url, link=each.url, categories=each.categories)
            for each in reading.subscriptions or ()
        )
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


def as_written(
    target: str,
    kind: str | None,
    options: Sequence[str],
    title: str,
    sources: Sequence[Source],
    *,
    name: str | None = None,
    categories: Sequence[str] = (),
) -> Mapping[str, object]:
    """A new `[[sources]]` for what `preview` read with these; `title` is the document's.

    `name` None: the title, else the host or folder, with a number when another source has that name. Raises
    ConfigError when another source has the given name, or the address is followed already.
    """
    source = _source_for(target, kind, options)
    taken = {each.name for each in sources}
    if name is not None and name in taken:
        raise ConfigError(f"a source is named {name!r} already; choose another --name")
    same = (source.kind, source.address, dict(source.options))
    for each in sources:
        if (each.kind, each.address, dict(each.options)) == same:
            raise ConfigError(f"it is followed already, as {each.name!r}")
    place = urlsplit(source.address).hostname or Path(target).name or target
    return {
        "name": name or unlike(title.strip() or place, taken),
        "kind": source.kind if source.kind != "feed" else None,
        "url": source.url,
        "path": str(source.path) if source.path is not None else None,
        "categories": list(categories) or None,
        "options": dict(source.options) or None,
    }


def _source_for(target: str, kind: str | None, options: Sequence[str]) -> Source:
    if not target.strip():
        raise SourceError("name a URL, a file or a folder")
    name = target[:200]  # as long as a source's name may be
    is_address = "://" in target or target.startswith(("file:", "rsshub:"))
    path = Path(target).absolute()
    if kind is None:
        is_articles = not is_address and (path.is_dir() or path.suffix.lower() in (".md", ".markdown"))
        kind = "articles" if is_articles else "rsshub" if target.startswith("rsshub:") else "feed"
    chosen = _options(options)
    if wrong := kinds.mistakes(kind, chosen):
        raise ConfigError(*(f"{'.'.join(map(str, where))}: {text}" for where, _, text in wrong))
    place = kinds.named(kind).place
    if place == "none":
        return Source(name=name, kind=kind, options=chosen)
    if place == "path" and is_address:
        raise SourceError(f"{kind} are read from a folder or a file, not from an address", url=target)
    if place == "path" or (place == "either" and not is_address):
        return Source(name=name, kind=kind, options=chosen, path=path)
    # Not validated: the fetcher says what is wrong with an address in this package's own terms.
    url = target if is_address else path.as_uri()
    return Source.model_construct(name=name, kind=kind, options=chosen, url=url)


def _options(texts: Sequence[str]) -> dict[str, Any]:
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
