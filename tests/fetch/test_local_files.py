"""Files and folders as sources."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, Fetcher, NotModified
from aggregator.fetch.local_files import fetch_file, fetch_folder
from tests.conftest import NOW


def names(fetched: Fetched | NotModified) -> list[str]:
    """Which files were read."""
    return [r.name for r in fetched.resources] if isinstance(fetched, Fetched) else []


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    """Size and time of change represent the bytes."""
    file = tmp_path / "a b é.xml"
    file.write_bytes(b"one")
    first = fetch_file(file.as_uri(), {}, max_bytes=100)
    assert isinstance(first, Fetched)
    assert first.resources[0].body == b"one"
    assert isinstance(fetch_file(file.as_uri(), first.validators, max_bytes=100), NotModified)
    file.write_bytes(b"three")
    assert isinstance(fetch_file(file.as_uri(), first.validators, max_bytes=100), Fetched)


def test_a_file_that_cannot_be_read_is_an_error_with_a_reason(tmp_path: Path) -> None:
    """Not there, too large, or on another machine."""
    with pytest.raises(errors.FetchError, match="No such file"):
        fetch_file((tmp_path / "none").as_uri(), {}, max_bytes=9)
    (tmp_path / "large").write_bytes(b"x" * 10)
    with pytest.raises(errors.TooLarge, match="exceeds 9 bytes"):
        fetch_file((tmp_path / "large").as_uri(), {}, max_bytes=9)
    with pytest.raises(errors.FetchError, match="is not an address of a file"):
        fetch_file("file://[]/x", {}, max_bytes=9)
    with pytest.raises(errors.FetchError, match="names another machine"):
        fetch_file("file://example.org/x", {}, max_bytes=9)


def test_a_folder_gives_its_articles_in_order_and_then_only_what_changed(tmp_path: Path) -> None:
    """A second look reads nothing; a changed file is read alone; a removed one is forgotten."""
    for name in ("b.md", "a.md", "sub/c.html", "sub/deep/d.markdown"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    first = fetch_folder(tmp_path, {}, max_bytes=100)
    assert names(first) == ["a.md", "b.md", "sub/c.html", "sub/deep/d.markdown"]
    assert isinstance(fetch_folder(tmp_path, first.validators, max_bytes=100), NotModified)

    (tmp_path / "b.md").write_text("changed")
    second = fetch_folder(tmp_path, first.validators, max_bytes=100)
    assert names(second) == ["b.md"]

    (tmp_path / "a.md").unlink()
    third = fetch_folder(tmp_path, second.validators, max_bytes=100)
    assert names(third) == []
    assert "a.md" not in third.validators["files"]


def test_hidden_files_images_and_links_to_folders_are_skipped(tmp_path: Path) -> None:
    """Hidden files, images, and links to folders (which may form a loop)."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.md").write_text("x")
    (tmp_path / ".draft.md").write_text("x")
    (tmp_path / "photo.jpg").write_bytes(b"x")
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(fetch_folder(tmp_path, {}, max_bytes=100)) == ["a.md"]


def test_a_file_whose_name_is_not_utf8_is_read_under_a_name_that_is(tmp_path: Path) -> None:
    """Old archives have such names; no store, feed or report can hold them."""
    (tmp_path / os.fsdecode(b"caf\xe9.md")).write_text("one")
    (tmp_path / os.fsdecode(b"\xff.md")).symlink_to("/etc/passwd")
    found = fetch_folder(tmp_path, {}, max_bytes=100)
    assert isinstance(found, Fetched)
    (file,) = found.resources
    assert (file.name, file.body) == (r"caf\xe9.md", b"one")
    assert file.url == f"{tmp_path.as_uri()}/caf%E9.md"
    assert [(p.where, p.text[:9]) for p in found.unread] == [(r"\xff.md", "is a link")]
    again = fetch_folder(tmp_path, found.validators, max_bytes=100)
    assert isinstance(again, Fetched)
    assert again.resources == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """One locked file does not stop the others."""
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "b.md").write_text("x")
    (tmp_path / "a.md").chmod(0)
    fetched = fetch_folder(tmp_path, {}, max_bytes=100)
    assert isinstance(fetched, Fetched)
    assert [p.where for p in fetched.unread] == ["a.md"]
    assert names(fetched) == ["b.md"]


def test_a_file_too_large_is_reported_and_tried_again(tmp_path: Path) -> None:
    """It is not counted as read, so that raising the limit is enough."""
    (tmp_path / "a.md").write_text("x" * 50)
    (tmp_path / "b.md").write_text("x")
    fetched = fetch_folder(tmp_path, {}, max_bytes=10)
    assert isinstance(fetched, Fetched)
    assert [p.where for p in fetched.unread] == ["a.md"]
    assert names(fetch_folder(tmp_path, fetched.validators, max_bytes=100)) == ["a.md"]


def test_files_that_were_refused_are_not_counted_as_read(tmp_path: Path) -> None:
    """`validators_without` leaves them to be read, and reported, again."""
    (tmp_path / "a.md").write_text("x")
    (tmp_path / "b.md").write_text("x")
    fetched = fetch_folder(tmp_path, {}, max_bytes=100)
    assert isinstance(fetched, Fetched)
    again = fetch_folder(tmp_path, fetched.validators_without({"a.md"}), max_bytes=100)
    assert names(again) == ["a.md"]


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """It fails that source, with its path."""
    with pytest.raises(errors.FetchError, match="cannot be read: No such file"):
        fetch_folder(tmp_path / "none", {}, max_bytes=9)


def test_the_fetcher_chooses_by_the_address(tmp_path: Path) -> None:
    """A path is a folder, `file:` is a file."""
    (tmp_path / "a.md").write_text("x")
    fetcher = Fetcher(Fetch(), "Aggregator/test")
    folder = fetcher.fetch(Source(name="f", kind="articles", path=tmp_path), {}, NOW)
    file = fetcher.fetch(Source(name="u", url=(tmp_path / "a.md").as_uri()), {}, NOW)
    fetcher.close()
    assert names(folder) == ["a.md"]
    assert names(file) == [""]
