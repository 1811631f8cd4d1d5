"""Where the store is: a path, or the address of a database, whose password is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import load
from aggregator.config.store_address import DatabaseAddress, store_address
from aggregator.errors import ConfigError


def configured(folder: Path, line: str) -> Path:
    """A config with this line."""
    file = folder / "aggregator.toml"
    file.write_text(line, encoding="utf-8")
    return file


def test_a_path_counts_from_the_folder_of_the_config(tmp_path: Path) -> None:
    """As before."""
    assert load(configured(tmp_path, 'store = "a/b.db"')).store == tmp_path / "a" / "b.db"


def test_an_address_stays_as_it_is(tmp_path: Path) -> None:
    """With its parameters."""
    url = "postgresql://planet@db.example:5433/news?sslmode=verify-full"
    found = load(configured(tmp_path, f'store = "{url}"')).store
    assert found == DatabaseAddress(url)
    assert str(found) == "postgresql://planet@db.example:5433/news"


def test_the_whole_address_may_be_in_an_environment_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There it may hold a password, which is shown nowhere."""
    monkeypatch.setenv("PLANET_STORE", "postgresql://planet:s3cret@db.example/news")
    config = load(configured(tmp_path, 'store = { env = "PLANET_STORE" }'))
    assert config.store == DatabaseAddress("postgresql://planet:s3cret@db.example/news")
    for shown in (str(config.store), repr(config.store), repr(config), config.model_dump_json()):
        assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ('"postgresql://planet:s3cret@db.example/news"', "without the password"),
        ('"postgresql://planet@db.example/news?password=s3cret"', "without the password"),
        ('"postgresql://planet@db.example"', "name a database"),
        ('"sqlite:///var/s3cret.db"', "only the path of the file"),
        ('""', "write a path"),
        ("7", "a path or an address"),
        ('{ env = "PLANET_NOT_SET" }', "is not set"),
    ],
)
def test_an_invalid_store_address_is_refused_and_not_repeated(tmp_path: Path, value: str, words: str) -> None:
    """What may hold a password is in no message."""
    with pytest.raises(ConfigError) as refused:
        load(configured(tmp_path, f"store = {value}"))
    assert words in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_special_characters_of_a_password_are_to_be_escaped() -> None:
    """Read otherwise, parts of it would be taken for the host, and shown."""
    for url in ("postgresql://me:s@cret@host/db", "postgresql://me:s/cret@host/db"):
        with pytest.raises(ValueError, match="%40") as refused:
            store_address(url, is_hidden=True)
        assert "cret" not in str(refused.value)
