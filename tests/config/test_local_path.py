"""Paths that owners write: which are refused, wherever they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli.main import main
from aggregator.config.local_path import local_path
from tests.support.site import Site

DEEP = "x/" * 1_500 + "y"


def test_a_path_is_kept_as_it_is_written() -> None:
    """Relative ones, and those with as many folders as file systems are used with."""
    assert local_path("notes/a b") == Path("notes/a b")
    assert local_path("x/" * 150) == Path("x/" * 150)


@pytest.mark.parametrize("text", ["", "a\0b", DEEP], ids=["empty", "NUL", "deep"])
def test_a_path_that_nothing_can_be_written_to_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match="write a path"):
        local_path(text)


@pytest.mark.parametrize("command", [("init",), ("backup",), ("restore", "x"), ("rebuild", "--config")])
def test_commands_refuse_thousands_of_folders(command: tuple[str, ...]) -> None:
    """As wrong use: Python makes folders by a call within a call for each."""
    result = CliRunner().invoke(main, [*command, DEEP])
    assert result.exit_code == 2
    assert "write a path with at most" in result.output


@pytest.mark.parametrize("line", ['output = "{}"', 'store = "{}"', '[publish.posts]\nfolder = "{}"'])
def test_the_config_may_not_name_thousands_of_folders(site: Site, line: str) -> None:
    """The mistake is reported with its line."""
    (site.home / "config").mkdir(exist_ok=True)
    (site.home / "config" / "aggregator.toml").write_text(line.format(DEEP))
    result = site.run("fetch")
    assert result.exit_code == 2
    assert "write a path with at most" in result.stderr
