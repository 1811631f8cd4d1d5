"""A list against what is followed: what is new, what is reported."""

from __future__ import annotations

import pytest

from aggregator.adapters.opml.outlines import Subscription, SubscriptionList
from aggregator.config.load import Source
from aggregator.config.subscriptions import Listed, followed, plan, with_listed


def listed(*urls: str, title: str = "") -> SubscriptionList:
    """A list of these addresses."""
    return SubscriptionList(subscriptions=tuple(Subscription(url=url, title=title) for url in urls))


def test_new_feeds_become_sources_with_their_categories_and_site() -> None:
    """Only what is known is written."""
    one = Subscription(
        url="https://a.example/feed", title="A", link="https://a.example/", categories=("x", "y")
    )
    made = plan(SubscriptionList(subscriptions=(one, *listed("https://b.example/").subscriptions)), ())
    assert made.new[0] == {
        "name": "A",
        "url": "https://a.example/feed",
        "categories": ["x", "y"],
        "link": "https://a.example/",
    }
    assert made.new[1] == {"name": "b.example", "url": "https://b.example/", "categories": None, "link": None}
    assert made.problems == ()


def test_new_names_differ_from_each_other_and_from_existing_ones() -> None:
    """A name is a part of ids: no two sources share one."""
    made = plan(
        listed("https://a.example/", "https://b.example/", title="T"),
        [Source(name="T", url="https://x.example/")],
    )
    assert [source["name"] for source in made.new] == ["T (2)", "T (3)"]
    long = plan(listed("https://a.example/", "https://b.example/", title="x" * 200), ())
    assert [len(str(source["name"])) for source in long.new] == [200, 200]


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/feed",
        "http://a.example/feed",
        "https://A.EXAMPLE/feed",
        "https://a.example:443/feed",
        "https://a.example/feed/",
        "https://a.example/feed#top",
    ],
)
def test_feeds_that_are_followed_already_are_reported_and_left(url: str) -> None:
    """The same feed under another writing of its address is no new one."""
    made = plan(listed(url), [Source(name="Mine", url="https://a.example/feed")])
    assert made.new == ()
    assert [str(p) for p in made.problems] == [f"{url}: is followed already, as 'Mine'"]


@pytest.mark.parametrize(
    "url", ["https://a.example/feed?x=1", "https://a.example/Feed", "https://a.example:8/feed"]
)
def test_another_path_query_or_port_is_another_feed(url: str) -> None:
    """Nothing is taken for a repeat that may be none."""
    assert len(plan(listed(url), [Source(name="Mine", url="https://a.example/feed")]).new) == 1


def test_local_files_are_left_out_of_an_export_and_reported() -> None:
    """A file of this machine is of no use to others."""
    found = followed(
        [
            Source(name="a", url="https://u:p@a.example/"),
            Source(name="b", url="file:///b.xml"),
            Source.model_construct(name="c", kind="articles", path=None, url=None),
        ]
    )
    assert [s.title for s in found.subscriptions] == ["a"]
    assert [p.where for p in found.problems] == ["a", "b", "c"]


def test_feeds_of_a_list_take_its_settings_over() -> None:
    """All but what is for the list's origin alone, and what a list is."""
    friends = Source.model_validate(
        {
            "name": "Friends",
            "kind": "opml",
            "url": "https://friends.example/list.opml",
            "author": "A friend",
            "timezone": "Europe/Berlin",
            "full_text": {"pages": 3, "content": "article"},
            "robots": False,
            "private": True,
            "interval": "2h",
            "cookie": "secret",
        }
    )
    feed = Subscription(url="https://a.example/feed", title="A")
    made, _ = with_listed([friends], [Listed(list="Friends", name="Friends: A", subscription=feed)])
    taken_over = ("author", "timezone", "full_text", "robots", "private", "interval", "adaptive", "enabled")
    assert [getattr(made[1], name) for name in taken_over] == [getattr(friends, name) for name in taken_over]
    assert (made[1].kind, made[1].cookie, made[1].has_public_address) == ("feed", None, False)
