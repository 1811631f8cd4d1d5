"""The documents that promise something: each promise has its test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"`(test_\w+)`")
LINK = re.compile(r"\]\(([^)\s#:]*)(?:#([\w-]+))?\)")


def rows(text: str) -> list[str]:
    """The lines of the tables that promise something, without their heads."""
    tables = re.findall(r"^\| (?:promise|\|).*\n\| ---.*\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [line for table in tables for line in table.splitlines()]


@pytest.mark.parametrize("document", ["manners.md", "threats.md"])
def test_every_promise_names_tests_that_exist(document: str) -> None:
    """A document cannot promise what no test looks at."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    assert rows(text)
    assert [row[:80] for row in rows(text) if not NAMED.search(row)] == []
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in NAMED.findall(text) if f"def {name}(" not in tests] == []


def test_how_to_report_a_fault_is_found() -> None:
    """From the README and from the threat model."""
    for file in ("README.md", "docs/threats.md"):
        assert "SECURITY.md" in (ROOT / file).read_text(encoding="utf-8")
    assert "docs/threats.md" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def anchors(document: Path) -> set[str]:
    """The names of its headings, as GitHub makes them for links."""
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", ["README.md", "SECURITY.md", "docs"])
def test_every_link_between_documents_leads_somewhere(document: str) -> None:
    """The file is there, and has that heading."""
    place = ROOT / document
    broken = []
    for file in sorted(place.glob("*.md")) if place.is_dir() else [place]:
        for name, heading in LINK.findall(file.read_text(encoding="utf-8")):
            target = (file.parent / name) if name else file
            if not target.exists() or (heading and heading not in anchors(target)):
                broken.append(f"{file.name}: {name}#{heading}")
    assert broken == []
