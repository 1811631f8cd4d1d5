"""No text of a stranger calls anybody at a service."""

from __future__ import annotations

import pytest

from aggregator.notify.mentions import link_without_mentions, without_mentions


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("@everyone, and tea@tea.example", "@\u200beveryone, and tea@\u200btea.example"),
        ("<!channel> <@U1> \uff20all", "<\u200b!channel> <\u200b@\u200bU1> \uff20\u200ball"),
        ("5 @ 3 < 4", "5 @ 3 < 4"),
        ("see https://tea.example/@tea/1", "see https://tea.example/@tea/1"),
        ("see https://tea.example/-@tea@masto.example", "see https://tea.example/-%40tea@masto.example"),
    ],
)
def test_mentions_are_disarmed(text: str, written: str) -> None:
    """A space that nobody sees is put between; addresses lead where they led."""
    assert without_mentions(text) == written


@pytest.mark.parametrize(
    ("link", "written"),
    [
        ("https://medium.example/@tea/1?to=a@b.example", "https://medium.example/@tea/1?to=a@b.example"),
        ("https://tea.example/,@tea@masto.example", "https://tea.example/,%40tea@masto.example"),
        ("https://tea.example/#@tea", "https://tea.example/#%40tea"),
        ("https://tea.example/@everyone", "https://tea.example/%40everyone"),
        ("", ""),
    ],
)
def test_mentions_in_addresses_are_disarmed_too(link: str, written: str) -> None:
    """Mastodon looks for accounts in addresses, too; the usual paths of blogs stay as they are."""
    assert link_without_mentions(link) == written
