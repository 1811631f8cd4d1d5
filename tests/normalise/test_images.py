"""Which image leads an article."""

from __future__ import annotations

import pytest

from aggregator.model.entry import Media
from aggregator.normalise.html import HtmlBody, sanitise_checked
from aggregator.normalise.images import is_image, lead_image, picture

BODY = "https://a.example/body.jpg"
SMALL = Media("https://a.example/s.jpg", medium="image", width="100", height="100")
LARGE = Media("https://a.example/l.jpg", type="image/jpeg", width="800", height="600")
ENCLOSED = Media("https://a.example/e.jpg", type="image/jpeg", is_enclosure=True)


def test_the_largest_media_image_is_the_lead_image() -> None:
    """Before thumbnails, enclosures and the body."""
    assert lead_image([ENCLOSED, SMALL, LARGE], ["/t.jpg"], BODY, ()) == LARGE.url


def test_a_thumbnail_is_preferred_to_an_enclosure_as_lead_image() -> None:
    """Relative to the entry's bases."""
    assert lead_image([ENCLOSED], ["/t.jpg"], BODY, ["https://a.example/x"]) == "https://a.example/t.jpg"


def test_an_image_enclosure_is_preferred_to_the_body_as_lead_image() -> None:
    """An enclosed recording does not."""
    sound = Media("https://a.example/e.mp3", type="audio/mpeg", is_enclosure=True)
    assert lead_image([sound, ENCLOSED], [], BODY, ()) == ENCLOSED.url


def test_the_first_image_of_the_body_is_the_last_choice() -> None:
    """With its entities decoded."""
    body = HtmlBody(
        raw='<p>One</p><img src="/b.jpg?a=1&amp;b=2"><img src="/c.jpg">', bases=("https://a.example/",)
    )
    sanitise_checked([body])
    assert body.picture == "https://a.example/b.jpg?a=1&b=2"
    assert lead_image([], [], body.picture, ()) == body.picture


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
def test_files_that_are_not_pictures_are_not_lead_images(image: str) -> None:
    """The next one does."""
    body = HtmlBody(raw=f'{image}<p><img src="{BODY}"></p>')
    sanitise_checked([body])
    assert body.picture == BODY


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/honey-badger.jpg",
        "https://a.example/avatar/film-poster.jpg",
        "https://a.example/spacerock.jpg",
        "https://a.example/opinit.jpg",
        "https://a.example/badge.jpg",
        "https://a.example/share-button.png",
        "https://a.example/21x1.jpg",
        "https://a.example/tracker/map.png",
        "https://goldenshields.io.example/knight.png",
        "https://a.example/blank.gif",
    ],
)
def test_a_declared_size_counts_more_than_words_in_an_address(url: str) -> None:
    """What is 800 pixels wide is no button."""
    assert lead_image([Media(url, medium="image", width="800", height="600")], [], BODY, ()) == url
    body = HtmlBody(raw=f'<img src="{url}" width="800" height="600"><img src="{BODY}">')
    sanitise_checked([body])
    assert body.picture == url


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/honey-badger.jpg",
        "https://a.example/avatar/film-poster.jpg",
        "https://a.example/spacerock.jpg",
        "https://a.example/opinit.jpg",
        "https://a.example/merit-badge.jpg",
    ],
)
def test_an_image_named_by_the_feed_counts_more_than_words_in_its_address(url: str) -> None:
    """Without a size: `media:content`, `media:thumbnail`, an enclosure."""
    assert lead_image([Media(url, medium="image")], [], BODY, ()) == url
    assert lead_image([], [url], BODY, ()) == url
    assert lead_image([Media(url, type="image/jpeg", is_enclosure=True)], [], BODY, ()) == url


@pytest.mark.parametrize(
    "url",
    [
        "https://1.gravatar.com/avatar/x?s=96",
        "https://s.w.org/images/core/emoji/1/72x72/1f600.png",
        "https://avatars2.githubusercontent.com/u/1",
        "https://img.shields.io/x.svg",
        "https://feeds.feedburner.com/~r/x/1",
    ],
)
@pytest.mark.parametrize("size", [None, "800"])
def test_avatars_and_trackers_are_never_lead_images(url: str, size: str | None) -> None:
    """WordPress names its authors' avatars as media."""
    assert lead_image([Media(url, medium="image", width=size, height=size)], [url], BODY, ()) == BODY


@pytest.mark.parametrize("name", ["spacer.gif", "pixel.png", "1x1.png", "blank.gif", "favicon.ico?x.png"])
def test_a_placeholder_named_by_the_feed_is_not_the_lead_image(name: str) -> None:
    """Templates name them where an entry has no picture."""
    assert lead_image([Media(f"https://a.example/{name}", medium="image")], [], BODY, ()) == BODY


@pytest.mark.parametrize("name", ["honey-badger.jpg", "spacerock.jpg", "opinit.jpg", "sharethistory.jpg"])
def test_words_in_an_address_match_as_whole_words(name: str) -> None:
    """For images in a body without a size."""
    body = HtmlBody(raw=f'<img src="https://a.example/{name}">')
    sanitise_checked([body])
    assert body.picture == f"https://a.example/{name}"


@pytest.mark.parametrize(
    "address",
    [
        "www.gravatar.com/a", "img.shields.io/a", "avatars.githubusercontent.com/a",
        "avatars3.githubusercontent.com/a",
        "ad.doubleclick.net/a", "feeds.feedburner.com/a", "feeds.feedblitz.com/a", "feeds.wordpress.com/a",
        "stats.wordpress.com/a", "pixel.wp.com/a", "static.addtoany.com/a", "s7.addthis.com/a",
        "w.sharethis.com/a",
        "a.example/twemoji/a", "a.example/emoji/a", "a.example/smilies/a", "a.example/blank.webp",
        "a.example/pixel.gif", "a.example/transparent.png", "a.example/1x1.jpeg", "a.example/spacer",
        "a.example/favicon", "a.example/pixel?a", "a.example/avatar/a", "a.example/avatars/a",
        "a.example/tracker/a", "a.example/badge", "a.example/badges", "a.example/pinit",
        "a.example/sharebutton", "a.example/share-button", "a.example/share_button",
    ],
)  # fmt: skip
def test_every_kind_of_address_that_is_no_picture_is_found(address: str) -> None:
    """One for each that is known, in any case."""
    assert picture(f"https://{address}") is None
    assert picture(f"https://{address.upper()}") is None


def test_without_images_there_is_no_lead_image() -> None:
    """No image, no lead image."""
    assert lead_image([], ["javascript:x"], None, ()) is None


def test_only_the_first_twenty_images_of_a_body_are_looked_at() -> None:
    """A page of emoji has no lead image, and costs no more than any."""
    emoji = "".join(f'<p>.<img src="https://a.example/emoji/{n}.png"></p>' for n in range(20))
    body = HtmlBody(raw=f'{emoji}<img src="{BODY}">')
    sanitise_checked([body])
    assert body.picture is None


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
