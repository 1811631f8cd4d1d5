"""HTML that stays, HTML that is repaired, and HTML over the limits."""

from __future__ import annotations

import base64
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.html import HtmlBody, escaped, hazard, sanitise, sanitise_checked

BASE = "https://example.org/a/post"
RULES = ' loading="lazy" referrerpolicy="no-referrer">'


@pytest.mark.parametrize(
    "markup",
    [
        '<p lang="de" dir="rtl">x</p>',
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>",
        '<pre class="language-python"><code class="hljs language-python">x &lt; 1</code></pre>',
        '<div class="highlight"><pre><span class="k">def</span></pre></div>',
        '<pre lang="de">\n\n  first line empty</pre><pre>one</pre>',
        '<p style="text-align:center">x</p>',
        '<span style="font-weight:bold;font-style:italic">x</span>',
        "<figure><figcaption>x</figcaption></figure>",
        "<details><summary>x</summary>y</details>",
        "<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>",
        '<ol start="3"><li value="4">x</li></ol>',
        '<time datetime="2024-01-08">x</time>',
    ],
    ids=str,
)
def test_honest_markup_stays_as_it_is(markup: str) -> None:
    """Structure, language, direction, code and alignment matter to readers."""
    assert sanitise(markup, BASE) == markup


def test_a_first_empty_line_of_code_is_lost_in_no_step() -> None:
    """Hidden elements and formulas are removed from a parsed body, which is then parsed once more."""
    code = "<pre>\n\nx &lt; 1</pre>"
    assert sanitise(f"<p hidden>a</p><noembed>b</noembed>{code}", BASE) == f"b{code}"
    assert sanitise("<pre>\nx</pre>", BASE) == "<pre>x</pre>"


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ('<a href="x">y</a>', '<a href="https://example.org/a/x" rel="noopener noreferrer">y</a>'),
        ('<a href="#n">1</a>', '<a href="https://example.org/a/post#n" rel="noopener noreferrer">1</a>'),
        ('<img src="/i.png">', f'<img src="https://example.org/i.png"{RULES}'),
        ('<blockquote cite="q">x</blockquote>', '<blockquote cite="https://example.org/a/q">x</blockquote>'),
        (
            '<img src="i.png" srcset="j.png 1x, /k,l.png 2x,m.png">',
            (
                '<img src="https://example.org/a/i.png" srcset="https://example.org/a/j.png 1x, '
                f'https://example.org/k,l.png 2x, https://example.org/a/m.png"{RULES}'
            ),
        ),
        (
            '<video src="v.mp4" poster="p.png"><track src="t.vtt" kind="captions"></video>',
            (
                '<video src="https://example.org/a/v.mp4" poster="https://example.org/a/p.png" controls="">'
                '<track src="https://example.org/a/t.vtt" kind="captions"></video>'
            ),
        ),
    ],
    ids=["a", "fragment", "img", "cite", "srcset", "video"],
)
def test_relative_urls_become_absolute(markup: str, expected: str) -> None:
    """Wherever HTML has one."""
    assert sanitise(markup, BASE) == expected


@pytest.mark.parametrize(
    "image",
    [
        '<img src="/p.gif" width="1" height="1">',
        '<img src="/p.gif" height="0">',
        '<img src="/p.gif" style="display: none">',
        '<img src="/p.gif" style="width:1px;height:1px">',
        '<img src="https://feeds.feedburner.com/~r/x/~4/y">',
        '<img src="https://pixel.wp.com/b.gif?x">',
        '<img src="https://ad.doubleclick.net/x">',
        '<img alt="nothing">',
    ],
    ids=str,
)
def test_tracking_pixels_are_removed(image: str) -> None:
    """Pixels count readers; they are no content."""
    assert sanitise(f"<p>x{image}</p>", BASE) == "<p>x</p>"


@pytest.mark.parametrize(
    "markup",
    [
        '<img data-src="i.png">',
        '<img src="data:image/gif;base64,R0lGOD" data-src="i.png">',
        '<img src="/img/blank.gif" data-lazy-src="i.png">',
        '<img src="/placeholder.svg" data-original="i.png">',
        '<img data-src="i.png"><noscript><img src="i.png"></noscript>',
        '<noscript><img src="i.png"></noscript>',
    ],
    ids=str,
)
def test_a_lazy_image_gets_its_address_back(markup: str) -> None:
    """No script will do it later, and its noscript twin is not shown twice."""
    assert sanitise(markup, BASE) == f'<img src="https://example.org/a/i.png"{RULES}'


def test_a_real_source_is_kept_over_a_lazy_one() -> None:
    """data-src may be anything when there is an image already."""
    assert 'src="https://example.org/a/i.png"' in sanitise('<img src="i.png" data-src="large.png">', BASE)


def test_a_small_bitmap_may_be_inline_and_nothing_else() -> None:
    """Ten kilobytes of PNG are an icon; SVG can hold script."""
    small = "data:image/png;base64,iVBORw0KGgo="
    assert f'src="{small}"' in sanitise(f'<img src="{small}">')
    assert sanitise(f'<img src="{small}{"A" * 20_000}">') == ""
    assert sanitise('<img src="data:image/svg+xml;base64,AAAA">') == ""
    assert sanitise('<img src=" \n&#1;DATA:image/svg+xml;base64,AAAA">') == ""
    assert sanitise('<img src="d&Tab;ata:image/svg+xml;base64,AAAA">') == ""


def test_a_known_player_stays_with_safe_attributes() -> None:
    """Only the address and the size are the feed's own."""
    frame = sanitise(
        '<iframe src="//player.vimeo.com/video/1" width="5" allow="camera" class="x"></iframe>', BASE
    )
    assert frame.startswith('<iframe src="https://player.vimeo.com/video/1" width="5" sandbox="')
    assert 'loading="lazy"' in frame
    assert "camera" not in frame


def test_an_unknown_frame_is_removed_with_its_content() -> None:
    """What is inside a frame is raw text that no browser shows."""
    assert sanitise("<p>a<iframe src='https://example.net/'><b>x</b></iframe>b</p>") == "<p>ab</p>"


def test_text_that_looks_like_attributes_is_left_alone() -> None:
    """The pass over nh3's output reads tags, not text."""
    text = '<p>&lt;img width="1" src="x"&gt; style="expression" &lt;iframe&gt;</p>'
    assert sanitise(text) == text


def test_characters_that_xml_forbids_are_removed() -> None:
    """Controls and surrogates would make every feed with this article malformed."""
    assert sanitise("<p>a\x00\x0b\x1f\ud800\ufffe&#8;b</p>") == "<p>ab</p>"


def test_output_does_not_depend_on_the_process() -> None:
    """One attribute set by nh3 an element: more would come in the order of a random hash."""
    markup = '<video src="v"></video><img src="i"><a href="a">x</a>'
    assert sanitise(markup, BASE) == (
        '<video src="https://example.org/a/v" controls=""></video>'
        f'<img src="https://example.org/a/i"{RULES}'
        '<a href="https://example.org/a/a" rel="noopener noreferrer">x</a>'
    )


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 300 + "deep",
        "<div></span>" * 300 + "deep",
        "<p>" + "".join(f"<b class=a{n}>" for n in range(100)) + "<p>deep" * 3_000,
        "<!-->" + "<div>" * 300 + "deep",
        "deep " * 300_000,
        "deep" + "&" * 200_000,
    ],
    ids=["nested", "falsely closed", "reopened", "after a comment", "long", "references"],
)
def test_html_that_takes_too_long_becomes_plain_text(markup: str) -> None:
    """Depth, repetition and length are measured before they are parsed."""
    assert hazard(markup)
    text = sanitise(markup)
    assert text.startswith("deep")
    assert "<" not in text


@pytest.mark.parametrize(
    "markup",
    [
        "<p>x" * 2_000,
        "<ul>" + "<li><a href=x>y</a>" * 2_000 + "</ul>",
        "<!--" + "<w:x>" * 500 + "-->x",
        "<b>x</b>" * 2_000,
    ],
    ids=["paragraphs", "list", "comment", "bold"],
)
def test_long_flat_markup_is_sanitised(markup: str) -> None:
    """End tags may be left out, and what a comment hides does not count."""
    assert hazard(markup) is None


@pytest.mark.parametrize("separator", [" ", "\n/ "], ids=["space", "slash"])
def test_a_tag_with_thousands_of_attributes_is_removed_and_the_rest_stays(separator: str) -> None:
    """They are compared with one another: 100,000 took seconds."""
    crowd = separator.join(f"a{n}=x" for n in range(30_000))
    assert sanitise(f"<p>a</p><img {crowd}><p>b</p>") == "<p>a</p><p>b</p>"


@pytest.mark.parametrize("before", [0, 1, 1_997, 1_998, 1_999, 2_000])
def test_the_shortest_tag_of_two_thousand_attributes_is_found_wherever_it_begins(before: int) -> None:
    """Bodies without a long tag are not searched for one."""
    text = "x" * before
    assert sanitise(f"{text}<b{' a' * 2_000}>y</b>") == f"{text}y"
    assert sanitise(f"{text}<b{' a' * 1_999}>y</b>") == f"{text}<b>y</b>"


def test_a_long_attribute_costs_nothing_but_itself() -> None:
    """A drawing's path is thousands of words long, and goes with the drawing; a title and a picture stay."""
    path = "M 0 0 " * 3_000
    assert sanitise(f'<p>a</p><svg><path d="{path}"/></svg><p>b</p>') == "<p>a</p><p>b</p>"
    assert sanitise(f'<p title="{"word " * 1_500}">a</p>').startswith('<p title="word word')
    bitmap = base64.b64encode(random.Random(1).randbytes(7_500)).decode()
    picture = f'<img src="data:image/png;base64,{bitmap}">'
    assert sanitise(picture).startswith(picture[:-1])


@pytest.mark.parametrize("name", ["noscript", "NOSCRIPT", "NoScript"], ids=str)
def test_the_content_of_noscript_is_shown(name: str) -> None:
    """Readers run none, and names of elements have no case."""
    assert sanitise(f"<{name}><b>x</b></{name}>") == "<b>x</b>"


def test_plain_text_is_escaped() -> None:
    """Not sanitised: there is nothing to take away."""
    assert sanitise("a > b") == "a &gt; b"
    assert escaped("a\n <b> & c") == "a &lt;b&gt; &amp; c"


_MARKUP = (
    "<p> </p> <b> <a_href= <img_src= data-src= srcset= ' \" > < & &amp; &#0; <!-- --> <iframe_src= </iframe> "
    "style= <svg> <math> <table> <td> <noscript> x \x00 \ud800 http://a.example/ javascript: "
    "data:image/png;base64,"
)
_PIECES = st.sampled_from(_MARKUP.split(" "))


@given(st.lists(_PIECES, max_size=25), st.text(max_size=10))
def test_any_html_comes_out_without_scripts(pieces: list[str], base: str) -> None:
    """Never an exception, and twice gives nothing new to remove."""
    clean = sanitise("".join(pieces).replace("_", " "), base, BASE)
    assert clean.encode().decode() == clean
    assert "<svg" not in clean
    assert "<noscript" not in clean


def test_bodies_sanitised_together_come_out_as_each_by_itself() -> None:
    """Each with its own bases, a safe one and one without markup among them; what is raw is not `html`."""
    markups = ["<a href='b'>x<script>y</script>", "1 > 0", "<b>open", "<img src='/p.png'>", "&amp;", ""]
    bases = [(f"https://example.org/{n}/",) for n in range(len(markups))]
    bodies = [
        HtmlBody("safe"),
        *(HtmlBody(raw=raw, bases=each) for raw, each in zip(markups, bases, strict=True)),
    ]
    assert [body.html for body in bodies] == ["safe", *[""] * len(markups)]
    sanitise_checked(bodies)
    alone = [sanitise(markup, *each) for markup, each in zip(markups, bases, strict=True)]
    assert [body.html for body in bodies] == ["safe", *alone]
    assert 'href="https://example.org/0/b"' in alone[0]
