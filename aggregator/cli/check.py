"""The command that checks the config."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.options import EXIT_CODES, EXIT_DONE, config_option, load_config, reports_errors
from aggregator.cli.terminal import OUT, counted, shown
from aggregator.errors import ConfigError


@click.command(epilog=EXIT_CODES)
@click.option("--store", "with_store", is_flag=True, help="Also try the rules on the stored articles.")
@config_option
@reports_errors
def check(with_store: bool, config_file: Path) -> int:
    """Checks the config and reports every mistake at once, each with file and key.

    It also reports what `fetch` would refuse: a folder that does not exist, or a command or address that is
    not allowed. Nothing is fetched or written.

    \b
    aggregator check
    aggregator check --store      which rules match nothing, or drop everything?
    aggregator check --config /srv/planet/config/aggregator.toml
    """
    from aggregator.app.config_checks import doubts, refusals
    from aggregator.config.store_address import permissions

    config = load_config(config_file)
    if refused := [*refusals(config)]:
        for doubt in doubts(config):
            OUT.print(shown(doubt))
        raise ConfigError(*(f"{config_file}: {each}" for each in refused))
    enabled = len(config.select(()))
    OUT.print(f"{shown(str(config_file))}: {counted(len(config.sources), 'source')}, {enabled} enabled")
    if config.rules or config.feeds:
        OUT.print(f"{counted(len(config.rules), 'rule')}, {counted(len(config.feeds), 'saved feed')}")
    OUT.print(f"store {shown(str(config.store))}")
    OUT.print(f"feeds {shown(str(config.bucket or config.output))}")
    if (mode := permissions(config.store)) & 0o077:
        OUT.print(
            f"the store can be read by others than its owner (mode {mode:04o}), and holds what sources with "
            f"logins gave: chmod 600 {shown(str(config.store))}, unless that is meant"
        )
    for doubt in doubts(config):
        OUT.print(shown(doubt))
    if with_store:
        from aggregator.app.dry_runs import StoredTrials
        from aggregator.cli.why import progress

        with progress("Trying rules", as_json=False) as advance:
            trial = StoredTrials(config, None, advance).rules(datetime.now(UTC))
        for doubt in trial.doubts:
            OUT.print(shown(doubt))
    if config.site.url and config.serve.websub and not config.serve.url:
        OUT.print("serve.url is not set: no hub is asked to report changes (WebSub), sources are only polled")
    if not config.site.url:
        OUT.print("site.url is not set: feeds will not name their own address (atom:link rel=self)")
        OUT.print("site.url is not set: archives and pages are linked by relative references")
        if config.publish.hubs:
            OUT.print("site.url is not set: publish.hubs has no effect, a hub needs public addresses")
    return EXIT_DONE
