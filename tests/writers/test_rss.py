"""RSS 2.0 as it leaves: element by element."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from aggregator.model.article import Enclosure, Origin
from aggregator.model.struct import replace
from aggregator.writers.channel import Chain
from aggregator.writers.rss import Rss
from tests.support.channels import ARTICLE, article_with, channel_of, item_of

DC, MEDIA = "{http://purl.org/dc/elements/1.1/}", "{http://search.yahoo.com/mrss/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
ATOM_LINK = "{http://www.w3.org/2005/Atom}link"


def channel_node(**changes: Any) -> etree._Element:
    return etree.fromstring(Rss().render(channel_of(**changes)))[0]


def item_node(item_id: str | None = None, **changes: Any) -> etree._Element:
    body = Rss().render(channel_of(item_of(article_with(**changes), item_id)))
    found = etree.fromstring(body).find("channel/item")
    assert found is not None
    return found


def tags(node: etree._Element) -> list[str]:
    return [str(child.tag) for child in node]


def test_a_channel_has_its_link_and_date_of_change() -> None:
    """The date is the newest change, never the clock; the link is the page, whatever else is linked."""
    node = channel_node()
    assert node.findtext("link") == "https://feeds.example/drinks/"
    assert node.findtext("lastBuildDate") == "Fri, 02 Jan 2026 03:04:05 GMT"
    assert node.findtext("generator") == "Aggregator 1.2"
    assert node.findtext("language") == "en"
    assert node.find("docs") is None
    assert [dict(link.attrib) for link in node.findall(ATOM_LINK)] == [
        {"href": "https://feeds.example/drinks/rss.xml", "rel": "self", "type": "application/rss+xml"},
        {"href": "https://feeds.example/drinks/atom.xml", "rel": "alternate", "type": "application/atom+xml"},
    ]


def test_without_a_public_address_the_link_is_the_channels_id() -> None:
    """RSS 2.0 requires a link; the id is the one absolute URI that there is."""
    node = channel_node(link="", self_links={})
    assert node.findtext("link") == "tag:feeds.example,2026:drinks"
    assert node.find(ATOM_LINK) is None


def test_plain_text_has_hexadecimal_references_once() -> None:
    """Profile, Character Data: shown right by the most readers; bodies are HTML and stay as they are."""
    body = Rss().render(channel_of(item_of()))
    assert b"<title>Drinks &#x26; more</title>" in body
    assert b"<title>Tea &#x26; &#x3C;cake&#x3E;</title>" in body
    assert b"<category>Q&#x26;A</category>" in body
    assert b"<dc:creator>Bo &#x3C; b&#x3E;</dc:creator>" in body
    assert b">Tea &#x26; leaves</source>" in body
    assert b"<description>&lt;p&gt;Hot &amp;amp; sweet&lt;/p&gt;</description>" in body


@pytest.mark.parametrize(
    ("item_id", "link", "permanent"),
    [
        ("https://tea.example/1", "https://tea.example/1", "true"),
        ("https://tea.example/?p=1", "https://tea.example/1", "false"),
        ("tag:tea.example,2026:1", "https://tea.example/1", "false"),
        ("magnet:?xt=1", "magnet:?xt=1", "false"),
        ("https://tea.example/1", None, "false"),
    ],
    ids=["the link", "another address", "a tag", "not http", "no link"],
)
def test_a_guid_is_a_permalink_only_when_it_is_the_link(
    item_id: str, link: str | None, permanent: str
) -> None:
    """A reader opens a permalink: it must be the article's page."""
    guid = item_node(item_id, link=link).find("guid")
    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == (item_id, permanent)


def test_authors_are_creators_without_e_mail() -> None:
    """RSS <author> is an e-mail address, which we neither have nor publish; a tag in a name stays text."""
    node = item_node()
    assert [creator.text for creator in node.findall(DC + "creator")] == ["Ann", "Bo < b>"]
    assert node.find("author") is None


def test_the_content_follows_the_description() -> None:
    """Some readers take the last of the two; the profile wants this order."""
    names = tags(item_node())
    assert names.index("description") < names.index(CONTENT)


@pytest.mark.parametrize(
    ("changes", "title", "description", "content"),
    [
        ({"summary": ""}, "Tea & <cake>", None, ARTICLE.content),
        ({"title": ""}, None, ARTICLE.summary, ARTICLE.content),
        ({"title": "", "summary": ""}, "https://tea.example/1", None, ARTICLE.content),
        ({"title": "", "summary": "", "content": "", "link": None}, "tag:x,2026:1", None, None),
    ],
    ids=["no summary", "no title", "neither", "nothing at all"],
)
def test_an_item_has_a_title_or_a_description(
    changes: dict[str, Any], title: str | None, description: str | None, content: str | None
) -> None:
    """RSS 2.0 requires one of them; the other is not made up."""
    node = item_node("tag:x,2026:1", **changes)
    assert (node.findtext("title"), node.findtext("description"), node.findtext(CONTENT)) == (
        title,
        description,
        content,
    )


def test_the_first_enclosure_is_the_enclosure_and_others_are_media() -> None:
    """Profile: one an item; feedgen would write the last."""
    node = item_node()
    assert [dict(e.attrib) for e in node.findall("enclosure")] == [
        {"url": "https://tea.example/1.mp3", "length": "5", "type": "audio/mpeg"}
    ]
    media = node.find(MEDIA + "content")
    assert media is not None
    assert sorted(media.attrib.items()) == [("type", "video/mp4"), ("url", "https://tea.example/1.mp4")]
    assert media.findtext(MEDIA + "title") == "Pour & stir"


def test_an_enclosure_of_unknown_length_and_type_has_default_values() -> None:
    """Both attributes are required: 0 bytes, and the type that means any."""
    enclosure = item_node(enclosures=(Enclosure(url="https://tea.example/x", type="what?", length=-3),)).find(
        "enclosure"
    )
    assert enclosure is not None
    assert (enclosure.get("length"), enclosure.get("type")) == ("0", "application/octet-stream")


def test_an_enclosure_that_is_not_http_is_media_only() -> None:
    """RSS 2.0 <enclosure>: the url must be an http url."""
    node = item_node(enclosures=(Enclosure(url="magnet:?xt=1"), Enclosure(url="https://tea.example/1.mp3")))
    assert [e.get("url") for e in node.findall("enclosure")] == ["https://tea.example/1.mp3"]
    assert [e.get("url") for e in node.findall(MEDIA + "content")] == ["magnet:?xt=1"]


def test_the_source_needs_an_address() -> None:
    """RSS 2.0 <source>: url is required; without it there is no source."""
    source = item_node().find("source")
    assert source is not None
    assert (source.get("url"), source.text) == ("https://tea.example/feed", "Tea & leaves")
    assert item_node(origin=replace(ARTICLE.origin, self_link=None)).find("source") is None
    assert (
        item_node(origin=Origin(self_link="https://tea.example/f")).findtext("source")
        == "https://tea.example/f"
    )


def test_comments_and_rights_are_kept() -> None:
    """They have elements of their own in RSS and Dublin Core."""
    node = item_node()
    assert node.findtext("comments") == "https://tea.example/1#c"
    assert node.findtext(DC + "rights") == "Ann & Bo"


@pytest.mark.parametrize(
    ("origin", "extra", "written"),
    [("de", {}, "de"), ("en", {"language": "fr"}, "fr"), ("en", {}, None), (None, {}, None)],
    ids=["the feed's", "its own", "the channel's", "unknown"],
)
def test_an_item_in_another_language_has_dc_language(
    origin: str | None, extra: dict[str, Any], written: str | None
) -> None:
    """RSS has a language for the channel alone; Dublin Core's serves items."""
    assert item_node(origin=Origin(language=origin), extra=extra).findtext(DC + "language") == written


def test_contributors_are_named_after_the_creators() -> None:
    """As they came in; a tag in a name stays text."""
    node = item_node(extra={"contributors": ["Cy <i>"]})
    assert node.findtext(DC + "contributor") == "Cy < i>"


def test_the_channels_picture_is_an_image_with_title_and_link() -> None:
    """RSS 2.0 <image>: title and link are the channel's; podcast players look for itunes:image."""
    podcast = Rss().render(channel_of(item_of(), image="https://feeds.example/t.png"))
    node = etree.fromstring(podcast)[0]
    image = node.find("image")
    assert image is not None
    assert [(child.tag, child.text) for child in image] == [
        ("url", "https://feeds.example/t.png"),
        ("title", "Drinks & more"),
        ("link", "https://feeds.example/drinks/"),
    ]
    itunes = "{http://www.itunes.com/dtds/podcast-1.0.dtd}image"
    assert [picture.get("href") for picture in node.findall(itunes)] == ["https://feeds.example/t.png"]
    assert channel_node(image="https://feeds.example/t.png").find(itunes) is None
    assert channel_node(image="t.png").find("image") is None


@pytest.mark.parametrize("is_full", [True, False], ids=["full", "still filling"])
def test_an_archive_is_marked_when_it_is_full(is_full: bool) -> None:
    """RFC 5005 §4: what is said to be an archive does not change any more."""
    node = channel_node(chain=Chain(number=1, is_full=is_full, current="../../"))
    assert (node.find("{http://purl.org/syndication/history/1.0}archive") is not None) is is_full
    assert [link.get("rel") for link in node.findall(ATOM_LINK)] == ["self", "alternate", "current"]


def test_the_channels_links_are_in_atoms_namespace() -> None:
    """Hubs after self; the page is the <link>."""
    node = channel_node(hubs=("https://hub.example/",))
    assert [dict(link.attrib) for link in node.findall(ATOM_LINK)][1] == {
        "href": "https://hub.example/",
        "rel": "hub",
    }
