"""Forbidden actions, tried inside real workers; and reading works there."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import re
import resource as limits
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters import kinds
from aggregator.confinement import landlock, seccomp
from aggregator.errors import ReadError
from aggregator.model.article import Document
from aggregator.model.resource import Resource
from aggregator.model.struct import replace
from aggregator.reading.document import Context, Reading, read_resource
from aggregator.reading.workers import Workers
from tests.conftest import CORPUS


def _call(name: str, *arguments: Any) -> None:
    """A system call by its number, past Python's own functions."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(_number(name)), *arguments) < 0:
        code = ctypes.get_errno()
        raise (
            PermissionError(code, os.strerror(code))
            if code in (1, 13, 38)
            else OSError(code, os.strerror(code))
        )


def _number(name: str) -> int:
    column = 1 if platform.machine() == "x86_64" else 2
    return int(next(row.split(":")[column] for row in seccomp._REFUSED.split() if row.startswith(f"{name}:")))


def _write_through_a_link(place: str) -> None:
    Path(place).symlink_to("/etc/passwd")


ATTEMPTS: dict[str, Callable[[str], object]] = {
    "read /etc/passwd": lambda _: Path("/etc/passwd").read_text(),
    "read its own environment": lambda _: Path("/proc/self/environ").read_text(),
    "read the parent's environment": lambda _: Path(f"/proc/{os.getppid()}/environ").read_text(),
    "read the store": lambda place: Path(place).with_name("secret").read_text(),
    "read by way of a library's folder": lambda _: (
        Path(os.__file__).parent.joinpath(*[".."] * 20, "etc/passwd").read_bytes()
    ),
    "read a file of tests' folder's parent": lambda _: (
        Path(__file__).parents[2] / "pyproject.toml"
    ).read_text(),
    "list a folder": lambda _: [*Path("/etc").iterdir()],
    "create a file": lambda place: Path(place).write_text("x"),
    "create a file in /tmp": lambda _: Path("/tmp/made-by-a-reader").write_text("x"),
    "append to a file": lambda place: Path(place).with_name("secret").open("a"),
    "write beside Python": lambda _: Path(os.__file__).with_name("made.py").write_text("x"),
    "empty a file": lambda place: os.truncate(Path(place).with_name("secret"), 0),
    "make a folder": lambda place: Path(place).mkdir(),
    "remove a file": lambda place: Path(place).with_name("secret").unlink(),
    "rename a file": lambda place: Path(place).with_name("secret").rename(place),
    "link to a file": lambda place: os.link(Path(place).with_name("secret"), place),
    "make a link": _write_through_a_link,
    "change a mode": lambda place: Path(place).with_name("secret").chmod(0o666),
    "change times": lambda place: os.utime(Path(place).with_name("secret")),
    "make a pipe": lambda place: os.mkfifo(place),
    "connect to loopback": lambda _: socket.create_connection(("127.0.0.1", 9)),
    "open a UDP socket": lambda _: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "open an IPv6 socket": lambda _: socket.socket(socket.AF_INET6),
    "open a raw socket": lambda _: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
    "open a Unix socket": lambda _: socket.socket(socket.AF_UNIX),
    "open a netlink socket": lambda _: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "listen": lambda _: socket.create_server(("127.0.0.1", 0)),
    "run a program": lambda _: subprocess.run(["/bin/true"], check=True),
    "spawn a program": lambda _: os.posix_spawn("/bin/true", ["true"], {}),
    "become a program": lambda _: os.execv("/bin/true", ["true"]),
    "fork": lambda _: os.fork() or os._exit(0),
    "signal its parent": lambda _: os.kill(os.getppid(), 0),
    "signal all": lambda _: os.kill(-1, 0),
    "raise its memory limit": lambda _: _call(
        "setrlimit", limits.RLIMIT_AS, ctypes.byref((ctypes.c_ulong * 2)())
    ),
    "trace another": lambda _: _call("ptrace", ctypes.c_long(16), ctypes.c_long(os.getppid())),
    "read another's memory": lambda _: _call("process_vm_readv", ctypes.c_long(os.getppid())),
    "take another's descriptor": lambda _: _call("pidfd_open", ctypes.c_long(os.getppid()), ctypes.c_long(0)),
    "use io_uring": lambda _: _call(
        "io_uring_setup", ctypes.c_long(4), ctypes.byref((ctypes.c_char * 200)())
    ),
    "mount": lambda _: _call("mount", b"none", b"/mnt", b"tmpfs", ctypes.c_long(0), None),
    "enter a namespace": lambda _: _call("unshare", ctypes.c_long(0x10000000)),
    "load a BPF program": lambda _: _call("bpf", ctypes.c_long(0), None, ctypes.c_long(0)),
    "watch a folder": lambda _: _call("inotify_init1", ctypes.c_long(0)),
    "change the clock": lambda _: _call("settimeofday", None, None),
    "in another thread": lambda place: _in_a_thread(lambda: Path(place).write_text("x")),
}


def _in_a_thread(do: Callable[[], object]) -> None:
    failed: list[BaseException] = []

    def run() -> None:
        try:
            do()
        except BaseException as error:  # noqa: BLE001
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def attempt(resource: Resource, context: Context) -> Reading:
    """Tries what the document names."""
    if resource.body:
        ATTEMPTS[resource.body.decode()](resource.name)
    return Reading(document=Document(source=context.source, title="it could"))


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """One worker that tries things."""
    with Workers(1, read=attempt) as made:
        if "no " in (measures := made.confinement()):
            pytest.skip(f"this system has not both measures: {measures}")
        yield made


@pytest.mark.parametrize("what", ATTEMPTS)
def test_a_confined_worker_can_do_nothing_but_read(workers: Workers, tmp_path: Path, what: str) -> None:
    """Each attempt is refused and reported for its source; the worker goes on."""
    (tmp_path / "secret").write_text("kept", encoding="utf-8")
    place = tmp_path / "made"
    with pytest.raises(ReadError, match="something that confined processes may not do"):
        workers.read(Resource(url="https://a.example/", body=what.encode(), name=str(place)), Context())
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").read_text(encoding="utf-8") == "kept"
    assert workers.read(Resource(url="", body=b""), Context()).document.title == "it could"


WHOLE_PAGE = (
    "<html lang=en><head><title>Tea</title></head><body><nav>a</nav><article><h1>Tea</h1>"
    + "<p>Water for green tea is at eighty degrees, and not hotter, or it turns bitter.</p>" * 20
    + "</article></body></html>"
).encode()


def rss(item: str) -> str:
    """A feed of one item."""
    return f"<rss version='2.0'><channel><title>T</title><item><guid>1</guid>{item}</item></channel></rss>"


HAN = "文章来源订阅更新日期标题作者分类链接摘要图片内容网络阅读发布" * 4
READ_BY_LIBRARIES = {
    "lxml": ("feed", rss("<title>x</title>").encode()),
    "feedparser": (
        "feed",
        b"<rss version='2.0'><channel><item><title>x<b>y</title></item><item><title>z</channel>",
    ),
    "nh3": ("feed", rss("<description>&lt;p onclick=x&gt;&lt;b&gt;b&lt;/p&gt;</description>").encode()),
    "charset-normalizer": ("feed", rss(f"<description>{HAN}</description>").encode("gb18030")),
    "a codec that is imported when it is asked for": (
        "feed",
        ("<?xml version='1.0' encoding='cp1258'?>" + rss("<title>Viêt</title>")).encode("cp1258", "replace"),
    ),
    "a date in a named zone": ("feed", rss("<pubDate>Sat, 7 March 2026 10:00 EST</pubDate>").encode()),
    "trafilatura": ("article-page", WHOLE_PAGE),
    "mf2py": (
        "microformats",
        b"<div class=h-feed><p class=h-entry><a class='u-url p-name' href=/1>Tea</a></p></div>",
    ),
    "markdown-it": ("articles", b"---\ntitle: T\n---\n# Tea\n\n*hot*\n"),
    "JSON": (
        "feed",
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{"id": "1"}]}',
    ),
    "OPML": ("opml", b"<opml><body><outline xmlUrl='https://a.example/f'/></body></opml>"),
    "a message": ("mail", b"From: A <a@a.example>\nSubject: T\nMessage-ID: <1@a.example>\n\nHello\n"),
    "a sitemap": ("sitemap", b"<urlset><url><loc>https://a.example/1</loc></url></urlset>"),
}


@pytest.fixture(scope="module")
def readers() -> Iterator[Workers]:
    """A worker as it always is."""
    with Workers(1) as made:
        yield made


@pytest.mark.parametrize("name", READ_BY_LIBRARIES)
def test_every_library_works_in_a_confined_reader(readers: Workers, name: str) -> None:
    """The same reading as without: data files and what is imported late are found."""
    kind, body = READ_BY_LIBRARIES[name]
    for library in {"trafilatura", "mf2py"} & {name}:
        pytest.importorskip(library, reason=f"{library} is not installed")
    resource = Resource(url="https://a.example/x", body=body)
    context = Context(kind=kind, options=kinds.named(kind).parse({}))
    found = readers.read(resource, context)
    assert len(found.packed) == len(found.document.articles)
    assert replace(found, packed=()) == read_resource(resource, context)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus is not here")
@pytest.mark.parametrize(
    ("folder", "kind"), [("feeds", "feed"), ("pages", "article-page"), ("articles", "articles")]
)
def test_the_corpus_is_read_alike_in_a_confined_reader(readers: Workers, folder: str, kind: str) -> None:
    """Every fifth document: the same articles, the same problems, or the same error."""
    options = kinds.named(kind).parse({})
    context = Context(kind=kind, source="s", known=frozenset(), options=options)
    for file in sorted(each for each in (CORPUS / folder).rglob("*") if each.is_file())[::5]:
        resource = Resource(url=f"https://a.example/{file.name}", body=file.read_bytes())
        assert outcome(readers.read, resource, context) == outcome(read_resource, resource, context), file


def outcome(read: Callable[[Resource, Context], Reading], resource: Resource, context: Context) -> object:
    """Returns what reading gives, or the text of its error."""
    try:
        return replace(read(resource, context), packed=())
    except ReadError as error:
        return str(error)


def test_the_confinement_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """However many workers are started; and it can be asked for."""
    with caplog.at_level(logging.INFO), Workers(2) as workers:
        for _ in range(3):
            workers.read(Resource(url="https://a.example/x", body=READ_BY_LIBRARIES["lxml"][1]), Context())
        assert workers.confinement() == workers.confinement() != ""
    said = [record.message for record in caplog.records if "confined" in record.message]
    assert said == [f"documents are read by confined processes: {workers.confinement()}"]


# --- the measures themselves


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_is_a_program_that_ends(machine: str) -> None:
    """Every jump leads forward to an instruction, and the last one returns."""
    steps = [*struct.iter_unpack("=HBBI", seccomp.filter_for(machine, 7))]
    for at, (code, if_so, if_not, _) in enumerate(steps):
        if code & 0x07 == 0x05:
            assert at + 1 + max(if_so, if_not) < len(steps)
    assert steps[-1][0] == 0x06


@pytest.mark.parametrize(
    ("machine", "header"),
    [("x86_64", "x86_64-linux-gnu/asm/unistd_64.h"), ("aarch64", "asm-generic/unistd.h")],
)
def test_numbers_of_system_calls_are_the_kernels(machine: str, header: str) -> None:
    """As its own headers have them, where those are installed."""
    file = Path("/usr/include", header)
    if not file.is_file():
        pytest.skip(f"no {file}")
    column, _, looked_into = seccomp._PROCESSORS[machine]
    numbers = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+([0-9]+)", file.read_text(encoding="utf-8")))
    rows = [row.split(":") for row in seccomp._REFUSED.split()]
    # "-" is right only for a call that this processor does not have.
    wrong = [row for row in rows if row[0] in numbers and row[column] != numbers[row[0]]]
    assert wrong == []
    assert sum(row[0] in numbers for row in rows) > 80
    kernels = {name: int(numbers[{"prlimit": "prlimit64"}.get(name, name)]) for name in looked_into}
    assert looked_into == kernels
    assert (int(numbers["clone3"]), int(numbers["openat2"])) == (seccomp._CLONE3, seccomp._OPENAT2)


def decided(machine: str, number: int, *arguments: int, processor: int | None = None) -> str:
    """Returns what the kernel would do with a call: the filter's instructions, run by hand."""
    _, name, _ = seccomp._PROCESSORS[machine]
    words = struct.pack("=iIQ6Q", number, processor or name, 0, *(*arguments, *[0] * 6)[:6])
    at = held = 0
    steps = [*struct.iter_unpack("=HBBI", seccomp.filter_for(machine, OWN))]
    while True:
        code, if_so, if_not, value = steps[at]
        at += 1
        if code == 0x06:
            return {0x7FFF0000: "allowed", 0x00050001: "EPERM", 0x00050026: "ENOSYS"}[value]
        if code == 0x20:
            (held,) = struct.unpack_from("=I", words, value)
            continue
        is_so = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
        at += if_so if is_so else if_not


OWN = 7
THREAD, SPAWN = 0x10000 | 0x100, 17
DECISIONS: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("openat", (0, 0, os.O_RDONLY | os.O_CLOEXEC), "allowed"),
    ("openat", (0, 0, os.O_WRONLY), "EPERM"),
    ("openat", (0, 0, os.O_RDWR), "EPERM"),
    ("openat", (0, 0, os.O_CREAT), "EPERM"),
    ("openat", (0, 0, os.O_TRUNC), "EPERM"),
    ("open", (0, os.O_RDONLY), "allowed"),
    ("open", (0, os.O_WRONLY), "EPERM"),
    ("clone", (THREAD,), "allowed"),
    ("clone", (SPAWN,), "EPERM"),
    ("kill", (OWN, 9), "allowed"),
    ("kill", (1, 9), "EPERM"),
    ("tgkill", (OWN, OWN, 6), "allowed"),
    ("tgkill", (1, 1, 6), "EPERM"),
    ("ioctl", (0, 0x5401), "allowed"),
    ("ioctl", (0, 0x5412), "EPERM"),
    ("prlimit", (0, 9, 0), "allowed"),
    ("prlimit", (0, 9, 0x7F0000001000), "EPERM"),
    ("prlimit", (0, 9, 0x100000000), "EPERM"),
)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_decides_alike_for_each_processor(machine: str) -> None:
    """Of 64-bit ARM there is no machine here: its filter is run by hand, with its numbers."""
    column, _, looked_into = seccomp._PROCESSORS[machine]
    for name, arguments, right in DECISIONS:
        if name in looked_into:
            assert (name, arguments, decided(machine, looked_into[name], *arguments)) == (
                name,
                arguments,
                right,
            )
    for row in seccomp._REFUSED.split():
        if (number := row.split(":")[column]) != "-":
            assert (row, decided(machine, int(number))) == (row, "EPERM")
    harmless = {
        "x86_64": (0, 1, 9, 11, 202),
        "aarch64": (63, 64, 222, 215, 98),
    }  # read write mmap munmap futex
    assert {decided(machine, number) for number in harmless[machine]} == {"allowed"}
    assert {decided(machine, number) for number in (435, 437, 468, 600, 0x40000000)} == {"ENOSYS"}
    assert decided(machine, 0, processor=0x40000003) == "EPERM"  # as 32-bit programs call


def test_a_system_without_confinement_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading works without it."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert seccomp.restrict() == f"no seccomp: not made for {sys.platform} on riscv64"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert landlock.restrict([]) == "no Landlock: not Linux"
