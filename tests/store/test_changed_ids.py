"""Which articles are the same under other ids: by marks that they share with no third."""

from __future__ import annotations

import pytest

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.store.changed_ids import Identity, matched
from tests.conftest import NOW

OLD = Article(
    source="a",
    id="http://www.blog.example:80/2026/post/?b=1&utm_source=rss#top",
    title="A post",
    link="http://www.blog.example:80/2026/post/?b=1&utm_source=rss#top",
    published=NOW,
    content="<p>Words</p>",
)


@pytest.mark.parametrize(
    ("address", "is_same"),
    [
        ("https://blog.example/2026/post?b=1#top", True),
        ("https://user:key@BLOG.example:443/2026/%70ost/?b=1#top", True),
        ("https://blog.example/2026/post?b=2#top", False),
        ("https://blog.example/2026/post?b=1#end", False),
        ("https://blog.example:8443/2026/post?b=1#top", False),
        ("https://blog.example/2026/Post?b=1#top", False),
        ("https://sub.blog.example/2026/post?b=1#top", False),
        ("https://[blog.example/2026/post?b=1#top", False),
        ("tag:blog.example,2026:post", False),
    ],
)
def test_addresses_are_compared_without_what_changes_their_spelling(address: str, is_same: bool) -> None:
    """What may lead to another page stays: path, query, fragment, port, subdomain."""
    new = replace(OLD, id=address, link=address)
    assert matched([Identity.of(new)], [Identity.of(OLD)], [True]) == ({0: 0} if is_same else {})


def test_hosts_count_as_one_where_the_source_had_them() -> None:
    """Only those that are named."""
    new = replace(OLD, id=OLD.id.replace("blog", "other"), link=OLD.id.replace("blog", "other"))
    hosts = ("blog.example", "other.example")
    assert matched([Identity.of(new, hosts)], [Identity.of(OLD, hosts)], [True]) == {0: 0}
    assert matched([Identity.of(new, hosts[:1])], [Identity.of(OLD, hosts[:1])], [True]) == {}


def test_each_is_joined_once_and_never_with_one_that_is_still_there() -> None:
    """Nothing distinguishes two that are alike, on either side."""
    new, old = Identity.of(replace(OLD, id="new")), Identity.of(replace(OLD, id="old"))
    assert matched([new], [old], [True]) == {0: 0}
    assert matched([new], [old], [False]) == {}
    assert matched([new, new], [old], [True]) == {}
    assert matched([new], [old, old], [True, True]) == {}


def test_digests_cover_every_mark_and_reveal_no_words() -> None:
    """The same for another spelling, in any process."""
    mine = Identity.of(OLD).digests()
    assert mine & Identity.of(replace(OLD, id="new", link="https://blog.example/2026/post?b=1#top")).digests()
    other = replace(OLD, id="new", link="https://blog.example/2026/other", title="Another")
    assert not mine & Identity.of(other).digests()
    assert all(len(each) == 32 and int(each, 16) >= 0 for each in mine)
