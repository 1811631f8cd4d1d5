"""The sources that are in the store and not in the config: none, or up to hundreds of thousands."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from aggregator.config.load import Source
from aggregator.model.struct import Struct
from aggregator.normalise.links import without_login
from aggregator.store.column_types import Shaped
from aggregator.store.database import Database, remember
from aggregator.store.schema import followed, settings, sources

__all__ = ["NewSource", "SourceOutsideConfig", "SourcesOutsideConfig", "batches", "mark_changed", "mark_in"]

_AT_ONCE = 500
_CHANGES = "followed changes"
# Read as text: settings that cannot be parsed are an error of that source only.
_ROW = (followed.c.name, sa.cast(followed.c.settings, sa.Text).label("settings"), followed.c.enabled)
_COUNT = sa.select(sa.func.count()).select_from(followed)
_NEW = {"active": True, "validators": {}, "body_hash": None, "title": "", "schedule": None, "is_gone": False}


class SourceOutsideConfig(Struct, frozen=True):
    """A source as it is stored; its settings are those of a `[[sources]]` table, not checked yet."""

    name: str
    settings: Mapping[str, Any]
    enabled: bool


class NewSource(Struct, frozen=True):
    """A checked source to add.

    - `row`: what is stored.
    - `key`: equal for addresses of the same feed.
    - `is_special`: it has settings that publishing, completing or upkeep need.
    """

    row: SourceOutsideConfig
    source: Source
    key: str
    is_special: bool


class SourcesOutsideConfig:
    """The part of the store that keeps the sources outside the config; every method is one transaction.

    No method reads all of them at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counted: tuple[str, Counter[str]] | None = None

    def count(self) -> int:
        """Returns how many there are."""
        with self._database.snapshot() as connection:
            return connection.scalar(_COUNT) or 0

    def named(self, names: Collection[str]) -> dict[str, SourceOutsideConfig]:
        """Returns the sources with these names, by name."""
        found = {}
        with self._database.single() as connection:
            # An argument of a command line may be invalid Unicode, which databases refuse.
            for batch in batches([name for name in names if _is_text(name)]):
                query = sa.select(*_ROW).where(followed.c.name.in_(batch))
                found.update({row.name: _row(*row) for row in connection.execute(query)})
        return found

    def batches(self) -> Iterator[list[SourceOutsideConfig]]:
        """Yields all sources ordered by name, five hundred at a time."""
        last = ""
        while True:
            query = sa.select(*_ROW).where(followed.c.name > last).order_by(followed.c.name)
            with self._database.snapshot() as connection:
                rows = connection.execute(query.limit(_AT_ONCE)).all()
            if not rows:
                return
            yield [_row(*row) for row in rows]
            last = rows[-1].name

    def special(self) -> Iterator[list[SourceOutsideConfig]]:
        """Yields the sources with settings that publishing, completing or upkeep need, five hundred at a
        time.
        """
        return self._marked(followed.c.is_special)

    def changed(self) -> Iterator[list[SourceOutsideConfig]]:
        """Yields the sources that commands changed and no run has loaded yet, five hundred at a time."""
        return self._marked(followed.c.is_changed)

    def _marked(self, mark: sa.ColumnElement[bool]) -> Iterator[list[SourceOutsideConfig]]:
        # With a condition on the name, SQLite would scan all by name instead of the index of marked ones.
        with self._database.snapshot() as connection:
            names = sorted(connection.scalars(sa.select(followed.c.name).where(mark)))
        for some in batches(names):
            found = self.named(some)
            yield [found[name] for name in some if name in found]

    def like(self, beginning: str, most: int) -> tuple[str, ...]:
        """Returns at most `most` names that begin with `beginning`, in order."""
        if not _is_text(beginning):
            return ()
        query = sa.select(followed.c.name).where(followed.c.name.startswith(beginning, autoescape=True))
        with self._database.snapshot() as connection:
            return tuple(connection.scalars(query.order_by(followed.c.name).limit(most)))

    def by_key(self, keys: Collection[str]) -> dict[str, str]:
        """Returns the names of the sources with these addresses, by key."""
        found: dict[str, str] = {}
        with self._database.snapshot() as connection:
            for batch in batches(keys):
                query = sa.select(followed.c.key, followed.c.name).where(followed.c.key.in_(batch))
                found.update({row.key: row.name for row in connection.execute(query)})
        return found

    def taken(self, names: Collection[str]) -> dict[str, str | None]:
        """Returns those of these names that a source has or had.

        The value is None for a source of this table, else the address that the source has or had.
        """
        found: dict[str, str | None] = {}
        query = sa.select(
            sources.c.name, sources.c.address, sa.type_coerce(followed.c.name, sa.Text).label("here")
        )
        query = query.outerjoin(followed, followed.c.name == sources.c.name)
        with self._database.snapshot() as connection:
            for batch in batches(names):
                for row in connection.execute(query.where(sources.c.name.in_(batch))):
                    found[row.name] = None if row.here else row.address
        return found

    def per_category(self) -> Counter[str]:
        """Returns how many sources are in each category ("" for all); cached until they change."""
        mark = self.mark()
        if self._counted is None or self._counted[0] != mark:
            self._counted = (mark, self._per_category() if self.count() else Counter())
        return self._counted[1].copy()

    def _per_category(self) -> Counter[str]:
        text = sa.cast(sources.c.categories, sa.Text)
        query = sa.select(sa.type_coerce(text, Shaped(list)), sa.func.count())
        query = query.join_from(sources, followed, followed.c.name == sources.c.name).group_by(text)
        counts: Counter[str] = Counter()
        with self._database.snapshot() as connection:
            for categories, count in connection.execute(query):
                for name in {"", *categories}:
                    counts[name] += count
        return counts

    def addresses(self, name: str) -> tuple[str, str | None] | None:
        """Returns a source's address without login, and where it has moved to; None if it is not in this
        table.
        """
        query = sa.select(sources.c.address, sources.c.moved_to)
        query = query.join(followed, followed.c.name == sources.c.name)
        with self._database.snapshot() as connection:
            found = connection.execute(query.where(sources.c.name == name)).one_or_none()
        return None if found is None else (found.address, found.moved_to)

    def add(self, new: Sequence[NewSource]) -> None:
        """Adds these sources. Their names must not be in this table."""
        with self._database.transaction() as connection:
            known: set[str] = set()
            for batch in batches([each.row.name for each in new]):
                known.update(connection.scalars(sa.select(sources.c.name).where(sources.c.name.in_(batch))))
            # A source that was known before is loaded by the next run: its categories and address may have
            # changed.
            rows = [
                {
                    "name": each.row.name,
                    "settings": dict(each.row.settings),
                    "key": each.key,
                    "enabled": each.row.enabled,
                    "is_special": each.is_special,
                    "is_changed": each.row.name in known,
                }
                for each in new
            ]
            unknown = [
                {
                    **_NEW,
                    "name": each.row.name,
                    "address": without_login(each.source.address),
                    "is_enabled": each.row.enabled,
                    "categories": [*each.source.categories],
                }
                for each in new
                if each.row.name not in known
            ]
            if unknown:
                connection.execute(sources.insert(), unknown)
            if rows:
                connection.execute(followed.insert(), rows)
                mark_changed(connection)

    def change(self, changed: NewSource) -> None:
        """Changes the settings of a source; the next run loads them."""
        values = {"settings": dict(changed.row.settings), "enabled": changed.row.enabled, "key": changed.key}
        values |= {"is_special": changed.is_special, "is_changed": True}
        with self._database.transaction() as connection:
            connection.execute(followed.update().where(followed.c.name == changed.row.name).values(values))
            mark_changed(connection)

    def enable(self, name: str, *, is_enabled: bool) -> None:
        """Enables or disables polling of a source, whatever its settings are."""
        with self._database.transaction() as connection:
            connection.execute(followed.update().where(followed.c.name == name).values(enabled=is_enabled))
            connection.execute(sources.update().where(sources.c.name == name).values(is_enabled=is_enabled))
            mark_changed(connection)

    def remove(self, name: str) -> None:
        """Removes a source; the next run removes its articles from the feeds."""
        with self._database.transaction() as connection:
            connection.execute(followed.delete().where(followed.c.name == name))
            # Not due any more: a running daemon may not have noticed the change yet.
            connection.execute(sources.update().where(sources.c.name == name).values(is_enabled=False))
            mark_changed(connection)

    def mark(self) -> str:
        """Returns a text that changes when a command or an OPML list changes the sources."""
        return self._database.setting(_CHANGES) or ""

    def seen(self, names: Collection[str]) -> None:
        """Records that a run has loaded these sources."""
        with self._database.transaction() as connection:
            for batch in batches(names):
                connection.execute(
                    followed.update().where(followed.c.name.in_(batch)).values(is_changed=False)
                )
            if names:
                mark_changed(connection)  # their categories may have changed


def _row(name: str, settings: str, enabled: bool) -> SourceOutsideConfig:
    try:
        found = json.loads(settings)
    except (ValueError, TypeError, RecursionError):
        found = None
    return SourceOutsideConfig(name, found if isinstance(found, dict) else {}, enabled)


def mark_changed(connection: sa.Connection) -> None:
    """Marks that sources have changed, so that all processes notice it."""
    remember(connection, _CHANGES, secrets.token_hex(8))


def mark_in(connection: sa.Connection) -> str:
    """As `SourcesOutsideConfig.mark`, in a transaction that does more."""
    return connection.scalar(sa.select(settings.c.value).where(settings.c.name == _CHANGES)) or ""


def batches(names: Collection[str]) -> Iterator[list[str]]:
    """Yields the names in parts that fit into one statement."""
    left = iter(names)
    while batch := list(islice(left, _AT_ONCE)):
        yield batch


def _is_text(name: str) -> bool:
    return "\0" not in name and name == name.encode(errors="ignore").decode()
