"""The commands that run until they are stopped: `run` and `serve`."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from aggregator.cli.options import EXIT_CODES, EXIT_DONE, config_option, load_config, reports_errors
from aggregator.cli.printable import AsJson, AsLines
from aggregator.cli.terminal import ERR, log_to_stderr, shown


def _address(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    from aggregator.config.serving import split_address

    try:
        if value is not None:
            split_address(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


json_logs_option = click.option("--json-logs", is_flag=True, help="Write each log line as one JSON object.")


def log_as(json_logs: bool) -> None:
    """Sends log records to standard error, as lines or as JSON."""
    lines = AsLines("%(asctime)s %(levelname)s %(message)s")
    log_to_stderr(level=logging.INFO, formatter=AsJson() if json_logs else lines)


@click.command(epilog=EXIT_CODES)
@config_option
@json_logs_option
@click.option(
    "--serve",
    "serve_at",
    metavar="HOST:PORT",
    callback=_address,
    help="Also serve the feeds at this address.",
)
@reports_errors
def run(config_file: Path, json_logs: bool, serve_at: str | None) -> int:
    """Polls sources when they are due and publishes what changed, until it is stopped.

    SIGTERM and SIGINT finish what is being saved and exit with 0; a second one exits at once. SIGHUP, or a
    change of the config file, reloads the config; if the new config is broken, its mistakes are logged and
    the old one stays in use.

    \b
    aggregator run
    aggregator run --serve 127.0.0.1:8000
    aggregator run --json-logs --config /srv/planet/config/aggregator.toml
    """
    from aggregator.app.daemon import Daemon

    config = load_config(config_file)
    log_as(json_logs)
    Daemon(config_file, config, serve_at).run()


@click.command(epilog=EXIT_CODES)
@config_option
@json_logs_option
@click.option(
    "--listen",
    metavar="HOST:PORT",
    callback=_address,
    help="Where to listen. Default: serve.listen of the config.",
)
@reports_errors
def serve(config_file: Path, json_logs: bool, listen: str | None) -> int:
    """Serves the published feeds and pages, until it is stopped.

    Nothing is polled: use `run --serve` for both in one process. If the output is a bucket, a copy of it is
    kept in `staging` and served from there. /healthz, /readyz and /metrics report its health.

    \b
    aggregator serve
    aggregator serve --listen [::1]:8080
    """
    from aggregator.server import Server

    config = load_config(config_file)
    log_as(json_logs)
    callbacks = None
    if config.serve.url:
        from aggregator.polling.hub_callbacks import HubCallbacks

        callbacks = HubCallbacks(config)
    clock = partial(datetime.now, UTC)
    server = Server(config, listen or config.serve.listen, clock, callbacks=callbacks)
    ERR.print(f"serving {shown(str(config.bucket or config.output))} at {server.url}")
    if config.bucket is None:
        server.run()
        return EXIT_DONE
    from aggregator.app.bucket_output import CopyKeeper

    keeper = CopyKeeper(config)
    server.run(beside=keeper.start)
    keeper.stop()
    return EXIT_DONE
