"""Publishing: every stale feed is rendered and written. Knows protocols, no concrete writers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aggregator.config import Config
from aggregator.errors import WriteError
from aggregator.publishing.channels import Outlet, channel, outlets
from aggregator.store import Store
from aggregator.writers.channel import Writer
from aggregator.writers.files import remove_leftovers, write_if_changed


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

    `writers` are all there are, by their formats' names; the config chooses among them, and the files of
    those it does not choose are removed. A feed that cannot be written is told in `errors` and stays stale;
    the others are written.
    """
    config.output.mkdir(parents=True, exist_ok=True)
    look = _look(config, writers, version)
    everything = everything or store.setting("look") != look
    written: list[Path] = []
    errors: list[WriteError] = []
    rendered = feeds = 0
    for outlet in outlets(store, config, writers):
        feeds += 1
        place = config.output / outlet.folder
        if not (everything or outlet.category.is_stale or _lacks_files(place, outlet)):
            continue
        rendered += 1
        try:
            remove_leftovers(place)
            made = channel(outlet, store, config, version)
            written += [
                path
                for writer in outlet.writers.values()
                if write_if_changed(path := place / writer.file_name, writer.render(made))
            ]
            _remove_others(place, writers, outlet)
        except WriteError as error:
            errors.append(error)
        else:
            store.rendered(outlet.category.name, outlet.category.generation)
    if not errors:
        store.remember("look", look)
    return Published(rendered=rendered, written=tuple(written), feeds=feeds, errors=tuple(errors))


def _look(config: Config, writers: Mapping[str, Writer], version: str) -> str:
    """Stands for everything beside the articles that decides how feeds look."""
    facts = [
        config.site.model_dump(),
        config.publish.model_dump(),
        config.entries_per_feed,
        [*writers],
        version,
    ]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=16).hexdigest()


def _lacks_files(place: Path, outlet: Outlet) -> bool:
    return not all((place / name).exists() for name in outlet.files)


def _remove_others(place: Path, writers: Mapping[str, Writer], outlet: Outlet) -> None:
    """Removes what is left of formats that the config no longer asks for."""
    for writer in writers.values():
        if writer.file_name not in outlet.files:
            try:
                (place / writer.file_name).unlink(missing_ok=True)
            except OSError as error:
                raise WriteError(f"{place / writer.file_name}: it cannot be removed: {error}") from error
