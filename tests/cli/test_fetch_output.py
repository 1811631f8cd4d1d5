"""The output of `fetch` for many sources, and for few."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Answer, Server
from tests.support.site import Site, feed


@pytest.fixture
def many(site: Site, server: Server) -> Site:
    """Twenty-five sources, one of which fails."""
    server.pages |= {f"/{n}": Answer(200, {}, feed(f"f{n}", 1)) for n in range(24)}
    site.configure(*({"name": f"s{n:02}", "url": f"{server.url}/{n}"} for n in range(25)))
    return site


def test_with_many_sources_only_those_with_problems_have_a_line(many: Site) -> None:
    """All others are in the totals."""
    lines = many.run("fetch").stdout.splitlines()
    assert [line for line in lines if line.startswith(("ok", "failed"))] == [
        "failed  s24: there is nothing at this address (404); look for the feed's new place"
    ]
    assert "polled 25 sources: 24 new articles, 0 changed; 1 failed" in lines
    assert "polled 0 sources: 0 new articles, 0 changed; 25 not due yet" in many.run("fetch").stdout


def test_verbose_prints_a_line_for_each_source(many: Site) -> None:
    """Also for those that wait, with what polls them all the same."""
    assert many.run("fetch", "-v").stdout.count("\nok  ") + 1 == 24
    again = many.run("fetch", "-v").stdout
    assert again.count("waiting s") == 25
    assert "--force" in again


def test_quiet_prints_nothing_when_nothing_went_wrong_with_the_run(many: Site) -> None:
    """A failed source is none of the run's errors; --strict makes it one, by the exit code."""
    result = many.run("fetch", "-q", "--strict")
    assert (result.stdout, result.exit_code) == ("", 1)


def test_a_named_source_that_is_not_due_says_why(many: Site) -> None:
    """And names the option that polls it now."""
    many.run("fetch")
    said = many.run("fetch", "s03").stdout
    assert "waiting s03: 20" in said
    assert "--force" in said
    waiting = json.loads(many.run("fetch", "s03", "--json").stdout)["waiting"]["s03"]
    assert waiting.keys() == {"next_poll_at", "reason", "next_poll"}
    assert waiting["next_poll_at"].endswith("Z")
