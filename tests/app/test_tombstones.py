"""Forgotten articles stay forgotten in a store that was lost, rebuilt, or restored from an older backup."""

from __future__ import annotations

import shutil

import pytest

from tests.backup.test_making import site_restored
from tests.cli.test_forget import LINK, holding, serve
from tests.conftest import Server
from tests.support.site import Site


@pytest.fixture
def planet(site: Site, server: Server) -> Site:
    """A site of which a backup was made before an article was forgotten."""
    site.configure({"name": "a", "url": f"{server.url}/a", "categories": ["News"]}, entries_per_feed=3)
    serve(server, *range(1, 8))
    site.run("fetch")
    site.run("backup", str(site.home / "before.zip"))
    assert site.run("forget", LINK).exit_code == 0
    return site


def test_the_published_tombstones_are_digests_only(planet: Site) -> None:
    """Digests alone; another publication leaves it as it is."""
    file = planet.output / "forgotten.txt"
    text = file.read_text()
    assert text.count(" forgotten ") == 1
    assert not any(word in text for word in ("a.example", "Takedown", "http"))
    planet.run("publish", "--all")
    assert file.read_text() == text


@pytest.mark.parametrize("changed", [{}, {"link": LINK.replace("https", "http")}, {"guid": ""}])
def test_a_new_store_after_a_loss_does_not_bring_a_forgotten_article_back(
    planet: Site, server: Server, changed: dict[str, str]
) -> None:
    """Neither edited under its id nor under an earlier id; all others come."""
    shutil.rmtree(planet.home / "var")
    (planet.home / "before.zip").unlink()
    serve(server, *range(1, 8), **changed)
    assert "6 new" in planet.run("fetch").stdout
    assert holding(planet, "takedown") == []
    if not changed:
        serve(server, *range(1, 8), word="Takedown again")
        assert "0 new" in planet.run("fetch", "--refetch").stdout
        assert holding(planet, "takedown") == []


def test_a_rebuilt_store_does_not_bring_a_forgotten_article_back(planet: Site, server: Server) -> None:
    """What is published has it no longer; its source still does."""
    shutil.rmtree(planet.home / "var")
    (planet.home / "before.zip").unlink()
    assert planet.run("rebuild").exit_code == 0
    assert "0 new" in planet.run("fetch", "--force").stdout
    assert holding(planet, "takedown") == []


def test_an_older_backup_forgets_the_article_too(planet: Site) -> None:
    """As soon as it publishes to the same output."""
    elsewhere = planet.home / "elsewhere"
    planet.run("publish")
    assert site_restored(planet.home / "before.zip", elsewhere) == 0
    (planet.home / "before.zip").unlink()
    shutil.copytree(planet.output, elsewhere / "feeds")
    shutil.rmtree(planet.home / "var")
    (elsewhere / "var").rename(planet.home / "var")
    shutil.rmtree(elsewhere)
    result = planet.run("publish", "--all")
    assert result.exit_code == 0, result.output
    assert "takedown" not in "".join(
        path.read_text("utf-8", "replace").lower() for path in planet.output.rglob("*") if path.is_file()
    )
    assert "0 new" in planet.run("fetch", "--refetch").stdout


def test_the_newer_record_counts(planet: Site, server: Server) -> None:
    """Of a takedown that was taken back, the store that is lost later brings the article again."""
    file = planet.output / "forgotten.txt"
    before = file.read_text()
    file.write_text(
        before.replace(before.split()[-1], before.split()[-1]) + "no record\n" + "0" * 40 + " x\n"
    )
    assert planet.run("publish").exit_code == 0
    assert file.read_text() == before
    assert planet.run("forget", LINK, "--undo").exit_code == 0
    planet.run("publish")
    assert " recalled" in file.read_text()
    shutil.rmtree(planet.home / "var")
    serve(server, *range(1, 8))
    assert "7 new" in planet.run("fetch").stdout


def test_a_new_store_after_a_loss_knows_a_forgotten_article_by_its_link(planet: Site, server: Server) -> None:
    """As soon as its source named the link again; its id may differ."""
    shutil.rmtree(planet.home / "var")
    serve(server, *range(1, 8), guid="<guid isPermaLink='false'>three</guid>")
    assert "6 new" in planet.run("fetch").stdout
    assert planet.run("forget", LINK, "--undo").exit_code == 0
    assert "1 new" in planet.run("fetch", "--force").stdout
