"""A planet with notices to receivers on loopback, run at given times; also in a process that is killed."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from aggregator.app.app import App
from aggregator.app.main_job import RunWatcher, run_once
from aggregator.config import load as configuration
from aggregator.config.store_address import DatabaseAddress
from aggregator.notify.delivery import Delivery
from tests.conftest import NOW, Answer, Server
from tests.support.receiving import KEY, Webhook
from tests.support.site import Site, feed

HOUR = timedelta(hours=1)
_PROGRAM = """
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tests.support.notified import once
once(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]))
"""


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

    def start(self, after: timedelta = HOUR) -> subprocess.Popen[bytes]:
        """The same in a process that can be killed."""
        self.now += after
        command = [sys.executable, "-c", _PROGRAM, str(self.site.file), self.now.isoformat()]
        root = Path(__file__).parents[2]
        return subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f"'{value}'" if isinstance(value, str) else str(value)
