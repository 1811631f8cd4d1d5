"""The commands. Results go to standard output, everything else to standard error."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator import __version__
from aggregator.cli.add import add, init
from aggregator.cli.choosing import progress, rules, why
from aggregator.cli.forget import forget
from aggregator.cli.lists import export, import_
from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    fails_well,
    json_option,
)
from aggregator.cli.printable import AsJson, AsLines
from aggregator.cli.search import search
from aggregator.cli.sources import sources, status
from aggregator.cli.stopping import end, stopped_gently
from aggregator.cli.stories import stories
from aggregator.cli.terminal import (
    ERR,
    OUT,
    counted,
    log_to_stderr,
    plain,
    print_document,
    print_json,
    print_published,
    progress_bar,
    published_facts,
    shown,
)
from aggregator.cli.trials import print_trial, trial_facts
from aggregator.cli.turns import after, turn
from aggregator.cli.versions import versions
from aggregator.config import load as configuration
from aggregator.errors import ConfigError

ANNOUNCE_SECONDS = 10
# `app` is imported by the commands that need it: with its libraries it takes most of a second to start,
# which `--help` has no use for.


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    try:
        if value is not None:
            configuration.split_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


_json_logs_option = click.option("--json-logs", is_flag=True, help="Write each log line as one JSON object.")


def _log_as(json_logs: bool) -> None:
    lines = AsLines("%(asctime)s %(levelname)s %(message)s")
    log_to_stderr(level=logging.INFO, formatter=AsJson() if json_logs else lines)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="aggregator")
def main() -> None:
    """Takes in many feeds and folders of articles; gives back a few clean feeds.

    \b
    aggregator init planet                           begin a site folder
    aggregator add https://example.org/              follow what a site publishes
    aggregator preview https://example.org/blog/     what would that give?
    aggregator check                                 is the config right?
    aggregator fetch                                 poll, store and publish
    aggregator search 'tea OR coffee'                what is stored of it?
    aggregator rules test --changed                  what would changed rules change?
    aggregator serve                                 let readers subscribe
    """
    log_to_stderr(level=logging.WARNING, formatter=AsLines("%(levelname)s %(name)s: %(message)s"))


@main.command(epilog=EXIT_CODES)
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--strict", is_flag=True, help="Exit with 1 when any source failed.")
@click.option("--force", is_flag=True, help="Poll now what is not due yet; still conditionally.")
@click.option("--refetch", is_flag=True, help="Poll now, and read everything anew.")
@click.option("-v", "--verbose", is_flag=True, help="Print a line for each source.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@json_option
@config_option
@fails_well
def fetch(
    names: tuple[str, ...],
    strict: bool,
    force: bool,
    refetch: bool,
    verbose: bool,
    quiet: bool,
    as_json: bool,
    config_file: Path,
) -> int:
    """Polls the sources that are due, stores their articles and publishes the feeds that changed.

    Without SOURCE these are all enabled ones; named ones are polled also when they are disabled. A source
    that is not due yet waits, with the time and reason of its next poll. Files and folders are always looked
    at. More than twenty sources are summed up: only those that need attention have a line, with -v all.

    \b
    aggregator fetch                         every source that is due
    aggregator fetch -v                      one line for each of them
    aggregator fetch "Planet Debian"         one source, if it is due
    aggregator fetch --force "Planet Debian" one source, now
    aggregator fetch --json --strict         for a script
    """
    from aggregator.app.app import App
    from aggregator.app.main_job import run_once
    from aggregator.cli.fetched import FEW_SOURCES, FetchReport

    config = configuration.load(config_file)
    # A live bar and lines of text share a terminal only when one console prints both.
    both_terminals = OUT.is_terminal and ERR.is_terminal
    with (
        turn(config.store, "fetch"),
        App(config, now := datetime.now(UTC)) as opened,
        progress_bar(as_json) as progress,
        stopped_gently(opened.stop) as is_stopping,
    ):
        asked = opened.config.select(names)
        sources, waiting = (asked, {}) if force or refetch else opened.due(asked, now)
        task = progress.add_task("Polling", total=len(sources))
        report = FetchReport(
            OUT if not both_terminals else progress.console,
            lines="none" if as_json or quiet else "all" if verbose or len(asked) <= FEW_SOURCES else "some",
            advance=lambda: progress.advance(task),
        )
        report.waiting(waiting, is_named=bool(names))
        is_late = after(ANNOUNCE_SECONDS)
        run_once(
            opened,
            sources,
            now,
            report,
            completing=asked,
            refetch=refetch,
            is_stopping=is_stopping,
            is_over=lambda: is_stopping() or is_late(),
        )
    if as_json:
        print_json(report.facts([source.name for source in opened.config.sources]))
    else:
        report.totals(config.output)
    if is_stopping():
        end(report.stopped(len(sources)))
    return EXIT_NOTHING if report.errors or report.is_in_vain or (strict and report.failed) else EXIT_DONE


@main.command(epilog=EXIT_CODES)
@config_option
@_json_logs_option
@click.option(
    "--serve", "serve_at", metavar="HOST:PORT", callback=_address, help="Serve the feeds there too."
)
@fails_well
def run(config_file: Path, json_logs: bool, serve_at: str | None) -> int:
    """Polls the sources as they fall due and publishes what changed, until it is stopped.

    SIGTERM and SIGINT finish what is being saved and exit with 0; a second one exits at once. SIGHUP, or a
    change of the config file, reloads the config; where the new one is broken, its mistakes are logged and
    the old one stays.

    \b
    aggregator run
    aggregator run --serve 127.0.0.1:8000
    aggregator run --json-logs --config /srv/planet/config/aggregator.toml
    """
    from aggregator.app.daemon import Daemon

    config = configuration.load(config_file)
    _log_as(json_logs)
    Daemon(config_file, config, serve_at).run()


@main.command(epilog=EXIT_CODES)
@config_option
@_json_logs_option
@click.option(
    "--listen", metavar="HOST:PORT", callback=_address, help="Where, if not at the config's serve.listen."
)
@fails_well
def serve(config_file: Path, json_logs: bool, listen: str | None) -> int:
    """Serves the feeds and pages that were published, until it is stopped.

    Nothing is polled: use `run --serve` for both in one process. /healthz, /readyz and /metrics report its
    health.

    \b
    aggregator serve
    aggregator serve --listen [::1]:8080
    """
    from aggregator.server import Server

    config = configuration.load(config_file)
    _log_as(json_logs)
    server = Server(config, listen or config.serve.listen, lambda: datetime.now(UTC))
    ERR.print(f"serving {shown(str(config.output))} at {server.url}")
    server.run()
    return EXIT_DONE


@main.command(epilog=EXIT_CODES)
@click.option("--all", "everything", is_flag=True, help="Render every feed, not only the stale ones.")
@json_option
@config_option
@fails_well
def publish(everything: bool, as_json: bool, config_file: Path) -> int:
    """Writes feeds from the store, without network. Files whose bytes would not change are left alone.

    \b
    aggregator publish          the feeds that are stale or missing
    aggregator publish --all    every feed, after an upgrade or a doubt
    """
    from aggregator.app import main_job
    from aggregator.app.app import App

    config = configuration.load(config_file)
    with (
        turn(config.store, "publish"),
        App(config, now := datetime.now(UTC)) as opened,
    ):
        published = main_job.publish(opened, now, main_job.RunWatcher(), everything=everything)
    if as_json:
        print_json({"published": published_facts(published)})
    else:
        print_published(published, config.output)
    return EXIT_NOTHING if published.errors else EXIT_DONE


@main.command(epilog=EXIT_CODES)
@click.argument("target")
@click.option("--kind", help="Read it as this kind of source; guessed when not given.")
@click.option("options", "-o", "--option", multiple=True, metavar="KEY=VALUE", help="An option of the kind.")
@click.option("--rules", "with_rules", is_flag=True, help="Show what the config's rules would do to it.")
@click.option("--source", help="With --rules: take it for this source of the config.")
@json_option
@config_option
@fails_well
def preview(
    target: str,
    kind: str | None,
    options: tuple[str, ...],
    with_rules: bool,
    source: str | None,
    as_json: bool,
    config_file: Path,
) -> int:
    """Shows what a URL, a file or a folder would give, storing nothing.

    It is fetched as the config's [fetch] says, where there is a config.

    \b
    aggregator preview https://example.org/feed.xml
    aggregator preview seeds/
    aggregator preview post.md --json
    aggregator preview https://example.org/news/ --kind page -o item=article -o title=h2
    aggregator preview https://example.org/feed.xml --rules
    """
    from aggregator.discovery import preview as previews

    has_config = config_file.exists() or with_rules or source is not None
    config = configuration.load(config_file) if has_config else configuration.Config()
    now = datetime.now(UTC)
    document = previews.preview(target, kind, config.fetch, now, options)
    if not (with_rules or source is not None):
        trial = None
    else:
        from aggregator.app.trials import tried_on_document

        trial = tried_on_document(document, config, source, now)
    if as_json:
        print_json({**plain(document), **({"trial": trial_facts(trial)} if trial else {})})
    elif trial is not None:
        print_trial(trial)
    else:
        print_document(document)
    return EXIT_DONE if document.articles or not document.problems else EXIT_NOTHING


@main.command(epilog=EXIT_CODES)
@click.option("--store", "with_store", is_flag=True, help="Try the rules on what is stored, too.")
@config_option
@fails_well
def check(with_store: bool, config_file: Path) -> int:
    """Checks the config and reports every mistake at once, each with file and key.

    So is what `fetch` would refuse: a folder that is not there, a command or an address that is not allowed.
    Nothing is fetched, nothing is written.

    \b
    aggregator check
    aggregator check --store      which rules match nothing, or drop everything?
    aggregator check --config /srv/planet/config/aggregator.toml
    """
    from aggregator.app.checks import doubts, refusals
    from aggregator.store.database import permissions

    config = configuration.load(config_file)
    if refused := [*refusals(config)]:
        raise ConfigError(*(f"{config_file}: {each}" for each in refused))
    enabled = len(config.select(()))
    OUT.print(f"{shown(str(config_file))}: {counted(len(config.sources), 'source')}, {enabled} enabled")
    if config.rules or config.feeds:
        OUT.print(f"{counted(len(config.rules), 'rule')}, {counted(len(config.feeds), 'saved feed')}")
    OUT.print(f"store {shown(str(config.store))}")
    OUT.print(f"feeds {shown(str(config.output))}")
    if (mode := permissions(config.store)) & 0o077:
        OUT.print(
            f"the store can be read by others than its owner (mode {mode:04o}), and holds what sources with "
            f"logins gave: chmod 600 {shown(str(config.store))}, unless that is meant"
        )
    for doubt in doubts(config):
        OUT.print(shown(doubt))
    if with_store:
        from aggregator.app.trials import StoredTrials

        with progress("Trying rules", as_json=False) as advance:
            trial = StoredTrials(config, None, advance).rules(datetime.now(UTC))
        for doubt in trial.doubts:
            OUT.print(shown(doubt))
    if not config.site.url:
        OUT.print("site.url is not set: feeds will not name their own address (atom:link rel=self)")
        OUT.print("site.url is not set: archives and pages are linked by relative references")
        if config.publish.hubs:
            OUT.print("site.url is not set: publish.hubs has no effect, a hub needs public addresses")
    return EXIT_DONE


main.add_command(init)
main.add_command(add)
main.add_command(import_)
main.add_command(export)
main.add_command(sources)
main.add_command(status)
main.add_command(stories)
main.add_command(versions)
main.add_command(why)
main.add_command(rules)
main.add_command(forget)
main.add_command(search)
