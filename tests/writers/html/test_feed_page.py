"""The page of a category: whatever comes in, HTML that shows it and does nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.model.article import Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.normalise.text import cut, tidy
from aggregator.writers.channel import Chain, Channel
from aggregator.writers.html.feed_page import Html
from aggregator.writers.html.locale import locale_of
from aggregator.writers.html.rhythm_chart import rhythm
from aggregator.writers.page_look import PageLook
from aggregator.writers.xml_text import address
from tests.conformance.html import check_html
from tests.support.channels import ADDRESSES, CHANNELS, FORMATS, article_with, channel_of, item_of
from tests.support.examples import examples
from tests.support.overviews import FILES, SEEN

PHASES = [Phase.explicit, Phase.reuse, Phase.generate]


def page(*items: Any, **changes: Any) -> LexborHTMLParser:
    """A page as a browser has it."""
    body = Html().render(channel_of(*items, **{"files": FILES, **changes}))
    assert check_html(body) == []
    return LexborHTMLParser(body.decode())


def one(tree: LexborHTMLParser, selector: str) -> LexborNode:
    found = tree.css(selector)
    assert len(found) == 1, selector
    return found[0]


def values(tree: LexborHTMLParser, selector: str, name: str = "href") -> list[str | None]:
    return [node.attributes.get(name) for node in tree.css(selector)]


def words(node: LexborNode) -> str:
    return " ".join(node.text(deep=True).split())


@settings(max_examples=examples(30), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(
    channel=CHANNELS,
    files=st.lists(st.sampled_from(FILES), unique=True).map(tuple),
    chain=st.sampled_from(
        [Chain(), Chain(older="archive/2/"), Chain(number=2, older="../1/", newer="../3/", current="../../")]
    ),
    image=st.one_of(st.none(), ADDRESSES),
)
def test_any_channel_is_html_that_shows_its_text(
    channel: Channel, files: tuple[str, ...], chain: Chain, image: str | None
) -> None:
    """No element, attribute or address of the input appears; titles and names arrive as text."""
    full = replace(channel, files=files, formats=FORMATS, chain=chain, image=image)
    body = Html().render(full)
    assert check_html(body) == []
    tree = LexborHTMLParser(body.decode())
    shown = tree.css("article")
    assert len(shown) == len(channel.items)
    for node, item in zip(shown, channel.items, strict=True):
        heading = node.css_first("h2, h3")
        assert heading is not None
        assert words(heading) == " ".join(cut(tidy(item.article.title), 200).split()) or (
            words(heading) == "Untitled" and not tidy(item.article.title)
        )
        link = heading.css_first("a")
        assert (link.attributes["href"] if link else None) == address(item.article.link)


OTHER = PageLook(templates=(("no page", "of ours"),))
"""The look of a site with a template of its own, so that every page is rendered from its template."""


@settings(max_examples=examples(50), deadline=None, phases=PHASES, suppress_health_check=list(HealthCheck))
@given(CHANNELS, st.sets(st.sampled_from(FILES)).map(tuple), st.integers(1, 3), st.booleans(), st.booleans())
def test_pages_of_archives_are_those_of_the_template(
    channel: Channel, files: tuple[str, ...], number: int, has_older: bool, is_linked: bool
) -> None:
    """Though what they have in common is rendered once."""
    found = replace(channel, files=files, formats=FORMATS)
    for n, updated in ((number, channel.updated), (number + 1, datetime(1970, 1, 1, tzinfo=UTC))):
        chain = Chain(number=n, is_full=True, older="../<1>/" if has_older else None, newer=f"../{n + 1}/")
        links = {"index.html": f"https://feeds.example/a&b/{n}/index.html"} if is_linked else {}
        archive = replace(found, chain=chain, updated=updated, self_links=links)
        assert Html().render(archive) == Html().render(replace(archive, look=OTHER))


def test_an_entry_shows_title_source_authors_time_and_summary() -> None:
    """With links to the entry and to the site that it came from."""
    tree = page(item_of())
    assert one(tree, "article h2 a").attributes["href"] == "https://tea.example/1"
    assert words(one(tree, "article h2")) == "Tea & <cake>"
    assert one(tree, "article .facts a").attributes["href"] == "https://tea.example/"
    facts = one(tree, "article .facts")
    assert words(facts) == "Tea & leaves Ann Bo <b> 1 January 2026, 03:04 UTC"
    assert one(tree, "article time").attributes["datetime"] == "2026-01-01T03:04:05Z"
    assert words(one(tree, ".teaser")) == "Hot & sweet"
    assert one(tree, "article img").attributes["src"] == "https://tea.example/1.jpg"
    assert one(tree, "article").attributes["lang"] == "en-GB"


def test_missing_fields_of_an_entry_leave_no_markup() -> None:
    """No empty picture, link, name or paragraph."""
    article = article_with(
        title="", link=None, authors=(), summary="", content="", headimg=None, origin=Origin(), enclosures=()
    )
    tree = page(item_of(article, "urn:x:1"))
    assert words(one(tree, "article h2")) == "Untitled"
    assert tree.css("article img, article a, .teaser") == []
    assert words(one(tree, "article .facts")) == "tea 1 January 2026, 03:04 UTC"


def test_an_enclosure_can_be_played_and_had() -> None:
    """Nothing of it is loaded before somebody asks; a player loads from https alone."""
    files = (
        Enclosure(url="https://tea.example/1.mp3", type="audio/mpeg", length=5_025_816, title="Pour"),
        Enclosure(url="https://tea.example/1.mp4", type="video/mp4", duration=timedelta(seconds=61)),
        Enclosure(url="http://tea.example/2.mp3", type="audio/mpeg"),
        Enclosure(url="https://tea.example/1.pdf", type="application/pdf"),
        Enclosure(url="javascript:alert(1)", type="audio/mpeg"),
    )
    tree = page(item_of(article_with(title="Tea", enclosures=files)))
    players = tree.css("audio, video")
    assert [(node.tag, node.attributes["src"]) for node in players] == [
        ("audio", "https://tea.example/1.mp3"),
        ("video", "https://tea.example/1.mp4"),
    ]
    for node in players:
        assert (node.attributes["preload"], node.attributes["aria-label"]) == ("none", "Tea")
        assert "controls" in node.attributes
    assert [node.attributes["href"] for node in tree.css(".media a")] == [f.url for f in files[:4]]
    assert words(tree.css(".media a")[0]) == "Download Pour, audio/mpeg, 5.0 MB"
    assert words(tree.css(".media a")[1]) == "Download video/mp4, 1 min 1 s"


def test_a_site_at_an_http_address_plays_what_is_at_one() -> None:
    """As its policy says, also on the page of an article; its browsers do not ask for https instead."""
    look = PageLook(plays_http=True, mark="x")
    files = (Enclosure(url="http://tea.example/2.mp3", type="audio/mpeg"),)
    item = item_of(article_with(enclosures=files))
    own = Html().render_article(item, site="Tea", root="../", version="1", look=look)
    for tree in (page(item, look=look), LexborHTMLParser(own.decode())):
        assert values(tree, "audio", "src") == [files[0].url]
        assert "media-src https: http:" in str(values(tree, "meta[http-equiv]", "content")[0])
    assert values(page(item), "audio", "src") == []  # the same item, rendered before


def test_without_a_summary_the_body_begins_the_entry() -> None:
    """A list of titles alone tells a reader little."""
    tree = page(item_of(article_with(summary="", content="<p>All <b>of</b> it &lt;here&gt;</p>")))
    assert words(one(tree, ".teaser")) == "All of it <here>"


def test_titles_that_never_end_are_cut() -> None:
    """A thousand characters of a title are no title."""
    heading = one(page(item_of(article_with(title="word " * 300))), "article h2")
    assert words(heading).endswith("word…")
    assert len(words(heading)) <= 200


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://tea.example/1.jpg", 1),
        ("http://tea.example/1.jpg", 1),
        ("ftp://tea.example/1.jpg", 0),
        ("javascript:alert(1)", 0),
        ("data:image/png;base64,AAAA", 0),
        ("/1.jpg", 0),
    ],
)
def test_only_web_pictures_are_asked_for(url: str, shown: int) -> None:
    """The policy allows no others; those of our own folder are not an entry's to name."""
    tree = page(item_of(article_with(headimg=url)), image=url)
    assert (len(tree.css("article img")), len(tree.css(".logo"))) == (shown, shown)


def test_bidi_controls_are_gone_and_names_are_isolated() -> None:
    """A right-to-left override in one title would turn the whole page around."""
    tree = page(item_of(article_with(title="\u202eevil\u2066", authors=("\u202eBo",), summary="\u202dx")))
    assert words(one(tree, "article h2")) == "evil"
    assert one(tree, "article").attributes["dir"] == "auto"
    assert [words(node) for node in tree.css("article .facts bdi")] == ["Tea & leaves", "Bo"]


def test_feeds_are_linked_for_people_and_for_browsers() -> None:
    """Those that are written, and no others."""
    tree = page(files=("rss.xml", "feed.json", "index.html"))
    assert values(tree, "nav .feeds a") == ["rss.xml", "feed.json"]
    assert values(tree, "link[rel=alternate]") == ["rss.xml", "feed.json"]
    assert values(tree, "link[rel=alternate]", "type") == ["application/rss+xml", "application/feed+json"]
    assert page(files=("index.html",)).css(".feeds, link[rel=alternate]") == []


def test_without_a_public_address_links_name_files() -> None:
    """A file manager shows no index.html for a folder."""
    tree = page(link="", self_links={}, chain=Chain(older="archive/3/"))
    assert values(tree, ".pages a") == ["archive/3/index.html"]
    assert values(tree, "header nav a")[0] == "../index.html"
    assert values(tree, "link[rel=stylesheet]") == ["../style.css"]
    assert tree.css("link[rel=canonical]") == []


def test_with_a_public_address_links_name_folders() -> None:
    """One address a page, and it says which."""
    tree = page(chain=Chain(older="https://feeds.example/drinks/archive/3/"))
    assert values(tree, ".pages a") == ["https://feeds.example/drinks/archive/3/"]
    assert values(tree, "header nav a")[0] == "../"
    assert values(tree, "link[rel=canonical]") == ["https://feeds.example/drinks/"]


def test_an_archive_page_links_its_neighbours_and_the_current_feeds() -> None:
    """A subscription to a document that never changes has no use."""
    chain = Chain(number=2, is_full=True, older="../1/", newer="../3/", current="../../")
    tree = page(
        item_of(), chain=chain, root="../../../", link="", self_links={}, files=("rss.xml", "index.html")
    )
    assert values(tree, ".pages a") == ["../3/index.html", "../../index.html", "../1/index.html"]
    assert values(tree, ".pages a", "rel") == ["prev", None, "next"]
    assert values(tree, ".feeds a") == values(tree, "link[rel=alternate]") == ["../../rss.xml"]
    assert values(tree, "link[rel=stylesheet]") == ["../../../style.css"]
    assert words(one(tree, "title")) == "Drinks & more (archive 2)"


def test_an_archive_has_an_address_of_its_own() -> None:
    """It is no copy of the newest page."""
    links = {"index.html": "https://feeds.example/drinks/archive/2/index.html"}
    tree = page(chain=Chain(number=2, current="https://feeds.example/drinks/"), self_links=links)
    assert values(tree, "link[rel=canonical]") == ["https://feeds.example/drinks/archive/2/"]


def test_a_page_shows_the_number_of_articles() -> None:
    """Of the category, not of this page."""
    assert "1,234 articles · updated 2 January 2026, 03:04 UTC" in words(
        one(page(total=1_234), "header > .facts")
    )
    assert "1 article ·" in words(one(page(total=1), "header > .facts"))


def test_a_description_that_repeats_the_title_is_left_out() -> None:
    """Publishing falls back to it."""
    assert page(description="Drinks & more").css("header > p:not(.facts)") == []
    assert words(page(description="Else").css("header > p")[0]) == "Else"


def test_the_page_of_an_empty_category_says_that_it_is_empty() -> None:
    """A blank page looks broken."""
    assert "nothing here yet" in words(one(page(), "main"))


def test_moments_read_alike_in_every_locale_of_the_machine() -> None:
    """Day first, month in words, 24 hours."""
    moment = locale_of(None, "UTC").moment
    assert moment(datetime(2026, 11, 2, 9, 5, tzinfo=UTC)) == "2 November 2026, 09:05 UTC"
    assert moment(datetime(999, 1, 31, tzinfo=UTC)) == "31 January 999, 00:00 UTC"


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ([0], ("M94 16v-16", 1, "span_day")),
        ([-5], ("M94 16v-16", 1, "span_day")),
        ([0, 24], ("M2 16v-16M94 16v-16", 2, "span_day")),
        ([0, 1, 160], ("M6 16v-8M94 16v-16", 3, "span_week")),
        ([24 * 20], ("M30 16v-16", 1, "span_month")),
        ([24 * 300], ("M18 16v-16", 1, "span_year")),
        ([24 * 3000], ("M18 16v-16", 1, "span_years")),
        ([24 * 36500], ("M2 16v-16", 1, "span_years")),
    ],
    ids=str,
)
def test_a_rhythm_is_drawn_in_the_shortest_span_that_holds_it(
    hours: list[int], message: tuple[str, int, str]
) -> None:
    """The right end is the newest poll; the highest bar fills the chart."""
    moments = [datetime.fromtimestamp(SEEN.timestamp() - 3600 * hour, UTC) for hour in hours]
    assert rhythm(moments, SEEN) == message


def test_without_dates_there_is_no_rhythm() -> None:
    """An empty chart would say that nothing was published."""
    assert rhythm((), SEEN) is None
