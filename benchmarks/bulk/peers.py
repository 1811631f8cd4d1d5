"""The programs that are measured, each as it is installed: what it is set up with, and what it is started by."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE.parent / "obvious_script.py"
CATEGORIES = ("tech", "news", "life", "dev", "culture")
OURS = "aggregator"
_AGGREGATOR = str(Path(sys.executable).with_name("aggregator"))
_READER = (
    "import sys, reader\n"
    "r = reader.make_reader('reader.db', feed_root=None)\n"
    "[r.add_feed(u.strip(), exist_ok=True) for u in open('urls.txt')]\n"
    "r.update_feeds(scheduled=False, workers=10)\n"  # else it asks none again within an hour
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A program: `prepare` sets up a folder for these addresses; its commands run in that folder.

    `poll` polls all and writes what it writes by default. `publish` writes the same from what is kept;
    empty for a program that cannot.
    """

    prepare: Callable[[Path, list[str]], None]
    poll: list[str]
    publish: list[str] = field(default_factory=list)


def configure(folder: Path, urls: list[str], *, publish: str = "", further: int = 0) -> None:
    """A config of ours: `publish` are lines of that table, `further` sources that are never polled."""
    (folder / "config").mkdir(exist_ok=True)
    lines = ["[fetch]", 'allow = ["127.0.0.1"]', *(["[publish]", publish] if publish else [])]
    sources = [(f"s{n}", url) for n, url in enumerate(urls)]
    sources += [(f"held-{n}", f"{urls[0]}?{n}") for n in range(further)]
    for n, (name, url) in enumerate(sources):
        category = CATEGORIES[n % len(CATEGORIES)]
        lines += ["[[sources]]", f'name = "{name}"', f'url = "{url}"', f'categories = ["{category}"]']
    (folder / "config" / "aggregator.toml").write_text("\n".join(lines))


def ours(command: str, *arguments: str) -> list[str]:
    """A command of ours."""
    return [_AGGREGATOR, command, *arguments]


def _with_urls(folder: Path, urls: list[str]) -> None:
    (folder / "urls.txt").write_text("\n".join(urls))


def _sfeed(folder: Path, urls: list[str]) -> None:
    feeds = "\n".join(f'feed "s{n}" "{url}"' for n, url in enumerate(urls))
    (folder / "sfeedrc").write_text(f'sfeedpath="{folder}/sfeed"\nmaxjobs=10\nfeeds() {{\n{feeds}\n}}\n')


def _osmosfeed(folder: Path, urls: list[str]) -> None:
    # Without a cacheUrl it goes by public/cache.json; articles over 30 days old it would forget and find again.
    sources = "".join(f"  - href: {url}\n" for url in urls)
    (folder / "osmosfeed.yaml").write_text(f"cacheMaxDays: 36500\nsources:\n{sources}")


def installed(osmosfeed: Path | None) -> tuple[dict[str, Peer], dict[str, str]]:
    """Those that can be run here, and how the others are installed, by name."""
    poll = ours("fetch", "--force", "-q")
    script = [sys.executable, str(SCRIPT)]
    found = {
        OURS: Peer(prepare=configure, poll=poll, publish=ours("publish", "--all")),
        f"{OURS}, RSS and Atom": Peer(
            prepare=lambda folder, urls: configure(folder, urls, publish='formats = ["rss", "atom"]'),
            poll=poll,
            publish=ours("publish", "--all"),
        ),
        "obvious script": Peer(prepare=_with_urls, poll=script, publish=[*script, "--write"]),
    }
    missing: dict[str, str] = {}
    asked = subprocess.run([sys.executable, "-c", "import reader"], check=False, capture_output=True)
    if asked.returncode == 0:
        found["reader"] = Peer(prepare=_with_urls, poll=[sys.executable, "-c", _READER])
    else:
        missing["reader"] = "pip install reader"
    if shutil.which("sfeed_update"):
        pages = "sfeed_html sfeed/* > out.html && sfeed_atom sfeed/* > out.xml"
        found["sfeed"] = Peer(
            prepare=_sfeed,
            poll=["sh", "-c", f"sfeed_update sfeedrc && {pages}"],
            publish=["sh", "-c", pages],
        )
    else:
        missing["sfeed"] = "apt install sfeed"
    program = (osmosfeed or HERE) / "node_modules/@osmoscraft/osmosfeed/main.js"
    node = shutil.which("node")
    if node and program.exists():
        found["osmosfeed"] = Peer(prepare=_osmosfeed, poll=[node, str(program.resolve())])
    else:
        missing["osmosfeed"] = "npm install --prefix benchmarks/bulk @osmoscraft/osmosfeed"
    return found, missing


def versions(peers: Mapping[str, Peer]) -> str:
    """Which versions were measured, as far as they say."""
    said = []
    if "reader" in peers:
        said.append(f"reader {version('reader')}")
    if "osmosfeed" in peers:
        package = Path(peers["osmosfeed"].poll[-1]).with_name("package.json")
        said.append(f"osmosfeed {json.loads(package.read_text())['version']}")
    return ", ".join(said)
