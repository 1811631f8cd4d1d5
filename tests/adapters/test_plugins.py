"""The examples of docs/plugins.md: the package beside it is installed, keeps the contract, and is used."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from aggregator.adapters import kinds
from aggregator.adapters import testing as contract
from tests.conftest import Answer, Server
from tests.support.serving import serving
from tests.support.site import Site, feed

EXAMPLE = Path(__file__).parents[2] / "docs" / "example-package"
CHANGELOG = b"""# Tea kettle

## [Unreleased]
- Whistles.

## [2.0.0] - 2026-03-04
### Added
- A lid.

## 1.0.0 (2026-01-02)
- Boils.
"""


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example package, as pip would leave it."""
    place = tmp_path / "site-packages"
    info = place / "aggregator_example-1.0.0.dist-info"
    info.mkdir(parents=True)
    for module in EXAMPLE.glob("*.py"):
        (place / module.name).write_text(module.read_text())
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        )
    )
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=":")
    kinds.forget()
    yield
    kinds.forget()
    for module in EXAMPLE.glob("*.py"):
        sys.modules.pop(module.stem, None)


@pytest.mark.usefixtures("_installed")
def test_the_example_keeps_the_contract() -> None:
    """A reader who copies it starts from something sound."""
    sample = contract.Resource(url="https://tea.example/CHANGELOG.md", body=CHANGELOG)
    assert contract.broken_promises(kinds.named("changelog"), [sample], {"unreleased": True}) == []


@pytest.mark.usefixtures("_installed")
def test_a_site_follows_a_source_of_the_examples_kind(site: Site, server: Server) -> None:
    """From its line in the config to the feed, through the workers' processes."""
    server.pages["/CHANGELOG.md"] = Answer(200, {}, CHANGELOG)
    source = {"name": "Kettle", "kind": "changelog", "url": f"{server.url}/CHANGELOG.md"}
    site.configure({**source, "options": {"unreleased": True}})
    assert "3 new" in site.run("fetch").output
    atom = site.files()["all/atom.xml"]
    assert b"2026-03-04T00:00:00" in atom
    assert b"A lid." in atom


@pytest.mark.usefixtures("_installed")
def test_a_mistake_in_the_examples_options_is_reported_with_its_key(site: Site) -> None:
    """As for our own kinds."""
    source = {"name": "Kettle", "kind": "changelog", "url": "https://tea.example/CHANGELOG.md"}
    site.configure({**source, "options": {"unreleasd": True}})
    result = site.run("check")
    assert result.exit_code == 2
    assert (
        "sources[1].options.unreleasd (source 'Kettle'): is not a known key; did you mean 'unreleased'?"
        in (result.output.replace("\n", ""))
    )


@pytest.mark.usefixtures("_installed")
def test_a_site_is_published_in_the_examples_format(site: Site, server: Server) -> None:
    """In each category's folder beside ours; it goes when it is no longer chosen."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2))
    source = {"name": "A", "url": f"{server.url}/a", "categories": ["Tea"]}
    formats = ["rss", "gemtext"]
    site.configure(source, publish={"formats": formats})
    assert site.run("fetch").exit_code == 0
    page = site.files()["Tea/index.gmi"].decode()
    assert page.startswith("# Tea")
    assert [line for line in page.splitlines() if line.startswith("=> ")] == [
        "=> https://a.example/2 2024-01-03 a 2",
        "=> https://a.example/1 2024-01-02 a 1",
    ]
    site.configure(source, publish={"formats": ["rss"]})
    site.run("publish")
    assert {name for name in site.files() if name.startswith("Tea/")} == {"Tea/rss.xml"}


@pytest.mark.usefixtures("_installed")
def test_the_examples_format_is_linked_negotiated_listed_and_announced(
    site: Site, server: Server, tmp_path: Path
) -> None:
    """Like ours: in heads of feeds and pages, by the server, in OPML, to hubs."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1, 2))
    server.pages["/hub"] = Answer(202)
    source = {"name": "A", "url": f"{server.url}/a", "categories": ["Tea"]}
    hubs = [f"{server.url}/hub"]
    site.configure(source, publish={"formats": ["rss", "atom", "html", "gemtext", "opml"], "hubs": hubs})
    assert site.run("fetch").exit_code == 0
    files = {name: body.decode() for name, body in site.files().items()}
    address = "https://planet.example/feeds/Tea/index.gmi"
    assert f'<atom:link href="{address}" rel="alternate" type="text/gemini"/>' in files["Tea/rss.xml"]
    assert f'<link href="{address}" rel="alternate" type="text/gemini"/>' in files["Tea/atom.xml"]
    assert '<link rel="alternate" type="text/gemini" title="Tea — Planet (Gemini)"' in files["Tea/index.html"]
    assert 'href="index.gmi"' in files["Tea/index.html"]
    assert 'href="Tea/index.gmi"' in files["index.html"]
    assert f"hub.url={quote(address, safe='')}".encode() in [r.body.split(b"&")[-1] for r in server.requests]
    publish = {"formats": ("rss", "gemtext"), "hubs": tuple(hubs)}
    address_of_site = {"url": "https://planet.example/feeds"}
    with serving(tmp_path, output=site.output, publish=publish, site=address_of_site) as served:
        reply = served.ask("/Tea/", Accept="text/gemini")
        assert reply.headers["content-location"] == "index.gmi"
        assert reply.headers["content-type"] == "text/gemini; charset=utf-8"
        assert f'<{address}>; rel="self"' in served.ask("/Tea/index.gmi").headers["link"]
    site.configure(source, publish={"formats": ["gemtext", "opml"]})
    assert site.run("publish").exit_code == 0
    assert address in site.files()["feeds.opml"].decode()


@pytest.mark.usefixtures("_installed")
def test_a_format_whose_package_is_broken_is_a_mistake_of_the_config(site: Site, tmp_path: Path) -> None:
    """A daemon that is given such a config refuses it, and goes on with the old one."""
    (tmp_path / "site-packages" / "aggregator_gemtext.py").write_text("1 / 0")
    site.configure(publish={"formats": ["gemtext"]})
    result = site.run("check")
    assert result.exit_code == 2
    assert "cannot be loaded: division by zero" in result.output.replace("\n", "")
    site.configure()
    assert site.run("check").exit_code == 0


def test_an_unknown_format_is_a_mistake_of_the_config(site: Site) -> None:
    """With those that there are."""
    site.configure(publish={"formats": ["gemtxt"]})
    assert "write one of rss, atom, json, html, opml" in site.run("check").output.replace("\n", "")


@pytest.mark.parametrize("module", ["aggregator_changelog.py", "aggregator_gemtext.py"])
def test_the_example_is_as_short_as_promised(module: str) -> None:
    """docs/plugins.md: fewer than 60 lines."""
    assert len((EXAMPLE / module).read_text().splitlines()) < 60
