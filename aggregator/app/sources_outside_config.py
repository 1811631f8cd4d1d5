"""The sources that are in the store and not in the config (`add --to-store`, imports). If there are many,
only those that are due are loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from aggregator.config.load import Config, Source
from aggregator.config.sources_outside_config import checked_source
from aggregator.config.subscriptions import address_key
from aggregator.errors import ConfigError
from aggregator.model.struct import replace
from aggregator.polling.settings import changed, poll_settings
from aggregator.schedule.state import PollState, Reason
from aggregator.store import SourceOutsideConfig, Store

__all__ = ["MANY", "MOST_AT_ONCE", "StoreSources"]

MANY = 5_000
"""If the store has no more sources than this, all are held in memory, like those of a config."""

MOST_AT_ONCE = 500
"""The number of sources polled at a time, if the store chooses which."""

_AGAIN = timedelta(days=1)
_SETTING = "followed as"
_EXAMPLE = Source.model_construct(name="any", url="https://any.example/")  # not checked: that takes longer
_log = logging.getLogger("aggregator")


class StoreSources:
    """The sources of a store that its config does not have.

    If there are many, only those that publishing, completing or upkeep need are in memory; the others are
    read when they are due. A source with a mistake in its settings is reported and recorded as failed; others
    are not affected.
    """

    def __init__(self, store: Store, config: Config) -> None:
        self._store = store
        self._config = config
        self._names = {source.name for source in config.sources}
        self._keys = {address_key(source.url): source.name for source in config.sources if source.url}
        self._reported: set[str] = set()
        self._mark = ""

    def is_changed(self) -> bool:
        """Returns whether a command has changed the store's sources since `load_changes`."""
        return self._store.sources_outside_config.mark() != self._mark

    def with_configured(self, configured: Sequence[Source], now: datetime) -> tuple[Source, ...]:
        """Returns the config's sources, followed by those of the store that are held in memory."""
        found = [*configured]
        if count := self._store.sources_outside_config.count():
            stored = self._store.sources_outside_config
            for rows in stored.batches() if count <= MANY else stored.special():
                found += self._checked(rows, now)
        return tuple(found)

    def named(self, names: Collection[str], now: datetime) -> Mapping[str, Source]:
        """Returns the store's sources with these names that can be polled, by name."""
        rows = self._store.sources_outside_config.named(names)
        return {source.name: source for source in self._checked([*rows.values()], now)}

    def select(self, config: Config, names: Sequence[str], now: datetime) -> tuple[Source, ...]:
        """Like `Config.select`; `names` may also be those of sources in the store."""
        held = {source.name for source in config.sources}
        further = self.named([name for name in names if name not in held], now)
        own = [name for name in names if name not in further]
        return (*(config.select(own) if own or not names else ()), *further.values())

    def ready(self, sources: Sequence[Source], now: datetime) -> tuple[list[Source], dict[str, PollState]]:
        """Returns which of these sources may be polled now, and the state of the others."""
        due = self._store.due_sources.due_among([source.name for source in sources], now)
        wanted = [source for source in sources if source.is_local or source.name in due]
        chosen = {source.name for source in wanted}
        left = [source.name for source in sources if source.name not in chosen]
        states = self._store.sources.schedules(left)
        return wanted, {name: states[name] for name in left}

    def enabled(self, config: Config, due: Sequence[str], now: datetime) -> list[Source]:
        """Returns the enabled sources with these names, in the order of the names."""
        enabled = {source.name: source for source in config.select(())}
        if further := [name for name in due if name not in enabled]:
            enabled |= self.named(further, now)
        return [enabled[name] for name in due if name in enabled]

    def load_changes(self, now: datetime) -> None:
        """Loads changes that commands made; plans polls again if `[fetch]` or `interval` changed."""
        self._mark = self._store.sources_outside_config.mark()
        for rows in self._store.sources_outside_config.changed():
            sources = self._checked(rows, now)
            self._store.sources.adopt_more(sources, now)
            states = self._store.sources.schedules([source.name for source in sources])
            failed = {name: state for name, state in states.items() if state.failures}
            self._store.sources.plan({n: replace(state, next_poll=now) for n, state in failed.items()})
            self._store.sources_outside_config.seen([row.name for row in rows])
        example = poll_settings(_EXAMPLE, "", self._config)
        mark = f"{example.asked} {example.pace}"
        before = self._store.database.setting(_SETTING)
        if mark == before:
            return
        for rows in self._store.sources_outside_config.batches() if before is not None else ():
            sources = self._checked(rows, now)
            states = self._store.sources.schedules([source.name for source in sources])
            self._store.sources.plan(changed(sources, states, self._config, now))
        self._store.database.remember(_SETTING, mark)

    def _checked(self, rows: Sequence[SourceOutsideConfig], now: datetime) -> list[Source]:
        found = []
        for row in rows:
            try:
                source = checked_source(row.name, row.settings, enabled=row.enabled)
                self._compare(source)
            except ConfigError as error:
                self._refuse(row.name, error, now)
            else:
                found.append(source)
        return found

    def _compare(self, source: Source) -> None:
        """Raises ConfigError if the config has a source of the same name or address."""
        if source.name in self._names:
            raise ConfigError(
                f"source {source.name!r}: the config has a source of this name; rename one of them"
            )
        if (other := self._keys.get(address_key(source.address))) is not None:
            raise ConfigError(
                f"source {source.name!r}: the config has its address too, as {other!r}; remove one"
            )

    def _refuse(self, name: str, error: ConfigError, now: datetime) -> None:
        """Logs a mistake once, and does not try the source for a day."""
        if name not in self._reported:
            self._reported.add(name)
            for mistake in error.mistakes:
                _log.warning("in the store: %s", mistake)
        if name in self._names:
            return  # the poll state under this name is that of the config's source
        if not self._store.due_sources.due_among([name], now):
            return
        state = self._store.sources.schedules([name])[name]
        reason = "; ".join(mistake.removeprefix(f"source {name!r}: ") for mistake in error.mistakes)
        self._store.sources.fail(name, reason, now, advice=_ADVICE, following=_later(state, now))


_ADVICE = "remove it and add it again, or set what is missing"


def _later(state: PollState, now: datetime) -> PollState:
    failures = max(state.failures, 1)
    return replace(state, next_poll=now + _AGAIN, reason=Reason.BACK_OFF, failures=failures)
