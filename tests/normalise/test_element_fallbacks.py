"""Nothing that a reader would read goes without a trace: drawings, embedded documents, forms."""

from __future__ import annotations

import pytest

from aggregator.normalise.html import sanitise

BASE = "https://tea.example/post/"
A = 'rel="noopener noreferrer"'
IMG = 'loading="lazy" referrerpolicy="no-referrer"'


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<svg><text>Tea</text></svg>", "Tea"),
        ("<svg><title>Sales</title><desc>By year</desc><path d='M0'/></svg>", "Sales By year"),
        ("<svg><g><text>Black <tspan>40%</tspan></text><text>Green</text></g></svg>", "Black 40% Green"),
        ("<svg aria-label='Sales'><title>Sales</title></svg>", "Sales"),
        ("<svg aria-hidden='true'><title>icon</title></svg>", ""),
        ("<svg><style>.a{fill:red}</style><script>x()</script><metadata>m</metadata><path/></svg>", ""),
        ("<svg><defs><text>unused</text></defs><symbol><text>unused</text></symbol></svg>", ""),
        ("<svg><a xlink:href='/more'><text>more</text></a></svg>",
         f'<a href="https://tea.example/more" {A}>more</a>'),
        ("<svg><image xlink:href='/cup.png' width='640' height='480'/></svg>",
         f'<img src="https://tea.example/cup.png" alt="" {IMG}>'),
        ("<svg><foreignObject><p>Words <b>in</b> it</p></foreignObject></svg>", "<p>Words <b>in</b> it</p>"),
        ("<svg><foreignObject><svg><text>inner</text></svg></foreignObject></svg>", "inner"),
        ("<SVG><TEXT>Tea</TEXT></SVG>", "Tea"),
        ("<svg:svg xmlns:svg='x'><svg:text>Tea</svg:text></svg:svg>", "Tea"),
        ("<canvas><p>A chart</p></canvas>", "<p>A chart</p>"),
    ],
)  # fmt: skip
def test_the_text_of_svg_drawings_is_kept(written: str, right: str) -> None:
    """Names, texts, links and pictures."""
    assert sanitise(written, BASE) == right


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<object data='x.swf'><p>Read <a href='/text'>the text</a></p></object>",
         f'<p>Read <a href="https://tea.example/text" {A}>the text</a></p>'),
        ("<object data='menu.pdf' type='application/pdf'></object>",
         f'<a href="https://tea.example/post/menu.pdf" {A}>menu.pdf</a>'),
        ("<object data='menu.pdf' title='Menu'>Your browser has no PDF.</object>",
         f'Your browser has no PDF. <a href="https://tea.example/post/menu.pdf" {A}>Menu</a>'),
        ("<object data='cup.svg' type='image/svg+xml'>A cup</object>",
         f'<img src="https://tea.example/post/cup.svg" alt="A cup" {IMG}>'),
        ("<object><param name='movie' value='/film.swf'></object>",
         f'<a href="https://tea.example/film.swf" {A}>film.swf</a>'),
        ("<object data='a'><object data='b'>inner <img src='i.png' alt='i'></object></object>",
         f'inner <img src="https://tea.example/post/i.png" alt="i" {IMG}>'),
        ("<embed src='a.mp3' type='audio/mpeg'>",
         f'<audio src="https://tea.example/post/a.mp3" controls=""><a href="https://tea.example/post/a.mp3" {A}>a.mp3</a></audio>'),  # noqa: E501
        ("<applet code='X.class'>No <i>Java</i> here</applet>", "No <i>Java</i> here"),
        ("<applet code='X.class' alt='A clock'></applet>", "A clock"),
        ("<video src='v.mp4'>Get <a href='v.mp4'>it</a></video>",
         f'<video src="https://tea.example/post/v.mp4" controls="">Get <a href="https://tea.example/post/v.mp4" {A}>it</a></video>'),  # noqa: E501
        ("<audio><p>No sound here</p></audio>", '<audio controls=""><p>No sound here</p></audio>'),
        ("<noembed><p>No <b>plugin</b></p></noembed>", "<p>No <b>plugin</b></p>"),
        ("<object data='javascript:x()'>words</object>", "words"),
    ],
)  # fmt: skip
def test_embedded_documents_become_their_content_or_a_link(written: str, right: str) -> None:
    """What is for those that cannot show them, the picture, the sound, or where it is."""
    assert sanitise(written, BASE) == right


def test_players_in_object_and_embed_are_recognised() -> None:
    """Whichever element it is in."""
    src = "https://www.youtube.com/embed/x"
    frame = sanitise(f"<iframe src='{src}'></iframe>")
    assert sanitise(f"<embed src='{src}'>") == frame
    assert sanitise(f"<object data='{src}'></object>") == frame
    assert sanitise(f"<object><param name='movie' value='/x.swf'><embed src='{src}'></object>") == frame


@pytest.mark.parametrize(
    ("movie", "player"),
    [
        ("http://www.youtube.com/v/a-B_12345?fs=1&hl=de", "https://www.youtube.com/embed/a-B_12345"),
        ("//youtube-nocookie.com/v/a-B_12345", "https://www.youtube.com/embed/a-B_12345"),
        ("http://vimeo.com/moogaloop.swf?server=vimeo.com&clip_id=123", "https://player.vimeo.com/video/123"),
        ("http://www.dailymotion.com/swf/x1abc", "https://www.dailymotion.com/embed/video/x1abc"),
        ("http://www.dailymotion.com/swf/video/x1abc", "https://www.dailymotion.com/embed/video/x1abc"),
    ],
)
def test_flash_players_become_todays_players(movie: str, player: str) -> None:
    """Old posts have no other."""
    for written in (
        f"<object><param name='movie' value='{movie}'><embed src='{movie}'></object>",
        f"<embed src='{movie}'>",
    ):
        assert sanitise(written, BASE).startswith(f'<iframe src="{player}"')


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://film.example/a-film.swf?x=1", "a-film.swf"),
        ("https://film.example/services/viewer/federated_f9", "film.example"),
        ("https://film.example/", "film.example"),
        ("https://youtube.com.evil.example/v/a-B_12345", "youtube.com.evil.example"),
    ],
)
def test_a_link_is_named_by_the_file_or_the_host(address: str, name: str) -> None:
    """Where nothing says what it is."""
    assert sanitise(f"<embed src='{address}'>", BASE) == f'<a href="{address}" {A}>{name}</a>'


@pytest.mark.parametrize(
    ("written", "right"),
    [
        ("<textarea>&lt;b&gt; code\n  here</textarea>", "<pre>&lt;b&gt; code\n  here</pre>"),
        ("<xmp><b>literal</b></xmp>", "<pre>&lt;b&gt;literal&lt;/b&gt;</pre>"),
        ("<select><option>black<option> green </select>", "black, green"),
        ("<textarea></textarea><select></select><xmp></xmp>", ""),
        ("<button>Vote</button> <label>Tea <input value='x'></label>", "Vote Tea"),
        ("<meter value='.6'>60%</meter> <progress>half</progress>", "60% half"),
    ],
)
def test_forms_become_their_text(written: str, right: str) -> None:
    """Nothing that can be filled in."""
    assert sanitise(written, BASE) == right


def test_private_use_characters_in_the_text_are_kept() -> None:
    """The places of elements are marked by characters that the text does not have."""
    written = "\ue000 &#xe000;&#xe000; <svg><text>Tea</text></svg> \ue000"
    assert sanitise(written) == "\ue000 \ue000\ue000 Tea \ue000"
