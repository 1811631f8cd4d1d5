"""Atom 1.0 as it leaves: element by element."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from lxml import etree

from aggregator.model.article import Origin
from aggregator.model.struct import replace
from aggregator.writers.atom import Atom
from aggregator.writers.channel import Chain, Channel
from aggregator.writers.feedgen_repair import head_of, new_feed
from aggregator.writers.head_links import relations
from tests.support.channels import ARTICLE, CHANNELS, article_with, channel_of, item_of
from tests.support.examples import examples

NS = {"a": "http://www.w3.org/2005/Atom"}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def feed_node(**changes: Any) -> etree._Element:
    return etree.fromstring(Atom().render(channel_of(item_of(), **changes)))


def entry_node(**changes: Any) -> etree._Element:
    found = etree.fromstring(Atom().render(channel_of(item_of(article_with(**changes))))).find("a:entry", NS)
    assert found is not None
    return found


def links(node: etree._Element) -> list[dict[str, str]]:
    return [{str(k): str(v) for k, v in link.attrib.items()} for link in node.findall("a:link", NS)]


def test_a_feed_has_self_link_alternate_and_date_of_change() -> None:
    """§4.1.1; at most one alternate of a type."""
    node = feed_node()
    assert node.findtext("a:updated", namespaces=NS) == "2026-01-02T03:04:05+00:00"
    assert node.get(LANG) == "en"
    generator = node.find("a:generator", NS)
    assert generator is not None
    assert (generator.text, generator.get("version")) == ("Aggregator", "1.2")
    assert links(node) == [
        {"href": "https://feeds.example/drinks/atom.xml", "rel": "self", "type": "application/atom+xml"},
        {"href": "https://feeds.example/drinks/", "rel": "alternate", "type": "text/html"},
        {"href": "https://feeds.example/drinks/rss.xml", "rel": "alternate", "type": "application/rss+xml"},
    ]


@settings(max_examples=examples(100), deadline=None)
@given(CHANNELS)
def test_the_head_is_the_one_that_feedgen_writes(channel: Channel) -> None:
    """Dates and links too, which are inserted into a head that is made once for all archives of a feed."""
    feed = new_feed(head_of(channel), channel.updated, frozenset())
    feed.link([*relations(channel, "atom.xml")])
    chain = replace(channel.chain, is_full=False)
    written = Atom().render(replace(channel, items=(), chain=chain))
    assert written.splitlines() == feed.atom_str(pretty=True).splitlines()


def test_every_enclosure_is_a_link_with_its_attributes() -> None:
    """feedgen wrote href alone, which made alternates of them (its issue 135)."""
    assert links(entry_node()) == [
        {"href": "https://tea.example/1"},
        {"rel": "enclosure", "href": "https://tea.example/1.mp3", "type": "audio/mpeg", "length": "5"},
        {
            "rel": "enclosure",
            "href": "https://tea.example/1.mp4",
            "type": "video/mp4",
            "title": "Pour & stir",
        },
        {"rel": "replies", "href": "https://tea.example/1#c", "type": "text/html"},
    ]


def test_other_links_are_kept_by_relation() -> None:
    """Only relations that point elsewhere: no second alternate, self or edit comes through."""
    given = [
        {"rel": "related", "href": "https://cake.example/", "title": "Cake"},
        {"rel": "alternate", "href": "https://evil.example/"},
        {"rel": "via", "href": "javascript:alert(1)"},
        {"rel": "via"},
        "text",
    ]
    assert links(entry_node(extra={"links": given}, enclosures=()))[1:] == [
        {"rel": "related", "href": "https://cake.example/", "title": "Cake"}
    ]


@pytest.mark.parametrize(
    ("authors", "origin", "expected"),
    [
        (("Ann", "Bo"), "Tea", ["Ann", "Bo"]),
        ((), "Tea", ["Tea"]),
        ((" ",), "", ["Drinks & more"]),
    ],
    ids=["its own", "the origin's title", "the channel's title"],
)
def test_every_entry_has_an_author(authors: tuple[str, ...], origin: str, expected: list[str]) -> None:
    """§4.1.2, whatever the source left out."""
    node = entry_node(authors=authors, origin=Origin(title=origin))
    assert [name.text for name in node.findall("a:author/a:name", NS)] == expected


def test_the_source_is_written_in_full() -> None:
    """§4.2.11: id, title, updated, links and rights of the feed that the entry is from."""
    source = entry_node().find("a:source", NS)
    assert source is not None
    assert source.findtext("a:id", namespaces=NS) == "tag:tea.example,2026:f"
    assert source.findtext("a:title", namespaces=NS) == "Tea & leaves"
    assert source.findtext("a:updated", namespaces=NS) == "2026-01-03T00:00:00+00:00"
    assert source.findtext("a:rights", namespaces=NS) == "Ann & Bo"
    assert source.get(LANG) == "en-GB"
    assert links(source) == [
        {"rel": "alternate", "href": "https://tea.example/"},
        {"rel": "self", "href": "https://tea.example/feed"},
    ]


@pytest.mark.parametrize(
    ("origin", "source_id"),
    [
        (Origin(id="not a URI", link="https://a/", self_link="https://a/f"), "https://a/f"),
        (Origin(link="https://a/"), "https://a/"),
        (Origin(id="urn:x:1"), "urn:x:1"),
    ],
    ids=["self link", "link", "id"],
)
def test_a_source_without_a_usable_id_has_its_address(origin: Origin, source_id: str) -> None:
    """RSS feeds have no id; their address serves, and the entry's date for a missing one."""
    node = entry_node(origin=origin)
    assert node.findtext("a:source/a:id", namespaces=NS) == source_id
    assert node.findtext("a:source/a:updated", namespaces=NS) == "2026-01-02T03:04:05+00:00"


def test_an_unknown_origin_leaves_no_source() -> None:
    """An empty atom:source would say less than none."""
    assert entry_node(origin=Origin()).find("a:source", NS) is None


@pytest.mark.parametrize(
    ("link", "content", "written"),
    [("https://tea.example/1", "", None), (None, "", ""), (None, "<p>x</p>", "<p>x</p>")],
    ids=["link only", "neither", "content only"],
)
def test_an_entry_has_content_or_an_alternate_link(
    link: str | None, content: str, written: str | None
) -> None:
    """§4.1.2: without either, empty content stands in."""
    node = entry_node(link=link, content=content).find("a:content", NS)
    assert (None if node is None else node.text or "") == written


def test_bodies_are_typed_and_titles_are_text() -> None:
    """§3.1: without a type, tags would be shown; a title is text without saying so."""
    node = entry_node()
    types = {str(n.tag).rpartition("}")[2]: n.get("type") for n in node if "}" in str(n.tag)}
    assert (types["content"], types["summary"], types["title"]) == ("html", "html", None)
    assert node.findtext("a:title", namespaces=NS) == ARTICLE.title


def test_an_empty_title_stays_empty() -> None:
    """§4.1.2 wants the element, not a text; feedgen refuses an empty one."""
    title = entry_node(title="").find("a:title", NS)
    assert title is not None
    assert not title.text


@pytest.mark.parametrize(
    ("extra", "origin", "language"),
    [
        ({"language": "fr"}, "de", "fr"),
        ({}, "de", "de"),
        ({"language": "no tag"}, None, None),
        ({}, None, None),
    ],
    ids=["the article's", "the origin's", "not a tag", "unknown"],
)
def test_an_entry_has_its_language(extra: dict[str, Any], origin: str | None, language: str | None) -> None:
    """A channel mixes sources of several languages."""
    assert entry_node(extra=extra, origin=Origin(language=origin)).get(LANG) == language


def test_rights_are_the_articles_own() -> None:
    """Those of the origin stand in its atom:source."""
    assert entry_node(extra={"rights": "CC BY"}).findtext("a:rights", namespaces=NS) == "CC BY"
    assert entry_node().find("a:rights", NS) is None


def test_contributors_are_persons() -> None:
    """§4.2.3"""
    node = entry_node(extra={"contributors": ["Cy <i>"]})
    assert [name.text for name in node.findall("a:contributor/a:name", NS)] == ["Cy <i>"]


def test_the_channels_picture_is_logo_and_icon() -> None:
    """§4.2.5, §4.2.8: readers look for one or the other."""
    node = feed_node(image="https://feeds.example/t.png")
    assert node.findtext("a:logo", namespaces=NS) == node.findtext("a:icon", namespaces=NS)
    assert node.findtext("a:icon", namespaces=NS) == "https://feeds.example/t.png"
    assert feed_node().find("a:logo", NS) is None


def test_hubs_and_neighbours_are_links() -> None:
    """WebSub §4, RFC 5005 §4: hubs follow self; a full archive is marked as one."""
    chain = Chain(number=2, is_full=True, older="../1/", newer="../3/", current="../../")
    node = feed_node(hubs=("https://hub.example/",), chain=chain)
    assert [link["rel"] for link in links(node)] == [
        *("self", "hub", "alternate", "alternate", "current", "prev-archive", "next-archive")
    ]
    assert links(node)[1] == {"href": "https://hub.example/", "rel": "hub"}
    assert links(node)[-2]["href"] == "../1/atom.xml"
    marker = "{http://purl.org/syndication/history/1.0}archive"
    assert node.find(marker) is not None
    assert feed_node(chain=Chain(number=2, current="../../")).find(marker) is None
    assert feed_node(chain=Chain(older="archive/1/")).find(marker) is None
