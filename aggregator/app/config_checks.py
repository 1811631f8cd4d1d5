"""Mistakes in a config that its form does not show: what `fetch` would refuse, and what is there twice."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.app.unused_names import given_categories, unused_names
from aggregator.config.load import Config, Source
from aggregator.config.rules import doubtful_names
from aggregator.config.subscriptions import address_key
from aggregator.errors import StoreError
from aggregator.fetch.guard import refusal as refusal_of
from aggregator.fetch.guard import written_address
from aggregator.fetch.source_checks import refusal
from aggregator.normalise.secrets_in_addresses import without_logins
from aggregator.publishing.local_member_pictures import local_picture_mistakes
from aggregator.publishing.page_look import look_mistakes

__all__ = ["doubts", "refusals"]


def refusals(config: Config) -> Iterator[str]:
    """Yields a sentence for each enabled source that a fetch would refuse, and each output that is unusable.

    Nothing is fetched; files and folders of this machine are looked at.
    """
    for source in config.select(()):
        if error := refusal(source, config.fetch):
            yield f"source {source.name!r}: {without_logins(error.message)}"
    if config.bucket is not None:
        # Imported here, because it imports publishing and the store, which takes a second.
        from aggregator.app.bucket_output import bucket_mistakes

        yield from bucket_mistakes(config)
    if config.output.exists() and not config.output.is_dir():
        yield f"output: {config.output} is a file; name a folder"
    if not isinstance(config.store, Path):
        from aggregator.store.dialect import dialect_of  # as above

        try:
            dialect_of(config.store, reads_only=True)
        except StoreError as error:
            yield f"store: {error}"
    elif config.store.is_dir():
        yield f"store: {config.store} is a folder; name a file, such as one in it"
    posts = config.publish.posts
    if posts is not None and posts.folder.exists() and not posts.folder.is_dir():
        yield f"publish.posts.folder: {posts.folder} is a file; name a folder"
    yield from look_mistakes(config)
    yield from local_picture_mistakes(config)


def doubts(config: Config) -> Iterator[str]:
    """Yields a sentence for what is probably a mistake, such as a source that is there twice."""
    seen: dict[str, str] = {}
    for source in config.sources:
        first = seen.setdefault(_identity(source), source.name)
        if first != source.name:
            yield (
                f"source {source.name!r} reads what {first!r} reads: the same address, kind and options; "
                "each of their articles is published twice"
            )
    if isinstance(config.store, Path) and config.store.is_relative_to(config.output):
        yield (
            f"store: {config.store} is in the output folder, where a web server shows it to anyone; move it, "
            "or name another output"
        )
    yield from _doubts_of_hubs(config)
    further = config.retention.categories
    yield from doubtful_names(config.rules, config.feeds, config.sources, config.publish, further)
    yield from unused_names(config)
    for names in _alike(_categories(config)):
        named = " and ".join(map(repr, names))
        yield f"the categories {named} differ by case only, and each has its own feed; write them alike"


def _doubts_of_hubs(config: Config) -> Iterator[str]:
    """Yields why hubs could not reach this server at its public address (WebSub)."""
    url = config.serve.url
    if not url:
        return
    host = urlsplit(url).hostname or ""
    addresses = written_address(host) or ()
    inner = [why for each in addresses if (why := refusal_of(ip_address(each)))]
    if inner or ("." not in host.strip("[]").rstrip(".") and ":" not in host):
        why = f"is {inner[0]}, not public" if inner else "has no domain"
        yield f"serve.url: its host {host} {why}; hubs elsewhere cannot report changes to it (WebSub)"
    elif url.startswith("http:"):
        yield "serve.url is not https: others in the network can read and change what hubs send (WebSub)"


def _identity(source: Source) -> str:
    """Returns a key that is equal for two sources with the same articles."""
    address = address_key(source.url) if source.url is not None else str(source.path or "")
    return json.dumps([source.kind, address, source.options], sort_keys=True, default=str)


def _categories(config: Config) -> Iterable[str]:
    yield from given_categories(config)
    yield from config.publish.categories
    yield from config.retention.categories
    if config.publish.posts:
        yield from config.publish.posts.categories or ()


def _alike(names: Iterable[str]) -> Iterator[Sequence[str]]:
    """Yields groups of different names that a person reads as the same."""
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        groups.setdefault(unicodedata.normalize("NFKC", " ".join(name.split())).casefold(), []).append(name)
    return (group for group in groups.values() if len(group) > 1)
