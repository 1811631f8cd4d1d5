"""The command `preview`: shows the articles of a URL, a file or a folder."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from aggregator.cli.dry_runs import print_trial, trial_facts
from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import plain, print_document, print_json


@click.command(epilog=EXIT_CODES)
@click.argument("target")
@click.option("--kind", help="The kind of source. Default: guessed.")
@click.option("options", "-o", "--option", multiple=True, metavar="KEY=VALUE", help="An option of the kind.")
@click.option("--rules", "with_rules", is_flag=True, help="Show what the config's rules would do.")
@click.option("--source", help="With --rules: apply those of this source of the config.")
@json_option
@config_option
@reports_errors
def preview(
    target: str,
    kind: str | None,
    options: tuple[str, ...],
    with_rules: bool,
    source: str | None,
    as_json: bool,
    config_file: Path,
) -> int:
    """Shows the articles that a URL, a file or a folder would give, storing nothing.

    It is fetched with the config's [fetch] settings, if there is a config.

    \b
    aggregator preview https://example.org/feed.xml
    aggregator preview seeds/
    aggregator preview post.md --json
    aggregator preview https://example.org/news/ --kind page -o item=article -o title=h2
    aggregator preview https://example.org/feed.xml --rules
    """
    from aggregator.config.load import Config
    from aggregator.discovery import preview as previews

    has_config = config_file.exists() or with_rules or source is not None
    config = load_config(config_file) if has_config else Config()
    now = datetime.now(UTC)
    document = previews.preview(target, kind, config.fetch, now, options)
    if not (with_rules or source is not None):
        trial = None
    else:
        from aggregator.app.dry_runs import tried_on_document

        trial = tried_on_document(document, config, source, now)
    if as_json:
        print_json({**plain(document), **({"trial": trial_facts(trial)} if trial else {})})
    elif trial is not None:
        print_trial(trial)
    else:
        print_document(document)
    return EXIT_DONE if document.articles or not document.problems else EXIT_NOTHING
