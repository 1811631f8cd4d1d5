"""The site that `make docs` builds."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REQUESTED = re.compile(
    r"""<(?:script|img|iframe)[^>]* src="?(https?:[^">]+)|<link[^>]* href="?(https?:[^">]+)"""
)


def test_the_site_is_built_and_needs_no_network(tmp_path: Path) -> None:
    """Every link in it leads somewhere, and a browser requests nothing from elsewhere."""
    pytest.importorskip("material", reason="mkdocs-material is not installed: the extra docs brings it")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {
        file.relative_to(tmp_path / "site").as_posix(): file.read_text(encoding="utf-8")
        for file in (tmp_path / "site").rglob("*.html")
    }
    assert {
        "index.html",
        "tutorial.html",
        "reference/settings.html",
        "reference/commands.html",
    } <= pages.keys()
    assert "entries_per_feed" in pages["reference/settings.html"]
    assert "--refetch" in pages["reference/commands.html"]
    assert {name: found[0] for name, page in pages.items() if (found := REQUESTED.search(page))} == {}
