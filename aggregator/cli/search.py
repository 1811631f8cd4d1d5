"""The command `search`: searches the stored articles."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import ERR, OUT, plain, print_json, progress_bar, shown, when
from aggregator.cli.why import parsed


@click.command(epilog=EXIT_CODES)
@click.argument("query")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="How many articles to show at most.",
)
@json_option
@config_option
@reports_errors
def search(query: str, limit: int, as_json: bool, config_file: Path) -> int:
    """Finds stored articles by a query in the language of rules and saved feeds, newest first.

    Articles that rules removed from every feed are found too. Articles stored since the last search are
    indexed first; the first search indexes all of them, which may take minutes for a large store.

    \b
    aggregator search 'tea OR coffee'
    aggregator search 'title:"green tea" age:<7d' --limit 100
    aggregator search 'source:"Planet Debian" -tag:release' --json
    """
    from aggregator.app import article_search
    from aggregator.config.rules import rule_set

    config = load_config(config_file)
    asked = parsed(query)
    with progress_bar(as_json) as bar:
        task = bar.add_task("Indexing", visible=False)
        why_not = article_search.brought_up_to_date(
            config.store,
            rule_set(config.rules, config.feeds),
            lambda total: bar.update(task, total=total, visible=True),
            lambda count: bar.advance(task, count),
        )
    if why_not:
        ERR.print(f"[yellow]note:[/yellow] not indexed, so this takes longer: {shown(why_not)}")
    found = article_search.search(config.store, asked, datetime.now(UTC), limit)
    if as_json:
        print_json(plain(found))
    else:
        for hit in found.articles:
            OUT.print(f"[bold]{shown(hit.title or hit.id)}[/bold]")
            where = ", ".join(hit.feeds) or "in no feed"
            OUT.print(f"  {when(hit.published)}  {shown(hit.source)}  ({shown(where)})")
            if hit.link:
                OUT.print(f"  {shown(hit.link)}")
        if not found.articles:
            ERR.print("nothing was found")
        elif not found.is_complete:
            ERR.print(f"these are the newest {limit}; --limit shows more")
    return EXIT_DONE
