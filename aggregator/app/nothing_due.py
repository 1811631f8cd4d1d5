"""Recognises a run that has nothing to do, without opening the store.

A run that ends with nothing due writes a record beside the store: a digest of the config, the sizes and
mtimes of the store and of the output, and until when no source is due. While all of this is unchanged, the
next run has nothing to do, or nothing but polls (see `app.early_polls`). If the record is missing, damaged or
of another version, the next run is a full one. Nothing here imports the modules that open a store or read a
whole config.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator import __version__
from aggregator.errors import ConfigError
from aggregator.reading.version import READER_VERSION

if TYPE_CHECKING:
    from aggregator.app.config_text import ConfigText
    from aggregator.config.load import Config
    from aggregator.schedule.state import PollState
    from aggregator.store import Store

__all__ = [
    "IdleRun",
    "SettledStore",
    "WaitingSources",
    "idle_run",
    "record",
    "recorded_config",
    "settled_store",
    "waiting_sources",
]

MOST_FILES = 50_000
"""An output with more files is not compared, because that would take longer than a full run."""

LONGEST = timedelta(hours=1)
"""A full run is made at least this often, because it checks the clock; one with early polls is none."""

_SUFFIX = ".settled"
_MARK = [__version__, READER_VERSION, sys.version]
_DAMAGED = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)
"""Exceptions for a damaged record; its content does not matter."""
_SECOND_NS = 1_000_000_000
_Fact = tuple[str, int, int, int]
_TICK_SECONDS = 0.02
"""Two changes of a file within a tick of the system's clock leave it the same mtime: 10 ms at most."""
_APART_NS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleRun:
    """The result of a run with nothing to do.

    - `output`: the output folder.
    - `feeds`: the number of feeds.
    - `waiting`: by the name of each source, in the config's order, its poll state as JSON.
    """

    output: str
    feeds: int
    waiting: Mapping[str, str]

    def states(self, names: Sequence[str]) -> Mapping[str, PollState]:
        """Returns the states of the sources with these names; of all without names."""
        wanted = frozenset(names or self.waiting)
        return _States({name: text for name, text in self.waiting.items() if name in wanted})


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledStore:
    """A store for which nothing but polls may be due.

    - `feeds`: the number of published feeds.
    - `files`: the sizes and mtimes of what is published.
    - `kept`: the record.
    """

    feeds: int
    files: Sequence[_Fact]
    kept: Mapping[str, Any]


class _States(Mapping[str, "PollState"]):
    """States by name, each parsed only when it is used: usually they are only counted."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> PollState:
        from aggregator.schedule.state import PollState

        return PollState.remembered(self._texts[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def idle_run(text: ConfigText, names: Sequence[str], now: datetime) -> IdleRun | None:
    """Returns what a run of these sources (all without names) reports if it has nothing to do.

    None: there may be something to do.
    """
    try:
        kept = _kept(text, names)
        if kept is None or not kept["at"] <= now.timestamp() < kept["until"]:
            return None
        if not _is_as_it_was(kept, _published_files(kept)):
            return None
        return IdleRun(output=kept["output"], feeds=kept["feeds"], waiting=kept["waiting"])
    except _DAMAGED:
        return None


def settled_store(text: ConfigText, names: Sequence[str], now: datetime) -> SettledStore | None:
    """Returns what a run that polls these sources (all without names) may rely on.

    None: the last run may have left something else to do, or the next full run is due.
    """
    try:
        kept = _kept(text, names)
        if kept is None or not _is_in_time(kept, now):
            return None
        files = _published_files(kept)
        if files is None or not _is_as_it_was(kept, files):
            return None
        return SettledStore(feeds=kept["feeds"], files=files, kept=kept)
    except _DAMAGED:
        return None


def recorded_config(text: ConfigText, names: Sequence[str], now: datetime) -> Config | None:
    """Returns the config of the last run, as far as polls of feeds need it; None if it is not known.

    It may be used only for a settled store.
    """
    try:
        kept = _kept(text, names)
        if kept is None or kept["config facts"] is None or not _is_in_time(kept, now):
            return None
        from aggregator.config.kept import kept_config

        return kept_config(kept["config facts"], Path(kept["store"]), kept["output"])
    except (*_DAMAGED, ConfigError):
        return None


def _kept(text: ConfigText, names: Sequence[str]) -> dict[str, Any] | None:
    """Returns the record of a store, if it was made with this config and has these sources."""
    if text.store is None:
        return None
    kept = _decoded(_record_path(text.store).read_bytes())
    is_same = (kept["mark"], kept["config"], kept["store"]) == (_MARK, text.digest, str(text.store))
    return kept if is_same and all(name in kept["waiting"] for name in names) else None


def _encoded(facts: Mapping[str, Any]) -> bytes:
    """Returns a record as it is written: facts that are damaged are not used, whatever they look like.

    With a digest, a run with 5,000 sources and nothing to do would take 4 ms more.
    """
    body = json.dumps(facts).encode()  # `dump` is slower: it is written in Python
    return b"%08x\n%s" % (zlib.crc32(body), body)


@lru_cache(maxsize=1)  # a run reads the record up to three times, because other runs write it
def _decoded(record: bytes) -> dict[str, Any]:
    """Returns the facts of a record. Raises ValueError if it is damaged."""
    check, _, body = record.partition(b"\n")
    if check != b"%08x" % zlib.crc32(body):
        raise ValueError("damaged")
    facts: dict[str, Any] = json.loads(body)
    return facts


def _is_in_time(kept: Mapping[str, Any], now: datetime) -> bool:
    """Returns whether a run at this time may rely on the record, apart from polls."""
    return bool(kept["at"] <= now.timestamp() < kept["full"])


def _is_as_it_was(kept: Mapping[str, Any], files: Sequence[_Fact] | None) -> bool:
    """Returns whether the store and the output have not changed since the record was written."""
    stamp = _stamp(Path(kept["store"]), files)
    return stamp is not None and stamp == (kept["stamp"], kept["newest"])


def _published_files(kept: Mapping[str, Any]) -> list[_Fact] | None:
    return _files_in([Path(each) for each in kept["folders"]])


def _record_path(store: Path) -> Path:
    """Returns the path of a store's record."""
    return store.with_name(store.name + _SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSources:
    """The sources that wait, as in `IdleRun`; `until`: when the first of them is due, None: never."""

    waiting: Mapping[str, str]
    until: datetime | None


def waiting_sources(config: Config, store: Store, now: datetime) -> WaitingSources | None:
    """Returns the sources that wait at the end of a run; None if the next run may have something to do.

    That is so if time alone may change something other than polls, or if the output is not only a folder:
    with queued messages, digests, notices, posts, copies of pictures, a bucket, or articles to complete.
    """
    further = (config.bucket, config.notify, config.mastodon, config.digest, config.publish.posts)
    if not isinstance(config.store, Path) or any(further) or config.publish.media is not None:
        return None
    if any(source.full_text or source.is_local for source in config.sources):
        return None
    if store.sources_outside_config.count() or store.media.any() or store.outbox.channels():
        return None
    names = [source.name for source in config.select(())]
    states = store.due_sources.at_rest(now)
    if states is None or not states.keys() >= {*names}:
        return None
    polls = [next_poll for _, next_poll in states.values() if next_poll is not None]
    return WaitingSources(waiting={name: states[name][0] for name in names}, until=min(polls, default=None))


def record(
    config: Config,
    config_digest: str,
    rest: WaitingSources,
    feeds: int,
    now: datetime,
    settled: SettledStore | None = None,
) -> None:
    """Writes the record for the next run; call this once the store is closed.

    `feeds`: the number of published feeds. `settled`: what the run relied on; None after a full run. If the
    record cannot be written, the next run is a full one.
    """
    from aggregator.store.sqlite.polls import has_more_to_poll

    assert isinstance(config.store, Path), "only a run with a store file is recorded"
    facts = _facts_of(config, config_digest, now) if settled is None else {**settled.kept}
    # A run without publication has changed no file: if another process has, the next run is a full one.
    files = _resting_files(facts["folders"]) if settled is None else settled.files
    set_apart = _set_apart(config.store)
    # Else it was changed just now, and may be once more without a new mtime.
    if (stamp := _stamp(config.store, files)) is None or stamp[1] != set_apart:
        return
    # The stamp may be that of a source which a command added, or a hub's ping made due, after the run had
    # looked for such.
    if has_more_to_poll(config.store, rest.until):
        return
    until = facts["full"] if rest.until is None else min(rest.until.timestamp(), facts["full"])
    facts |= {"at": now.timestamp(), "until": until, "stamp": stamp[0], "newest": stamp[1]}
    facts |= {"feeds": feeds, "waiting": dict(rest.waiting)}
    place = _record_path(config.store)
    aside = place.with_name(f"{place.name}.{os.getpid()}.part")
    with contextlib.suppress(OSError):
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(_encoded(facts))
            aside.replace(place)
        finally:
            aside.unlink(missing_ok=True)


def _facts_of(config: Config, config_digest: str, now: datetime) -> dict[str, Any]:
    """Returns what is recorded of a config by a full run at this time."""
    from aggregator.config.kept import plain_facts

    # Upkeep is due then.
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    pages = config.publish.pages
    return {
        "mark": _MARK,
        "config": config_digest,
        "full": min(midnight, now + LONGEST).timestamp(),
        "store": str(config.store),
        "folders": [str(each) for each in (config.output, pages.templates, pages.logo) if each is not None],
        "output": str(config.output),
        "config facts": plain_facts(config),
    }


def _resting_files(folders: Sequence[str]) -> list[_Fact] | None:
    """Returns the sizes and mtimes of all files in these folders, none of which changed within this tick."""
    files = _files_in(map(Path, folders))
    # An mtime in the future was set by the publication: no change gives it.
    ages = (time.time_ns() - fact[-1] for fact in files or ())
    age = min((age / _SECOND_NS for age in ages if age >= 0), default=_TICK_SECONDS)
    if age < _TICK_SECONDS:
        time.sleep(_TICK_SECONDS - age)
        files = _files_in(map(Path, folders))
    return files


def _set_apart(store: Path) -> int | None:
    """Gives the store and its journal an mtime that no later change can give them, and returns the newest.

    It is earlier than the tick of the clock in which they changed last, so that the run need not wait until
    that tick is over. None: this process may not set mtimes.
    """
    newest = None
    with contextlib.suppress(OSError):
        for place in _files_of(store):
            if (found := _fact(place))[2] > 0:
                newest = max(newest or 0, found[-1] - _APART_NS)
                os.utime(place, ns=(found[-1] - _APART_NS,) * 2)
        return newest
    return None


def _stamp(store: Path, files: Sequence[_Fact] | None) -> tuple[str, int] | None:
    """Returns a digest of the sizes and mtimes of the store, its journal and these files, and the newest
    mtime of the store.

    None: there are too many files, or the file system stores mtimes in whole seconds.
    """
    file, journal = map(_fact, _files_of(store))
    facts = [file, journal] if journal[2] > 0 else [file]  # readers leave an empty journal
    newest = max(fact[-1] for fact in facts)
    if newest % _SECOND_NS == 0 or files is None:
        return None
    facts += files
    return hashlib.blake2b(json.dumps(sorted(facts)).encode(), digest_size=16).hexdigest(), newest


def _files_of(store: Path) -> tuple[str, str]:
    """Returns the paths of the store and its journal; of what a link names, as that is what changes."""
    file = os.path.realpath(store)
    return file, f"{file}-wal"


def _files_in(places: Iterable[Path]) -> list[_Fact] | None:
    """Returns the sizes and mtimes of all files in these places; None if there are too many."""
    facts = []
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
    return facts


def _fact(name: str, entry: os.DirEntry[str] | None = None) -> _Fact:
    try:
        found = os.lstat(name) if entry is None else entry.stat(follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return name, -1, -1, -1
    return name, found.st_mode, found.st_size, found.st_mtime_ns
