"""Kind `page`: a list on a web page, read by CSS selectors."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.adapters.page.options import ListPageOptions, Part
from aggregator.errors import NotAFeed, ReadError
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, Reading, read_resource
from tests.conftest import Answer, Server
from tests.support.site import Site

DOCS = Path(__file__).parents[3] / "docs" / "sources.md"
URL = "https://tea.example/news/index.html"
FIELDS: dict[str, Any] = {"item": "li.post", "title": "h2", "link": "h2 a"}


def post(number: int, more: str = "") -> str:
    """One item of a list."""
    return f"<li class=post><h2><a href='{number}.html'>Tea &amp; cake {number}</a></h2>{more}</li>"


def page(*items: str, head: str = "<title>Tea news</title>", rest: str = "") -> bytes:
    """A page that lists these items."""
    return f"<!doctype html><html lang=en><head>{head}</head><body><ul>{''.join(items)}</ul>{rest}".encode()


def reading(body: bytes, number: int = 0, content_type: str | None = None, **options: Any) -> Reading:
    """Returns what the kind makes of this page."""
    kind = kinds.named("page")
    resource = Resource(url=URL, body=body, content_type=content_type, number=number)
    return read_resource(resource, Context(kind="page", options=kind.parse(options)))


def texts(read: Reading) -> list[str]:
    """Its problems."""
    return [problem.text for problem in read.document.problems]


def test_each_item_becomes_an_article_whose_id_is_its_link() -> None:
    """Title, link, and what the page says of itself."""
    document = reading(page(post(1), post(2)), **FIELDS).document
    assert [(a.id, a.link, a.title) for a in document.articles] == [
        (f"https://tea.example/news/{n}.html", f"https://tea.example/news/{n}.html", f"Tea & cake {n}")
        for n in (1, 2)
    ]
    assert (document.title, document.link, document.problems) == ("Tea news", URL, ())
    assert document.articles[0].origin.language == "en"


def test_every_field_is_read_from_where_it_usually_is() -> None:
    """An address from href or src, a date from datetime, a summary with its markup."""
    rest = (
        "<time datetime=2026-03-04>last week</time><p class=intro>Hot <b>tea</b><script>x()</script></p>"
        "<img src=data:image/gif;base64,AAAA data-src=/cup.jpg><i class=by>Ada</i><i class=by>Bob</i>"
        "<b class=tag>Green</b><b class=tag>Black</b><b class=tag>Green</b>"
    )
    options = {
        **FIELDS,
        "date": "time",
        "summary": ".intro",
        "image": "img",
        "author": ".by",
        "categories": ".tag",
    }
    (article,) = reading(page(post(1, rest)), **options).document.articles
    assert article.published == datetime(2026, 3, 4, tzinfo=UTC)
    assert article.summary == "Hot <b>tea</b>"
    assert article.headimg == "https://tea.example/cup.jpg"
    assert (article.authors, article.tags) == (("Ada", "Bob"), ("Green", "Black"))


@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("<img srcset='/s.jpg 300w, /l.jpg 1200w, /m.jpg 600w'>", "https://tea.example/l.jpg"),
        ("<figure><img src=cup.png></figure>", "https://tea.example/news/cup.png"),
        ("<img src='data:image/png;base64,AAAA'>", None),
        ("", None),
    ],
    ids=["srcset", "inside a figure", "data only", "none"],
)
def test_the_picture_is_one_that_can_be_fetched(image: str, address: str | None) -> None:
    """The largest that is offered."""
    (article,) = reading(page(post(1, image)), **FIELDS, image="img, figure").document.articles
    assert article.headimg == address


@pytest.mark.parametrize(
    ("part", "title"),
    [
        ("@data-name", "An item's own"),
        ("a@title", "A link's"),
        ({"selector": "a", "attribute": "text"}, "Link's text"),
        ({"selector": "h6", "default": "Untitled"}, "Untitled"),
        ({"selector": "a", "regex": "(\\w+)$"}, "text"),
        ({"selector": "a", "regex": "Li.k"}, "Link"),
        ({"selector": "a", "regex": "\\d+", "default": "No number"}, "No number"),
        ("[title='A@B c'] i", "Odd"),
    ],
    ids=[
        "of the item",
        "attribute",
        "text",
        "default",
        "group",
        "whole match",
        "no match",
        "an @ in a selector",
    ],
)
def test_a_selector_is_written_as_a_string_or_a_table(part: object, title: str) -> None:
    """Selector, attribute, default, regex."""
    inside = '<a href=/1 title="A link\'s">Link\'s text</a><p title="A@B c"><i>Odd</i></p>'
    item = f'<div data-name="An item\'s own">{inside}</div>'
    (article,) = reading(page(item), item="div", title=part, link="a").document.articles
    assert article.title == title


@pytest.mark.parametrize(
    ("written", "format_", "day"),
    [
        ("4. März 2026", "%d. %B %Y", 4),
        ("04.03.26", "%d.%m.%y", 4),
        ("5 mars 2026, 09:00", "%d %b %Y, %H:%M", 5),
        ("Published on 6 March 2026", None, 6),
        ("7 de marzo de 2026", None, 7),
        ("3 hours ago", None, None),
    ],
)
def test_a_date_is_read_by_its_format_or_like_every_other(
    written: str, format_: str | None, day: int | None
) -> None:
    """Names of months in any language that we know."""
    date = {"selector": "i", **({"format": format_} if format_ else {})}
    (article,) = reading(page(post(1, f"<i>{written}</i>")), **FIELDS, date=date).document.articles
    assert (article.published.day if article.published else None) == day


@pytest.mark.parametrize(
    "written",
    [
        "<i datetime='Invalid date'>4 March 2026</i>",
        "<i title='2 days ago' content='2026-03-04'>soon</i>",
        "<i>soon</i><i>2026-03-04</i>",
    ],
)
def test_the_first_readable_date_of_an_item_is_used(written: str) -> None:
    """For machines, for people, and further elements."""
    (article,) = reading(page(post(1, written)), **FIELDS, date="i").document.articles
    assert article.published == datetime(2026, 3, 4, tzinfo=UTC)


def test_a_date_in_another_format_is_reported() -> None:
    """The article stays, dated when it is first seen."""
    read = reading(page(post(1, "<i>2026/03/04</i>")), **FIELDS, date={"selector": "i", "format": "%d.%m.%Y"})
    assert read.document.articles[0].published is None
    assert texts(read) == ["date '2026/03/04' is not in the format '%d.%m.%Y', taken for missing"]


def test_a_link_may_be_around_the_title_or_in_it() -> None:
    """Cards are often one link as a whole."""
    items = [
        "<li class=post><a href=/1><h2>One</h2></a></li>",
        "<li class=post><h2><a href=/2>Two</a></h2></li>",
    ]
    links = [a.link for a in reading(page(*items), item="li.post", title="h2", link="h2").document.articles]
    assert links == ["https://tea.example/1", "https://tea.example/2"]


def test_links_count_from_base_href() -> None:
    """As browsers do."""
    body = page(post(1, "<p><a href=x>x</a></p>"), head="<base href='../old/'>")
    (article,) = reading(body, **FIELDS, summary="p").document.articles
    assert article.link == "https://tea.example/old/1.html"
    assert 'href="https://tea.example/old/x"' in article.summary


@pytest.mark.parametrize(
    ("charset", "content_type", "meta"),
    [
        ("shift_jis", None, "<meta charset=shift_jis>"),
        ("shift_jis", None, "<meta http-equiv=Content-Type content='text/html; charset=Shift_JIS'>"),
        ("shift_jis", "text/html; charset=iso-8859-1", "<meta charset=shift_jis>"),
        ("euc_jp", "text/html; charset=EUC-JP", "<meta charset=shift_jis>"),
        ("utf-8", None, "<meta charset=utf-16>"),
    ],
    ids=["meta", "http-equiv", "a server's Latin-1", "HTTP first", "no two-byte encoding"],
)
def test_the_encoding_is_declared_by_http_or_the_page(
    charset: str, content_type: str | None, meta: str
) -> None:
    """HTML §13.2.3.2, with a server's default overruled."""
    body = page(post(1).replace("cake", "日本語"), head=meta).decode().encode(charset)
    assert "日本語" in reading(body, content_type=content_type, **FIELDS).document.articles[0].title


def test_items_without_title_and_link_are_not_articles() -> None:
    """An advertisement between the items is reported, once for all of them."""
    read = reading(page(post(1), "<li class=post>Buy!</li>", "<li class=post></li>"), **FIELDS)
    assert len(read.document.articles) == 1
    assert texts(read) == ["2 of 3 items have neither title nor link; left out"]


def test_entries_without_any_link_are_articles_all_the_same() -> None:
    """A list of events, distinguished by their titles alone; each is recognised by its text."""
    body = page(
        "<li class=post><h2>Tea at noon</h2><p>Here</p></li>", "<li class=post><h2>Cake at five</h2></li>"
    )
    articles = reading(body, item="li.post", title="h2").document.articles
    assert [(a.title, a.link) for a in articles] == [("Tea at noon", None), ("Cake at five", None)]
    assert len({a.id for a in articles}) == 2


@pytest.mark.parametrize(
    "options", [{"item": "li.post"}, {"title": "h2"}, {"item": 'li[class="post"]'}, {"pages": 2}]
)
def test_any_half_of_the_options_is_enough(options: dict[str, Any]) -> None:
    """The rest is proposed, in a form that can be pasted into the config."""
    read = reading(page(post(1), post(2), post(3)), **options)
    assert [a.title for a in read.document.articles] == ["Tea & cake 1", "Tea & cake 2", "Tea & cake 3"]
    toml = texts(read)[0].partition("config: ")[2]
    assert kinds.mistakes("page", tomllib.loads(toml)["options"]) == []


def test_preview_reports_what_the_selectors_found() -> None:
    """In how many items, and what in the first of them."""
    read = reading(page(post(1, "<i>Ada</i>"), post(2)), **FIELDS, author="i", date="time")
    found = {f.name: (f.selector, f.count, f.of, f.example) for f in read.document.findings}
    assert found == {
        "item": ("li.post", 2, 2, "Tea & cake 1 Ada"),
        "title": ("h2", 2, 2, "Tea & cake 1"),
        "link": ("h2 a", 2, 2, "1.html"),
        "author": ("i", 1, 2, "Ada"),
        "date": ("time", 0, 2, ""),
    }
    assert len(read.document.articles) == 2
    assert texts(read) == ['date = "time" matched in none of 2 items; there is nothing else to match']


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"item": "ul > li.entry h2"}, 'there 1 match "ul", 2 match "ul > li", 0 match "ul > li.entry"'),
        ({"item": "li.post", "title": "b", "link": "h2.x a"}, '2 match "h2", 0 match "h2.x"'),
    ],
    ids=["no item", "no title and no link"],
)
def test_an_item_selector_without_matches_is_an_error(options: dict[str, Any], reported: str) -> None:
    """A page that was made anew must not look like one without news."""
    with pytest.raises(ReadError) as caught:
        reading(page(post(1), post(2)), **{"title": "h2", "link": "a", **options})
    assert reported in caught.value.message
    assert "correct the selector" in caught.value.message


def test_a_page_that_a_script_fills_in_is_reported_as_one() -> None:
    """No selector can help there."""
    body = (
        b"<html><body><div id=app></div><script>" + b"render('<li class=post>');" * 50 + b"</script></body>"
    )
    with pytest.raises(ReadError, match="filled in by a script"):
        reading(body, **FIELDS)


@pytest.mark.parametrize(
    ("body", "error", "reported"),
    [
        (b"", ReadError, "empty"),
        (b"%PDF-1.7 ...", NotAFeed, "not a web page but a PDF document"),
        (b"<?xml version='1.0'?><rss version='2.0'><channel/></rss>", ReadError, 'remove kind = "page"'),
        (b"<div>" * 5_000 + b"x", ReadError, "over a limit"),
        (b"<p>" + b"x" * 1_100_000, ReadError, "over a limit"),
        (b"\0" * 1_000, ReadError, "matched nothing"),
        (b"just words", ReadError, "matched nothing"),
    ],
    ids=["nothing", "PDF", "a feed", "too deep", "too long", "NULs", "no markup"],
)
def test_documents_that_are_not_html_are_refused(body: bytes, error: type[ReadError], reported: str) -> None:
    """The error says what to change, if anything can be changed."""
    with pytest.raises(error, match=re.escape(reported)):
        reading(body, **FIELDS)


def test_scripts_count_neither_as_markup_nor_as_depth() -> None:
    """Templates in strings are not nested elements, nor is their number a page's length."""
    script = "<script>var a = '" + "<div>" * 300_000 + "';</script>"
    assert len(reading(page(post(1), rest=script), **FIELDS).document.articles) == 1


def test_more_items_than_a_list_can_have_are_reported() -> None:
    """The first thousand are read."""
    read = reading(page(*(post(n) for n in range(1_100))), **FIELDS)
    assert len(read.document.articles) == 1_000
    assert texts(read) == ["1100 items; only the first 1000 are read"]


def test_items_that_contain_each_other_do_not_multiply_a_page() -> None:
    """Each repeats the text of all inside it."""
    inner = "<p>" + "x" * 400_000 + "</p>"
    nested = "".join(f"<div class=x><h2>{n}</h2>" for n in range(200))
    read = reading(page(nested + inner), item="div.x", title="h2", link="a", summary="p")
    assert 10 < len(read.document.articles) < 100
    assert any("only the first" in text for text in texts(read))


def test_next_pages_are_followed_as_far_as_the_options_say() -> None:
    """rel=next is found by itself; the last page names none."""
    further = page(post(1), rest="<a rel=next href='?page=2'>older</a>")
    assert reading(further, **FIELDS).more == ()
    assert reading(further, **FIELDS, pages=2).more == ("https://tea.example/news/index.html?page=2",)
    assert reading(further, number=1, **FIELDS, pages=2).more == ()
    assert reading(page(post(1)), number=1, **FIELDS, pages=3).document.problems == ()
    assert reading(further, **FIELDS, pages=2, next="a.older").more == ()
    read = reading(further, **FIELDS, pages=2, next="a.older")
    assert texts(read) == ['next = "a.older" leads to no further page; there 2 match "a"']


def test_a_next_page_without_items_is_the_end_and_reported() -> None:
    """The first page was good."""
    read = reading(page(), number=1, **FIELDS, pages=5)
    assert read.document.articles == ()
    assert 'item = "li.post" matched nothing' in texts(read)[0]


@pytest.mark.parametrize(
    ("options", "reported"),
    [
        ({"item": "li["}, "'li[' is not a CSS selector"),
        ({"item": "li", "title": "h2 >"}, "'h2 >' is not a CSS selector"),
        ({"title": {"selector": "h2", "regex": "(a"}}, "is not valid for RE2: missing ): (a"),
        ({"title": {"selector": "h2", "regex": "(?=a)"}}, "is not valid for RE2"),
        ({"date": {"selector": "i", "format": "day"}}, "has no part of a date"),
        ({"title": {"selector": "i", "format": "%d"}}, "only a date has a format"),
        ({"title": {"selector": "i", "regexp": "x"}}, "is not a known key"),
        ({"pages": 51}, "write 50 or less"),
        ({"titel": "h2"}, "is not a known key"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_mistake_in_the_options_is_reported_by_the_config(options: dict[str, Any], reported: str) -> None:
    """Before anything is fetched."""
    mistakes = kinds.mistakes("page", options)
    assert any(reported in text for _, _, text in mistakes), mistakes


def test_the_docs_name_every_option_and_their_examples_load() -> None:
    """What is written there can be pasted."""
    section = DOCS.read_text(encoding="utf-8").partition("\n## `page`\n")[2].partition("\n## ")[0]
    for name in (*ListPageOptions.model_fields, *Part.model_fields):
        assert f"| `{name}` |" in section, name
    examples = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        (source,) = tomllib.loads(example)["sources"]
        assert kinds.mistakes(source["kind"], source["options"]) == []


def test_a_site_without_a_feed_is_followed(server: Server, site: Site) -> None:
    """An unchanged list is asked for alone, a new entry is the only new one, a broken list loses none."""
    second = Answer(headers={"Content-Type": "text/html"}, body=page(post(1), post(2)))
    server.pages["/news/"] = Answer(body=page(post(3), rest="<a rel=next href=/older>older</a>"))
    server.pages["/older"] = second
    options = {**FIELDS, "pages": 2}
    site.configure(
        {
            "name": "Tea",
            "kind": "page",
            "url": f"{server.url}/news/",
            "options": options,
            "categories": ["Tea"],
        },
        fetch={"host_gap": "0s"},
    )
    assert "3 new, 0 changed" in site.run("fetch").output
    assert b"cake 1</title>" in site.files()["Tea/rss.xml"]
    asked = len(server.requests)
    assert "nothing new at the source" in site.run("fetch", "--force").output
    assert [r.path for r in server.requests[asked:]] == ["/robots.txt", "/news/"]
    server.pages["/news/"] = Answer(body=page(post(4), post(3), rest="<a rel=next href=/older>older</a>"))
    assert "1 new, 0 changed, 3 unchanged" in site.run("fetch", "--force").output
    server.pages["/news/"] = Answer(body=b"<p>We have a new design!")
    result = site.run("fetch", "--force", "--json")
    (poll,) = json.loads(result.output)["sources"]
    assert 'item = "li.post" matched nothing' in poll["error"]
    assert b"cake 4</title>" in site.files()["Tea/rss.xml"]


def test_preview_shows_what_each_selector_found(server: Server, site: Site) -> None:
    """So that a source is made by trying."""
    from click.testing import CliRunner

    from aggregator.cli.main import main

    server.pages["/"] = Answer(body=page(post(1), post(2)))
    asked = [
        "preview",
        f"{server.url}/",
        "--kind",
        "page",
        "-o",
        "item=li.post",
        "-o",
        "title=h2",
        "-o",
        "link=h2 a",
    ]
    output = CliRunner().invoke(main, asked).output
    assert re.search(r"title +h2 +2 of 2 +Tea & cake 1", output)
    found = json.loads(CliRunner().invoke(main, [*asked, "--json"]).output)["findings"]
    assert found[1] == {"name": "title", "selector": "h2", "count": 2, "of": 2, "example": "Tea & cake 1"}
