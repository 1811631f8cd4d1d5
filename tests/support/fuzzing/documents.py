"""Documents of every kind: read, or refused by ReadError; what is read can be published in every format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aggregator.adapters import kinds
from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, read_resource
from tests.support.fuzzing.cases import Case, Wrong, mutated

RSS = b"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:media="http://search.yahoo.com/mrss/" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
 xmlns:atom="http://www.w3.org/2005/Atom" xmlns:podcast="https://podcastindex.org/namespace/1.0"><channel>
<title>Tea &amp; kettles</title><link>https://tea.example/</link><description>About tea</description><ttl>60</ttl>
<atom:link rel="self" href="https://tea.example/feed.xml"/><language>en</language><itunes:author>Ann</itunes:author>
<item><title>First &lt;b&gt;pot&lt;/b&gt;</title><link>/1?a=1&amp;b=2</link><guid isPermaLink="false">tag:tea.example,2026:1</guid>
<pubDate>Sat, 03 Jan 2026 10:00:00 +0100</pubDate><dc:creator>Ann</dc:creator><category domain="d">Tea</category>
<description>&lt;p&gt;Text &lt;img src="/a.png" srcset="/b.png 2x"&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;/p&gt;</description>
<content:encoded><![CDATA[<p onclick="x()">Long <a href="javascript:x">link</a> <iframe src="https://www.youtube.com/embed/x"></iframe></p>]]></content:encoded>
<enclosure url="https://tea.example/1.mp3" length="123" type="audio/mpeg"/><itunes:duration>1:02:03</itunes:duration>
<media:group><media:content url="https://tea.example/1.jpg" width="800" height="600" medium="image"/></media:group>
<podcast:transcript url="https://tea.example/1.vtt" type="text/vtt"/></item>
<item><title>Second</title><guid>https://tea.example/2</guid><pubDate>2026-01-04</pubDate></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://tea.example/x/">
<title type="html">Tee &amp;amp; Kannen</title><id>urn:uuid:60a76c80-d399-11d9-b93c-0003939e0af6</id>
<updated>2026-01-03T10:00:00.5+01:00</updated><link rel="self" href="atom.xml"/><author><name>Ann</name><uri>a</uri></author>
<entry><title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">One <em>cup</em></div></title><id>e1</id>
<link rel="alternate" href="one"/><link rel="enclosure" href="one.ogg" length="x" type="audio/ogg"/><updated>2026-01-02T00:00:00Z</updated>
<published>2026-01-01T00:00:00Z</published><category term="t" scheme="s" label="T"/><contributor><name>Bob</name></contributor>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p style="color:red">Hello<script>1</script></p></div></content>
<source><title>Other</title><id>o</id><updated>2026-01-01T00:00:00Z</updated></source></entry>
<entry><title>Two</title><id>e2</id><updated>2026-01-02T00:00:00Z</updated><content type="text/plain" src="c.txt"/></entry></feed>"""
RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://tea.example/"><title>T</title><link>https://tea.example/</link></channel>
<item rdf:about="https://tea.example/1"><title>One</title><link>https://tea.example/1</link><dc:date>2026-01-01T00:00:00Z</dc:date></item></rdf:RDF>"""
JSON_FEED = b"""{"version": "https://jsonfeed.org/version/1.1", "title": "Tea", "home_page_url": "https://tea.example/",
"feed_url": "https://tea.example/feed.json", "authors": [{"name": "Ann", "url": "https://tea.example/ann"}], "language": "en",
"items": [{"id": "1", "url": "https://tea.example/1", "title": "One", "content_html": "<p>Hi <script>1</script></p>",
"date_published": "2026-01-01T00:00:00Z", "tags": ["a", "b"], "image": "https://tea.example/1.png",
"attachments": [{"url": "https://tea.example/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 5, "duration_in_seconds": 3}]},
{"id": 2, "content_text": "Two\\nlines", "external_url": "https://b.example/2", "date_modified": "2026-01-02T00:00:00+01:00"}]}"""
API = b"""{"data": {"posts": [{"id": 1, "title": "One", "url": "/1", "created_at": 1767225600, "body": "<p>Text</p>",
"author": {"name": "Ann"}, "tags": ["a"], "image": {"src": "/1.png"}}, {"id": "2", "title": null, "url": ["x"],
"created_at": "2026-01-02T00:00:00Z", "body": 5}], "next": "/api?page=2"}}"""
SITEMAP = b"""<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
<url><loc>https://tea.example/green-tea.html</loc><lastmod>2026-01-01</lastmod><priority>0.5</priority></url>
<url><loc>https://tea.example/news/1</loc><news:news><news:publication><news:name>T</news:name><news:language>en</news:language>
</news:publication><news:publication_date>2026-01-03T00:00:00Z</news:publication_date><news:title>News</news:title></news:news>
<image:image><image:loc>https://tea.example/1.png</image:loc><image:title>Pic</image:title></image:image></url></urlset>"""
SITEMAP_INDEX = b"""<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>https://tea.example/s1.xml</loc>
<lastmod>2026-01-01T00:00:00Z</lastmod></sitemap><sitemap><loc>/s2.xml.gz</loc></sitemap></sitemapindex>"""
LIST_PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Tea news</title><base href="/news/">
<link rel="next" href="?page=2"></head><body><nav><a href="/">Home</a></nav><ul class="posts">
<li class="post"><h2><a href="one">One</a></h2><time datetime="2026-01-01">1 Jan</time><p class="lead">First</p><img src="1.png"></li>
<li class="post"><h2><a href="two">Two</a></h2><time datetime="2026-01-02">2 Jan</time><p class="lead">Second</p><a rel="tag">t</a></li>
<li class="post"><h2><a href="three">Three</a></h2><time datetime="2026-01-03">3 Jan</time><p class="lead">Third</p></li>
</ul></body></html>"""
ARTICLE_PAGE = b"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>One - Tea</title><link rel="canonical" href="/one">
<meta property="og:title" content="One"><meta property="og:image" content="/1.png"><meta name="author" content="Ann">
<meta property="article:published_time" content="2026-01-01T00:00:00Z"><script type="application/ld+json">{"@context":
"https://schema.org", "@type": "Article", "headline": "One", "datePublished": "2026-01-01", "author": {"name": "Ann"}}</script></head>
<body><header>Menu</header><article><h1>One</h1><p>A long paragraph about tea, kettles, and how water gets hot before it is poured.</p>
<figure><img src="/1.png"><figcaption>Pot</figcaption></figure><pre>a
 b</pre><table><tr><td><ul><li>x</li></ul></td></tr></table><p>Another paragraph, as long as the first, about cups and leaves.</p>
<iframe src="https://player.vimeo.com/video/1"></iframe></article><footer>Foot</footer></body></html>"""
MAIL = b"""From: =?utf-8?Q?Ann_B=C3=BC?= <ann@tea.example>\r
To: us@planet.example\r
Subject: =?utf-8?B?VGVhIG5ld3M=?=\r
Date: Sat, 3 Jan 2026 10:00:00 +0100\r
Message-ID: <1@tea.example>\r
List-Post: <mailto:l@tea.example>\r
List-Unsubscribe: <https://tea.example/u?k=secret>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="b1"\r
\r
--b1\r
Content-Type: multipart/alternative; boundary="b2"\r
\r
--b2\r
Content-Type: text/plain; charset="utf-8"\r
Content-Transfer-Encoding: quoted-printable\r
\r
Hello=20https://tea.example/1\r
\r
--b2\r
Content-Type: text/html; charset="iso-8859-1"\r
Content-Transfer-Encoding: base64\r
\r
PHA+SGVsbG8gPGltZyBzcmM9ImNpZDoxIj48c2NyaXB0PjE8L3NjcmlwdD48L3A+\r
--b2--\r
--b1\r
Content-Type: image/png; name="a.png"\r
Content-ID: <1>\r
Content-Disposition: attachment; filename*=utf-8''a.png\r
\r
x\r
--b1--\r
"""
H_FEED = b"""<!doctype html><html><head><title>Notes</title></head><body><div class="h-feed"><h1 class="p-name">Notes</h1>
<article class="h-entry"><a class="u-url" href="/n/1"><time class="dt-published" datetime="2026-01-01T00:00:00Z">1</time></a>
<div class="e-content p-name">Hello <b>there</b><script>1</script></div><span class="p-author h-card"><a class="u-url p-name" href="/">Ann</a></span>
<a class="p-category">t</a><img class="u-photo" src="/1.png"></article><div class="hentry"><h2 class="entry-title">Old</h2>
<div class="entry-content">Text</div></div></div></body></html>"""
OPML = b"""<?xml version="1.0"?><opml version="2.0"><head><title>Mine</title></head><body><outline text="Tea">
<outline type="rss" text="A" title="A" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/" category="/x/y,z"/>
<outline text="Deep"><outline type="rss" xmlUrl="https://b.example/feed"/></outline></outline>
<outline type="include" url="https://c.example/l.opml" text="More"/><outline type="link" text="x" url="https://d.example/"/></body></opml>"""
HEXO = b"""---
title: "One: a pot"
date: 2026-01-01 10:00:00 +0100
categories:
  - [Tea, Green]
  - News
tags: [a, b]
headimg: /1.png
author: Ann
menu: {a: &x [1, 2], b: *x}
---
# Hello

Text with <b onclick=x>HTML</b>, ![pic](a.png), [link](javascript:x) and a footnote[^1].

- [ ] task
| a | b |
|---|---|
| 1 | 2 |

{% codeblock lang:js %}x{% endcodeblock %} {{< figure src="a.png" >}} <!-- more -->

[^1]: Note.
"""
HUGO = b"""+++
title = 'Two'
date = 2026-01-02T00:00:00Z
draft = false
[taxonomies]
tags = ["x"]
+++
Text <iframe src="https://example.org/"></iframe>
"""
PELICAN = b"""Title: Three
Date: 2026-01-03 10:00
Category: Tea
Tags: a, b
Slug: three

Text
"""
FRONT_JSON = b"""{"title": "Four", "date": "2026-01-04", "tags": ["a"]}

<p>HTML body <img src=x onerror=alert(1)></p>
"""


@dataclass(frozen=True)
class Sample:
    """Documents of a kind to begin with, and the options that it is read with, one set a case."""

    bodies: Sequence[bytes]
    options: Sequence[Mapping[str, Any]] = ({},)
    content_types: Sequence[str | None] = (
        None,
        "text/html; charset=utf-8",
        "application/xml; charset=x",
        "text/plain",
    )
    names: Sequence[str] = field(default=("",))


_FEEDS = (RSS, ATOM, RDF, JSON_FEED)
_SELECTORS = {
    "item": "li.post",
    "title": "h2",
    "link": "h2 a",
    "date": "time",
    "summary": {"selector": ".lead", "regex": "(.*)"},
}
_EXPRESSIONS = {
    "items": "data.posts",
    "title": "title",
    "link": "url",
    "date": "created_at",
    "next": "data.next",
    "author": "author.name",
}
SAMPLES: Mapping[str, Sample] = {
    "feed": Sample(_FEEDS),
    "json": Sample((API, JSON_FEED), ({}, _EXPRESSIONS, {"items": "data.posts", "id": "id", "text": "text"})),
    "sitemap": Sample((SITEMAP, SITEMAP_INDEX), ({}, {"include": ["tea"], "exclude": ["x"], "entries": 1})),
    "page": Sample((LIST_PAGE, H_FEED), ({}, _SELECTORS, {"item": "li"})),
    "article-page": Sample(
        (ARTICLE_PAGE, LIST_PAGE), ({}, {"content": "article", "remove": "figure", "title": "h1"})
    ),
    "mail": Sample((MAIL,), ({}, {"sender": "@tea.example", "newest": 3})),
    "microformats": Sample((H_FEED, LIST_PAGE)),
    "opml": Sample((OPML,)),
    "articles": Sample(
        (HEXO, HUGO, PELICAN, FRONT_JSON), names=("a.md", "b/c.html", "index.markdown", "\u2028.md")
    ),
    "rsshub": Sample(_FEEDS),
    "exec": Sample(
        (*_FEEDS, API, LIST_PAGE),
        (
            {"command": ["x"]},
            {"command": ["x"], "kind": "json", "options": _EXPRESSIONS},
            {"command": ["x"], "kind": "page", "options": _SELECTORS},
        ),
    ),
}


@contextmanager
def reading(kind: str, _folder: Path) -> Iterator[Case]:
    """Reads documents of this kind."""
    sample = SAMPLES[kind]
    known = kinds.named(kind)
    parsed = [known.parse(options) for options in sample.options]

    def case(chance: Random) -> str:
        resource = Resource(
            url=chance.choice(("https://tea.example/feed", "file:///a", "")),
            body=mutated(chance, sample.bodies),
            content_type=chance.choice(sample.content_types),
            name=chance.choice(sample.names),
            number=chance.choice((0, 0, 0, 1)),
        )
        context = Context(kind=kind, options=chance.choice(parsed), source="s")
        try:
            found = read_resource(resource, context)
        except ReadError as error:
            _check_text(str(error))
            return "refused"
        for article in found.document.articles:
            _check_text(article.title)
            if "<script" in (article.content or "").lower():
                raise Wrong("a script is in the body")
            for url in (article.link, article.headimg):
                if url and url.strip().lower().startswith(("javascript:", "vbscript:", "data:text")):
                    raise Wrong(f"{url} can be followed")
        return "read" if found.document.articles or found.subscriptions else "read, nothing in it"

    yield case


def _check_text(text: str) -> None:
    text.encode()
    if "\0" in text or "\x1b" in text:
        raise Wrong(f"a control character in {text!r}")
