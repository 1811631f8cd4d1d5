"""Digests in the config: what to change where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import checked
from aggregator.errors import ConfigError

SMTP = "[smtp]\nhost = 'm.example'\nsender = 'p@planet.example'"


@pytest.mark.parametrize(
    ("digest", "said"),
    [
        ("at = '7:00'", '"07:00"'),
        ("every = 'month'", '"day" or "week"'),
        ("day = 'Sunday'", "sunday"),
        ("query = 'title:('", "never closed"),
        ("feed = false", "it has no receiver"),
        ("to = ['me']", "planet@example.org"),
        ("to = ['me@example.org']", "[smtp]"),
        ("unsubscribe = 'http://planet.example/leave'", "https://example.org/unsubscribe"),
        ("unsubscribe = 'https://planet.example/a>\\r\\nBcc: x'", "https://example.org/unsubscribe"),
        ("name = 'TEA'", "the folder of the feed 'Tea'"),
        ("name = 'all'", "the feed of everything"),
        ("name = 'x'\n[[digest]]\nname = 'x'", "give each digest a different name"),
    ],
)
def test_each_mistake_says_what_to_change(digest: str, said: str) -> None:
    """A name is that of a folder, which no other feed has."""
    name = "" if "name" in digest else "name = 'n'\n"
    source = "[[sources]]\nname = 's'\nurl = 'https://s.example/'\ncategories = ['Tea']"
    text = f"{source}\n[[digest]]\n{name}{digest}"
    with pytest.raises(ConfigError) as raised:
        checked(text.encode(), Path("/planet/config/aggregator.toml"), "config")
    assert said in str(raised.value)


def test_a_digest_that_is_mail_alone_may_have_any_name() -> None:
    """It has no folder."""
    digested = "name = 'all'\nfeed = false\nto = ['me@example.org']\nevery = 'week'\nday = 'sunday'"
    text = f"{SMTP}\n[[digest]]\n{digested}"
    (digest,) = checked(text.encode(), Path("/planet/config/aggregator.toml"), "config").digest
    assert (digest.weekday, digest.time.isoformat()) == (6, "07:00:00")
