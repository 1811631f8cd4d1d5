"""The commands that save a config with its store, and restore them: `backup`, `restore` and `rebuild`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    LocalPath,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import OUT, counted, print_json, shown, when

__all__ = ["backup", "rebuild", "restore"]


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=LocalPath())
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@json_option
@config_option
@reports_errors
def backup(file: Path, force: bool, as_json: bool, config_file: Path) -> int:
    """Saves the config and the store in one file that only you may read. A daemon may run meanwhile.

    The file holds the state of one moment. It is read again before it gets its name, so that it is complete
    or does not exist. Published files are not in it: `publish` writes them again. Folders of articles are not
    in it either.

    \b
    aggregator backup /backups/planet.zip
    aggregator backup --force /backups/planet.zip     replaces an existing file
    """
    from aggregator import __version__
    from aggregator.backup.making import make_backup

    config = load_config(config_file)
    manifest = make_backup(
        config_file, config.store, file, now=datetime.now(UTC), version=__version__, replaces=force
    )
    size = file.stat().st_size
    if as_json:
        print_json({"file": str(file), "bytes": size, "articles": manifest.articles})
        return EXIT_DONE
    OUT.print(
        f"{shown(str(file))}: {size / 1e6:,.1f} MB, the config and {counted(manifest.articles, 'article')}; "
        f"'aggregator restore {shown(str(file))} FOLDER' brings them back"
    )
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("file", type=LocalPath())
@click.argument("folder", type=LocalPath())
@click.option("--trust", is_flag=True, help="You made the backup: do not switch off anything in its config.")
@json_option
@reports_errors
def restore(file: Path, folder: Path, trust: bool, as_json: bool) -> int:
    """Restores a backup into a folder that is empty or does not exist, completely or not at all.

    A backup may come from someone else, so everything in it is checked: its rows are copied into a new store,
    and paths outside FOLDER are moved into it. What its config would reach on this machine is switched off
    and listed: commands, files outside FOLDER, addresses that are not public, and environment variables. With
    --trust nothing is switched off.

    \b
    aggregator restore /backups/planet.zip planet
    aggregator publish --all --config planet/config/aggregator.toml
    """
    from aggregator.backup.restoring import restore as restored_from

    done = restored_from(file, folder, is_trusted=trust)
    made = done.manifest.made
    if as_json:
        facts = {"config": str(done.config), "store": str(done.store), "articles": done.articles}
        print_json({**facts, "made": made, "notes": done.notes})
        return EXIT_DONE
    OUT.print(f"{counted(done.articles, 'article')} as of {when(made)} UTC, with their config")
    OUT.print(f"config {shown(str(done.config))}")
    OUT.print(f"store  {shown(str(done.store))}")
    for note in done.notes:
        OUT.print(shown(note), style="yellow")
    OUT.print(f"'aggregator publish --all --config {shown(str(done.config))}' writes the feeds again")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.option(
    "--from",
    "folder",
    type=LocalPath(file_okay=False),
    help="The folder of published feeds.",
)
@json_option
@config_option
@reports_errors
def rebuild(folder: Path | None, as_json: bool, config_file: Path) -> int:
    """Makes a new store from the files that were published, when the store is lost.

    It reads the folder of posts, and the feeds and archives in the config's output or in --from. Articles
    keep their ids and dates; each source is matched with its articles when it is polled next. Earlier
    versions of articles, and articles that are in no feed, cannot be restored: for them you need a backup.

    \b
    aggregator rebuild
    aggregator rebuild --from /srv/www/feeds
    """
    from aggregator.app.rebuilding import rebuild as rebuilt_from
    from aggregator.cli.wait_for_store import wait_for_store

    config = load_config(config_file)
    with wait_for_store(config.store, "rebuild"):
        done = rebuilt_from(config, datetime.now(UTC), folder)
    if as_json:
        print_json({"articles": done.articles, "of_known_sources": done.placed, "notes": done.notes})
        return EXIT_DONE
    OUT.print(f"{shown(str(config.store))}: {counted(done.articles, 'article')} read back")
    for note in done.notes:
        OUT.print(shown(note), style="yellow")
    if left := done.articles - done.placed:
        OUT.print(f"the sources of {left:,} are not known yet; each takes its own over when it is polled")
    OUT.print("'aggregator fetch' polls the sources and publishes")
    return EXIT_DONE
