"""Posts in the config: what to change where they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregator.config.load import checked
from aggregator.errors import ConfigError

RIGHT = "name = 'n'\nto = 'https://m.example'\ntoken = 'secret-token'\nwhen = 'title:tea'\n"


@pytest.mark.parametrize(
    ("post", "said"),
    [
        (RIGHT.replace("https://m.example", "m.example"), "https://mastodon.example"),
        (RIGHT.replace("https://m.example", "https://u:p@m.example/"), "https://mastodon.example"),
        (RIGHT.replace("when = 'title:tea'", ""), "set when (a query), sources or categories"),
        (RIGHT + "sources = ['x']", "no source is named 'x'"),
        (RIGHT + "every = '0s'", "above zero"),
        (RIGHT + "tags = ['a b']", '"RSS"'),
        (RIGHT + "tags = ['123']", '"RSS"'),
        (RIGHT + "language = 'German'", '"en"'),
        (RIGHT + "visibility = 'secret'", '"unlisted"'),
        (RIGHT + "[[mastodon]]\n" + RIGHT, "give each post a different name"),
    ],
)
def test_each_mistake_says_what_to_change(post: str, said: str) -> None:
    """And no token."""
    with pytest.raises(ConfigError) as raised:
        checked(f"[[mastodon]]\n{post}".encode(), Path("/planet/config/aggregator.toml"), "config")
    assert said in str(raised.value)
    assert "secret-token" not in str(raised.value)


def test_the_server_is_an_origin() -> None:
    """Without what may stand behind it."""
    text = f"[[mastodon]]\n{RIGHT.replace('m.example', 'm.example:8443/')}"
    (post,) = checked(text.encode(), Path("/planet/config/aggregator.toml"), "config").mastodon
    assert (post.to, post.host) == ("https://m.example:8443", "m.example")
