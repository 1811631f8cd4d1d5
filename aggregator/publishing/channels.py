"""A category as the config wants it shown: its folder, its id, its formats, and the channel to render."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aggregator.config import CategoryFeed, Config
from aggregator.store import ALL, Category, Kept, Store
from aggregator.writers.channel import Channel, Item, Writer
from aggregator.writers.folders import folder_name

_AS_THE_SITE = CategoryFeed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """Where and how one category is published: `folder` and `feed_id` are given once and for good.

    `writers` are by the names of their formats; `url` is the folder's public address, "" without one.
    `entries`: how many of the newest articles its feed holds. The rest is as in `Channel`.
    """

    category: Category
    folder: str
    feed_id: str
    writers: Mapping[str, Writer]
    entries: int
    url: str
    title: str
    description: str
    language: str | None
    image: str | None

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that are written in its folder."""
        return tuple(writer.file_name for writer in self.writers.values())

    def links(self, folder: str = "") -> dict[str, str]:
        """The public address of each of its files in a folder below, ending in "/"; none without one."""
        return {file: f"{self.url}{folder}{file}" for file in self.files} if self.url else {}


def outlets(store: Store, config: Config, writers: Mapping[str, Writer]) -> list[Outlet]:
    """Every category's outlet; a new category is given its folder and feed id here."""
    feeds = store.feeds()
    given = _given(feeds, config)
    store.settle(given)
    return [_outlet(feed, given.get(feed.name), config, writers) for feed in feeds]


def _given(feeds: Sequence[Category], config: Config) -> dict[str, tuple[str, str]]:
    """A folder and a feed id for each category that has none yet."""
    taken = [feed.folder for feed in feeds if feed.folder]
    given = {}
    for feed in feeds:
        if feed.folder is None:
            folder = "all" if feed.name == ALL else folder_name(feed.name, taken)
            taken.append(folder)
            given[feed.name] = (folder, _feed_id(config, feed.name, folder))
    return given


def _outlet(
    feed: Category, given: tuple[str, str] | None, config: Config, writers: Mapping[str, Writer]
) -> Outlet:
    site, publish = config.site, config.publish
    settings = publish.categories.get(feed.name, _AS_THE_SITE) if feed.name else _AS_THE_SITE
    formats = publish.formats if settings.formats is None else settings.formats
    folder, feed_id = given or (feed.folder or "", feed.feed_id or "")
    title = site.title if feed.name == ALL else settings.title or f"{feed.name} — {site.title}"
    return Outlet(
        category=feed,
        folder=folder,
        feed_id=feed_id,
        writers={name: writers[name] for name in writers if name in formats},
        entries=settings.entries or config.entries_per_feed,
        url=public_url(config, folder),
        title=title,
        description=settings.description or site.description or title,
        language=settings.language or site.language,
        image=settings.image or site.image or None,
    )


def public_url(config: Config, folder: str, file_name: str = "") -> str:
    """The public address of a file in a category's folder, "" when the config has no public address."""
    return f"{config.site.url.rstrip('/')}/{quote(folder)}/{file_name}" if config.site.url else ""


def items(kept: Iterable[Kept]) -> tuple[Item, ...]:
    """Articles of the store as they go out."""
    return tuple(
        Item(
            id=k.uid,
            article=k.article,
            published=k.published.replace(microsecond=0),
            updated=k.updated.replace(microsecond=0),
        )
        for k in kept
    )


def channel(outlet: Outlet, newest: Sequence[Kept], total: int, config: Config, version: str) -> Channel:
    """The feed of this outlet, of these articles; it is in no chain yet."""
    feed, shown = outlet.category, items(newest)
    return Channel(
        id=outlet.feed_id,
        title=outlet.title,
        description=outlet.description,
        category=None if feed.name == ALL else feed.name,
        link=outlet.url,
        self_links=outlet.links(),
        files=outlet.files,
        updated=max((item.updated for item in shown), default=feed.changed.replace(microsecond=0)),
        items=shown,
        language=outlet.language,
        image=outlet.image,
        hubs=config.publish.hubs,
        total=total,
        generator_version=version,
    )


def _feed_id(config: Config, name: str, folder: str) -> str:
    """RFC 4287 §4.2.6: permanent and unique. The public address at the time, else a name-based UUID."""
    if config.site.url:
        return public_url(config, folder)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{config.site.title}\n{name}").urn
