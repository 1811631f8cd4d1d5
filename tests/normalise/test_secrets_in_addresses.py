"""Which addresses strangers may read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.secrets_in_addresses import (
    carries,
    is_publishable,
    secrets_of,
    without_keys,
    without_logins,
)

PLAIN = [
    "https://tea.example/feed.xml",
    "http://tea.example",
    "http://tea.example:8080/a/b/",
    "https://medium.com/feed/@someone",
    "https://tea.example/feed/%E8%8C%B6",
    "HTTPS://TEA.EXAMPLE/FEED",
    "https://[2001:db8::1]/feed",
]


@pytest.mark.parametrize("address", PLAIN)
def test_an_address_without_query_and_login_may_be_read(address: str) -> None:
    """Whichever document named it."""
    assert is_publishable(address)
    assert is_publishable(address, is_own_word=True)


@pytest.mark.parametrize(
    "address",
    [
        "https://tea.example/feed?key=s3cret",
        "https://tea.example/feed?s3cret",
        "https://tea.example/?feed=rss2",
        "https://tea.example/feed#key=s3cret",
        "https://tea.example/feed;jsessionid=s3cret",
        "https://tea.example/feed%3Fkey=s3cret",
        "https://tea.example/feed%3fkey=s3cret",
        "https://tea.example/feed%253Fkey=s3cret",
        "https://tea.example/feed%23key=s3cret",
        "https://tea.example/feed%3Bkey=s3cret",
        "https://proxy.example/https%3A%2F%2Ftea.example%2Ffeed%3Fkey%3Ds3cret",
    ],
)
def test_an_address_with_a_query_may_be_read_only_where_the_feed_names_it(address: str) -> None:
    """In any spelling."""
    assert not is_publishable(address)
    assert is_publishable(address, is_own_word=True)
    assert is_publishable(address, secrets_of("https://tea.example/feed?key=another"), is_own_word=True)


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://me:s3cret@tea.example/feed",
        "https://me@tea.example/feed",
        "https://:s3cret@tea.example/feed",
        "https://me:p@ss@tea.example/feed",
        "https://proxy.example/https://me:s3cret@tea.example/feed",
        "https://proxy.example/https%3A%2F%2Fme%3As3cret%40tea.example/feed",
        "https://proxy.example/?u=https%3A%2F%2Fme%3As3cret%40tea.example/feed",
        "file:///home/me/feed.xml",
        "rsshub://a/b",
        "imaps://imap.example/INBOX",
        "exec:name",
        "mailto:me@tea.example",
        "tea.example/feed",
        "https:///feed",
        "https://[::1/feed",
        "/home/me/feed.xml",
    ],
)
def test_addresses_with_logins_and_other_schemes_are_never_public(address: str | None) -> None:
    """Even if the feed names them."""
    assert not is_publishable(address)
    assert not is_publishable(address, is_own_word=True)


@pytest.mark.parametrize(
    ("request_", "own"),
    [
        ("https://blog.example/?feed=rss2&key=s3cret", "https://blog.example/?feed=rss2&key=s3cret"),
        ("https://blog.example/?feed=rss2&key=s3cret", "https://blog.example/?key=s3cret&feed=rss2"),
        ("https://blog.example/?feed=rss2&key=s3cret", "https://blog.example/?feed=rss2"),
        ("https://blog.example/?key=s3cret", "http://www.blog.example/feed/?token=s3cret"),
        ("https://blog.example/?key=s3%63ret", "https://blog.example/?key=s3cret"),
        ("https://blog.example/?key=a+b", "https://blog.example/?key=a%20b"),
        ("https://blog.example/?key=s3cret", "https://blog.example/feed;key=s3cret?a"),
        ("https://blog.example/?key=s3cret", "https://blog.example/#key=s3cret"),
        ("https://blog.example/?s3cret", "https://blog.example/?s3cret"),
        ("https://blog.example/?s3cret", "https://blog.example/feed/s3cret/rss"),
        ("https://blog.example/?key=s3cret", "https://s3cret.blog.example/feed"),
        ("https://blog.example/?a=1;key=s3cret", "https://blog.example/?key=s3cret"),
        (
            "https://blog.example/?key=s3cret",
            "https://hub.example/?u=https%3A%2F%2Fblog.example%2F%3Fkey%3Ds3cret",
        ),
        ("https://me:s3cret@blog.example/feed", "https://blog.example/feed?pass=s3cret"),
        ("https://me:s3cret@blog.example/feed", "https://blog.example/feed?user=me"),
        ("https://me:s3%40cret@blog.example/feed", "https://blog.example/feed?p=s3%40cret"),
        ("https://h.example/?u=https%3A%2F%2Fb.example%2F%3Fk%3Ds3cret", "https://b.example/?k=s3cret"),
    ],
)
def test_a_self_link_that_repeats_our_request_is_not_published(request_: str, own: str) -> None:
    """WordPress prints the address that was asked."""
    assert not is_publishable(own, secrets_of(request_), is_own_word=True)


def test_short_secrets_are_looked_for_only_in_queries() -> None:
    """A language may stand in any path."""
    asked = secrets_of("https://tea.example/feed?lang=en")
    assert is_publishable("https://tea.example/en/feed", asked)
    assert not is_publishable("https://tea.example/feed?lang=en", asked, is_own_word=True)
    assert carries("https://tea.example/?lang=en", asked)
    assert not carries("https://tea.example/en/", asked)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "it redirects to 'https://b.example/f?key=s3cret', which is",
            "it redirects to 'https://b.example/f', which is",
        ),
        ("a loop at https://b.example/f?key=s3cret", "a loop at https://b.example/f"),
        ("https://me:s3cret@b.example/f: gone (410)", "https://b.example/f: gone (410)"),
        ("https://me:s3@cret@b.example/f", "https://b.example/f"),
        ("imaps://me:s3cret@b.example/INBOX refuses", "imaps://b.example/INBOX refuses"),
        ("at /login?next=%2Ff%3Fkey%3Ds3cret now", "at /login now"),
        ("to https://b.example/f%3Fkey%3Ds3cret", "to https://b.example/f"),
        ("to https://b.example/f%253Fkey%253Ds3cret", "to https://b.example/f"),
        ("to https://b.example/#access_token=s3cret", "to https://b.example/"),
        ("to https://b.example/f;sid=s3cret.", "to https://b.example/f"),
        ('to "https://b.example/f?key=s3cret"', 'to "https://b.example/f"'),
        ("to (https://b.example/f?key=s3cret)", "to (https://b.example/f)"),
        (
            "a: https://b.example/f?k=s3cret; b: https://c.example/?k=s3cret",
            "a: https://b.example/f b: https://c.example/",
        ),
        ("to https%3A%2F%2Fme%3As3cret%40b.example%2Ff", "to https%3A%2F%2Fb.example%2Ff"),
        ("what is wrong? nothing; wait (404)", "what is wrong? nothing; wait (404)"),
        ("the server answered 404", "the server answered 404"),
    ],
)
def test_texts_are_cut_before_each_query(text: str, shown: str) -> None:
    """And lose logins; sentences stay."""
    assert without_keys(text) == shown
    assert "s3cret" not in without_keys(text)


@given(st.text(), st.text())
def test_any_text_can_be_judged(one: str, other: str) -> None:
    """Nothing raises, whatever an address is."""
    is_publishable(one, secrets_of(other), is_own_word=True)
    is_publishable(f"https://{one}?{other}", secrets_of(f"https://{other}@{one}/"))
    assert isinstance(without_keys(one), str)


@given(st.text(alphabet=st.characters(exclude_characters="/?#", exclude_categories=("Z", "C")), min_size=1))
def test_logins_are_removed_from_any_text(login: str) -> None:
    """Whatever it is made of."""
    assert without_logins(f"at https://{login}@b.example/: gone") == "at https://b.example/: gone"


@given(st.text(alphabet="abcXYZ0123456789-_", min_size=6, max_size=40))
def test_no_secret_of_a_request_is_published(key: str) -> None:
    """Wherever a self link puts it."""
    asked = secrets_of(f"https://tea.example/feed?key={key}")
    for own in (
        f"https://tea.example/{key}/feed",
        f"https://tea.example/feed?token={key}",
        f"https://tea.example/feed?a=b&{key}",
        f"https://x.example/?to=https://tea.example/?k={key}",
    ):
        assert not is_publishable(own, asked, is_own_word=True)
