"""Pictures decoded in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from aggregator.media import workers as subject
from aggregator.media.pictures import PictureBounds, PictureRefused, encoded
from aggregator.media.workers import PictureWorkers
from aggregator.processes import Lost, Stopped
from tests.support.pictures import photo, refused_pictures, sound_pictures, written

BOUNDS = PictureBounds(max_width=800, max_pixels=40_000_000, max_bytes=2_000_000)


@pytest.fixture(scope="module")
def workers() -> Iterator[PictureWorkers]:
    """One process."""
    with PictureWorkers(1) as made:
        yield made


def test_a_confined_process_makes_of_every_kind_what_this_one_would(workers: PictureWorkers) -> None:
    """Every decoder and encoder is loaded before files and sockets are taken from it."""
    for body, _ in sound_pictures().values():
        assert workers.encoded(body, BOUNDS) == encoded(body, BOUNDS)


def test_a_refusal_arrives_with_its_reason(workers: PictureWorkers) -> None:
    """And harms no other picture."""
    for body, reason in refused_pictures().values():
        with pytest.raises(PictureRefused, match=reason):
            workers.encoded(body, BOUNDS)
    assert workers.encoded(written(photo(), "JPEG"), BOUNDS).type == "image/jpeg"


def test_a_picture_that_uses_too_much_memory_is_refused_alone() -> None:
    """Within a bound that a sound one does not need."""
    with PictureWorkers(1, memory_bytes=300 * 1024 * 1024) as tight:
        large = written(Image.new("RGB", (6_000, 6_000)), "PNG")
        with pytest.raises(PictureRefused, match="needed too much memory"):
            tight.encoded(large, BOUNDS)
        assert tight.encoded(written(photo(), "PNG"), BOUNDS).type == "image/webp"


@pytest.mark.parametrize(
    "answer",
    [
        subject._Answer(type="image/svg+xml", width=9, height=9, body=b"<svg/>"),
        subject._Answer(type="image/png", width=9, height=9, body=b"<html>"),
        subject._Answer(type="image/jpeg", width=9_000, height=9, body=b"\xff\xd8\xff"),
        subject._Answer(type="image/webp", width=9, height=9, body=b"RIFF" + bytes(3_000_000)),
        subject._Answer(),
    ],
)
def test_a_compromised_picture_worker_can_return_only_a_picture(answer: subject._Answer) -> None:
    """Its type, its first bytes and its size are looked at again."""
    with pytest.raises(ValueError, match="no picture"):
        subject._taken(answer, b"", BOUNDS)


def test_closed_picture_workers_raise_a_clear_error() -> None:
    """The picture is not refused."""
    closed = PictureWorkers(1)
    closed.close()
    with pytest.raises(Stopped):
        closed.encoded(b"", BOUNDS)
    assert issubclass(Stopped, Lost)
