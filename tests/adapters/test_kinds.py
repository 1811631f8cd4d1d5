"""The kinds of sources: registered by name, loaded when needed, reported when they cannot be loaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.adapters import kinds
from aggregator.errors import ConfigError

PLUGIN = """
from pydantic import BaseModel
from aggregator.model.entry import Feed
from aggregator.adapters.kinds import Kind

class Options(BaseModel):
    depth: int = 1

KIND = Kind(read=lambda resource, options: Feed(), options=Options, place="either")
BROKEN = "no kind"
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package, installed, with a sound kind, one that is none, and one that cannot be imported."""
    (tmp_path / "stranger.py").write_text(PLUGIN)
    info = tmp_path / "stranger-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[aggregator.adapters]\nstrange = stranger:KIND\nbroken = stranger:BROKEN\nlost = nowhere:KIND\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    kinds.forget()
    yield
    kinds.forget()
    sys.modules.pop("stranger", None)


def test_our_kinds_are_registered() -> None:
    """What every installation has."""
    assert {"articles", "feed"} <= set(kinds.names())


@pytest.mark.usefixtures("plugin")
def test_a_recalled_kind_is_found_without_a_search() -> None:
    """Where it was; if it is not there any more, that is said, and all kinds are searched for it."""
    place = kinds.where("strange")
    kinds.recall("recalled", place)
    assert kinds.named("recalled").place == "either"
    with pytest.raises(ConfigError, match=r"kind 'strange' \(stranger:NONE\) cannot be loaded"):
        kinds.recall("strange", "stranger:NONE")
    assert kinds.named("strange").place == "either"


@pytest.mark.usefixtures("plugin")
def test_a_kind_of_another_package_is_found_with_its_options() -> None:
    """One line in its entry points is all that it takes."""
    kind = kinds.named("strange")
    options = kind.parse({"depth": 3})
    assert options is not None
    assert (kind.place, options.model_dump()) == ("either", {"depth": 3})
    assert kinds.mistakes("strange", {"depth": "x"})[0][0] == ("options", "depth")


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("name", "message"), [("broken", "is no"), ("lost", "cannot be loaded"), ("x", "named 'x'")]
)
def test_a_kind_that_cannot_be_imported_is_a_mistake_of_the_config(name: str, message: str) -> None:
    """Whatever is wrong with somebody else's package."""
    with pytest.raises(ConfigError, match=message):
        kinds.named(name)
    assert kinds.mistakes(name, {})[0][0] == ("kind",)


def test_options_for_a_kind_without_any_are_a_mistake() -> None:
    """They would do nothing."""
    assert "no options" in kinds.mistakes("feed", {"x": 1})[0][2]
