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
    json_option,
    load_config,
    reports_errors,
)
from aggregator.cli.terminal import ERR, OUT, counted, print_json, print_published, published_facts, shown
from aggregator.cli.wait_for_store import wait_for_store

if TYPE_CHECKING:
    from aggregator.config.store_address import StoreAddress
    from aggregator.store import Erasable

__all__ = ["forget"]


@click.command(epilog=EXIT_CODES)
@click.argument("article", metavar="LINK|ID", required=False)
@click.option("--all", "everything", is_flag=True, help="Erase every article of that link or id.")
@click.option("--undo", is_flag=True, help="Let sources add the forgotten article again.")
@click.option("--list", "lists", is_flag=True, help="List the ids of all forgotten articles.")
@json_option
@config_option
@reports_errors
def forget(
    article: str | None, everything: bool, undo: bool, lists: bool, as_json: bool, config_file: Path
) -> int:
    """Erases an article permanently, everywhere: for takedowns. It does not come back.

    Every version of it is erased from the store and its file, and feeds, archives, pages and posts are
    published without it; it leaves digests too. Only its ids are kept, and digests by which it is recognised
    under other ids and by its links. The article is named by its link (a former one also), by its id in our
    feeds, or by its id at its source. To hide an article without erasing it, use a rule.

    With --undo its source may add it again at its next poll; the erased versions stay erased. What an earlier
    version of aggregator forgot is named by its id alone: --list shows the ids.

    \b
    aggregator forget https://example.org/post
    aggregator forget https://example.org/post --all     when several articles have that link
    aggregator forget https://example.org/post --undo
    aggregator forget --list
    """
    if lists != (article is None) or (lists and (everything or undo)):
        raise click.UsageError("name one article by its link or id, or give --list alone")
    from aggregator.app import main_job
    from aggregator.app.app import App
    from aggregator.store import Store

    config = load_config(config_file)
    if article is None:
        return _list(config.store, as_json=as_json)
    asked = article.encode("utf-8", "replace").decode()  # an argument may be bytes that are not UTF-8
    with closing(Store(config.store, reads_only=True)) as store:
        named = store.forgetting.named(asked)
    found = [each for each in named if each.is_forgotten == undo]
    if not undo:
        found = found or [*named]  # already forgotten: erases what remained after a kill
    if not found or (len(found) > 1 and not everything):
        return _refuse(found, asked, undo=undo, as_json=as_json)
    published = None
    with wait_for_store(config.store, "forget"), App(config, now := datetime.now(UTC)) as opened:
        if undo:
            opened.recall(found, now)
        else:
            opened.forget(found, now)
            opened.tidy_media(now, at_once=True)  # before the files of the output are uploaded
            published = main_job.publish(opened, now, main_job.RunWatcher())
            opened.rewrite_store()
    if not undo:
        _report_copies(config.store)
    if as_json:
        facts = {"recalled" if undo else "forgotten": _facts(found)}
        print_json(facts if published is None else {**facts, "published": published_facts(published)})
        return EXIT_NOTHING if published and published.errors else EXIT_DONE
    for each in found:
        done = _become(each, undo=undo)
        OUT.print(f"{shown(each.uid)} ({shown(each.source)}): {done}")
    if published is None:
        return EXIT_DONE
    print_published(published, config.bucket or config.output)
    return EXIT_NOTHING if published.errors else EXIT_DONE


def _become(each: Erasable, *, undo: bool) -> str:
    if undo:
        return "its source may add it again"
    return "it was forgotten before" if each.is_forgotten else "forgotten"


def _list(store: StoreAddress, *, as_json: bool) -> int:
    from aggregator.store import Store

    with closing(Store(store, reads_only=True)) as opened:
        found = opened.forgetting.forgotten()
    if as_json:
        print_json({"articles": _facts(found)})
    for each in () if as_json else found:
        OUT.print(f"{shown(each.uid)} ({shown(each.source)})")
    return EXIT_DONE


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
        hint = ": aggregator forget --list names all" if undo else ""
        ERR.print(f"[red]error:[/red] no {kind} with the link or id {shown(asked)} is known{hint}")
    else:
        ERR.print(
            f"[red]error:[/red] {counted(len(found), 'article')} have it: name one by its id, or add --all"
        )
        for each in found:
            ERR.print(f"  {shown(each.uid)} ({shown(each.source)}) {shown(each.title)}")
    return EXIT_NOTHING


def _facts(found: Sequence[Erasable]) -> list[dict[str, Any]]:
    return [{"id": each.uid, "source": each.source, "source_id": each.id} for each in found]
