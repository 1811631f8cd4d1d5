"""A feed that names a hub, followed by a store of one's own: polled, subscribed and pinged in one process."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from aggregator.config.load import Config, Source
from aggregator.fetch import Fetcher
from aggregator.polling.hub_callbacks import CallbackAnswer, HubCallbacks
from aggregator.polling.hub_pings import PingReader
from aggregator.polling.hub_subscribing import HubRequest, HubSubscriber
from aggregator.polling.poll import Poller
from aggregator.polling.poll_result import PollResult
from aggregator.reading.document import read_resource
from aggregator.store import HubSubscription, Store
from tests.conftest import NOW, Answer, Server
from tests.support.site import feed
from tests.support.strict_hub import StrictHub

PUBLIC = "https://planet.example/base"
_ATOM = "xmlns:atom='http://www.w3.org/2005/Atom'"


def with_links(document: bytes, hub: str, topic: str) -> bytes:
    """An RSS feed that names a hub, "" for none, and its own address, "" for none."""
    links = f"<atom:link {_ATOM} rel='hub' href='{hub}'/>" if hub else ""
    links += f"<atom:link {_ATOM} rel='self' href='{topic}'/>" if topic else ""
    return document.replace(b"<channel>", f"<channel>{links}".encode())


class Followed:
    """One feed `a` at a server, its hub, and the parts that know hubs; `now` is set by tests."""

    def __init__(self, home: Path, server: Server, **settings: Any) -> None:
        self.server = server
        self.hub = StrictHub(server)
        self.topic = f"{server.url}/a"
        self.now = NOW
        source = {"name": "a", "url": self.topic, "categories": ["X"], **settings.pop("source", {})}
        self.config = Config.model_validate(
            {
                "store": home / "store.db",
                "output": home / "out",
                "serve": {"url": PUBLIC},
                "fetch": {"allow": ["127.0.0.1"], "host_gap": "0s"},
                "sources": [source],
                **settings,
            }
        )
        self.store = Store(self.config.store)
        self.fetcher = Fetcher(self.config.fetch, "Aggregator/test")
        self.serve(1)
        self.callbacks = HubCallbacks(self.config)
        self.subscriber = HubSubscriber(self.store, self.fetcher, read_resource)
        self.reader = PingReader(self.store, read_resource)
        self.follow(self.config)
        self.callbacks.listening(self.now)

    def close(self) -> None:
        """Ends everything."""
        self.callbacks.close()
        self.fetcher.close()
        self.store.close()

    def follow(self, config: Config) -> None:
        """Goes on with another config."""
        self.config = config
        self.store.sources.adopt(config.sources, self.now)
        self.callbacks.adopt(config)
        self.polls = Poller(config, self.store, self.fetcher, read_resource)

    def document(self, *numbers: int, body: str = "Text") -> bytes:
        """The feed with these articles, as it names its hub."""
        return with_links(feed("a", *numbers, body=body), self.hub.url, self.topic)

    def serve(self, *numbers: int, body: str = "Text", **headers: str) -> None:
        """Lets the server have these articles."""
        self.server.pages["/a"] = Answer(200, headers, self.document(*numbers, body=body))

    def after(self, **wait: float) -> None:
        """Lets time go by, in which hubs are answered."""
        self.now += timedelta(**wait)
        self.callbacks.listening(self.now)

    def poll(self) -> PollResult:
        """Polls it now."""
        (poll,) = self.polls.poll_many(self.config.select(()), self.now)
        return poll

    def ask(self) -> list[HubRequest]:
        """Asks hubs for what is due."""
        return list(self.subscriber.run(self.config, self.named, self.now))

    def read(self) -> list[PollResult]:
        """Reads what hubs have sent."""
        self.reader.plan(self.named, self.now)
        return list(self.reader.read(self.config, self.named, self.now))

    def named(self, names: Collection[str]) -> Mapping[str, Source]:
        """The sources of these names."""
        return {source.name: source for source in self.config.sources if source.name in names}

    def subscribe(self) -> HubSubscription:
        """Polls, asks and verifies; the subscription, which is active then."""
        self.poll()
        self.ask()
        self.verify()
        return self.known

    def verify(self, **fields: str) -> CallbackAnswer:
        """The hub's verification of the oldest request to it, with these fields in place of its own."""
        form = self.hub.asked.pop(0)
        given = {
            "mode": form["hub.mode"],
            "topic": form["hub.topic"],
            "challenge": "c",
            "lease_seconds": "864000",
        }
        return self.get(form["hub.callback"], **{**given, **fields})

    def get(self, callback: str, **fields: str) -> CallbackAnswer:
        """A GET of a callback with these fields of WebSub."""
        query = urlencode({f"hub.{name}": value for name, value in fields.items()})
        return self.callbacks.verify(self.token(callback), query.encode(), self.now)

    def post(self, body: bytes = b"", **headers: str) -> CallbackAnswer:
        """A ping of the subscription, with the right signature unless the headers have another."""
        known = self.known
        digest = hmac.new(known.hmac_key.encode(), body, hashlib.sha256).hexdigest()
        given = {"content_type": "application/rss+xml", "x_hub_signature": f"sha256={digest}", **headers}
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items() if value]
        return self.callbacks.deliver(known.token, raw, body, self.now)

    def token(self, callback: str) -> str:
        """The token of a callback's address."""
        found = self.callbacks.token(urlsplit(callback).path)
        assert found is not None, callback
        return found

    @property
    def known(self) -> HubSubscription:
        """The subscription of the feed."""
        return self.store.hub_subscriptions.current()["a"]

    @property
    def next_poll(self) -> tuple[datetime | None, str]:
        """When it is polled next, and why."""
        state = self.store.sources.schedules()["a"]
        return state.next_poll, state.reason.value

    @property
    def titles(self) -> list[str]:
        """The titles of the articles that are kept, in their order."""
        return sorted(each.article.title for each in self.store.articles.all("a"))

    @property
    def polled(self) -> int:
        """How often the feed was asked for."""
        return sum(request.path == "/a" for request in self.server.requests)


@contextmanager
def followed(home: Path, server: Server, **settings: Any) -> Iterator[Followed]:
    """A followed feed for a while."""
    made = Followed(home, server, **settings)
    try:
        yield made
    finally:
        made.close()
