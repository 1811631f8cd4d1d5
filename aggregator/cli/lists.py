"""The commands that take subscription lists in and give them out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    fails_well,
    json_option,
    load_config,
)
from aggregator.cli.terminal import ERR, OUT, plain, print_json, shown
from aggregator.model.article import Problem


@click.command("import", epilog=EXIT_CODES)
@click.argument("target", metavar="FILE.opml|URL")
@click.option("--dry-run", is_flag=True, help="Show what would be added, and add nothing.")
@json_option
@config_option
@fails_well
def import_(target: str, dry_run: bool, as_json: bool, config_file: Path) -> int:
    """Adds the feeds of a subscription list (OPML) to the config; their folders become categories.

    What is followed already stays as it is. Nothing else in the config changes, comments included; all of the
    list is added, or nothing when the config would then not load.

    \b
    aggregator import subscriptions.opml --dry-run     what would be added?
    aggregator import subscriptions.opml
    aggregator import https://example.org/feeds.opml
    """
    from aggregator.config.edit import add_sources
    from aggregator.config.subscriptions import plan
    from aggregator.discovery.listed import listed_feeds

    config = load_config(config_file)
    found = listed_feeds(target, config.fetch, datetime.now(UTC))
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


@click.command(epilog=EXIT_CODES)
@click.argument("target", metavar="[FILE]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@config_option
@fails_well
def export(target: Path | None, config_file: Path) -> int:
    """Writes the feeds that the config follows as a subscription list (OPML 2.0), to standard output or FILE.

    A feed stands in the folder of its first category. Logins in addresses are left out, and reported.

    \b
    aggregator export > subscriptions.opml
    aggregator export subscriptions.opml
    """
    from aggregator.config.subscriptions import followed
    from aggregator.writers.files import write_if_changed
    from aggregator.writers.opml import subscription_list

    config = load_config(config_file)
    found = followed(config.sources)
    body = subscription_list(config.site.title, found.subscriptions)
    if target is None:
        click.echo(body, nl=False)
    else:
        if target.exists() and not target.is_file():
            target.write_bytes(body)  # a device or a pipe, such as /dev/stdout, is never replaced
        else:
            write_if_changed(target, body)
        ERR.print(f"{len(found.subscriptions)} feeds in {shown(str(target))}")
    _print_problems(found.problems)
    return EXIT_DONE


def _print_problems(problems: tuple[Problem, ...]) -> None:
    for problem in problems:
        ERR.print(f"[yellow]note:[/yellow] {shown(str(problem))}")
