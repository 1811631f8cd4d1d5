"""The commands `import` and `export`: subscription lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    LocalPath,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import ERR, OUT, plain, print_json, shown

if TYPE_CHECKING:
    from aggregator.config.load import Config
    from aggregator.model.article import Problem
    from aggregator.model.entry import Subscription

_SHOWN_EACH = 50_000


@click.command("import", epilog=EXIT_CODES)
@click.argument("target", metavar="FILE|URL")
@click.option("--store", "is_for_store", is_flag=True, help="Add them to the store, not to the config.")
@click.option("--dry-run", is_flag=True, help="Show what would be added, and add nothing.")
@json_option
@config_option
@reports_errors
def import_(target: str, is_for_store: bool, dry_run: bool, as_json: bool, config_file: Path) -> int:
    """Adds the feeds of a list to the config: OPML, whose folders become categories, or one address a line.

    Feeds that are followed already stay as they are. Nothing else in the config changes, and comments stay.
    The whole list is added, or nothing if the config would then not load. With --store the feeds are added to
    the store, a thousand at a time; an import that was stopped continues when it is started again.

    \b
    aggregator import subscriptions.opml --dry-run     what would be added?
    aggregator import subscriptions.opml
    aggregator import https://example.org/feeds.opml
    aggregator import addresses.txt --store            for very long lists
    """
    from aggregator.config.edit import add_sources
    from aggregator.config.subscriptions import plan
    from aggregator.discovery.import_list import addresses_in, is_of_addresses, listed_feeds
    from aggregator.model.entry import SubscriptionList

    config = load_config(config_file)
    is_plain = is_of_addresses(target)
    if is_for_store and is_plain:
        return _import_into_store(config, addresses_in(target), (), dry_run=dry_run, as_json=as_json)
    found = (
        SubscriptionList(subscriptions=tuple(addresses_in(target)))
        if is_plain
        else listed_feeds(target, config.fetch, datetime.now(UTC))
    )
    if is_for_store:
        feeds = found.subscriptions
        return _import_into_store(config, feeds, found.problems, dry_run=dry_run, as_json=as_json)
    planned = plan(found, config.sources)
    if not dry_run:
        add_sources(config_file, planned.new)
    if as_json:
        added = [{key: value for key, value in source.items() if value} for source in planned.new]
        print_json({"added": added, "dry_run": dry_run, "problems": plain(planned.problems)})
    else:
        for source in planned.new if dry_run else ():
            OUT.print(f"{shown(str(source['name']))}: {shown(str(source['url']))}")
        _print_problems(planned.problems)
        done = "would be added" if dry_run else "added"
        OUT.print(
            f"{len(planned.new)} of {len(found.subscriptions)} feeds {done} to {shown(str(config_file))}"
        )
    return EXIT_DONE if found.subscriptions else EXIT_NOTHING


def _import_into_store(
    config: Config,
    feeds: Iterable[Subscription],
    before: Sequence[Problem],
    *,
    dry_run: bool,
    as_json: bool,
) -> int:
    from aggregator.app.importing import Imported, import_feeds
    from aggregator.cli.wait_for_store import wait_for_store

    done = Imported()
    with wait_for_store(config.store, "import"):
        for done in import_feeds(config, feeds, dry_run=dry_run):
            if ERR.is_terminal and done.found % _SHOWN_EACH == 0:
                ERR.print(f"{done.found:,} feeds were read, {done.added:,} are new", style="dim")
    problems = (*before, *done.problems)
    if as_json:
        print_json({"added": done.added, "dry_run": dry_run, "problems": plain(problems)})
        return EXIT_DONE if done.found else EXIT_NOTHING
    _print_problems(problems)
    if (left := done.refused - len(done.problems)) > 0:
        ERR.print(f"[yellow]note:[/yellow] and {left:,} more that are followed already or cannot be added")
    said = "would be added" if dry_run else "added"
    OUT.print(f"{done.added:,} of {done.found:,} feeds {said} to {shown(str(config.store))}")
    return EXIT_DONE if done.found else EXIT_NOTHING


@click.command(epilog=EXIT_CODES)
@click.argument("target", metavar="[FILE]", type=LocalPath(dir_okay=False), required=False)
@config_option
@reports_errors
def export(target: Path | None, config_file: Path) -> int:
    """Writes the followed feeds as a subscription list (OPML 2.0), to standard output or FILE.

    The feeds of the config come first, then those that were added to the store. A feed is in the folder of
    its first category. Logins are removed from addresses, and this is reported.

    \b
    aggregator export > subscriptions.opml
    aggregator export subscriptions.opml
    """
    from aggregator.app.status import sources_of_store
    from aggregator.config.subscriptions import followed
    from aggregator.writers.opml import subscription_list
    from aggregator.writers.output_files import write_if_changed

    config = load_config(config_file)
    found = followed([*config.sources, *sources_of_store(config)])
    body = subscription_list(config.site.title, found.subscriptions)
    if target is None:
        click.echo(body, nl=False)
    else:
        if target.exists() and not target.is_file():
            target.write_bytes(body)  # never replaces a device or a pipe such as /dev/stdout
        else:
            write_if_changed(target, body)
        ERR.print(f"{len(found.subscriptions)} feeds in {shown(str(target))}")
    _print_problems(found.problems)
    return EXIT_DONE


def _print_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        ERR.print(f"[yellow]note:[/yellow] {shown(str(problem))}")
