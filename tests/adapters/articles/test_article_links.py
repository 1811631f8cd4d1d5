"""Links, covers and relative addresses of the articles of a folder whose site is known."""

from __future__ import annotations

import pytest

import aggregator
from aggregator.adapters.articles import read
from aggregator.adapters.articles.options import Options
from aggregator.front_matter.text import dumps
from aggregator.model.article import Article, Document
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.normalise.entries import articles

SITE = Options(link="https://blog.example/", permalink="/:year/:month/:slug/")
BELOW = Options(link="https://x.example/blog", permalink=":year/:title/")


def document(
    text: str, options: Options | None = SITE, name: str = "posts/hello.md", root: str = "/blog"
) -> Document:
    """Returns what a file gives."""
    resource = Resource(url=f"file://{root}/{name}", body=text.encode(), name=name)
    return articles(read(resource, options), source="s", kind="articles", name=name).document


def article(
    keys: str, body: str = "Text", options: Options | None = SITE, name: str = "posts/hello.md"
) -> Article:
    """The article of a file."""
    (made,) = document(f"---\n{keys}\n---\n{body}\n", options, name).articles
    return made


@pytest.mark.parametrize(
    ("keys", "link"),
    [
        ("title: Hello\ndate: 2026-01-02", "https://blog.example/2026/01/hello/"),
        ("title: A\ndate: 2026-01-02\nslug: my-own", "https://blog.example/2026/01/my-own/"),
        ("title: A\ndate: 2026-01-31 23:30:00 -0800", "https://blog.example/2026/01/a/"),
        ("title: A\ndate: 2026-02-01T00:30:00+08:00", "https://blog.example/2026/02/a/"),
        ("title: A\ndate: 2026-01-02\npermalink: /about/me/", "https://blog.example/about/me/"),
        ("title: A\ndate: 2026-01-02\nurl: /x.html", "https://blog.example/x.html"),
        ("title: A\ndate: 2026-01-02\nurl: x/y", "https://blog.example/x/y"),
        ("title: A\ndate: 2026-01-02\npermalink: /:year/x-:day.html", "https://blog.example/2026/x-02.html"),
        ("title: A\ndate: 2026-01-02\npermalink: https://other.example/a", "https://other.example/a"),
        ("title: A\ndate: 2026-01-02\nlink: https://other.example/a", "https://other.example/a"),
    ],
)
def test_an_article_has_a_link(keys: str, link: str) -> None:
    """Its own word wins; the day is the one that its author wrote."""
    assert article(keys).link == link


def test_the_site_may_lie_below_a_path() -> None:
    """A path that already begins with it does not begin with it twice."""
    assert (
        article("title: A\ndate: 2026-01-02", options=BELOW, name="a.md").link
        == "https://x.example/blog/2026/a/"
    )
    keys = "title: A\ndate: 2026-01-02\npermalink: /blog/b/"
    assert article(keys, options=BELOW).link == "https://x.example/blog/b/"


@pytest.mark.parametrize("root", ["/home/ann/site/content", "/home/ann/site/content/en"])
def test_a_source_may_be_a_folder_inside_of_the_generators(root: str) -> None:
    """Sections count from `content`, wherever the source begins."""
    options = Options(link="https://blog.example", permalink="/:section/:filename/")
    text = "---\ntitle: A\n---\nText\n"
    (made,) = document(text, options, "a.md", f"{root}/posts").articles
    assert made.link in ("https://blog.example/posts/a/", "https://blog.example/en/a/")


def test_the_id_is_the_same_with_and_without_a_site() -> None:
    """Ids are never made of what the config says."""
    for keys in ("title: A\ndate: 2026-01-02", "title: A\npermalink: /x/", "title: A\nguid: urn:x"):
        assert article(keys).id == article(keys, options=None).id


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("![x](pic.png)", 'src="https://blog.example/2026/01/hello/pic.png"'),
        ("![x](/img/pic.png)", 'src="https://blog.example/img/pic.png"'),
        ("[x](../other/)", 'href="https://blog.example/2026/01/other/"'),
        ('<p><a href="/y">y</a></p>', 'href="https://blog.example/y"'),
        ("[x](https://other.example/y)", 'href="https://other.example/y"'),
    ],
)
def test_relative_addresses_in_a_body_become_absolute(body: str, wanted: str) -> None:
    """Relative to the article, as in a browser."""
    assert wanted in article("title: Hello\ndate: 2026-01-02", body).content


@pytest.mark.parametrize(
    ("keys", "name", "headimg"),
    [
        ("cover: /img/a.jpg", "a.md", "https://blog.example/img/a.jpg"),
        ("cover: img/a.jpg", "a.md", "https://blog.example/img/a.jpg"),
        ("cover: ./a.jpg", "a.md", "https://blog.example/2026/01/a/a.jpg"),
        ("image: a.jpg", "posts/a/index.md", "https://blog.example/2026/01/a/a.jpg"),
        ("images: [/a.jpg, /b.jpg]", "a.md", "https://blog.example/a.jpg"),
        ("cover:\n  image: a.jpg\n  relative: true", "a.md", "https://blog.example/2026/01/a/a.jpg"),
        ("image:\n  path: /a.jpg\n  alt: A", "a.md", "https://blog.example/a.jpg"),
        ("header:\n  teaser: /a.jpg", "a.md", "https://blog.example/a.jpg"),
        ("cover:\n  image: https://cdn.example/a.jpg", "a.md", "https://cdn.example/a.jpg"),
        ("cover: true", "a.md", None),
        ("cover: a photo", "a.md", None),
    ],
)
def test_a_cover_is_an_address_of_the_site(keys: str, name: str, headimg: str | None) -> None:
    """As themes of the generators take it."""
    assert article(f"title: A\ndate: 2026-01-02\n{keys}", name=name).headimg == headimg


@pytest.mark.parametrize(
    ("keys", "body"),
    [
        ("title: A", "![x](pic.png)"),
        ("title: A", '<p><img src="/pic.png"></p>'),
        ("title: A\ncover: /a.jpg", "Text"),
        ("title: A\npermalink: /x/", "Text"),
        ("title: A\ncover: /a.jpg\nslug: x", "[a](b) ![c](d.png)"),
    ],
)
def test_without_a_site_one_problem_names_the_missing_option(keys: str, body: str) -> None:
    """The problem says that addresses are lost, and names the option `link`."""
    (problem,) = document(f"---\n{keys}\n---\n{body}\n", None).problems
    assert problem.text.startswith("its relative links and images do not work: set the site's address, ")
    assert "option link" in problem.text


@pytest.mark.parametrize("body", ["Text", "[a](https://x.example/)", "[a](#b)", '`src="x"`', "<a@b.de>"])
def test_without_a_site_nothing_is_lost_where_nothing_is_relative(body: str) -> None:
    """A folder of notes needs no site."""
    assert document(f"---\ntitle: A\n---\n{body}\n", None).problems == ()


def test_a_missing_part_of_a_permalink_is_reported() -> None:
    """The article comes without a link; what is relative in it counts from the site."""
    found = document("---\ntitle: A\n---\n![x](/a.png)\n")
    assert [problem.text for problem in found.problems] == ["no link: it has no date for :year"]
    assert found.articles[0].link is None
    assert "https://blog.example/a.png" in found.articles[0].content


def test_a_file_of_ours_stays_as_it_is() -> None:
    """Its link is what it was, also when it had none."""
    given = Article(source="s", id="urn:x", title="A", content="<p>x</p>")
    for each in (given, replace(given, link="https://y.example/")):
        (made,) = document(dumps(each), SITE).articles
        assert (made.link, made.content) == (each.link, each.content)


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"link": "blog.example"}, "is not an address"),
        ({"link": "https://blog.example/?a=b"}, "is not an address"),
        ({"permalink": "/:slug/"}, "needs the address of the site"),
        ({"generator": "gatsby"}, "generator"),
    ],
)
def test_mistakes_in_options_are_reported_when_the_config_is_read(
    options: dict[str, str], mistake: str
) -> None:
    """When the config is read."""
    with pytest.raises(ValueError, match=mistake):
        aggregator.read(b"x", kind="articles", options=options)
