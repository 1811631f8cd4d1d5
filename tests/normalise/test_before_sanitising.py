"""Bodies show what their page shows: hidden elements go, lazy images come, colours stay in pairs."""

from __future__ import annotations

import pytest

from aggregator.normalise import element_fallbacks
from aggregator.normalise.before_sanitising import has_rare_tags, is_plain, only_visible
from aggregator.normalise.html import MAX_ATTRIBUTES, MAX_DATA_CHARACTERS, sanitise

BASE = "https://tea.example/post/"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>x</div>",
        "<p HIDDEN=''>x</p>",
        "<p Hidden>x</p>",
        "<section class=a hidden='hidden'><p>x</p></section>",
        "<span title='a' hidden>x</span>",
        "<dialog>x</dialog>",
        "<dialog id=a><p>x</p></dialog>",
        "<template><p>x</p></template>",
    ],
)
def test_hidden_elements_are_removed(hidden: str) -> None:
    """With all that is in it."""
    assert sanitise(f"<p>a</p>{hidden}<p>b</p>", BASE) == "<p>a</p><p>b</p>"


@pytest.mark.parametrize(
    ("written", "src"),
    [
        (
            "<amp-youtube data-videoid='a-B_1' layout=responsive></amp-youtube>",
            "https://www.youtube.com/embed/a-B_1",
        ),
        ('<lite-youtube class=x videoid="a">Play</lite-youtube>', "https://www.youtube.com/embed/a"),
        ("<amp-youtube layout=responsive></amp-youtube>", None),
        ("<lite-vimeo videoid=12></lite-vimeo>", "https://player.vimeo.com/video/12"),
    ],
)
def test_players_that_a_script_would_load_are_frames(written: str, src: str | None) -> None:
    """Pages show a picture of them until somebody clicks."""
    assert (f'<iframe src="{src}"' in sanitise(f"<p>a</p>{written}", BASE)) == (src is not None)


@pytest.mark.parametrize(
    ("body", "div"),
    [
        ("<body bgcolor='#000'><font color='#fff'>x</font></body>",
         '<div style="background-color:#000;color:#fff"><font color="#fff">x</font></div>'),
        ("<html><BODY style='background:#111;color:#eee'><p>x</p></BODY></html>",
         '<div style="background-color:#111;color:#eee"><p>x</p></div>'),
        ("<body class=x><p>x</p></body>", "<p>x</p>"),
    ],
)  # fmt: skip
def test_the_colours_of_a_whole_document_are_those_of_its_body(body: str, div: str) -> None:
    """As newsletters set them."""
    assert sanitise(body, BASE) == div


@pytest.mark.parametrize(
    "shown",
    [
        "<dialog open>x</dialog>",
        "<p>hidden x</p>",
        "<p style='overflow:hidden'>x</p>",
        "<p data-hidden>x</p>",
        "<div hidden=until-found>x</div>",
        "<code>&lt;div hidden&gt;x</code>",
    ],
)
def test_visible_elements_are_kept(shown: str) -> None:
    """Words and other attributes hide nothing."""
    assert "x" in sanitise(shown, BASE)


@pytest.mark.parametrize(
    "name",
    [
        *("data-src", "data-url", "data-large-file", "data-lazyload", "data-cfsrc", "data-echo"),
        *("data-original-src", "data-lazy", "data-ll-src", "data-hi-res-src", "data-image", "data-img-src"),
    ],
)
@pytest.mark.parametrize(
    "src",
    [
        *("", f' src="{PIXEL}"', ' src="/img/blank.gif"', ' src="loader.svg"', ' src="dummy.png"'),
        ' style="display:none;visibility:hidden"',
    ],
)
def test_a_lazy_image_gets_its_address(name: str, src: str) -> None:
    """Whatever attribute the page's script would have taken it from."""
    found = sanitise(f'<img alt="Tea"{src} {name}="/tea.jpg">', BASE)
    assert 'src="https://tea.example/tea.jpg"' in found
    assert "data" not in found


def test_removing_a_background_image_removes_its_text_colour() -> None:
    """Neither is kept, unless there is a colour behind it too."""
    found = sanitise('<h1 style="background-image:url(x.jpg);color:#fff">Tea</h1>', BASE)
    assert "#fff" not in found
    both = sanitise('<h1 style="background-image:url(x);background-color:#000;color:#fff">Tea</h1>', BASE)
    assert "background-color:#000" in both
    assert "color:#fff" in both


def test_an_image_with_a_real_address_keeps_it() -> None:
    """What else it names is for scripts."""
    assert 'src="https://tea.example/small.jpg"' in sanitise(
        '<img src="/small.jpg" data-url="/page.html">', BASE
    )


def test_amp_images_are_images() -> None:
    """And the image that AMP has for pages without scripts is not shown twice."""
    amp = '<amp-img src="/tea.jpg" alt="Tea" width="600" height="400" layout="responsive">{}</amp-img>'
    for inside in ("", '<noscript><img src="/tea.jpg"></noscript>'):
        found = sanitise(f"<p>{amp.format(inside)}</p>", BASE)
        assert found.count("<img") == 1
        assert 'src="https://tea.example/tea.jpg"' in found


@pytest.mark.parametrize(
    ("src", "left"),
    [
        (f"data:image/png;base64,{'A' * MAX_DATA_CHARACTERS}", "<p>A &lt;cup&gt;</p>"),
        ("data:image/svg+xml;utf8,<svg/>", "<p>A &lt;cup&gt;</p>"),
    ],
    ids=["too large", "another kind"],
)
def test_a_removed_inline_image_leaves_its_alternative_text(src: str, left: str) -> None:
    """What it would have shown is not lost without a trace."""
    assert sanitise(f"<p><img src='{src}' alt='A <cup>'></p>", BASE) == left
    assert "srcset=" in sanitise(f"<p><img src='{src}' alt='A' srcset='/a.jpg 2x'></p>", BASE)


@pytest.mark.parametrize(
    ("tag", "left"),
    [
        ("p style='background:#272822;color:#f8f8f2'", "background-color:#272822;color:#f8f8f2"),
        ('p style="color:#fff;background: rgb(0, 0, 0) none"', "background-color:rgb(0, 0, 0);color:#fff"),
        ("p style='background:black;color:white'", "background-color:black;color:white"),
        ("p style='background:#000 url(/x.png);color:#fff'", "background-color:#000;color:#fff"),
        ("table bgcolor='#272822' style='color:#fff'", "background-color:#272822;color:#fff"),
        ("table bgcolor=black", "background-color:black;color:#fff"),
        ("pre style='background:#f0f0f0'", "background-color:#f0f0f0;color:#000"),
        ("pre style='background:rgb(9, 9, 9)'", "background-color:rgb(9, 9, 9);color:#fff"),
        ("table bgcolor='272822'", "background-color:#272822;color:#fff"),
        ("pre style='background:#222'", "background-color:#222;color:#fff"),
    ],
)
def test_both_colours_of_a_pair_stay(tag: str, left: str) -> None:
    """Near-white text without the dark behind it cannot be read."""
    assert f'style="{left}' in sanitise(f"<{tag}>x", BASE)


@pytest.mark.parametrize("behind", ["#ggg", "#12345", "hsl(0, 0%, 0%)", "rgb(x)", "none", "", "#" * 50])
def test_invalid_and_unknown_colours_are_left_out(behind: str) -> None:
    """Without an exception."""
    assert "color:" not in sanitise(f"<p style='background:{behind}'>x</p>", BASE)
    assert "color:" not in sanitise(f"<table bgcolor='{behind}'><tr><td>x</td></tr></table>", BASE)


@pytest.mark.parametrize("behind", ["url(/dark.png)", "linear-gradient(black, navy)", "var(--dark)"])
def test_a_pair_of_colours_is_removed_if_one_cannot_stay(behind: str) -> None:
    """An image or a gradient is not kept."""
    assert "color" not in sanitise(f"<p style='background:{behind};color:#fff'>x</p>", BASE)


def test_words_about_colours_are_left_alone() -> None:
    """Only attributes are changed."""
    code = "<pre>p { background: red; color: white }</pre>"
    assert sanitise(code, BASE) == code


@pytest.mark.parametrize(
    ("frame", "address", "says"),
    [
        (
            "src='https://player.example/v/1' title='A film'",
            "https://player.example/v/1",
            "A film",
        ),
        (
            "src='//map.example/export/embed.html?x'",
            "https://map.example/export/embed.html?x",
            "map.example",
        ),
        ("data-src='https://www.example/maps/embed'", "https://www.example/maps/embed", "www.example"),
    ],
)
def test_a_player_or_map_that_is_not_known_leaves_a_link(frame: str, address: str, says: str) -> None:
    """By its title, else its host."""
    link = f'<a href="{address}" rel="noopener noreferrer">{says}</a>'
    assert sanitise(f"<p>a<iframe {frame}></iframe>b</p>", BASE) == f"<p>a{link}b</p>"


@pytest.mark.parametrize(
    "frame",
    [
        "src='https://ads.example/x'",
        "src='https://www.googletagmanager.com/embed'",
        "src='https://player.example/v/1' width=0 height=0",
        "src='javascript:player()'",
    ],
)
def test_other_frames_leave_nothing(frame: str) -> None:
    """Advertisements, counters, invisible elements."""
    assert sanitise(f"<p>a<iframe {frame}></iframe>b</p>", BASE) == "<p>ab</p>"


RARE = [
    *sorted(element_fallbacks.ELEMENTS),
    "math",
    "m:math",
    "x:svg",
    "p:math",
    "body",
    "dialog",
    "noscript",
]
RARE += ["amp-img", "amp-video", "lite-youtube", "amp-vimeo"]


@pytest.mark.parametrize("name", RARE)
@pytest.mark.parametrize("end", [">", " ", "/", "\n"])
def test_tags_that_are_changed_are_rare(name: str, end: str) -> None:
    """One search for tags other than the most frequent finds each of them, in any case."""
    for tag in (f"<{name}", f"<{name.upper()}", f"<{name.title()}"):
        assert has_rare_tags(f"<p class=a>a <b>b</b><br/></p><h2>c</h2>{tag}{end}")
    assert all(map(has_rare_tags, ("<p>a</p></amp-img>", "</AMP-video>", "<!-- -->")))


def test_frequent_tags_are_not_rare() -> None:
    """Nor are their attributes and ends."""
    body = (
        "<p class='x'>1 > 0<br/>a&lt;math&gt;</p><ul>\n<li><a href='/dialog'>a</a></li></ul><hr><img src=a>"
    )
    assert not has_rare_tags(body)
    assert only_visible(body) == only_visible(body, rare_tags=False) == body


@pytest.mark.parametrize(
    "tag",
    [
        "<p class=a>", "<p hidden>", "<ul title='a'>", "<a id=b>", "<img>", "<iframe>", "<p", "< p>",
        "<!-- -->", "<a href='style=red'>", "<a href='data:,x'>", "<a href=/x>", "<a href='/x\">",
        "<a href='/x' id=a>", "<a href='/x'y>",
    ]
    + [f"<{name}>" for name in RARE],
)  # fmt: skip
def test_other_attributes_than_addresses_are_not_plain(tag: str) -> None:
    """Nor are tags that are changed, with or without attributes."""
    assert not is_plain(f"<p>a</p>{tag}<b>c</b>")


@pytest.mark.parametrize(
    "more", ["", " data: ", ' style="x: expression(1)"', ' name="b"', "&lt;math &gt;", "&#1;"]
)
def test_plain_bodies_are_sanitised_like_others(more: str) -> None:
    """A comment makes a body one that is not plain."""
    body = (
        f"<p>a <a href='https://a.example/?b=c&amp;d#b'>b</a><br/>{more}</p><ul><li><a href=\"/x\">d</a></ul>"
    )
    assert is_plain(body)
    assert sanitise(body, BASE) == sanitise(f"{body}<!-- -->", BASE)
    assert 'href="https://tea.example/x" rel="noopener noreferrer">d</a>' in sanitise(body, BASE)


def test_attributes_of_frequent_tags_are_looked_at() -> None:
    """Whatever the tags are."""
    assert sanitise("<p>a</p><p hidden>b</p>") == "<p>a</p>"
    assert sanitise("<td bgcolor=black>a</td>") == sanitise("<td bgcolor=black>a</td><!-- -->")


def test_a_rare_tag_that_a_removed_one_divides_is_changed() -> None:
    """A tag with thousands of attributes is removed before."""
    crowded = "<p" + " a" * (MAX_ATTRIBUTES + 100) + ">"
    assert sanitise(f"<p>a</p><{crowded}amp-img src='https://a.example/i.png'></amp-img>").count("<img ") == 1
