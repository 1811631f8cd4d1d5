"""Output files appear whole or not at all, and stay untouched when nothing changed."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import pytest

from aggregator.errors import WriteError
from aggregator.writers.output_files import (
    make_folder,
    place,
    remove,
    remove_leftovers,
    stamp,
    write_if_changed,
)


def test_a_new_file_is_written_with_its_folders(tmp_path: Path) -> None:
    """Missing folders are made, nothing else is left beside the file."""
    path = tmp_path / "tea" / "cake" / "rss.xml"
    assert write_if_changed(path, b"<rss/>")
    assert path.read_bytes() == b"<rss/>"
    assert os.listdir(path.parent) == ["rss.xml"]  # noqa: PTH208


def test_in_a_new_folder_the_file_and_its_compressed_forms_are_written(tmp_path: Path) -> None:
    """Several files may follow, although the folder is there then."""
    for name in ("atom.xml", "rss.xml"):
        assert write_if_changed(tmp_path / "tea" / name, LARGE, compress=BOTH, folder_is_new=True)
    names = {path.name for path in (tmp_path / "tea").iterdir()}
    assert names == {f"{name}.xml{suffix}" for name in ("atom", "rss") for suffix in ("", ".gz", ".br")}
    assert not write_if_changed(tmp_path / "tea" / "rss.xml", LARGE, compress=BOTH)


def test_a_file_with_equal_bytes_is_not_written(tmp_path: Path) -> None:
    """Neither the time of change nor the inode moves, so that a server's Last-Modified stays."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, b"<rss/>")
    os.utime(path, (1, 1))
    before = path.stat()
    assert not write_if_changed(path, b"<rss/>")
    assert (path.stat().st_mtime, path.stat().st_ino) == (1, before.st_ino)


@pytest.mark.parametrize("body", [b"<RSS/>", b"<rss/> ", b""], ids=["same length", "longer", "empty"])
def test_other_bytes_replace_the_file(tmp_path: Path, body: bytes) -> None:
    """A reader that has the old file open goes on reading the old one."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, b"<rss/>")
    with path.open("rb") as old:
        assert write_if_changed(path, body)
        assert old.read() == b"<rss/>"
    assert path.read_bytes() == body


def test_a_file_is_readable_by_others(tmp_path: Path) -> None:
    """The web server is another user: permissions follow the umask."""
    umask = os.umask(0o022)
    try:
        write_if_changed(tmp_path / "rss.xml", b"<rss/>")
    finally:
        os.umask(umask)
    assert (tmp_path / "rss.xml").stat().st_mode & 0o777 == 0o644


def test_a_failed_write_leaves_the_old_file_and_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is a WriteError that names the file; what was there is there still."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WriteError, match=r"rss\.xml.*No space left"):
        write_if_changed(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["rss.xml"]


def test_an_interrupt_while_writing_leaves_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C goes on up, with the temporary file gone."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_if_changed(tmp_path / "rss.xml", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_files_place_is_a_write_error(tmp_path: Path) -> None:
    """Nothing is removed to make room."""
    (tmp_path / "rss.xml" / "kept").mkdir(parents=True)
    with pytest.raises(WriteError, match="cannot be written"):
        write_if_changed(tmp_path / "rss.xml", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["rss.xml"]


@pytest.mark.parametrize("name", ["file/rss.xml", "a\0b"], ids=["below a file", "NUL"])
def test_an_impossible_path_is_a_write_error(tmp_path: Path, name: str) -> None:
    """Whatever the operating system says, the error is ours."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(WriteError):
        write_if_changed(tmp_path / name, b"new")


def test_what_is_written_in_parts_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may take less than it is given; also several parts, and an empty one."""
    whole = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: whole(handle, data[:7]))
    write_if_changed(tmp_path / "rss.xml", LARGE)
    place(tmp_path / "atom.xml", [LARGE, b"", LARGER], 0)
    assert (tmp_path / "rss.xml").read_bytes() == LARGE
    assert (tmp_path / "atom.xml").read_bytes() == LARGE + LARGER


def test_a_folder_is_made_once_with_those_above_it(tmp_path: Path) -> None:
    """A link to a folder counts as one that is there."""
    (tmp_path / "link").symlink_to(tmp_path)
    made = [
        make_folder(f"{tmp_path}/{name}")
        for name in ("tea/archive/1", "tea/archive/1", "tea/archive/2", "link")
    ]
    assert made == [True, False, True, False]
    assert (tmp_path / "tea" / "archive" / "1").is_dir()


@pytest.mark.parametrize(
    "name", ["file", "file/1", "a\0b", "nowhere"], ids=["a file", "below", "NUL", "a link"]
)
def test_a_folder_that_cannot_be_made_is_reported_when_a_file_is_written(tmp_path: Path, name: str) -> None:
    """The error names the file."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone" / "folder")
    assert not make_folder(f"{tmp_path}/{name}")
    with pytest.raises(WriteError, match=r"rss\.xml: it cannot be written"):
        write_if_changed(tmp_path / name / "rss.xml", b"new")


def test_a_symbolic_link_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    """What the link pointed to is somebody else's."""
    other, path = tmp_path / "other", tmp_path / "rss.xml"
    other.write_bytes(b"theirs")
    path.symlink_to(other)
    assert write_if_changed(path, b"theirs")
    assert not path.is_symlink()
    assert other.read_bytes() == b"theirs"


def test_a_killed_process_leaves_the_old_file_and_a_removable_leftover(tmp_path: Path) -> None:
    """SIGKILL between writing and renaming: the old file is whole, the leftover is a dotfile and goes."""
    path = tmp_path / "tea" / "rss.xml"
    write_if_changed(path, b"old")
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from aggregator.writers.output_files import write_if_changed
        os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        write_if_changed(Path(sys.argv[1]), b"new" * 100_000)
        """
    )
    done = subprocess.run([sys.executable, "-c", program, path], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    leftovers = [p.name for p in path.parent.iterdir() if p != path]
    assert len(leftovers) == 1
    assert leftovers[0].startswith(".")
    assert remove_leftovers(tmp_path) == 1
    assert list(path.parent.iterdir()) == [path]


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    """Other dotfiles, and whatever lies behind a symbolic link, stay."""
    leftover = "." + "0" * 16 + ".part"
    outside, output = tmp_path / "outside", tmp_path / "output"
    for folder in (outside, output / "tea"):
        folder.mkdir(parents=True)
        (folder / leftover).write_bytes(b"")
    (output / ".htaccess").write_bytes(b"")
    (output / ".part").write_bytes(b"")
    (output / "link").symlink_to(outside)
    assert remove_leftovers(output) == 1
    assert sorted(p.name for p in output.rglob("*")) == [".htaccess", ".part", "link", "tea"]
    assert (outside / leftover).exists()


def test_a_missing_folder_has_no_leftovers(tmp_path: Path) -> None:
    """Before the first publishing there is nothing to clean."""
    assert remove_leftovers(tmp_path / "nowhere") == 0


LARGE, LARGER = b"<rss>" * 1000, b"<rss/>" * 1000
BOTH = ("gzip", "br")


def beside(folder: Path) -> dict[str, bytes]:
    """Returns what lies in a folder, each file as it reads once decompressed."""
    readers = {".gz": gzip.decompress, ".br": brotli.decompress}
    return {p.name: readers.get(p.suffix, bytes)(p.read_bytes()) for p in sorted(folder.iterdir())}


def test_compressed_forms_lie_beside_a_large_file(tmp_path: Path) -> None:
    """They decompress to it and have its time of change; equal bytes leave all three alone."""
    path = tmp_path / "rss.xml"
    assert write_if_changed(path, LARGE, compress=BOTH)
    assert beside(tmp_path) == {"rss.xml": LARGE, "rss.xml.br": LARGE, "rss.xml.gz": LARGE}
    assert len({p.stat().st_mtime_ns for p in tmp_path.iterdir()}) == 1
    before = {p.name: p.stat().st_ino for p in tmp_path.iterdir()}
    assert not write_if_changed(path, LARGE, compress=BOTH)
    assert {p.name: p.stat().st_ino for p in tmp_path.iterdir()} == before


def test_compressed_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    """No time and no name in them."""
    for name in ("a", "b"):
        write_if_changed(tmp_path / name / f"{name}.xml", LARGE, compress=BOTH)
    for suffix in (".gz", ".br"):
        first, second = (tmp_path / n / f"{n}.xml{suffix}" for n in ("a", "b"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("body", "compress", "left"),
    [
        (LARGE, ("br",), ["rss.xml", "rss.xml.br"]),
        (LARGE, (), ["rss.xml"]),
        (LARGER, ("gzip",), ["rss.xml", "rss.xml.gz"]),
        (b"small", BOTH, ["rss.xml"]),
    ],
    ids=["one is no longer wanted", "none is wanted", "new bytes and one of them", "the file became small"],
)
def test_compressed_forms_that_are_not_wanted_any_more_are_removed(
    tmp_path: Path, body: bytes, compress: tuple[str, ...], left: list[str]
) -> None:
    """Nothing stale is left for a server to prefer."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, LARGE, compress=BOTH)
    write_if_changed(path, body, compress=compress)
    assert beside(tmp_path) == dict.fromkeys(left, body)


def test_a_missing_compressed_form_is_made_again(tmp_path: Path) -> None:
    """So a process killed between the file and its compressed forms is made good; the file stays."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, LARGE)
    assert not write_if_changed(path, LARGE, compress=BOTH)
    assert sorted(beside(tmp_path)) == ["rss.xml", "rss.xml.br", "rss.xml.gz"]


def test_compressed_forms_always_match_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At each rename, whatever lies there says the same: old and new never stand side by side."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, LARGE, compress=BOTH)
    seen: list[set[bytes]] = []
    replace = os.replace

    def watched(aside: str, target: str) -> None:
        seen.append({body for name, body in beside(tmp_path).items() if "part" not in name})
        replace(aside, target)
        seen.append({body for name, body in beside(tmp_path).items() if "part" not in name})

    monkeypatch.setattr(os, "replace", watched)
    write_if_changed(path, LARGER, compress=BOTH)
    assert seen == [{LARGE}, *[{LARGER}] * 5]


def test_a_removed_file_takes_its_compressed_forms_along(tmp_path: Path) -> None:
    """And nothing else; removing it twice is no error."""
    write_if_changed(tmp_path / "rss.xml", LARGE, compress=BOTH)
    write_if_changed(tmp_path / "atom.xml", LARGE)
    for _ in range(2):
        remove(tmp_path / "rss.xml")
    assert sorted(beside(tmp_path)) == ["atom.xml"]


def test_leftovers_can_be_removed_from_one_folder_only(tmp_path: Path) -> None:
    """The folders inside may be many: they can be left for later."""
    leftover = "." + "0" * 16 + ".part"
    (tmp_path / "tea").mkdir()
    for folder in (tmp_path, tmp_path / "tea"):
        (folder / leftover).write_bytes(b"")
    assert remove_leftovers(tmp_path, below=False) == 1
    assert (tmp_path / "tea" / leftover).exists()


def test_two_versions_within_a_second_have_times_a_second_apart(tmp_path: Path) -> None:
    """A client that goes by Last-Modified alone sees each; the compressed form has its file's time."""
    path = tmp_path / "rss.xml"
    seconds = []
    for number in range(4):
        write_if_changed(path, b"version %d" % number * 500, compress=("gzip",))
        seconds.append(int(path.stat().st_mtime))
        assert (tmp_path / "rss.xml.gz").stat().st_mtime_ns == path.stat().st_mtime_ns
    assert sorted({*seconds}) == seconds


def test_a_file_that_is_being_written_is_not_removed(tmp_path: Path) -> None:
    """By another publisher at the same time; what a killed one left is."""
    program = textwrap.dedent(
        """
        import os, sys, time
        from pathlib import Path
        from aggregator.writers.output_files import write_if_changed
        rename = os.replace
        def wait(*names):
            print("ready", flush=True)
            sys.stdin.readline()
            rename(*names)
        os.replace = wait
        write_if_changed(Path(sys.argv[1]), b"new" * 100_000)
        """
    )
    path = tmp_path / "rss.xml"
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writing:
        assert writing.stdin is not None
        assert writing.stdout is not None
        assert writing.stdout.readline() == b"ready\n"
        (tmp_path / ("." + "0" * 16 + ".part")).write_bytes(b"left behind")
        assert remove_leftovers(tmp_path) == 1
        assert remove_leftovers(tmp_path) == 0
        writing.communicate(b"go on\n")
    assert writing.returncode == 0
    assert [*tmp_path.iterdir()] == [path]
    assert path.read_bytes() == b"new" * 100_000


def test_many_writers_and_sweepers_at_once_lose_no_file(tmp_path: Path) -> None:
    """Threads here, as processes elsewhere: locks belong to the open file."""

    def write(number: int) -> None:
        for version in range(60):
            write_if_changed(tmp_path / f"{number}.xml", b"%d" % version * 1000, compress=BOTH)
            remove_leftovers(tmp_path)

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(write, number) for number in range(8)]:
            each.result()
    assert {name for name in beside(tmp_path) if not name.endswith((".gz", ".br"))} == {
        f"{number}.xml" for number in range(8)
    }
    assert set(beside(tmp_path).values()) == {b"59" * 1000}


@pytest.mark.parametrize("suffix", [".gz", ".br"])
@pytest.mark.parametrize(
    "left", [b"", b"\0" * 50, b"half", b"garbage" * 100], ids=["empty", "nul", "half", "other"]
)
def test_a_damaged_compressed_form_is_made_again(tmp_path: Path, suffix: str, left: bytes) -> None:
    """Also when the file itself is as it should be."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, LARGE, compress=BOTH)
    packed = tmp_path / f"rss.xml{suffix}"
    packed.write_bytes(packed.read_bytes()[: len(packed.read_bytes()) // 2] if left == b"half" else left)
    assert not write_if_changed(path, LARGE, compress=BOTH)
    assert beside(tmp_path) == dict.fromkeys(("rss.xml", "rss.xml.gz", "rss.xml.br"), LARGE)


@pytest.mark.parametrize("suffix", ["", ".gz", ".br"])
@pytest.mark.parametrize("how", ["emptied", "cut", "zeroed", "longer", "removed", "linked", "folder"])
def test_a_stamp_differs_once_a_file_was_damaged(tmp_path: Path, suffix: str, how: str) -> None:
    """Whichever of the file and its compressed forms, and in whatever way."""
    path = tmp_path / "rss.xml"
    write_if_changed(path, LARGE, compress=BOTH)
    before = stamp([str(path)], BOTH)
    assert stamp([str(path)], BOTH) == before
    damaged = tmp_path / f"rss.xml{suffix}"
    body = damaged.read_bytes()
    if how in ("removed", "linked", "folder"):
        damaged.unlink()
    if how == "linked":
        damaged.symlink_to("elsewhere")
    elif how == "folder":
        damaged.mkdir()
    elif how != "removed":
        changed = {"emptied": b"", "cut": body[:-1], "zeroed": b"\0" * len(body), "longer": body + b" "}
        damaged.write_bytes(changed[how])
    assert stamp([str(path)], BOTH) != before
