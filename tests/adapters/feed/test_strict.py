"""The strict reader: every dialect, as found."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed import elements, strict
from aggregator.model.entry import Category, Entry, Feed, Link, Media, Person, Text

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "atom": "http://www.w3.org/2005/Atom",
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "dcterms": "http://purl.org/dc/terms/",
        "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
        "georss": "http://www.georss.org/georss",
        "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "media": "http://search.yahoo.com/mrss/",
        "podcast": "https://podcastindex.org/namespace/1.0",
        "slash": "http://purl.org/rss/1.0/modules/slash/",
        "sy": "http://purl.org/rss/1.0/modules/syndication/",
        "xhtml": "http://www.w3.org/1999/xhtml",
    }.items()
)


def rss(item: str = "", channel: str = "") -> Feed:
    """An RSS 2.0 document with one item, read."""
    text = f'<rss version="2.0" {NAMESPACES}><channel>{channel}<item>{item}</item></channel></rss>'
    return strict.read(text.encode())


def item(inside: str) -> Entry:
    """The entry of an RSS item."""
    return rss(inside).entries[0]


def atom(entry: str = "", feed: str = "", attributes: str = "") -> Feed:
    """An Atom 1.0 document with one entry, read."""
    head = f'<feed xmlns="http://www.w3.org/2005/Atom" {NAMESPACES} {attributes}>'
    return strict.read(f"{head}{feed}<entry>{entry}</entry></feed>".encode())


@pytest.mark.parametrize(
    ("document", "version"),
    [
        ('<rss version="2.0"><channel><item/></channel></rss>', "rss20"),
        ('<RSS version="2.0.1"><Channel><Item/></Channel></RSS>', "rss20"),
        ('<rss version="0.91"><channel><item/></channel></rss>', "rss091u"),
        ('<rss version="0.92"><channel><item/></channel></rss>', "rss092"),
        ('<rss version="0.93"><channel><item/></channel></rss>', "rss093"),
        ('<rss version="0.94"><channel><item/></channel></rss>', "rss094"),
        ('<rss xmlns="http://backend.userland.com/rss2"><channel><item/></channel></rss>', "rss"),
        ('<rss version="2.0" xmlns="urn:my-own"><channel><item/></channel></rss>', "rss20"),
        (
            f'<r:RDF xmlns:r="{RDF}" xmlns="http://purl.org/rss/1.0/"><channel/><item/></r:RDF>',
            "rss10",
        ),
        (
            f'<r:RDF xmlns:r="{RDF}" xmlns="http://my.netscape.com/rdf/simple/0.9/"><item/></r:RDF>',
            "rss090",
        ),
        ('<feed xmlns="http://www.w3.org/2005/Atom"><entry/></feed>', "atom10"),
        ('<a:feed xmlns:a="https://www.w3.org/2005/atom/"><a:entry/></a:feed>', "atom10"),
        ('<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry/></feed>', "atom03"),
        ('<feed version="0.3"><entry/></feed>', "atom03"),
        ('<entry xmlns="http://www.w3.org/2005/Atom"/>', "atom10"),
    ],
)
def test_each_dialect_is_known_with_its_entry(document: str, version: str) -> None:
    """Version names are feedparser's, and the items are found where each dialect puts them."""
    feed = strict.read(document.encode())
    assert feed.version == version
    assert len(feed.entries) == 1


def test_an_rss_item_is_read_as_found() -> None:
    """Each element goes to its field, text verbatim but for outer white space."""
    entry = item(
        "<title> A &amp;lt;b&gt; </title><link>/a</link><guid isPermaLink='False'>1</guid>"
        "<pubDate>Mon, 1 Jan 2024 00:00:00 GMT</pubDate><dc:creator>Ann</dc:creator>"
        "<category domain='d'>News</category><description><![CDATA[<p>Hi]]></description>"
        "<content:encoded><![CDATA[<p>All]]></content:encoded><comments>/c</comments>"
        "<atom:updated>2024-01-02T00:00:00Z</atom:updated>"
    )
    assert entry.title == Text("A &lt;b>")
    assert entry.links == [Link("/a")]
    assert (entry.id, entry.id_is_permalink) == ("1", False)
    assert entry.published == "Mon, 1 Jan 2024 00:00:00 GMT"
    assert entry.updated == "2024-01-02T00:00:00Z"
    assert entry.authors == [Person("Ann")]
    assert entry.categories == [Category("News", "d")]
    assert entry.summary == Text("<p>Hi")
    assert entry.contents == [Text("<p>All", "html")]
    assert entry.comments == "/c"


@pytest.mark.parametrize(
    ("guid", "permalink"),
    [
        ("<guid>http://a/1</guid>", True),
        ("<guid isPermaLink='true'>x</guid>", True),
        ("<guid ispermalink='TRUE'>x</guid>", True),
        ("<guid isPermaLink='FALSE'>x</guid>", False),
        ("<guid/>", False),
    ],
)
def test_a_guid_is_a_permalink_unless_the_attribute_is_false(guid: str, permalink: bool) -> None:
    """RSS 2.0: the default is true; the attribute's case is not to be relied on."""
    assert item(guid).id_is_permalink is permalink


def test_rdf_about_is_the_id_of_an_rss_1_0_item() -> None:
    """There is no guid in RSS 1.0."""
    document = (
        '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<channel r:about="c"><title>T</title></channel><item r:about=" http://a/1 "/></r:RDF>'
    )
    feed = strict.read(document.encode())
    assert feed.entries[0].id == "http://a/1"
    assert feed.info.title == Text("T")


def test_repeated_elements_are_kept() -> None:
    """Enclosures, categories, transcripts and persons may stand more than once."""
    entry = item(
        "<enclosure url='1.mp3' length='5' type='audio/mpeg'/><enclosure url='2.mp3'/>"
        "<category>a</category><category>b</category>"
        "<podcast:transcript url='t.vtt' type='text/vtt'/><podcast:transcript url='t.srt'/>"
        "<podcast:person role='host'>Ann</podcast:person><podcast:person>Bob</podcast:person>"
    )
    assert entry.media == [
        Media("1.mp3", "audio/mpeg", "5", is_enclosure=True),
        Media("2.mp3", is_enclosure=True),
    ]
    assert [c.term for c in entry.categories] == ["a", "b"]
    assert entry.extra["podcast:transcript"] == [
        {"text": "", "url": "t.vtt", "type": "text/vtt"},
        {"text": "", "url": "t.srt"},
    ]
    assert entry.extra["podcast:person"] == [{"text": "Ann", "role": "host"}, "Bob"]


def test_hints_are_kept_as_written() -> None:
    """Lists are joined by spaces."""
    hints = rss(
        channel="<ttl>60</ttl><skipHours><hour>0</hour><hour>1</hour></skipHours>"
        "<skipDays><day>Sunday</day></skipDays><sy:updatePeriod>hourly</sy:updatePeriod>"
    ).hints
    assert hints == {"ttl": "60", "skipHours": "0 1", "skipDays": "Sunday", "sy:updatePeriod": "hourly"}


def test_the_channel_is_read_as_found() -> None:
    """Its own title is not its image's, nor its items'."""
    info = rss(
        "<title>Item</title>",
        "<image><url>/i.png</url><title>Image</title></image><title>T</title><link>http://a/</link>"
        "<atom:link rel='self' href='http://a/f'/><description>D</description><language>de</language>"
        "<managingEditor>a@b (Ann)</managingEditor><pubDate>P</pubDate><lastBuildDate>L</lastBuildDate>"
        "<itunes:category text='Arts'><itunes:category text='Books'/></itunes:category>"
        "<copyright>C</copyright>",
    ).info
    assert (info.title, info.subtitle) == (Text("T"), Text("D"))
    assert info.links == [Link("http://a/"), Link("http://a/f", "self")]
    assert (info.image, info.language, info.updated, info.rights) == ("/i.png", "de", "L", "C")
    assert info.authors == [Person("a@b (Ann)")]
    assert [c.term for c in info.categories] == ["Arts/Books"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<content>a &amp;lt; b</content>", Text("a &lt; b", "text")),
        ("<content type='html'>&lt;p>x</content>", Text("<p>x", "html")),
        ("<content type='text/html'>&lt;p>x</content>", Text("<p>x", "html")),
        (
            "<content type='xhtml'><xhtml:div>a &lt; <xhtml:b>b</xhtml:b><br/><i/></xhtml:div></content>",
            Text("a &lt; <b>b</b><br><i></i>", "xhtml"),
        ),
        (
            "<content type='xhtml'><xhtml:div><xhtml:p>x</xhtml:p></xhtml:div></content>",
            Text("<p>x</p>", "xhtml"),
        ),
        ("<content mode='base64' type='text/html'>PHA+eA==</content>", Text("<p>x", "html")),
        ("<content xml:base='b/' xml:lang='fr'>x</content>", Text("x", "text", "http://a/b/", "fr")),
    ],
)
def test_an_atom_text_has_its_type(content: str, expected: Text) -> None:
    """RFC 4287 §3.1, §4.1.3 and Atom 0.3's mode; XHTML without its wrapping div and prefixes."""
    attributes = "xml:base='http://a/'" if "xml:base" in content else ""
    assert atom(content, attributes=attributes).entries[0].contents == [expected]


def test_an_image_in_base64_is_no_text() -> None:
    """Nor is it an error."""
    assert atom("<content type='image/png'>iVBORw0KGgo=</content>").entries[0].contents == []


def test_content_out_of_line_is_a_link_or_a_medium() -> None:
    """RFC 4287 §4.1.3.2."""
    assert atom("<content type='text/html' src='/x'/>").entries[0].links == [Link("/x", type="text/html")]
    assert atom("<content type='video/mp4' src='/x'/>").entries[0].media == [Media("/x", "video/mp4")]


def test_bases_are_resolved_along_the_ancestors_and_links_are_not() -> None:
    """The normaliser resolves links, once and in one place."""
    entry = atom(
        "<link href='p'/><title xml:base='sub/'>T</title>", attributes="xml:base='http://a/x/' xml:lang='en'"
    ).entries[0]
    assert entry.links == [Link("p", base="http://a/x/")]
    assert entry.title == Text("T", "text", "http://a/x/sub/", "en")


def test_an_impossible_base_is_ignored() -> None:
    """ "http://[" cannot be parsed."""
    assert atom(attributes="xml:base='http://['").entries[0].base == ""


def test_an_atom_enclosure_is_a_medium() -> None:
    """And any other link a link, whose rel is lower case."""
    entry = atom("<link rel='enclosure' href='a.mp3' length='1'/><link rel='Related' href='b'/>").entries[0]
    assert entry.media == [Media("a.mp3", length="1", is_enclosure=True)]
    assert entry.links == [Link("b", "related")]


def test_a_republished_entry_keeps_its_source() -> None:
    """`atom:source` and RSS `<source>`."""
    source = atom("<source><id>urn:x</id><title>S</title><updated>U</updated></source>").entries[0].source
    assert source is not None
    assert (source.id, source.title, source.updated) == ("urn:x", Text("S", "text"), "U")
    source = item("<source url='http://o/f'>O</source>").source
    assert source is not None
    assert (source.title, source.links) == (Text("O"), [Link("http://o/f", "self")])


def test_a_media_group_gives_its_media_thumbnails_and_text() -> None:
    """Media RSS as YouTube writes it; what is not ours to read is passed through."""
    entry = atom(
        "<media:group><media:title>T</media:title>"
        "<media:content url='v' type='video/mp4' width='6' isDefault='true'/>"
        "<media:thumbnail url='t.jpg'/><media:description>D</media:description>"
        "<media:credit role='author'>C</media:credit></media:group><content>X</content>"
    ).entries[0]
    assert entry.media == [Media("v", "video/mp4", width="6", is_default=True)]
    assert entry.thumbnails == ["t.jpg"]
    assert entry.contents == [Text("X", "text"), Text("D", "text")]
    assert entry.title == Text("T")
    assert entry.extra["media:credit"] == [{"text": "C", "role": "author"}]


def test_less_specific_elements_fill_empty_fields() -> None:
    """Wherever they stand, an entry's own elements come first."""
    entry = item(
        "<itunes:title>t</itunes:title><itunes:author>a</itunes:author><itunes:summary>s</itunes:summary>"
        "<dcterms:created>c</dcterms:created><dcterms:modified>m</dcterms:modified><itunes:image href='i'/>"
    )
    assert (entry.title, entry.summary) == (Text("t"), Text("s"))
    assert (entry.published, entry.updated, entry.thumbnails) == ("c", "m", ["i"])
    assert entry.authors == [Person("a")]
    entry = item("<itunes:title>t</itunes:title><title>T</title><description>D</description>")
    assert (entry.title, entry.summary) == (Text("T"), Text("D"))


def test_feedburners_original_link_is_the_first_link() -> None:
    """First among the links."""
    entry = item("<link>http://f/~r/1</link><feedburner:origLink>http://a/1</feedburner:origLink>")
    assert [link.href for link in entry.links] == ["http://a/1", "http://f/~r/1"]


def test_unescaped_markup_is_read_as_markup() -> None:
    """Well formed, against the rules of RSS, and met often."""
    assert item("<description>a <b>b</b></description>").summary == Text("a <b>b</b>", "xhtml")
    assert item("<xhtml:body><p>x</p></xhtml:body>").contents == [Text("<p>x</p>", "xhtml")]


def test_an_undeclared_prefix_is_read_with_a_problem() -> None:
    """The prefix says which namespace is meant."""
    feed = strict.read(b"<rss>\n<channel><item><dc:creator>A</dc:creator></item></channel></rss>")
    assert feed.entries[0].authors == [Person("A")]
    assert str(feed.problems[0]).startswith("line 2: Namespace prefix dc")


@pytest.mark.parametrize(
    "document",
    [
        b"<rss><channel>",
        b"<rss>&nbsp;</rss>",
        b'<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel><title>&a;</title></channel></rss>',
        b'<!DOCTYPE rss SYSTEM "x.dtd"><rss><channel><title>&eacute;</title></channel></rss>',
        b"",
    ],
    ids=["cut", "html entity", "own entity", "entity of another file", "empty"],
)
def test_doubtful_documents_are_left_to_the_lenient_reader(document: bytes) -> None:
    """Never a guess, never an entity resolved."""
    with pytest.raises(strict.NotWellFormed):
        strict.read(document)


def test_a_harmless_document_type_is_read() -> None:
    """As RSS 0.91 has."""
    assert (
        strict.read(b'<!DOCTYPE rss SYSTEM "x.dtd"><rss version="0.91"><channel/></rss>').version == "rss091u"
    )


def test_xml_of_another_kind_is_named() -> None:
    """For the error that says what it is."""
    with pytest.raises(strict.OtherRoot) as caught:
        strict.read(b"<opml/>")
    assert caught.value.root == "opml"


def test_too_deep_a_document_is_hostile() -> None:
    """libxml2 stops at 256."""
    with pytest.raises(strict.NotWellFormed) as caught:
        strict.read(b"<rss>" + b"<a>" * 300 + b"</a>" * 300 + b"</rss>")
    assert caught.value.hostile


def test_values_over_the_limits_are_left_out_with_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries, values of one entry, and characters of one text."""
    monkeypatch.setattr(strict, "MAX_ENTRIES", 2)
    monkeypatch.setattr(strict, "MAX_VALUES", 1)
    monkeypatch.setattr(strict, "MAX_TEXT_CHARS", 3)
    inside = "<category>a</category><category>b</category><description>abcd</description>"
    feed = strict.read(f"<rss><channel>{f'<item>{inside}</item>' * 3}</channel></rss>".encode())
    assert len(feed.entries) == 2
    assert [c.term for c in feed.entries[0].categories] == ["a"]
    assert feed.entries[0].summary == Text("abc")
    assert len(feed.problems) == 5


def test_thousands_of_authors_take_no_more_than_a_moment() -> None:
    """Each is compared with those before; the comparison is bounded, and what is beyond it is a problem."""
    authors = "".join(f"<author>{n}</author>" for n in range(20_000))
    feed = rss(authors)
    assert len(feed.entries[0].authors) == elements.MAX_VALUES
    assert "only the first 500" in str(feed.problems[0])


def test_element_names_made_by_libxml2s_recovery_are_accepted() -> None:
    """Found by mutation: lxml cannot set the names that libxml2's recovery gives."""
    body = b"<feed xmlns='http://www.w3.org/2005/Atom' xmlns:a='urn:a'><entry><title><a:b:/></title>"
    assert len(strict.read(body, recover=True).entries) == 1
    assert strict.read(b"<a:feed xmlns:a='urn:a'><a:b:c/></a:feed>", recover=True).version == "atom"
