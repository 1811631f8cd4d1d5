"""Adds, removes, renames and enables sources, in the config or in the store, wherever the source is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from aggregator.config.change_values import Place, change_source, change_values, remove_source
from aggregator.config.load import Config, Source, load, named
from aggregator.config.sources_outside_config import checked_source, is_special, settings_of
from aggregator.config.store_address import is_there
from aggregator.config.subscriptions import address_key
from aggregator.config.subscriptions import followed_as as in_config
from aggregator.errors import ConfigError
from aggregator.store import NewSource, SourceOutsideConfig, Store
from aggregator.store.renaming import rename_source

__all__ = [
    "add_to_store",
    "categorise",
    "enable",
    "followed_as",
    "mentions",
    "new_source_of",
    "remove",
    "rename",
    "stored_names",
]

_NEAR = 200


def remove(config_file: Path, name: str) -> None:
    """Removes a source. Raises ConfigError, also for a name that no source has, and StoreError."""
    config = load(config_file)
    with _store_of(config, name) as store:
        if store is None:
            remove_source(config_file, name)
        else:
            store.sources_outside_config.remove(name)


def enable(config_file: Path, name: str, *, is_enabled: bool) -> None:
    """Enables or disables polling of a source. Raises ConfigError and StoreError."""
    config = load(config_file)
    with _store_of(config, name) as store:
        if store is None:
            change_source(config_file, name, {"enabled": is_enabled})
        else:
            store.sources_outside_config.enable(name, is_enabled=is_enabled)


def categorise(config_file: Path, name: str, categories: Sequence[str]) -> None:
    """Replaces the categories of a source. Raises ConfigError and StoreError."""
    config = load(config_file)
    with _store_of(config, name) as store:
        if store is None:
            change_source(config_file, name, {"categories": [*categories]})
        else:
            row = store.sources_outside_config.named([name])[name]
            table = {**row.settings, "name": name, "enabled": row.enabled, "categories": [*categories]}
            store.sources_outside_config.change(new_source_of(table))


def add_to_store(config: Config, table: Mapping[str, object]) -> None:
    """Adds a source, given as a `[[sources]]` table, to the store. Raises ConfigError and StoreError.

    No source may have its name. If a removed source had it, that one's articles are shown again.
    """
    new = new_source_of(table)
    with closing(Store(config.store)) as store:
        names = {source.name for source in config.sources}
        names |= {each.name for each in store.subscriptions.listed()}
        if (
            new.row.name in names
            or store.sources_outside_config.taken([new.row.name]).get(new.row.name, "") is None
        ):
            raise ConfigError(f"a source is named {new.row.name!r} already; choose another --name")
        if (known := store.sources_outside_config.by_key([new.key]).get(new.key)) is not None:
            raise ConfigError(f"it is followed already, as {known!r}")
        store.sources_outside_config.add([new])


def followed_as(url: str, config: Config) -> str | None:
    """Returns the name of the source with this address, in the config or the store; None if none has it."""
    if (name := in_config(url, config.sources)) is not None or not is_there(config.store):
        return name
    with closing(Store(config.store, reads_only=True)) as store:
        return (
            store.sources_outside_config.by_key([address_key(url)]).get(address_key(url))
            if store.sources_outside_config.count()
            else None
        )


def stored_names(config: Config, beginning: str, most: int) -> tuple[str, ...]:
    """Returns at most `most` names of the store's sources that begin with `beginning`. Raises StoreError."""
    if not is_there(config.store):
        return ()
    with closing(Store(config.store, reads_only=True)) as store:
        return (
            store.sources_outside_config.like(beginning, most) if store.sources_outside_config.count() else ()
        )


def new_source_of(table: Mapping[str, object]) -> NewSource:
    """Converts a `[[sources]]` table to a row of the store. Raises ConfigError with every mistake."""
    name, settings = str(table.get("name") or ""), settings_of(table)
    source: Source = checked_source(name, settings, enabled=table.get("enabled") is not False)
    return NewSource(
        row=SourceOutsideConfig(name, settings, source.enabled),
        source=source,
        key=address_key(source.address),
        is_special=is_special(settings),
    )


@contextmanager
def _store_of(config: Config, name: str) -> Iterator[Store | None]:
    """Yields the store if this source is in it; None if it is in the config.

    Raises ConfigError for a name that no source has.
    """
    names = [source.name for source in config.sources]
    if name in names or not is_there(config.store):
        named([name], names)
        yield None
        return
    with closing(Store(config.store)) as store:
        if not store.sources_outside_config.named([name]):
            named([name], [*names, *store.sources_outside_config.like(name[:2], _NEAR)])
        yield store


def rename(config_file: Path, old: str, new: str, now: datetime) -> int:
    """Renames a source in the config and in the store; returns how many stored articles it has.

    Ids of articles do not change, not even those that were made of the old name. If the config has the new
    name already, an earlier rename that was interrupted is completed. Raises ConfigError and StoreError.
    """
    config = load(config_file)
    names = [source.name for source in config.sources]
    if old not in names and is_there(config.store):
        with closing(Store(config.store)) as store:
            if store.sources_outside_config.named([old]):
                if new in names or (new != old and store.sources_outside_config.named([new])):
                    raise ConfigError(f"another source is named {new!r}; choose another name")
                checked_source(new, store.sources_outside_config.named([old])[old].settings)
                return _rename_in_store(store, old, new, now, lambda: None)
    is_half_done = new in names and old not in names
    if not is_half_done:
        named([old], names)
        if new in names and new != old:
            raise ConfigError(f"another source is named {new!r}; choose another name")
    changes = {} if is_half_done else _renamed(config, old, new)

    def confirm() -> None:
        if changes:
            change_values(config_file, changes)

    if changes:
        change_values(config_file, changes, writes=False)
    if not is_there(config.store):
        confirm()
        return 0
    with closing(Store(config.store)) as store:
        if is_half_done and old not in store.sources.states([old]):
            named([old], names)
        return _rename_in_store(store, old, new, now, confirm)


def _rename_in_store(store: Store, old: str, new: str, now: datetime, confirm: Callable[[], object]) -> int:
    # Imported here, because other commands do not need it.
    from aggregator.notify.new_notices import SETTING, renamed

    return rename_source(store.database, old, new, now, confirm, {SETTING: renamed})


def _renamed(config: Config, old: str, new: str) -> Mapping[Place, object]:
    """Returns each place of the config that has the source's old name, with its new value."""
    place = next(n for n, source in enumerate(config.sources) if source.name == old)
    changes: dict[Place, object] = {("sources", place, "name"): new}
    lists: list[tuple[Place, Sequence[str] | None]] = [
        (("publish", "all", "priority"), config.publish.all.priority),
        *(
            (("publish", "categories", n, "priority"), c.priority)
            for n, c in config.publish.categories.items()
        ),
        *((("feeds", n, "priority"), feed.priority) for n, feed in enumerate(config.feeds)),
        *((("rules", n, "sources"), rule.sources) for n, rule in enumerate(config.rules)),
        *((("notify", n, "sources"), notice.sources) for n, notice in enumerate(config.notify)),
        *((("mastodon", n, "sources"), post.sources) for n, post in enumerate(config.mastodon)),
    ]
    for each, listed in lists:
        if listed and old in listed:
            changes[each] = [new if name == old else name for name in listed]
    return changes


def mentions(config: Config, name: str) -> Iterator[str]:
    """Yields the rules, saved feeds and notices whose queries may contain a source's name."""
    for rule in config.rules:
        if name.casefold() in rule.when.casefold():
            yield f"rule {rule.name!r}"
    for feed in config.feeds:
        if name.casefold() in feed.query.casefold():
            yield f"feed {feed.name!r}"
    for notice in config.notify:
        if name.casefold() in (notice.when or "").casefold():
            yield f"notice {notice.name!r}"
