"""OPML of any version, even broken -> the subscriptions in it. Pure.

OPML 2.0 (http://opml.org/spec2.opml, "Subscription lists") is read as programs write it: attribute names in
any case, addresses also in `url`, titles escaped twice, quotes and `<` inside values, outlines that are never
closed. An XML parser cannot read all that, and is not needed: in well-formed XML a value cannot contain
`<outline`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from html import escape, unescape
from urllib.parse import unquote, urlsplit

from aggregator.errors import ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import Subscription, SubscriptionList
from aggregator.normalise import links, text
from aggregator.normalise.encoding import decode

__all__ = [
    "Subscription",
    "SubscriptionList",
    "merged",
    "read",
    "with_ascii_host",
    "written_category",
    "written_name",
]

MAX_OUTLINES = 100_000
MAX_DEPTH = 100
MAX_CATEGORIES = 20
MAX_NAME = 200
MAX_PROBLEMS = 100

# Each regex is linear in any text.
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)
_TITLE = re.compile(r"<title>([^<]*)", re.IGNORECASE)
_OUTLINE = re.compile(r"<(/?)outline(?=[\s/>])", re.IGNORECASE)
_END = re.compile(r"</(?:body|opml)", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"(?<![\w.:-])(?:[\w.-]++:)?([A-Za-z_][\w.-]*+)\s*+=\s*+(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]++))"
)
_SPACE = re.compile(r"[\t\n\r]")
_FEED_TYPES = frozenset({"rss", "rss1", "rss2", "atom", "atom1", "feed", "pie", "rdf", "json"})
_LISTS = frozenset({"include", "link"})
_FEED_SCHEME = re.compile(r"feed:(?://)?(?=https?://)|feed:(?=//)", re.IGNORECASE)
_HOST_FIRST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::[0-9]+)?/[^\s@]*")


def read(body: bytes, content_type: str | None = None, *, url: str = "") -> SubscriptionList:
    """The subscriptions in an OPML document: as many as can be found, however broken it is.

    An address in several folders is one subscription in all their categories. Outlines that link to other
    lists are reported, not followed. Raises ReadError, naming `url`, if it is not OPML.
    """
    decoded = decode(body, content_type)
    problems = [*decoded.problems]
    document = decoded.text
    if "<!" in document:
        document = _HIDDEN.sub(lambda hidden: escape(hidden[1] or ""), document)
    if _OUTLINE.search(document) is None and "<opml" not in document[:10_000].lower():
        raise ReadError("no OPML: it has no <outline>", url=url)
    listed = [*_feeds(document, problems)]
    counts = Counter(each.url for each in listed)
    problems += [
        Problem(text=f"is {count} times in the list: one source in all its categories", where=address)
        for address, count in counts.items()
        if count > 1
    ]
    if len(problems) > MAX_PROBLEMS:
        more = Problem(text=f"and {len(problems) - MAX_PROBLEMS} more")
        problems[MAX_PROBLEMS:] = [more]
    title = _TITLE.search(document, 0, 100_000)
    return SubscriptionList(
        title=_name(unescape(title[1])) if title else "",
        subscriptions=merged(listed),
        problems=tuple(problems),
    )


def merged(subscriptions: Iterable[Subscription]) -> tuple[Subscription, ...]:
    """Each address once, in the order of first appearance, with all its categories."""
    found: dict[str, Subscription] = {}
    for one in subscriptions:
        if (before := found.get(one.url)) is not None:
            one = Subscription(
                url=one.url,
                title=before.title or one.title,
                link=before.link or one.link,
                categories=_bounded((*before.categories, *one.categories)),
            )
        found[one.url] = one
    return tuple(found.values())


def written_name(name: str) -> str:
    """A name in the form that `read` reads back: if it looks like HTML it is escaped twice, as many programs
    do.
    """
    plain = text.cut(text.tidy(name), MAX_NAME)
    return plain if _name(plain) == plain else escape(plain, quote=False)


def written_category(names: Iterable[str]) -> str:
    """Names for a `category` attribute, made by `written_name`.

    Separators inside them are percent-encoded.
    """
    return ",".join(name.replace("%", "%25").replace(",", "%2C").replace("/", "%2F") for name in names)


def with_ascii_host(url: str) -> str | None:
    """The address with its host in the ASCII form of DNS (RFC 5891); None for an invalid host."""
    if url.isascii():
        return url
    try:
        parts = urlsplit(url)
        login, at, place = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{place.encode('idna').decode()}").geturl()
    except ValueError:  # also UnicodeError
        return None


def _has_usable_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _feeds(document: str, problems: list[Problem]) -> Iterator[Subscription]:
    """Every outline that is a feed, in document order, with the folders around it."""
    path: list[str] = []
    for attributes, is_open in _outlines(document, problems):
        if attributes is None:
            path[-1:] = []
            continue
        address = _address(attributes)
        name = _name(attributes.get("text", "")) or _name(attributes.get("title", ""))
        kind = attributes.get("type", "").lower()
        if address:
            resolved = links.resolve(_with_scheme(address))
            if resolved and with_ascii_host(resolved) and _has_usable_port(resolved):
                yield Subscription(
                    url=resolved,
                    title=name,
                    link=links.resolve(attributes.get("htmlurl")),
                    categories=_bounded((*filter(None, path), *_categories(attributes.get("category", "")))),
                )
            else:
                what = f"{address[:200]!r} is not an http or https address: left out"
                problems.append(Problem(text=what, where=name))
        elif kind in _LISTS and attributes.get("url"):
            problems.append(
                Problem(text=f"leads to {attributes['url'][:200]}, which is not followed", where=name)
            )
        elif kind in _FEED_TYPES and not is_open:
            problems.append(Problem(text="a feed without an address was left out", where=name))
        if is_open and len(path) < MAX_DEPTH:
            # A feed is not a folder: some programs never close its outline.
            path.append("" if address else name)


def _outlines(document: str, problems: list[Problem]) -> Iterator[tuple[Mapping[str, str] | None, bool]]:
    """The attributes of each outline, by lower-case local names, and whether it stays open.

    None marks the end of an outline.
    """
    tag = _OUTLINE.search(document)
    count = depth = 0
    while tag is not None:
        following = _OUTLINE.search(document, tag.end())
        if tag[1]:
            depth -= 1
            yield None, False
        else:
            count += 1
            if count > MAX_OUTLINES:
                problems.append(Problem(text=f"more than {MAX_OUTLINES} outlines: the rest was left out"))
                return
            end = _END.search(document, tag.end(), following.start() if following else len(document))
            written = document[tag.end() : end.start() if end else following.start() if following else None]
            attributes: dict[str, str] = {}
            for name, *values in _ATTRIBUTE.findall(written):
                attributes.setdefault(name.lower(), unescape(_SPACE.sub(" ", "".join(values))).strip())
            is_open = not written.rstrip().endswith("/>")
            depth += is_open
            yield attributes, is_open
        tag = following
    if depth > 0:
        problems.append(Problem(text=f"{depth} outlines are never closed: read as far as it goes"))


def _with_scheme(address: str) -> str:
    if _HOST_FIRST.fullmatch(address):
        return f"http://{address}"
    return _FEED_SCHEME.sub(_schemed, address)


def _schemed(found: re.Match[str]) -> str:
    """`feed://host/` becomes http, `feed:https://host/` the address after `feed:`."""
    return "http:" if found[0].lower() == "feed:" and found.string[found.end() :].startswith("//") else ""


def _address(attributes: Mapping[str, str]) -> str:
    """The address of the outline's feed, "" if it is not a feed."""
    if attributes.get("xmlurl"):
        return attributes["xmlurl"]
    if attributes.get("type", "").lower() in _FEED_TYPES:
        return attributes.get("url") or attributes.get("href") or attributes.get("feedurl") or ""
    return ""


def _name(value: str) -> str:
    """The name as plain text; titles are often escaped twice."""
    return text.plain_value(value, max_characters=MAX_NAME)


def _categories(value: str) -> Iterator[str]:
    """The names in a `category` attribute: paths joined by commas, their names by slashes (OPML 2.0).

    A comma, slash or percent sign inside a name is percent-encoded (`written_category`).
    """
    for path in value[:10_000].split(","):
        for name in path.split("/"):
            yield _name(unquote(name, errors="replace"))


def _bounded(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, names)))[:MAX_CATEGORIES]
