"""The commands `why` and `rules test`: which rules and saved feeds match articles, and why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.dry_runs import print_query_trial, print_trial, trial_facts
from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import ERR, OUT, new_table, plain, print_json, progress_bar, shown
from aggregator.errors import ConfigError, QueryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.app.explaining import Explanation
    from aggregator.rules.query import Query

_STEP = 100
"""How many articles one step of the progress bar is: drawing it costs more than judging one article."""


def parsed(text: str) -> Query:
    """Parses a query from the command line. Raises ConfigError with the position of the mistake."""
    from aggregator.rules.query import parse

    try:
        return parse(text.encode("utf-8", "replace").decode())
    except QueryError as error:
        raise ConfigError(f"the query: {error}") from error


@contextmanager
def progress(what: str, as_json: bool) -> Iterator[Callable[[int | None], object]]:
    """A progress bar: yields a function to call with the total first, then with None after each article."""
    with progress_bar(as_json) as bar:
        task = bar.add_task(what, total=None)
        done = 0

        def advance(total: int | None) -> None:
            nonlocal done
            if total is not None:
                bar.update(task, total=total)
                return
            done += 1
            if done % _STEP == 0:
                bar.update(task, completed=done)

        yield advance


@click.command(epilog=EXIT_CODES)
@click.argument("article", metavar="LINK|ID")
@json_option
@config_option
@reports_errors
def why(article: str, as_json: bool, config_file: Path) -> int:
    """Shows which rules match an article, which feeds have it, and why it is not in others.

    The article is named by its link or by its id in feeds; if several articles match, all are listed. The
    answer follows the present config, and says what the next publication will change. Nothing is written.

    \b
    aggregator why https://example.org/post
    aggregator why https://example.org/post --json
    """
    from aggregator.app.explaining import explained

    asked = article.encode("utf-8", "replace").decode()  # an argument may be bytes that are not UTF-8
    found = explained(load_config(config_file), asked, datetime.now(UTC))
    if as_json:
        print_json({"articles": plain(found)})
    else:
        for each in found:
            _print(each)
        if not found:
            ERR.print(f"[red]error:[/red] no article with the link or id {shown(article)} is known")
    return EXIT_DONE if found else EXIT_NOTHING


def _print(found: Explanation) -> None:
    OUT.print(f"[bold]{shown(found.title or found.link or found.id)}[/bold] ({shown(found.source)})")
    if found.state != "shown":
        OUT.print(shown(found.state), style="yellow")
    lines = {
        "rules that match": ", ".join(found.matched) or "none",
        "tags": ", ".join(f"{tag} (rule {rule!r})" if rule else tag for tag, rule in found.tags.items()),
        "rewritten by": ", ".join(found.rewritten_by),
        "is in": ", ".join(found.feeds) or "no feed",
    }
    for name, text in lines.items():
        if text:
            OUT.print(f"  {name:<17}{shown(text)}")
    if found.pending is not None:
        text = ", ".join(found.pending) or "no feed"
        OUT.print(f"  {'soon in':<17}{shown(text)}, after the next publication", style="yellow")
    if found.reasons:
        table = new_table("feed", "", "because")
        for reason in found.reasons:
            mark = "in" if reason.is_in else "not in"
            table.add_row(shown(reason.feed), mark, shown(reason.because))
        OUT.print(table, soft_wrap=False)


@click.group()
def rules() -> None:
    """Tries the rules and saved feeds of the config, without changing anything.

    \b
    aggregator rules test
    """


@rules.command(epilog=EXIT_CODES)
@click.option("--source", help="Only articles of this source.")
@click.option("--query", help="Show what this query finds, instead of the rules of the config.")
@click.option("--changed", is_flag=True, help="Only rules and feeds in which anything would change.")
@json_option
@config_option
@reports_errors
def test(source: str | None, query: str | None, changed: bool, as_json: bool, config_file: Path) -> int:
    """Shows what the config's rules and saved feeds do to the stored articles, before anything is published.

    For each rule: how many articles it matches and drops. For each feed: how many articles it has now and
    after the next publication, and which are added and removed. With --query: how many articles a query
    finds, and which feeds have them, so that you can see what a rule with it would change.

    \b
    aggregator rules test                            every rule, every feed
    aggregator rules test --changed                  what the next publication would change
    aggregator rules test --source "Planet Debian"   only its articles
    aggregator rules test --query 'title:/\\bad\\b/'   before it becomes a rule
    """
    from aggregator.app.dry_runs import StoredTrials

    config = load_config(config_file)
    asked = None if query is None else parsed(query)
    now = datetime.now(UTC)
    with progress("Trying", as_json) as advance:
        trials = StoredTrials(config, source, advance)
        if asked is not None:
            found = trials.query(asked, now)
        else:
            trial = trials.rules(now)
    if asked is not None:
        if as_json:
            print_json(plain(found))
        else:
            print_query_trial(found)
        return EXIT_DONE
    shown_trial = trial.changes if changed else trial
    if as_json:
        print_json(trial_facts(shown_trial))
    else:
        print_trial(shown_trial, before="now", after="then")
        if changed and not (shown_trial.rules or shown_trial.feeds):
            OUT.print("nothing would change")
    return EXIT_DONE
