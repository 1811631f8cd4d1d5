"""Kind `opml`: the feeds of a subscription list are sources, as long as it lists them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import pytest

from aggregator.adapters.opml import subscription_list as lists
from aggregator.app.app import App
from aggregator.config import load as config
from aggregator.config.load import Source
from aggregator.config.subscriptions import Listed, with_listed
from aggregator.model.entry import Subscription, SubscriptionList
from aggregator.model.resource import Resource
from aggregator.store import Store
from tests.conftest import Answer, Server
from tests.support.site import Site, feed


def written(*feeds: tuple[str, str], folder: str = "Drinks") -> bytes:
    """A list of feeds, by title and address, in one folder."""
    inside = "".join(f"<outline text={quoteattr(t)} xmlUrl={quoteattr(u)}/>" for t, u in feeds)
    return f"<opml version='2.0'><body><outline text='{folder}'>{inside}</outline></body></opml>".encode()


@pytest.fixture
def drinks(server: Server) -> Server:
    """A server with two feeds."""
    for name in ("tea", "milk"):
        server.pages[f"/{name}"] = Answer(200, {}, feed(name, 1, 2))
    return server


def both(server: Server) -> bytes:
    """The list of the two."""
    return written(("Tea", f"{server.url}/tea"), ("Milk", f"{server.url}/milk"))


def configure(site: Site, server: Server, *sources: dict[str, Any], **settings: Any) -> None:
    """A site that follows the list."""
    source = {"name": "List", "kind": "opml", "url": f"{server.url}/list", "categories": ["ours"], **settings}
    site.configure(source, *sources, fetch={"host_gap": "0s"})


def states(site: Site) -> dict[str, str]:
    """Each source that is shown, and its address."""
    return {
        source["name"]: source["address"]
        for source in json.loads(site.run("sources", "--json").output)["sources"]
    }


def titles(site: Site) -> int:
    """How many articles the feed of all has."""
    return site.files()["all/atom.xml"].count(b"<entry>")


def test_the_feeds_of_a_list_are_followed_in_the_same_run(site: Site, drinks: Server) -> None:
    """Under names and in categories of their own, and of the list."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks)
    output = site.run("fetch").output
    assert "List: Tea: 2 new" in output
    assert "List: Milk: 2 new" in output
    assert states(site) == {
        "List": f"{drinks.url}/list",
        "List: Milk": f"{drinks.url}/milk",
        "List: Tea": f"{drinks.url}/tea",
    }
    assert site.files()["ours/atom.xml"].count(b"<entry>") == 4
    assert site.files()["Drinks/atom.xml"].count(b"<entry>") == 4
    assert "List: Tea" in site.run("fetch", "--force", "List: Tea").output


def test_a_feed_that_leaves_the_list_leaves_at_the_second_reading(site: Site, drinks: Server) -> None:
    """Its articles are kept, and return with it under the same name."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks)
    site.run("fetch")
    drinks.pages["/list"] = Answer(200, {}, written(("Tea", f"{drinks.url}/tea")))
    output = site.run("fetch", "--force", "List").output
    assert "List: Milk: is missing from the list" in output.replace("\n", " ")
    assert (titles(site), "List: Milk" in states(site)) == (4, True)
    site.run("fetch", "--force", "List")
    assert (titles(site), "List: Milk" in states(site)) == (2, False)
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    site.run("fetch", "--force", "List")
    assert (titles(site), "List: Milk" in states(site)) == (4, True)


def test_the_lists_retention_applies_to_feeds_that_left_it(site: Site, drinks: Server) -> None:
    """A feed without stored articles is forgotten three months after its last poll."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks, retention={"max_age": "3650d"})
    site.run("fetch")
    drinks.pages["/list"] = Answer(200, {}, written(("Tea", f"{drinks.url}/tea")))
    for _ in range(2):
        site.run("fetch", "--force", "List")
    pruned = []
    for days in (0, 3650, 3651):
        now = datetime.now(UTC) + timedelta(days=days)
        with App(config.load(site.file), now) as app:
            pruned.append(sum(app.upkeep(now)))
        store = Store(site.home / "var" / "aggregator.db")
        known = {*store.sources.states()}
        store.close()
        assert ("List: Milk" in known) is (days < 3651)
    # A clock that leaps by ten years is believed a day later. What feeds show stays.
    assert pruned == [0, 0, 2]


@pytest.mark.parametrize(
    "answer",
    [Answer(404), Answer(200, {}, b"<html>no list</html>"), Answer(200, {}, b"\x00\x01"), Answer(200)],
    ids=["not there", "a page", "junk", "nothing"],
)
def test_a_list_that_cannot_be_read_removes_no_feed(site: Site, drinks: Server, answer: Answer) -> None:
    """However often."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks)
    site.run("fetch")
    drinks.pages["/list"] = answer
    for _ in range(3):
        assert "failed" in site.run("fetch", "--force", "List").output
    assert (titles(site), len(states(site))) == (4, 3)


def test_a_list_that_is_empty_once_removes_no_feed(site: Site, drinks: Server) -> None:
    """A file may be empty while it is being saved."""
    configure(site, drinks)
    file = site.home / "list.opml"
    site.configure({"name": "List", "kind": "opml", "path": "list.opml"}, fetch={"host_gap": "0s"})
    file.write_bytes(both(drinks))
    assert "List: Tea: 2 new" in site.run("fetch").output
    file.write_bytes(written())
    site.run("fetch")
    file.write_bytes(both(drinks))
    site.run("fetch")
    file.write_bytes(written())
    site.run("fetch")
    assert len(states(site)) == 3
    site.run("fetch")
    assert len(states(site)) == 1


def test_an_unchanged_list_is_not_read(site: Site, drinks: Server) -> None:
    """The validators of its poll were saved with its feeds."""
    drinks.pages["/list"] = lambda request: (
        Answer(304) if "If-None-Match" in request.headers else Answer(200, {"ETag": '"1"'}, both(drinks))
    )
    configure(site, drinks)
    site.run("fetch")
    assert "nothing new" in site.run("fetch", "--force", "List").output
    assert len(states(site)) == 3


def test_a_feed_is_followed_once(site: Site, drinks: Server) -> None:
    """As the config has it, else as the first list has it; the others are reported."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    other = {"name": "Other", "kind": "opml", "url": f"{drinks.url}/list"}
    configure(site, drinks, {"name": "My tea", "url": f"{drinks.url}/tea/"}, other)
    drinks.pages["/tea/"] = drinks.pages["/tea"]
    output = site.run("fetch").output.replace("\n", " ")
    assert "is followed already, as 'My tea'" in output
    assert "is followed already, as 'List: Milk'" in output
    assert [*states(site)] == ["List", "List: Milk", "My tea", "Other"]


def test_removing_a_list_from_the_config_removes_its_feeds(site: Site, drinks: Server) -> None:
    """As removing a source does."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks, {"name": "Tea", "url": f"{drinks.url}/tea?own"})
    drinks.pages["/tea?own"] = Answer(200, {}, feed("own", 1))
    site.run("fetch")
    assert titles(site) == 5
    site.configure({"name": "Tea", "url": f"{drinks.url}/tea?own"}, fetch={"host_gap": "0s"})
    site.run("publish")
    assert (titles(site), [*states(site)]) == (1, ["Tea"])


def test_secrets_of_the_list_are_not_sent_to_its_feeds(site: Site, drinks: Server) -> None:
    """They are for its origin alone; other settings hold for its feeds too."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    configure(site, drinks, headers={"X-Key": "k3y"}, cookie="a=b", user_agent="Mine/1")
    site.run("fetch")
    sent = {request.path: request.headers for request in drinks.requests}
    assert sent["/list"]["X-Key"] == "k3y"
    assert "X-Key" not in sent["/tea"]
    assert "Cookie" not in sent["/tea"]
    assert sent["/tea"]["User-Agent"] == "Mine/1"


def test_a_list_cannot_name_local_files_or_private_hosts(site: Site, server: Server, tmp_path: Path) -> None:
    """Nor commands or other kinds."""
    (tmp_path / "secret.xml").write_bytes(feed("secret", 1))
    addresses = ("exec:x", "rsshub://x/y", "imap://x/y", (tmp_path / "secret.xml").as_uri())
    hostile = [(str(number), address) for number, address in enumerate(addresses)]
    server.pages["/list"] = Answer(200, {}, written(*hostile, ("Private", "http://10.0.0.1/feed")))
    configure(site, server)
    output = site.run("fetch").output.replace("\n", " ")
    assert output.count("is not an http or https address") == len(addresses)
    assert "not public" in output
    assert [*states(site)] == ["List", "List: Private"]


def test_preview_shows_what_would_be_followed(site: Site, drinks: Server) -> None:
    """Before the list is in the config."""
    drinks.pages["/list"] = Answer(200, {}, both(drinks))
    output = site.run("preview", f"{drinks.url}/list", "--kind", "opml").output
    assert "Milk" in output
    assert f"{drinks.url}/tea" in output


def test_a_long_list_is_followed_up_to_a_limit() -> None:
    """The rest is reported."""
    body = written(*((f"F{n}", f"https://f{n}.example/") for n in range(lists.MAX_FEEDS + 5)))
    found = lists.KIND.read(Resource(url="https://l.example/", body=body), None)
    assert isinstance(found, SubscriptionList)
    assert len(found.subscriptions) == lists.MAX_FEEDS
    assert "lists 10005 feeds; the first 10000 are followed" in found.problems[-1].text


def test_the_problems_of_a_list_are_bounded() -> None:
    """Some thousand feeds that are all followed already."""
    sources = [
        Source(name="List", kind="opml", url="https://l.example/"),
        Source(name="Tea", url="https://t.example/"),
    ]
    feeds = [
        Listed(list="List", name=f"List: {n}", subscription=Subscription(url="http://t.example"))
        for n in range(500)
    ]
    every, message = with_listed(sources, feeds)
    assert len(every) == 2
    assert len(message["List"]) == 101
    assert message["List"][-1].text == "and 400 more"


def test_a_name_that_the_config_has_is_the_configs() -> None:
    """The config came to it later; two sources cannot share one."""
    sources = [
        Source(name="List", kind="opml", url="https://l.example/"),
        Source(name="List: Tea", url="https://other.example/"),
    ]
    listed = Listed(list="List", name="List: Tea", subscription=Subscription(url="https://t.example/"))
    every, message = with_listed(sources, [listed])
    assert [source.name for source in every] == ["List", "List: Tea"]
    assert "has its name" in message["List"][0].text


def test_a_command_may_print_a_list(site: Site, drinks: Server) -> None:
    """As it may print any other document."""
    import sys

    (site.home / "list.opml").write_bytes(both(drinks))
    code = f"print(open({str(site.home / 'list.opml')!r}).read())"
    options = {"command": [sys.executable, "-c", code], "kind": "opml"}
    site.configure(
        {"name": "Mine", "kind": "exec", "options": options}, fetch={"commands": True, "host_gap": "0s"}
    )
    assert "Mine: Tea: 2 new" in site.run("fetch").output
