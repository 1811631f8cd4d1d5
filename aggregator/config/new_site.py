"""A new site folder: a config to fill in, and a first article."""

from __future__ import annotations

from pathlib import Path

from aggregator.errors import WriteError

CONFIG = """\
# The config of this site. Relative paths count from the folder that holds config/.
# Lines such as "# key = value" are settings that you may want: take the "# " away. Those with a comment
# behind them show the value that holds already. `aggregator check` reports every mistake at once.

# store = "var/aggregator.db"   # articles, their versions, and what makes the next poll cheap
# output = "feeds"              # one folder a category, each with its feeds and a page
# entries_per_feed = 50         # the newest so many articles are in a feed
# interval = "1h"               # how often a source is polled, unless it publishes or says otherwise

[site]
title = "My planet"
# The public address of the output folder. Without it feeds cannot tell their own address.
# url = "https://example.org/feeds"
# description = "What we read"
# language = "en"
# image = "https://example.org/logo.png"

[fetch]
# An address for publishers who wonder who polls them; it goes into User-Agent.
# contact = "https://example.org/about"
# What may be reached although it is not public (none is, unless you say so).
# allow = ["192.168.0.0/16", "intranet.example"]
# timeout = "20s"               # how long a server may be silent
# deadline = "1m"               # how long a whole fetch may take
# max_bytes = 16777216          # the largest document, once decompressed
# workers = 16                  # how many sources are fetched at once
# A proxy for all sources (none, unless you say so).
# proxy = "http://proxy.example:3128"

[publish]
# The formats of feeds (by default all), and the hubs that are notified of changes (by default none).
# formats = ["rss", "atom", "json", "html", "opml"]
# hubs = ["https://hub.example/"]
# archives = true               # older articles stay to be had, in documents that never change

# How pages look, and what they have besides: docs/pages.md.
[publish.pages]
# logo = "logo.svg"
# members = true
# calendar = true
# hide_read = true

# Everything is kept, unless you say otherwise.
[retention]
# max_age = "365d"
# max_articles = 10000

# Articles of your own: Markdown or HTML with front matter, as Hexo, Hugo and Jekyll have them.
[[sources]]
name = "Articles"
kind = "articles"
path = "articles"

# Sources are added below: by `aggregator add URL`, by `aggregator import FILE.opml`, or by hand. Each
# category becomes a feed. docs/sources.md has the other kinds: pages, APIs, sitemaps, commands.
#
# [[sources]]
# name = "Planet Debian"
# url = "https://planet.debian.org/atom.xml"
# categories = ["Programming", "Debian"]
# interval = "2h"
# author = "Debian"             # for articles that name no author
# enabled = true
"""

ARTICLE = """\
---
title: Hello
date: 2024-01-01 12:00:00
categories:
  - Notes
---

This article lies in `articles/`. Change it, write others beside it, and run `aggregator fetch`: each name in
`categories` becomes a feed.
"""


def make(folder: Path) -> tuple[Path, ...]:
    """Writes a new site into `folder`, which is made if it does not exist; returns the files written.

    Raises WriteError if one of the files exists already, and then writes none; or if a file cannot be
    written.
    """
    files = {
        folder / "config" / "aggregator.toml": CONFIG,
        folder / "articles" / "hello.md": ARTICLE,
    }
    if there := [str(file) for file in files if file.exists() or file.is_symlink()]:
        raise WriteError(f"{', '.join(there)}: exists already; nothing was written, choose another folder")
    try:
        for file, text in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as written:
                written.write(text)
    except OSError as error:
        raise WriteError(f"{error.filename or folder}: cannot be written ({error.strerror})") from error
    return tuple(files)
