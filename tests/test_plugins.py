"""What docs/plugins.md tells: the package beside it is installed, keeps the contract, and is used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator import contract, kinds
from tests.conftest import Answer, Server
from tests.site import Site

EXAMPLE = Path(__file__).parents[1] / "docs" / "example-package"
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
    info = place / "aggregator_changelog-1.0.0.dist-info"
    info.mkdir(parents=True)
    (place / "aggregator_changelog.py").write_text((EXAMPLE / "aggregator_changelog.py").read_text())
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: aggregator-changelog\nVersion: 1.0.0\n")
    (info / "entry_points.txt").write_text("[aggregator.adapters]\nchangelog = aggregator_changelog:KIND\n")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setenv("PYTHONPATH", str(place), prepend=":")
    kinds.forget()
    yield
    kinds.forget()
    sys.modules.pop("aggregator_changelog", None)


@pytest.mark.usefixtures("_installed")
def test_the_example_keeps_the_contract() -> None:
    """A reader who copies it starts from something sound."""
    sample = contract.Resource(url="https://tea.example/CHANGELOG.md", body=CHANGELOG)
    assert contract.broken(kinds.named("changelog"), [sample], {"unreleased": True}) == []


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
def test_a_mistake_in_the_examples_options_is_told_with_its_key(site: Site) -> None:
    """As for our own kinds."""
    source = {"name": "Kettle", "kind": "changelog", "url": "https://tea.example/CHANGELOG.md"}
    site.configure({**source, "options": {"unreleasd": True}})
    result = site.run("check")
    assert result.exit_code == 2
    assert (
        "sources[1].options.unreleasd (source 'Kettle'): is not a known key; did you mean 'unreleased'?"
        in (result.output.replace("\n", ""))
    )


def test_the_example_is_as_short_as_promised() -> None:
    """docs/plugins.md: fewer than 60 lines."""
    assert len((EXAMPLE / "aggregator_changelog.py").read_text().splitlines()) < 60
