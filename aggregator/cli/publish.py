"""The command `publish`: writes feeds from the store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import print_json, print_published, published_facts
from aggregator.cli.wait_for_store import wait_for_store


@click.command(epilog=EXIT_CODES)
@click.option("--all", "everything", is_flag=True, help="Render every feed, not only the stale ones.")
@click.option("--take-over", is_flag=True, help="Publish into a bucket that another machine publishes into.")
@click.option("-q", "--quiet", is_flag=True, help="Print errors only.")
@json_option
@config_option
@reports_errors
def publish(everything: bool, take_over: bool, quiet: bool, as_json: bool, config_file: Path) -> int:
    """Writes feeds from the store, without network. Files that would not change are not written.

    If the output is a bucket, changed files are uploaded; with --all every file in it is also compared.

    \b
    aggregator publish                the feeds that are stale or missing
    aggregator publish --all          every feed, after an upgrade, or when in doubt
    aggregator publish --take-over    when this machine replaces another as publisher of the bucket
    """
    from aggregator.app import main_job
    from aggregator.app.app import App

    config = load_config(config_file)
    with (
        wait_for_store(config.store, "publish"),
        App(config, now := datetime.now(UTC)) as opened,
    ):
        published = main_job.publish(
            opened, now, main_job.RunWatcher(), everything=everything, takes_over=take_over
        )
    if as_json:
        print_json({"published": published_facts(published)})
    else:
        print_published(published, config.bucket or config.output, quiet=quiet)
    return EXIT_NOTHING if published.errors else EXIT_DONE
