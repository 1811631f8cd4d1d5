"""The command `store copy`."""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from aggregator.cli.options import EXIT_CODES, EXIT_DONE, json_option, reports_errors
from aggregator.cli.terminal import OUT, counted, plain, print_json, progress_bar, shown
from aggregator.errors import ConfigError

if TYPE_CHECKING:
    from aggregator.config.store_address import StoreAddress

__all__ = ["store"]

_VARIABLE = "env:"


@click.group(epilog=EXIT_CODES)
def store() -> None:
    """Copies the store from a file into PostgreSQL, and back."""


@store.command(epilog=EXIT_CODES)
@click.argument("old", metavar="FROM")
@click.argument("new", metavar="TO")
@json_option
@reports_errors
def copy(old: str, new: str, as_json: bool) -> int:
    """Copies the store FROM into TO, which is an empty database or a file that does not exist.

    Each is a path, an address such as postgresql://user@host/database, or env:NAME for an environment
    variable that contains one of these. No daemon may use FROM meanwhile. A copy that was stopped continues
    when the command is repeated. At the end every table of both is compared. FROM does not change. Then set
    `store` in the config to TO: published files stay identical.

    \b
    aggregator store copy var/aggregator.db postgresql://planet@db.example/planet
    aggregator store copy env:PLANET_STORE var/aggregator.db
    """
    from aggregator.app.store_lock import lock_store
    from aggregator.cli.wait_for_store import wait_for_store
    from aggregator.store.database_copy import move_store

    places = [_address("FROM", old), _address("TO", new)]
    with ExitStack() as held_locks:
        for place in places:
            held_locks.enter_context(lock_store(place, "store copy", datetime.now(UTC)))
            held_locks.enter_context(wait_for_store(place, "store copy"))
        with progress_bar(as_json) as bar:
            step = bar.add_task("Copying", total=None)

            def advance(name: str, rows: int) -> None:
                bar.update(step, advance=rows, description=f"Copying {name}")

            found = move_store(places[0], places[1], advance)
    if as_json:
        print_json({"tables": plain(found)})
        return EXIT_DONE
    for table in found:
        OUT.print(f"{table.name:<16} {counted(table.rows, 'row'):>16}  {table.digest}")
    OUT.print(f"{shown(str(places[1]))} has the same content; set store to it in the config")
    return EXIT_DONE


def _address(name: str, text: str) -> StoreAddress:
    from aggregator.config.store_address import store_address

    is_hidden = text.startswith(_VARIABLE)
    if is_hidden:
        variable = text.removeprefix(_VARIABLE)
        if not (text := os.environ.get(variable, "").strip()):
            raise ConfigError(f"{name}: the environment variable {variable} is not set")
    try:
        return store_address(text, is_hidden=is_hidden)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from None
