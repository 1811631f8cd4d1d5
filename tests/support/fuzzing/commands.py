"""The command line: whatever the arguments, the config and the files hold, an exit code and no traceback."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import click.testing

from aggregator.cli.main import main
from tests.support.fuzzing import documents
from tests.support.fuzzing.cases import Case, Wrong, loopback_alone, mutated, word

CONFIG = b"""store = "var/store.db"
output = "feeds"
[fetch]
allow = ["127.0.0.1"]
timeout = "1s"
deadline = "2s"
contact = "https://planet.example/us"
[site]
title = "Planet"
url = "https://planet.example/feeds"
[publish]
formats = ["rss", "atom", "json", "html"]
hubs = ["https://hub.example/"]
[publish.posts]
folder = "posts"
generator = "hexo"
[retention]
max_age = "90d"
[serve]
listen = "127.0.0.1:0"
[[sources]]
name = "A"
url = "file:feed.xml"
categories = ["Tea", "News"]
interval = "1h"
[[sources]]
name = "B"
kind = "articles"
path = "notes"
author = "Ann"
retention = { max_articles = 5 }
[[sources]]
name = "C"
kind = "page"
url = "http://127.0.0.1:1/x"
options = { item = "li", title = { selector = "h2", regex = "(.*)" } }
headers = { X-Key = "1" }
"""
FILES = {
    "feed.xml": documents.RSS,
    "atom.xml": documents.ATOM,
    "list.opml": documents.OPML,
    "page.html": documents.LIST_PAGE,
    "notes/a.md": documents.HEXO,
    "notes/b.md": documents.HUGO,
    "mail.eml": documents.MAIL,
    "api.json": documents.API,
    "empty": b"",
}
PLACES = (
    *FILES, "notes", "empty-folder", ".", "", "/", "missing", "notes/", "~", "file:feed.xml", "file:///dev/null",
    "/dev/zero", "http://127.0.0.1:1/", "http://[::1]:1/", "https://10.0.0.1/x", "http://", "http://[", "ftp://a/",
    "rsshub://x/y", "imap://u:p@127.0.0.1:1/INBOX", "data:,x", "//a", "a b", "\u00fc.example", "http://\u2100/", "x@y",
    "http://a:b@127.0.0.1:1/?k=v#f", "http://127.0.0.1:99999/", "http://127.0.0.1:x/", "mailto:x", "-", "--", "-x",
)  # fmt: skip
KINDS = (*documents.SAMPLES, "nonsense")
OPTIONS = (
    "item=li", "title=h2", "link=a", "items=data.posts", "items=[", "entries=0", "entries=x", "sender=@a",
    "command=[\"ls\"]", "kind=feed", "content=article", "title.regex=(", "a", "=", "a=", "a.b.c=1", "pages=99", "a=b=c",
)  # fmt: skip
LISTENS = (
    "x",
    "1:2:3",
    "[::1",
    "127.0.0.1:99999",
    "127.0.0.1:-1",
    "\u2603:80",
    ":",
    "",
    "127.0.0.1",
    "[]:1",
    "a:b",
)
ARTICLES = ("https://tea.example/1", "tag:tea.example,2026:1", "", "x", "%", "' or 1=1 --")


def _arguments(chance: Random) -> list[str]:
    def maybe(*words: str, often: float = 0.3) -> list[str]:
        return list(words) if chance.random() < often else []

    as_json = maybe("--json")
    command = chance.choice(
        ("preview", "preview", "preview", "check", "import", "export", "add", "init", "sources", "status",
         "publish", "versions", "serve", "run", "fetch", "nonsense")
    )  # fmt: skip
    place = word(chance, PLACES)
    if command == "preview":
        extra = maybe("--kind", word(chance, KINDS, odd=0.1))
        while chance.random() < 0.3:
            option = word(chance, OPTIONS)
            extra += ["-o", option if "command" not in option else 'command=["false"]']  # it would be run
        rest = [place, *extra, *as_json]
    elif command == "import":
        rest = [place, *maybe("--dry-run"), *as_json]
    elif command == "add":
        extra = maybe("--name", word(chance, ("A", "New", ""))) + maybe("-c", word(chance, ("Tea", "..", "")))
        rest = [place, *maybe("--yes", often=0.6), *extra, *as_json]
    elif command in ("export", "init"):
        rest = [place.replace("..", "xx").lstrip("/~")]  # inside the site: it is written to
    elif command == "versions":
        rest = [word(chance, ARTICLES), *as_json]
    elif command == "serve":
        rest = ["--listen", chance.choice(LISTENS)]
    elif command == "run":
        rest = ["--serve", chance.choice(LISTENS)]
    elif command == "fetch":
        rest = [*maybe(word(chance, ("A", "B", "C", "X"))), *maybe("--force"), *maybe("--refetch"), *as_json]
    else:
        rest = [*maybe("--all", often=0.1), *as_json]
    while chance.random() < 0.05:
        rest.insert(
            chance.randrange(len(rest) + 1), word(chance, ("--nonsense", "--help", "--config", "--json", ""))
        )
    return [command, *rest]


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Case]:
    """Runs commands in this process, in a site folder that is made anew for each."""
    site = folder / "site"
    runner = click.testing.CliRunner()

    def case(chance: Random) -> str:
        shutil.rmtree(site, ignore_errors=True)
        (site / "config").mkdir(parents=True)
        (site / "empty-folder").mkdir()
        (site / "notes").mkdir()
        damaged = chance.choice((*FILES, "config", "config", ""))
        for name, body in FILES.items():
            (site / name).write_bytes(mutated(chance, [body]) if name == damaged else body)
        config = mutated(chance, [CONFIG]) if damaged == "config" else CONFIG
        (site / "config" / "aggregator.toml").write_bytes(config)
        os.chdir(site)
        arguments = _arguments(chance)
        # What a mutated setting may point out of the folder must harm nothing: reading is all that these do.
        if damaged == "config" and arguments[0] in ("fetch", "publish", "run", "serve"):
            arguments = ["check"]
        result = runner.invoke(main, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise Wrong(f"{arguments!r}: {result.exception!r}") from result.exception
        if result.exit_code not in (0, 1, 2) or "Traceback" in result.output:
            raise Wrong(f"{arguments!r}: exit {result.exit_code}: {result.output[-500:]}")
        if "\x1b" in result.output:
            raise Wrong(f"{arguments!r}: an escape sequence in its output")
        return f"exit {result.exit_code}"

    before = Path.cwd()
    with loopback_alone():
        try:
            yield case
        finally:
            os.chdir(before)
