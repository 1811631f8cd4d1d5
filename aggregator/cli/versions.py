"""The command `versions`: shows the edits of an article."""

from __future__ import annotations

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
from aggregator.cli.terminal import ERR, plain, print_json, print_versions, shown


@click.command(epilog=EXIT_CODES)
@click.argument("article", metavar="LINK|ID")
@json_option
@config_option
@reports_errors
def versions(article: str, as_json: bool, config_file: Path) -> int:
    """Shows the edits of an article, the newest first: what each removed and added.

    The article is named by its link (a former one also), or by its id in feeds. The ten newest earlier
    versions of each article are kept, or fewer if the config's retention is shorter.

    \b
    aggregator versions https://example.org/post
    aggregator versions https://example.org/post --json    each version whole
    """
    from aggregator.store import Store

    asked = article.encode("utf-8", "replace").decode()  # an argument may be bytes that are not UTF-8
    store = Store(load_config(config_file).store, reads_only=True)
    try:
        found = [(now, store.articles.earlier_versions(now.uid)) for now in store.articles.named(asked)]
    finally:
        store.close()
    if as_json:
        facts = [{"id": now.uid, "now": plain(now.article), "earlier": plain(past)} for now, past in found]
        print_json({"articles": facts})
    else:
        for now, past in found:
            print_versions(now, past)
        if not found:
            ERR.print(f"[red]error:[/red] no article with the link or id {shown(article)} is stored")
    return EXIT_DONE if found else EXIT_NOTHING
