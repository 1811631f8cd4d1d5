"""The commands that change the list of sources: `remove`, `rename`, `enable`, `disable` and `move`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    config_option,
    load_config,
    reports_errors,
    source_names,
)
from aggregator.cli.terminal import ERR, OUT, counted, shown

__all__ = ["disable", "enable", "move", "remove", "rename"]


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@reports_errors
def remove(names: tuple[str, ...], config_file: Path) -> int:
    """Removes sources from the config (its comments stay), or from the store if they were added there.

    Their articles leave the feeds at the next publication, but stay in the store: they return with the same
    ids when a source of that name is added again. To keep them in the feeds use `disable`; to erase single
    articles use `forget`.

    \b
    aggregator remove "Planet Debian"
    """
    from aggregator.app.changing_sources import remove as removed

    for name in dict.fromkeys(names):
        removed(config_file, name)
        OUT.print(f"removed {shown(name)}: its articles leave the feeds when they are published next")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("source", shell_complete=source_names)
@click.argument("name")
@config_option
@reports_errors
def rename(source: str, name: str, config_file: Path) -> int:
    """Renames a source everywhere: its articles, their ids and edits stay.

    Lists of sources in rules and priorities are changed too. Queries are not: those that contain the old name
    are listed.

    \b
    aggregator rename "Planet Debian" "Debian"
    """
    from aggregator.app.changing_sources import mentions
    from aggregator.app.changing_sources import rename as renamed
    from aggregator.cli.wait_for_store import wait_for_store

    config = load_config(config_file)
    with wait_for_store(config.store, "rename"):
        count = renamed(config_file, source, name, datetime.now(UTC))
    OUT.print(f"renamed {shown(source)} to {shown(name)}: {counted(count, 'stored article')}, with their ids")
    for each in mentions(config, source):
        ERR.print(f"[yellow]note:[/yellow] {shown(each)} may ask for the old name; change its query by hand")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@reports_errors
def enable(names: tuple[str, ...], config_file: Path) -> int:
    """Polls disabled sources again.

    \b
    aggregator enable "Planet Debian"
    """
    return _enable(config_file, names, is_enabled=True)


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@reports_errors
def disable(names: tuple[str, ...], config_file: Path) -> int:
    """Stops polling sources; their articles stay in the feeds.

    \b
    aggregator disable "Planet Debian"
    """
    return _enable(config_file, names, is_enabled=False)


@click.command(epilog=EXIT_CODES)
@click.argument("source", shell_complete=source_names)
@click.argument("categories", metavar="CATEGORY...", nargs=-1, required=True)
@config_option
@reports_errors
def move(source: str, categories: tuple[str, ...], config_file: Path) -> int:
    """Replaces the categories of a source; its stored articles change too.

    \b
    aggregator move "Planet Debian" Debian Linux
    """
    from aggregator.app.changing_sources import categorise

    wanted = tuple(dict.fromkeys(categories))
    categorise(config_file, source, wanted)
    OUT.print(f"moved {shown(source)} to {', '.join(map(shown, wanted))}")
    return EXIT_DONE


def _enable(config_file: Path, names: tuple[str, ...], *, is_enabled: bool) -> int:
    from aggregator.app.changing_sources import enable as enabled

    for name in dict.fromkeys(names):
        enabled(config_file, name, is_enabled=is_enabled)
        OUT.print(f"{'enabled' if is_enabled else 'disabled'} {shown(name)}")
    return EXIT_DONE
