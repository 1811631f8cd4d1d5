"""Entries as an adapter found them in a document, before normalising: all fields optional, text verbatim.

Adapters fill these from bytes; `normalise` turns them into articles. Nothing here is sanitised,
parsed as a date, or resolved against a base: that is done once, in one place, for every source kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from aggregator.model.article import Article, Finding, Problem
from aggregator.model.struct import Struct, field

TextType = Literal["text", "html", "xhtml", "unknown"]
IdentityKind = Literal["guid", "link", "hash"]
"""The kind of values from which the ids of a feed's articles are made."""

Passed = str | dict[str, Any]
"""An element that is passed through: its text, or {"text": str, **attributes, "children": [elements]}.

A child has its name under "@element". Attributes with the names "text" and "children" begin with "@".
"""


class Text(Struct):
    """A text construct (RFC 4287 §3.1) with XML entities already decoded once.

    `type`: "text" is plain; "html" is HTML markup; "xhtml" is the serialised inner markup of the
    wrapping div; "unknown" is RSS text, which may be either. `base`: xml:base in force, "" if none.
    """

    value: str
    type: TextType = "unknown"
    base: str = ""
    language: str | None = None


class Person(Struct):
    """A person construct (RFC 4287 §3.2), or an RSS author whose one string is in `name`, unsplit."""

    name: str = ""
    email: str | None = None
    uri: str | None = None
    role: str | None = None


class Link(Struct):
    """A link as written: `href` may be relative to `base`; `rel` is "alternate" when not given.

    `others` are its attributes of other namespaces, such as "thr:count" (RFC 4685 §4); None without any.
    """

    href: str
    rel: str = "alternate"
    type: str | None = None
    length: str | None = None
    title: str | None = None
    language: str | None = None
    base: str = ""
    others: dict[str, str] | None = None


class Category(Struct):
    """A category as written: Atom term/scheme/label, RSS text/domain, or one itunes:category path."""

    term: str
    scheme: str | None = None
    label: str | None = None


class Media(Struct):
    """A Media RSS `media:content`, an RSS `<enclosure>` or an Atom enclosure link, as written.

    `is_default` has no effect; without it the fingerprints of stored entries would change.
    """

    url: str
    type: str | None = None
    length: str | None = None
    medium: str | None = None
    width: str | None = None
    height: str | None = None
    duration: str | None = None
    title: str | None = None
    is_enclosure: bool = False
    is_default: bool = False
    base: str = ""


class Entry(Struct, kw_only=True):
    """One entry or item as found. Dates are their text; lists keep document order and repeats.

    - `id`: guid / atom:id / rdf:about verbatim (outer whitespace stripped), None when absent or empty;
      `id_is_permalink`: RSS `<guid>` with isPermaLink true or absent.
    - `contents`: content:encoded, atom:content, xhtml:body, media:description (in this order of worth);
      `summary`: description / atom:summary.
    - `thumbnails`: media:thumbnail, then itunes:image, URLs as written.
    - `source`: the RSS `<source>` or atom:source of a republished entry.
    - `extra`: elements passed through, under a key "prefix:name" (itunes:duration, podcast:transcript,
      georss:point, slash:comments, thr:in-reply-to, wfw:commentRss, media:credit …), with its repeats.
    """

    id: str | None = None
    id_is_permalink: bool = False
    title: Text | None = None
    links: list[Link] = field(default_factory=list)
    published: str | None = None
    updated: str | None = None
    authors: list[Person] = field(default_factory=list)
    contributors: list[Person] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    summary: Text | None = None
    contents: list[Text] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    thumbnails: list[str] = field(default_factory=list)
    comments: str | None = None
    rights: str | None = None
    language: str | None = None
    base: str = ""
    source: FeedInfo | None = None
    extra: dict[str, list[Passed]] = field(default_factory=dict)
    line: int | None = None


class FeedInfo(Struct, kw_only=True):
    """The channel's or feed's own elements, as found (RSS 2.0 `<channel>`, RFC 4287 §4.1.1)."""

    id: str | None = None
    title: Text | None = None
    subtitle: Text | None = None
    links: list[Link] = field(default_factory=list)
    updated: str | None = None
    authors: list[Person] = field(default_factory=list)
    categories: list[Category] = field(default_factory=list)
    image: str | None = None
    rights: str | None = None
    language: str | None = None
    base: str = ""
    extra: dict[str, list[Passed]] = field(default_factory=dict)


class Feed(Struct, kw_only=True):
    """A document as an adapter read it: the feed, its entries in document order, and what was wrong.

    `hints`: polling hints as written: "ttl", "skipHours", "skipDays" (lists joined by spaces),
    "sy:updatePeriod", "sy:updateFrequency", "sy:updateBase", "itunes:new-feed-url". `version`: "rss20",
    "atom10", "rss10", "rss090" … as feedparser names them. `more`: absolute addresses of further documents of
    the same source that belong to this one, such as the next page of a list. `findings`: what the options'
    selectors found.
    `is_legal`: a parser has checked that XML may hold every character (XML 1.0 §2.2).
    """

    info: FeedInfo = field(default_factory=FeedInfo)
    entries: list[Entry] = field(default_factory=list)
    version: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    more: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    is_legal: bool = False


class ArticleDocument(Struct, frozen=True):
    """A document that is one article, such as a file of front matter, and its problems.

    - `article`: as written, neither tidied nor sanitised. `is_markdown`: its content is Markdown, not HTML.
    - `excerpt`: the part of the content that its author marked as a summary, for an article without one.
    - `base`: the URL that relative addresses are resolved with, "" for the article's link. `lacks_base`: an
      address of the document was left out, as it is relative and there is no base.
    - `skipped`: why it is not to be published, such as a draft; "" for an article that is.
    - `shown_from`, `shown_until`: the moments from which on it is published, and no more; None without.
    """

    article: Article
    problems: tuple[Problem, ...] = ()
    is_markdown: bool = False
    excerpt: str = ""
    base: str = ""
    lacks_base: bool = False
    skipped: str = ""
    shown_from: datetime | None = None
    shown_until: datetime | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """One feed of a list.

    `url` and `link` (its site, None when there is none) are absolute http or https addresses. `title` is
    plain text, "" when the list gives none. `categories` are the names of the folders that it stands in,
    outermost first, and then those of its `category` attribute, each once.
    """

    url: str
    title: str = ""
    link: str | None = None
    categories: tuple[str, ...] = ()


class SubscriptionList(Struct, frozen=True, kw_only=True):
    """The feeds of an OPML document in its order, each address once, and its problems."""

    title: str = ""
    subscriptions: tuple[Subscription, ...] = ()
    problems: tuple[Problem, ...] = ()
