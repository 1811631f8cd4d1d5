"""Footnotes: links inside an article lead to its own places, wherever it is shown."""

from __future__ import annotations

import re

import pytest

from aggregator.adapters.feed import document
from aggregator.model.article import Article
from aggregator.model.entry import ArticleDocument
from aggregator.normalise.anchors import Owner, has_anchors
from aggregator.normalise.entries import articles
from aggregator.normalise.html import HtmlBody, sanitise, sanitise_checked
from aggregator.normalise.verbatim import kept_or_sanitised

PAGE = "https://tea.example/post/"
OWNER = Owner("Tea", "id", PAGE)
P = OWNER.prefix
A = 'rel="noopener noreferrer"'


def body(markup: str, owner: Owner = OWNER) -> str:
    """Returns what becomes of the body of an article."""
    made = HtmlBody(raw=markup, bases=(PAGE,), owner=owner)
    sanitise_checked([made])
    return made.html


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<sup id='fnref1'><a href='#fn1'>1</a></sup><p class='x' id='fn1'><a href='#fnref1'>up</a></p>",
         f'<sup id="{P}-fnref1"><a href="#{P}-fn1" {A}>1</a></sup><p id="{P}-fn1"><a href="#{P}-fnref1" {A}>up</a></p>'),  # noqa: E501
        ("<a href=#fn:1>1</a><p id=fn:1>a</p>", f'<a href="#{P}-fn:1" {A}>1</a><p id="{P}-fn:1">a</p>'),
        ("<a href='#a'>1</a><a name='a'>a</a>", f'<a href="#{P}-a" {A}>1</a><a id="{P}-a" {A}>a</a>'),
        ("<a href='#a'>1</a><a name='a' id='b'>a</a>", f'<a href="#{P}-a" {A}>1</a><a id="{P}-a" {A}>a</a>'),
        ("<a href='#a%2Eb'>1</a><i id='a.b'>a</i>", f'<a href="#{P}-a.b" {A}>1</a><i id="{P}-a.b">a</i>'),
        ("<a href='#a'>1</a><p id=a>a</p><p id=a>b</p>",
         f'<a href="#{P}-a" {A}>1</a><p id="{P}-a">a</p><p>b</p>'),
        ("<a href='#f'>1</a><math id='f'><mi>x</mi></math>",
         f'<a href="#{P}-f" {A}>1</a><math id="{P}-f"><mi>x</mi></math>'),
        ("<A HREF='#a'>1</A><P ID='a'>a</P>", f'<a href="#{P}-a" {A}>1</a><p id="{P}-a">a</p>'),
    ],
)  # fmt: skip
def test_footnote_links_point_to_their_anchors(written: str, right: str) -> None:
    """By id or name, as browsers find them; the first of two."""
    assert body(written) == right
    assert sanitise(right, PAGE) == right
    assert kept_or_sanitised(right, PAGE) == right


@pytest.mark.parametrize(
    "address",
    [PAGE, "https://tea.example/post", "http://www.tea.example/post/", "/post/", "../post/", "."],
)
def test_links_to_places_in_the_articles_own_page_become_fragments(address: str) -> None:
    """Many feeds write them so."""
    assert body(f"<a href='{address}#fn1'>1</a><p id='fn1'>a</p>") == body(
        "<a href='#fn1'>1</a><p id='fn1'>a</p>"
    )


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<p id=a>a</p>", "<p>a</p>"),
        ("<a href='#top'>up</a><p id=a>a</p>", f'<a href="{PAGE}#top" {A}>up</a><p>a</p>'),
        ("<a href='https://other.example/#a'>1</a><p id=a>a</p>",
         f'<a href="https://other.example/#a" {A}>1</a><p>a</p>'),
        ("<a href='#'>up</a><p id=''>a</p>", f'<a href="{PAGE}" {A}>up</a><p>a</p>'),
        ("<form id=f></form><a href='#f'>1</a>", f'<a href="{PAGE}#f" {A}>1</a>'),
        ("<a href='/p?x=1#a'>1</a> #tea <b id=a>a</b>",
         f'<a href="https://tea.example/p?x=1#a" {A}>1</a> #tea <b>a</b>'),
    ],
)  # fmt: skip
def test_other_ids_are_removed_and_other_links_become_absolute(written: str, right: str) -> None:
    """As before there were anchors."""
    assert body(written) == right


def test_an_id_of_odd_characters_becomes_one_of_plain_ones() -> None:
    """Readers differ in what they decode."""
    written = "<a href='#sp%C3%A4ter'>1</a><p id='später'>a</p><a href='#x y'>2</a><p id='x y'>b</p>"
    found = re.findall(rf'href="#({P}-[0-9a-f]{{12}})"|id="({P}-[0-9a-f]{{12}})"', body(written))
    assert [one or two for one, two in found[:2]] == [found[0][0]] * 2
    assert [one or two for one, two in found[2:]] == [found[2][0]] * 2
    assert found[0][0] != found[2][0]


def test_two_articles_on_a_page_have_places_of_their_own() -> None:
    """And so have a summary and a content."""
    owners = [
        OWNER,
        Owner("Tea", "id", PAGE, "s"),
        Owner("Tea", "id", "https://tea.example/other/"),
        Owner("Tea", "id", "https://tea.example/?p=1"),
        Owner("Tea", "id", "https://tea.example/?p=2"),
        Owner("Tea", "id", "https://tea.example/"),
        Owner("Tea", "id2", "https://tea.example/"),
        Owner("Tea", "id3", None),
        Owner("Milk", "id", PAGE),
    ]
    assert len({owner.prefix for owner in owners}) == len(owners)


@pytest.mark.parametrize(
    "link",
    [
        PAGE.replace("https", "http"),
        PAGE.rstrip("/"),
        "https://www.tea.example/post/",
        "https://new.example/post/",
    ],
)
def test_ids_inside_an_article_stay_when_a_site_moves(link: str) -> None:
    """Otherwise each article would look edited."""
    assert Owner("Tea", "another", link).prefix == P
    assert Owner("Tea", link, None).prefix == P


def test_anchors_of_every_kind_of_document() -> None:
    """Feeds, and files of front matter, which have no link."""
    written = "<a href='#fn1'>1</a><p id='fn1'>a</p>"
    rss = (
        f"<rss version='2.0'><channel><item><guid>{PAGE}</guid><description>"
        f"<![CDATA[{written}]]></description></item></channel></rss>"
    )
    [entry] = articles(document.read(rss.encode()), source="Tea").document.articles
    assert f'href="#{P}s-fn1"' in entry.summary
    assert f'id="{P}s-fn1"' in entry.summary
    file = ArticleDocument(Article(id="a.md", content=written))
    [post] = articles(file, source="Tea").document.articles
    assert re.fullmatch(r'<a href="#(a\w{8}-fn1)" .*</a><p id="\1">a</p>', post.content)


def test_many_anchors_are_bounded_and_take_no_time() -> None:
    """What is beyond the bound leads to the page."""
    many = "".join(f"<a href='#n{n}'>1</a><b id='n{n}'>a</b>" for n in range(6_000))
    clean = body(many)
    assert clean.count(" id=") == 5_000
    assert clean.count(f'href="{PAGE}#') == 1_000


@pytest.mark.parametrize(
    ("place", "is_found"),
    [
        ("<p id=n>", True),
        ("<p\nID = 'n'>", True),
        ("<a Name=n>", True),
        ("<a name\t=n>", True),
        ("<p guid=n>", False),
        ("<p data-id=n>", False),
        ("<p idea = n>", False),
        ("<p title='Id, name'>", False),
    ],
)
def test_a_body_has_anchors_if_a_link_and_a_place_are_in_it(place: str, is_found: bool) -> None:
    assert has_anchors(f"<a href='#n'>1</a> x = y {place}") is is_found
    assert not has_anchors(f"<a href='/n'>1</a>{place}")
