"""A release is complete. `make release` installs it; these tests check it without that."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_package_is_in_the_wheel() -> None:
    """A file that is no module is named by package-data; a folder with modules is a package."""
    named = project()["tool"]["setuptools"]["package-data"]
    packed = {
        file
        for package, patterns in named.items()
        for pattern in patterns
        for file in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    files = [file for file in (ROOT / "aggregator").rglob("*") if file.is_file() and file.suffix != ".pyc"]
    assert [file for file in files if file.suffix != ".py" and file not in packed] == []
    assert [
        file for file in files if file.suffix == ".py" and not (file.parent / "__init__.py").is_file()
    ] == []
    assert len(packed) >= 9


def test_the_pythons_that_are_supported_are_those_that_are_tried() -> None:
    """By `make release`, where they are installed; the oldest is what the project requires."""
    script = (ROOT / ".ci" / "release").read_text(encoding="utf-8")
    (pythons,) = re.findall(r"PYTHONS:-([^}]*)\}", script)
    supported = re.findall(r":: (3\.\d+)$", "\n".join(project()["project"]["classifiers"]), re.MULTILINE)
    assert pythons.split() == [f"python{version}" for version in supported]
    assert project()["project"]["requires-python"] == f">={supported[0]}"
    assert "\nrelease:\n\t.ci/release\n" in (ROOT / "Makefile").read_text(encoding="utf-8")
