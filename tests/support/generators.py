"""Generators of sites, where they are installed: Hugo and Jekyll by the system, Hexo by npm.

`npm ci --prefix tests/hexo` installs Hexo; a `hexo` on the path is taken as well.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

HEXO = Path(__file__).parents[1] / "hexo"


def tool(name: str) -> str:
    """The command of a generator; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def hexo_site(folder: Path) -> str:
    """Makes a folder a site of Hexo with the theme `bare`, without layouts; the command that builds it."""
    modules = HEXO / "node_modules"
    if not (modules / "hexo").exists():
        found = shutil.which("hexo")
        parents = Path(found).resolve().parents if found else []
        modules = next((parent for parent in parents if parent.name == "node_modules"), modules)
        if not (modules / "hexo").exists():
            pytest.skip("hexo is not installed (npm ci --prefix tests/hexo installs it)")
    (folder / "node_modules").symlink_to(modules)
    installed = [each.name for each in modules.iterdir() if each.name.startswith("hexo")]
    package = {"hexo": {"version": ""}, "dependencies": dict.fromkeys(installed, "*")}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "_config.yml").write_text("title: x\ntheme: bare\nurl: https://x.example\n")
    (folder / "themes" / "bare" / "layout").mkdir(parents=True)
    return str(modules / ".bin" / "hexo")
