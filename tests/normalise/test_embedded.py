"""Images, frames and quotations after nh3."""

from __future__ import annotations

import pytest

from aggregator.normalise.embedded import finish, is_pixel

BASE = "https://example.org/a/post"
SRCSET = "https://a.example/i.jpg 1x, https://a.example/j.jpg?a=1&amp;b 2x"
RULES = ' loading="lazy" referrerpolicy="no-referrer">'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (' src="https://a.example/i.jpg"', ' src="https://a.example/i.jpg"'),
        (
            f' srcset="{SRCSET}" src="https://a.example/i.jpg" alt="it\'s"',
            f' src="https://a.example/i.jpg" alt="it&#x27;s" srcset="{SRCSET}"',
        ),
        (
            ' srcset="/i.jpg 1x" src="https://a.example/i.jpg" alt="it\'s"',
            ' src="https://a.example/i.jpg" alt="it&#x27;s" srcset="https://example.org/i.jpg 1x"',
        ),
        (' src="https://a.example/i.jpg" srcset="data:x 1x"', ' src="https://a.example/i.jpg"'),
    ],
    ids=["plain", "srcset as it may stay", "srcset made absolute", "srcset of nothing"],
)
def test_srcset_is_the_last_attribute_in_both_code_paths(written: str, expected: str) -> None:
    """The short way for what most publishers write gives what the long way gives."""
    assert finish(f"<p><img{written}></p>", (BASE,))[0] == f"<p><img{expected}{RULES}</p>"


@pytest.mark.parametrize(
    "written",
    [
        ' width="1" height="1" src="https://a.example/i.gif"',
        ' src="https://a.example/i.gif" height=" 0 "',
        ' src="https://a.example/i.gif" width="01px"',
        ' src="https://a.example/i.gif" style="display:none"',
        ' src="http://pixel.WP.com/g.gif?x=1&amp;y=2"',
        ' alt=" src=" src="https://ad.DoubleClick.net/i.gif"',
        ' alt="no address"',
    ],
    ids=["one pixel", "no height", "with a unit", "hidden", "tracker", "behind a decoy", "empty"],
)
def test_invisible_images_are_removed(written: str) -> None:
    """Pixels and trackers, however they are written."""
    assert finish(f"<p>a<img{written}>b</p>", (BASE,)) == ("<p>ab</p>", None)


@pytest.mark.parametrize("width", ["100", "10", "640", "100%", "auto", ""], ids=str)
def test_an_image_of_any_other_width_stays(width: str) -> None:
    """A width that begins with a 1 is not 1."""
    image = f'<img width="{width}" src="https://a.example/i.jpg"'
    assert finish(image + ">", ())[0] == image + RULES
    assert not is_pixel({"width": width, "src": "https://a.example/i.jpg"})


def test_images_are_treated_alike_with_and_without_a_frame_beside_them() -> None:
    """A frame takes no image with it."""
    images = '<img src="https://a.example/i.jpg"><img src="https://a.example/i.jpg"><img width="1" src="x">'
    alone = finish(images, ())
    assert alone == (f'<img src="https://a.example/i.jpg"{RULES}', "https://a.example/i.jpg")
    assert finish(f"{images}<iframe></iframe>", ()) == alone
