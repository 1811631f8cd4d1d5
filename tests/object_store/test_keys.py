"""Paths as keys: their order, their headers, and which are ours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aggregator.object_store.keys import Headers, is_sound, rank
from aggregator.server.media_types import MediaTypes
from aggregator.writers import formats


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("News/archive/1/atom.xml", 0),
        ("articles/archive/1/atom.xml", 0),
        ("articles/0123456789abcdef01234567.html", 0),
        ("articles/0123456789abcdef01234567.html.gz", 0),
        ("style.css", 0),
        ("style.css.br", 0),
        ("forgotten.txt", 0),
        ("News/rss.xml", 1),
        ("News/index.html.gz", 1),
        ("articles/rss.xml", 1),
        ("articles/index.html", 1),
        ("index.html", 2),
        ("feeds.opml.gz", 2),
    ],
)
def test_files_are_uploaded_before_files_that_link_to_them(path: str, expected: int) -> None:
    """A category may have the name of the folder of pages."""
    assert rank(path) == expected


@pytest.mark.parametrize("path", ["a", "日本/rss.xml", "C++/archive/1/atom.xml", "a b/%41.xml", "ü" * 300])
def test_our_own_paths_are_valid_keys(path: str) -> None:
    """Whatever a category is named."""
    assert is_sound(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a/",
        "/a",
        "..",
        "a/../b",
        ".git/x",
        "a/.x",
        "a\\b",
        "a\x00",
        "a\n",
        "\ud800",
        "x" * 701,
        5,
        None,
    ],
)
def test_paths_that_lead_out_of_the_folder_are_invalid_keys(path: object) -> None:
    """They come from a bucket, and become files."""
    assert not is_sound(path)


def test_the_open_archive_is_kept_as_long_as_a_feed() -> None:
    """The one of the highest number, in each folder."""
    paths = [
        f"{name}/archive/{n}/rss.xml" for name, most in (("a", 1), ("b", 12)) for n in range(1, most + 1)
    ]
    headers = Headers(MediaTypes(formats()), timedelta(minutes=5), paths)
    ages = {path: headers.of(path)["Cache-Control"].rpartition("=")[2] for path in paths}
    assert {path for path, age in ages.items() if age == "300"} == {
        "a/archive/1/rss.xml",
        "b/archive/12/rss.xml",
    }
    assert set(ages.values()) == {"300", "86400"}


def test_a_gz_file_without_its_plain_file_is_an_ordinary_file() -> None:
    """It is a compressed form only beside its plain file."""
    headers = Headers(
        MediaTypes(formats()), timedelta(minutes=5), ["dump.xml.gz", "a/rss.xml", "a/rss.xml.gz"]
    )
    assert headers.of("dump.xml.gz")["Content-Type"] == "application/gzip"
    assert "Content-Encoding" not in headers.of("dump.xml.gz")
    assert headers.of("a/rss.xml.gz")["Content-Encoding"] == "gzip"
    assert headers.mark("a/rss.xml.gz") != headers.mark("a/rss.xml")


def test_a_copy_of_a_picture_is_put_as_our_server_sends_it() -> None:
    """It never changes; a recording is never opened as a page."""
    place = f"media/ab/{'ab' * 16}"
    headers = Headers(MediaTypes(formats()), timedelta(minutes=15), [f"{place}.webp", f"{place}.mp3"])
    assert headers.of(f"{place}.webp") == {
        "Content-Type": "image/webp",
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    assert headers.of(f"{place}.mp3")["Content-Type"] == "audio/mpeg"
    assert headers.of(f"{place}.mp3")["Content-Disposition"] == "attachment"
    assert rank(f"{place}.webp") == 0
