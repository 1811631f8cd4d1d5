"""Files of a folder: whatever a stranger's repository links to, nothing from outside the folder is read."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.adapters.kinds import RefusedFile
from aggregator.errors import FetchError
from aggregator.fetch import Fetched, NotModified
from aggregator.fetch.confined_folder import Folder
from aggregator.fetch.local_files import fetch_file, fetch_folder
from tests.support.site import Site

SECRET = "PASSWORD=hunter2"

LINKS: dict[str, Callable[[Path], str]] = {
    "above the folder": lambda notes: "../outside.env",
    "absolute": lambda notes: str(notes.parent / "outside.env"),
    "a system file": lambda notes: "/etc/passwd",
    "the environment": lambda notes: "/proc/self/environ",
    "the environment of a thread": lambda notes: f"/proc/self/task/{os.getpid()}/environ",
    "through the folder itself": lambda notes: f"../{notes.name}/../outside.env",
    "through a folder that is there": lambda notes: "sub/../../outside.env",
    "through a folder that is not there": lambda notes: "none/../../outside.env",
    "with slashes and dots": lambda notes: ".././/./outside.env",
    "a link to a link": lambda notes: "second",
    "a link to a link outside that leads further": lambda notes: "../third",
    "a folder that is a link": lambda notes: "elsewhere/outside.env",
    "a folder whose name begins alike": lambda notes: f"../{notes.name}-private/outside.env",
    "the root of this process": lambda notes: f"/proc/self/root{notes.parent}/outside.env",
    "what this process has open": lambda notes: "/proc/self/fd/0",
    "the folder of this process": lambda notes: "/proc/self/cwd/pyproject.toml",
    "nothing, outside": lambda notes: "../not-there-yet",
    "the folder above": lambda notes: "..",
    "hidden beside it": lambda notes: ".env",
    "a repository's settings": lambda notes: ".git/config",
    "hidden, through a link": lambda notes: "settings/config",
    "a device": lambda notes: "/dev/zero",
    "standard input": lambda notes: "/dev/stdin",
    "a terminal": lambda notes: "/dev/tty",
    "a disk's memory": lambda notes: "/dev/shm",
}


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A folder with two honest articles, in a place with secrets."""
    folder = tmp_path / "notes"
    for inside in ("sub", ".git"):
        (folder / inside).mkdir(parents=True)
    (tmp_path / "notes-private").mkdir()
    for secret in ("outside.env", "notes-private/outside.env", "notes/.env", "notes/.git/config"):
        (tmp_path / secret).write_text(SECRET)
    (tmp_path / "third").symlink_to("outside.env")
    (folder / "second").symlink_to("../outside.env")
    (folder / "elsewhere").symlink_to("..")
    (folder / "settings").symlink_to(".git")
    (folder / "a.md").write_text("One")
    (folder / "sub" / "b.md").write_text("Two")
    return folder


def fetch(folder: Path) -> Fetched:
    """Everything in a folder."""
    fetched = fetch_folder(folder, {}, max_bytes=1_000_000)
    assert isinstance(fetched, Fetched)
    return fetched


def given(fetched: Fetched | NotModified) -> dict[str, bytes]:
    """Returns what was read, by name."""
    return {r.name: r.body for r in fetched.resources} if isinstance(fetched, Fetched) else {}


@pytest.mark.parametrize("name", ["post.md", "sub/post.html"])
@pytest.mark.parametrize("leads", LINKS.values(), ids=LINKS)
def test_links_out_of_the_folder_are_refused_and_reported(
    notes: Path, leads: Callable[[Path], str], name: str
) -> None:
    """The others are read; the next poll reports it again."""
    target = leads(notes)
    is_below = name.startswith("sub/") and not target.startswith("/")
    (notes / name).symlink_to(f"../{target}" if is_below else target)
    for fetched in (fetch(notes), fetch_folder(notes, fetch(notes).validators, max_bytes=1_000_000)):
        assert isinstance(fetched, Fetched)
        assert name in fetched.refused
        assert name in {problem.where for problem in fetched.unread}
        assert name not in fetched.validators["files"]
    assert given(fetch(notes)) == {"a.md": b"One", "sub/b.md": b"Two"}


def test_links_to_folders_outside_are_reported(notes: Path) -> None:
    """Links to folders are not followed at all; one that stays inside holds nothing new."""
    (notes / "inside").symlink_to("sub")
    (notes / "self").symlink_to(".")
    fetched = fetch(notes)
    assert fetched.refused == {"elsewhere", "settings"}
    assert given(fetched) == {"a.md": b"One", "sub/b.md": b"Two"}


@pytest.mark.parametrize(
    "target",
    ["a.md", "sub/b.md", "sub/../a.md", "./a.md", "inside/b.md", "../notes/a.md", "{notes}/a.md", "chain"],
)
def test_links_that_stay_inside_are_read(notes: Path, target: str) -> None:
    """Relative, absolute, and through other links."""
    (notes / "inside").symlink_to("sub")
    (notes / "chain").symlink_to("inside/b.md")
    (notes / "post.md").symlink_to(target.replace("{notes}", str(notes)))
    assert given(fetch(notes))["post.md"] in (b"One", b"Two")


def test_a_link_is_read_again_once_its_file_changes(notes: Path) -> None:
    """Its stamp is that of what it leads to."""
    (notes / "post.md").symlink_to("a.md")
    for link in ("elsewhere", "settings"):
        (notes / link).unlink()
    first = fetch(notes)
    assert isinstance(fetch_folder(notes, first.validators, max_bytes=100), NotModified)
    (notes / "a.md").write_text("Other")
    assert given(fetch_folder(notes, first.validators, max_bytes=100)) == {
        "a.md": b"Other",
        "post.md": b"Other",
    }


def test_the_folder_itself_may_be_a_link(notes: Path) -> None:
    """The link itself was chosen in the config; also with `..` in it."""
    (notes.parent / "named").symlink_to(notes)
    (notes / "post.md").symlink_to("../outside.env")
    for named in (notes.parent / "named", notes.parent / "named" / "sub" / "..", notes / ".." / "notes"):
        assert given(fetch(named)) == {"a.md": b"One", "sub/b.md": b"Two"}


def test_devices_pipes_and_sockets_are_refused_at_once(notes: Path) -> None:
    """A pipe without a writer, or a link to one inside, does not block."""
    os.mkfifo(notes / "pipe.md")
    (notes / "post.md").symlink_to("pipe.md")
    with socket.socket(socket.AF_UNIX) as listening:
        # A socket's path may have 107 bytes.
        folder = os.open(notes, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/socket.md")
        os.close(folder)
        fetched = fetch(notes)
    assert {"pipe.md", "post.md", "socket.md"} <= fetched.refused
    assert given(fetched) == {"a.md": b"One", "sub/b.md": b"Two"}


def test_a_file_with_other_hard_links_is_read_like_any_other(notes: Path) -> None:
    """As backups and caches of builds have them: `cp -al`, `rsync --link-dest`."""
    (notes.parent / "backup").mkdir()
    for name in ("a.md", "sub/b.md"):
        (notes.parent / "backup" / Path(name).name).hardlink_to(notes / name)
    fetched = fetch(notes)
    assert given(fetched) == {"a.md": b"One", "sub/b.md": b"Two"}
    assert not fetched.refused & {"a.md", "sub/b.md"}


def test_a_single_file_follows_the_same_rules(notes: Path) -> None:
    """Its folder is the folder that contains it."""
    (notes / "post.md").symlink_to("../outside.env")
    fetched = fetch(notes / "post.md")
    assert given(fetched) == {}
    assert fetched.refused == {"post.md"}
    (notes / "same.md").symlink_to("a.md")
    assert given(fetch(notes / "same.md")) == {"same.md": b"One"}
    assert given(fetch(notes / "elsewhere" / "notes" / "a.md")) == {"a.md": b"One"}


@pytest.mark.parametrize("name", ["pipe", "link", "elsewhere/outside.env", "loop", "sub"])
def test_a_file_address_follows_the_same_rules(notes: Path, name: str) -> None:
    """Links out of its folder, pipes and folders are refused; the config may name any folder."""
    os.mkfifo(notes / "pipe")
    (notes / "link").symlink_to("../outside.env")
    (notes / "loop").symlink_to("loop")
    url = (notes / name).as_uri()
    if name.startswith("elsewhere"):
        assert given(fetch_file(url, {}, max_bytes=100)) == {"": SECRET.encode()}
        return
    with pytest.raises(FetchError) as caught:
        fetch_file(url, {}, max_bytes=100)
    assert SECRET not in str(caught.value)


def test_an_address_with_a_nul_is_an_error_of_its_source() -> None:
    """Python raises ValueError for one, not OSError."""
    with pytest.raises(FetchError):
        fetch_file("file:///tmp/a%00b.xml", {}, max_bytes=100)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_that_is_put_there_after_the_check_is_not_followed(
    notes: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The file itself, or a folder on the way to it."""
    (notes.parent / "b.md").write_text(SECRET)
    resolved = Folder.resolved

    def swapped(folder: Folder, name: str) -> str:
        found = resolved(folder, name)
        (notes / "sub" / "b.md").unlink()
        if kind == "file":
            (notes / "sub" / "b.md").symlink_to("../../b.md")
        else:
            (notes / "sub").rmdir()
            (notes / "sub").symlink_to("..")
        return found

    monkeypatch.setattr(Folder, "resolved", swapped)
    with Folder(notes) as folder, pytest.raises(OSError, match=r"symbolic links|Not a directory"):
        folder.open("sub/b.md")


def test_a_folder_that_is_replaced_while_it_is_read_stays_the_one_that_was_opened(notes: Path) -> None:
    """Its descriptor is what files are opened from."""
    with Folder(notes) as folder:
        notes.rename(notes.parent / "old")
        notes.symlink_to("notes-private")
        with pytest.raises((OSError, RefusedFile)):
            folder.open("outside.env")


def test_articles_of_a_file_that_is_refused_leave_everything(site: Site) -> None:
    """Feeds, full archives and posts; read again once the file is one, and no other article changes."""
    notes, posts = site.home / "notes", site.home / "posts"
    notes.mkdir()
    for number in range(1, 8):
        (notes / f"{number}.md").write_text(
            f"---\ntitle: Number {number}\ndate: 2024-01-0{number}\n---\nBody\n"
        )
    (notes / "2.md").write_text(f"---\ntitle: Env\ndate: 2024-01-02\nguid: env\n---\n{SECRET}\n")
    site.configure(
        {"name": "Notes", "kind": "articles", "path": "notes", "categories": ["Diary"]},
        entries_per_feed=2,
        publish={
            "posts": {"folder": "posts", "generator": "hugo"},
            "formats": ["rss", "atom", "json", "html"],
        },
    )
    site.run("fetch")
    written = b"".join([*site.files().values(), *(p.read_bytes() for p in posts.rglob("*.md"))])
    assert SECRET.encode() in written

    (notes / "2.md").unlink()
    (site.home / "outside.env").write_text(SECRET)
    (notes / "2.md").symlink_to("../outside.env")
    result = site.run("fetch", "--force")
    assert "2.md: is a link that leads out of the folder" in result.output
    written = b"".join([*site.files().values(), *(p.read_bytes() for p in posts.rglob("*.md"))])
    assert SECRET.encode() not in written
    assert [n for n in range(1, 8) if f"Number {n}".encode() in written] == [1, 3, 4, 5, 6, 7]
    assert "no article" in site.run("versions", "env").output

    (notes / "2.md").unlink()
    (notes / "2.md").write_text("---\ntitle: Mended\ndate: 2024-01-02\nguid: env\n---\nBody\n")
    site.run("fetch", "--force")
    assert b"Mended" in b"".join(site.files().values())
