"""A podcast goes out as it came in: chapters, value, alternate enclosures, and what it says of itself."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from tests.support.site import Site

NAMES = {
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "podcast": "https://podcastindex.org/namespace/1.0",
    "psc": "http://podlove.org/simple-chapters",
    "media": "http://search.yahoo.com/mrss/",
    "geo": "http://www.w3.org/2003/01/geo/wgs84_pos#",
}
CHANNEL = """<itunes:author>Ann</itunes:author>
<itunes:owner><itunes:name>Ann</itunes:name><itunes:email>ann@tea.example</itunes:email></itunes:owner>
<itunes:explicit>false</itunes:explicit><itunes:type>serial</itunes:type>
<itunes:category text="Society &amp; Culture"><itunes:category text="Documentary"/></itunes:category>
<podcast:guid>917393e3-1b1e-5cef-ace4-edaa54e1f810</podcast:guid>
<podcast:locked owner="ann@tea.example">yes</podcast:locked>
<podcast:funding url="javascript:x()">Pay</podcast:funding>"""
ITEM = """<psc:chapters version="1.2"><psc:chapter start="00:00:00" title="Start" href="/one"/>
<psc:chapter start="00:01:00" title="End"/></psc:chapters>
<podcast:value type="lightning" method="keysend"><podcast:valueRecipient name="Ann" split="90"/>
<podcast:valueTimeSplit startTime="60"><podcast:remoteItem itemGuid="a" feedGuid="b"/>
</podcast:valueTimeSplit></podcast:value>
<podcast:alternateEnclosure type="audio/opus" length="5"><podcast:source uri="/a.opus"/>
<podcast:source uri="/b.opus"/></podcast:alternateEnclosure>
<media:community><media:starRating average="3.5"/><media:statistics views="5"/></media:community>
<geo:Point><geo:lat>26.58</geo:lat><geo:long>-97.83</geo:long></geo:Point>
<podcast:person role="host" href="/ann">Ann</podcast:person>"""


def podcast(item: str = ITEM, channel: str = CHANNEL) -> bytes:
    """A podcast of one episode."""
    namespaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
    return (
        f"<rss version='2.0' {namespaces}><channel><title>Tea</title><link>https://tea.example/</link>"
        f"<description>d</description>{channel}<item><title>One</title><guid>a</guid>"
        "<pubDate>Mon, 05 Jan 2026 00:00:00 GMT</pubDate>"
        f"<link>https://tea.example/e/</link>{item}</item></channel></rss>"
    ).encode()


def published(tmp_path: Path, *feeds: bytes) -> etree._Element:
    """The RSS feed that is made of these."""
    site = Site(tmp_path)
    sources = []
    for number, body in enumerate(feeds):
        file = tmp_path / f"{number}.xml"
        file.write_bytes(body)
        sources.append({"name": str(number), "url": file.as_uri(), "categories": ["Casts"]})
    site.configure(*sources)
    assert site.run("fetch").exit_code == 0
    return etree.fromstring((site.output / "Casts" / "rss.xml").read_bytes())


def shape(element: etree._Element) -> object:
    """An element as nested tuples."""
    return (
        etree.QName(element).localname,
        (element.text or "").strip(),
        {str(key): str(value) for key, value in element.attrib.items()},
        [shape(child) for child in element],
    )


def found(root: etree._Element, name: str) -> list[object]:
    """The elements of this name, each with what is in it."""
    return [shape(element) for element in root.findall(name, NAMES)]


def test_elements_keep_what_is_in_them(tmp_path: Path) -> None:
    """In their order and depth, with attributes of every name; addresses become absolute."""
    root = published(tmp_path, podcast())
    item = root.find("channel/item")
    assert item is not None
    assert found(item, "psc:chapters") == [
        ("chapters", "", {"version": "1.2"}, [
            ("chapter", "", {"start": "00:00:00", "title": "Start", "href": "https://tea.example/one"}, []),
            ("chapter", "", {"start": "00:01:00", "title": "End"}, []),
        ])
    ]  # fmt: skip
    assert found(item, "podcast:value") == [
        ("value", "", {"type": "lightning", "method": "keysend"}, [
            ("valueRecipient", "", {"name": "Ann", "split": "90"}, []),
            ("valueTimeSplit", "", {"startTime": "60"}, [
                ("remoteItem", "", {"itemGuid": "a", "feedGuid": "b"}, [])
            ]),
        ])
    ]  # fmt: skip
    assert found(item, "podcast:alternateEnclosure") == [
        ("alternateEnclosure", "", {"type": "audio/opus", "length": "5"}, [
            ("source", "", {"uri": "https://tea.example/a.opus"}, []),
            ("source", "", {"uri": "https://tea.example/b.opus"}, []),
        ])
    ]  # fmt: skip
    assert found(item, "media:community") == []
    assert found(item, "geo:Point") == [
        ("Point", "", {}, [("lat", "26.58", {}, []), ("long", "-97.83", {}, [])])
    ]
    assert found(item, "podcast:person") == [
        ("person", "Ann", {"role": "host", "href": "https://tea.example/ann"}, [])
    ]
    for stray in ("psc:chapter", "podcast:valueRecipient", "podcast:source", "media:statistics", "geo:lat"):
        assert item.find(stray, NAMES) is None


def test_podcast_elements_are_published_if_a_category_has_one_source(tmp_path: Path) -> None:
    """Owner, categories of directories, guid; no active content."""
    channel = published(tmp_path / "one", podcast()).find("channel")
    assert channel is not None
    assert found(channel, "itunes:owner") == [
        ("owner", "", {}, [("name", "Ann", {}, []), ("email", "ann@tea.example", {}, [])])
    ]
    assert found(channel, "itunes:category") == [
        ("category", "", {"text": "Society & Culture"}, [("category", "", {"text": "Documentary"}, [])])
    ]
    assert found(channel, "podcast:guid") == [("guid", "917393e3-1b1e-5cef-ace4-edaa54e1f810", {}, [])]
    assert found(channel, "podcast:locked") == [("locked", "yes", {"owner": "ann@tea.example"}, [])]
    assert found(channel, "podcast:funding") == [("funding", "Pay", {}, [])]
    for name, text in (("author", "Ann"), ("explicit", "false"), ("type", "serial")):
        assert found(channel, f"itunes:{name}") == [(name, text, {}, [])]
    both = published(tmp_path / "two", podcast(), podcast("", ""))
    assert both.find("channel/podcast:guid", NAMES) is None
    assert both.find("channel/itunes:owner", NAMES) is None


def test_elements_nested_too_deeply_or_too_many_are_cut(tmp_path: Path) -> None:
    """What is left is whole."""
    deep = "<podcast:value type='lightning' method='keysend'>" * 30 + "</podcast:value>" * 30
    chapters = '<psc:chapter start="1"/>' * 600
    wide = f"<psc:chapters>{chapters}</psc:chapters>"
    item = published(tmp_path, podcast(deep + wide)).find("channel/item")
    assert item is not None
    assert len(item.findall(".//podcast:value", NAMES)) == 6
    assert len(item.findall(".//psc:chapter", NAMES)) == 500
