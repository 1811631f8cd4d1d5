"""Hostile bodies of article files, published as posts and shown in pages as Hexo, Hugo and Jekyll make them.

A page of a generator is one document: what a body says of `<html>`, `</div>` or `<td>` acts on all of it.
Every payload is written as an HTML file and as Markdown, alone and between sound paragraphs, and a real
browser shows what is published, with every event tried on every element.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import feedparser
import pytest

from aggregator.front_matter import text as front_matter
from tests.conftest import Answer, Server
from tests.support.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# fmt: off
PAYLOADS: dict[str, str] = {
    "html that scrolls into sight": (
        "<p>a <html style='content-visibility:auto' oncontentvisibilityautostatechange=alert(1)> "
        "b</p>"
    ),
    "html that is moved over": "a<html onmousemove=alert(1) onpointermove=alert(1)>b",
    "html with focus": "<html onfocusin=alert(1) onclick=alert(1)>",
    "html twice": "<html lang=en><html onclick=alert(1)>",
    "html in capitals": "<HTML OnClick=alert(1)>x</HTML>",
    "html with slashes": "<html/onclick=alert(1)/lang=en>",
    "html with a feed": "<html\x0conclick=alert(1)>",
    "html in a cell": "<table><tr><td><html onclick=alert(1)></table>",
    "html in a comment that ended": "<!--><html onclick=alert(1)>-->",
    "html behind an end that says more": "<!-- x --!><html onclick=alert(1)>",
    "html behind the marker": "<!-- more --><html onclick=alert(1)>",
    "body that is shown": "<body onpageshow=alert(1) onload=alert(1) onhashchange=alert(1)>",
    "body behind its end": "a</body><body onclick=alert(1)>b",
    "body in a paragraph": "<p><body onmouseover=alert(1)>x</p>",
    "body with a background": "<body background=javascript:alert(1) onclick=alert(1)>",
    "head": "<head onclick=alert(1)>x</head>",
    "head with a script": "<head><script>alert(1)</script></head>",
    "frameset": "<frameset onload=alert(1) onpageshow=alert(1)>",
    "frame": "<frameset><frame src=javascript:alert(1)></frameset>",
    "column": "<col onclick=alert(1)>",
    "column in a table": "<table><colgroup onclick=alert(1)><col onclick=alert(1)><tr><td>x</table>",
    "row": "<tr onclick=alert(1)><td>x</td></tr>",
    "row in a table": "<table><tr onclick=alert(1) onmouseover=alert(1)><td>x</table>",
    "cell": "<td onclick=alert(1)>x</td>",
    "body of a table": "<tbody onclick=alert(1)><tr><td onclick=alert(1)>x</tbody>",
    "caption": "<caption onclick=alert(1)>x</caption>",
    "table heads": "<thead onclick=alert(1)><tr><th onclick=alert(1)>x",
    "table with a script": "<table><script>alert(1)</script><tr><td>x</table>",
    "script": "<script>alert(1)</script>",
    "script in halves": "<scr<!-- more -->ipt>alert(1)</scr<!-- more -->ipt>",
    "script behind a comment": "<!--><script>alert(1)</script>-->",
    "script behind an odd comment": "<!--- --!><script>alert(1)</script><!-- -->",
    "script behind a bogus comment": "<!x><script>alert(1)</script>",
    "script behind a doctype": "<!doctype html><script>alert(1)</script>",
    "script behind an instruction": "<?xml version='1.0'?><script>alert(1)</script>",
    "script in CDATA": "<![CDATA[><script>alert(1)</script>]]>",
    "script in CDATA of svg": "<svg><![CDATA[</svg><script>alert(1)</script>]]></svg>",
    "script at the end": "<p>x</p><script>alert(1)",
    "script in svg": "<svg><script>alert(1)</script></svg>",
    "script behind a title of svg": "<svg><title><style></title><script>alert(1)</script>",
    "script out of noscript": "<noscript><p title='</noscript><script>alert(1)</script>'></noscript>",
    "script out of textarea": "<textarea><p title='</textarea><script>alert(1)</script>'></textarea>",
    "script out of title": "<title><p title='</title><script>alert(1)</script>'></title>",
    "script out of xmp": "<xmp><p title='</xmp><script>alert(1)</script>'></xmp>",
    "script out of style": "<style><p title='</style><script>alert(1)</script>'></style>",
    "script out of iframe": "<iframe><p title='</iframe><script>alert(1)</script>'></iframe>",
    "script out of noembed": "<noembed><p title='</noembed><script>alert(1)</script>'></noembed>",
    "script out of select": "<select><p><script>alert(1)</script></select>",
    "script in a template": "<template shadowrootmode=open><script>alert(1)</script></template>",
    "script behind plaintext": "<p></plaintext><script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "image left unfinished": "<p>x</p><img src=x onerror=alert(1) title='",
    "image without spaces": "<img src='x'onerror=alert(1)>",
    "image with a null": "<img src=x one\0rror=alert(1) onerror=alert(1)>",
    "image behind a tag with a quote": "<p title=\"a\" \"><img src=x onerror=alert(1)>",
    "image in an attribute twice": "<p title='x' title='><img src=x onerror=alert(1)>'>y</p>",
    "image in a value that ends": "<p title=<!-- more -->\"><img src=x onerror=alert(1)>",
    "image in math": (
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 "
        "onerror=alert(1)&gt;'>"
    ),
    "image in a form": "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=alert(1)>",
    "image as an input": "<input type=image src=x onerror=alert(1)>",
    "image spelled out": "<image src=x onerror=alert(1)>",
    "svg": "<svg onload=alert(1)></svg>",
    "svg that animates": (
        "<svg><a><animate attributeName=href values=javascript:alert(1)><text "
        "y=20>x</text></a></svg>"
    ),
    "svg that uses": (
        "<svg><use href=\"data:image/svg+xml,<svg id='x' "
        "xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>#x\"></svg>"
    ),
    "details": "<details open ontoggle=alert(1)><summary>x</summary>y</details>",
    "transition": "<p style='transition:color 1ms' ontransitionend=alert(1) onanimationstart=alert(1)>x</p>",
    "focus": "<p tabindex=1 autofocus onfocus=alert(1)>x</p>",
    "editing": "<p contenteditable onbeforeinput=alert(1) oninput=alert(1)>x</p>",
    "popover": "<button popovertarget=x>y</button><p popover id=x onbeforetoggle=alert(1)>x</p>",
    "scrolling": (
        "<div style='overflow:auto;height:1px' onscroll=alert(1) "
        "onscrollend=alert(1)><p>x<p>y</div>"
    ),
    "media": "<video src=x onerror=alert(1)></video><audio src=x onerror=alert(1)></audio>",
    "media's source": "<video><source src=x onerror=alert(1)></video>",
    "marquee": "<marquee onstart=alert(1) onfinish=alert(1)>x</marquee>",
    "object": "<object data=javascript:alert(1)></object><embed src=javascript:alert(1)>",
    "frame of a script": (
        "<iframe src=javascript:alert(1)></iframe><iframe "
        "srcdoc='<script>parent.alert(1)</script>'></iframe>"
    ),
    "link": "<a href=javascript:alert(1)>x</a>",
    "link with references": "<a href='&#106;ava&Tab;script&colon;alert(1)'>x</a>",
    "link with a tab": "<a href='java\tscript:alert(1)'>x</a>",
    "link with a control": "<a href='\x01javascript:alert(1)'>x</a>",
    "link of data": "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "link in Markdown": "<div>a</div> [x](javascript:alert(1)) <javascript:alert(1)>",
    "link in Markdown behind a line": "<div>a</div>\n\n[x](javascript:alert(1))\n\n<div>b</div>",
    "link in Markdown behind an odd line": (
        "<div>a\n \r \n[x](javascript:alert(1))\n \x0c "
        "\n[y](javascript:alert(1))</div>"
    ),
    "link in Markdown by reference": "<div>a</div>\r\r[x]\r\r[x]: javascript:alert(1)\r\r<div>b</div>",
    "image in Markdown": "<div>a</div> ![x](x\" onerror=\"alert(1)) <div>b</div>",
    "attributes of kramdown": "<div>a</div>\n\nx\n{: onclick=\"alert(1)\"}\n\n<div>b</div>",
    "area": "<map name=m><area href=javascript:alert(1) shape=default></map><img usemap=#m src=x>",
    "form": "<form action=javascript:alert(1)><button>x</button></form>",
    "button of another form": "<button form=page formaction=javascript:alert(1)>x</button>",
    "clobbering": "<img name=getElementById><a id=calls href='x:1'>x</a><form id=location name=body></form>",
    "refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "base": "<base href='javascript:alert(1)//' target=_top>",
    "style sheet": "<style>*{animation:x 1s}@keyframes x{}</style><p onanimationstart=alert(1)>x</p>",
    "import of a style": "<link rel=stylesheet href='data:text/css,*{color:red}' onload=alert(1)>",
    "pieces of a page": "</div></article></main></body></html><script>alert(1)</script>",
    "end of a paragraph": "</p></br onclick=alert(1)><script>alert(1)</script>",
    "element of its own": "<x-a onclick=alert(1) onfocus=alert(1) tabindex=1 autofocus>x</x-a>",
    "is": "<p is=x-a onclick=alert(1)>x</p>",
    "Liquid": "<p>{{ '<script>alert(1)</script>' }}{% raw %}<script>alert(1)</script>{% endraw %}</p>",
    "Hugo": "<p>{{< figure src='x' onerror='alert(1)' >}}{{% x %}}</p>",
    "Nunjucks": "<p>{{ range.constructor('alert(1)')() }}</p><!--swig￼0-->",
}
# fmt: on

SHAPES = {
    "hexo": (
        (
            "<body><div id=container><div id=wrap><section id=main><article id=post-x class=h-entry>"
            "<div class=article-inner><div class='e-content article-entry' itemprop=articleBody>"
        ),
        "</div><footer><a href=/x>tags</a></footer></div></article></section></div></div></body>",
    ),
    "hugo": (
        (
            "<body class='ma0 avenir'><main class=pb7 role=main><article class='flex-l'><h1>x</h1>"
            "<div class='nested-links lh-copy'><p>"
        ),
        "</div></article></main><footer role=contentinfo>x</footer></body>",
    ),
    "jekyll": (
        (
            "<body><main class=page-content><div class=wrapper><article class='post h-entry'>"
            "<ul class=post-list><li><div class='post-content e-content' itemprop=articleBody>"
        ),
        "</div></li></ul></article></div></main><footer class=site-footer><p>x</p></footer></body>",
    ),
    "table": (
        "<body><table id=layout><tr><td><table><tr><td>x</td><td>",
        "</td></tr></table></td></tr></table></body>",
    ),
}
"""What stands around a body in pages of the generators' own themes, and in a page laid out by tables."""

HEAD = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>x</title><script>"
    "const fired = what => parent.calls.push([location.pathname, what]);"
    "for (const f of ['alert', 'confirm', 'prompt', 'print', 'open']) window[f] = () => fired(f);"
    "</script></head>"
)
TRY_EVERYTHING = """async () => {
  const names = new Set(), wait = ms => new Promise(done => setTimeout(done, ms));
  for (let o = document.body; o; o = Object.getPrototypeOf(o))
    for (const name of Object.getOwnPropertyNames(o)) if (name.startsWith('on')) names.add(name.slice(2));
  await wait(300);
  const found = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, path = frame.getAttribute('src');
    if (!page || !page.body) { found.push([path, 'gone']); continue; }
    const allowed = frame.dataset.body;
    for (const node of [frame.contentWindow, page, ...page.querySelectorAll('*')]) {
      for (const {name, value} of node.attributes ?? [])
        if (name.startsWith('on') || /^[\\s\\0-\\x20]*(javascript|data|vbscript):/i.test(value))
          found.push([path, `${node.tagName} ${name}=${value}`]);
      for (const name of names) node.dispatchEvent(new frame.contentWindow.Event(name));
    }
    if (page.body.getAttributeNames().join() != allowed || page.documentElement.getAttributeNames() != 'lang')
      found.push([path, 'the page has other attributes']);
    if (page.querySelectorAll('script, style, base, meta, link, iframe, object').length > 2)
      found.push([path, 'the page has other elements']);
  }
  await wait(300);
  return [...found, ...calls];
}"""


def article(body: str, number: int) -> str:
    """A file of front matter."""
    return (
        f"---\ntitle: 'Post {number}'\nlink: https://blog.example/{number}\ndate: 2024-01-03\n---\n\n{body}\n"
    )


@pytest.fixture(scope="module")
def planet(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Every payload in four files, fetched once; posts are written for the generator that a test names."""
    site = Site(tmp_path_factory.mktemp("shapes"))
    folder = site.home / "articles"
    folder.mkdir()
    number = 0
    for payload in PAYLOADS.values():
        for suffix in ("html", "md"):
            for body in (payload, f"<div><p>Hello</p>\n{payload}\n<p>world</p></div>"):
                number += 1
                text = article(body, number).encode("utf-8", "replace")
                (folder / f"{number}.{suffix}").write_bytes(text)
    publish(site, "fetch", generator="hexo", path="{date}-{slug}.html")
    return site


def publish(site: Site, command: str, **posts: str) -> dict[str, str]:
    """Posts of one generator: their bodies by file name."""
    site.configure(
        {"name": "posts", "kind": "articles", "path": str(site.home / "articles"), "categories": ["P"]},
        entries_per_feed=10_000,
        **{"publish.formats": ["atom"], "publish.archives": False, "publish.posts.folder": "posts"},
        **{f"publish.posts.{k}": v for k, v in posts.items()},
    )
    shutil.rmtree(site.home / "posts", ignore_errors=True)
    result = site.run(command, *(["--all"] if command == "publish" else []))
    assert result.exit_code == 0, result.stdout
    return {
        path.name: front_matter.loads(path.read_bytes()).content
        for path in sorted((site.home / "posts").rglob("*.*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def acting(browser: Browser, server: Server, pages: dict[str, tuple[str, str]]) -> list[Any]:
    """Returns what happens in pages that are shown side by side: `(path, what)` for each thing that acts.

    `pages`: the page and the attributes of its `<body>`, by path.
    """
    kind = {"Content-Type": "text/html; charset=utf-8"}
    server.pages |= {path: Answer(200, kind, page.encode()) for path, (page, _) in pages.items()}
    frames = "".join(
        f'<iframe data-body="{names}" src="{path}"></iframe>' for path, (_, names) in pages.items()
    )
    top = f"<!doctype html><script>window.calls = []</script>{frames}"
    server.pages["/top"] = Answer(200, kind, top.encode())
    page: Page = browser.new_page()
    page.set_default_timeout(120_000)
    page.on("dialog", lambda dialog: dialog.dismiss())
    page.route(lambda url: not url.startswith(server.url), lambda route: route.abort())
    page.goto(f"{server.url}/top")
    found: list[Any] = page.evaluate(TRY_EVERYTHING)
    page.close()
    return found


def shaped(shape: str, bodies: dict[str, str]) -> dict[str, tuple[str, str]]:
    """A page for each body, as a generator without a template of its own would write it."""
    before, after = SHAPES[shape]
    names = "class" if "<body class" in before else ""
    return {
        f"/{shape}/{number}": (f"{HEAD}{before}{body}{after}</html>", names)
        for number, body in enumerate(bodies.values())
    }


def test_there_are_enough_payloads() -> None:
    """Each in four files and four pages."""
    assert len(PAYLOADS) >= 90


@pytest.mark.parametrize("shape", SHAPES)
def test_no_body_is_active_inside_a_page(planet: Site, browser: Browser, server: Server, shape: str) -> None:
    """No event fires, no script runs, the page's own elements stay as they are."""
    generator = shape if shape != "table" else "hexo"
    bodies = publish(planet, "publish", generator=generator, path="{date}-{slug}.html")
    assert len(bodies) == 4 * len(PAYLOADS)
    distinct = {body: body for body in bodies.values()}
    assert acting(browser, server, shaped(shape, distinct)) == []


def test_no_body_is_active_as_feeds_contain_it(planet: Site, browser: Browser, server: Server) -> None:
    """A reader that puts an Atom entry's content into its page as it is."""
    atom = next(body for name, body in planet.files().items() if name.endswith("P/atom.xml"))
    entries = feedparser.parse(atom, sanitize_html=False, resolve_relative_uris=False).entries
    assert len(entries) == 4 * len(PAYLOADS)
    texts = [entry.get("summary", "") for entry in entries]
    texts += [content.value for entry in entries for content in entry.get("content", [])]
    distinct = dict(zip(texts, texts, strict=True))
    assert acting(browser, server, shaped("jekyll", distinct)) == []


def test_the_browser_test_would_notice_unsanitised_bodies(browser: Browser, server: Server) -> None:
    """Unsanitised, most payloads act in these pages by the same means."""
    pages = shaped("jekyll", PAYLOADS)
    found = {path for path, _ in acting(browser, server, pages)}
    assert len(found) > 0.75 * len(PAYLOADS), sorted(set(pages) - found)


@pytest.mark.parametrize("generator", ["hugo", "jekyll"])
def test_no_body_is_active_in_a_page_built_by_the_generator(
    planet: Site, browser: Browser, server: Server, generator: str, tmp_path: Path
) -> None:
    """By the installed generator, HTML in Markdown allowed: nothing in a body is Markdown or a template."""
    tool = shutil.which(generator)
    if tool is None:
        pytest.skip(f"{generator} is not installed")
    content = "{{ .Content }}" if generator == "hugo" else "{{ content }}"
    summary = (
        "{{ .Params.summary | markdownify }}" if generator == "hugo" else "{{ page.summary | markdownify }}"
    )
    before, after = SHAPES[generator]
    page = f"{HEAD}{before}{content}<div>{summary}</div>{after}</html>"
    if generator == "hugo":
        posts, layouts, built = "content/posts", tmp_path / "layouts" / "_default", tmp_path / "public"
        config = 'baseURL = "https://x.example/"\nmarkup.goldmark.renderer.unsafe = true\n'
        (tmp_path / "config.toml").write_text(config)
        command = [tool, "--quiet"]
    else:
        posts, layouts, built = "_posts", tmp_path / "_layouts", tmp_path / "_site"
        (tmp_path / "_config.yml").write_text("title: x\n")
        command = [tool, "build", "--quiet", "--disable-disk-cache"]
    layouts.mkdir(parents=True)
    (tmp_path / posts).mkdir(parents=True)
    (layouts / ("single.html" if generator == "hugo" else "post.html")).write_text(page)
    for suffix in ("html", "md"):
        path = f"{{date}}-{suffix}-{{slug}}.{suffix}"
        bodies = publish(planet, "publish", generator=generator, path=path)
        # Most payloads are gone once they are sanitised: a generator takes long for hundreds of equal posts.
        for name in {body: name for name, body in bodies.items()}.values():
            shutil.copy(planet.home / "posts" / name, tmp_path / posts)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    names = "class" if "<body class" in before else ""
    texts = {path.read_text() for path in built.rglob("*.html")}
    pages = {f"/{number}": (text, names) for number, text in enumerate(sorted(texts)) if before in text}
    assert len(pages) > 60
    assert acting(browser, server, pages) == []
