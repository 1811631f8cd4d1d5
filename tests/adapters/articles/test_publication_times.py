"""Which files of a folder are published, and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import aggregator
from aggregator.adapters.articles import read
from aggregator.adapters.articles.options import Options
from aggregator.model.resource import Resource


def skipped(name: str, text: str, *, drafts: bool = False) -> str:
    """Why a file is skipped."""
    resource = Resource(url=f"file:///blog/{name}", body=text.encode(), name=name)
    return read(resource, Options(drafts=drafts)).skipped


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: A\ndraft: true\n---\nB\n",
        "---\ntitle: A\ndraft: True\n---\nB\n",
        "---\ntitle: A\nDraft: yes\n---\nB\n",
        '---\ntitle: A\ndraft: "true"\n---\nB\n',
        "---\ntitle: A\npublished: false\n---\nB\n",
        "---\ntitle: A\npublished: no\n---\nB\n",
        "---\ntitle: A\npublish: false\n---\nB\n",
        "---\ntitle: A\nstatus: Draft\n---\nB\n",
        "---\ntitle: A\nhidden: true\n---\nB\n",
        "---\ntitle: A\nunlisted: true\n---\nB\n",
        "---\ntitle: A\npermalink: false\n---\nB\n",
        "---\ntitle: A\npassword: secret\n---\nB\n",
        "---\ntitle: A\nheadless: true\n---\nB\n",
        "---\ntitle: A\nbuild:\n  render: never\n---\nB\n",
        "---\ntitle: A\n_build:\n  list: false\n---\nB\n",
        '+++\ntitle = "A"\ndraft = true\n+++\nB\n',
        '{"title": "A", "draft": true}\nB\n',
        '"title": "A",\n"published": false\n;;;\nB\n',
        "Title: A\nStatus: draft\n\nB\n",
    ],
)
def test_files_that_the_generator_would_not_publish_are_skipped(text: str) -> None:
    """In every form of front matter; with the option `drafts` they are read."""
    assert skipped("a.md", text)
    assert not skipped("a.md", text, drafts=True)


@pytest.mark.parametrize(
    "text",
    [
        "---\ntitle: A\ndraft: false\n---\nB\n",
        "---\ntitle: A\ndraft:\n---\nB\n",
        "---\ntitle: A\npublished: true\n---\nB\n",
        "---\ntitle: A\npublished: 2020-01-02\n---\nB\n",
        "---\ntitle: A\nstatus: published\n---\nB\n",
        "---\ntitle: A\nhide: [toc]\n---\nB\n",
        "---\ntitle: A\nbuild: {render: always, list: always}\n---\nB\n",
        "---\ntitle: A\npassword:\n---\nB\n",
        "Only text, draft: true\n",
    ],
)
def test_anything_else_is_an_article(text: str) -> None:
    """A key without a value, or with the other one, says nothing."""
    assert not skipped("a.md", text)


@pytest.mark.parametrize(
    ("name", "is_skipped"),
    [
        ("_drafts/a.md", True),
        ("blog/_drafts/old/a.md", True),
        ("_index.md", True),
        ("posts/_index.en.md", True),
        ("_layouts/post.html", True),
        ("_includes/head.html", True),
        ("_notes.md", True),
        ("_posts/2024-01-02-a.md", False),
        ("posts/a/index.md", False),
        ("drafts/a.md", False),
        ("a_drafts.md", False),
    ],
)
def test_some_paths_are_not_articles(name: str, is_skipped: bool) -> None:
    """As Hexo, Hugo and Jekyll look at paths; a page bundle's `index.md` is an article."""
    text = "---\ntitle: A\n---\nB\n"
    assert bool(skipped(name, text)) is is_skipped
    assert not skipped(name, text, drafts=True)


def test_a_skipped_document_has_no_article_and_one_problem() -> None:
    """The option that would take it is named."""
    body = b"---\ntitle: A\ndraft: true\n---\nB\n"
    document = aggregator.read(body, kind="articles", url="a.md")
    assert document.articles == ()
    (problem,) = document.problems
    assert problem.text == "is a draft (draft: true): skipped; the option drafts = true takes such files"
    (article,) = aggregator.read(body, kind="articles", options={"drafts": True}).articles
    assert article.title == "A"


@pytest.mark.parametrize(
    ("keys", "start", "end"),
    [
        ("date: 2030-01-02", "2030-01-02", None),
        ("date: 2020-01-02\npublishDate: 2030-01-02", "2030-01-02", None),
        ("date: 2020-01-02\nexpiryDate: 2030-01-02", "2020-01-02", "2030-01-02"),
        ("title: A", None, None),
    ],
)
def test_publish_and_expiry_dates_are_respected(keys: str, start: str | None, end: str | None) -> None:
    """Hugo's `publishDate` and `expiryDate`; else the date alone. With `future` nothing waits."""
    resource = Resource(url="", body=f"---\n{keys}\n---\nB\n".encode(), name="a.md")
    found = read(resource)
    moments = [day and datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (start, end)]
    assert [found.shown_from, found.shown_until] == moments
    assert read(resource, Options(future=True)).shown_from is None
