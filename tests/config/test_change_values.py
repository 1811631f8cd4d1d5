"""Changes of the config file: what is asked for, and no other byte."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.config.change_values import change_source, change_values, remove_source, with_values
from aggregator.config.toml_statements import statements
from aggregator.errors import ConfigError

CONFIG = '''\
# A planet.
entries_per_feed = 10   # few
interval = "2h"

[fetch]
# Of ours alone.
contact = "https://example.org/about"
allow = [
  "10.0.0.0/8",  # office
]

# --- sources ---

# Debian, of course
[[sources]]
name = "Debian"  # the planet
url = "https://planet.debian.org/atom.xml"
categories = [
  "Linux",  # and more
]

[sources.retention]
max_articles = 10

# The next is a list.
[[sources]]
name = "It's a \\"list\\""
url = "https://example.org/page"
kind = "page"
author = """
[[sources]]
name = "no source"
"""

[[rules]]
name = "no adverts"
when = "title:advert"
then = "drop"

[[sources]]
name = "last"
url = "https://example.org/last"
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config of which every statement has a comment."""
    made = tmp_path / "aggregator.toml"
    made.write_text(CONFIG)
    return made


def test_statements_cover_the_whole_document_in_order() -> None:
    """No byte belongs to none, or to two."""
    found = [*statements(CONFIG)]
    assert "".join(CONFIG[each.start : each.end] for each in found) == CONFIG
    assert [each.path for each in found if each.kind == "list"] == [
        ("sources",),
        ("sources",),
        ("rules",),
        ("sources",),
    ]


def test_a_value_is_changed_in_its_place(file: Path) -> None:
    """The comment behind it stays, and so does every other line."""
    change_source(file, "Debian", {"name": "Planet", "categories": ["A", "B"]})
    wanted = CONFIG.replace('name = "Debian"  #', 'name = "Planet"  #')
    wanted = wanted.replace('[\n  "Linux",  # and more\n]', '["A", "B"]')
    assert file.read_text() == wanted


def test_a_new_value_is_inserted_after_the_last_of_its_table(file: Path) -> None:
    """Not behind the comment of the next table, nor in a table of its own."""
    change_source(file, "Debian", {"enabled": False})
    change_source(file, 'It\'s a "list"', {"enabled": False})
    change_source(file, "last", {"enabled": False})
    wanted = CONFIG.replace('"Linux",  # and more\n]\n', '"Linux",  # and more\n]\nenabled = false\n')
    wanted = wanted.replace('"no source"\n"""\n', '"no source"\n"""\nenabled = false\n') + "enabled = false\n"
    assert file.read_text() == wanted


def test_a_source_is_removed_with_its_tables_and_no_comment_outside(file: Path) -> None:
    """Each of them, in any order."""
    remove_source(file, "Debian")
    begin, end = CONFIG.index('[[sources]]\nname = "Debian"'), CONFIG.index("# The next is a list.")
    assert file.read_text() == CONFIG[:begin] + CONFIG[end:]
    remove_source(file, "last")
    remove_source(file, 'It\'s a "list"')
    assert "sources" not in tomllib.loads(file.read_text())
    assert "# The next is a list." in file.read_text()
    assert 'name = "no adverts"' in file.read_text()


@pytest.mark.parametrize("form", ["\r\n", "no last line end", "mark"])
def test_the_files_own_form_stays(file: Path, form: str) -> None:
    """Line ends, and a byte order mark."""
    text = CONFIG.replace("\n", "\r\n") if form == "\r\n" else CONFIG.rstrip() if form != "mark" else CONFIG
    file.write_bytes((b"\xef\xbb\xbf" if form == "mark" else b"") + text.encode())
    change_source(file, "last", {"enabled": False})
    body = file.read_bytes()
    assert body.endswith(b"enabled = false\r\n" if form == "\r\n" else b"enabled = false\n")
    assert body.startswith(b"\xef\xbb\xbf") == (form == "mark")
    if form == "\r\n":
        assert body.count(b"\n") == body.count(b"\r\n")


@pytest.mark.parametrize(
    "text",
    [
        'sources = [{ name = "a", url = "https://a.example/" }]',
        'sources = [\n{ name = "a", url = "https://a.example/" }, # one\n]',
        '[["sources"]]\nname = "a"\nurl = "https://a.example/"',
        "[[ sources ]]\n'name' = 'a'\nurl = 'https://a.example/'",
        '[[sources]]\nname = "a"\nurl = "https://a.example/"\nretention.max_articles = 3',
    ],
)
def test_other_forms_of_a_source_are_changed_too(tmp_path: Path, text: str) -> None:
    """Or refused with what to do; never spoiled."""
    file = tmp_path / "x.toml"
    file.write_text(text)
    change_source(file, "a", {"enabled": False})
    (source,) = tomllib.loads(file.read_text())["sources"]
    assert source["enabled"] is False
    assert source["url"] == "https://a.example/"
    try:
        remove_source(file, "a")
    except ConfigError:
        assert tomllib.loads(file.read_text())["sources"]
    else:
        assert "sources" not in tomllib.loads(file.read_text())


def test_invalid_changes_are_refused_and_nothing_is_written(file: Path) -> None:
    """An unknown name with what was meant, a value that is none, a config that was wrong before."""
    with pytest.raises(ConfigError, match="did you mean 'Debian'"):
        change_source(file, "Debain", {"enabled": False})
    with pytest.raises(ConfigError, match="enabled"):
        change_source(file, "Debian", {"enabled": "perhaps"})
    with pytest.raises(ConfigError, match="last"):
        change_source(file, "Debian", {"name": "last"})
    with pytest.raises(ConfigError):
        change_values(file, {("fetch", "workers"): 0}, writes=False)
    assert file.read_text() == CONFIG
    change_values(file, {("fetch", "workers"): 3}, writes=False)
    assert file.read_text() == CONFIG
    file.write_text("= no TOML")
    with pytest.raises(ConfigError, match="TOML"):
        remove_source(file, "Debian")


_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
_VALUE = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(values=st.dictionaries(_TEXT, _VALUE, min_size=1, max_size=4), place=st.sampled_from([0, 1, 2]))
def test_setting_any_value_changes_nothing_else(values: dict[str, Any], place: int) -> None:
    """Any key, any value."""
    after = with_values(CONFIG, {("sources", place, key): value for key, value in values.items()}, "x")
    wanted = tomllib.loads(CONFIG)
    wanted["sources"][place] |= values
    assert tomllib.loads(after) == wanted
    assert [line for line in CONFIG.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line in CONFIG.splitlines() and line.startswith("#")
    ]
