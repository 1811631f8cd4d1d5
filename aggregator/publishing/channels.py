"""A category as the config wants it shown: its folder, its id, its formats, and the channel to render."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
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
    """

    category: Category
    folder: str
    feed_id: str
    writers: Mapping[str, Writer]
    settings: CategoryFeed
    entries: int
    url: str

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that are written in its folder."""
        return tuple(writer.file_name for writer in self.writers.values())


def outlets(store: Store, config: Config, writers: Mapping[str, Writer]) -> Iterator[Outlet]:
    """Every category's outlet; a new category is given its folder and feed id here."""
    feeds = store.feeds()
    taken = [feed.folder for feed in feeds if feed.folder]
    for feed in feeds:
        folder, feed_id = feed.folder, feed.feed_id
        if folder is None or feed_id is None:
            folder = "all" if feed.name == ALL else folder_name(feed.name, taken)
            feed_id = _feed_id(config, feed.name, folder)
            store.settle({feed.name: (folder, feed_id)})
            taken.append(folder)
        settings = config.publish.categories.get(feed.name, _AS_THE_SITE) if feed.name else _AS_THE_SITE
        formats = config.publish.formats if settings.formats is None else settings.formats
        yield Outlet(
            category=feed,
            folder=folder,
            feed_id=feed_id,
            writers={name: writers[name] for name in writers if name in formats},
            settings=settings,
            entries=settings.entries or config.entries_per_feed,
            url=public_url(config, folder),
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


def channel(outlet: Outlet, store: Store, config: Config, version: str) -> Channel:
    """What the writers render for this outlet."""
    feed, settings, site = outlet.category, outlet.settings, config.site
    newest = items(store.newest(feed.name, outlet.entries))
    name = title(feed.name, settings, config)
    return Channel(
        id=outlet.feed_id,
        title=name,
        description=settings.description or site.description or name,
        category=None if feed.name == ALL else feed.name,
        link=outlet.url,
        self_links={file: f"{outlet.url}{file}" for file in outlet.files} if outlet.url else {},
        files=outlet.files,
        updated=max((item.updated for item in newest), default=feed.changed.replace(microsecond=0)),
        items=newest,
        language=settings.language or site.language,
        image=settings.image or site.image or None,
        hubs=config.publish.hubs,
        total=store.count(feed.name),
        generator_version=version,
    )


def title(category: str, settings: CategoryFeed, config: Config) -> str:
    """The title of a category's feed."""
    if category == ALL:
        return config.site.title
    return settings.title or f"{category} — {config.site.title}"


def _feed_id(config: Config, name: str, folder: str) -> str:
    """RFC 4287 §4.2.6: permanent and unique. The public address at the time, else a name-based UUID."""
    if config.site.url:
        return public_url(config, folder)
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{config.site.title}\n{name}").urn
