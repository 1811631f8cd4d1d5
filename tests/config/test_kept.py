"""A config that is kept as plain data: polls of feeds do the same with it as with the config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.fetching import Fetch
from aggregator.config.kept import FORMAT, kept_config, plain_facts
from aggregator.config.load import Config, load
from aggregator.config.sources import Source
from aggregator.fetch.platform_limits import paces
from aggregator.polling.settings import as_moved, policy, poll_settings
from tests.support.site import Site

_FETCH = {"timeout": "7s", "host_gap": "1500ms", "allow": ["127.0.0.1", "*.lan"], "contact": "a@example.org"}
_SOURCES: list[dict[str, Any]] = [
    {"name": "Tea", "url": "https://a.example/tea", "categories": ["drinks", "hot"]},
    {"name": "Milk", "url": "https://b.example/", "enabled": False, "interval": "90m", "adaptive": False},
    {
        "name": "Ink",
        "url": "https://b.example/ink",
        "timezone": "Europe/Berlin",
        "user_agent": "x",
        "robots": False,
    },
    {
        "name": "Oil",
        "url": "https://c.example/",
        "author": "Ann",
        "priority": 3,
        "websub": False,
        "media": "all",
    },
]


def _config(tmp_path: Path, **tables: Any) -> Config:
    sources = tables.pop("sources", _SOURCES)
    return load(Site(tmp_path / "site", **tables, sources=sources).file)


def _kept(config: Config) -> Config:
    facts = plain_facts(config)
    assert facts is not None
    assert isinstance(config.store, Path)
    return kept_config(json.loads(json.dumps(facts)), config.store, str(config.output))


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"interval": "2h", "fetch": _FETCH},
        {"html": {"players": ["https://video.example/embed/"]}, "serve": {"url": "https://x.example"}},
    ],
)
def test_a_kept_config_has_the_settings_of_the_config(tmp_path: Path, tables: dict[str, Any]) -> None:
    """Those of sources and of fetching, and what polls make of them."""
    config = _config(tmp_path, **tables)
    kept = _kept(config)
    assert [dict(each) for each in kept.sources] == [dict(each) for each in config.sources]
    fetch, known = dict(config.fetch), dict(kept.fetch)
    assert known.pop("proxy").get_secret_value() == fetch.pop("proxy").get_secret_value()
    assert known == fetch
    assert paces(kept.fetch) == paces(config.fetch)
    assert (kept.interval, kept.store, kept.output) == (config.interval, config.store, config.output)
    assert (kept.html.players, kept.serve.url) == (config.html.players, config.serve.url)
    assert (kept.bucket, bool(kept.rules or kept.feeds)) == (None, False)
    for source, same in zip(config.sources, kept.sources, strict=True):
        assert poll_settings(same, same.address, kept) == poll_settings(source, source.address, config)
        assert policy(same, kept) == policy(source, config)
        moved = as_moved(same, "https://d.example/")
        assert dict(moved) == dict(as_moved(source, "https://d.example/"))
        assert (moved.address, moved.is_local, moved.secrets) == ("https://d.example/", False, frozenset())
    for names in ((), ("Milk",), ("Oil", "Tea")):
        assert [each.name for each in kept.select(names)] == [each.name for each in config.select(names)]


@pytest.mark.parametrize(
    "table",
    [{"rules": [{"name": "No", "when": "x", "then": "drop"}]}, {"feeds": [{"name": "A", "query": "x"}]}],
)
def test_that_rules_judge_articles_is_kept(tmp_path: Path, table: dict[str, Any]) -> None:
    """Not the rules."""
    kept = _kept(_config(tmp_path, **table))
    assert kept.rules or kept.feeds


@pytest.mark.parametrize(
    "setting",
    [
        {"auth": {"user": "me", "password": "you"}},
        {"headers": {"X-Key": "s3cret"}},
        {"cookie": "s3cret"},
        {"proxy": "http://me:s3cret@proxy.example"},
        {"tls_verify": False},
        {"url": "https://me:s3cret@a.example/"},
    ],
)
def test_a_config_with_a_secret_is_not_kept(tmp_path: Path, setting: dict[str, Any]) -> None:
    """Wherever it is."""
    source = {"name": "Secret", "url": "https://a.example/", **setting}
    assert plain_facts(_config(tmp_path, sources=[*_SOURCES, source])) is None


@pytest.mark.parametrize(
    "fetch",
    [
        {"proxy": "http://me:s3cret@proxy.example"},
        {"rsshub": ["https://hub.example"]},
        {"tls_ca": "ca.pem"},
    ],
)
def test_fetching_with_more_than_plain_settings_is_not_kept(tmp_path: Path, fetch: dict[str, Any]) -> None:
    """Secrets, paths and tables."""
    assert plain_facts(_config(tmp_path, fetch=fetch)) is None


def test_facts_of_another_version_are_refused(tmp_path: Path) -> None:
    """FORMAT is to be raised whenever these names change."""
    facts = plain_facts(_config(tmp_path))
    assert facts is not None
    with pytest.raises(ValueError, match="another version"):
        kept_config({**facts, "format": FORMAT - 1}, tmp_path, "")
    assert FORMAT == 1
    assert set(Fetch.model_fields) == {
        *(
            "timeout",
            "deadline",
            "max_bytes",
            "max_redirects",
            "workers",
            "contact",
            "allow",
            "proxy",
            "tls_ca",
        ),
        *("rsshub", "commands", "host_at_once", "host_gap", "hosts"),
    }
    assert set(Source.model_fields) == {
        *(
            "name",
            "kind",
            "options",
            "url",
            "path",
            "categories",
            "author",
            "timezone",
            "interval",
            "adaptive",
        ),
        *("enabled", "headers", "auth", "cookie", "user_agent", "proxy", "tls_ca", "tls_verify", "retention"),
        *("link", "image", "article_pages", "robots", "private", "websub", "priority", "media", "full_text"),
    }
