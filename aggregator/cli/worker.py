"""The command `worker`: one of several processes, on one or many machines, that share a PostgreSQL store."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import click

from aggregator.cli.options import EXIT_CODES, config_option, load_config, reports_errors
from aggregator.cli.serving import json_logs_option, log_as

_QUEUES = ("poll", "publish", "upkeep")


@click.command(epilog=EXIT_CODES)
@config_option
@json_logs_option
@click.option(
    "--only",
    "queues",
    type=click.Choice(_QUEUES),
    multiple=True,
    help="Do only this work; may be repeated. Default: everything.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 1_000),
    help="How many publishers to poll at a time. Default: fetch.workers.",
)
@reports_errors
def worker(config_file: Path, json_logs: bool, queues: tuple[str, ...], at_once: int | None) -> NoReturn:
    """Polls and publishes together with other workers, on this and other machines, until it is stopped.

    The store must be a PostgreSQL database, and all workers must have the same config. A publisher is polled
    by one worker at a time. Feeds are written by workers that publish, one of them at a time: to one folder
    that they share, or to an object store. SIGTERM and SIGINT finish what is being saved and exit with 0.

    \b
    aggregator worker                                  poll, publish and prune
    aggregator worker --only poll --at-once 200        more polls, from another machine
    aggregator worker --only publish --only upkeep     on a machine with the output folder
    """
    from aggregator.app.log import LogWatcher
    from aggregator.machines import worker_process
    from aggregator.server import ServiceHealth

    config = load_config(config_file)
    log_as(json_logs)
    watcher = LogWatcher(ServiceHealth(), lambda: datetime.now(UTC))
    worker_process.run(
        config, queues=queues or _QUEUES, at_once=at_once or config.fetch.workers, watcher=watcher
    )
