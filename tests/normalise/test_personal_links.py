"""The parts of a newsletter that are for its one reader."""

from __future__ import annotations

import pytest

from aggregator.normalise.personal_links import is_personal, without_personal


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://list.example/unsubscribe?u=1", ""),
        ("https://list.example/x", "Unsubscribe"),
        ("https://list.example/x", "Newsletter abbestellen"),
        ("https://list.example/x", "Se désabonner"),
        ("https://list.example/x", "配信停止はこちら"),
        ("https://list.example/x", "取消订阅"),
        ("https://list.example/manage-preferences", ""),
        ("https://list.example/x", "View this email in your browser"),
        ("https://us1.list-manage.com/track/click?u=f8a3b2c4d5e6f7a8b9c0d1e2&id=1", "Tea"),
        ("https://click.list.example/CL0/https:%2F%2Ftea.example/1/0100018f2b3c4d5e-6f7a8b9c-0001", "Tea"),
        ("https://list.example/r/123e4567-e89b-12d3-a456-426614174000", "Tea"),
        ("https://tea.example/?email=ann@tea.example", "Tea"),
        ("mailto:news@list.example", "Write to us"),
    ],
)
def test_personal_links_are_recognised(url: str, text: str) -> None:
    """By what they say, or by the key in them."""
    assert is_personal(url, text)


@pytest.mark.parametrize(
    "url",
    [
        "https://tea.example/2026/11/the-second-pot-is-better-than-the-first-one-2026",
        "https://tea.example/posts/1234567890123456789012",
        "https://tea.example/search?q=green+tea",
        "https://tea.example/the_first_and_the_last_pot_of_the_year_2026.html",
        "https://f8a3b2c4d5e6f7a8b9c0d1e2.tea.example/",
        "https://tea.example",
    ],
)
def test_other_links_stay(url: str) -> None:
    """Words in an address are no key, and a host is not the reader's."""
    assert not is_personal(url, "Tea")


def test_removed_links_keep_their_text_and_others_lose_tracking() -> None:
    """Tracking pictures are removed; text without an address stays."""
    key = "f8a3b2c4d5e6f7a8b9c0d1e2"
    tea = "https://tea.example/1?a=1&amp;b=2"
    body = (
        f'<p>Read <a href="https://click.example/{key}"><b>the pot</b></a> or '
        f'<a href="{tea}&amp;utm_source=letter&amp;mc_eid=1" rel="x">the cup</a>.</p>'
        f'<img src="https://tea.example/{key}.jpg" alt="Pot"><img src="https://open.example/o.gif?u={key}">'
        '<a id="a">b</a>'
    )
    assert without_personal(body) == (
        f'<p>Read <b>the pot</b> or <a href="{tea}" rel="x">the cup</a>.</p>'
        f'<img src="https://tea.example/{key}.jpg" alt="Pot"><a id="a">b</a>'
    )
