"""A head's links: which, and in which order."""

from __future__ import annotations

import pytest

from aggregator.writers.channel import Chain
from aggregator.writers.head_links import relations
from tests.support.channels import channel_of

SELF = {f: f"https://feeds.example/drinks/{f}" for f in ("rss.xml", "atom.xml", "feed.json")}


def rels(file_name: str = "atom.xml", **changes: object) -> list[tuple[str, str]]:
    return [(link["rel"], link["href"]) for link in relations(channel_of(**changes), file_name)]


def test_the_hubs_follow_the_topic() -> None:
    """WebSub §4: what is subscribed to is the self link; each hub once, none that cannot be reached."""
    hubs = (
        "https://hub.example/",
        "mailto:hub",
        "ftp://hub/",
        "https://hub.example/",
        "https://b.example/?a b",
    )
    assert rels(hubs=hubs)[:4] == [
        ("self", "https://feeds.example/drinks/atom.xml"),
        ("hub", "https://hub.example/"),
        ("hub", "https://b.example/?a%20b"),
        ("alternate", "https://feeds.example/drinks/"),
    ]


def test_a_feed_without_an_address_has_no_hub() -> None:
    """A reader could not subscribe to it."""
    assert rels(hubs=("https://hub.example/",), self_links={}, link="") == []


@pytest.mark.parametrize("file_name", SELF)
def test_the_other_formats_are_alternates(file_name: str) -> None:
    """Each with its media type, so that a reader may choose."""
    found = list(relations(channel_of(self_links=SELF), file_name))
    assert {
        (link["rel"], link["type"]) for link in found if link["href"] != "https://feeds.example/drinks/"
    } == {
        ("self" if name == file_name else "alternate", media_type)
        for name, media_type in (
            ("rss.xml", "application/rss+xml"),
            ("atom.xml", "application/atom+xml"),
            ("feed.json", "application/feed+json"),
        )
    }


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (Chain(), []),
        (Chain(older="archive/9/"), [("prev-archive", "archive/9/rss.xml")]),
        (
            Chain(number=2, is_full=True, older="../1/", newer="../3/", current="../../"),
            [
                ("current", "../../rss.xml"),
                ("prev-archive", "../1/rss.xml"),
                ("next-archive", "../3/rss.xml"),
            ],
        ),
        (
            Chain(number=1, current="https://feeds.example/科/"),
            [("current", "https://feeds.example/%E7%A7%91/rss.xml")],
        ),
    ],
    ids=["no archives", "the feed", "an archive", "the only archive"],
)
def test_archive_links_stay_within_one_format(chain: Chain, expected: list[tuple[str, str]]) -> None:
    """RFC 5005 §4: the feed tells its newest archive, an archive its neighbours and its feed."""
    assert rels("rss.xml", chain=chain, self_links={}, link="") == expected
