"""A new site folder: a config to fill in, and a first article."""

from __future__ import annotations

from pathlib import Path

from aggregator.errors import WriteError

CONFIG = """\
# The config of this site. Relative paths count from the folder that holds config/.
# Lines such as "# key = value" are settings that you may want: remove the "# ". Those with a comment after
# them show the default value. `aggregator check` reports every mistake at once.

# store = "var/aggregator.db"   # articles, their versions, and the state of polls
# output = "feeds"              # a folder for each category, with its feeds and a page
# entries_per_feed = 50         # how many articles a feed has
# interval = "1h"               # how often a source is polled; adapted to each source

[site]
title = "My planet"
# The public address of the output folder. Without it, feeds do not contain their own address.
# url = "https://example.org/feeds"
# description = "What we read"
# language = "en"
# image = "https://example.org/logo.png"

[fetch]
# An address at which publishers can reach you; it is sent in User-Agent.
# contact = "https://example.org/about"
# Hosts and networks that may be reached although they are not public (by default none).
# allow = ["192.168.0.0/16", "intranet.example"]
# timeout = "20s"               # how long a server may be silent
# deadline = "1m"               # how long a fetch with all its redirects may take
# max_bytes = 16777216          # the largest document, once decompressed
# workers = 16                  # how many sources are fetched at once
# A proxy for all sources (by default none).
# proxy = "http://proxy.example:3128"

[publish]
# The formats of feeds (by default all), and the hubs that are notified of changes (by default none).
# formats = ["rss", "atom", "json", "html", "opml"]
# hubs = ["https://hub.example/"]
# archives = true               # older articles stay available, in documents that never change

# The look of the pages, and further pages: docs/pages.md.
[publish.pages]
# logo = "logo.svg"
# members = true
# calendar = true
# hide_read = true

# By default all articles are kept.
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

This article is a file in `articles/`. Change it, add others, and run `aggregator fetch`: each name in
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
