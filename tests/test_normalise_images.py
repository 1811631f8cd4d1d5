"""Which image leads an article."""

from __future__ import annotations

import pytest

from aggregator.entry import Media
from aggregator.normalise.images import is_image, lead_image

BODY = '<p><img src="https://a.example/body.jpg" loading="lazy"></p>'
SMALL = Media("https://a.example/s.jpg", medium="image", width="100", height="100")
LARGE = Media("https://a.example/l.jpg", type="image/jpeg", width="800", height="600")
ENCLOSED = Media("https://a.example/e.jpg", type="image/jpeg", is_enclosure=True)


def test_the_largest_media_image_leads() -> None:
    """Before thumbnails, enclosures and the body."""
    assert lead_image([ENCLOSED, SMALL, LARGE], ["/t.jpg"], BODY, ()) == LARGE.url


def test_a_thumbnail_leads_before_an_enclosure() -> None:
    """Relative to the entry's bases."""
    assert lead_image([ENCLOSED], ["/t.jpg"], BODY, ["https://a.example/x"]) == "https://a.example/t.jpg"


def test_an_image_enclosure_leads_before_the_body() -> None:
    """An enclosed recording does not."""
    sound = Media("https://a.example/e.mp3", type="audio/mpeg", is_enclosure=True)
    assert lead_image([sound, ENCLOSED], [], BODY, ()) == ENCLOSED.url


def test_the_first_image_of_the_body_leads_at_last() -> None:
    """With its entities decoded."""
    assert (
        lead_image([], [], '<img src="https://a.example/b.jpg?a=1&amp;b=2">', ())
        == "https://a.example/b.jpg?a=1&b=2"
    )


@pytest.mark.parametrize(
    "image",
    [
        '<img src="https://s.w.org/images/core/emoji/1/72x72/1f600.png">',
        '<img src="https://secure.gravatar.com/avatar/x">',
        '<img src="https://img.shields.io/x.svg">',
        '<img src="https://a.example/spacer.gif">',
        '<img src="https://a.example/x.jpg" width="32">',
        '<img src="https://a.example/x.jpg" width="640" height="10">',
        '<img src="data:image/png;base64,AAAA">',
    ],
    ids=str,
)
def test_what_is_no_picture_does_not_lead(image: str) -> None:
    """The next one does."""
    assert lead_image([], [], image + BODY, ()) == "https://a.example/body.jpg"


def test_nothing_leads_where_there_is_nothing() -> None:
    """No image, no lead image."""
    assert lead_image([], ["javascript:x"], "<p>x</p>", ()) is None


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (Media("x", medium="image", type="video/mp4"), True),
        (Media("x.jpg", medium="video"), False),
        (Media("x", type="image/png"), True),
        (Media("x.jpg?w=1"), True),
        (Media("x.mp3"), False),
    ],
    ids=["medium", "other medium", "type", "extension", "no image"],
)
def test_an_image_is_known_by_medium_then_type_then_extension(media: Media, expected: bool) -> None:
    """What is said goes before what is guessed."""
    assert is_image(media) is expected
