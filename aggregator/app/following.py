"""Changes of what is followed: in the config, and in the store where that must follow at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from aggregator.config.changing import Place, change_values
from aggregator.config.load import Config, load, named
from aggregator.config.store_address import is_there
from aggregator.errors import ConfigError
from aggregator.store import Store
from aggregator.store.renaming import rename_source as renamed_in_store

__all__ = ["mentions", "rename"]


def rename(config_file: Path, old: str, new: str, now: datetime) -> int:
    """Gives a source another name in the config and in the store; how many stored articles it has.

    Ids of articles stay, though those without a URI of their own were made of the old name. Where the config
    has the new name already, a rename that was killed is finished. Raises ConfigError and StoreError.
    """
    config = load(config_file)
    names = [source.name for source in config.sources]
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
        return renamed_in_store(store.database, old, new, now, confirm)


def _renamed(config: Config, old: str, new: str) -> Mapping[Place, object]:
    """Where the config has a source's name, and what is to stand there."""
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
    ]
    for each, listed in lists:
        if listed and old in listed:
            changes[each] = [new if name == old else name for name in listed]
    return changes


def mentions(config: Config, name: str) -> Iterator[str]:
    """The rules, saved feeds and notices whose queries may ask for a source's name."""
    for rule in config.rules:
        if name.casefold() in rule.when.casefold():
            yield f"rule {rule.name!r}"
    for feed in config.feeds:
        if name.casefold() in feed.query.casefold():
            yield f"feed {feed.name!r}"
    for notice in config.notify:
        if name.casefold() in (notice.when or "").casefold():
            yield f"notice {notice.name!r}"
