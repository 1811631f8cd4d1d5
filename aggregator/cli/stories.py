"""The commands about stories (articles of several sources about one event): list, split, join, rebuild."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

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
from aggregator.cli.terminal import ERR, OUT, counted, print_json, progress_bar, shown

if TYPE_CHECKING:
    from aggregator.app.stories import StoryEditor
    from aggregator.store import StoredArticle

_names = click.argument("names", metavar="LINK|ID...", nargs=-1, required=True)


@click.group(invoke_without_command=True, epilog=EXIT_CODES)
@json_option
@config_option
@click.pass_context
def stories(context: click.Context, as_json: bool, config_file: Path) -> None:
    """Lists the stories that several sources reported: their articles, which one is shown, and why they
    match.

    A feed that shows stories once (the feed of everything does) shows one of these articles, and names the
    others as "also in".

    \b
    aggregator stories
    aggregator stories --json
    aggregator stories split https://example.org/post     it is a separate story
    aggregator stories join LINK LINK                     they are the same story
    aggregator stories rebuild                            compare all stored articles
    """
    if context.invoked_subcommand is None:
        _list(as_json, config_file)
    context.default_map = {name: {"config_file": config_file} for name in ("split", "join", "rebuild")}


@reports_errors
def _list(as_json: bool, config_file: Path) -> int:
    from aggregator.app.stories import listed, reason

    found = listed(load_config(config_file))
    if as_json:
        facts = [
            {
                "story": story.number,
                "members": [
                    {
                        "id": each.stored.uid,
                        "source": each.stored.article.source,
                        "title": each.stored.article.title,
                        "link": each.stored.article.link,
                        "feeds": [name or "all" for name in each.feeds],
                        "is_standing": each.is_standing,
                        "why": {"code": each.code, "score": each.score, "joins": each.joins},
                        "reason": reason(each),
                    }
                    for each in story.members
                ],
            }
            for story in found
        ]
        print_json({"stories": facts})
        return EXIT_DONE
    for story in found:
        for each in story.members:
            article = each.stored.article
            OUT.print(f"[bold]{shown(article.title or each.stored.uid)}[/bold] ({shown(article.source)})")
            OUT.print(f"    {shown(article.link or each.stored.uid)}")
            feeds = ", ".join(name or "all" for name in each.feeds) or "no feed"
            OUT.print(f"    {shown(reason(each))}; in {shown(feeds)}")
        OUT.print()
    OUT.print(counted(len(found), "story", "stories"))
    return EXIT_DONE


@stories.command(epilog=EXIT_CODES)
@_names
@config_option
@reports_errors
def split(names: tuple[str, ...], config_file: Path) -> int:
    """Takes articles out of their stories permanently: only `join` undoes it.

    Each article is named by its link, or by its id in feeds. The next publication shows the change.
    """
    from aggregator.app.stories import StoryEditor

    with StoryEditor(load_config(config_file)) as editor:
        found = _found(editor, names)
        if found is None:
            return EXIT_NOTHING
        editor.split(found, datetime.now(UTC))
    OUT.print(f"{counted(len(found), 'article')} split off; `aggregator publish` shows it")
    return EXIT_DONE


@stories.command("join", epilog=EXIT_CODES)
@_names
@config_option
@reports_errors
def join_(names: tuple[str, ...], config_file: Path) -> int:
    """Joins articles, and all others in their stories, into one story.

    Each article is named by its link, or by its id in feeds. The next publication shows the change.
    """
    from aggregator.app.stories import StoryEditor

    with StoryEditor(load_config(config_file)) as editor:
        found = _found(editor, names)
        if found is None:
            return EXIT_NOTHING
        if len(found) < 2:
            ERR.print("[red]error:[/red] name at least two articles")
            return EXIT_NOTHING
        editor.join(found, datetime.now(UTC))
    OUT.print(f"{counted(len(found), 'article')} joined; `aggregator publish` shows it")
    return EXIT_DONE


@stories.command(epilog=EXIT_CODES)
@config_option
@reports_errors
def rebuild(config_file: Path) -> int:
    """Looks for stories among all stored articles, also those stored while stories were off.

    New articles are compared when they arrive. Stories that were joined or split by hand stay as they are. If
    the command is stopped and started again, it continues.
    """
    from aggregator.app.stories import StoryEditor

    with StoryEditor(load_config(config_file)) as editor, progress_bar(False) as progress:
        task, looked, joined = progress.add_task("Looking", total=None), 0, 0
        for count, found, total in editor.rebuild(datetime.now(UTC)):
            looked, joined = looked + count, joined + found
            progress.update(task, completed=looked, total=total)
    OUT.print(f"{counted(joined, 'article')} of {looked:,} joined a story; `aggregator publish` shows it")
    return EXIT_DONE


def _found(editor: StoryEditor, names: tuple[str, ...]) -> list[StoredArticle] | None:
    """The articles with these links or ids; None if one was not found, which is reported."""
    found: dict[int, StoredArticle] = {}
    is_whole = True
    for name in names:
        asked = name.encode("utf-8", "replace").decode()  # an argument may be bytes that are not UTF-8
        theirs = editor.named(asked)
        found |= {each.pk: each for each in theirs}
        if not theirs:
            is_whole = False
            ERR.print(f"[red]error:[/red] no article with the link or id {shown(asked)} is stored")
    return [*found.values()] if is_whole else None
