"""A run that would do nothing is known by what the run before it left, without opening the store.

A run that ends with nothing due writes beside its store what it went by: a digest of the config, the sizes
and mtimes of the store and of the output, and until when nothing falls due. While all of this is the same,
another run would find nothing to do. A file that is missing, damaged or of another version costs a run of the
usual kind, and nothing else. Nothing here imports what opens a store or reads a whole config.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator import __version__
from aggregator.reading.version import READER_VERSION

if TYPE_CHECKING:
    from aggregator.config.load import Config
    from aggregator.schedule.state import PollState
    from aggregator.store import Store

__all__ = ["Rest", "Settled", "digest_of", "keep", "rest_of", "settled"]

MOST_FILES = 50_000
"""An output of more files is not compared: that would take longer than a usual run."""

LONGEST = timedelta(hours=1)
"""So often a run of the usual kind is made in any case: it takes note of the clock."""

_DEFAULT_STORE = "var/aggregator.db"
_SUFFIX = ".settled"
_MARK = [__version__, READER_VERSION, sys.version]
_SECOND_NS = 1_000_000_000
_TICK_SECONDS = 0.02
"""Two changes of a file within a tick of the system's clock leave it the same mtime: 10 ms at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a run would report that has nothing to do: where the output is, how many feeds there are, and the
    sources in the config's order with what is remembered of their polls, as JSON."""

    output: str
    feeds: int
    waiting: Mapping[str, str]

    def states(self, names: Sequence[str]) -> Mapping[str, PollState]:
        """The states of the sources of these names, of all for none."""
        wanted = frozenset(names or self.waiting)
        return _States({name: text for name, text in self.waiting.items() if name in wanted})


class _States(Mapping[str, "PollState"]):
    """States by name, each read when it is asked for: mostly they are only counted."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> PollState:
        from aggregator.schedule.state import PollState

        return PollState.remembered(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def digest_of(config_file: Path) -> str:
    """A digest of a config as it is now, "" where it cannot be read: asked for before it is loaded."""
    try:
        return hashlib.blake2b(config_file.read_bytes(), digest_size=16).hexdigest()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return ""


def settled(config_file: Path, names: Sequence[str], now: datetime) -> Settled | None:
    """What a run of these sources, of all for none, would report that has nothing to do; None where there may
    be something to do."""
    try:
        store = _store_of(config_file)
        if store is None:
            return None
        kept = json.loads(_beside(store).read_bytes())
        is_same = (kept["mark"], kept["config"], kept["store"]) == (_MARK, digest_of(config_file), str(store))
        if not is_same or not kept["at"] <= now.timestamp() < kept["until"]:
            return None
        found = Settled(output=kept["output"], feeds=kept["feeds"], waiting=kept["waiting"])
        if any(name not in found.waiting for name in names):
            return None
        stamp = _stamp(store, [Path(each) for each in kept["folders"]])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None  # whatever is in it
    return found if stamp is not None and stamp == (kept["stamp"], kept["newest"]) else None


def _store_of(config_file: Path) -> Path | None:
    """The store that a config names; None where it is no file, or not found in this way.

    Keys that belong to no table stand before all tables: what follows, thousands of sources, is not read.
    Where a line that begins so is part of a value, the text before it is no TOML.
    """
    head, opened, _ = f"\n{config_file.read_text('utf-8-sig')}".partition("\n[")
    store = tomllib.loads(head).get("store", _DEFAULT_STORE)
    if not isinstance(store, str) or "://" in store or not opened:
        return None
    folder = config_file.absolute().parent
    home = folder.parent if folder.name == "config" else folder
    return (home / Path(store).expanduser()).absolute()


def _beside(store: Path) -> Path:
    """The record of a store."""
    return store.with_name(store.name + _SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """The sources that wait, as in `Settled`, and when the first of them is due; None: never."""

    waiting: Mapping[str, str]
    until: datetime | None


def rest_of(config: Config, store: Store, now: datetime) -> Rest | None:
    """What is known where a run ends with no source due; None where it is not settled.

    What time alone may change beside polls, or what lies outside the output, is left to usual runs: messages
    that wait, digests, notices, posts, copies of pictures, a bucket, pages that complete articles.
    """
    further = (config.bucket, config.notify, config.mastodon, config.digest, config.publish.posts)
    if not isinstance(config.store, Path) or any(further) or config.publish.media is not None:
        return None
    if any(source.full_text or source.is_local for source in config.sources):
        return None
    if store.followed.count() or store.media.any() or store.outbox.channels():
        return None
    names = [source.name for source in config.select(())]
    states = store.queue.at_rest(now)
    if states is None or not states.keys() >= {*names}:
        return None
    polls = [next_poll for _, next_poll in states.values() if next_poll is not None]
    return Rest(waiting={name: states[name][0] for name in names}, until=min(polls, default=None))


def keep(config: Config, config_digest: str, rest: Rest, feeds: int, now: datetime) -> None:
    """Writes what the next run may go by; call it once the store is closed.

    `feeds`: how many feeds are published. Where it cannot be written, the next run is of the usual kind.
    """
    assert isinstance(config.store, Path), "no store on a server is settled"
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)  # of upkeep
    until = min(filter(None, (rest.until, midnight, now + LONGEST)))
    pages = config.publish.pages
    folders = [str(each) for each in (config.output, pages.templates, pages.logo) if each is not None]
    time.sleep(_TICK_SECONDS)
    if (stamp := _stamp(config.store, map(Path, folders))) is None:
        return
    facts: dict[str, Any] = {
        "mark": _MARK,
        "config": config_digest,
        "at": now.timestamp(),
        "until": until.timestamp(),
        "store": str(config.store),
        "folders": folders,
        "stamp": stamp[0],
        "newest": stamp[1],
        "output": str(config.output),
        "feeds": feeds,
        "waiting": dict(rest.waiting),
    }
    place = _beside(config.store)
    aside = place.with_name(f"{place.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(facts))  # not `dump`, which is written in Python
            # What changed in the same tick of the clock could change again without its mtime showing it.
            if aside.stat().st_mtime_ns - stamp[1] >= _TICK_SECONDS * _SECOND_NS // 2:
                aside.replace(place)
        finally:
            aside.unlink(missing_ok=True)


def _stamp(store: Path, places: Iterable[Path]) -> tuple[str, int] | None:
    """A digest of the sizes and mtimes of the store, its journal, and all files in these places, and the
    newest mtime of the store; None where they are too many, or times are kept in whole seconds."""
    facts = [_fact(os.fspath(store))]
    if (journal := _fact(f"{store}-wal"))[2] > 0:  # an empty one is what a reader leaves
        facts.append(journal)
    newest = max(fact[-1] for fact in facts)
    if newest % _SECOND_NS == 0:
        return None
    for place in places:
        facts.append(_fact(os.fspath(place)))
        folders = [os.fspath(place)] if place.is_dir() else []
        while folders:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    facts.append(_fact(entry.path, entry))
            if len(facts) > MOST_FILES:
                return None
    return hashlib.blake2b(json.dumps(sorted(facts)).encode(), digest_size=16).hexdigest(), newest


def _fact(name: str, entry: os.DirEntry[str] | None = None) -> tuple[str, int, int, int]:
    try:
        found = os.lstat(name) if entry is None else entry.stat(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return name, -1, -1, -1
    return name, found.st_mode, found.st_size, found.st_mtime_ns
