"""Articles whose ids change at their source are not published again; polled from a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import pytest

from aggregator.model.struct import replace
from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site


@dataclass(frozen=True)
class Item:
    """An item of an RSS feed; what is None is left out."""

    title: str | None
    link: str | None
    guid: str | None
    date: str | None
    body: str = "Some words about it"

    @property
    def xml(self) -> str:
        """The element."""
        values = {
            "title": self.title,
            "link": self.link,
            "guid": self.guid,
            "pubDate": self.date,
            "description": self.body,
        }
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value is not None)
        return f"<item>{inner}</item>"


def day(number: int) -> str:
    """The date of a numbered item."""
    return f"Mon, {1 + number % 28:02} Jan 2024 08:00:00 GMT"


def item(number: int, *, host: str = "http://blog.example", guid: str | None = "") -> Item:
    """A numbered item, whose guid is its link unless another is given."""
    link = f"{host}/{number}"
    return Item(f"Post {number}", link, link if guid == "" else guid, day(number), f"What {number} says")


def items(*numbers: int, host: str = "http://blog.example") -> list[Item]:
    """Numbered items with guids of their own."""
    return [item(n, host=host, guid=f"guid-{n}") for n in numbers]


class Feed:
    """A source that is polled each time that it is given other items."""

    def __init__(self, site: Site, server: Server) -> None:
        self.site, self.server = site, server
        site.configure(
            {"name": "a", "url": f"{server.url}/a"},
            fetch={"allow": ["127.0.0.1", "localhost"]},
            **{"publish.formats": ["json"]},
        )

    def poll(self, found: Sequence[Item]) -> dict[str, str]:
        """The titles that are published now, by their ids."""
        body = (
            "<rss version='2.0'><channel><title>A</title><link>http://blog.example/</link>"
            f"<description>A</description>{''.join(each.xml for each in found)}</channel></rss>"
        )
        self.server.pages["/a"] = Answer(200, {}, body.encode())
        assert self.site.run("fetch", "--force", "--strict").exit_code == 0
        return self.published()

    def published(self) -> dict[str, str]:
        """The titles in the feed of all, by their ids."""
        return {each["id"]: each.get("title", "") for each in self._items()}

    def modified(self) -> dict[str, str]:
        """When each was edited last, by its id; "" for never."""
        return {each["id"]: each.get("date_modified", "") for each in self._items()}

    def _items(self) -> list[dict[str, str]]:
        return list(json.loads(self.site.files()["all/feed.json"])["items"])


@pytest.fixture
def source(site: Site, server: Server) -> Feed:
    """A feed that was never polled."""
    return Feed(site, server)


def _spelled(change: Callable[[str], str]) -> Callable[[Item], Item]:
    return lambda each: replace(each, link=change(each.link or ""), guid=change(each.guid or ""))


SPELLINGS: dict[str, Callable[[Item], Item]] = {
    "https": _spelled(lambda link: link.replace("http:", "https:")),
    "www": _spelled(lambda link: link.replace("://", "://www.")),
    "a slash": _spelled(lambda link: f"{link}/"),
    "all of it": _spelled(lambda link: link.replace("http://", "https://www.") + "/"),
    "tracking": _spelled(lambda link: f"{link}?utm_source=rss&amp;utm_medium=feed"),
    "case of the host": _spelled(lambda link: link.replace("blog.example", "Blog.Example")),
}
SWITCHES: dict[str, Callable[[Item], Item]] = {
    "no guid": lambda each: replace(each, guid=None),
    "a uuid": lambda each: replace(each, guid=uuid5(NAMESPACE_URL, each.link or "").urn),
    "a number": lambda each: replace(each, guid=f"9{(each.link or '').rpartition('/')[2]}"),
    "one guid for all": lambda each: replace(each, guid="http://blog.example/"),
    "no guid, https": lambda each: replace(each, guid=None, link=(each.link or "").replace("http", "https")),
}


@pytest.mark.parametrize("change", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_another_spelling_of_an_id_is_the_same_article(source: Feed, change: Callable[[Item], Item]) -> None:
    """Under its outward id, without an edit; the other spelling is remembered, as is the former one."""
    before = source.poll([item(n) for n in range(1, 11)])
    assert len(before) == 10
    modified = source.modified()
    changed = [change(item(n)) for n in range(2, 12)]
    after = source.poll(changed)
    assert len(after) == 11
    assert before.items() <= after.items()
    assert modified.items() <= source.modified().items()
    assert (
        source.poll([replace(each, title=f"{each.title}, edited") for each in changed]).keys() == after.keys()
    )
    assert source.poll([item(n) for n in range(2, 12)]).keys() == after.keys()


@pytest.mark.parametrize("change", SWITCHES.values(), ids=SWITCHES.keys())
@pytest.mark.parametrize("is_dated", [True, False], ids=["dated", "undated"])
def test_a_switch_of_identity_publishes_nothing_again(
    source: Feed, change: Callable[[Item], Item], is_dated: bool
) -> None:
    """Nor does the way back."""
    old = [each if is_dated else replace(each, date=None) for each in items(*range(1, 11))]
    before = source.poll(old)
    assert source.poll([change(each) for each in old]) == before
    assert source.poll([change(replace(each, body=f"{each.body}, edited")) for each in old]) == before
    assert source.poll(old) == before


def test_two_of_ten_items_with_one_guid_repeat_no_article(source: Feed) -> None:
    """Ten items are known by links from then on, as two are more than one in twenty."""
    before = source.poll(items(*range(1, 11)))
    found = items(*range(1, 11))
    found[1] = replace(found[1], guid=found[0].guid)
    assert source.poll(found) == before
    assert source.poll(items(*range(1, 11))) == before


def test_of_two_items_with_one_guid_the_new_one_is_added(source: Feed) -> None:
    """Ten articles and one more are eleven."""
    before = source.poll(items(*range(1, 11)))
    after = source.poll([*items(*range(1, 11)), item(11, guid="guid-10")])
    assert after == {**before, "http://blog.example/11": "Post 11"}


def test_two_of_fifty_items_with_one_guid_repeat_no_article(source: Feed) -> None:
    """Of fifty items these two alone get ids of guid and link."""
    before = source.poll(items(*range(1, 51)))
    found = items(*range(1, 51))
    found[1] = replace(found[1], guid=found[0].guid)
    assert source.poll(found) == before
    assert source.poll(found[:10]) == before


def test_items_without_links_that_lose_their_guids_are_the_same(source: Feed) -> None:
    """By title, text and date."""
    old = [replace(each, link=None) for each in items(1, 2, 3)]
    before = source.poll(old)
    assert source.poll([replace(each, guid=None) for each in old]) == before


def test_an_article_is_the_same_on_the_new_host_after_a_move(source: Feed) -> None:
    """Hosts that the source never had are others."""
    old = [item(n, host="http://127.0.0.1") for n in (1, 2, 3)]
    before = source.poll(old)
    moved = [item(n, host="https://localhost") for n in (1, 2, 3)]
    store = Store(source.site.home / "var" / "aggregator.db")
    store.sources.move("a", source.server.url.replace("127.0.0.1", "localhost") + "/a")
    store.close()
    assert source.poll(moved) == before
    assert len(source.poll([item(n, host="https://elsewhere.example") for n in (1, 2, 3)])) == 6


def test_another_host_without_a_move_is_another_article(source: Feed) -> None:
    """A planet's articles may be alike, at other people's sites."""
    before = source.poll([item(n) for n in (1, 2)])
    assert len(source.poll([item(n, host="http://other.example") for n in (1, 2)])) == len(before) + 2


def test_different_content_at_the_same_address_is_another_article(source: Feed) -> None:
    """Title, text and date are others: the address was used again."""
    source.poll([item(1)])
    other = Item("Another", "https://blog.example/1", "https://blog.example/1", day(9), "Other words")
    assert [*source.poll([other]).values()] == ["Another", "Post 1"]


@pytest.mark.parametrize("same", ["title", "body", "date"])
def test_another_spelling_of_an_id_needs_an_equal_title_text_or_date(source: Feed, same: str) -> None:
    """One of the three is enough."""
    old = item(1)
    before = source.poll([old])
    other = Item("Another", "https://blog.example/1", "https://blog.example/1", day(9), "Other words")
    assert source.poll([replace(other, **{same: getattr(old, same)})]).keys() == before.keys()


def test_an_id_that_is_still_there_is_another_article(source: Feed) -> None:
    """Both spellings in one document are two entries."""
    source.poll([item(1)])
    both = [item(1), item(1, host="https://blog.example")]
    assert len(source.poll(both)) == 2
    assert len(source.poll([replace(each, body="Edited") for each in both])) == 2


def test_weekly_posts_with_one_link_are_separate_articles(source: Feed) -> None:
    """The same title and link, another date: also when the feed shows the last one alone."""
    weekly = [
        Item("Links of the week", "http://blog.example/links", f"week-{n}", day(n), f"Of {n}")
        for n in range(5)
    ]
    for number, each in enumerate(weekly):
        assert len(source.poll([each])) == number + 1
    assert len(source.poll(weekly)) == 5


def test_a_link_that_is_posted_again_is_another_article(source: Feed) -> None:
    """A link blog comes back to a page a year later, under another title."""
    first = Item("Look at this", "http://page.example/", "1", day(1), "It is good.")
    again = Item("Still worth a look", "http://page.example/", "2", day(9), "It is still good.")
    source.poll([first])
    assert len(source.poll([again])) == 2
    assert (
        len(source.poll([replace(again, guid="3", title="Once more", date=day(11), body="And so on"), first]))
        == 3
    )


def test_entries_that_swap_their_links_stay_what_they_are(source: Feed) -> None:
    """Their ids say who they are; where these changed too, titles on one day decide nothing."""
    a, b = items(1, 2)
    before = source.poll([a, b])
    swapped = [replace(a, link=b.link), replace(b, link=a.link)]
    assert source.poll(swapped) == before
    after = source.poll([replace(each, guid=f"new-{each.guid}") for each in (a, b)])
    assert [*before.items()] == [each for each in after.items() if each[0] in before]


def test_entries_that_share_a_link_are_joined_by_title_and_date(source: Feed) -> None:
    """All link to the start page; each is known by both, and where these are alike, none is."""
    old = [replace(each, link="http://blog.example/") for each in items(*range(1, 11))]
    before = source.poll(old)
    assert source.poll([replace(each, guid=f"new-{each.guid}") for each in old]) == before
    twins = [replace(old[0], guid="twin-1"), replace(old[0], guid="twin-2")]
    assert len(source.poll(twins)) == 12


def test_new_guids_at_every_poll_repeat_no_article(source: Feed) -> None:
    """Some feeds make a guid for each request; so many are remembered, not all."""
    before = source.poll(items(1, 2, 3))
    for number in range(25):
        found = [replace(each, guid=f"{each.guid}-{number}") for each in items(1, 2, 3)]
        assert source.poll(found) == before
    store = Store(source.site.home / "var" / "aggregator.db", reads_only=True)
    with store.database.snapshot() as connection:
        (count,) = connection.exec_driver_sql("SELECT count(*) FROM aliases").one()
    store.close()
    assert 3 <= count <= 60
