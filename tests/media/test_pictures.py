"""Pictures encoded anew: what is kept, what is refused, and what is left of a stranger's bytes."""

from __future__ import annotations

import pytest
from PIL import Image

from aggregator.media.pictures import MAX_FRAMES, PIXEL, PictureBounds, PictureRefused, encoded
from tests.support.pictures import (
    SCRIPT,
    bomb,
    moving,
    opened,
    photo,
    refused_pictures,
    sound_pictures,
    written,
)

BOUNDS = PictureBounds(max_width=800, max_pixels=40_000_000, max_bytes=2_000_000)


@pytest.mark.parametrize("name", sound_pictures())
def test_a_picture_is_encoded_again_without_its_metadata(name: str) -> None:
    """Its colours stay, and neither metadata nor anything hidden in the file; the same bytes each time."""
    body, type_ = sound_pictures()[name]
    found = encoded(body, BOUNDS)
    made = opened(found.body)
    assert found.type == type_ == f"image/{str(made.format).lower()}"
    assert (found.width, found.height) == made.size
    assert found.width <= BOUNDS.max_width
    assert found == encoded(body, BOUNDS)
    assert SCRIPT not in found.body
    assert b"<" not in found.body[:12]
    assert not dict(made.getexif())
    assert {*made.info} <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", *_MOVING, *_JPEGS}


_MOVING = {"loop", "background", "timestamp", "duration"}
_JPEGS = {"progressive", "progression"}


@pytest.mark.parametrize("name", refused_pictures())
def test_invalid_pictures_are_refused_with_a_reason(name: str) -> None:
    """Whatever it says that it is."""
    body, reason = refused_pictures()[name]
    with pytest.raises(PictureRefused, match=reason):
        encoded(body, BOUNDS)


def test_a_picture_is_rotated_by_its_exif_orientation() -> None:
    """All eight ways in which a camera may have been held."""
    upright = photo(160, 80)
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = number
        lying = {
            1: upright,
            2: upright.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            3: upright.transpose(Image.Transpose.ROTATE_180),
            4: upright.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
            5: upright.transpose(Image.Transpose.TRANSPOSE),
            6: upright.transpose(Image.Transpose.ROTATE_90),
            7: upright.transpose(Image.Transpose.TRANSVERSE),
            8: upright.transpose(Image.Transpose.ROTATE_270),
        }[number]
        made = opened(encoded(written(lying, "JPEG", exif=exif, quality=95), BOUNDS).body)
        assert made.size == (160, 80), number
        assert _is_red(made, 8, 40), number
        assert not _is_red(made, 150, 40), number


def _is_red(picture: Image.Image, x: int, y: int) -> bool:
    red, _, blue = picture.convert("RGB").resize((16, 8)).getpixel((x // 10, y // 10))  # type: ignore[misc]
    return bool(red > blue)


def test_a_large_picture_gets_the_width_that_the_config_wants() -> None:
    """Its shape stays; one on its side is measured as it is shown; a small one stays as it is."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert _size(written(photo(2_000, 1_000), "PNG")) == (800, 400)
    assert _size(written(photo(1_000, 2_000), "JPEG", exif=exif)) == (800, 400)
    assert _size(written(photo(40, 30), "JPEG")) == (40, 30)
    assert _size(written(Image.new("RGB", (10, 20_000)), "PNG")) == (4, 8_000)


def _size(body: bytes) -> tuple[int, int]:
    found = encoded(body, BOUNDS)
    return found.width, found.height


def test_pictures_with_16_bits_are_scaled_to_8_bits() -> None:
    """The right end of the scale is bright."""
    made = opened(encoded(sound_pictures()["16 bits"][0], BOUNDS).body)
    assert [made.convert("L").getpixel((x, 9)) for x in (0, 32, 63)] == [0, 128, 252]


def test_colours_are_converted_to_srgb_by_the_profile() -> None:
    """What a profile with swapped channels calls red is blue; a profile of another kind is dropped."""
    from PIL import ImageCms

    red = Image.new("RGB", (40, 40), (255, 0, 0))
    xyz = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    for profile in (None, xyz):
        made = opened(encoded(written(red, "JPEG", icc_profile=profile, quality=95), BOUNDS).body)
        r, g, b = made.convert("RGB").getpixel((20, 20))  # type: ignore[misc]
        assert (r > 240, g < 15, b < 15) == (True, True, True)
        assert "icc_profile" not in made.info


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animated_picture_stays_animated(kind: str) -> None:
    """With its frames and times, also where these are impossible."""
    frames = moving(5)
    body = written(frames[0], kind, save_all=True, append_images=frames[1:], duration=[1, 50, 90, 200, 80])
    made = opened(encoded(body, BOUNDS).body)
    assert getattr(made, "n_frames", 1) == 5
    found = []
    for number in range(5):
        made.seek(number)
        made.load()
        found.append(made.info["duration"])
    assert found == [100, 50, 90, 200, 80]


def test_an_animation_with_too_many_frames_becomes_its_first_frame() -> None:
    """A film is none of our business."""
    frames = [Image.new("P", (20, 20), number % 250) for number in range(MAX_FRAMES + 1)]
    made = encoded(written(frames[0], "GIF", save_all=True, append_images=frames[1:]), BOUNDS)
    assert getattr(opened(made.body), "n_frames", 1) == 1


def test_a_truncated_animation_keeps_its_complete_frames() -> None:
    """As browsers show it."""
    frames = moving(6, 200, 200)
    body = written(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=90)
    made = opened(encoded(body[: len(body) * 2 // 3], BOUNDS).body)
    assert 1 < getattr(made, "n_frames", 1) < 6


def test_a_picture_that_grows_when_encoded_is_tried_as_webp_then_refused() -> None:
    """So that no picture grows on its way through us."""
    noise = Image.effect_noise((200, 200), 90)
    body = written(noise, "PNG")
    whole = len(encoded(body, BOUNDS).body)
    tight = PictureBounds(max_width=800, max_pixels=90_000, max_bytes=whole - 1)
    assert encoded(body, tight).type == "image/webp"
    with pytest.raises(PictureRefused, match="more than 100 bytes"):
        encoded(body, PictureBounds(max_width=800, max_pixels=90_000, max_bytes=100))


def test_undeclared_tracking_pixels_are_recognised() -> None:
    """They are removed from what is published; see the tests of references."""
    with pytest.raises(PictureRefused) as refused:
        encoded(refused_pictures()["a tracking pixel"][0], BOUNDS)
    assert str(refused.value) == PIXEL


def test_pixels_are_counted_before_any_is_decoded() -> None:
    """A bound below Pillow's own."""
    with pytest.raises(PictureRefused, match="4000 × 3000 pixels, more than 10000000"):
        encoded(bomb(4_000, 3_000), PictureBounds(max_width=800, max_pixels=10_000_000, max_bytes=9_999_999))
