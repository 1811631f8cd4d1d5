"""Entry -> Article: what is taken from where, what is filled in, what is said about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aggregator
from aggregator.model.article import Article, Enclosure, Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Media, Person, Text
from aggregator.normalise.entries import articles
from tests.support.examples import examples

URL = "https://a.example/feed"
LONG = "<p>" + "A sentence of words. " * 60 + "</p>"


def article(entry: Entry, **info: object) -> Article:
    """The only article of a feed that has this entry."""
    (made,) = articles(Feed(info=FeedInfo(**info), entries=[entry]), url=URL).document.articles  # type: ignore[arg-type]
    return made


def problems(entry: Entry) -> list[str]:
    """Returns what was wrong with a feed that has this entry."""
    return [problem.text for problem in articles(Feed(entries=[entry]), url=URL).document.problems]


def test_a_full_entry_becomes_a_full_article() -> None:
    """Every field has its place, and every reference its base."""
    entry = Entry(
        id="tag:a.example,2024:1",
        title=Text("A &amp; B"),
        links=[Link("/1")],
        published="Mon, 08 Jan 2024 10:00:00 GMT",
        updated="2024-01-09T10:00:00+02:00",
        authors=[Person("jane@a.example (Jane)")],
        contributors=[Person("John")],
        categories=[Category("t", label="Tag"), Category("t2")],
        summary=Text("Short."),
        contents=[Text('<p><img src="i.jpg">Long</p>', "html")],
        media=[Media("m.mp3", type="audio/mpeg", length="12", duration="1:02", is_enclosure=True)],
        comments="/1#comments",
        extra={"slash:comments": ["3"]},
    )
    feed = Feed(
        info=FeedInfo(
            id="urn:x", title=Text("Feed"), links=[Link("/"), Link("/atom", rel="self")], updated="2024-01-10"
        ),
        entries=[entry],
    )
    found = articles(feed, source="s", url=URL, categories=("news",))
    (made,) = found.document.articles
    assert made.source == "s"
    assert made.id == "tag:a.example,2024:1"
    assert made.title == "A & B"
    assert made.link == "https://a.example/1"
    assert made.published == datetime(2024, 1, 8, 10, tzinfo=UTC)
    assert made.updated == datetime(2024, 1, 9, 8, tzinfo=UTC)
    assert made.authors == ("Jane",)
    assert made.categories == ("news",)
    assert made.tags == ("Tag", "t2")
    assert made.headimg == "https://a.example/i.jpg"
    assert made.summary == "Short."
    assert made.content.startswith('<p><img src="https://a.example/i.jpg"')
    assert made.enclosures == (
        Enclosure(
            url="https://a.example/m.mp3",
            type="audio/mpeg",
            length=12,
            duration=timedelta(minutes=1, seconds=2),
        ),
    )
    assert (made.origin.id, made.origin.title, made.origin.link) == ("urn:x", "Feed", "https://a.example/")
    assert made.origin.self_link == "https://a.example/atom"
    assert made.origin.updated == datetime(2024, 1, 10, tzinfo=UTC)
    assert made.extra == {
        "slash:comments": ["3"],
        "comments_link": "https://a.example/1#comments",
        "contributors": ["John"],
        "people": [{"role": "author", "name": "Jane", "email": "jane@a.example"}],
        "terms": [{"term": "t", "label": "Tag"}],
    }
    assert found.document.problems == ()


def test_an_empty_entry_becomes_an_article_with_an_id() -> None:
    """Nothing is required but an entry."""
    made = article(Entry())
    assert made.id
    assert (made.title, made.link, made.published, made.content) == ("", None, None, "")


def test_a_missing_title_is_made_from_the_first_words() -> None:
    """Readers show a blank line otherwise."""
    assert article(Entry(contents=[Text("<p>One <b>two</b> three</p>")])).title == "One two three"
    assert len(article(Entry(contents=[Text(LONG)])).title) <= 80


def test_a_missing_link_is_a_permalink_guid() -> None:
    """RSS 2.0: a guid is a permalink unless it says otherwise."""
    guid = "https://a.example/p/1"
    assert article(Entry(id=guid, id_is_permalink=True)).link == guid
    assert article(Entry(id=guid)).link is None


def test_an_enclosure_or_a_related_link_is_no_link() -> None:
    """Only an alternate is; a page before other formats."""
    links = [
        Link("/e.mp3", rel="enclosure"),
        Link("/r", rel="related"),
        Link("/p.pdf", type="application/pdf"),
        Link("/p", type="text/html"),
    ]
    assert article(Entry(links=links)).link == "https://a.example/p"
    assert article(Entry(links=links[:2])).link is None


def test_an_unreadable_date_is_missing_and_reported() -> None:
    """With the text, so that somebody can look at it."""
    assert article(Entry(published="yesterday")).published is None
    assert "'yesterday'" in problems(Entry(published="yesterday"))[0]


def test_the_date_of_change_replaces_a_missing_publication_date() -> None:
    """Better than the day on which somebody first polled."""
    assert article(Entry(updated="2024-01-08")).published == datetime(2024, 1, 8, tzinfo=UTC)


def test_an_update_before_publication_is_kept() -> None:
    """Which of the two is wrong cannot be known."""
    made = article(Entry(published="2024-01-08", updated="2023-01-08"))
    assert (made.published, made.updated) == (
        datetime(2024, 1, 8, tzinfo=UTC),
        datetime(2023, 1, 8, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("entry", "info", "author", "expected"),
    [
        (Entry(authors=[Person("E")]), [Person("F")], "C", ("E",)),
        (Entry(source=FeedInfo(authors=[Person("S")])), [Person("F")], "C", ("S",)),
        (Entry(), [Person("F")], "C", ("F",)),
        (Entry(authors=[Person("noreply@blogger.com")]), [], "C", ("C",)),
        (Entry(), [], None, ()),
    ],
    ids=["entry", "source", "feed", "config", "nobody"],
)
def test_an_author_is_the_nearest_that_is_named(
    entry: Entry, info: list[Person], author: str | None, expected: tuple[str, ...]
) -> None:
    """RFC 4287 §4.2.1: the entry's, its source's, the feed's; then the config's."""
    found = articles(Feed(info=FeedInfo(authors=info), entries=[entry]), author=author)
    assert found.document.articles[0].authors == expected


def test_tags_are_unique_and_take_in_itunes_keywords() -> None:
    """Curated categories are the config's alone."""
    made = article(
        Entry(
            categories=[Category("a"), Category("a"), Category(" ")], extra={"itunes:keywords": ["b, a ,c"]}
        )
    )
    assert made.tags == ("a", "b", "c")
    assert made.categories == ()


def test_a_long_description_alone_is_the_content() -> None:
    """RSS 2.0 has no other element for a body; the summary is made."""
    made = article(Entry(summary=Text(LONG)))
    assert made.content.startswith("<p>A sentence")
    assert made.summary.endswith("…")
    assert len(made.summary) < 300


def test_a_short_description_alone_is_the_summary() -> None:
    """There is no content to be had."""
    made = article(Entry(summary=Text("<b>Short</b>")))
    assert (made.summary, made.content) == ("<b>Short</b>", "")


def test_a_description_that_repeats_the_content_is_not_kept_twice() -> None:
    """A summary is made instead."""
    made = article(Entry(summary=Text(LONG), contents=[Text(LONG, "html")]))
    assert made.summary.endswith("…")


def test_a_description_much_longer_than_the_content_is_the_content() -> None:
    """Some feeds have the two the wrong way round."""
    made = article(Entry(summary=Text(LONG), contents=[Text("<p>Short.</p>", "html")]))
    assert made.content.startswith("<p>A sentence")


def test_plain_text_keeps_its_lines_and_its_angle_brackets() -> None:
    """type="text" is no HTML (RFC 4287 §3.1.1.1)."""
    assert article(Entry(contents=[Text("a <b>\nc", "text")])).content == "a &lt;b&gt;<br>\nc"


def test_html_that_is_nested_too_deeply_is_kept_as_text_and_reported() -> None:
    """The article is not lost."""
    entry = Entry(contents=[Text("<div>" * 300 + "deep", "html")])
    assert article(entry).content == "deep"
    assert "250" in problems(entry)[0]


def test_relative_links_are_relative_to_xml_base_then_to_the_entrys_link() -> None:
    """RFC 4287 §2; RSS has no base, and means its page."""
    body = '<a href="x">y</a>'
    based = article(Entry(links=[Link("/p/1")], contents=[Text(body, "html", "https://b.example/")]))
    unbased = article(Entry(links=[Link("/p/1")], contents=[Text(body, "html")]))
    assert 'href="https://b.example/x"' in based.content
    assert 'href="https://a.example/p/x"' in unbased.content


def test_enclosures_are_absolute_unique_and_honest() -> None:
    """Film and sound of media:content belong to them; pictures do not."""
    made = article(
        Entry(
            media=[
                Media("a.mp3", length="-1", is_enclosure=True),
                Media("/a.mp3", length="9", is_enclosure=True),
                Media("magnet:?xt=1", length="many", is_enclosure=True),
                Media("v.mp4", medium="video"),
                Media("p.jpg", medium="image"),
                Media("q.jpg", medium="image"),
            ],
            extra={"itunes:duration": ["01:00:01"]},
        )
    )
    assert [(e.url, e.length, e.duration) for e in made.enclosures] == [
        ("https://a.example/a.mp3", None, timedelta(hours=1, seconds=1)),
        ("magnet:?xt=1", None, None),
        ("https://a.example/v.mp4", None, None),
    ]
    assert made.headimg == "https://a.example/p.jpg"
    assert made.extra["media:content"] == [{"url": "https://a.example/q.jpg"}]


def test_an_enclosure_without_a_usable_url_is_left_out_and_reported() -> None:
    """javascript: plays nothing."""
    entry = Entry(media=[Media("javascript:x", is_enclosure=True)])
    assert article(entry).enclosures == ()
    assert "enclosure" in problems(entry)[0]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90", 90),
        ("1:30", 90),
        ("01:00:00", 3600),
        ("90.5", 90),
        ("0", None),
        ("long", None),
        ("1:2:3:4", None),
    ],
    ids=str,
)
def test_a_duration_is_seconds_or_a_clock(written: str, seconds: int | None) -> None:
    """itunes:duration has three shapes."""
    made = article(Entry(media=[Media("a", duration=written, is_enclosure=True)]))
    assert made.enclosures[0].duration == (timedelta(seconds=seconds) if seconds else None)


def test_a_republished_entry_has_its_own_source_as_origin() -> None:
    """RFC 4287 §4.2.11: it says where the entry came from."""
    made = article(Entry(source=FeedInfo(id="urn:other", title=Text("Other"))), title=Text("Feed"))
    assert (made.origin.id, made.origin.title, made.origin.self_link) == ("urn:other", "Other", None)


def test_without_a_self_link_the_documents_url_is_used() -> None:
    """The address at which the feed was found."""
    assert article(Entry()).origin.self_link == URL


def test_an_entry_that_is_known_is_not_made_again() -> None:
    """It is counted."""
    feed = Feed(entries=[Entry(id="a", title=Text("x")), Entry(id="b", title=Text("y"))])
    first = articles(feed, known=frozenset())
    second = articles(feed, known={first.fingerprints[0]})
    assert [made.id for made in second.document.articles] == ["b"]
    assert second.unchanged == 1
    assert second.fingerprints == first.fingerprints[1:]


def test_a_feed_whose_date_is_always_now_has_not_changed() -> None:
    """lastBuildDate is no part of a fingerprint; whatever else changes an article is."""
    entry = Entry(id="a")
    first = articles(
        Feed(info=FeedInfo(updated="2024-01-08"), entries=[entry]), known=frozenset()
    ).fingerprints
    assert (
        articles(Feed(info=FeedInfo(updated="2024-01-09"), entries=[entry]), known=frozenset()).fingerprints
        == first
    )
    assert (
        articles(Feed(info=FeedInfo(title=Text("x")), entries=[entry]), known=frozenset()).fingerprints
        != first
    )
    assert articles(Feed(entries=[entry]), categories=("x",), known=frozenset()).fingerprints != first


def test_problems_found_by_an_adapter_are_kept() -> None:
    """Problems gather on the way."""
    problem = Problem(text="x")
    assert articles(Feed(problems=[problem])).document.problems == (problem,)


_TRAPS = (
    "",
    " ",
    "\x00",
    "\ud800",
    "javascript:x",
    "http://[",
    "http://a.example/ x",
    "//",
    "<p>",
    "<img src=x>",
)
_MORE_TRAPS = (
    "&#0;",
    "2024-01-08",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "1" * 30,
    "a@b.example (x)",
    "data:x",
    "\u202e",
)
_NASTY = st.text(max_size=12) | st.sampled_from(_TRAPS + _MORE_TRAPS)
_TEXT = st.builds(Text, _NASTY, st.sampled_from(["text", "html", "xhtml", "unknown"]), _NASTY)
_MAYBE = st.none() | _NASTY
_LINKS = st.lists(
    st.builds(Link, _NASTY, st.sampled_from(["alternate", "self", "x"]), _MAYBE, base=_NASTY), max_size=3
)
_PERSONS = st.lists(st.builds(Person, _NASTY, _MAYBE), max_size=2)
_INFO = st.builds(
    FeedInfo,
    id=_MAYBE,
    title=st.none() | _TEXT,
    links=_LINKS,
    updated=_MAYBE,
    authors=_PERSONS,
    base=_NASTY,
    rights=_MAYBE,
)
_ENTRY = st.builds(
    Entry,
    id=_MAYBE,
    id_is_permalink=st.booleans(),
    title=st.none() | _TEXT,
    links=_LINKS,
    published=_MAYBE,
    updated=_MAYBE,
    authors=_PERSONS,
    contributors=_PERSONS,
    categories=st.lists(st.builds(Category, _NASTY, _MAYBE, _MAYBE), max_size=2),
    summary=st.none() | _TEXT,
    contents=st.lists(_TEXT, max_size=2),
    media=st.lists(
        st.builds(Media, _NASTY, _MAYBE, _MAYBE, _MAYBE, _MAYBE, _MAYBE, _MAYBE, _MAYBE, st.booleans()),
        max_size=2,
    ),
    thumbnails=st.lists(_NASTY, max_size=2),
    comments=_MAYBE,
    rights=_MAYBE,
    base=_NASTY,
    source=st.none() | _INFO,
    extra=st.just({}) | st.builds(lambda x: {"itunes:duration": [x], "itunes:keywords": [x]}, _NASTY),
)


def _is_web(url: str | None) -> bool:
    return url is None or url.lower().startswith(("http://", "https://"))


@settings(max_examples=examples(50), deadline=None)
@given(_INFO, st.lists(_ENTRY, max_size=4), _NASTY)
def test_any_feed_gives_valid_articles(info: FeedInfo, entries: list[Entry], url: str) -> None:
    """Never an exception; ids unique, dates aware UTC, URLs absolute, texts that XML can hold."""
    found = articles(Feed(info=info, entries=entries), url=url)
    ids = [made.id for made in found.document.articles]
    assert all(ids)
    assert len(set(ids)) == len(ids) == len(found.fingerprints)
    for made in found.document.articles:
        assert all(d is None or d.utcoffset() == timedelta(0) for d in (made.published, made.updated))
        assert all(map(_is_web, (made.link, made.headimg, made.origin.link, made.origin.self_link)))
        assert all(e.url.startswith(("http", "HTTP", "magnet:")) for e in made.enclosures)
        for text in (made.id, made.title, made.summary, made.content, *made.authors, *made.tags):
            assert text.encode().decode() == text
            assert "\x00" not in text or text == made.id


@pytest.mark.parametrize("written", ["&amp;#1;", "&amp;#x1F;", "&#x7f;", "&amp;#xFFFE;"], ids=str)
def test_a_reference_cannot_bring_in_what_no_xml_may_hold(written: str) -> None:
    """The parser of XML has not seen HTML's references."""
    item = f"<item><guid>1</guid><description>&lt;p&gt;a{written}b&lt;/p&gt;</description></item>"
    article = aggregator.read(f"<rss version='2.0'><channel>{item}</channel></rss>".encode()).articles[0]
    assert article.summary == "<p>ab</p>"
