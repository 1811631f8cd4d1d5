"""Kind `json`: an API's answer by expressions, or by the names that APIs commonly use."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from aggregator.adapters import kinds
from aggregator.errors import ReadError
from aggregator.model.resource import Resource
from aggregator.reading.document import Context, Reading, read_resource
from tests.conftest import Answer, Server
from tests.support.site import Site

ANSWER = {
    "meta": {"site": "Tea club", "after": "abc"},
    "result": {
        "posts": [
            {
                "nr": 1,
                "where": "/posts/1",
                "name": "Tea",
                "made": 1_767_225_600,
                "html": "<p>Hot</p>",
                "by": {"names": ["Ann", "Bo"]},
                "labels": [{"n": "green"}, {"n": "hot"}],
            },
            {"nr": 2, "where": "/posts/2", "name": "Cake", "made": "1767225600000", "html": "", "by": None},
        ]
    },
}
OPTIONS: dict[str, Any] = {
    "items": "result.posts",
    "id": "nr",
    "link": "where",
    "title": "name",
    "date": "made",
    "content": "html",
    "author": "by.names",
    "categories": "labels[].n",
    "feed_title": "meta.site",
    "next": "join('', ['/api?after=', meta.after])",
}


def reading(data: Any, /, number: int = 0, **options: Any) -> Reading:
    """Returns what the kind makes of this answer."""
    kind = kinds.named("json")
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    resource = Resource(url="https://tea.example/api", body=body, number=number)
    return read_resource(resource, Context(kind="json", options=kind.parse(options)))


@pytest.mark.parametrize("broken", ["http://[x/?after=1", "//[::g]/", "javascript:a"])
def test_an_invalid_address_of_the_next_page_is_a_problem(broken: str) -> None:
    """The page that names it is read all the same."""
    found = reading({"posts": [{"title": "One"}], "next": broken}, items="posts", next="next", pages=2)
    assert found.more == ()
    assert [article.title for article in found.document.articles] == ["One"]
    assert broken in [problem.where for problem in found.document.problems]


def test_each_expression_finds_its_field() -> None:
    """Seconds and milliseconds since 1970 are dates."""
    document = reading(ANSWER, **OPTIONS).document
    one, two = document.articles
    assert (document.title, document.problems) == ("Tea club", ())
    assert (one.id, one.link, one.title) == ("1", "https://tea.example/posts/1", "Tea")
    assert (one.authors, one.tags, one.content) == (("Ann", "Bo"), ("green", "hot"), "<p>Hot</p>")
    assert one.published == two.published == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_guessed_date_is_the_first_that_can_be_read() -> None:
    """Of all items for the guess, of each item for its date."""
    never = {"title": "Tea", "url": "/1", "published_at": "Invalid Date", "created_at": "2026-01-02"}
    mostly = {"title": "Cake", "url": "/2", "published_at": "2026-01-02", "created_at": "2026-01-01"}
    assert [a.published for a in reading([never]).document.articles] == [datetime(2026, 1, 2, tzinfo=UTC)]
    dates = {a.published for a in reading([mostly, mostly | {"url": "/3"}, never]).document.articles}
    assert dates == {datetime(2026, 1, 2, tzinfo=UTC)}


def test_pages_are_followed_up_to_the_limit() -> None:
    """The number of documents so far tells when to stop."""
    more = [reading(ANSWER, number, **OPTIONS, pages=2).more for number in (0, 1)]
    assert more == [("https://tea.example/api?after=abc",), ()]


def test_without_options_common_names_are_tried_and_reported() -> None:
    """What `preview` shows can be copied into the config; items wrapped alike are looked into."""
    data = {
        "kind": "list",
        "data": {"children": [{"kind": "t", "data": {"title": "A", "url": "https://a.example/"}}]},
    }
    document = reading(data).document
    assert [(a.title, a.link) for a in document.articles] == [("A", "https://a.example/")]
    assert document.problems[0].text == (
        "options were guessed: items = 'data.children', id = 'data.url', link = 'data.url', "
        "title = 'data.title'"
    )


def test_an_item_in_which_nothing_is_found_is_reported_and_left_out() -> None:
    """It would be an article of nothing."""
    document = reading({"list": [{"title": "A"}, {"other": 1}, 3]}, items="list", title="title").document
    assert [a.title for a in document.articles] == ["A"]
    assert [p.where for p in document.problems if "left out" in p.text] == ["item 2", "item 3"]


def test_text_that_is_no_markup_is_escaped() -> None:
    """`text = "text"`."""
    (article,) = reading([{"title": "T", "body": "<b>1 < 2</b>"}], text="text").document.articles
    assert "&lt;b&gt;" in article.content


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (ANSWER, {"items": "result"}, "finds no list in the answer; there are meta, result"),
        ({}, {"items": "result"}, "finds no list in the answer; it is empty$"),
        ({"a\0\ud800b": 1, "c" * 99: 2}, {"items": "x"}, f"there are ab, {'c' * 40}$"),
        ({"a": 1}, {}, "holds no list of objects"),
        (b"<html>", {}, "not JSON"),
        (b"[" * 50_000, {}, "nested too deeply"),
    ],
    ids=["no list", "nothing", "odd names", "no objects", "a page", "deep"],
)
def test_an_answer_without_items_is_refused_with_what_to_change(
    data: Any, options: dict[str, Any], message: str
) -> None:
    """It is the source's failure, and nothing is lost."""
    with pytest.raises(ReadError, match=message):
        reading(data, **options)


def test_an_invalid_expression_is_a_mistake_of_the_config() -> None:
    """Reported with the key."""
    with pytest.raises(ValidationError, match="write a JMESPath expression"):
        kinds.named("json").parse({"items": "a..b"})


def test_a_function_of_another_type_finds_nothing() -> None:
    """An expression is the user's, its data a stranger's."""
    document = reading([{"title": 5, "url": "https://a.example/"}], title="upper(title)", items="@").document
    assert len(document.articles) == 1


def test_an_api_is_polled_page_by_page(site: Site, server: Server) -> None:
    """The whole way, from the config to the feed; the second poll changes nothing."""
    page = {"posts": [{"title": "One", "url": f"{server.url}/1"}], "next": "?page=2"}
    server.pages["/api"] = Answer(200, {"ETag": '"1"'}, json.dumps(page).encode())
    page = {"posts": [{"title": "Two", "url": f"{server.url}/2"}], "next": "?page=3"}
    server.pages["/api?page=2"] = Answer(200, {}, json.dumps(page).encode())
    options = {"items": "posts", "title": "title", "link": "url", "next": "next", "pages": 2}
    site.configure({"name": "API", "kind": "json", "url": f"{server.url}/api", "options": options})
    assert "2 new" in site.run("fetch").output
    assert [r.path for r in server.requests] == ["/api", "/api?page=2"]
    atom = site.files()["all/atom.xml"]
    assert b"One" in atom
    assert b"Two" in atom
    site.run("fetch", "--force")
    assert site.files()["all/atom.xml"] == atom


def test_answers_of_the_corpus_crash_nothing(corpus: Path) -> None:
    """Eight of the eleven give their items with no option at all."""
    found = {}
    for file in sorted((corpus / "pages" / "json").iterdir()):
        document = reading(file.read_bytes()).document
        found[file.name] = sum(bool(a.title and (a.link or a.content)) for a in document.articles)
    assert sum(count >= 10 for count in found.values()) >= 8
