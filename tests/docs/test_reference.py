"""The reference of settings and commands: made of the code, with nothing left out."""

from __future__ import annotations

import re
from pathlib import Path

from docs.building import commands, settings

ROOT = Path(__file__).parents[2]
LITERAL = re.compile(r"""`("[^"]*"|\d+|true|false)`""")


def test_every_setting_is_documented() -> None:
    """Each key of the config, and of each kind's options, has its line in a table of the documents."""
    tables = list(settings.tables())
    assert {table.name for table in tables} >= {
        "",
        "site",
        "fetch",
        "sources",
        "sources.auth",
        "publish.posts",
        "page",
    }
    assert [
        f"{table.page}: {table.name}.{s.key}" for table in tables for s in table.settings if not s.meaning
    ] == []


def test_every_documented_setting_exists() -> None:
    """A key of a document is one of the code's."""
    tables = list(settings.tables())
    known: dict[str, set[str]] = {}
    for table in tables:
        for part in settings.parts_of(table.name):
            known.setdefault(part, set()).update(each.key for each in table.settings)
    inner = {table.name for table in tables if table.page == "config.md"}
    invented = [
        f"{part}.{key}"
        for part, keys in settings.explained("config.md").items()
        for key in keys
        if key not in known[part] and key not in inner
    ]
    assert invented == []


def test_defaults_are_those_of_the_code() -> None:
    """A document that writes a value out has the one that holds."""
    wrong = []
    for table in settings.tables():
        parts = [settings.explained(table.page).get(part, {}) for part in settings.parts_of(table.name)]
        for each in table.settings:
            written = next((part[each.key][0] for part in parts if each.key in part), "")
            if LITERAL.fullmatch(written) and written not in (each.default, '`""`'):
                wrong.append(f"{table.page}: {table.name}.{each.key} is {each.default}, not {written}")
    assert wrong == []


def test_every_command_and_option_is_documented() -> None:
    """Each has its help, each command is in a document, and the page has them all."""
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    documents = "\n".join(text.read_text(encoding="utf-8") for text in texts)
    page = commands.markdown()
    found = list(commands.commands())
    assert {"fetch", "rules test"} <= {name for name, *_ in found}
    for name, command, context in found:
        assert command.help, name
        assert f" `{name}`\n" in page
        assert re.search(rf"\baggregator {name}\b|`{name}[` ]", documents), f"{name} is in no document"
        assert [option for option, meaning in commands.options(command, context) if not meaning] == [], name


def test_the_site_has_every_document() -> None:
    """Its navigation leads to each page of docs/, and to the reference."""
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r": ([\w/-]+\.md)$", text.partition("\nnav:")[2], re.MULTILINE)
    documents = {file.name for file in (ROOT / "docs").glob("*.md")}
    assert sorted(listed) == sorted(documents | {"reference/settings.md", "reference/commands.md"})
