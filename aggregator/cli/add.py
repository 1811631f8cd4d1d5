"""The commands `init` and `add`: a new site folder, and new sources in its config."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from aggregator.cli.terminal import ERR, OUT, counted, print_json, shown, when

if TYPE_CHECKING:
    from aggregator.config.load import Config
    from aggregator.discovery import ReadCandidate
    from aggregator.discovery.find_feeds import Discovered
    from aggregator.model.article import Document


@click.command(epilog=EXIT_CODES)
@click.argument("url")
@click.option("--yes", "-y", is_flag=True, help="Add the best candidate without asking.")
@click.option("--name", help="The source's name. Default: the feed's title.")
@click.option(
    "--category", "-c", "categories", multiple=True, help="A category of the source; may be repeated."
)
@click.option("--kind", help="Add the address itself as a source of this kind; do not search for feeds.")
@click.option("options", "-o", "--option", multiple=True, metavar="KEY=VALUE", help="An option of the kind.")
@click.option("--store", "is_for_store", is_flag=True, help="Add it to the store, not to the config.")
@json_option
@config_option
@reports_errors
def add(
    url: str,
    yes: bool,
    name: str | None,
    categories: tuple[str, ...],
    kind: str | None,
    options: tuple[str, ...],
    is_for_store: bool,
    as_json: bool,
    config_file: Path,
) -> int:
    """Finds the feeds that an address offers, and adds one to the config.

    The address may be a feed, any page of a site, a channel, project or profile, an API, a sitemap, a list of
    feeds, or a folder of articles or mail. The candidates are printed, the best first; on a terminal you are
    asked which one to add. Nothing else in the config changes, and comments stay. With --store the source is
    added to the store and the config does not change. Without a terminal and without --yes nothing is added,
    and the exit code is 1.

    \b
    aggregator add https://example.org/
    aggregator add example.org/blog --yes --category Programming
    aggregator add https://github.com/pallets/flask --name "Flask releases"
    aggregator add https://t.me/telegram --json
    aggregator add https://example.org/news --kind page -o item=article
    """
    from aggregator.app.changing_sources import followed_as
    from aggregator.discovery import address
    from aggregator.discovery import find_feeds as adding

    config = load_config(config_file)
    if kind is not None or options:
        new, document = _read_as_it_is(url, kind, options, name, categories, config)
        place = _save(new, config, config_file, is_for_store=is_for_store)
        return _tell_of(new, document, place, config, as_json=as_json)
    facts: dict[str, Any] = {"found": [], "problems": [], "followed_as": None, "added": None}
    facts["followed_as"] = known = followed_as(address(url), config)
    if known is None:
        found = adding.discover(
            url, config.fetch, datetime.now(UTC), report=_look if not as_json else _say_nothing
        )
        facts |= {"found": [_facts(each) for each in found.found], "problems": [*map(str, found.problems)]}
        chosen = _choose(found, yes=yes, as_json=as_json)
        if chosen is not None:
            facts["followed_as"] = known = followed_as(chosen.candidate.url, config)
            source = adding.as_source(chosen, config.sources, name=name, categories=categories)
            if source is not None:
                place = _save(source, config, config_file, is_for_store=is_for_store)
                facts["added"] = {key: value for key, value in source.items() if value}
                _tell(source, place, adding.blocked(chosen.candidate.url, config.fetch), as_json=as_json)
    if as_json:
        print_json(facts)
    elif known is not None:
        OUT.print(f"it is followed already, as {shown(repr(known))}: nothing to add")
    return EXIT_DONE if facts["added"] or known is not None else EXIT_NOTHING


def _read_as_it_is(
    target: str,
    kind: str | None,
    options: Sequence[str],
    name: str | None,
    categories: Sequence[str],
    config: Config,
) -> tuple[Mapping[str, object], Document]:
    """Reads the address once as a source of this kind with these options. Raises SourceError, ConfigError."""
    from aggregator.discovery import preview as previews

    document = previews.preview(target, kind, config.fetch, datetime.now(UTC), options)
    source = previews.as_written(
        target, kind, options, document, config.sources, name=name, categories=categories
    )
    return source, document


def _save(source: Mapping[str, object], config: Config, config_file: Path, *, is_for_store: bool) -> object:
    """Adds a source to the config or the store, and returns where. Raises ConfigError and StoreError."""
    from aggregator.app.changing_sources import add_to_store
    from aggregator.config.edit import add_sources

    if is_for_store:
        add_to_store(config, source)
        return config.store
    add_sources(config_file, [source])
    return config_file


def _tell_of(
    source: Mapping[str, object], document: Document, place: object, config: Config, *, as_json: bool
) -> int:
    from aggregator.discovery import find_feeds as adding

    if as_json:
        added = {key: value for key, value in source.items() if value}
        print_json(
            {"added": added, "entries": len(document.articles), "problems": [*map(str, document.problems)]}
        )
        return EXIT_DONE
    for problem in document.problems:
        ERR.print(f"[yellow]note:[/yellow] {shown(str(problem))}")
    refusal = adding.blocked(str(source["url"]), config.fetch) if source["url"] else None
    _tell(source, place, refusal, as_json=as_json)
    OUT.print(f"{counted(len(document.articles), 'entry', 'entries')} in it now")
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@click.argument("folder", type=LocalPath(file_okay=False), default=Path())
@reports_errors
def init(folder: Path) -> int:
    """Makes a site folder: a config in which every common setting is explained, and a first article.

    Files that exist already are never overwritten.

    \b
    aggregator init planet
    cd planet && aggregator add https://example.org/
    """
    from aggregator.config.new_site import make

    for file in make(folder):
        OUT.print(f"wrote {shown(str(file))}")
    enter = "" if folder == Path() else f"  cd {shown(str(folder))}\n"
    OUT.print(
        f"\nnext:\n{enter}"
        "  aggregator fetch                       the first article becomes a feed, in feeds/\n"
        "  aggregator add https://example.org/    follow what a site publishes\n"
        "  aggregator import subscriptions.opml   follow the feeds of another reader\n"
        "  aggregator run                         poll and publish from now on"
    )
    return EXIT_DONE


def is_terminal() -> bool:
    """Whether standard input is a terminal, so that a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _look(url: str) -> None:
    if ERR.is_terminal:
        ERR.print(f"looking at {shown(url)}", style="dim")


def _say_nothing(url: str) -> None:
    pass


def _choose(found: Discovered, *, yes: bool, as_json: bool) -> ReadCandidate | None:
    """The candidate to add; None when nothing was found or nothing was chosen."""
    if as_json:
        return found.found[0] if yes and found.found else None
    for problem in found.problems:
        ERR.print(f"[yellow]note:[/yellow] {shown(str(problem))}")
    if not found.found:
        ERR.print(
            "[red]error:[/red] nothing to follow was found; look on the site for its feed, or try the page "
            "with 'aggregator preview URL --kind page -o item=SELECTOR' (docs/sources.md)"
        )
        return None
    if yes:
        return found.found[0]
    _print_found(found.found)
    if not is_terminal():
        ERR.print("nothing was added: add the first with --yes, or another one by its own address")
        return None
    number = click.prompt(
        "Which one?" if len(found.found) > 1 else "Add it? (1 is yes, Ctrl-C is no)",
        type=click.IntRange(1, len(found.found)),
        default=1,
    )
    return found.found[number - 1]


def _print_found(found: Sequence[ReadCandidate]) -> None:
    for number, each in enumerate(found, 1):
        facts = _facts(each)
        newest = f", the newest {when(each.newest)}" if each.newest else ""
        entries = counted(facts["entries"], "entry", "entries")
        comments = ", of comments" if each.candidate.is_of_comments else ""
        language = f", {each.language}" if each.language else ""
        OUT.print(f"[bold]{number:>2}[/bold]  {shown(facts['title'] or facts['url'])}")
        OUT.print(f"    {shown(facts['url'])}")
        OUT.print(shown(f"    {each.format}{comments}: {entries}{newest}, {each.holds}{language}"))


def _facts(found: ReadCandidate) -> dict[str, Any]:
    """The candidates, as --json prints them."""
    candidate = found.candidate
    return {
        "url": candidate.url,
        "title": found.document.title or candidate.title,
        "kind": candidate.kind,
        "options": dict(candidate.options),
        "format": found.format,
        "found_by": candidate.how,
        "entries": len(found.document.articles),
        "newest": found.newest,
        "holds": found.holds,
        "language": found.language,
        "comments": candidate.is_of_comments,
    }


def _tell(source: Mapping[str, object], place: object, refusal: str | None, *, as_json: bool) -> None:
    if refusal:
        ERR.print(f"[yellow]note:[/yellow] polls of it will be refused: {shown(refusal)}")
    if not as_json:
        OUT.print(
            f"added {shown(repr(source['name']))} to {shown(str(place))}: "
            f"{shown(str(source['url'] or source.get('path')))}"
        )
