"""Finds what a config from outside would reach on this machine, and keeps it in its own folder."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from aggregator.adapters import kinds
from aggregator.config.bucket import is_address
from aggregator.config.change_values import Place, with_values
from aggregator.config.load import Config
from aggregator.errors import BackupError, ConfigError

__all__ = ["ConfinedConfig", "confined_config", "reasons_to_disable"]

STORE, OUTPUT, STAGING, POSTS = "var/aggregator.db", "feeds", "var/staging", "posts"
"""The new places for a store, output, staging and posts that the config has outside its folder."""

_FILE = "file:"
_WEB = ("http://", "https://")
_GUARDED = ("articles", "mail", "rsshub")
_OF_FETCH: Mapping[str, tuple[object, str]] = {
    "commands": (False, "it would run commands"),
    "allow": ([], "it would reach addresses that are not public"),
    "proxy": ("", "it would send every request through a proxy"),
    "rsshub": ([], "it would send keys to instances of RSSHub"),
}


@dataclass(slots=True)
class ConfinedConfig:
    """A config to restore: its text, the path of its store in the folder, and descriptions of what was
    changed.
    """

    text: str
    store: PurePosixPath
    notes: list[str] = field(default_factory=list)


def confined_config(body: bytes, *, is_trusted: bool) -> ConfinedConfig:
    """Keeps a config in its folder: store, output and posts outside it are moved into it.

    Unless `is_trusted`, everything is switched off by which the config could run commands, read files of this
    machine, reach its network or send its environment variables. Raises BackupError.
    """
    try:
        text = body.decode("utf-8-sig")
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BackupError(f"the backup's config cannot be read: {error}") from error
    changes: dict[Place, object] = {}
    made = ConfinedConfig(text=text, store=PurePosixPath(STORE))
    named = data.get("store", str(Config().store))
    store = None if _is_database(named) else _inside(named)
    if store is None:
        changes["store",] = STORE
        where = "a database of a server" if _is_database(named) else "outside the folder"
        made.notes.append(f"store: it was {where}, and is {STORE} now")
    else:
        made.store = store
    place = data.get("output", str(Config().output))
    if isinstance(place, str) and is_address(place):
        if not is_trusted:
            changes["output",] = OUTPUT
            made.notes.append(
                f"output: it would write into a bucket with this machine's keys, and is {OUTPUT} now"
            )
    elif _inside(place) is None:
        changes["output",] = OUTPUT
        made.notes.append(f"output: it was outside the folder, and is {OUTPUT} now")
    if _inside(data.get("staging", str(Config().staging))) is None:
        changes["staging",] = STAGING
        made.notes.append(f"staging: it was outside the folder, and is {STAGING} now")
    posts = _table(_table(data, "publish"), "posts")
    if "folder" in posts and _inside(posts["folder"]) is None:
        changes["publish", "posts", "folder"] = POSTS
        made.notes.append(f"publish.posts.folder: it was outside the folder, and is {POSTS} now")
    if not is_trusted:
        for place, value, note in _switched_off(data):
            changes[place] = value
            made.notes.append(note)
    try:
        made.text = with_values(text, changes, "the backup's config") if changes else text
    except (AttributeError, KeyError, IndexError, TypeError, ConfigError, RecursionError) as error:
        raise BackupError(
            f"the backup's config cannot be changed so that it stays in its folder ({error})"
        ) from error
    return made


def _switched_off(data: Mapping[str, Any]) -> Iterator[tuple[Place, object, str]]:
    fetch = _table(data, "fetch")
    for key, (value, why) in _OF_FETCH.items():
        if key in fetch and fetch[key] != value:
            yield ("fetch", key), value, f"fetch.{key}: {why}, and is off; set it again if that is meant"
    notices = data.get("notify")
    for index, notice in enumerate(notices if isinstance(notices, list) else ()):
        if isinstance(notice, dict) and notice.get("enabled") is not False:
            name = str(notice.get("name"))[:60]
            yield (
                ("notify", index, "enabled"),
                False,
                f"notice {name!r}: it would send to others, and is off; set enabled = true if it is meant",
            )
    yield from _pictures_elsewhere(data)
    posts = data.get("mastodon")
    for index, post in enumerate(posts if isinstance(posts, list) else ()):
        if isinstance(post, dict) and post.get("enabled") is not False:
            name = str(post.get("name"))[:60]
            yield (
                ("mastodon", index, "enabled"),
                False,
                f"posts {name!r}: it would post to an account, and is off; set enabled = true if it is meant",
            )
    digests = data.get("digest")
    for index, digest in enumerate(digests if isinstance(digests, list) else ()):
        if isinstance(digest, dict) and digest.get("to") and digest.get("enabled") is not False:
            name = str(digest.get("name"))[:60]
            yield (
                ("digest", index, "enabled"),
                False,
                f"digest {name!r}: it would send mail, and is off; set enabled = true if it is meant",
            )
    sources = data.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        if not isinstance(source, dict) or source.get("enabled") is False:
            continue
        if reasons := [*reasons_to_disable(source)]:
            name = str(source.get("name"))[:60]
            yield (
                ("sources", index, "enabled"),
                False,
                f"source {name!r}: {' and '.join(reasons)}, and is off; set enabled = true if it is meant",
            )


def _pictures_elsewhere(data: Mapping[str, Any]) -> Iterator[tuple[Place, object, str]]:
    """Settings that would publish files from outside the folder: a logo, templates, pictures of members."""
    pages = _table(_table(data, "publish"), "pages")
    for key in ("logo", "templates"):
        if key in pages and _inside(pages[key]) is None:
            own = f"{key}{PurePosixPath(str(pages[key])).suffix[:6]}"
            why = f"it would read files outside the folder, and is {own} now"
            yield ("publish", "pages", key), own, f"publish.pages.{key}: {why}"
    sources = data.get("sources")
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        image = str(source.get("image") or "") if isinstance(source, dict) else ""
        if image and not image.lower().startswith(_WEB) and _inside(image) is None:
            name = str(source.get("name"))[:60]
            why = "it would publish a picture from outside the folder, and is off"
            yield ("sources", index, "image"), "", f"the image of source {name!r}: {why}"


def reasons_to_disable(source: Mapping[str, Any]) -> Iterator[str]:
    """Why a source from outside, given as a `[[sources]]` table, is switched off."""
    if _runs_code(source.get("kind", "feed")):
        yield "it would run a command, or a program of another package"
    url = str(source.get("url", ""))
    place = url[len(_FILE) :] if url.lower().startswith(_FILE) else None
    if any(each is not None and _inside(each) is None for each in (source.get("path"), place)):
        yield "it would read files outside the folder"
    if _names_variables(source):
        yield "it would send variables of this machine's environment"
    if source.get("proxy"):
        yield "it would go through a proxy"


def _runs_code(kind: object) -> bool:
    """Whether a kind has its own retriever, and is not one of those with guarded requests."""
    if not isinstance(kind, str) or kind in _GUARDED:
        return False
    try:
        return kinds.named(kind).retrieve is not None
    except ConfigError:
        return True


def _names_variables(value: object) -> bool:
    if isinstance(value, dict):
        return "env" in value or any(_names_variables(each) for each in value.values())
    return isinstance(value, list) and any(_names_variables(each) for each in value)


def _inside(value: object) -> PurePosixPath | None:
    """A relative path to something below its folder; None for any other."""
    if not isinstance(value, str) or not value or value.startswith("~") or "\0" in value:
        return None
    found = PurePosixPath(os.path.normpath(value))
    return None if found.is_absolute() or ".." in found.parts or not found.parts else found


def _is_database(value: object) -> bool:
    """Whether a store is an address, or an environment variable that may contain one: rows are restored into
    a file.
    """
    return not isinstance(value, str) or "://" in value


def _table(data: object, key: str) -> Mapping[str, Any]:
    found = data.get(key) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else {}
