"""Hubs are notified of what changed: a real hub on loopback."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from aggregator.config.load import Config, Fetch, Publish
from aggregator.errors import ConnectError, HttpStatus
from aggregator.fetch import Fetcher
from aggregator.model.struct import replace
from aggregator.notify.channels.protocol import Outside, not_taken
from aggregator.notify.channels.websub import Hubs
from aggregator.notify.delivery import Delivery, deliver, next_attempt
from aggregator.store import Store, announcement
from tests.app.test_daemon import log_of, running, until
from tests.conftest import NOW, Answer, Request, Server
from tests.support.site import Site as Folder
from tests.support.site import feed

MINUTE = timedelta(minutes=1)


class Hub:
    """A hub at a server, which notes what it is reported; `status` and `headers` are what it answers."""

    def __init__(self, server: Server) -> None:
        self.status = 202
        self.headers: dict[str, str] = {}
        self.forms: list[list[tuple[str, str]]] = []
        self.types: list[str] = []
        self.reported: Callable[[], object] = lambda: None
        self.url = f"{server.url}/hub?a=1"
        server.pages["/hub?a=1"] = self._answer

    def _answer(self, request: Request) -> Answer:
        self.forms.append(parse_qsl(request.body.decode(), keep_blank_values=True))
        self.types.append(request.headers["Content-Type"])
        self.reported()
        return Answer(self.status, self.headers)

    @property
    def topics(self) -> list[str]:
        """Returns what it was notified of, in order."""
        return [dict(form)["hub.url"] for form in self.forms]


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub at a server of its own."""
    server = Server()
    yield Hub(server)
    server.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store of one's own."""
    made = Store(tmp_path / "store.db")
    yield made
    made.close()


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    """A fetcher that may reach this machine."""
    made = Fetcher(Fetch(allow=("127.0.0.1",)), "Aggregator/test")
    yield made
    made.close()


def outside(fetcher: Fetcher, *hubs: str) -> Outside:
    """A config with these hubs."""
    return Outside(config=Config(publish=Publish(hubs=hubs)), fetcher=lambda: fetcher)


def tell(store: Store, fetcher: Fetcher, *hubs: str, after: timedelta = timedelta(0)) -> list[Delivery]:
    """One round, some time after now."""
    return list(deliver(store, outside(fetcher, *hubs), NOW + after, lambda: False))


def wait_for(store: Store, *topics: str, hub: str) -> None:
    """Queues these."""
    store.outbox.queue([announcement(hub, topic, NOW) for topic in topics])


def test_a_hub_is_notified_of_each_feed_once(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """A form as hubs have always taken it, one feed a request."""
    wait_for(store, "https://e.example/a?b=c&d", "https://e.example/ü", hub=hub.url)
    assert [reported.error for reported in tell(store, fetcher, hub.url)] == [None, None]
    assert sorted(hub.forms) == [
        [("hub.mode", "publish"), ("hub.url", "https://e.example/a?b=c&d")],
        [("hub.mode", "publish"), ("hub.url", "https://e.example/ü")],
    ]
    assert hub.types == ["application/x-www-form-urlencoded"] * 2
    assert tell(store, fetcher, hub.url) == []


def test_a_hub_that_is_out_of_order_is_notified_later(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """Once a round, after a minute, then four; when it is back, of everything."""
    wait_for(store, "https://e.example/a", "https://e.example/b", hub=hub.url)
    hub.status = 503
    (reported,) = tell(store, fetcher, hub.url)
    assert reported.again == NOW + MINUTE
    assert tell(store, fetcher, hub.url, after=MINUTE / 2) == []
    (reported,) = tell(store, fetcher, hub.url, after=MINUTE)
    assert len(hub.forms) == 2
    hub.status = 202
    assert len(tell(store, fetcher, hub.url, after=6 * MINUTE)) == 2
    assert tell(store, fetcher, hub.url, after=60 * MINUTE) == []


def test_the_time_that_a_hub_asks_for_is_kept(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """Also by what changes meanwhile; another hub is not concerned."""
    wait_for(store, "https://e.example/a", hub=hub.url)
    hub.status, hub.headers = 429, {"Retry-After": "3600"}
    (reported,) = tell(store, fetcher, hub.url)
    assert reported.again == NOW + 60 * MINUTE
    store.outbox.queue([announcement(hub.url, "https://e.example/a", NOW + MINUTE)])
    hub.status = 204
    assert tell(store, fetcher, hub.url, after=59 * MINUTE) == []
    assert [reported.error for reported in tell(store, fetcher, hub.url, after=60 * MINUTE)] == [None]


def test_a_hub_that_refuses_is_asked_three_times(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """Then it is given up, until the feed changes again."""
    wait_for(store, "https://e.example/a", hub=hub.url)
    hub.status = 400
    rounds = [tell(store, fetcher, hub.url, after=n * timedelta(days=1)) for n in range(5)]
    assert [len(reported) for reported in rounds] == [1, 1, 1, 0, 0]
    assert rounds[2][0].again is None
    assert len(hub.forms) == 3


def test_a_change_while_a_hub_is_notified_is_sent_too(store: Store) -> None:
    """The hub may have fetched the feed before it was written."""
    wait_for(store, "https://e.example/a", hub="https://hub.example/")
    (reported,) = store.outbox.due(NOW, 10)
    assert store.outbox.claim(reported, NOW, NOW + MINUTE)
    store.outbox.queue([announcement("https://hub.example/", "https://e.example/a", NOW + MINUTE / 2)])
    store.outbox.done(reported, NOW + MINUTE / 2)
    (again,) = store.outbox.due(NOW + MINUTE / 2, 10)
    assert again.queued == NOW + MINUTE / 2


def test_remaining_messages_are_sent_by_the_next_run(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """A stop loses nothing, nor does a restart."""
    wait_for(store, "https://e.example/a", "https://e.example/b", hub=hub.url)
    assert list(deliver(store, outside(fetcher, hub.url), NOW, lambda: bool(hub.forms))) != []
    assert len(hub.forms) == 1
    store.close()
    tell(store, fetcher, hub.url)
    assert sorted(hub.topics) == ["https://e.example/a", "https://e.example/b"]


def test_a_hub_that_the_config_names_no_longer_is_forgotten(store: Store, fetcher: Fetcher, hub: Hub) -> None:
    """And is sent nothing."""
    wait_for(store, "https://e.example/a", hub=hub.url)
    assert tell(store, fetcher, "https://other.example/") == []
    assert tell(store, fetcher, hub.url) == []
    assert hub.forms == []


def test_a_hub_on_this_machine_has_to_be_allowed(store: Store, hub: Hub) -> None:
    """The same guard as for sources."""
    fetcher = Fetcher(Fetch(), "Aggregator/test")
    wait_for(store, "https://e.example/a", hub=hub.url)
    (reported,) = tell(store, fetcher, hub.url)
    fetcher.close()
    assert reported.error is not None
    assert "fetch.allow" in str(reported.error)
    assert hub.forms == []


def test_the_wait_grows_and_ends() -> None:
    """About a day for a hub that is away; a refusal is believed sooner."""
    away, patience = not_taken(ConnectError("nobody answers")), Hubs.patience
    message = announcement("https://hub.example/", "https://e.example/a", NOW)
    failed = [replace(message, attempts=n) for n in range(8)]
    waits = [next_attempt(each, away, patience, NOW) for each in failed]
    minutes = [None if again is None else (again - NOW) / MINUTE for again in waits]
    assert minutes == [1, 4, 16, 64, 256, 360, 360, None]
    refusal = not_taken(HttpStatus("no", status=404))
    assert [next_attempt(each, refusal, patience, NOW) is None for each in failed[:3]] == [False, False, True]
    later = not_taken(HttpStatus("later", status=429, retry_after=timedelta(days=30)))
    assert next_attempt(message, later, patience, NOW) == NOW + timedelta(days=1)


def site_with(site: Folder, server: Server, hub: str) -> None:
    """A source and a hub."""
    server.pages["/a"] = Answer(200, {}, feed("a", 1))
    source = {"name": "a", "url": f"{server.url}/a", "categories": ["X"]}
    site.configure(source)
    with site.file.open("a", encoding="utf-8") as file:
        file.write(f'\n[publish]\nformats = ["rss", "atom"]\nhubs = ["{hub}"]\n')


def test_fetch_notifies_hubs_of_published_feeds(site: Folder, server: Server, hub: Hub) -> None:
    """Of exactly the feeds whose files changed."""
    site_with(site, server, hub.url)
    first = json.loads(site.run("fetch", "--json").stdout)
    everything = [
        f"https://planet.example/feeds/{name}.xml" for name in ("X/atom", "X/rss", "all/atom", "all/rss")
    ]
    assert sorted(hub.topics) == everything
    assert sorted(reported["topic"] for reported in first["announced"]) == everything
    hub.forms.clear()
    assert json.loads(site.run("fetch", "--json", "--force").stdout)["announced"] == []
    (site.output / "X" / "rss.xml").unlink()
    site.run("fetch")
    assert hub.topics == ["https://planet.example/feeds/X/rss.xml"]


def test_a_hub_is_notified_when_the_files_are_in_place(site: Folder, server: Server, hub: Hub) -> None:
    """It fetches them at once."""
    site_with(site, server, hub.url)
    found: list[bool] = []
    files = [site.output / folder / name for folder in ("X", "all") for name in ("rss.xml", "atom.xml")]
    hub.reported = lambda: found.append(all(file.exists() for file in files))
    site.run("fetch")
    assert found == [True] * 4


def test_a_hanging_hub_does_not_delay_a_publication(site: Folder, server: Server, hub: Hub) -> None:
    """The daemon publishes the next change before the hub has answered anything."""
    site_with(site, server, hub.url)
    lets_go = threading.Event()
    hub.reported = lambda: lets_go.wait(240)
    with running(site) as process:
        until(lambda: hub.forms)
        text = site.file.read_text(encoding="utf-8")
        server.pages["/b"] = Answer(200, {}, feed("b", 1))
        site.file.write_text(
            f'{text}\n[[sources]]\nname = "b"\nurl = "{server.url}/b"\ncategories = ["Y"]\n', encoding="utf-8"
        )
        until(lambda: (site.output / "Y" / "atom.xml").exists())
        lets_go.set()
        until(lambda: "https://planet.example/feeds/Y/atom.xml" in hub.topics)
        assert process.poll() is None


def test_a_hub_that_fails_fails_nothing_else(site: Folder, server: Server, hub: Hub) -> None:
    """It is reported, and tried another time."""
    site_with(site, server, hub.url)
    hub.status = 500
    result = site.run("fetch")
    assert result.exit_code == 0
    assert (site.output / "X" / "atom.xml").exists()
    assert "not notified" in result.stderr
    assert "again from" in result.stderr


def test_publish_leaves_notifications_to_the_next_run(site: Folder, server: Server, hub: Hub) -> None:
    """It uses no network; the daemon tells what waits in the store, in a job of its own."""
    site_with(site, server, hub.url)
    hub.status = 503
    site.run("fetch")
    hub.status = 202
    hub.forms.clear()
    (site.output / "X" / "rss.xml").unlink()
    site.run("publish")
    assert hub.forms == []
    store = Store(site.home / "var" / "aggregator.db")
    store.outbox.withdraw("websub", [])
    wait_for(store, "https://planet.example/feeds/X/rss.xml", hub=hub.url)
    store.close()
    with running(site) as process:
        until(lambda: "was notified of https://planet.example/feeds/X/rss.xml" in log_of(site))
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
