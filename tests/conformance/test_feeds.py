"""The checker finds nothing in a document that conforms, and each violation in one that does not."""

from __future__ import annotations

import pytest

from tests.conformance.documents import check_atom, check_rss

RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/"><channel>
<title>Tea &#x26; cake</title><link>https://tea.example/</link><description>About tea</description>
<language>en-GB</language><lastBuildDate>Fri, 02 Jan 2026 03:04:05 GMT</lastBuildDate>
<atom:link href="https://tea.example/rss.xml" rel="self" type="application/rss+xml"/>
<item><title>One</title><link>https://tea.example/1</link><guid isPermaLink="true">https://tea.example/1</guid>
<pubDate>Thu, 01 Jan 2026 03:04:05 GMT</pubDate><dc:creator>Ann</dc:creator><category>tea</category>
<comments>https://tea.example/1#c</comments><source url="https://leaf.example/f">Leaf</source>
<description>&lt;p&gt;Hot&lt;/p&gt;</description><content:encoded>&lt;p&gt;Hot tea&lt;/p&gt;</content:encoded>
<enclosure url="https://tea.example/1.mp3" length="0" type="audio/mpeg"/>
<media:content url="https://tea.example/1.jpg"/></item>
<item><description>Two</description><guid isPermaLink="false">tag:tea.example,2026:2</guid></item>
</channel></rss>"""

ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><id>tag:tea.example,2026:f</id>
<title>Tea &amp; cake</title>
<updated>2026-01-02T03:04:05Z</updated><link rel="self" href="https://tea.example/atom.xml"/>
<link href="https://tea.example/" type="text/html"/><generator version="1">Kettle</generator>
<entry><id>https://tea.example/1</id><title type="text">One</title>
<updated>2026-01-01T03:04:05.5+01:00</updated>
<published>2026-01-01T03:04:05Z</published><author><name>Ann</name><uri>https://ann.example/</uri></author>
<link rel="alternate" href="https://tea.example/1"/><category term="tea" scheme="https://tea.example/tags"/>
<link rel="enclosure" href="https://tea.example/1.mp3" type="audio/mpeg" length="5"/>
<content type="html">&lt;p&gt;Hot&lt;/p&gt;</content><rights>mine</rights>
<source><id>tag:leaf.example,2026:f</id><title>Leaf</title><updated>2026-01-01T00:00:00Z</updated>
<link rel="self" href="https://leaf.example/f"/></source></entry>
<entry><id>tag:tea.example,2026:2</id><title/><updated>2026-01-01T03:04:05Z</updated>
<source><author><name>Bo</name></author></source><link href="https://tea.example/2"/>
<summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">Two</div></summary></entry></feed>"""


def test_a_conformant_rss_document_has_no_violations() -> None:
    """Every element that a writer may use passes."""
    assert check_rss(RSS.encode(), self_link=True) == []


def test_a_conformant_atom_document_has_no_violations() -> None:
    """Every element that a writer may use passes."""
    assert check_atom(ATOM.encode(), self_link=True) == []


RSS_MUTATIONS = {
    "encoding": ("'UTF-8'", "'ISO-8859-1'", "says UTF-8"),
    "not well formed": ("</channel>", "</canal>", "not well-formed"),
    "doctype": ("?>\n<rss", "?>\n<!DOCTYPE rss [<!ENTITY a 'b'>]>\n<rss", "type declaration"),
    "version": ('version="2.0"', 'version="0.91"', "the root"),
    "second channel": ("</channel></rss>", "</channel><channel/></rss>", "other than one"),
    "no channel title": ("<title>Tea &#x26; cake</title>", "", "0 <title>"),
    "no channel link": ("<link>https://tea.example/</link>", "", "0 <link>"),
    "no description": ("<description>About tea</description>", "", "0 <description>"),
    "empty description": (">About tea<", "><", "<description> is empty"),
    "relative channel link": ("<link>https://tea.example/<", "<link>/<", "<link> '/'"),
    "language": ("en-GB", "English, British", "no language tag"),
    "unknown element": ("<language>", "<tongue/><language>", "<tongue> is not known"),
    "two-digit year": ("Fri, 02 Jan 2026", "Fri, 02 Jan 26", "four-digit year"),
    "ISO date": ("Thu, 01 Jan 2026 03:04:05 GMT", "2026-01-01T03:04:05Z", "no RFC 822 date"),
    "day of the week": ("Thu, 01 Jan", "Wed, 01 Jan", "wrong day"),
    "impossible day": ("Thu, 01 Jan", "32 Jan", "calendar"),
    "month in another language": ("01 Jan", "01 janv.", "no RFC 822 date"),
    "self link twice": (
        "<item><title>",
        '<atom:link href="https://tea.example/r" rel="self" type="application/rss+xml"/><item><title>',
        "2 atom:link",
    ),
    "type of the self link": ('type="application/rss+xml"', 'type="text/xml"', "has type 'text/xml'"),
    "no self link": ('rel="self"', 'rel="alternate"', "0 atom:link"),
    "neither title nor description": ("<description>Two</description>", "", "neither <title>"),
    "relative link": ("<link>https://tea.example/1<", "<link>1<", "<link> '1'"),
    "IRI": ("<link>https://tea.example/1<", "<link>https://tea.example/ä<", "not an absolute URI"),
    "space in link": (
        "<link>https://tea.example/1<",
        "<link>https://tea.example/a b<",
        "not an absolute URI",
    ),
    "no host": ("<link>https://tea.example/1<", "<link>https:///1<", "has no host"),
    "no guid": ('<guid isPermaLink="false">tag:tea.example,2026:2</guid>', "", "0 <guid>"),
    "repeated guid": ("tag:tea.example,2026:2", "https://tea.example/1", "occurs 2 times"),
    "false permalink": ('isPermaLink="false"', 'isPermaLink="true"', "said to be a permalink"),
    "default permalink": (' isPermaLink="false"', "", "said to be a permalink"),
    "denied permalink": ('isPermaLink="true"', 'isPermaLink="false"', "the guid is the <link>"),
    "isPermaLink value": ('isPermaLink="true"', 'isPermaLink="yes"', "isPermaLink 'yes'"),
    "padded guid": (">tag:tea.example,2026:2", "> tag:tea.example,2026:2", "padded"),
    "two enclosures": (
        "<media:content",
        '<enclosure url="https://a/" length="1" type="a/b"/><media:content',
        "2 <encl",
    ),
    "enclosure without length": (' length="0"', "", "without length"),
    "enclosure without type": (' type="audio/mpeg"', "", "without type"),
    "enclosure length": ('length="0"', 'length="-1"', "number of bytes"),
    "enclosure type": ('"audio/mpeg"', '"mp3"', "no media type"),
    "enclosure scheme": ("https://tea.example/1.mp3", "ftp://tea.example/1.mp3", "none of http"),
    "enclosure attribute": ('length="0"', 'length="0" title="x"', "has an attribute title"),
    "source without url": (' url="https://leaf.example/f"', "", "<source> without url"),
    "relative source": ('url="https://leaf.example/f"', 'url="f"', "source url 'f'"),
    "empty category": ("<category>tea<", "<category><", "<category> is empty"),
    "author without e-mail": ("<dc:creator>Ann</dc:creator>", "<author>Ann</author>", "without an e-mail"),
    "empty creator": (">Ann<", "> <", "<dc:creator> is empty"),
    "comments": ("https://tea.example/1#c", "#c", "<comments>"),
    "relative media": ("https://tea.example/1.jpg", "1.jpg", "media:content url"),
    "title escaped by name": ("Tea &#x26;", "Tea &amp;", "Character Data"),
    "content twice": (
        "<media:content",
        "<content:encoded>x</content:encoded><media:content",
        "2 content:encoded",
    ),
    "content before description": (
        "<title>One</title>",
        "<title>One</title><content:encoded/>",
        "before description",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), RSS_MUTATIONS.values(), ids=RSS_MUTATIONS)
def test_each_violation_of_rss_is_found(old: str, new: str, message: str) -> None:
    """One change to the conformant document gives the one message that names it."""
    assert old in RSS
    found = check_rss(RSS.replace(old, new, 1).encode(), self_link=True)
    assert any(message in violation for violation in found), found


ATOM_MUTATIONS = {
    "encoding": ("'UTF-8'", "'UTF-16'", "says UTF-8"),
    "not well formed": ("</feed>", "", "not well-formed"),
    "namespace": ("http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", "the root"),
    "no feed id": ("<id>tag:tea.example,2026:f</id>", "", "feed: 0 <id>"),
    "relative feed id": ("tag:tea.example,2026:f", "f", "<id> 'f'"),
    "id with a space": ("tag:tea.example,2026:2", "tag:tea.example,2026:2 3", "not an absolute IRI"),
    "two titles": ("<title>Tea", "<title>x</title><title>Tea", "2 <title>"),
    "no updated": ("<updated>2026-01-02T03:04:05Z</updated>", "", "0 <updated>"),
    "no self link": ('rel="self" href="https://tea', 'rel="related" href="https://tea', "no link rel='self'"),
    "unknown element": ("<rights>mine</rights>", "<copyright>mine</copyright>", "<copyright> is not known"),
    "no namespace": ("<rights>mine</rights>", '<x xmlns="">1</x>', "<x> is in no namespace"),
    "unknown attribute": ("<published>", '<published when="now">', "has an attribute when"),
    "language": ('xml:lang="en"', 'xml:lang="a b"', "no language tag"),
    "two generators": ("<entry>", "<generator>x</generator><entry>", "2 <generator>"),
    "RFC 822 date": ("2026-01-02T03:04:05Z", "Fri, 02 Jan 2026 03:04:05 GMT", "no RFC 3339 date"),
    "no offset": ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "no RFC 3339 date"),
    "space for T": ("2026-01-02T03:04:05Z", "2026-01-02 03:04:05Z", "no RFC 3339 date"),
    "lower-case t": ("2026-01-02T03:04:05Z", "2026-01-02t03:04:05z", "no RFC 3339 date"),
    "impossible date": ("2026-01-02T", "2026-02-30T", "calendar"),
    "no author": ("<author><name>Bo</name></author>", "", "no author here"),
    "author without name": ("<name>Ann</name>", "", "0 <name>"),
    "author with empty name": ("<name>Ann</name>", "<name/>", "empty name"),
    "relative person uri": ("https://ann.example/", "ann", "person uri"),
    "e-mail": ("<uri>https://ann.example/</uri>", "<email>ann</email>", "e-mail 'ann'"),
    "two e-mails": ("<uri>https://ann.example/</uri>", "<email>a@b</email><email>a@b</email>", "2 <email>"),
    "two alternates": (
        "<published>",
        '<link href="https://tea.example/1b"/><published>',
        "2 alternate links",
    ),
    "two feed alternates": (
        "<generator",
        '<link href="https://a/" type="text/html"/><generator',
        "feed: 2 alternate",
    ),
    "relative link": ('href="https://tea.example/1"', 'href="/1"', "link '/1'"),
    "link without href": ('href="https://tea.example/1"', "", "without href"),
    "link type": ('type="audio/mpeg"', 'type="audio"', "no media type"),
    "link rel": ('rel="enclosure"', 'rel="en closure"', "link rel"),
    "link hreflang": ('length="5"', 'hreflang="a b"', "hreflang"),
    "enclosure length": ('length="5"', 'length="5 MB"', "number of bytes"),
    "no content and no alternate": ('<link href="https://tea.example/2"/>', "", "neither content nor"),
    "category without term": ('term="tea"', 'label="tea"', "without term"),
    "category scheme": ("https://tea.example/tags", "tags", "category scheme"),
    "title type": ('type="text">One', 'type="text/plain">One', "has type 'text/plain'"),
    "CDATA as type": ('type="html"', 'type="CDATA"', "content type 'CDATA'"),
    "markup in a text title": (">One<", "><b>One</b><", "child elements"),
    "markup in html content": ("&lt;p&gt;Hot&lt;/p&gt;", "<p>Hot</p>", "child elements"),
    "xhtml without div": (
        '<div xmlns="http://www.w3.org/1999/xhtml">Two</div>',
        "Two",
        "not one XHTML div",
    ),
    "multipart content": ('type="html"', 'type="multipart/mixed"', "content type 'multipart"),
    "Base64 without summary": ('type="html"', 'type="image/png"', "no summary"),
    "content with src is not empty": ('type="html"', 'type="text/html" src="https://a/"', "is not empty"),
    "content with src and no summary": (
        'type="html"',
        'type="text/html" src="https://a/"',
        "src and no summary",
    ),
    "two contents": ("<rights>", "<content>x</content><rights>", "2 <content>"),
    "two sources": ("<source><author>", "<source/><source><author>", "2 <source>"),
    "source with a relative id": ("tag:leaf.example,2026:f", "leaf", "source: <id> 'leaf'"),
    "source with two titles": (
        "<title>Leaf</title>",
        "<title>a</title><title>b</title>",
        "2 <title> in <source>",
    ),
    "source with content": (
        "<title>Leaf</title>",
        "<content>x</content>",
        "<content> is not known in <source>",
    ),
    "source with a bad date": ("2026-01-01T00:00:00Z", "yesterday", "source: <updated> 'yesterday'"),
    "repeated id": ("tag:tea.example,2026:2", "https://tea.example/1", "occurs 2 times"),
}


@pytest.mark.parametrize(("old", "new", "message"), ATOM_MUTATIONS.values(), ids=ATOM_MUTATIONS)
def test_each_violation_of_atom_is_found(old: str, new: str, message: str) -> None:
    """One change to the conformant document gives the one message that names it."""
    assert old in ATOM
    found = check_atom(ATOM.replace(old, new, 1).encode(), self_link=True)
    assert any(message in violation for violation in found), found


def test_violations_name_the_item() -> None:
    """The message has the item's number and id, so that it can be found."""
    found = check_rss(RSS.replace("Thu, 01 Jan 2026 03:04:05 GMT", "now", 1).encode())
    assert found == [
        "item 1 'https://tea.example/1': <pubDate> 'now' is no RFC 822 date with a four-digit year"
    ]


def test_the_feeds_author_is_enough() -> None:
    """RFC 4287 §4.1.2: an entry without author is fine in a feed that has one."""
    body = ATOM.replace("<author><name>Bo</name></author>", "")
    body = body.replace("<generator", "<author><name>Cy</name></author><generator")
    assert check_atom(body.encode()) == []
