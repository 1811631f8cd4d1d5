"""The samples in deploy/, run by the programs that they are for."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from configparser import RawConfigParser
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.app.test_daemon import until
from tests.support.serving import ask

DEPLOY = Path(__file__).parents[1] / "deploy"
COPY = f"/media/ab/{'ab' * 16}"
BODY = b"<feed>" + b"<entry>words</entry>" * 100 + b"</feed>"


def free_port() -> int:
    """A port that is free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def sample(name: str, changes: dict[str, str]) -> str:
    """A sample with the lines changed that it says are to be changed."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def output() -> Iterator[Path]:
    """An output folder with a secret beside it; another user may read it, as none may pytest's own."""
    home = Path("/tmp") / f"aggregator-deploy-{os.getpid()}"
    shutil.rmtree(home, ignore_errors=True)
    files = {
        "feeds/index.html": b"<title>start</title>",
        "feeds/style.css": b"p {}",
        "feeds/feeds.opml": b"<opml/>",
        "feeds/news/index.html": b"<title>news</title>",
        "feeds/news/atom.xml": BODY,
        "feeds/news/atom.xml.gz": gzip.compress(BODY, mtime=0),
        "feeds/news/rss.xml": b"<rss/>",
        "feeds/news/feed.json": b"{}",
        "feeds/news/.hidden.part": b"half",
        "feeds/plain/atom.xml": BODY,
        f"feeds{COPY}.webp": b"RIFF",
        f"feeds{COPY}.mp3": b"ID3",
        "secret": b"secret",
    }
    for name, body in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    (home / "feeds" / "link").symlink_to(home / "secret")
    yield home / "feeds"
    shutil.rmtree(home)


@contextmanager
def program(port: int, *command: str, home: Path) -> Iterator[int]:
    """A web server for a while, at that port."""
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(home)})
        try:
            until(lambda: process.poll() is not None or _answers(port))
            assert process.poll() is None, (home / "log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait(120)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except OSError:
        return False
    return True


@contextmanager
def nginx(output: Path, home: Path) -> Iterator[int]:
    """The sample for nginx."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed (apt-get install nginx-light)")
    port = free_port()
    changes = {"listen 80;": f"listen 127.0.0.1:{port};", "/srv/aggregator/feeds": str(output)}
    (home / "site.conf").write_text(sample("nginx.conf", changes))
    temporary = "".join(
        f"{name}_temp_path {home}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (home / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {home}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {home}/site.conf;\n}}\n"
    )
    tested = subprocess.run(
        ["nginx", "-t", "-c", str(home / "nginx.conf")], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stderr
    with program(port, "nginx", "-c", str(home / "nginx.conf"), home=home) as running:
        yield running


@contextmanager
def caddy(output: Path, home: Path) -> Iterator[int]:
    """The sample for Caddy, without its HTTPS."""
    if shutil.which("caddy") is None:
        pytest.skip("caddy is not installed (apt-get install caddy)")
    port = free_port()
    changes = {
        "\nexample.org {": f"\nhttp://127.0.0.1:{port} {{",
        "/srv/aggregator/feeds": str(output),
        "{\n\tservers": "{\n\tadmin off\n\tservers",
    }
    (home / "Caddyfile").write_text(sample("Caddyfile", changes))
    with program(port, "caddy", "run", "--config", str(home / "Caddyfile"), home=home) as running:
        yield running


Sample = Callable[[Path, Path], AbstractContextManager[int]]


@pytest.mark.parametrize("server", [nginx, caddy])
def test_sample_server_configs_serve_as_our_server_does(output: Path, tmp_path: Path, server: Sample) -> None:
    """Types, validators, encodings, negotiation and refusals."""
    with server(output, tmp_path) as port:
        types = {
            "/news/atom.xml": "application/atom+xml",
            "/news/rss.xml": "application/rss+xml",
            "/news/feed.json": "application/feed+json",
            "/news/index.html": "text/html",
            "/style.css": "text/css",
            "/feeds.opml": "text/x-opml",
        }
        for path, kind in types.items():
            reply = ask(port, path)
            assert reply.status == 200, path
            assert reply.headers["content-type"].lower() == f"{kind}; charset=utf-8"
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["content-security-policy"].startswith("default-src 'none'")
            is_page = path.endswith((".html", ".css"))
            assert reply.headers["cache-control"] == ("no-cache" if is_page else "public, max-age=900")
            assert reply.headers.get("access-control-allow-origin") == (None if is_page else "*")

        for path, kind in ((f"{COPY}.webp", "image/webp"), (f"{COPY}.mp3", "audio/mpeg")):
            headers = ask(port, path).headers
            assert (headers["content-type"], headers["x-content-type-options"]) == (kind, "nosniff")
            assert headers["cache-control"] == "public, max-age=31536000, immutable"
            is_picture = kind.startswith("image/")
            assert headers.get("content-disposition") == (None if is_picture else "attachment")

        packed = ask(port, "/news/atom.xml", Accept_Encoding="gzip")
        assert gzip.decompress(packed.body) == BODY
        assert packed.headers["content-encoding"] == "gzip"
        assert "Accept-Encoding" in packed.headers["vary"]
        for encoding in ("gzip", "identity"):
            etag = ask(port, "/news/atom.xml", Accept_Encoding=encoding).headers["etag"]
            again = ask(port, "/news/atom.xml", Accept_Encoding=encoding, If_None_Match=etag)
            assert again.status == 304

        browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        for accept, name in (
            (browser, "index.html"),
            ("application/atom+xml, application/rss+xml, */*;q=0.1", "atom.xml"),
            ("application/rss+xml", "rss.xml"),
            ("application/feed+json", "feed.json"),
            ("*/*", "index.html"),
        ):
            reply = ask(port, "/news/", Accept=accept)
            assert reply.body == (output / "news" / name).read_bytes(), accept
            assert "accept" in re.split(r",\s*", reply.headers["vary"].lower())
            assert reply.headers["content-type"].startswith(types[f"/news/{name}"])
        assert ask(port, "/").body == b"<title>start</title>"
        assert ask(port, "/plain/").body == BODY
        assert ask(port, "/news").headers["location"] in ("/news/", "news/")

        for path in ("/news/.hidden.part", "/../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/nothing"):
            reply = ask(port, path)
            assert reply.status in (400, 404), path
            assert b"secret" not in reply.body
        assert ask(port, "/news/atom.xml", "POST").status == 405
        assert ask(port, "/news/atom.xml", "DELETE").status == 405


def test_the_sample_for_nginx_follows_no_links(output: Path, tmp_path: Path) -> None:
    """Caddy's file server cannot be reported so: its sample relies on there being none."""
    with nginx(output, tmp_path) as port:
        assert ask(port, "/link").status in (403, 404)


def test_the_unit_fits_the_daemon() -> None:
    """It is of the kind that says when it is ready; what it runs is a command of ours."""
    unit = RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / "aggregator.service")
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert " run --serve 127.0.0.1:8000 --config " in service["ExecStart"]
    # The reading workers limit their memory (setrlimit).
    assert "@resources" not in service["SystemCallFilter"]
    if shutil.which("systemd-analyze"):
        checked = subprocess.run(
            ["systemd-analyze", "verify", str(DEPLOY / "aggregator.service")],
            capture_output=True,
            text=True,
            check=False,
        )
        message = [line for line in checked.stderr.splitlines() if "aggregator.service" in line]
        assert [line for line in message if "not executable" not in line] == []
