"""Addresses of posts are those that their generators give them."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator.adapters.articles.permalinks import Generator, Post, UnknownPart, filled
from aggregator.front_matter import text as front_matter
from tests.support.generators import hexo_site, tool

WHEN = datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001 - as written, in no zone


def post(path: str = "posts/hello-world.md", **keys: object) -> Post:
    """A post with a date."""
    return Post(
        path=path,
        title=str(keys.pop("title", "Hello, World!")),
        written=WHEN,
        published=WHEN.replace(tzinfo=UTC),
        categories=("News Room", "Tea"),
        keys=keys,
    )


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("/:year/:month/:slug/", "2024/01/hello-world/"),
        ("/:year/:month/:day/:title/", "2024/01/02/hello-world/"),
        (":year/:month/:day/:title/", "2024/01/02/posts/hello-world/"),
        ("/:section/:slug/", "posts/hello-world/"),
        ("/:section/:contentbasename", "posts/hello-world/"),
        ("/:filename.html", "hello-world.html"),
        ("/blog/:slug", "blog/hello-world/"),
        ("/:categories/:year/:title:output_ext", "news%20room/tea/2024/hello-world.html"),
        ("pretty", "news%20room/tea/2024/01/02/hello-world/"),
        ("date", "news%20room/tea/2024/01/02/hello-world.html"),
        ("ordinal", "news%20room/tea/2024/002/hello-world.html"),
        ("none", "news%20room/tea/hello-world.html"),
        (":category/:name/", "News-Room/Tea/hello-world/"),
        ("p/:abbrlink.html", "p/4a17b156.html"),
    ],
)
def test_patterns_of_every_generator(pattern: str, path: str) -> None:
    """Whose a pattern is shows in its words."""
    assert filled(pattern, post(abbrlink="4a17b156")) == path


@pytest.mark.parametrize("generator", ["hexo", "hugo", "jekyll"])
def test_a_slug_of_the_front_matter_is_the_slug(generator: Generator) -> None:
    """In every generator's pattern."""
    assert filled("/:year/:slug/", post(slug="my-own"), generator) == "2024/my-own/"


@pytest.mark.parametrize(
    ("pattern", "made", "reason"),
    [
        ("/:year/:slug/", Post(path="a.md", title="A"), "it has no date for :year"),
        ("/:section/", Post(path="a.md", title="A"), "nothing is left of '/:section/'"),
        ("p/:abbrlink/", post(), "it has no abbrlink for :abbrlink"),
        (":hash/", Post(path="a.md", title="A"), "it has no date for :hash"),
    ],
)
def test_a_pattern_with_a_missing_value_is_an_error(pattern: str, made: Post, reason: str) -> None:
    """No address is made up."""
    with pytest.raises(UnknownPart, match=reason):
        filled(pattern, made)


def test_special_characters_in_names_are_percent_encoded() -> None:
    """What has a meaning in a URL is encoded."""
    made = post(path='posts/a?b#c"d.md', title="x?y#z")
    assert filled("/:categories/:title/", made) == "news%20room/tea/a-b-c-d/"
    assert filled("p/:name/", made, "hexo") == "p/a%3Fb%23c%22d/"


FILES = {
    "hello-world.md": "title: 'Hello, World! It''s C & D'\ndate: 2024-01-02 01:00:00",
    "2024-05-06-dated post.md": "title: Dated post\ndate: 2024-05-06 10:00:00",
    "2024-02-03-ünï-日本.md": "title: 'Ünï — (2) 日本語'\ndate: 2024-02-03\ncategories: [News Room, Tea]",
    "2024-02-04-own_a.b.md": "title: 'a - b  c_d.e'\ndate: 2024-02-04 10:00:00\ncategories: One",
}


def compared(generator: Generator, pattern: str, built: dict[str, str], prefix: str) -> None:
    """Each post's address as its generator has it, and as we do."""
    assert built
    for path, url in built.items():
        file = front_matter.read(f"---\n{FILES[Path(path).name]}\n---\n")
        made = Post(
            path=path,
            title=file.article.title,
            written=file.article.published and file.article.published.replace(tzinfo=None),
            published=file.article.published,
            categories=file.article.categories,
            keys=file.keys,
        )
        assert f"{prefix}{filled(pattern, made, generator)}" == url, (pattern, path)


def write(folder: Path, *, only_dated: bool = False) -> None:
    """The posts above."""
    folder.mkdir(parents=True)
    for name, keys in FILES.items():
        if not only_dated or name.startswith("2"):
            (folder / name).write_text(f"---\n{keys}\n---\nText\n")


def run(*command: str, folder: Path) -> None:
    """A build, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_permalinks_equal_those_of_hugo(tmp_path: Path) -> None:
    """As a build gives them."""
    hugo = tool("hugo")
    write(tmp_path / "content" / "posts")
    (tmp_path / "layouts" / "_default").mkdir(parents=True)
    (tmp_path / "layouts" / "_default" / "single.html").write_text("x")
    (tmp_path / "layouts" / "index.html").write_text(
        "{{ range .Site.RegularPages }}{{ .File.Path }}|{{ .RelPermalink }}\n{{ end }}"
    )
    for pattern in (
        "/:year/:month/:day/:title/",
        "/:section/:slug/",
        "/:sections/:filename/",
        "/:yearday/:weekday/:weekdayname/:monthname/:slugorfilename",
    ):
        (tmp_path / "config.toml").write_text(
            f'baseURL = "https://x.example/"\n[permalinks]\nposts = "{pattern}"\n'
        )
        run(hugo, "--quiet", folder=tmp_path)
        lines = (tmp_path / "public" / "index.html").read_text().split("\n")
        compared("hugo", pattern, dict(line.split("|") for line in lines if line), "/")


def test_permalinks_equal_those_of_jekyll(tmp_path: Path) -> None:
    """Its named styles too."""
    jekyll = tool("jekyll")
    write(tmp_path / "topic" / "_posts", only_dated=True)
    (tmp_path / "index.txt").write_text(
        "---\n---\n{% for p in site.posts %}{{ p.path }}|{{ p.url }}\n{% endfor %}"
    )
    for pattern in ("pretty", "ordinal", "weekdate", "/:slugified_categories/:slug/:short_year/:i_day/"):
        (tmp_path / "_config.yml").write_text(f"title: x\ntimezone: UTC\npermalink: {pattern}\n")
        run(jekyll, "build", "--quiet", "--disable-disk-cache", folder=tmp_path)
        lines = (tmp_path / "_site" / "index.txt").read_text().split("\n")
        compared("jekyll", pattern, dict(line.split("|") for line in lines if line), "/")


def test_permalinks_equal_those_of_hexo(tmp_path: Path) -> None:
    """Names that begin with a date are set so in `new_post_name`, as its documentation advises."""
    hexo = hexo_site(tmp_path)
    write(tmp_path / "source" / "_posts", only_dated=True)
    layout = tmp_path / "themes" / "bare" / "layout"
    (layout / "post.ejs").write_text("x")
    (layout / "index.ejs").write_text("<%- JSON.stringify(site.posts.map(p => [p.source, p.permalink])) %>")
    for pattern in (":year/:month/:day/:title/", ":category/:name.html", ":post_title/:timestamp/", ":hash/"):
        (tmp_path / "_config.yml").write_text(
            "title: x\ntimezone: UTC\ntheme: bare\nurl: https://x.example\n"
            f"new_post_name: :year-:month-:day-:title.md\npermalink: '{pattern}'\n"
        )
        (tmp_path / "db.json").unlink(missing_ok=True)
        run(hexo, "generate", "--silent", folder=tmp_path)
        built = dict(json.loads((tmp_path / "public" / "index.html").read_text()))
        compared("hexo", pattern, built, "https://x.example/")
