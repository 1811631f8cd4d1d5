"""A body in the form in which nh3 writes bodies becomes what nh3 would make of it."""

from __future__ import annotations

import random

import pytest

from aggregator.normalise.anchors import Owner
from aggregator.normalise.clean_form import in_clean_form
from aggregator.normalise.html import HtmlBody, sanitise_checked

LINK = '<a href="https://a.example/p?q=1,2">x</a>'
PHRASES = ["b", "code", "em", "i", "strong", "u"]
FLOW = [*PHRASES, "p", "p", "p", "h2", "h6", "blockquote", "div", "ol", "ul"]
HOSTS = (
    "a.example a-b.co.uk EXAMPLE.com 1.2.3.com 0x7f.com a--b.com -a.com xn--a.com 1.2.3.4 0.0x1 localhost "
    "a_b.org a.org:80 a.org:99999 a.org. a.-.org a\xad.org"
)
PATHS = [
    "",
    "/",
    "/p/1",
    "?a=b",
    "/%zz",
    "/a b",
    "//x",
    "/(a)*!$;:@~",
    "/é",
    "/'",
    "/a:b@c",
    "/\\x",
    "/../",
    "/<",
]
TEXTS = ["", "x", " ", "\n", "Ü…", "文", "'", '"', "=", "\u2028", "\ufeff", "\x85"]
ODD = [
    ">",
    "<",
    "&",
    "\xa0",
    '">',
    "'>",
    "/>",
    "</",
    "<p>",
    "</p>",
    "</a>",
    "<li>",
    "<br/>",
    "<br />",
    "<hr>",
]


def made(markup: str, *, is_legal: bool) -> str:
    """Returns what becomes of a body; with `is_legal` False always by nh3."""
    body = HtmlBody(
        raw=markup, is_legal=is_legal, bases=("https://b.example/x/",), owner=Owner("s", "1", None)
    )
    sanitise_checked([body])
    return body.html


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<p>a</p>\n<p>b<br />c<br/>d</p>", "<p>a</p>\n<p>b<br>c<br>d</p>"),
        ("a <em>b <code>c</code></em><ul>\n<li>d<ol><li>e</li></ol></li></ul>", None),
        ("<blockquote><h2>a</h2><div>\"b\" 'c' = d</div></blockquote>", None),
        ("<a href='http://a.example'>a</a>", '<a href="http://a.example" rel="noopener noreferrer">a</a>'),
        (LINK, '<a href="https://a.example/p?q=1,2" rel="noopener noreferrer">x</a>'),
        ("<p></p>", "<p></p>"),
    ],
)
def test_a_body_in_clean_form_is_known_without_parsing_it(written: str, right: str | None) -> None:
    assert in_clean_form(written) == (written if right is None else right)
    assert made(written, is_legal=True) == made(written, is_legal=False)


@pytest.mark.parametrize(
    "written",
    [
        "<p>a<p>b",
        "<p>a",
        "a</p>",
        "</>",
        "<>",
        "<p>a</b></p>",
        "<b><p>a</p></b>",
        "<p><div>a</div></p>",
        "<li>a</li>",
        "<ul><p>a</p></ul>",
        "<P>a</P>",
        "<p >a</p>",
        "<p class=a>a</p>",
        "<p>a &amp; b</p>",
        "<p>a > b</p>",
        "<p>a < b</p>",
        "<p>a</p><b",
        "<p>\xa0</p>",
        "<p>a\r\nb</p>",
        "\ufeff<p>a</p>",
        "<script>a</script>",
        "<!-- a -->",
        "<hr>",
        f"<a href='https://a.example/'>{LINK}</a>",
        f"<a href='https://a.example/'><b>{LINK}</b></a>",
        "<a href=https://a.example/>a</a>",
        "<a href='https://a.example/' title='b'>a</a>",
        "<a href='/a'>a</a>",
        "<a href='javascript:a()'>a</a>",
        "<a href='https://a.example/#b'>a</a>",
        "<a href='https://1.2.3.400/'>a</a>",
        "<a href='https://xn--a.example/'>a</a>",
        "<a href='https://a:b@c.example/'>a</a>",
    ],
)
def test_any_other_body_is_left_to_nh3(written: str) -> None:
    assert in_clean_form(written) is None
    assert made(written, is_legal=True) == made(written, is_legal=False)


def test_deep_nesting_stays_as_it_is() -> None:
    for opened, closed in (("<b>", "</b>"), ("<div>", "</div>"), ("<ul><li>", "</li></ul>")):
        markup = f"{opened * 100}{LINK}{closed * 100}"
        assert in_clean_form(markup) is not None
        assert made(markup, is_legal=True) == made(markup, is_legal=False)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_taken_for_clean_nh3_writes_in_the_same_way(seed: int) -> None:
    chance = random.Random(seed)
    clean = 0
    for _ in range(2_000):
        markup = _markup(chance, chance.randint(1, 5), FLOW)
        if chance.random() < 0.2:
            at = chance.randrange(len(markup) + 1)
            markup = markup[:at] + chance.choice(ODD) + markup[at + chance.randint(0, 2) :]
        clean += in_clean_form(markup) is not None
        assert made(markup, is_legal=True) == made(markup, is_legal=False), markup
    assert clean > 400


def _markup(chance: random.Random, depth: int, names: list[str]) -> str:
    parts = []
    for _ in range(chance.randint(0, 3)):
        parts.append(chance.choice(TEXTS))
        if chance.random() < 0.2:
            address = f"https://{chance.choice(HOSTS.split())}{chance.choice(PATHS)}"
            opening = f"<a href='{address}'>" if chance.random() < 0.6 else LINK[:-5]
            parts.append(f"{opening}{_markup(chance, depth - 1, PHRASES) if depth else 'a'}</a>")
        elif depth:
            name = chance.choice(names) if chance.random() < 0.98 else chance.choice(FLOW)
            within = {"ol": ["li"], "ul": ["li"]}.get(
                name, FLOW if name in ("blockquote", "div", "li") else PHRASES
            )
            parts.append(f"<{name}>{_markup(chance, depth - 1, within)}</{name}>")
    return "".join([*parts, chance.choice(TEXTS)])
