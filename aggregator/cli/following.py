"""The commands that change what is followed: `remove`, `rename`, `enable`, `disable` and `move`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import EXIT_CODES, EXIT_DONE, config_option, fails_well, load_config, source_names
from aggregator.cli.terminal import ERR, OUT, counted, shown

__all__ = ["disable", "enable", "move", "remove", "rename"]


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@fails_well
def remove(names: tuple[str, ...], config_file: Path) -> int:
    """Takes sources out of the config, whose comments stay, or out of the store that follows them.

    Their articles leave the feeds at the next publication, but stay in the store: they return, under their
    ids, when a source of that name is added again. To keep them in the feeds use `disable`; to erase single
    articles use `forget`.

    \b
    aggregator remove "Planet Debian"
    """
    from aggregator.app.following import remove as removed

    for name in names:
        removed(config_file, name)
        OUT.print(f"removed {shown(name)}: its articles leave the feeds when they are published next")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("source", shell_complete=source_names)
@click.argument("name")
@config_option
@fails_well
def rename(source: str, name: str, config_file: Path) -> int:
    """Gives a source another name, wherever it is: its articles, their ids and edits stay.

    Lists of sources in rules and priorities follow. Queries do not: those that hold the old name are named.

    \b
    aggregator rename "Planet Debian" "Debian"
    """
    from aggregator.app.following import mentions
    from aggregator.app.following import rename as renamed
    from aggregator.cli.turns import turn

    config = load_config(config_file)
    with turn(config.store, "rename"):
        count = renamed(config_file, source, name, datetime.now(UTC))
    OUT.print(f"renamed {shown(source)} to {shown(name)}: {counted(count, 'stored article')}, with their ids")
    for each in mentions(config, source):
        ERR.print(f"[yellow]note:[/yellow] {shown(each)} may ask for the old name; change its query by hand")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@fails_well
def enable(names: tuple[str, ...], config_file: Path) -> int:
    """Polls sources again that were disabled.

    \b
    aggregator enable "Planet Debian"
    """
    return _enable(config_file, names, is_enabled=True)


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="SOURCE...", nargs=-1, required=True, shell_complete=source_names)
@config_option
@fails_well
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
@fails_well
def move(source: str, categories: tuple[str, ...], config_file: Path) -> int:
    """Puts a source into other categories, in place of those it has; its stored articles follow.

    \b
    aggregator move "Planet Debian" Debian Linux
    """
    from aggregator.app.following import categorise

    categorise(config_file, source, categories)
    OUT.print(f"in {', '.join(map(shown, categories))} from now on: {shown(source)}")
    return EXIT_DONE


def _enable(config_file: Path, names: tuple[str, ...], *, is_enabled: bool) -> int:
    from aggregator.app.following import enable as enabled

    for name in names:
        enabled(config_file, name, is_enabled=is_enabled)
        OUT.print(f"{'enabled' if is_enabled else 'disabled'} {shown(name)}")
    return EXIT_DONE
