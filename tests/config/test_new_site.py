"""A new site folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aggregator.config import load as config
from aggregator.config.new_site import CONFIG, make
from aggregator.errors import WriteError


def test_every_setting_that_it_names_is_one(tmp_path: Path) -> None:
    """With each "# key = value" made a setting, and the example a source, the config still loads."""
    file = tmp_path / "aggregator.toml"
    file.write_text(re.sub(r"^# (?=\w+ = |\[)", "", CONFIG, flags=re.MULTILINE), encoding="utf-8")
    loaded = config.load(file)
    assert [source.name for source in loaded.sources] == ["Articles", "Planet Debian"]
    assert loaded.site.url
    assert loaded.retention.max_articles


def test_settings_are_shown_with_the_values_that_are_at_work(tmp_path: Path) -> None:
    """Those that nothing is said about: taking their "# " away changes nothing."""
    file = tmp_path / "aggregator.toml"
    file.write_text(CONFIG, encoding="utf-8")
    plain = config.load(file)
    names = "store|output|entries_per_feed|interval|timeout|deadline|max_bytes|workers|archives"
    text, count = re.subn(rf"^# (?=(?:{names}) = )", "", CONFIG, flags=re.MULTILINE)
    file.write_text(re.sub(r'^interval = "2h".*\n', "", text, flags=re.MULTILINE), encoding="utf-8")
    assert count >= 9
    assert config.load(file) == plain


def test_init_overwrites_no_file(tmp_path: Path) -> None:
    """One file that is there keeps all of them from being written."""
    there = tmp_path / "articles" / "hello.md"
    there.parent.mkdir()
    there.write_text("mine")
    with pytest.raises(WriteError, match=r"hello\.md"):
        make(tmp_path)
    assert there.read_text() == "mine"
    assert not (tmp_path / "config").exists()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "site").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        make(tmp_path / "site")
