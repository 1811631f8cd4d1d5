"""Compiled templates are kept, and a template is compiled whenever what is kept cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from aggregator.writers.html.compiled_templates import CompiledTemplates


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of the templates that were compiled."""
    found: list[str | None] = []
    generate = Environment._generate

    def noted(self: Environment, source: object, name: str | None, *rest: object, **more: object) -> str:
        found.append(name)
        result: str = generate(self, source, name, *rest, **more)  # type: ignore[arg-type]
        return result

    monkeypatch.setattr(Environment, "_generate", noted)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return found


def _rendered(folder: Path, text: str = "{{ 1 + n }}", *facts: str) -> str:
    cache = CompiledTemplates(folder, *facts)
    environment = Environment(loader=DictLoader({"a": text}), autoescape=True, bytecode_cache=cache)
    return environment.get_template("a").render(n=1)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_template_is_compiled_once(tmp_path: Path, compiled: list[str | None]) -> None:
    """In all processes; another text, and other facts that it depends on, are compiled again."""
    assert [_rendered(tmp_path), _rendered(tmp_path)] == ["2", "2"]
    assert compiled == ["a"]
    assert _rendered(tmp_path, "{{ 2 + n }}") == "3"
    assert _rendered(tmp_path, "{{ 2 + n }}", "de") == "3"
    assert _rendered(tmp_path, "{{ 2 + n }}", "de") == "3"
    assert compiled == ["a", "a", "a"]
    assert [path.parent.name for path in _files(tmp_path)] == ["__pycache__"] * 2


@pytest.mark.parametrize("damage", [b"", b"x", b"half"])
def test_a_damaged_file_is_not_used(damage: bytes, tmp_path: Path, compiled: list[str | None]) -> None:
    """It is written anew."""
    _rendered(tmp_path)
    (file,) = _files(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-20] if damage == b"half" else damage)
    assert _rendered(tmp_path) == "2"
    assert compiled == ["a", "a"]
    assert file.read_bytes() == whole


def test_nothing_is_kept_where_python_keeps_nothing(
    tmp_path: Path, compiled: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PYTHONDONTWRITEBYTECODE, or in a folder that cannot be written."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        assert _rendered(tmp_path) == "2"
    (tmp_path / "__pycache__").write_text("in the way")
    assert _rendered(tmp_path) == "2"
    assert compiled == ["a", "a"]
    assert [path.name for path in _files(tmp_path)] == ["__pycache__"]
