"""The lowest versions that pyproject.toml allows: each is written down, and each is what was tested."""

from __future__ import annotations

import os
import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
REQUIRED = [
    requirement
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for requirement in group
    if not requirement.startswith(PROJECT["name"])
]
_FLOOR = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)")


@pytest.mark.parametrize("requirement", REQUIRED)
def test_every_dependency_has_a_floor_and_it_is_what_the_lowest_run_installs(requirement: str) -> None:
    """`make test-lowest` sets AGGREGATOR_LOWEST; a floor below what can be installed is never tested."""
    found = _FLOOR.match(requirement)
    assert found is not None
    if "AGGREGATOR_LOWEST" not in os.environ:
        return
    name, floor = found[1], tuple(map(int, found[2].split(".")))
    try:
        installed = tuple(int(part) for part in version(name).split(".") if part.isdigit())
    except PackageNotFoundError:
        is_elsewhere = (
            requirement in PROJECT["optional-dependencies"]["docs"]
        )  # `make docs` alone installs it
        assert is_elsewhere or "; " in requirement, f"{name} is not installed"
        return
    assert installed[: len(floor)] == floor
