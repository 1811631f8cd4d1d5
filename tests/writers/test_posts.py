"""Articles as files of Hexo, Hugo and Jekyll: safe places, inert bodies, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime
from html import unescape
from pathlib import PurePosixPath
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.adapters import articles
from aggregator.config.load import Posts
from aggregator.front_matter import text as front_matter
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.normalise import entries as normalising
from aggregator.writers.posts import path, render
from tests.support.channels import ARTICLE, PUBLISHED, UPDATED, item_of
from tests.support.examples import examples

GENERATORS: tuple[Literal["hexo", "hugo", "jekyll"], ...] = ("hexo", "hugo", "jekyll")


def posts(**changes: Any) -> Posts:
    """Settings, valid or not."""
    return Posts.model_validate({"folder": "/posts", **changes})


def place(
    title: str, *categories: str, template: str = "{categories}/{date}-{slug}.html", attempt: int = 0
) -> str:
    """Where an article of this title and these categories goes."""
    article = replace(ARTICLE, title=title, categories=categories)
    return path(item_of(article), posts(path=template), attempt)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Hello, World!", "2026-01-01-hello-world.html"),
        ("茶と、お菓子", "2026-01-01-茶と-お菓子.html"),
        ("Ｆｕｌｌ／ｗｉｄｔｈ", "2026-01-01-full-width.html"),
        ("हिन्दी", "2026-01-01-हिन्दी.html"),
        ("../../etc/passwd", "2026-01-01-etc-passwd.html"),
        ("__proto__.md", "2026-01-01-proto-md.html"),
        ("a\x00b\u202ec", "2026-01-01-a-b-c.html"),
    ],
)
def test_a_slug_keeps_letters_of_every_script(title: str, name: str) -> None:
    """Readable, and nothing in it that a system, a shell or a generator could take for something."""
    assert place(title) == name


def test_a_title_without_letters_is_named_by_its_hash() -> None:
    """An emoji is no name."""
    assert len(PurePosixPath(place("🙂")).stem) == len("2026-01-01-") + 8


@pytest.mark.parametrize("title", ["index", "con", "Aux", "all"])
def test_folder_names_reserved_on_some_system_get_a_hash(title: str) -> None:
    """`index.html` turns its folder into one page in Hugo; `con` is no file in Windows."""
    stem = PurePosixPath(place(title, template="{slug}.html")).stem
    assert stem.startswith(f"{title.lower()}-")
    assert len(stem) == len(title) + 9
    assert PurePosixPath(place(title)).stem == f"2026-01-01-{stem}"


def test_placeholders_are_filled_and_empty_segments_left_out() -> None:
    """`{categories}` is a folder for each, as a path of Hexo's categories."""
    assert place("T", "Tea", "日本") == "Tea/日本/2026-01-01-t.html"
    assert place("T", template="{categories}/{slug}.md") == "t.md"
    template = "x/{category}/{source}-{year}/{month}{day}_{slug}-{hash}.md"
    assert place("T", "Tea", "Two", template=template).startswith("x/Tea/tea-2026/0101_t-")
    assert place("T", "_drafts", ".git", "..", template="{categories}/{slug}.md").startswith("drafts")


def test_file_names_in_use_have_alternatives() -> None:
    """Each attempt has another name; the first two may be equal if a hash was needed at once."""
    found = [place("T", attempt=n) for n in range(4)]
    assert found[0] == "2026-01-01-t.html"
    assert len(set(found)) == 4
    assert found == [place("T", attempt=n) for n in range(4)]


hostile = st.text(max_size=300) | st.lists(
    st.sampled_from(
        [
            "..",
            "/",
            "\\",
            "\0",
            ".",
            "_",
            "-",
            "~",
            "con",
            "：",
            "é" * 90,
            "\u202e",
            "{slug}",
            "%2e",
            "\ud800",
        ]
    )
).map("".join)


@settings(max_examples=examples(120), deadline=None)
@given(title=hostile, categories=st.lists(hostile, max_size=8), source=hostile, attempt=st.integers(0, 3))
def test_file_names_stay_inside_the_folder(
    title: str, categories: list[str], source: str, attempt: int
) -> None:
    """Whatever titles, categories and sources are called."""
    article = replace(ARTICLE, title=title, categories=tuple(categories), source=source)
    for template in ("{categories}/{date}-{slug}.html", "{source}-{category}/{category}{source}{slug}.md"):
        place = path(item_of(article), posts(path=template), attempt)
        assert len(place.encode()) < 2000
        for segment in place.split("/"):
            assert segment.strip(".") == segment != ""
            assert len(segment.encode()) <= 200
            assert not set(segment) & set('\0/\\:*?"<>|\n')
            assert not segment.startswith(("_", "-", "~"))


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize("template", ["{date}-{slug}.html", "{date}-{slug}.md"])
def test_a_file_read_back_gives_the_article(generator: str, template: str) -> None:
    """Every field is equal; content and summary are the same HTML."""
    content = "<div><p>{{ 7*7 }}</p>\n\n<pre>a\n \n\nb</pre>\n{% x %} {#</div>"
    article = replace(
        ARTICLE,
        title="{{ 7*7 }} & <b>",
        content=content,
        summary="<p>{{ 7*7 }}</p>",
        extra={
            **ARTICLE.extra,
            "layout": "other",
            "permalink": "/../x",
            "images": ["a"],
            "lastmod": 1,
            "n": [1],
        },
    )
    settings_ = posts(generator=generator, path=template)
    item = item_of(article)
    body = render(item, settings_, path(item, settings_))
    assert b"{{" not in body.partition(b"\n---\n")[2]
    assert body.startswith(b"---\n")
    document = normalising.articles(
        articles.read(Resource(url="", body=body)), source=article.source
    ).document
    assert document.problems == ()
    (back,) = document.articles
    wanted = replace(article, published=PUBLISHED, updated=UPDATED)
    assert replace(back, content="", summary="") == replace(wanted, content="", summary="")
    assert unescape(back.content) == unescape(content)
    assert unescape(back.summary) == unescape(article.summary)


@pytest.mark.parametrize(
    ("generator", "keys"),
    [
        ("hexo", []),
        ("hugo", ["lastmod: Fri, 02 Jan 2026 03:04:05 GMT", "images: ", " - 'https://tea.example/1.jpg'"]),
        ("jekyll", ["layout: 'post'", "last_modified_at: Fri, 02 Jan 2026 03:04:05 GMT"]),
    ],
)
def test_each_generator_gets_its_own_keys(generator: str, keys: list[str]) -> None:
    """Besides the keys that every article's file has."""
    lines = render(item_of(), posts(generator=generator), "x.html").decode().split("\n")
    assert [line for line in lines if line in keys] == keys
    assert "thumbnail: 'https://tea.example/1.jpg'" in lines


def test_keys_that_would_steer_a_generator_are_kept_out_of_its_reach() -> None:
    """A stranger's `permalink` overwrites no page; it is there all the same, under `extra`."""
    article = replace(ARTICLE, extra={"permalink": "/index.html", "Aliases": ["/"], "mood": "good"})
    text = render(item_of(article), posts(), "x.html").decode()
    assert "\npermalink" not in text
    assert "\nAliases" not in text
    assert "\nmood: 'good'" in text
    assert front_matter.loads(text).extra == article.extra


def test_tags_do_not_make_hugo_write_other_pages() -> None:
    """Hugo makes pages at the paths that tags and categories spell; others keep them as they are."""
    article = replace(
        ARTICLE, tags=("../about", "..", "a/b", "/x", "C.", "..."), categories=("TCP/IP", "./..")
    )
    hugo = front_matter.loads(render(item_of(article), posts(generator="hugo"), "x.html"))
    assert hugo.tags == ("about", "a/b", "x", "C.")
    assert hugo.categories == ("TCP/IP",)
    assert front_matter.loads(render(item_of(article), posts(), "x.html")).tags == article.tags


def test_bodies_contain_no_placeholders_of_hexo() -> None:
    """Its placeholders would end the build, fences of code change the text."""
    article = replace(ARTICLE, content="<p>&lt;!--swig\ufffc0--&gt;</p>\n```\nx\n```\n~~~~")
    body = render(item_of(article), posts(), "x.html").decode().partition("\n---\n")[2]
    assert "\ufffc" not in body
    assert "```" not in body
    assert "~~~" not in body
    assert unescape(body).strip() == unescape(article.content)


def test_a_body_in_markdown_is_one_block_of_html() -> None:
    """A blank line would end it, and what follows be read as Markdown."""
    article = replace(ARTICLE, content="text <b>*x*</b>\n\n    indented\n\n\n<pre>a\n\nb</pre>")
    body = render(item_of(article), posts(), "x.md").decode().partition("\n---\n\n")[2]
    assert body.startswith("<div>\n")
    assert "\n\n" not in body
    assert unescape(body) == f"<div>\n{article.content}\n</div>"
    assert render(item_of(replace(ARTICLE, content="")), posts(), "x.md").endswith(b"\n---\n\n")


def test_the_bytes_depend_on_nothing_but_the_article() -> None:
    """Same article, same bytes; a date before 1970 is a date."""
    item = replace(item_of(), published=datetime(1969, 12, 31, tzinfo=UTC))
    assert render(item, posts(), "x.html") == render(item, posts(), "x.html")
    assert path(item, posts()).endswith("/1969-12-31-tea-cake.html")
