"""A planet with notices to receivers on loopback, run at given times; also in a process that is killed."""

from __future__ import annotations

import multiprocessing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config import load as configuration
from aggregator.config.store_address import DatabaseAddress
from aggregator.model.reading import Reading
from aggregator.model.resource import Resource
from aggregator.notify.delivery import Delivery
from aggregator.reading import worker_answers
from aggregator.reading.context import Context
from aggregator.reading.document import read_resource
from tests.conftest import NOW, Answer, Server
from tests.support.receiving import KEY, Webhook
from tests.support.site import Site, feed

HOUR = timedelta(hours=1)
_STARTING = multiprocessing.get_context("forkserver")
_STARTING.set_forkserver_preload(["tests.support.notified"])
"""What a process needs is imported once, for all of them."""


class _Reader:
    """Reads documents in the process itself: starting workers would take most of its time."""

    killed = 0

    def read(self, resource: Resource, context: Context) -> Reading:
        return worker_answers.reading_of(worker_answers.answer_of(read_resource(resource, context)), context)

    def close(self) -> None:
        pass


class Killable:
    """A run in a process of its own."""

    def __init__(self, file: Path, now: datetime) -> None:
        self._process = _STARTING.Process(target=_run, args=(file, now), daemon=True)
        self._process.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()

    def wait(self, seconds: float = 60) -> int | None:
        """Its exit code when it has ended; -9: it was killed."""
        self._process.join(seconds)
        return self._process.exitcode


def _run(file: Path, now: datetime) -> None:
    App._workers = property(lambda _: _Reader())  # type: ignore[assignment, method-assign]
    once(file, now)


class Seen(RunWatcher):
    """Keeps what became of messages."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def announced(self, delivery: Delivery) -> None:
        """Of each."""
        self.deliveries.append(delivery)


def once(file: Path, now: datetime) -> list[Delivery]:
    """Polls everything, publishes and sends; what became of messages."""
    seen = Seen()
    with App(configuration.load(file), now) as app:
        run_once(app, app.config.select(()), now, seen, is_over=lambda: False)
    return seen.deliveries


class NotifiedPlanet:
    """A site with sources at a server, and notices."""

    def __init__(self, home: Path, server: Server, store: Path | DatabaseAddress | None = None) -> None:
        self._store = {} if store is None else {"store": getattr(store, "url", str(store))}
        self.server = server
        self.site = Site(home)
        self.hook = Webhook(server)
        self.now = NOW

    def publish(self, name: str, *numbers: int) -> None:
        """Lets a source have these articles."""
        self.server.pages[f"/{name}"] = Answer(body=feed(name, *numbers))

    def configure(
        self, *notices: dict[str, Any], sources: tuple[str, ...] = ("tea",), more: str = ""
    ) -> None:
        """Writes the config, with these notices."""
        self.site.configure(
            *({"name": n, "url": f"{self.server.url}/{n}", "categories": [n.title()]} for n in sources),
            **self._store,
        )
        lines = ["", "[publish]", 'formats = ["atom"]', "archives = false", more]
        for notice in notices:
            lines += ["[[notify]]", *(f"{key} = {_toml(value)}" for key, value in notice.items())]
        with self.site.file.open("a", encoding="utf-8") as file:
            file.write("\n".join(lines))

    def webhook(self, name: str = "all", **settings: Any) -> dict[str, Any]:
        """A notice to the webhook."""
        return {"name": name, "to": self.hook.url, "key": KEY, "every": "0s", **settings}

    def run(self, after: timedelta = HOUR) -> list[Delivery]:
        """A run some time after the last one."""
        self.now += after
        return once(self.site.file, self.now)

    def start(self, after: timedelta = HOUR) -> Killable:
        """The same in a process that can be killed."""
        self.now += after
        return Killable(self.site.file, self.now)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)
