"""Which pictures an article shows, and the article with copies in their place."""

from __future__ import annotations

import re
from typing import Any

import pytest

from aggregator.media.references import MAX_ADDRESSES, shown_by, with_copies
from aggregator.model.article import Article, Enclosure
from aggregator.model.media_copies import CopiedFile, is_copy, type_of_copy
from aggregator.normalise.html import sanitise

COPY = CopiedFile(hash="ab" * 16, type="image/webp", bytes=900, width=800, height=600)
BASE = "https://planet.example/feeds/"
PLACE = f"{BASE}media/ab/{'ab' * 16}.webp"


def article(content: str = "", **fields: Any) -> Article:
    """An article of this body."""
    return Article(id="1", content=content, **fields)


def found(content: str, **fields: Any) -> list[str]:
    """Returns what it shows."""
    return list(shown_by(article(content, **fields), 1_600))


def placed(content: str, *addresses: str, pixels: tuple[str, ...] = ()) -> str:
    """A body in which these addresses have copies, and those are pixels."""
    copies = {**dict.fromkeys(addresses, COPY), **dict.fromkeys(pixels)}
    return with_copies(article(content), copies, BASE).content


@pytest.mark.parametrize(
    ("content", "addresses"),
    [
        ('<p><img src="https://a.example/1.png"></p>', ["https://a.example/1.png"]),
        ('<img src="https://a.example/?a=1&amp;b=2">', ["https://a.example/?a=1&b=2"]),
        ("<img alt='x' src='https://a.example/1.png'/>", ["https://a.example/1.png"]),
        ("<IMG SRC=https://a.example/1.png >", ["https://a.example/1.png"]),
        ('<img\n  src="https://a.example/1.png"\n/>', ["https://a.example/1.png"]),
        (
            '<video poster="https://a.example/p.jpg" src="https://a.example/v.mp4">',
            ["https://a.example/p.jpg"],
        ),
        ('<img src="https://a.example/1.png" width="1" height="1">', []),
        ('<img src="https://a.example/1.png" style="display:none">', []),
        ('<img src="https://pixel.wp.com/b.gif">', []),
        ('<img src="data:image/png;base64,AAAA">', []),
        ('<img src="/relative.png">', []),
        ('<img src="ftp://a.example/1.png">', []),
        ('<img src="https://a.example/with space">', []),
        (f'<img src="https://a.example/{"x" * 2_000}">', []),
        ('<a href="https://a.example/1.png">not shown</a>', []),
        ('<iframe src="https://a.example/1"></iframe>', []),
    ],
)
def test_the_pictures_of_a_body_are_found(content: str, addresses: list[str]) -> None:
    """Pictures that a browser would load, in the forms in which files are written too; no declared pixels."""
    assert found(content) == addresses


@pytest.mark.parametrize(
    ("srcset", "best"),
    [
        ("https://a.example/300 300w, https://a.example/2000 2000w, https://a.example/4000 4000w", "2000"),
        ("https://a.example/300 300w, https://a.example/900 900w", "900"),
        ("https://a.example/1 1x, https://a.example/2 2x, https://a.example/3 3x", "2"),
        ("https://a.example/1", "src"),
        ("", "src"),
        ("https://a.example/odd zz", "src"),
    ],
)
def test_one_of_several_sizes_is_copied(srcset: str, best: str) -> None:
    """The smallest that is as wide as copies are, else the widest."""
    written = f' srcset="{srcset}"' if srcset else ""
    assert found(f'<img src="https://a.example/src"{written}>') == [f"https://a.example/{best}"]


def test_lead_images_and_enclosed_pictures_are_copied_too() -> None:
    """Recordings where they are asked for."""
    files = (
        Enclosure(url="https://a.example/e.jpg", type="image/jpeg"),
        Enclosure(url="https://a.example/e.mp3", type="audio/mpeg"),
        Enclosure(url="https://a.example/e.mp4", type=" Video/mp4"),
        Enclosure(url="https://a.example/e.pdf", type="application/pdf"),
        Enclosure(url="https://a.example/e.bin"),
    )
    one = article(headimg="https://a.example/head.jpg", enclosures=files)
    pictures = {"https://a.example/head.jpg": False, "https://a.example/e.jpg": False}
    assert shown_by(one, 800) == pictures
    recordings = {"https://a.example/e.mp3": True, "https://a.example/e.mp4": True}
    assert shown_by(one, 800, with_recordings=True) == {**pictures, **recordings}
    many = "".join(f'<img src="https://a.example/{n}">' for n in range(900))
    assert len(shown_by(article(many), 800)) == MAX_ADDRESSES


def test_a_copy_replaces_all_sources_of_an_image() -> None:
    """The address that was copied stays, and so does what else is said of it."""
    small, large = "https://a.example/300?a&b", "https://a.example/900"
    body = (
        f'<p>A &lt;img src="{large}"&gt; <img alt="A &quot;B&quot;" src="https://a.example/x" width="300" '
        f'srcset="{small.replace("&", "&amp;")} 300w, {large} 900w" sizes="50vw" loading="lazy"> B</p>'
    )
    assert placed(body, large) == (
        f'<p>A &lt;img src="{large}"&gt; <img src="{PLACE}" alt="A &quot;B&quot;" width="300" loading="lazy" '
        f'data-copied-from="{large}"> B</p>'
    )
    assert f'data-copied-from="{small.replace("&", "&amp;")}"' in placed(body, small)


def test_the_other_sources_of_a_picture_go() -> None:
    """A browser would choose one of them; those of films and of other pictures stay."""
    source = '<source srcset="https://a.example/s.webp" type="image/webp">'
    image = '<img src="https://a.example/1">'
    film = '<video src="https://a.example/v"><source src="https://a.example/v2"></video>'
    other = f'<picture>{source}<img src="https://a.example/2"></picture>'
    body = f"<picture>{source}{source}{image}{source}</picture>{film}{other}"
    copied = f'<img src="{PLACE}" data-copied-from="https://a.example/1">'
    assert placed(body, "https://a.example/1") == f"<picture>{copied}</picture>{film}{other}"


def test_addresses_without_a_copy_stay_byte_for_byte() -> None:
    """However it is written."""
    body = "<P><img  src='https://a.example/1' ><br/>\n<img src=https://a.example/2></P>"
    assert placed(body, "https://b.example/") == body
    assert with_copies(article(body), {}, BASE) is not None
    one = article(body, headimg="https://a.example/h")
    assert with_copies(one, {}, BASE) is one


def test_a_tracking_pixel_that_was_found_by_fetching_is_removed() -> None:
    """One that nobody had declared, and that was found by fetching it once."""
    body = '<p>A<img src="https://a.example/t?reader=7">B</p>'
    assert placed(body, pixels=("https://a.example/t?reader=7",)) == "<p>AB</p>"
    lead = article(headimg="https://a.example/t")
    assert with_copies(lead, {"https://a.example/t": None}, BASE).headimg is None


def test_the_poster_of_a_video_is_copied() -> None:
    """The film itself stays where it is."""
    body = '<video controls="" poster="https://a.example/p" src="https://a.example/v"></video>'
    said = f'<video controls="" poster="{PLACE}" src="https://a.example/v" data-copied-from="https://a.example/p">'
    assert placed(body, "https://a.example/p") == f"{said}</video>"


def test_lead_image_enclosures_and_elements_of_other_namespaces_have_their_copies() -> None:
    """With what is said of the file as it is for the copy; the originals are kept beside them."""
    image, sound = "https://a.example/h.jpg", "https://a.example/s.mp3"
    one = article(
        headimg=image,
        enclosures=(Enclosure(url=image, type="image/jpeg", length=5, title="A"), Enclosure(url=sound)),
        extra={
            "media:content": [{"url": image, "type": "image/jpeg", "width": "9", "fileSize": "5", "x": "y"}],
            "media:group": {"children": [{"@element": "media:thumbnail", "url": image}]},
            "itunes:image": {"href": image},
            "source:url": {"url": image},
            "mood": "calm",
        },
    )
    made = with_copies(one, {image: COPY}, BASE)
    assert made.headimg == PLACE
    assert made.enclosures == (
        Enclosure(url=PLACE, type="image/webp", length=900, title="A"),
        Enclosure(url=sound),
    )
    assert made.extra == {
        "media:content": [{"url": PLACE, "type": "image/webp", "width": "800", "fileSize": "900", "x": "y"}],
        "media:group": {"children": [{"@element": "media:thumbnail", "url": PLACE}]},
        "itunes:image": {"href": PLACE},
        "source:url": {"url": image},
        "mood": "calm",
        "originals": {"image": image, "enclosures": [image]},
    }
    assert one.headimg == image


@pytest.mark.parametrize(
    "start", ["<img a", '<img "', "<img a='", '<img a="', "<img a=b", "<picture ", "<img a= ", "<img a\n"]
)
def test_the_time_for_hostile_bodies_is_linear(start: str) -> None:
    """The time is linear in the text; quadratic, this test would take hours."""
    body = start * 30_000
    assert shown_by(article(body), 800) == {}
    assert placed(body, "https://a.example/1") == body


def test_bodies_with_copies_stay_equal_when_sanitised_again() -> None:
    """As an article's own page does; nothing that acts comes with a copy."""
    odd = 'https://a.example/"><script>alert(1)</script>.png'
    body = sanitise(f"<p><img src='{odd}' alt='\"&lt;b&gt;' onerror='alert(1)'></p>")
    (address,) = found(body)
    made = placed(body, address)
    assert PLACE in made
    assert "<script" not in made
    assert "onerror" not in made
    assert re.findall("<[a-z]+", made) == ["<p", "<img"]
    assert PLACE in sanitise(made)


def test_the_type_of_a_copy_follows_from_its_name() -> None:
    """And no other file has such a name."""
    assert COPY.path == f"media/ab/{'ab' * 16}.webp"
    assert is_copy(*COPY.path.split("/"))
    assert type_of_copy(COPY.path.rpartition("/")[2]) == "image/webp"
    for place in (
        ("media", "ac", f"{'ab' * 16}.webp"),
        ("media", "ab", f"{'ab' * 16}.svg"),
        ("media", "ab", f"{'AB' * 16}.webp"),
        ("media", "ab", f"{'ab' * 16}.webp\n"),
        ("media", "rss.xml"),
        ("other", "ab", f"{'ab' * 16}.webp"),
    ):
        assert not is_copy(*place)
