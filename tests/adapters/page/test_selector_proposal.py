"""Selectors that are proposed for a page."""

from __future__ import annotations

import tomllib

import pytest

from aggregator.adapters.page import list_page as page
from aggregator.adapters.page.options import ListPageOptions
from aggregator.errors import ReadError
from aggregator.model.entry import Feed
from aggregator.model.resource import Resource

MENU = (
    "<nav><ul>" + "".join(f"<li><a href=/section/{n}>Section {n}</a></li>" for n in range(12)) + "</ul></nav>"
)
FOOTER = (
    "<footer>" + "".join(f"<p><a href=/legal/{n}>Legal notice {n}</a></p>" for n in range(9)) + "</footer>"
)
CLOUD = "<div class=tag-cloud>" + "".join(f"<a href=/tag/{n}>tag {n}</a>" for n in range(40)) + "</div>"


def card(number: int, heading: str = "h2") -> str:
    """An entry as blogs show it."""
    return (
        f"<div class='card wide'><{heading}><a href=/posts/{number}.html>Brewing tea, part {number}</a>"
        f"</{heading}><b class=author>Ada</b>, <time datetime=2026-01-{number:02}>January</time>"
        f"<p class=excerpt>Part {number} is about water, which is half of the taste of every tea.</p>"
        f"<img src=/images/{number}.jpg><a rel=tag href=/tag/water>Water</a></div>"
    )


def around(content: str) -> str:
    """A page with what pages have beside their matter."""
    return f"<!doctype html><title>T</title><body>{MENU}<div id=main>{content}</div>{CLOUD}{FOOTER}</body>"


def read(content: str, options: ListPageOptions | None = None) -> Feed:
    """The page, with these options."""
    resource = Resource(url="https://tea.example/", body=content.encode())
    return page.read(resource, options or ListPageOptions())


def links(feed: Feed) -> list[str]:
    """Where its entries lead."""
    return [entry.links[0].href.removeprefix("https://tea.example") for entry in feed.entries]


def test_the_cards_of_a_page_are_found_with_all_that_they_hold() -> None:
    """Not the menu, which is longer, nor the cloud of tags."""
    feed = read(around("".join(card(n) for n in range(1, 7))))
    assert links(feed) == [f"/posts/{n}.html" for n in range(1, 7)]
    assert {f.name: (f.selector, f.count) for f in feed.findings} == {
        "item": ("div.card", 6),
        "title": ("h2", 6),
        "link": ("a", 6),
        "date": ("time", 6),
        "summary": ("p.excerpt", 6),
        "image": ("img", 6),
        "author": ("b.author", 6),
        "categories": ("a[rel~='tag']", 6),
    }


def test_proposed_selectors_work_when_pasted_into_the_config() -> None:
    """One line of TOML, to be kept once it is right."""
    content = around("".join(card(n) for n in range(1, 7)))
    feed = read(content)
    (problem,) = feed.problems
    message, _, toml = problem.text.partition(": ")
    assert message == "selectors were proposed; keep them in the config"
    kept = read(content, ListPageOptions.model_validate(tomllib.loads(toml)["options"]))
    assert (kept.entries, kept.findings, kept.problems) == (feed.entries, feed.findings, [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "".join(
                f"<tr><td>{n}.1.2026<td><a href=/n/{n}>Minutes of meeting {n}</a></tr>" for n in (1, 2, 3)
            ),
            3,
        ),
        ("".join(f"<li><a href=/2026/01/{n}-tea>A day of tea {n}</a></li>" for n in range(5)), 5),
        (
            "".join(f"<a class=row href=/x/{n}><h3>Tea for {n} people</h3><p>Text</p></a>" for n in range(4)),
            4,
        ),
        (card(1, "h1") + "".join(card(n, "h3") for n in range(2, 6)), 5),
        ("<h2>2026</h2>" + card(1) + card(2) + "<h2>2025</h2>" + card(3) + card(4), 4),
    ],
    ids=["table", "plain list", "cards that are links", "a lead story", "headings of years"],
)
def test_lists_of_every_make_are_found(content: str, expected: int) -> None:
    """Each entry once, with a title."""
    if content.startswith("<tr"):
        content = f"<table class=minutes>{content}</table>"
    feed = read(around(content))
    assert len(feed.entries) == len(set(links(feed))) == expected
    assert all(entry.title and entry.title.value for entry in feed.entries)


def test_items_that_are_given_are_kept_and_their_fields_proposed() -> None:
    """The half that a person knows."""
    feed = read(around("".join(card(n) for n in range(1, 7))), ListPageOptions(item="#main > div"))
    assert (feed.findings[0].selector, feed.findings[1].selector) == ("#main > div", "h2")
    assert feed.problems[0].text.startswith("the other selectors were proposed")


def test_fields_that_are_given_are_kept_and_only_what_is_needed_is_proposed() -> None:
    """Fields that the options name are not proposed."""
    options = ListPageOptions.model_validate({"item": "div.card", "title": "p.excerpt"})
    feed = read(around("".join(card(n) for n in range(1, 7))), options)
    assert {f.name: f.selector for f in feed.findings} == {
        "item": "div.card",
        "title": "p.excerpt",
        "link": "a",
    }


def test_titles_without_headings_are_what_is_called_a_title() -> None:
    """And not the date beside them."""
    items = "".join(
        f"<a class=row href=/{n}><span class=post-date>2026/01/{n:02}</span>"
        f"<span class=post-title>Tea {n} ways</span></a>"
        for n in range(1, 8)
    )
    feed = read(around(items))
    assert {f.name: f.selector for f in feed.findings if f.name in ("title", "date")} == {
        "title": "span.post-title",
        "date": "span.post-date",
    }


def test_photos_without_titles_link_to_the_page_of_their_date() -> None:
    """A photo blog's permalink stands under the date."""
    items = "".join(
        f"<div class=photo><a href=https://cam.example/>camera</a><img src=/{n}.jpg>"
        f"<a class=when href=/photo/{n}>{n}/3/2026</a></div>"
        for n in range(1, 9)
    )
    assert links(read(around(items))) == [f"/photo/{n}" for n in range(1, 9)]


@pytest.mark.parametrize("content", ["", "<p>One <a href=/a>page</a>", MENU[:0], "<h1>Only a title</h1>"])
def test_a_page_without_a_list_is_reported_as_one(content: str) -> None:
    """Nothing is made of what is no list."""
    with pytest.raises(ReadError, match="give the options item and title"):
        read(f"<body>{content}")


def test_the_proposal_is_the_same_every_time() -> None:
    """A source whose selectors changed by themselves would change its articles."""
    content = around("".join(card(n) for n in range(1, 7)))
    assert read(content) == read(content)


def test_broken_markup_gives_selectors_all_the_same() -> None:
    """Its tags and classes have names that no selector can have."""
    items = "".join(
        f"<h2$%><div class='[x] a:b {n}' id='1 2'><a'b href=/{n}>"
        f"<a href=/n/{n}><t@g>News of {n}</t@g></a></div></h2$%>"
        for n in range(1, 6)
    )
    assert len(read(around(items)).entries) == 5


def test_a_page_saved_in_a_file_gives_the_same_proposal() -> None:
    """Its relative links lead nowhere, but they are its entries' all the same."""
    content = around("".join(card(n) for n in range(1, 7)))
    saved = page.read(Resource(url="file:///tmp/page.html", body=content.encode()), ListPageOptions())
    assert saved.findings == read(content).findings


def test_a_page_source_needs_no_options() -> None:
    """Its address is enough."""
    assert page.KIND.is_scraped
    assert page.KIND.parse({}) == ListPageOptions()
