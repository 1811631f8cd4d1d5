"""The command that installs an extra never names the other project called `aggregator` in the index."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from aggregator import DISTRIBUTION
from aggregator.adapters.install_extras import install_command

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'aggregator-republisher[full-text]'"),
        ({"url": "file:///home/u/a%20b", "dir_info": {}}, "pip install '/home/u/a b[full-text]'"),
        ({"url": "file:///o'c", "dir_info": {"editable": True}}, "pip install -e '/o'\"'\"'c[full-text]'"),
        (
            {"url": "https://x.example/w.whl", "archive_info": {"hash": "sha256=0"}},
            "pip install 'aggregator-republisher[full-text] @ https://x.example/w.whl'",
        ),
        (
            {"url": "https://x.example/r.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "pip install 'aggregator-republisher[full-text] @ git+https://x.example/r.git@c0ffee'",
        ),
        (
            {
                "url": "https://x.example/r.git",
                "vcs_info": {"vcs": "git", "commit_id": "c0ffee"},
                "subdirectory": "s",
            },
            "pip install 'aggregator-republisher[full-text] @ git+https://x.example/r.git@c0ffee#subdirectory=s'",
        ),
    ],
    ids=["index", "folder", "editable", "archive", "repository", "subdirectory"],
)
def test_the_command_follows_how_this_was_installed(
    origin: dict[str, Any] | None, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pip records it in direct_url.json, which is missing after an installation from an index."""
    info = tmp_path / "aggregator_republisher-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: 1.0\n")
    if origin is not None:
        (info / "direct_url.json").write_text(json.dumps(origin))
    monkeypatch.syspath_prepend(str(tmp_path))
    assert install_command("full-text") == command


def test_the_extras_that_are_named_exist() -> None:
    """In the messages and in the documents."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    named = {
        extra
        for path in (*(ROOT / "aggregator").rglob("*.py"), ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for extra in re.findall(r"install_command\(['\"]([\w-]+)|'\.\[([\w-]+)\]'", path.read_text())
    }
    assert named
    assert {one or other for one, other in named} <= declared.keys()


def test_no_text_or_dependency_names_the_foreign_pypi_package() -> None:
    """Neither a text, nor a dependency of ours or of the example package."""
    texts = [*(ROOT / "aggregator").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    advice = re.compile(r"install (?:-\S+ )*['\"]?aggregator(?![-\w])|aggregator\[[a-z]")
    assert [f"{path.name}: {found[0]}" for path in texts if (found := advice.search(path.read_text()))] == []
    for file in (ROOT / "pyproject.toml", ROOT / "docs" / "example-package" / "pyproject.toml"):
        project = tomllib.loads(file.read_text())["project"]
        required = [*project["dependencies"]]
        required += [name for extra in project.get("optional-dependencies", {}).values() for name in extra]
        assert [name for name in required if re.match(r"aggregator(?![-\w])", name)] == []
