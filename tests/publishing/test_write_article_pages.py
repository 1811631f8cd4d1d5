"""Articles without a link have pages of their own, as long as anything shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree, html

from aggregator.config.load import SiteSettings, Source
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store import Found, Update
from aggregator.writers import SITE_WRITERS, WRITERS
from tests.conftest import NOW
from tests.support.planet import NEWS, Planet, article


def letter(number: int, **changes: Any) -> Article:
    """A newsletter of its own day."""
    return article(number, id=f"<{number}@list.example>", **{"link": None, **changes})


@pytest.fixture(params=["", "https://planet.example/feeds"])
def planet(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Planet]:
    """All formats, of which a feed shows five entries; with and without a public address."""
    made = Planet(tmp_path, url=request.param)
    made.writers, made.site_writers = WRITERS, SITE_WRITERS
    made.configure(formats=("rss", "atom", "json", "html"))
    yield made
    made.store.close()


def pages(planet: Planet) -> dict[str, str]:
    """The pages of articles, by their headings."""
    is_page = re.compile(r"articles/.*\.html")
    found = {n: b.decode() for n, b in planet.files().items() if is_page.fullmatch(n)}
    return {str(html.fromstring(body).findtext(".//h1")): name for name, body in found.items()}


def linked(planet: Planet, place: str) -> set[str]:
    """The pages of articles that a page links to, as paths in the output folder."""
    tree = html.fromstring(planet.files()[place])
    folder = planet.config.output / place
    hrefs = {str(link.get("href")) for link in tree.iterfind(".//article//h2/a")}
    found = {(folder.parent / href).resolve() for href in hrefs if "://" not in href}
    return {str(path.relative_to(planet.config.output.resolve())) for path in found}


def test_articles_without_a_link_have_pages_that_titles_link_to(planet: Planet) -> None:
    """In feeds, in archives and on the start page; articles with a link have none."""
    planet.add(*(letter(n) for n in range(13)), article(20))
    planet.publish()
    assert set(pages(planet)) == {f"Number {n}" for n in range(13)}
    places = [name for name in planet.files() if re.fullmatch(r"World/(?:archive/\d/)?index.html", name)]
    assert len(places) == 3
    assert set().union(*(linked(planet, place) for place in places)) == set(pages(planet).values())
    start = html.fromstring(planet.files()["index.html"])
    assert pages(planet)["Number 12"] in {link.get("href") for link in start.iterfind(".//li/a")}
    assert planet.publish().written == ()


def test_names_of_pages_hold_nothing_of_the_id(planet: Planet) -> None:
    """They are made of a digest, and are the same in every store."""
    planet.add(letter(1), article(2, id="../../../etc/passwd\x00", link=None))
    planet.publish()
    names = [name for name in planet.files() if name.startswith("articles/")]
    assert len(names) == 2
    assert all(re.fullmatch(r"articles/[0-9a-f]{24}\.html", name) for name in names)


def test_feeds_link_to_the_page_where_there_is_a_public_address(planet: Planet) -> None:
    """Without one the entry has no link: it would lead nowhere."""
    planet.add(letter(1))
    planet.publish()
    name = pages(planet)["Number 1"]
    url = planet.config.site.url
    wanted = [f"{url}/{name}"] if url else []
    files = planet.files()
    assert etree.fromstring(files["World/rss.xml"]).xpath("//item/link/text()") == wanted
    atom = etree.fromstring(files["World/atom.xml"])
    assert atom.xpath("//*[local-name()='entry']/*[local-name()='link']/@href") == wanted
    item = json.loads(files["World/feed.json"])["items"][0]
    assert ([item["url"]] if "url" in item else []) == wanted


def test_an_article_page_has_the_whole_sanitised_body(planet: Planet) -> None:
    """No script, no class of our own pages, and a link in place of a frame, which the policy forbids."""
    body = (
        '<p class="skip">Hi <b>you</b></p><script>alert(1)</script><img src="x" onerror="alert(1)">'
        '</main></body><iframe src="https://www.youtube.com/embed/a?b=1&amp;c=2"></iframe>'
    )
    planet.add(letter(1, content=body, title="<b>T</b>"), letter(2, content="", summary="<p>Short</p>"))
    planet.publish()
    files = planet.files()
    page = files[pages(planet)["<b>T</b>"]].decode()
    text = html.fromstring(page).find(".//main")
    assert text is not None
    assert text.findtext("p/b") == "you"
    assert text.xpath("a/@href") == ["https://www.youtube.com/embed/a?b=1&c=2"]
    assert text.xpath("a/text()") == ["www.youtube.com"]
    assert not text.xpath("//script|//*[@onerror]|//iframe|//main//*[@class='skip']")
    assert page.count("</main>") == 1
    assert "Content-Security-Policy" in page
    assert b"<p>Short</p>" in files[pages(planet)["Number 2"]]


def test_a_page_follows_edits_at_the_same_address(planet: Planet) -> None:
    """The newest version, although an archive shows an older one."""
    planet.add(*(letter(n) for n in range(12)))
    planet.publish()
    before = pages(planet)
    planet.add(letter(0, content="<p>Corrected</p>"))
    planet.publish()
    assert pages(planet) == before
    assert b"<p>Corrected</p>" in planet.files()[before["Number 0"]]


def test_a_page_follows_what_is_rewritten_in_place(planet: Planet) -> None:
    """That is no edit, and leaves no earlier version."""
    planet.add(letter(0))
    planet.publish()
    name = pages(planet)["Number 0"]
    planet.store.arrivals.rewrite("news", lambda old: replace(old, content="<p>Without names</p>"), NOW)
    planet.publish()
    assert b"<p>Without names</p>" in planet.files()[name]
    assert planet.publish().written == ()


def test_an_article_that_gets_a_link_needs_no_page(planet: Planet) -> None:
    """The page is removed with its compressed forms, and with the last of them their folder."""
    planet.configure(compress=("gzip", "br"))
    planet.add(letter(1, content="<p>" + "word " * 500))
    planet.publish()
    name = pages(planet)["Number 1"]
    assert f"{name}.gz" in planet.files()
    planet.add(letter(1, link="https://list.example/1"))
    planet.publish()
    assert not (planet.config.output / "articles").exists()


def test_a_pruned_article_keeps_its_page_while_an_archive_shows_it(planet: Planet) -> None:
    """An article that only the feed showed loses its page."""
    planet.add(*(letter(n) for n in range(11)))
    planet.publish()
    planet.prune(5)
    planet.publish()
    archived = {f"Number {n}" for n in range(5)}
    assert set(pages(planet)) == archived | {f"Number {n}" for n in range(6, 11)}


def test_withdrawn_and_forgotten_articles_lose_their_pages(planet: Planet) -> None:
    """Everywhere, archives included."""
    planet.add(*(letter(n) for n in range(11)))
    found = [Found(letter(11), file="own.md")]
    planet.store.sources.commit(Update(source="news", validators={}, body_hash=None, found=found), NOW)
    planet.publish()
    assert "Number 11" in pages(planet)
    planet.store.forgetting.forget(planet.store.forgetting.named("<0@list.example>"), NOW)
    gone = Update(source="news", validators={}, body_hash=None, found=[], withdrawn=["own.md"])
    planet.store.sources.commit(gone, NOW)
    planet.publish()
    assert set(pages(planet)) == {f"Number {n}" for n in range(1, 11)}


def test_without_the_format_html_there_are_no_article_pages(planet: Planet) -> None:
    """And no links to them, also in full archives; with the format they return to their addresses."""
    planet.add(*(letter(n) for n in range(12)))
    planet.publish()
    before = pages(planet)
    planet.configure(formats=("rss",))
    planet.publish()
    assert pages(planet) == {}
    assert not any(b"articles/" in body for body in planet.files().values())
    planet.configure(formats=("rss", "html"))
    planet.publish()
    assert pages(planet) == before


def test_a_damaged_page_is_written_again(planet: Planet) -> None:
    """Emptied or removed by somebody."""
    planet.add(letter(1), letter(2))
    planet.publish()
    before = planet.files()
    (planet.config.output / pages(planet)["Number 1"]).write_bytes(b"")
    (planet.config.output / sorted(n for n in before if n.startswith("articles/"))[1]).unlink()
    planet.publish()
    assert planet.files() == before


def test_another_public_address_shows_in_feeds_and_full_archives(tmp_path: Path) -> None:
    """Entries name their pages at the new one."""
    planet = Planet(tmp_path)
    planet.writers, planet.site_writers = WRITERS, SITE_WRITERS
    planet.configure(formats=("rss", "html"))
    planet.add(*(letter(n) for n in range(12)))
    planet.publish()
    planet.configure(site=SiteSettings(title="Planet", url="https://other.example"))
    planet.publish()
    feeds = [body for name, body in planet.files().items() if name.endswith("rss.xml")]
    links = [str(link.text) for body in feeds for link in etree.fromstring(body).iterfind(".//item/link")]
    assert links
    assert all(link.startswith("https://other.example/articles/") for link in links)
    planet.store.close()


def test_articles_with_a_link_have_pages_where_their_source_wants_it(planet: Planet) -> None:
    """Titles lead to them; they name the original, where feeds still lead; turned off, all is as before."""
    planet.add(*(article(n) for n in range(12)), letter(20))
    planet.publish()
    before = planet.files()
    planet.configure(sources=(NEWS.model_copy(update={"article_pages": True}),))
    planet.publish()
    assert set(pages(planet)) == {f"Number {n}" for n in (*range(12), 20)}
    assert linked(planet, "World/index.html") <= set(pages(planet).values())
    page = html.fromstring(planet.files()[pages(planet)["Number 3"]])
    assert page.xpath("//link[@rel='canonical']/@href") == ["https://news.example/3"]
    assert page.xpath("//meta[@property='og:type']/@content") == ["article"]
    assert page.xpath("//p[@class='original']/a/@href") == ["https://news.example/3"]
    own = html.fromstring(planet.files()[pages(planet)["Number 20"]])
    assert own.xpath("//p[@class='original']") == []
    for name in ("World/rss.xml", "World/feed.json", "World/archive/1/atom.xml"):
        assert planet.files()[name] == before[name]
    assert planet.publish().written == ()
    planet.configure(sources=(NEWS,))
    planet.publish()
    assert planet.files() == before


def test_letters_have_pages_only_where_that_is_wanted(planet: Planet) -> None:
    """And then without what is their reader's own."""
    key = "f8a3b2c4d5e6f7a8b9c0d1e2"
    body = f'<p><a href="https://list.example/{key}">Tea</a> <a href="https://tea.example/">Pot</a></p>'
    planet.add(letter(1, content=body))
    mail = Source(name="news", kind="mail", url="imaps://mail.example/INBOX", categories=("World",))
    planet.configure(sources=(mail,))
    planet.publish()
    assert pages(planet) == {}
    assert b"Number 1" in planet.files()["World/index.html"]
    planet.configure(sources=(mail.model_copy(update={"article_pages": True}),))
    planet.publish()
    text = planet.files()[pages(planet)["Number 1"]].decode()
    assert key not in text
    assert "<p>Tea <a" in text
    assert 'href="https://tea.example/"' in text


def test_article_pages_false_gives_no_pages(planet: Planet) -> None:
    """Not even for an article without a link."""
    planet.add(letter(1))
    planet.configure(sources=(NEWS.model_copy(update={"article_pages": False}),))
    planet.publish()
    assert pages(planet) == {}
