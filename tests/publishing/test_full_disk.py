"""Output that cannot be written is named, and the command fails; what can be written is."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.launching import Launched
from tests.support.site import Site, feed

ALL = {"publish.formats": ["rss", "atom", "json", "html", "opml"], "publish.compress": ["gzip"]}


def configure(site: Site, **settings: object) -> None:
    """Two sources with enough in them to fill a small disk."""
    for name in ("a", "b"):
        (site.home / f"{name}.xml").write_bytes(feed(name, *range(1, 28), body=os.urandom(2000).hex()))
    site.configure(
        {"name": "A", "url": "file:a.xml", "categories": ["News"]},
        {"name": "B", "url": "file:b.xml", "categories": ["Other"]},
        **{**ALL, **settings},
    )


def mount(kind: list[str], place: Path) -> None:
    """Mounts something at a place, where this user may."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *kind, str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.decode().strip()}")


@pytest.fixture
def small_disk(site: Site) -> Iterator[Site]:
    """A site whose output folder is a disk of 200 KB."""
    mount(["-t", "tmpfs", "-o", "size=200k", "tmpfs"], site.output)
    try:
        yield site
    finally:
        subprocess.run(["umount", str(site.output)], check=True)


@pytest.mark.parametrize(
    "command", [("fetch",), ("fetch", "--force"), ("fetch", "--strict"), ("publish", "--all")]
)
def test_a_full_output_disk_fails_the_command(small_disk: Site, command: tuple[str, ...]) -> None:
    """Each feed that is not whole is named, and none is counted as published."""
    configure(small_disk)
    if command[0] == "publish":
        small_disk.run("fetch")
    result = small_disk.run(*command)
    assert result.exit_code == 1
    assert "No space left on device" in result.output
    assert "published 3 of 3" not in result.output
    failed = [line for line in result.output.splitlines() if "No space left" in line]
    assert all(line.startswith("error:") and str(small_disk.output) in line for line in failed)


def test_the_json_reports_a_full_output_disk(small_disk: Site) -> None:
    """Each error with its file; sources are as they were polled."""
    configure(small_disk)
    result = small_disk.run("fetch", "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert all(source["ok"] for source in facts["sources"])
    assert facts["published"]["errors"]
    assert facts["published"]["rendered"] < facts["published"]["feeds"] == 3


def test_a_disk_with_space_again_is_used_at_the_next_run(small_disk: Site) -> None:
    """Everything is in place then, though no source has anything new."""
    configure(small_disk)
    small_disk.run("fetch")
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk.output)], check=True)
    result = small_disk.run("fetch")
    assert result.exit_code == 0
    names = small_disk.files()
    assert all(
        names[name] for name in ("News/rss.xml", "Other/feed.json", "all/atom.xml", "index.html", "style.css")
    )
    assert small_disk.run("publish", "--all").exit_code == 0
    again = small_disk.files()
    assert again.keys() == names.keys()
    assert {name for name in names if again[name] != names[name]} <= {"status.html", "status.html.gz"}


def test_a_read_only_output_folder_is_named(site: Site) -> None:
    """EROFS, also for root."""
    configure(site)
    site.output.mkdir()
    mount(["--bind", str(site.output)], site.output)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(site.output)], check=True)
        result = site.run("fetch")
        assert result.exit_code == 1
        assert "Read-only file system" in result.output
        assert "published 0 of 3 feeds" in result.output
    finally:
        subprocess.run(["umount", str(site.output)], check=True)
    assert site.run("fetch").exit_code == 0


BLOCKED = {
    "News/rss.xml": "News/rss.xml",
    "News/atom.xml": "News/atom.xml",
    "News": "News",
    "News/archive": "News/archive",
    "News/archive/1": "News/archive/1",
    "Other/feed.json": "Other/feed.json",
    "index.html": "index.html",
    "status.html": "status.html",
    "style.css": "style.css",
    "feeds.opml": "feeds.opml",
    "sources.opml": "sources.opml",
    "all/rss.xml.gz": "all/rss.xml",
    "index.html.gz": "index.html",
}


@pytest.mark.parametrize("blocked", BLOCKED)
def test_something_in_a_files_place_fails_the_command_and_stops_nothing_else(
    site: Site, blocked: str
) -> None:
    """A folder where a file should be, a file where a folder should be."""
    configure(site, entries_per_feed=4)
    place = site.output / blocked
    if Path(blocked).suffix:
        (place / "in the way").mkdir(parents=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("in the way")
    for _ in range(2):
        result = site.run("fetch")
        assert result.exit_code == 1, result.output
        assert str(site.output / BLOCKED[blocked]) in result.output
        assert "Traceback" not in result.output
    written = site.files()
    for name in ("Other/rss.xml", "all/feed.json", "feeds.opml", "index.html", "style.css", "status.html"):
        if not name.startswith(blocked) and name != BLOCKED[blocked]:
            assert written[name], name
    if Path(blocked).suffix:
        (place / "in the way").rmdir()
        place.rmdir()
    else:
        place.unlink()
    assert site.run("fetch").exit_code == 0
    assert {"News/rss.xml", "index.html", "style.css"} <= site.files().keys()


@pytest.mark.parametrize("output", ["feeds\0x", "x" * 300, "/dev/null/feeds", "/proc/feeds", "a.xml"])
def test_an_impossible_output_folder_is_named(site: Site, output: str) -> None:
    """With a message, in the terms of the config or of the system."""
    configure(site)
    site.file.write_text(f"output = {json.dumps(output)}\n" + site.file.read_text())
    result = site.run("fetch")
    assert result.exit_code in (1, 2)
    assert "error:" in result.output
    if result.exit_code == 1:
        assert output.replace("\0", "\N{REPLACEMENT CHARACTER}") in result.output
        assert site.run("publish").exit_code == 1


def test_posts_that_cannot_be_written_fail_the_command(site: Site) -> None:
    """The feeds are written."""
    settings = {"publish.posts.folder": "posts", "publish.posts.generator": "hugo"}
    configure(site, **settings)
    (site.home / "posts").write_text("in the way")
    for command in (("fetch",), ("publish",)):
        result = site.run(*command)
        assert result.exit_code == 1
        assert "posts" in result.output
    assert (site.output / "News" / "rss.xml").stat().st_size
    (site.home / "posts").unlink()
    assert site.run("fetch").exit_code == 0
    assert len([*(site.home / "posts").rglob("*.html")]) == 54


def test_posts_on_a_full_disk_fail_the_command(site: Site) -> None:
    """What has room is written, the rest is named and comes later."""
    settings = {"publish.posts.folder": "posts", "publish.posts.generator": "hugo"}
    configure(site, **settings)
    mount(["-t", "tmpfs", "-o", "size=100k", "tmpfs"], site.home / "posts")
    try:
        result = site.run("fetch")
        assert result.exit_code == 1
        assert "No space left on device" in result.output
        assert (site.output / "News" / "rss.xml").stat().st_size
        subprocess.run(["mount", "-o", "remount,size=20m", str(site.home / "posts")], check=True)
        assert site.run("fetch").exit_code == 0
        posts = [*(site.home / "posts").rglob("*.html")]
        assert len(posts) == 54
        assert all(post.stat().st_size for post in posts)
    finally:
        subprocess.run(["umount", str(site.home / "posts")], check=True)


def limited(site: Site, max_bytes: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command in a process whose files may not be larger than this."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    return subprocess.run(
        site.command(*arguments),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
        # Python writes bytecode up to the limit and keeps it: later processes could not import the module.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )


def test_a_file_that_grows_too_large_fails_the_command(site: Site) -> None:
    """EFBIG, as a quota or a limit gives it; who may mount nothing sees this one."""
    configure(site)
    assert site.run("fetch").exit_code == 0
    for path in (site.output / "News").iterdir():
        if path.is_file():
            path.unlink()
    done = limited(site, 20_000, "publish")
    assert done.returncode == 1
    assert "error:" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("export",), ("sources", "--json"), ("check",), ("publish",)], ids=" ".join
)
def test_a_full_disk_behind_standard_output_fails_the_command(site: Site, arguments: tuple[str, ...]) -> None:
    """`aggregator export > /full/list.opml` must not look as if it had worked."""
    configure(site)
    site.run("fetch")
    command = Launched(*arguments, "--config", str(site.file), log=site.log, output=Path("/dev/full"))
    assert command.wait() == 1
    said = site.log.read_text()
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def test_export_to_a_file_that_cannot_be_written_fails(site: Site) -> None:
    """Named, with the reason alone: the name of an unfinished file beside it says nothing to a user."""
    configure(site)
    result = site.run("export", "/proc/list.opml")
    assert result.exit_code == 1
    assert result.stderr == "error: /proc/list.opml: it cannot be written: No such file or directory\n"


def test_the_daemon_logs_what_it_could_not_write(small_disk: Site) -> None:
    """By an error line for each, and goes on."""
    configure(small_disk)
    daemon = small_disk.start("run")
    try:
        end = time.monotonic() + 120
        while "No space left on device" not in small_disk.log.read_text():
            assert time.monotonic() < end, small_disk.log.read_text()
            time.sleep(0.1)
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(120)
    assert "Traceback" not in small_disk.log.read_text()


def test_failed_sources_do_not_make_the_command_fail(site: Site) -> None:
    """As before: they are named, and the exit code is 0."""
    configure(site)
    (site.home / "b.xml").write_bytes(b"no feed")
    result = site.run("fetch")
    assert result.exit_code == 0
    assert "failed" in result.output
