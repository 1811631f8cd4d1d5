"""Common paths of feeds and sitemaps, for a site that links none."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from aggregator.normalise import links

MAX_PATHS = 8
MAX_SITEMAPS = 3

# Ordered by how many sites have a feed there: WordPress and many others; Jekyll; Hugo; Hexo; the rest.
_OF_THE_SITE = (
    "/feed",
    "/rss.xml",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/feed.json",
    "/rss",
    "/blog/feed",
)
_OF_A_FOLDER = ("feed", "index.xml", "rss.xml", "atom.xml")


def common_paths(url: str) -> tuple[str, ...]:
    """At most `MAX_PATHS` addresses where a feed may be: next to the page, then at the root."""
    folder = urljoin(url, ".")
    beside = (
        [urljoin(folder, name) for name in _OF_A_FOLDER] if urlsplit(folder).path not in ("", "/") else []
    )
    every = dict.fromkeys([*beside, *(urljoin(url, path) for path in _OF_THE_SITE)])
    return tuple(every)[:MAX_PATHS]


def named_sitemaps(robots: bytes, url: str) -> tuple[str, ...]:
    """The sitemaps that a robots.txt from `url` names (sitemaps.org), else /sitemap.xml."""
    found: dict[str, None] = {}
    for line in robots[:500_000].decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "sitemap" and (each := links.resolve(value.strip(), url)):
            found[each] = None
    return tuple(found)[:MAX_SITEMAPS] or (urljoin(url, "/sitemap.xml"),)
