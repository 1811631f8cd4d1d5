"""Which bodies may be kept byte for byte."""

from __future__ import annotations

import pytest

from aggregator.errors import FrontMatterError
from aggregator.front_matter import text as front_matter
from aggregator.normalise.html import sanitise
from aggregator.normalise.verbatim import is_harmless, kept_or_sanitised
from aggregator.reading.document import read
from tests.conftest import CORPUS
from tests.normalise.test_html_xss import CASES, remains


@pytest.mark.parametrize(
    "body",
    [
        "<div>   \n<p>Text &#123; &amp; more</p>\n</div>\n            ",
        "<p style='text-indent:2em'>a<br>b<br/>c</P>",
        "<table cellspacing=0><tbody><tr><td class='t_f' data-x=1>x</td></tr></tbody></table>",
        "<p>before</p><!-- more --><p>after</p>",
        "<p>before</p>\n\n<!--more-->\n<p>after</p>",
        "text <!-- more --> text",
        "<font color=red>old</font>",
        '<img src="https://example.org/a.jpg" referrerpolicy="no-referrer">',
        "plain text, AT&T, 1 < 2, <3",
        "<ul><li>one<li>two</ul><p>three<p>four",
        "<table><caption>x<tr><td>a<td>b<tr><th>c</table>",
        "<div>\n<div class=content>cut off",
        "<a href='https://example.org/?a=1&copy=2&lang=3' rel='external nofollow'>x</a>",
        "<p title='&lt;script&gt;'>&lt;script&gt;</p>",
        '<p data-pid="yU5pqVKb">x</p>',
    ],
)
def test_a_body_without_active_content_is_harmless(body: str) -> None:
    """Untidy markup, odd quotes and entities are the owner's own business."""
    assert is_harmless(body, has_base=True)
    assert kept_or_sanitised(body, "https://example.org/") == body


@pytest.mark.parametrize("markup", [m for _, m in CASES], ids=[name for name, _ in CASES])
def test_a_hostile_body_is_never_kept_verbatim(markup: str) -> None:
    """Unless a browser would find nothing in it that acts, as with a `<script>` written in text."""
    assert not is_harmless(markup, has_base=True) or remains(markup) == []


MUST_CHANGE = {
    "relative": "<img src=/pixel.gif>",
    "pixel": '<img src="https://example.org/p.gif" width="1" height="1">',
    "expression": "<p style='width:expression(alert(1))'>x</p>",
    "comment": "<p>a</p><!-- a --!> comment -->",
    "id": "<h2 id='x'>a</h2>",
    "deep": "<div>" * 100_000,
    "html": "<p>Hello <html style=color:red onmousemove=alert(1)> world</p>",
    "html alone": "<html>",
    "body": "a<body bgcolor=red>b",
    "head": "<head>x</head>",
    "frameset": "<frameset onload=alert(1)>",
    "stray cell": "<td>a</td>",
    "stray row": "<tr><td>a</td></tr>",
    "stray column": "<col span=2>",
    "stray column with a handler": "<col onclick=alert(1)>",
    "stray caption": "<caption>x</caption>",
    "cell with a background": "<table><tr><td background=https://e.example/x>a</td></tr></table>",
    "doctype": "<!doctype html><p>x</p>",
    "processing instruction": "<?php x ?><p>x</p>",
    "cdata": "<p><![CDATA[x]]></p>",
    "early end of a comment": "<!--><b>x</b>-->",
    "marker inside a tag": "<p title=<!-- more -->onclick=alert(1)>x</p>",
    "marker inside a name": "<scr<!-- more -->ipt>alert(1)</script>",
    "marker with another end": "a<!-- more --!>b",
    "unfinished tag": "<p>x</p><img src=https://e.example/x onerror=alert(1)",
    "unfinished value": "<p>x</p><a title='",
    "unfinished end tag": "<p>x</p",
    "less-than at the end": "<p>x</p><",
    "end of the body": "a</body>b",
    "end of a box around": "a</div></article>b",
    "end of a list item around": "a</li>b",
    "end of a paragraph too often": "<p>a</p></p>",
    "break as an end tag": "a</br>b",
    "link left open": "<p>x <a href=https://e.example/>y</p>",
    "bold left open": "<p>x <b>y</p>",
    "crossed": "<b><i>x</b></i>",
    "moved out of a table": "<table><b>x</b><tr><td>y</table>",
    "attribute twice": "<p title=a title=b>x</p>",
    "attribute twice in capitals": "<p title=a TITLE=b>x</p>",
    "attributes not parted": "<p title='a'class=b>x</p>",
    "attributes parted by a slash": "<p/title=a>x</p>",
    "attributes parted by a vertical tab": "<p\vtitle=a>x</p>",
    "attributes parted by a no-break space": "<p\xa0title=a>x</p>",
    "null": "<p ti\0tle=a>x</p>",
    "backquotes": "<p title=`a b`>x</p>",
    "angle bracket in a value": "<p title='a>b'>x</p>",
    "attribute on an end tag": "<p>x</p title=a>",
    "foreign": "<svg></svg>",
    "plaintext": "<plaintext>x",
    "noscript": "<noscript>x</noscript>",
    "template": "<template>x</template>",
    "select": "<select><option>x</select>",
    "textarea": "<textarea>x</textarea>",
    "xmp": "<xmp>x</xmp>",
    "unknown element": "<x-card>x</x-card>",
    "input of another form": "<input form=f formaction=javascript:alert(1)>",
    "name": "<a name=getElementById>x</a>",
    "target": "<a href=https://e.example/ target=_top>x</a>",
    "ping": "<a href=https://e.example/ ping=https://e.example/p>x</a>",
    "javascript with a reference": "<a href='java&Tab;script:alert(1)'>x</a>",
    "javascript with a tab": "<a href='java\tscript:alert(1)'>x</a>",
    "srcset": "<img src=https://e.example/x srcset='https://e.example/y 2x'>",
    "refresh": "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "base": "<base href=https://e.example/>",
    "link element": "<link rel=stylesheet href=https://e.example/x>",
    "rel that names the author of the page": "<a rel=me href=https://e.example/>x</a>",
    "rel that hands over the window": "<a rel=opener href=https://e.example/>x</a>",
    "referrer of the page": "<img src=https://e.example/x referrerpolicy=unsafe-url>",
    "instruction to a library": "<a href=https://e.example/ data-method=delete>x</a>",
    "markup in data": "<p data-x='&lt;img src=x onerror=alert(1)&gt;'>x</p>",
    "class that is run": "<p class='ng-init:constructor.x'>x</p>",
    "key of the keyboard": "<a href=https://e.example/ accesskey=x>x</a>",
    "editable": "<p contenteditable autofocus tabindex=1>x</p>",
    "control character": "<p>a\x0cb</p>",
}


@pytest.mark.parametrize("body", MUST_CHANGE.values(), ids=MUST_CHANGE)
def test_bodies_that_need_changes_are_sanitised(body: str) -> None:
    """The result is then kept byte for byte."""
    assert not is_harmless(body, has_base=True)
    mended = kept_or_sanitised(body, "https://example.org/")
    assert mended != body
    assert mended == sanitise(body, "https://example.org/")
    assert kept_or_sanitised(mended, "https://example.org/") == mended
    assert remains(mended) == []


def test_styles_with_addresses_are_removed() -> None:
    """Also where no browser would load it."""
    assert not is_harmless("<p style='background-color:url(https://example.org/)'>x</p>", has_base=True)


def test_relative_urls_may_stay_where_nothing_could_complete_them() -> None:
    """A folder of posts without addresses."""
    assert is_harmless("<img src=/a.png>", has_base=False)


@pytest.mark.skipif(not (CORPUS / "articles").exists(), reason="the corpus of articles is absent")
def test_the_bodies_of_known_articles_are_kept_byte_for_byte() -> None:
    """All but those that hold what must be rewritten."""
    kept = changed = 0
    for path in sorted((CORPUS / "articles").glob("seed*/*")):
        try:
            written = front_matter.loads(path.read_bytes(), url=path.name).content
            (article,) = read(path.read_bytes(), url=path.name, kind="articles").articles
        except FrontMatterError:
            continue
        kept += article.content == written
        changed += article.content != written
    assert (kept, changed) == (52, 21)
