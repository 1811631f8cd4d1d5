"""Posts built by the generators themselves, where those are installed: what comes out is what went in."""

from __future__ import annotations

import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Posts
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.writers.posts import path, render
from tests.support.channels import ARTICLE, item_of
from tests.support.generators import hexo_site, tool

TEMPLATES = "{{ 7*7 }} {% raw %} {% include x %} {{< figure >}} {{% x %}} <%= 7*7 %> {# c #} ${7*7} {:.x}"
HOSTILE = replace(
    ARTICLE,
    title=f"Title: '\"`' {TEMPLATES} 日本 🙂",
    categories=("Tea & cake", "{{ 7*7 }}", "../../up", "..", "a/../../up"),
    tags=(
        "../../up",
        "{{ 7*7 }}",
        "#x",
        "..",
        ".",
        "x/../../../up",
        "%2e%2e/%2e%2e/up",
        "..\\..\\up",
        "/up",
        "／／up",
    ),
    authors=("{{ 7*7 }}",),
    content="<div><p>begin {{ 7*7 }} "
    + TEMPLATES.replace("<", "&lt;")
    + " &lt;!--swig\ufffc0--&gt; end</p>\n"
    "<pre>a\n\n    b *c*\n```\nd\n```\n</pre>\n\n<p>after *all*</p></div>",
    summary=f"<p>{TEMPLATES.replace('<', '&lt;')}</p>",
    extra={
        "permalink": "/../../../up/",
        "url": "/up/",
        "aliases": ["/up.html"],
        "layout": "none",
        "draft": True,
        "published": False,
        "markup": "rst",
        "odd": TEMPLATES,
        "rights": "Ann & Bo",
    },
)
PLAIN = replace(ARTICLE, id="urn:x:2", title="index", content="", summary="", extra={}, categories=())


def fill(folder: Path, **keys: Any) -> None:
    """The folder of posts."""
    posts = Posts.model_validate({"folder": str(folder), **keys})
    for article in (HOSTILE, PLAIN):
        item = item_of(article, article.id)
        place = path(item, posts)
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(render(item, posts, place))


def run(*command: str, folder: Path) -> None:
    """A build, which must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def check(built: Path, article: Article = HOSTILE) -> None:
    """Somewhere in the site there is the article's page, with its text, and nothing was run or led astray."""
    pages = {page: page.read_text() for page in built.rglob("*.html")}
    texts = [text for text in pages.values() if "MARK-BODY" in text]
    assert len(texts) == 2, [*pages]
    hostile = next(text for text in texts if "begin" in text)
    shown = unescape(hostile)
    assert TEMPLATES in shown.partition("MARK-BODY")[2]
    assert TEMPLATES in shown.partition("MARK-BODY")[0]
    assert "a\n\n    b *c*\n```\nd\n```\n" in shown
    assert "<p>after *all*</p>" in hostile
    assert "swig\ufffc0" in shown
    top = {entry.name for entry in built.iterdir()}
    assert not top & {"up", "up.html", "／／up"}, top
    assert "HOME" in (built / "index.html").read_text()
    assert not (built.parent / "up").exists()
    assert not (built.parent.parent / "up").exists()


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_hugo_builds_them(tmp_path: Path, suffix: str) -> None:
    """Bodies in Markdown need `unsafe`, as HTML in Markdown does in Hugo."""
    hugo = tool("hugo")
    fill(tmp_path / "content" / "posts", generator="hugo", path=f"{{categories}}/{{date}}-{{slug}}.{suffix}")
    (tmp_path / "config.toml").write_text(
        'baseURL = "https://x.example/"\ntitle = "x"\nmarkup.goldmark.renderer.unsafe = true\n'
    )
    layouts = tmp_path / "layouts" / "_default"
    layouts.mkdir(parents=True)
    (layouts / "single.html").write_text(
        "<html><h1>{{ .Title }}</h1>{{ .Lastmod }}{{ range .Params.images }}{{ . }}{{ end }}{{ .Summary }}"
        "{{ .Params.odd }}<hr>MARK-BODY{{ .Content }}</html>"
    )
    (layouts / "list.html").write_text("<html>{{ range .Pages }}{{ .Title }} {{ .Summary }}{{ end }}</html>")
    (tmp_path / "layouts" / "index.html").write_text("<html>HOME</html>")
    run(hugo, "--quiet", folder=tmp_path)
    check(tmp_path / "public")


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_jekyll_builds_them(tmp_path: Path, suffix: str) -> None:
    """A title is data to Liquid: it is not run."""
    jekyll = tool("jekyll")
    fill(tmp_path / "_posts", generator="jekyll", path=f"{{categories}}/{{date}}-{{slug}}.{suffix}")
    (tmp_path / "_config.yml").write_text("title: x\n")
    (tmp_path / "_layouts").mkdir()
    (tmp_path / "_layouts" / "post.html").write_text(
        "<html><h1>{{ page.title | escape }}</h1>{{ page.last_modified_at }}{{ page.summary }}{{ page.odd }}"
        "<hr>MARK-BODY{{ content }}</html>"
    )
    (tmp_path / "index.html").write_text("---\n---\n<html>HOME</html>")
    run(jekyll, "build", "--quiet", "--disable-disk-cache", folder=tmp_path)
    check(tmp_path / "_site")


@pytest.mark.parametrize("suffix", ["html", "md"])
def test_hexo_builds_them(tmp_path: Path, suffix: str) -> None:
    """Its own placeholders in a body do not end the build."""
    hexo = hexo_site(tmp_path)
    layout = tmp_path / "themes" / "bare" / "layout"
    (layout / "post.ejs").write_text(
        "<html><h1><%= page.title %></h1><%- page.summary %><%= page.odd %><hr>"
        "MARK-BODY<%- page.content %></html>"
    )
    (layout / "index.ejs").write_text("<html>HOME<% page.posts.each(p => { %><%= p.title %><% }) %></html>")
    (layout / "tag.ejs").write_text("<html>TAG</html>")
    (layout / "category.ejs").write_text("<html>CATEGORY</html>")
    fill(tmp_path / "source" / "_posts", generator="hexo", path=f"{{categories}}/{{date}}-{{slug}}.{suffix}")
    run(hexo, "generate", "--silent", folder=tmp_path)
    check(tmp_path / "public")
