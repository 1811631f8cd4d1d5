"""Sources in the store: checked like those of a config, and never with a secret's text."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.config.sources_outside_config import checked_source, is_special, settings_of
from aggregator.errors import ConfigError

URL = "https://tea.example/feed"


def mistakes(**settings: Any) -> list[str]:
    """Returns what is wrong with a source named Tea."""
    with pytest.raises(ConfigError) as told:
        checked_source("Tea", settings)
    return list(told.value.mistakes)


def test_settings_are_those_of_a_config(monkeypatch: pytest.MonkeyPatch) -> None:
    """With their defaults, and secrets by the names of their variables."""
    monkeypatch.setenv("TEA", "s3cret")
    source = checked_source(
        "Tea", {"url": URL, "categories": ["A"], "interval": "2h", "cookie": {"env": "TEA"}}, enabled=False
    )
    assert (source.name, source.url, source.categories, source.enabled) == ("Tea", URL, ("A",), False)
    assert source.cookie is not None
    assert source.cookie.get_secret_value() == "s3cret"


@pytest.mark.parametrize(
    ("settings", "mistake"),
    [
        ({"url": URL, "catgories": ["A"]}, "catgories: is not a known key; did you mean 'categories'?"),
        ({"url": URL, "interval": "1 year"}, "interval: write a number and a unit"),
        ({"url": URL, "kind": "fed"}, "kind: no kind is named 'fed'"),
        ({"url": URL, "kind": "page", "options": {"itm": "a"}}, "options.itm: is not a known key"),
        ({"url": URL, "cookie": {"env": "NOT_THERE"}}, "the environment variable NOT_THERE is not set"),
        ({"url": "ftp://tea.example/"}, "url: a source in the store has an address of http: or https:"),
        ({}, "url: a source in the store has an address of http: or https:"),
        ({"path": "notes", "kind": "articles"}, "path: a source in the store may not name files"),
        ({"url": URL, "tls_ca": "ca.pem"}, "tls_ca: a source in the store may not name files"),
        ({"url": URL, "image": "/a.png"}, "image: a source in the store may not name files"),
        ({"url": URL, "tls_verify": False}, "tls_verify: it can be switched off only in the config"),
        ({"url": URL, "kind": "exec", "options": {"command": ["x"]}}, "kind: sources of kind 'exec'"),
    ],
)
def test_a_mistake_is_reported_with_the_sources_name(settings: dict[str, Any], mistake: str) -> None:
    """And with what to write."""
    found = mistakes(**settings)
    assert any(each.startswith("source 'Tea': ") and mistake in each for each in found), found


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"auth": {"user": "me", "password": {"env": "TEA"}}}, "auth.user"),
        ({"auth": {"bearer": "s3cret"}}, "auth.bearer"),
        ({"cookie": "s3cret"}, "cookie"),
        ({"headers": {"X-Key": "s3cret"}}, "headers.X-Key"),
        ({"proxy": "http://me:s3cret@proxy.example"}, "proxy"),
        ({"url": "https://me:s3cret@tea.example/"}, "url"),
    ],
)
def test_the_text_of_a_secret_is_refused_and_not_repeated(settings: dict[str, Any], key: str) -> None:
    """Only the name of a variable may stand there."""
    found = mistakes(**{"url": URL, **settings})
    assert found[0].startswith(f"source 'Tea': {key}: ")
    assert '{ env = "NAME" }' in found[0]
    assert "s3cret" not in "".join(found)


def test_the_store_keeps_a_table_without_name_and_unset_keys() -> None:
    """The name is a column of its own."""
    table = {"name": "Tea", "url": URL, "enabled": False, "link": None, "categories": [], "adaptive": False}
    assert settings_of(table) == {"url": URL, "adaptive": False}


@pytest.mark.parametrize(
    ("settings", "special"),
    [
        ({"url": URL, "categories": ["A"], "interval": "1h"}, False),
        ({"url": URL, "kind": "feed"}, False),
        ({"url": URL, "kind": "opml"}, True),
        ({"url": URL, "private": True}, True),
        ({"url": URL, "full_text": True}, True),
        ({"url": URL, "retention": {"max_articles": 5}}, True),
    ],
)
def test_sources_with_settings_for_later_steps_are_special(settings: dict[str, Any], special: bool) -> None:
    """A run has such a source in memory, however many there are."""
    assert is_special(settings) is special
