"""Our names of elements, independent of prefixes: `{http://search.yahoo.com/mrss}group` -> "media:group".

A namespace is known by its URI without scheme, "www.", case, and final "/" or "#": publishers vary all of
these. A name is our prefix, a colon and the local name as written; RSS (with no namespace or one of its own)
has no prefix, and its names and Atom's are in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

URIS: Mapping[str, str] = {
    "admin": "http://webns.net/mvcb/",
    "app": "http://www.w3.org/2007/app",
    "atom": "http://www.w3.org/2005/Atom",
    "cc": "http://web.resource.org/cc/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "creativeCommons": "http://backend.userland.com/creativeCommonsRssModule",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "fh": "http://purl.org/syndication/history/1.0",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
    "georss": "http://www.georss.org/georss",
    "gml": "http://www.opengis.net/gml",
    "googleplay": "http://www.google.com/schemas/play-podcasts/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "psc": "http://podlove.org/simple-chapters",
    "rawvoice": "http://www.rawvoice.com/rawvoiceRssModule/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "source": "http://source.scripting.com/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xml": "http://www.w3.org/XML/1998/namespace",
    "yt": "http://www.youtube.com/xml/schemas/2015",
}
"""Our prefix -> the namespace's URI as its specification writes it."""

_OTHER_SPELLINGS = {
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://backend.userland.com/rss091": "",
    "http://backend.userland.com/rss092": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://cyber.law.harvard.edu/rss": "",
    "http://channel.netscape.com/rdf/simple/0.9/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://purl.org/net/rss1.1#": "",
    "http://purl.org/rss/1.0/": "",
    "http://purl.org/rss/1.0/modules/rss091#": "",
    "http://rssboard.org/rss-specification": "",
    "http://purl.org/atom/ns#": "atom",
    "http://purl.org/echo/": "atom",
    "http://purl.org/pie/": "atom",
    "http://purl.org/atom/app#": "app",
    "http://cyber.law.harvard.edu/rss/creativeCommonsRssModule.html": "creativeCommons",
    "http://creativecommons.org/ns": "cc",
    "http://purl.org/dc/elements/1.0/": "dc",
    "http://georss.org/georss/10": "georss",
    "http://georss.org/georss/11": "georss",
    "http://opengis.net/gml/3.2": "gml",
    "http://example.com/dtds/podcast-1.0.dtd": "itunes",
    "http://itunes.apple.com/dtds/podcast-1.0.dtd": "itunes",
    "http://rssboard.org/media-rss": "media",
    "http://tools.search.yahoo.com/mrss/": "media",
    "http://video.search.yahoo.com/mrss/": "media",
    "https://github.com/Podcastindex-org/podcast-namespace/blob/main/docs/1.0.md": "podcast",
    "http://prismstandard.org/namespaces/1.2/basic/": "prism",
    "http://prismstandard.org/namespaces/basic/3.0/": "prism",
    "http://purl.org/rss/1.0/modules/threading/": "thr",
    "http://gdata.youtube.com/schemas/2007": "yt",
}


def _plain(uri: str) -> str:
    """A URI without the parts that publishers vary."""
    return uri.strip().lower().split("://", 1)[-1].removeprefix("www.").rstrip("/#")


_PREFIXES = {_plain(uri): prefix for prefix, uri in URIS.items()} | {
    _plain(uri): prefix for uri, prefix in _OTHER_SPELLINGS.items()
}
# Of an undeclared namespace only the prefix is known; the numbered ones are FeedBurner's.
_WRITTEN_PREFIXES = {p.lower(): p for p in URIS} | {"atom10": "atom", "a10": "atom", "atom03": "atom"}


@lru_cache(maxsize=4096)
def name(tag: str) -> str:
    """Our name of an lxml tag or attribute; "" for one in an unknown namespace."""
    if tag[0] == "{":
        uri, _, local = tag[1:].partition("}")
        prefix = _PREFIXES.get(_plain(uri))
    elif ":" in tag:
        written, _, local = tag.partition(":")
        prefix = _WRITTEN_PREFIXES.get(written.lower())
    else:
        prefix, local = "", tag
    if prefix is None:
        return ""
    if prefix in ("", "atom"):
        local = local.lower()
    return f"{prefix}:{local}" if prefix else local
