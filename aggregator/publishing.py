"""Publishing: every stale feed is rendered and written. Knows protocols, no concrete writers."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aggregator.config import Config
from aggregator.errors import WriteError
from aggregator.store import ALL, Category, Store
from aggregator.writers.channel import Channel, Item, Writer
from aggregator.writers.files import remove_leftovers, write_if_changed
from aggregator.writers.folders import folder_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a publication did: how many feeds were rendered, the files whose bytes changed, what failed."""

    rendered: int = 0
    written: tuple[Path, ...] = ()
    feeds: int = 0
    errors: tuple[WriteError, ...] = ()


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
