"""Links, terms, addresses and languages of an entry: from every dialect, through store and outputs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import etree

import aggregator
from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article
from aggregator.model.article_json import pack, unpack
from aggregator.model.entry import Category, Link, Person, Text
from aggregator.model.struct import replace
from aggregator.normalise import extra_metadata
from aggregator.writers import WRITERS
from tests.conformance.atom import check_atom
from tests.conformance.rss import check_rss
from tests.support.channels import channel_of, item_of

BASE = "https://a.example/"
NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:thr="http://purl.org/syndication/thread/1.0" '
    'xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:podcast="https://podcastindex.org/namespace/1.0"'
)


def atom(entry: str, *, feed: str = "", attributes: str = "") -> Article:
    """The one article of an Atom feed."""
    body = (
        f"<feed {NAMESPACES} {attributes}><title>T</title><id>urn:f</id><updated>2026-01-01T00:00:00Z"
        "</updated>"
        f"<link rel='self' href='https://a.example/f'/><link href='https://a.example/'/>{feed}<entry>"
        "<id>tag:a.example,2026:1</id><title>One</title><link href='/1'/><updated>2026-01-01T00:00:00Z"
        "</updated>"
        f"<content type='html'>x</content>{entry}</entry></feed>"
    )
    return aggregator.read(body.encode(), url=f"{BASE}f").articles[0]


def rss(item: str, *, channel: str = "") -> Article:
    """The one article of an RSS feed."""
    spaces = NAMESPACES.replace('xmlns="', 'xmlns:atom="')
    body = (
        f"<rss version='2.0' {spaces}><channel><title>T</title><link>https://a.example/</link>{channel}<item>"
        f"<guid isPermaLink='false'>1</guid><link>https://a.example/1</link><title>One</title>"
        f"<description>x</description>{item}</item></channel></rss>"
    )
    return aggregator.read(body.encode(), url=f"{BASE}f").articles[0]


def written(article: Article, format_name: str) -> bytes:
    """A feed of this article."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    dated = replace(article, published=moment, updated=moment)
    return WRITERS[format_name].render(channel_of(replace(item_of(dated), id="tag:a.example,2026:1")))


def read_again(article: Article, format_name: str) -> Article:
    """The article as a reader of our feed gets it."""
    return aggregator.read(written(article, format_name), url="https://planet.example/f").articles[0]


RELATIONS = [
    *("related", "via", "replies", "license", "payment", "author", "help"),
    *("canonical", "shortlink", "in-reply-to", "collection", "describedby", "bookmark", "preview", "up"),
    *("http://schemas.google.com/g/2005#feed", "urn:x:rel", "https://a.example/Rel"),
]


@pytest.mark.parametrize("rel", RELATIONS)
def test_every_relation_of_an_entry_is_kept(rel: str) -> None:
    """Through front matter, the store, Atom and RSS; relative addresses become absolute."""
    article = atom(
        f"<link rel='{rel}' href='/x?a=1&amp;b=2' type='text/plain' title='An x' hreflang='de' length='5'/>"
    )
    link = {"rel": rel, "href": f"{BASE}x?a=1&b=2", "type": "text/plain", "hreflang": "de", "title": "An x"}
    assert article.extra["links"] == [link | {"length": "5"}]
    for format_name in ("atom", "rss"):
        assert read_again(article, format_name).extra["links"] == [link | {"length": "5"}]


@pytest.mark.parametrize("rel", ["self", "edit", "edit-media", "hub", "next", "prev-archive", "enclosure"])
def test_links_of_the_document_are_left_out(rel: str) -> None:
    """Where the document is, or is edited: it would be said of ours."""
    assert "links" not in atom(f"<link rel='{rel}' href='/x'/>").extra


def test_registered_names_are_written_short() -> None:
    """RFC 4287 §4.2.7.2: the long form means the same; names are compared without case."""
    article = atom(
        "<link rel='http://www.iana.org/assignments/relation/via' href='/v'/><link rel='Related' href='/r'/>"
    )
    assert [link["rel"] for link in article.extra["links"]] == ["via", "related"]


@pytest.mark.parametrize(
    "link",
    [
        "rel='javascript:alert(1)' href='/x'",
        "rel='related' href='javascript:alert(1)'",
        "rel='related' href='java&#9;script:alert(1)'",
        "rel='related' href=' data:text/html,x'",
        "rel='related' href='file:///etc/passwd'",
        "rel='related' href='ms-msdt:/id'",
        "rel='related' href=''",
        "rel='a b' href='/x'",
        "rel='&quot;onload=x' href='/x'",
        "rel='hub' href='/x'",
        "rel='next' href='/x'",
        "rel='alternate' href='https://counter.example/1'",
        "rel='alternate' type='text/html' href='https://counter.example/1'",
        "rel='related' href='https://a.example/" + "x" * 5_000 + "'",
    ],
)
def test_useless_and_unsafe_links_are_left_out(link: str) -> None:
    """Scripts, local files, links between documents of a feed, the page once more behind a counter."""
    assert "links" not in atom(f"<link {link}/>").extra


@pytest.mark.parametrize(
    "href", ["mailto:a@b.example", "tag:b,1", "urn:isbn:1", "geo:1,2", "magnet:?xt=urn:btih:x"]
)
def test_links_that_are_names_go_out(href: str) -> None:
    """Atom's href is an IRI of any scheme."""
    article = atom(f"<link rel='related' href='{href}'/>")
    assert read_again(article, "atom").extra["links"] == [{"rel": "related", "href": href}]


def test_other_languages_and_types_of_the_page_are_kept() -> None:
    """RFC 4287 §4.1.2: one alternate of each type and language."""
    article = atom(
        "<link rel='alternate' hreflang='fr' href='/fr'/><link rel='alternate' hreflang='fr' href='/fr2'/>"
        "<link rel='alternate' type='application/json' href='/json'/>"
    )
    again = read_again(article, "atom")
    assert [link["href"] for link in again.extra["links"]] == [f"{BASE}fr", f"{BASE}json"]
    assert again.link == article.link


def test_reply_links_are_kept_completely() -> None:
    """RFC 4685: `ref` letter by letter, `href` and `source` absolute; counts stay with the replies' link."""
    article = atom(
        "<thr:in-reply-to ref='tag:B.example,2026:%7e' href='/2' source='/feed' type='text/html'/>"
        "<thr:in-reply-to ref='urn:uuid:60a76c80-d399-11d9-b93C-0003939e0af6'/>"
        "<link rel='replies' type='application/atom+xml' href='/1/c' thr:count='10' "
        "thr:updated='2026-01-01T00:00:00Z'/>"
        "<thr:total>10</thr:total><wfw:commentRss>/1/feed</wfw:commentRss>"
    )
    for format_name in ("atom", "rss"):
        again = read_again(article, format_name)
        assert again.extra["thr:in-reply-to"] == [
            {
                "text": "",
                "ref": "tag:B.example,2026:%7e",
                "href": f"{BASE}2",
                "source": f"{BASE}feed",
                "type": "text/html",
            },
            {"text": "", "ref": "urn:uuid:60a76c80-d399-11d9-b93C-0003939e0af6"},
        ]
        (link,) = again.extra["links"]
        assert (link["thr:count"], link["thr:updated"]) == ("10", "2026-01-01T00:00:00Z")
        assert again.extra["wfw:commentRss"] == [f"{BASE}1/feed"]
        assert again.extra["thr:total"] == ["10"]


CATEGORIES = [
    ("<category term='t'/>", ("t",), None),
    ("<category term='t' label='t'/>", ("t",), None),
    ("<category term='t' label='Tea'/>", ("Tea",), {"term": "t", "label": "Tea"}),
    (
        "<category term='t' scheme='https://s.example/'/>",
        ("t",),
        {"term": "t", "scheme": "https://s.example/"},
    ),
    (
        "<category term='t' scheme='https://s.example/' label='Tea &amp; Co'/>",
        ("Tea & Co",),
        {"term": "t", "scheme": "https://s.example/", "label": "Tea & Co"},
    ),
    (
        "<category term='http://g.example/kind#post' scheme='http://g.example/g#kind'/>",
        ("http://g.example/kind#post",),
        {"term": "http://g.example/kind#post", "scheme": "http://g.example/g#kind"},
    ),
    ("<category term='t' scheme='javascript:x' label='Tea'/>", ("Tea",), {"term": "t", "label": "Tea"}),
    ("<category label='Tea'/>", ("Tea",), None),
]


@pytest.mark.parametrize(("markup", "tags", "term"), CATEGORIES)
def test_terms_and_schemes_are_kept_beside_labels(
    markup: str, tags: tuple[str, ...], term: dict[str, str] | None
) -> None:
    """The tag is what people read; Atom gives back what the feed said."""
    article = atom(markup)
    assert (article.tags, article.extra.get("terms")) == (tags, [term] if term else None)
    again = read_again(article, "atom")
    assert (again.tags, again.extra.get("terms")) == (tags, [term] if term else None)
    assert set(read_again(article, "rss").tags) >= set(tags)


@pytest.mark.parametrize("domain", ["https://s.example/", "Syndic8", "urn:x:y", "A & B", "dmoz/Top"])
def test_domains_of_rss_categories_are_kept(domain: str) -> None:
    """Any string is a domain; a scheme of Atom is an IRI."""
    article = rss(f"<category domain='{domain.replace('&', '&amp;')}'>Tea</category>")
    assert read_again(article, "rss").extra["terms"] == [{"term": "Tea", "scheme": domain}]
    assert check_atom(written(article, "atom")) == []


def test_a_tag_that_a_rule_took_away_takes_its_term_along() -> None:
    """What is published follows the article's tags."""
    article = replace(atom("<category term='t' label='Tea'/>"), tags=())
    assert b"category" not in written(article, "atom")


PEOPLE = [
    ("<author><name>Ada</name><uri>/ada</uri></author>", "author", {"uri": f"{BASE}ada"}),
    ("<author><name>Ada</name><email>ada@a.example</email></author>", "author", {"email": "ada@a.example"}),
    (
        "<contributor><name>Bo</name><uri>https://bo.example/</uri><email>bo@a.example</email></contributor>",
        "contributor",
        {"uri": "https://bo.example/", "email": "bo@a.example"},
    ),
]


@pytest.mark.parametrize(("markup", "role", "found"), PEOPLE)
def test_addresses_of_persons_are_kept(markup: str, role: str, found: dict[str, str]) -> None:
    """Beside the names, which stay what they are."""
    article = atom(markup)
    (person,) = article.extra["people"]
    assert {k: v for k, v in person.items() if k in ("uri", "email")} == found
    assert read_again(article, "atom").extra["people"] == [person]
    if role == "contributor":
        assert read_again(article, "rss").extra["people"] == [person]
    else:
        name = {"name": "Ada", "url": found.get("uri") or f"mailto:{found['email']}"}
        assert json.loads(written(article, "json"))["items"][0]["authors"] == [name]


@pytest.mark.parametrize(
    "written_name",
    ["ada@a.example (Ada)", "Ada <ada@a.example>", "ada@a.example(Ada)", "mailto:ada@a.example (Ada)"],
)
@pytest.mark.parametrize("element", ["author", "managingEditor", "dc:creator", "dc:author"])
def test_rss_authors_keep_their_address(element: str, written_name: str) -> None:
    """In each of the shapes that hold both; the channel's counts where the item names none."""
    markup = f"<{element}>{written_name.replace('<', '&lt;')}</{element}>"
    article = rss("", channel=markup) if element == "managingEditor" else rss(markup)
    assert article.authors == ("Ada",)
    assert article.extra["people"] == [{"role": "author", "name": "Ada", "email": "ada@a.example"}]
    document = etree.fromstring(written(article, "rss"))
    assert document.findtext("channel/item/author") == "ada@a.example (Ada)"
    assert read_again(article, "rss").authors == ("Ada",)


@pytest.mark.parametrize(
    "name",
    [
        "noreply@blogger.com (Ada)",
        "Ada",
        "ada@ (Ada)",
        "ada@a.example, bo@b.example",
        "Ada <javascript:x>",
        "a@b@c (Ada)",
    ],
)
def test_no_address_is_made_up(name: str) -> None:
    """None, one that no program reads, or several that belong to no entry in particular."""
    assert "people" not in rss(f"<author>{name.replace('<', '&lt;')}</author>").extra


def test_dc_author_is_an_author() -> None:
    """As Dublin Core's creator."""
    assert rss("<dc:author>Ada</dc:author>").authors == ("Ada",)
    assert read_again(rss("<dc:author>Ada</dc:author>"), "rss").authors == ("Ada",)


LANGUAGES = [
    ("<title xml:lang='de'>Hallo</title>", "title"),
    ("<summary xml:lang='de'>Hallo</summary>", "summary"),
]


@pytest.mark.parametrize(("markup", "name"), LANGUAGES)
@pytest.mark.parametrize("around", ["", "xml:lang='en'"])
def test_single_texts_keep_their_language(markup: str, name: str, around: str) -> None:
    """Where it is not that of the entry."""
    body = (
        f"<feed {NAMESPACES} {around}><title>T</title><id>urn:f</id><entry><id>tag:a.example,2026:1</id>"
        f"{markup}<link href='https://a.example/1'/><content type='html'>x</content></entry></feed>"
    )
    article = aggregator.read(body.encode(), url=f"{BASE}f").articles[0]
    assert article.extra["languages"] == {name: "de"}
    assert read_again(article, "atom").extra["languages"] == {name: "de"}
    assert read_again(article, "rss").extra["languages"] == {name: "de"}


@pytest.mark.parametrize(
    "content",
    [
        "<content type='html' xml:lang='de'>Hallo</content>",
        "<content type='xhtml' xml:lang='de'><div xmlns='http://www.w3.org/1999/xhtml'>Hallo</div></content>",
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml' xml:lang='de'>Hallo</div></content>",
        "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml' lang='de'>Hallo</div></content>",
    ],
)
def test_the_language_of_content_is_kept_from_any_element(content: str) -> None:
    """On the element, or on XHTML's own div, which is taken off."""
    head = f"<feed {NAMESPACES} xml:lang='en'><id>urn:f</id><title>T</title>"
    body = f"{head}<entry><id>1</id>{content}</entry></feed>"
    article = aggregator.read(body.encode(), url=f"{BASE}f").articles[0]
    assert article.extra["languages"] == {"content": "de"}
    assert b'xml:lang="de">Hallo' in written(article, "atom")


def test_a_language_equal_to_the_entrys_is_not_repeated() -> None:
    """No text says again what its entry says."""
    article = atom("<summary xml:lang='de'>x</summary>", attributes="xml:lang='de'")
    assert "languages" not in article.extra


def full() -> Article:
    """An article with all of it."""
    return atom(
        "<link rel='via' href='/v'/><link rel='replies' href='/c' thr:count='2'/>"
        "<category term='t' scheme='urn:s' label='Tea'/>"
        "<author><name>Ada</name><uri>/ada</uri><email>ada@a.example</email></author>"
        "<contributor><name>Bo</name><uri>/bo</uri></contributor><summary xml:lang='de'>kurz</summary>"
        "<thr:in-reply-to ref='tag:b,1'/><media:credit role='author' scheme='urn:ebu'>Ada</media:credit>"
        "<podcast:person href='/p' img='/p.png' role='host' xml:lang='fr'>P</podcast:person>"
    )


def test_all_of_it_is_kept_in_files_and_in_the_store() -> None:
    """Byte for byte; and none of it makes an edit."""
    article = full()
    assert {"links", "terms", "people", "languages", "thr:in-reply-to"} <= set(article.extra)
    assert front_matter.loads(front_matter.dumps(article)) == article
    for flavour in ("hexo", "hugo", "jekyll"):
        assert front_matter.loads(front_matter.dumps(article, flavour)) == article
    assert article == unpack(
        pack(article),
        source=article.source,
        id=article.id,
        published=article.published,
        updated=article.updated,
    )
    assert replace(article, extra={}).content_hash == article.content_hash


def test_feeds_with_extra_metadata_are_valid() -> None:
    """By our checkers, in both XML formats."""
    assert check_atom(written(full(), "atom")) == []
    assert check_rss(written(full(), "rss")) == []


HOSTILE: list[dict[str, Any]] = [
    {"links": "https://x"},
    {"links": [1, None, "x", [], {}, {"rel": 1, "href": "https://x.example/"}, {"rel": "via"}]},
    {
        "links": [
            {"rel": "via", "href": "javascript:x"},
            {"rel": "javascript:x", "href": "https://x.example/"},
        ]
    },
    {"links": [{"rel": 'a" onload="x', "href": "https://x.example/"}]},
    {"links": [{"rel": "replies", "href": "https://x.example/", "thr:count": '1" x="', "type": 'a" b'}]},
    {"terms": [{"term": 5}, {"term": "", "scheme": "x"}, 7, {"term": "javascript:x"}]},
    {"terms": {"term": "t"}, "people": {"name": "x"}, "languages": ["de"]},
    {"people": [{"role": [], "name": {}, "uri": "javascript:x", "email": "a b"}, None]},
    {"languages": {"title": '" onload="x', "summary": 5}},
    {"links": [{"rel": "via", "href": "https://x.example/", "title": "\0<b>\ud800"}] * 10_000},
]


@pytest.mark.parametrize("extra", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("format_name", ["atom", "rss", "json"])
def test_invalid_extra_metadata_in_files_is_left_out(extra: dict[str, Any], format_name: str) -> None:
    """What is not in their form is left out; the feed is valid."""
    article = Article(
        id="1", title="T", link="https://a.example/1", content="x", authors=("A",), tags=("t",), extra=extra
    )
    body = written(article, format_name)
    assert b"javascript" not in body
    assert b"onload" not in body
    if format_name == "atom":
        assert check_atom(body) == []
    if format_name == "rss":
        assert check_rss(body) == []


# --- bounds


def test_extra_metadata_is_limited_in_number() -> None:
    """A hundred of each, however many there are."""
    links = extra_metadata.links([Link(f"/{n}", "related") for n in range(5_000)], None, BASE)
    terms = extra_metadata.terms([Category(f"t{n}", "urn:s") for n in range(5_000)])
    persons = extra_metadata.addresses([Person(f"p{n}", f"p{n}@a.example") for n in range(5_000)], "author")
    assert (len(links), len(terms), len(persons)) == (100, 100, 50)
    (long,) = extra_metadata.terms([Category("t" * 10**6, "urn:" + "s" * 10**6)])
    assert max(map(len, long.values())) <= 500


@pytest.mark.parametrize("said", ["", " ", "de\n", "x" * 50, 'de" x="', "de_AT", "12345678901"])
def test_invalid_language_tags_are_none(said: str) -> None:
    """RFC 5646's form, loosely; outer white space goes."""
    found = extra_metadata.languages("en", {"title": Text("x", language=said)})
    assert found in ({}, {"title": said.strip()})
    assert all(" " not in tag and '"' not in tag and "_" not in tag for tag in found.values())


# --- broken feeds, which feedparser reads

BROKEN = "<b><i></b></i>"


def test_the_lenient_reader_keeps_extra_metadata() -> None:
    """What feedparser has of it."""
    article = atom(
        f"<link rel='via' href='/v'/><category term='t' scheme='urn:s' label='Tea'/>{BROKEN}"
        "<thr:in-reply-to ref='tag:b,1'/><wfw:commentRss>/c</wfw:commentRss>"
        "<contributor><name>Bo</name><uri>https://bo.example/</uri></contributor>"
    )
    assert article.extra["links"] == [{"rel": "via", "href": f"{BASE}v"}]
    assert article.extra["terms"] == [{"term": "t", "scheme": "urn:s", "label": "Tea"}]
    assert article.extra["people"] == [{"role": "contributor", "name": "Bo", "uri": "https://bo.example/"}]
    assert article.extra["thr:in-reply-to"] == [{"text": "", "ref": "tag:b,1"}]
    assert article.extra["wfw:commentRss"] == [f"{BASE}c"]


@pytest.mark.parametrize("host", ["b.org", "b.example", "b.photography", "b.co.uk"])
def test_authors_of_broken_feeds_keep_name_and_address(host: str) -> None:
    """Whatever the length of the last label."""
    article = rss(f"<author>ada@{host} (Ada Long)</author>{BROKEN}")
    assert article.authors == ("Ada Long",)
    assert article.extra["people"] == [{"role": "author", "name": "Ada Long", "email": f"ada@{host}"}]


@pytest.mark.parametrize(
    "href", ["https://a.example/1.atom?key=s3cr3t", "/1.atom?a=b&amp;key=s3cr3t", "https://u:p@a.example/x"]
)
def test_links_with_the_key_of_our_request_are_left_out(href: str) -> None:
    """An entry's own document is often asked for with the key of its feed."""
    body = (
        f"<feed {NAMESPACES}><id>urn:f</id><title>T</title><entry><id>1</id><link rel='self' href='{href}'/>"
        "<link rel='via' href='https://b.example/?v=1'/></entry></feed>"
    )
    document = aggregator.read(body.encode(), url="https://a.example/f?key=s3cr3t")
    assert [link["rel"] for link in document.articles[0].extra["links"]] == ["via"]
