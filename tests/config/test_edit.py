"""Adding to a config file: nothing that somebody wrote changes, and a wrong result never replaces it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aggregator.config import load as config
from aggregator.config.edit import add_sources
from aggregator.errors import ConfigError
from tests.support.examples import examples

BEFORE = """\
# Ours, by hand.
interval = "2h"   # not too often

[[sources]]
name = "One"      # the first
url = "https://one.example/feed.xml"

[fetch]
contact = "me@example.org"
# the end"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config file with comments, whose last line is within another table and has no line end."""
    path = tmp_path / "aggregator.toml"
    path.write_text(BEFORE, encoding="utf-8")
    return path


def source(name: str, **others: object) -> dict[str, object]:
    """The keys of a source."""
    return {"name": name, "url": f"https://{name.lower()}.example/feed.xml", **others}


def test_new_sources_are_appended_and_nothing_else_changes(file: Path) -> None:
    """What was in the file stays byte for byte: comments, spaces, order."""
    add_sources(
        file, [source("Two", categories=("Talk", "日本語")), source("Three", author=None, enabled=False)]
    )
    assert file.read_text(encoding="utf-8") == (
        f"{BEFORE}\n\n"
        '[[sources]]\nname = "Two"\nurl = "https://two.example/feed.xml"\ncategories = ["Talk", "日本語"]\n\n'
        '[[sources]]\nname = "Three"\nurl = "https://three.example/feed.xml"\nenabled = false\n\n'
    )
    loaded = config.load(file)
    assert [s.name for s in loaded.sources] == ["One", "Two", "Three"]
    assert loaded.sources[1].categories == ("Talk", "日本語")
    assert loaded.fetch.contact == "me@example.org"


def test_tables_and_numbers_are_written_too(file: Path) -> None:
    """Every key that a source may have can be added, options of its kind included."""
    auth = {"user": "me", "password": {"env": "HOME"}}
    add_sources(file, [source("Two", auth=auth, retention={"max_articles": 5}, headers={"X-Key": "1"})])
    two = config.load(file).sources[1]
    assert two.auth is not None
    assert two.retention == config.Keep(max_articles=5)
    assert two.headers[0][0] == "X-Key"


def test_adding_twice_leaves_one_blank_line_between(file: Path) -> None:
    """The file reads as if a careful person had added to it."""
    add_sources(file, [source("Two")])
    add_sources(file, [source("Three")])
    assert "\n\n\n" not in file.read_text(encoding="utf-8")


def test_without_new_sources_the_file_is_not_written(file: Path) -> None:
    """Not even its time of change is another."""
    before = file.stat().st_mtime_ns
    add_sources(file, [])
    assert file.stat().st_mtime_ns == before


def test_an_empty_file_begins_with_the_table(tmp_path: Path) -> None:
    """No blank lines before the first source."""
    file = tmp_path / "new.toml"
    file.touch()
    add_sources(file, [source("One")])
    assert file.read_text(encoding="utf-8").startswith("[[sources]]\n")


def test_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    """A file of another system's editor stays one."""
    file = tmp_path / "aggregator.toml"
    file.write_bytes(b'\xef\xbb\xbfinterval = "2h"\r\n')
    add_sources(file, [source("One")])
    body = file.read_bytes()
    assert body.startswith(b'\xef\xbb\xbfinterval = "2h"\r\n\r\n[[sources]]\r\n')
    assert body.count(b"\n") == body.count(b"\r\n")
    assert [s.name for s in config.load(file).sources] == ["One"]


def test_permissions_stay_and_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """Secrets that only their owner may read stay so; who keeps the config elsewhere keeps it there."""
    file.chmod(0o600)
    link = tmp_path / "linked.toml"
    link.symlink_to(file)
    add_sources(link, [source("Two")])
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Two" in file.read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aggregator.toml", "linked.toml"]


def test_a_file_that_is_mounted_by_itself_is_written_in_place(file: Path, tmp_path: Path) -> None:
    """Docker and Kubernetes mount a config so: nothing can be put in its place (EBUSY)."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount anything")
    mounted = tmp_path / "mounted.toml"
    mounted.touch()
    code = (
        "import sys; from pathlib import Path; from aggregator.config.edit import add_sources\n"
        "add_sources(Path(sys.argv[1]), [{'name': 'Two', 'url': 'https://two.example/feed.xml'}])"
    )
    script = f'mount --bind "$1" "$2" && "{sys.executable}" -c "$3" "$2"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", file, mounted, code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_text(encoding="utf-8").startswith(BEFORE)
    assert [s.name for s in config.load(file).sources] == ["One", "Two"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aggregator.toml", "mounted.toml"]


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV, errno.EROFS, errno.EACCES])
def test_a_file_that_cannot_be_replaced_is_appended_to(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The same file, by its inode; what was there is not written again."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "replace", refuse)
    inode = file.stat().st_ino
    add_sources(file, [source("Two")])
    assert file.stat().st_ino == inode
    assert [s.name for s in config.load(file).sources] == ["One", "Two"]
    assert [*file.parent.iterdir()] == [file]


def test_a_file_in_a_folder_that_may_not_be_written_is_appended_to(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file of our own in a folder of root's."""
    opened = Path.open

    def guarded(self: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if "x" in mode:
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(self, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", guarded)
    add_sources(file, [source("Two")])
    assert [s.name for s in config.load(file).sources] == ["One", "Two"]


def test_a_file_with_several_names_keeps_them(file: Path, tmp_path: Path) -> None:
    """A hard link would go on to hold what it was."""
    other = tmp_path / "other.toml"
    other.hardlink_to(file)
    add_sources(file, [source("Two")])
    assert other.read_bytes() == file.read_bytes()
    assert "Two" in other.read_text(encoding="utf-8")


def test_a_full_disk_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is appended to: it is cut back."""
    (file.parent / "other.toml").hardlink_to(file)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="cannot be written \\(No space left on device\\)"):
        add_sources(file, [source("Two")])
    assert file.read_text(encoding="utf-8") == BEFORE


@pytest.mark.parametrize(
    ("added", "reported"),
    [
        ([source("One")], "'One' is the name of sources[1] too"),
        (
            [source("Two"), source("Three", url="gopher://x")],
            "sources[3].url (source 'Three'): write an address",
        ),
        ([source("Two", url="https://x.example/\ud800")], "cannot be written as TOML"),
        ([source("Two", author=object())], "cannot be written as TOML"),
    ],
    ids=["name taken", "bad address", "no text", "no value of TOML"],
)
def test_a_config_that_would_not_load_is_not_written(
    file: Path, added: list[dict[str, object]], reported: str
) -> None:
    """All or nothing: the file stays as it was, nothing lies beside it, and the mistake is reported."""
    with pytest.raises(ConfigError) as caught:
        add_sources(file, added)
    assert reported in str(caught.value)
    assert ".part" not in str(caught.value)
    assert file.read_text(encoding="utf-8") == BEFORE
    assert [*file.parent.iterdir()] == [file]


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ('sources = [{ name = "a", url = "https://a.example/" }]', "as a separate [[sources]] table"),
        ("sources = []", "as a separate [[sources]] table"),
        ("interval = ", "is not TOML"),
        ("stor = 'x'", "stor: is not a known key"),
    ],
    ids=["one list", "an empty list", "no TOML", "wrong before"],
)
def test_a_file_that_cannot_be_added_to_is_reported_and_kept(
    tmp_path: Path, text: str, reported: str
) -> None:
    """The message says what to change."""
    file = tmp_path / "aggregator.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        add_sources(file, [source("Two")])
    assert reported in str(caught.value)
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("body", [None, b"\xff\xfe"], ids=["missing", "no UTF-8"])
def test_a_file_that_cannot_be_read_is_reported(tmp_path: Path, body: bytes | None) -> None:
    """A new site folder is another command's work."""
    file = tmp_path / "aggregator.toml"
    if body is not None:
        file.write_bytes(body)
    with pytest.raises(ConfigError):
        add_sources(file, [source("Two")])


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    names=st.lists(texts, min_size=1, max_size=4, unique=True), categories=st.lists(texts.filter(str.strip))
)
def test_any_text_comes_back_as_it_was_given(tmp_path: Path, names: list[str], categories: list[str]) -> None:
    """No name or category, whatever its characters, can end a string or open a table."""
    file = tmp_path / "aggregator.toml"
    file.write_text("# mine\n", encoding="utf-8")
    add_sources(
        file, [{"name": name, "url": "https://x.example/", "categories": categories} for name in names]
    )
    loaded = config.load(file)
    assert [s.name for s in loaded.sources] == names
    assert all(s.categories == tuple(map(str.strip, categories)) for s in loaded.sources)
