"""Rebuilds a lost store from what was published of it: feeds with their archives, and posts."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.app.bucket_output import copied
from aggregator.app.feed_membership import FeedChooser
from aggregator.backup.temporary_folder import sync, working_folder
from aggregator.config.load import Config, Source
from aggregator.config.subscriptions import address_key
from aggregator.errors import BackupError, FrontMatterError, ReadError
from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.normalise.folder_names import folder_name
from aggregator.notify.digests import entry_again, sources_of
from aggregator.reading.document import read
from aggregator.store import Found, Store, Update, by_categories
from aggregator.store.published_ids import uuid_of
from aggregator.store.rebuilding import REBUILT, REBUILT_READER, begin

__all__ = ["Rebuilt", "rebuild"]

MAX_BYTES = 64 * 1024 * 1024
_FEEDS = ("atom.xml", "feed.json", "rss.xml")
_ALL = "all"
_BATCH = 500
# Character references that `writers.posts` writes so that site generators run no template.
_INERT = re.compile("&#(123|65532|96|126|91|10);")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """The result of a rebuild.

    - `articles`: the number of articles that were read.
    - `placed`: how many of them are from a source of the config.
    - `notes`: what could not be read.
    """

    articles: int
    placed: int
    notes: tuple[str, ...] = ()


def rebuild(config: Config, now: datetime, folder: Path | None = None) -> Rebuilt:
    """Creates the config's store from the published feeds in `folder`, and from the config's posts.

    `folder`: None for the config's output. Ids and dates of articles, and folders and ids of feeds, are as
    they were published. The store must not exist; it appears whole or not at all. Raises BackupError,
    StoreError and ObjectStoreError.
    """
    place = config.store
    if not isinstance(place, Path):
        raise BackupError(
            "a store is rebuilt into a file: set store to a file, run this again, and "
            f"copy it to {place} with 'aggregator store copy'"
        )
    if os.path.lexists(place):
        raise BackupError(
            f"the store {place} exists already; move it away first, with its -wal and -shm files"
        )
    if folder is None:
        copied(config)
    reading = _Published(config)
    reading.read_posts()
    reading.read_feeds(folder or config.output)
    if not reading.articles:
        where = folder or config.output
        raise BackupError(
            f"{where} has no feed that aggregator wrote; name the folder of published feeds with --from"
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with working_folder(place.parent) as aside:
            made = aside / "made" / place.name
            placed = _fill(made, config, reading, now)
            made.rename(place)
            sync(place.parent)
    except OSError as error:
        where = error.filename or place
        raise BackupError(f"{where}: the store cannot be created ({error.strerror or error})") from error
    return Rebuilt(articles=len(reading.articles), placed=placed, notes=tuple(reading.notes))


def _fill(made: Path, config: Config, reading: _Published, now: datetime) -> int:
    chooser = FeedChooser(config)
    by_source: dict[str, list[Found]] = defaultdict(list)
    owners = _Owners(config.sources)
    for published in reading.found():
        article = entry_again(published, config) or published
        name = article.source or owners.of(article) or REBUILT
        by_source[name].append(
            Found(replace(article, source=name), reader_version=REBUILT_READER, stands_at=article.published)
        )
    with closing(Store(made, judge=chooser if chooser.digest else by_categories)) as store:
        store.sources.adopt((*config.sources, *sources_of(config)), now)
        begin(store.database, now)
        for name, found in by_source.items():
            for start in range(0, len(found), _BATCH):
                some = found[start : start + _BATCH]
                store.sources.commit(Update(source=name, validators={}, body_hash=None, found=some), now)
        store.feeds.settle(reading.feeds)
        store.database.tidy()
    return sum(len(found) for name, found in by_source.items() if name != REBUILT)


class _Published:
    """The articles of published documents, by their published ids, each in its newest version."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.articles: dict[str, Article] = {}
        self.feeds: dict[str, tuple[str, str]] = {}
        self.notes: list[str] = []
        self._folders: dict[str, set[str]] = defaultdict(set)
        self._of_posts: set[str] = set()
        self._posts: dict[tuple[object, ...], list[str]] = {}

    def read_posts(self) -> None:
        """Reads the config's posts, which have the source and id of their articles."""
        posts = self._config.publish.posts
        if posts is None or not posts.folder.is_dir():
            return
        names = {source.name for source in self._config.sources}
        for file in sorted(posts.folder.rglob("*")):
            if file.suffix not in (".html", ".htm", ".md", ".markdown") or (body := self._body(file)) is None:
                continue
            try:
                article = front_matter.loads(body)
            except FrontMatterError as error:
                self.notes.append(f"{file}: {error.reason}")
                continue
            if article.source not in names or not article.published:
                continue  # not written by us, or its source is not in the config any more
            article = replace(article, content=_active(article.content), summary=_active(article.summary))
            self.articles[key := f"{article.source}\n{article.id}"] = article
            self._of_posts |= {article.id, uuid_of(article.source, article.id)}
            self._posts.setdefault(_look(article), []).append(key)

    def read_feeds(self, folder: Path) -> None:
        """Reads published feeds and their archives: Atom, else JSON Feed, else RSS."""
        for place in [folder / _ALL, *sorted(each for each in _folders(folder) if each.name != _ALL)]:
            archives = sorted(_folders(place / "archive"), key=lambda each: (len(each.name), each.name))
            for each in (*archives, place):
                file = next((each / name for name in _FEEDS if (each / name).is_file()), None)
                if file is not None and not each.is_symlink():
                    self._read_feed(file, place.name)

    def _read_feed(self, file: Path, folder: str) -> None:
        if (body := self._body(file)) is None:
            return
        try:
            document = read(body, url=file.absolute().as_uri())
        except ReadError as error:
            self.notes.append(f"{file}: {error.reason}")
            return
        for article in document.articles:
            self._folders[article.id].add(folder)
            if article.id in self._of_posts:
                continue
            if len(posts := self._posts.get(_look(article), [])) == 1:
                # Its source was renamed, or another source has its id: the id that was published stays.
                self.articles[posts[0]] = replace(self.articles[posts[0]], id=article.id)
                self._of_posts.add(article.id)
                continue
            known = self.articles.get(article.id)
            if known is None or (article.updated and (not known.updated or article.updated >= known.updated)):
                self.articles[article.id] = article

    def found(self) -> Iterator[Article]:
        """Yields the articles, oldest first; their categories are the feeds that had them."""
        ordered = sorted(self.articles.items(), key=lambda pair: (str(pair[1].published), pair[0]))
        for _, article in ordered:
            if article.source:
                yield article
                continue
            names = (*article.categories, *article.tags)
            folders = self._folders[article.id] - {_ALL}
            categories = tuple(name for name in dict.fromkeys(names) if folder_name(name) in folders)
            tags = tuple(name for name in article.tags if name not in categories)
            yield replace(article, source="", categories=categories, tags=tags)

    def _body(self, file: Path) -> bytes | None:
        try:
            if file.is_symlink() or not file.is_file() or file.stat().st_size > MAX_BYTES:
                return None
            return file.read_bytes()
        except OSError as error:
            self.notes.append(f"{file}: {error.strerror}")
            return None


class _Owners:
    """Finds the config's source of an article by the addresses and title of the feed that it came from."""

    def __init__(self, configured: Sequence[Source]) -> None:
        self._by_address: dict[str, str] = {}
        by_host: dict[str, set[str]] = defaultdict(set)
        for source in configured:
            if source.url:
                self._by_address[address_key(source.url)] = source.name
                by_host[_host(source.url)].add(source.name)
        self._by_host = {
            host: next(iter(names)) for host, names in by_host.items() if len(names) == 1 and host
        }
        self._names = {source.name for source in configured}

    def of(self, article: Article) -> str | None:
        """Returns the source's name; None if it is uncertain."""
        origin = article.origin
        for address in (origin.self_link, origin.id):
            if address and (name := self._by_address.get(address_key(address))):
                return name
        if origin.title in self._names:
            return origin.title
        hosts = {_host(address) for address in (origin.self_link, origin.link) if address}
        names = {self._by_host[host] for host in hosts if host in self._by_host}
        return names.pop() if len(names) == 1 else None


def _look(article: Article) -> tuple[object, ...]:
    """Facts by which an entry of a feed and a post are matched; dates of feeds are in seconds."""
    published = article.published and article.published.replace(microsecond=0)
    return (published, article.title, article.link)


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _folders(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()]
    except OSError:
        return []


def _active(text: str) -> str:
    return _INERT.sub(lambda found: chr(int(found[1])), text)
