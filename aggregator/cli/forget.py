"""The command that erases an article, for takedowns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    EXIT_NOTHING,
    config_option,
    fails_well,
    json_option,
    load_config,
)
from aggregator.cli.terminal import ERR, OUT, counted, print_json, print_published, published_facts, shown
from aggregator.cli.turns import turn

if TYPE_CHECKING:
    from aggregator.config.store_address import StoreAddress
    from aggregator.store import Erasable

__all__ = ["forget"]


@click.command(epilog=EXIT_CODES)
@click.argument("article", metavar="LINK|ID")
@click.option("--all", "everything", is_flag=True, help="Erase every article of that link or id.")
@click.option("--undo", is_flag=True, help="Let sources add the forgotten article again.")
@json_option
@config_option
@fails_well
def forget(article: str, everything: bool, undo: bool, as_json: bool, config_file: Path) -> int:
    """Erases an article for good, everywhere: for takedowns. It does not come back.

    Every version of it is erased from the store and its file, and feeds, archives, pages and posts are
    published without it. Only its ids are kept, and digests by which it is recognised under other ids. The
    article is named by its link (a former one also), by its id in our feeds, or by its id at its source. To
    hide an article without erasing it, use a rule.

    With --undo its source may add it again at its next poll; the erased versions stay erased.

    \b
    aggregator forget https://example.org/post
    aggregator forget https://example.org/post --all     when several articles have that link
    aggregator forget https://example.org/post --undo
    """
    from aggregator.app import main_job
    from aggregator.app.app import App
    from aggregator.store import Store

    asked = article.encode("utf-8", "replace").decode()  # an argument may be bytes that are not UTF-8
    config = load_config(config_file)
    with closing(Store(config.store, reads_only=True)) as store:
        found = [each for each in store.forgetting.named(asked) if each.is_forgotten or not undo]
    if not found or (len(found) > 1 and not everything):
        return _refuse(found, asked, undo=undo, as_json=as_json)
    published = None
    with turn(config.store, "forget"), App(config, now := datetime.now(UTC)) as opened:
        if undo:
            opened.recall(found, now)
        else:
            opened.forget(found, now)
            opened.tidy_media(
                now, at_once=True
            )  # first: into a bucket goes what is there when it is published
            published = main_job.publish(opened, now, main_job.RunWatcher())
            opened.rewrite_store()
    if not undo:
        _report_copies(config.store)
    if as_json:
        facts = {"recalled" if undo else "forgotten": _facts(found)}
        print_json(facts if published is None else {**facts, "published": published_facts(published)})
        return EXIT_NOTHING if published and published.errors else EXIT_DONE
    for each in found:
        done = "its source may add it again" if undo else "forgotten"
        OUT.print(f"{shown(each.uid)} ({shown(each.source)}): {done}")
    if published is None:
        return EXIT_DONE
    print_published(published, config.bucket or config.output)
    return EXIT_NOTHING if published.errors else EXIT_DONE


def _report_copies(store: StoreAddress) -> None:
    if isinstance(store, Path):
        for copy in sorted(store.parent.iterdir()):
            if copy.name.startswith(f"{store.name}.schema"):
                ERR.print(
                    f"[yellow]note:[/yellow] {shown(str(copy))}, kept by an upgrade, may hold it: delete it"
                )
    else:
        ERR.print(f"[yellow]note:[/yellow] backups of {shown(str(store))}, and its server's log, may hold it")


def _refuse(found: Sequence[Erasable], asked: str, *, undo: bool, as_json: bool) -> int:
    if as_json:
        print_json({"recalled" if undo else "forgotten": [], "matches": _facts(found)})
    elif not found:
        kind = "forgotten article" if undo else "article"
        ERR.print(f"[red]error:[/red] no {kind} with the link or id {shown(asked)} is known")
    else:
        ERR.print(
            f"[red]error:[/red] {counted(len(found), 'article')} have it: name one by its id, or add --all"
        )
        for each in found:
            ERR.print(f"  {shown(each.uid)} ({shown(each.source)}) {shown(each.title)}")
    return EXIT_NOTHING


def _facts(found: Sequence[Erasable]) -> list[dict[str, Any]]:
    return [{"id": each.uid, "source": each.source, "source_id": each.id} for each in found]
