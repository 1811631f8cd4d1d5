"""Channels for the writers' tests: one with everything in it, and any at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from aggregator.model.article import Article, Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.writers import WRITERS
from aggregator.writers.channel import Chain, Channel, Item, format_of

PUBLISHED = datetime(2026, 1, 1, 3, 4, 5, tzinfo=UTC)
UPDATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

ARTICLE = Article(
    source="tea",
    id="https://tea.example/1",
    title="Tea & <cake>",
    link="https://tea.example/1",
    authors=("Ann", "Bo <b>"),
    categories=("Drinks", "Q&A"),
    tags=("Drinks", "oolong"),
    headimg="https://tea.example/1.jpg",
    summary="<p>Hot &amp; sweet</p>",
    content="<p>Hot &amp; <b>sweet</b></p>\n<pre>  a\n  b</pre>",
    enclosures=(
        Enclosure(
            url="https://tea.example/1.mp3", type="audio/mpeg", length=5, duration=timedelta(seconds=61)
        ),
        Enclosure(url="https://tea.example/1.mp4", title="Pour & stir"),
    ),
    origin=Origin(
        id="tag:tea.example,2026:f",
        title="Tea & leaves",
        link="https://tea.example/",
        self_link="https://tea.example/feed",
        updated=datetime(2026, 1, 3, tzinfo=UTC),
        language="en-GB",
        rights="Ann & Bo",
    ),
    extra={
        "comments_link": "https://tea.example/1#c",
        "podcast:transcript": [{"url": "https://t.example/1.vtt"}],
    },
)


FORMATS = tuple(format_of(name, writer) for name, writer in WRITERS.items())


def item_of(article: Article = ARTICLE, item_id: str | None = None) -> Item:
    """An item with fixed dates; its id is the article's unless another is given."""
    return Item(id=item_id or article.id, article=article, published=PUBLISHED, updated=UPDATED)


def channel_of(*items: Item, **changes: Any) -> Channel:
    """A channel with a public address, holding `items`."""
    channel = Channel(
        id="tag:feeds.example,2026:drinks",
        title="Drinks & more",
        description="All about drinks",
        category="Drinks",
        link="https://feeds.example/drinks/",
        self_links={name: f"https://feeds.example/drinks/{name}" for name in ("rss.xml", "atom.xml")},
        updated=UPDATED,
        items=items,
        formats=FORMATS,
        language="en",
        generator_version="1.2",
    )
    return replace(channel, **changes)


def article_with(**changes: Any) -> Article:
    """The full article with some fields changed."""
    return replace(ARTICLE, **changes)


# --- Any channel at all

NASTY = [
    *(
        "]]>",
        "<![CDATA[x]]>",
        "<!--",
        "-->",
        "<?xml?>",
        "<!DOCTYPE x>",
        "&",
        "&amp;",
        "&lt;b&gt;",
        "&nbsp;",
        "&#0;",
        "<",
    ),
    *(
        "</title>",
        "<b>bold",
        "a < b > c",
        '"',
        "'",
        "\0",
        "\x01",
        "\x0b",
        "\x1b",
        "\x7f",
        "\x85",
        "\r",
        "\r\n",
        "\n",
        "\t",
    ),
    *(
        "\ud800",
        "\udfff\ud800",
        "\ufffe",
        "\uffff",
        "\U0001fffe",
        "\ufeff",
        "\u2028",
        "\u202e",
        "é",
        "e\u0301",
        "科技",
        "😀",
        " ",
    ),
    *(
        "",
        "{http://x}y",
        "xmlns",
        "javascript:alert(1)",
        "%",
        "%zz",
        "//",
        "[",
        "http://[",
        "http://",
        "://",
    ),
]
TEXTS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=9)), max_size=4).map(
    "".join
)
ADDRESSES = st.one_of(
    st.builds("https://tea.example/{}".format, st.one_of(TEXTS, st.text("ab/?#&=%:", max_size=9))),
    st.builds(
        "{}:{}".format, st.sampled_from(["http", "ftp", "magnet", "javascript", "data", "HTTPS"]), TEXTS
    ),
    TEXTS,
)
DATES = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 30)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=UTC)
)
IDS = st.one_of(
    st.builds("https://tea.example/{}".format, st.text("abc123-_.~/?=&;", max_size=12)),
    st.builds("tag:tea.example,2026:{}".format, st.text("abc科é", min_size=1, max_size=12)),
    st.uuids().map("urn:uuid:{}".format),
)
ENCLOSURES = st.builds(
    Enclosure,
    url=ADDRESSES,
    type=st.one_of(st.none(), TEXTS, st.sampled_from(["audio/mpeg", "mp3", "text/html; charset=utf-8"])),
    length=st.one_of(st.none(), st.integers(-5, 2**63)),
    title=st.one_of(st.none(), TEXTS),
    duration=st.one_of(st.none(), st.timedeltas()),
)
ORIGINS = st.builds(
    Origin,
    id=st.one_of(st.none(), IDS, TEXTS),
    title=TEXTS,
    link=st.one_of(st.none(), ADDRESSES),
    self_link=st.one_of(st.none(), ADDRESSES),
    updated=st.one_of(st.none(), DATES),
    language=st.one_of(st.none(), TEXTS, st.just("de")),
    rights=st.one_of(st.none(), TEXTS),
)
_KEYS = st.one_of(
    st.sampled_from(
        ["podcast:person", "itunes:episode", "media:credit", "georss:point", "thr:in-reply-to", "evil:x"]
    ),
    st.sampled_from(
        ["wfw:commentRss", "slash:comments", "podcast:a b", "itunes:", "thr:xmlns", "language", "rights"]
    ),
    TEXTS,
)
_VALUES: st.SearchStrategy[Any] = st.one_of(
    TEXTS,
    st.none(),
    st.integers(),
    st.dictionaries(st.one_of(st.sampled_from(["text", "url", "xmlns", "a:b"]), TEXTS), TEXTS),
)
EXTRAS: st.SearchStrategy[Mapping[str, Any]] = st.dictionaries(
    _KEYS, st.one_of(_VALUES, st.lists(_VALUES, max_size=3)), max_size=4
).flatmap(
    lambda extra: st.fixed_dictionaries(
        {},
        optional={
            "contributors": st.one_of(TEXTS, st.lists(st.one_of(TEXTS, st.integers()), max_size=2)),
            "dc:language": st.one_of(TEXTS, st.lists(st.sampled_from(["en", "de", "no tag"]), max_size=2)),
            "comments_link": st.one_of(ADDRESSES, st.none(), st.integers()),
            "links": st.lists(
                st.dictionaries(
                    st.sampled_from(["rel", "href", "title"]), st.one_of(ADDRESSES, st.just("related"))
                ),
                max_size=2,
            ),
        },
    ).map(lambda links: {**extra, **links})
)
ARTICLES = st.builds(
    Article,
    source=TEXTS,
    id=st.just("as in the item"),
    title=TEXTS,
    link=st.one_of(st.none(), ADDRESSES, IDS),
    authors=st.lists(TEXTS, max_size=3).map(tuple),
    categories=st.lists(TEXTS, max_size=3).map(tuple),
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    headimg=st.one_of(st.none(), ADDRESSES),
    summary=TEXTS,
    content=TEXTS,
    enclosures=st.lists(ENCLOSURES, max_size=3).map(tuple),
    origin=ORIGINS,
    extra=EXTRAS,
)
ITEMS = st.builds(Item, id=IDS, article=ARTICLES, published=DATES, updated=DATES)
_FOLDERS = st.sampled_from(["https://feeds.example/{}/", "../{}/"])
CHAINS = st.one_of(
    st.just(Chain()),
    _FOLDERS.map(lambda folder: Chain(older=folder.format("archive/9"))),
    st.builds(
        lambda folder, is_full, has_older, has_newer: Chain(
            number=2,
            is_full=is_full,
            older=folder.format(1) if has_older else None,
            newer=folder.format(3) if has_newer else None,
            current=folder.format(".."),
        ),
        *(_FOLDERS, st.booleans(), st.booleans(), st.booleans()),
    ),
)
CHANNELS = st.builds(
    Channel,
    id=IDS,
    title=TEXTS,
    description=TEXTS,
    category=st.one_of(st.none(), TEXTS),
    link=st.one_of(st.just(""), st.just("https://feeds.example/科技/"), TEXTS),
    self_links=st.dictionaries(
        st.sampled_from(["rss.xml", "atom.xml", "feed.json"]), st.just("https://feeds.example/科技/f.xml")
    ),
    updated=DATES,
    items=st.lists(ITEMS, max_size=3, unique_by=lambda item: item.id).map(tuple),
    language=st.one_of(st.none(), TEXTS, st.just("en")),
    image=st.one_of(st.none(), ADDRESSES),
    formats=st.just(FORMATS),
    hubs=st.lists(st.one_of(ADDRESSES, st.just("https://hub.example/")), max_size=2).map(tuple),
    chain=CHAINS,
    generator_version=TEXTS,
)
