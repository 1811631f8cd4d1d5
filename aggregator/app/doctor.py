"""Describes an installation for a bug report, and finds what is wrong with it, with the next step for each.

Changes nothing. Shows no secret, no login and no query of an address.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from aggregator import DISTRIBUTION
from aggregator.app.bucket_output import bucket_facts
from aggregator.app.config_checks import doubts, refusals
from aggregator.app.store_lock import user_of
from aggregator.config.load import Config, load
from aggregator.config.store_address import StoreAddress, permissions
from aggregator.errors import ConfigError, FetchError, ObjectStoreError, StoreError
from aggregator.fetch.guard import Guard
from aggregator.normalise.secrets_in_addresses import without_keys
from aggregator.store import Store

__all__ = ["Diagnosis", "examine"]

State = Literal["ok", "note", "trouble"]

_LIBRARIES = (
    *(DISTRIBUTION, "requests", "urllib3", "lxml", "feedparser", "feedgen", "nh3", "SQLAlchemy", "pydantic"),
    *("click", "APScheduler", "uvicorn", "tomlkit"),
)
_OPTIONAL = {
    "full-text": "trafilatura",
    "microformats": "mf2py",
    "fast": "httptools",
    "media": "Pillow",
    "postgres": "psycopg",
    "s3": "obstore",
    "metrics": "prometheus-client",
}
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_RELEASED = datetime(2026, 1, 1, tzinfo=UTC)
"""A clock that shows an earlier time than this release is wrong."""
_AHEAD = timedelta(minutes=5)
_LOW_BYTES = 200 * 1024 * 1024
_MOST = 5
_HOSTS = 3
_LOOKUP_SECONDS = 5.0
_CONFINE = "from aggregator.confinement import confine; print(confine())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One fact about an installation; `advice`: what to do if it is a trouble or a note, else ""."""

    area: str
    state: State
    text: str
    advice: str = ""


def examine(config_file: Path, now: datetime, *, is_offline: bool = False) -> Iterator[Diagnosis]:
    """Yields every fact about an installation, by area. `is_offline`: host names are not looked up."""
    for finding in _examined(config_file, now, is_offline=is_offline):
        yield Diagnosis(
            area=finding.area,
            state=finding.state,
            text=without_keys(finding.text),
            advice=without_keys(finding.advice),
        )


def _examined(config_file: Path, now: datetime, *, is_offline: bool) -> Iterator[Diagnosis]:
    yield from _versions()
    try:
        config = load(config_file)
    except ConfigError as error:
        for mistake in error.mistakes[:_MOST]:
            yield Diagnosis(
                area="config", state="trouble", text=mistake, advice="correct it; 'aggregator check'"
            )
        if (more := len(error.mistakes) - _MOST) > 0:
            text = f"and {more} more mistakes"
            yield Diagnosis(
                area="config", state="trouble", text=text, advice="'aggregator check' reports all"
            )
        yield from _clock(None, now)
        yield from _confinement()
        return
    yield from _config(config, config_file)
    yield from _store(config, now)
    yield from _folders(config)
    yield from _bucket(config, is_offline=is_offline)
    yield from _network(config, is_offline=is_offline)
    yield from _confinement()


def _versions() -> Iterator[Diagnosis]:
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    text = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {system}"
    yield Diagnosis(area="versions", state="ok", text=text)
    yield Diagnosis(area="versions", state="ok", text=libraries)
    extras = ", ".join(f"{name}: {_version(package)}" for name, package in _OPTIONAL.items())
    yield Diagnosis(area="versions", state="ok", text=f"optional parts: {extras}")
    if sys.getfilesystemencoding().lower() != "utf-8":
        text = f"file names are encoded in {sys.getfilesystemencoding()}, not UTF-8"
        yield Diagnosis(area="versions", state="note", text=text, advice="set LC_ALL=C.UTF-8")
    if os.geteuid() == 0:
        advice = "run it as a separate user who owns the store and the output"
        yield Diagnosis(area="versions", state="note", text="it runs as root", advice=advice)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _config(config: Config, file: Path) -> Iterator[Diagnosis]:
    kinds = Counter(source.kind for source in config.sources)
    shown = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "none"
    enabled = len(config.select(()))
    text = f"{file}: {len(config.sources)} sources ({shown}), {enabled} enabled, {len(config.rules)} rules"
    yield Diagnosis(area="config", state="ok", text=text)
    if not config.sources:
        advice = "'aggregator add ADDRESS' follows a site"
        yield Diagnosis(area="config", state="trouble", text="no source is followed", advice=advice)
    elif not enabled:
        advice = "'aggregator enable SOURCE' polls one again"
        yield Diagnosis(area="config", state="trouble", text="every source is disabled", advice=advice)
    refused = [*refusals(config)]
    for text in refused[:_MOST]:
        advice = "correct that in the config; 'aggregator check' reports all"
        yield Diagnosis(area="config", state="trouble", text=text, advice=advice)
    for text in [*doubts(config)][:_MOST]:
        yield Diagnosis(area="config", state="note", text=text, advice="correct it, unless it is meant")
    if not config.site.url:
        advice = "set it to the public address of the output folder"
        yield Diagnosis(area="config", state="note", text="site.url is not set", advice=advice)


def _store(config: Config, now: datetime) -> Iterator[Diagnosis]:
    store = config.store
    try:
        if (who := user_of(store)) is not None:
            yield Diagnosis(area="store", state="ok", text=f"in use by {who}")
    except StoreError as error:
        yield Diagnosis(area="store", state="trouble", text=str(error), advice="'aggregator check'")
        yield from _clock(None, now)
        return
    if isinstance(store, Path) and not store.exists():
        advice = "'aggregator fetch' creates it; if it is lost, 'aggregator restore' or 'aggregator rebuild'"
        yield Diagnosis(area="store", state="note", text=f"{store} is not there yet", advice=advice)
        yield from _writable("store", _nearest(store.parent))
        yield from _clock(None, now)
        return
    newest = None
    try:
        with closing(Store(store, reads_only=True)) as opened:
            newest = opened.sources.last_poll()
            yield from _contents(store, opened, newest)
    except (StoreError, OSError) as error:
        advice = "'aggregator verify' checks it in full; 'aggregator restore' restores a backup"
        yield Diagnosis(area="store", state="trouble", text=str(error), advice=advice)
    if isinstance(store, Path) and store.is_file():
        if (mode := permissions(store)) & 0o077:
            text = f"others may read the store (mode {mode:04o})"
            yield Diagnosis(area="store", state="note", text=text, advice=f"chmod 600 {store}")
        yield from _writable("store", store)
        yield from _writable("store", store.parent)
    yield from _clock(newest, now)


def _contents(place: StoreAddress, store: Store, newest: datetime | None) -> Iterator[Diagnosis]:
    health = store.sources.health()
    count = sum(each.articles for each in health)
    size = store.database.dialect.size()
    text = f"{place}: {size / 1e6:,.1f} MB, {count:,} articles of {len(health):,} sources"
    yield Diagnosis(area="store", state="ok", text=text)
    failing = [each for each in health if each.error]
    if failing:
        text = f"{len(failing):,} sources failed at their last poll, {failing[0].name!r} first"
        advice = "'aggregator sources failing broken' says why, and what to do"
        yield Diagnosis(area="store", state="note", text=f"{text}: {failing[0].error}", advice=advice)
    if newest is not None:
        yield Diagnosis(area="store", state="ok", text=f"polled last {newest:%Y-%m-%d %H:%M} UTC")


def _folders(config: Config) -> Iterator[Diagnosis]:
    places = {"output": config.output}
    if config.publish.posts is not None:
        places["posts"] = config.publish.posts.folder
    for area, place in places.items():
        if place.exists() and not place.is_dir():
            continue  # reported with the config
        yield from _writable(area, place if place.exists() else _nearest(place), wanted=place)
        if area == "output" and place.is_dir() and not any(place.glob("*/*")):
            text = f"nothing is published in {place} yet"
            yield Diagnosis(
                area=area, state="note", text=text, advice="'aggregator fetch', or 'aggregator publish'"
            )


def _bucket(config: Config, *, is_offline: bool) -> Iterator[Diagnosis]:
    if config.bucket is None:
        return
    missing = [name for name in _KEYS if not os.environ.get(name)]
    if missing:
        text = f"{config.bucket}: variables that are not set: {', '.join(missing)}"
        advice = "set them, unless the machine's own role has the rights"
        yield Diagnosis(area="bucket", state="note", text=text, advice=advice)
    if is_offline:
        return
    try:
        yield Diagnosis(area="bucket", state="ok", text=bucket_facts(config))
    except ObjectStoreError as error:
        text, _, advice = str(error).partition("; ")
        yield Diagnosis(area="bucket", state="trouble", text=text, advice=advice)


def _writable(area: str, place: Path, wanted: Path | None = None) -> Iterator[Diagnosis]:
    if not os.access(place, os.W_OK | (os.X_OK if place.is_dir() else 0)):
        text = f"{place} cannot be written by this user"
        yield Diagnosis(area=area, state="trouble", text=text, advice="let the user who runs this write it")
    elif wanted is not None and not place.is_dir():
        text = f"{wanted} cannot be created: {place} is not a folder"
        yield Diagnosis(area=area, state="trouble", text=text, advice="name another place in the config")
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        text = f"{place}: {error.strerror}"
        yield Diagnosis(area=area, state="trouble", text=text, advice="check the disk")
        return
    if free < _LOW_BYTES:
        text = f"{free / 1e6:,.0f} MB are free where {place} is"
        yield Diagnosis(area=area, state="trouble", text=text, advice="free some disk space")
    elif wanted is not None:
        yield Diagnosis(area=area, state="ok", text=f"{wanted}, {free / 1e9:,.1f} GB free")


def _nearest(folder: Path) -> Path:
    """Returns the folder, or the nearest parent folder that exists."""
    return next((each for each in (folder, *folder.parents) if os.path.lexists(each)), Path("/"))


def _network(config: Config, *, is_offline: bool) -> Iterator[Diagnosis]:
    proxies = [name for name in _PROXIES if os.environ.get(name) or os.environ.get(name.upper())]
    if proxies:
        text = f"variables of the environment that are ignored: {', '.join(proxies)}"
        yield Diagnosis(area="network", state="note", text=text, advice="a proxy is named by fetch.proxy")
    hosts = _hosts([source.url for source in config.select(()) if source.url])
    if is_offline or not hosts:
        return
    guard = Guard(config.fetch.allow)
    failed: dict[str, FetchError] = {}
    for host in hosts:
        try:
            guard.addresses(host, _LOOKUP_SECONDS)
        except FetchError as error:
            failed[host] = error
    for host, why in failed.items():
        state: State = "trouble" if len(failed) == len(hosts) else "note"
        yield Diagnosis(area="network", state=state, text=f"{host}: {why.reason}", advice=why.advice)
    for host in hosts:
        if host not in failed:
            yield Diagnosis(area="network", state="ok", text=f"{host} is found")


def _hosts(urls: Sequence[str]) -> list[str]:
    found = []
    for url in urls:
        try:
            parts = urlsplit(url)
        except ValueError:
            continue
        if parts.scheme in ("http", "https") and parts.hostname:
            found.append(parts.hostname)
    return [*dict.fromkeys(found)][:_HOSTS]


def _clock(newest: datetime | None, now: datetime) -> Iterator[Diagnosis]:
    advice = "set the clock, preferably by NTP; nothing is deleted by age while it is doubted"
    if now < _RELEASED:
        text = f"the clock says {now:%Y-%m-%d}, which is before this program was released"
        yield Diagnosis(area="clock", state="trouble", text=text, advice=advice)
    elif newest is not None and newest > now + _AHEAD:
        text = f"the clock says {now:%Y-%m-%d %H:%M} UTC, but a poll was at {newest:%Y-%m-%d %H:%M} UTC"
        yield Diagnosis(area="clock", state="trouble", text=text, advice=advice)
    else:
        yield Diagnosis(area="clock", state="ok", text=f"{now:%Y-%m-%d %H:%M:%S} UTC")


def _confinement() -> Iterator[Diagnosis]:
    """Tries confinement in a separate process, because it cannot be undone."""
    try:
        done = subprocess.run(  # noqa: S603 - Python itself
            [sys.executable, "-c", _CONFINE], capture_output=True, text=True, timeout=60, check=False
        )
        text = done.stdout.strip() or f"it failed with code {done.returncode}"
    except (OSError, subprocess.SubprocessError) as error:
        text = f"it cannot be tried: {error}"
    lacks = any(word in text for word in ("no ", "not ", "failed", "cannot"))
    advice = "documents are still read in processes with limits; a newer Linux confines them" if lacks else ""
    yield Diagnosis(area="confinement", state="note" if lacks else "ok", text=text, advice=advice)
