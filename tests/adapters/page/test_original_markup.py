"""The article of a page in the page's own elements: nothing of it is rewritten or lost."""

from __future__ import annotations

import re

import pytest

from aggregator.adapters.page import html_tree
from aggregator.adapters.page.original_markup import own_markup
from aggregator.model.resource import Resource
from tests.adapters.page.test_article_page import article, page
from tests.support.steps import steps

WORDS = "Tea is boiled with care and some patience, and never twice. " * 4
A = 'rel="noopener noreferrer"'


def content(inner: str, around: str = "") -> str:
    """The body of an article with this in the middle."""
    text = f"<article><h1>Green tea</h1><p>First. {WORDS}</p>{inner}<p>Last. {WORDS}</p></article>{around}"
    return article(page(body=text)).content


@pytest.mark.parametrize(
    ("inner", "right"),
    [
        ("<pre>if tea:\n    drink()  # hot</pre>", "<pre>if tea:\n    drink()  # hot</pre>"),
        ("<pre><code class='language-py'>a = 1</code></pre>",
         '<pre><code class="language-py">a = 1</code></pre>'),
        ("<p>Type <code>tea -x</code> and <kbd>Enter</kbd>.</p>",
         "<p>Type <code>tea -x</code> and <kbd>Enter</kbd>.</p>"),
        ("<ol start='5' type='a'><li>boil</li><li value='9'>wait</li></ol>",
         '<ol start="5" type="a"><li>boil</li><li value="9">wait</li></ol>'),
        ("<ul><li>black<ul><li>Assam</li></ul></li></ul>", "<ul><li>black<ul><li>Assam</li></ul></li></ul>"),
        ("<dl><dt>Oolong</dt><dd>half green</dd></dl>", "<dl><dt>Oolong</dt><dd>half green</dd></dl>"),
        ("<table><caption>Kinds</caption><tr><th>Tea</th><td><ul><li>a</li><li>b</li></ul></td></tr></table>",
         "<caption>Kinds</caption><tbody><tr><th>Tea</th><td><ul><li>a</li><li>b</li></ul></td></tr></tbody></table>"),
        ("<table><tr><td colspan='2'>both</td></tr></table>", '<td colspan="2">both</td>'),
        ("<figure><img src='cup.jpg' alt='A cup'><figcaption>A <b>cup</b></figcaption></figure>",
         "<figcaption>A <b>cup</b></figcaption></figure>"),
        ("<blockquote cite='/q'><p>Never twice.</p></blockquote>", "<p>Never twice.</p></blockquote>"),
        ("<iframe src='https://www.youtube.com/embed/x'></iframe>", '<iframe src="https://www.youtube.com/embed/x"'),
        ("<video src='/v.mp4'></video><audio src='/a.mp3'></audio>", '<video src="https://tea.example/v.mp4"'),
        ("<details><summary>More</summary><p>of it</p></details>",
         "<details><summary>More</summary><p>of it</p></details>"),
        ("<p>is <math><mi>x</mi></math> a day</p>", "<p>is <math><mi>x</mi></math> a day</p>"),
        ("<p>H<sub>2</sub>O <del>old</del> <ins>new</ins> <mark>m</mark></p>",
         "<p>H<sub>2</sub>O <del>old</del> <ins>new</ins> <mark>m</mark></p>"),
        ("<h3>Three</h3><h4>Four</h4><hr>", "<h3>Three</h3><h4>Four</h4><hr>"),
        ("<p>a<sup><a href='#fn1'>1</a></sup></p>", "<sup><a href=\"#a"),
    ],
)  # fmt: skip
def test_elements_of_the_article_are_as_they_are_on_the_page(inner: str, right: str) -> None:
    """Sanitised like every other body, but in no other way."""
    found = content(inner + ("<p id='fn1'>A note</p>" if "fn1" in inner else ""))
    assert right in found
    assert found.startswith("<p>First. Tea is boiled")
    assert re.search(r"<p>Last\. [^<]*</p>$", found)


@pytest.mark.parametrize(
    "around",
    [
        "<div class='related'><h3>Read on</h3><p>Another story</p></div>",
        "<div class='share-buttons'>Tell your friends</div>",
        "<nav><a href='/'>Menu words</a></nav>",
        "<form><input><button>Subscribe now</button></form>",
        "<ul><li><a href='/a'>One other</a></li><li><a href='/b'>Two other</a></li></ul>",
        "<div hidden>Not for eyes</div>",
        "<aside>By the way</aside>",
    ],
)
def test_text_around_the_article_is_left_out(around: str) -> None:
    """Also text in the middle of it."""
    assert content(around) == content("")
    assert content("", around) == content("")


def test_notes_and_pictures_beside_the_text_stay() -> None:
    """An extractor passes over them."""
    before = "<figure><img src='/lead.jpg' alt=''></figure>"
    notes = "<section class='footnotes'><ol><li id='fn1'>A note <a href='#r1'>↩</a></li></ol></section>"
    body = f"<article><h1>Green tea</h1>{before}<p>First. {WORDS}</p><p>Last. {WORDS}</p>{notes}</article>"
    found = article(page(body=body)).content
    assert '<img src="https://tea.example/lead.jpg"' in found
    assert "A note" in found


def test_a_text_that_is_not_on_the_page_gives_nothing() -> None:
    """Then what the extractor wrote is taken."""
    parsed = html_tree.parse(
        Resource(url="https://a.example/", body=page().encode(), content_type="text/html")
    )
    assert own_markup(parsed, f"<p>{'Quite another text. ' * 20}</p>", "") is None
    assert own_markup(parsed, "", "") is None


def test_an_article_that_is_twice_as_long_is_twice_the_work() -> None:
    """Also where all its words stand everywhere."""

    def work(size: int) -> int:
        words = "<div><p>tea</p><p>tea <b>tea</b></p></div>" * size
        body = f"<article>{words}<p>{WORDS}</p></article>".encode()
        parsed = html_tree.parse(Resource(url="https://a.example/", body=body, content_type="text/html"))
        return steps(lambda: own_markup(parsed, f"<p>{'tea ' * 3 * size}</p><p>{WORDS}</p>", ""))

    assert work(2_000) < 2.5 * work(1_000)
