"""WebSub: queues notifications of hubs about changed feeds, after the feeds were written.

`notify.channels.websub` sends them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from aggregator.config.load import Config
from aggregator.publishing.outputs import public_url
from aggregator.store import Store, announcement
from aggregator.writers import formats

__all__ = ["queue", "topics"]


def topics(written: Iterable[Path], config: Config) -> list[str]:
    """Returns the public addresses of the feeds among these files, as in their self links.

    Empty if the site has no address. Archive documents are left out: nobody subscribes to them.
    """
    if not config.site.url:
        return []
    feeds = {one.file_name for one in formats(config.all_formats) if one.is_feed}
    return [
        public_url(config, path.parent.name, path.name)
        for path in written
        if path.name in feeds and path.parent.parent == config.output
    ]


def queue(store: Store, written: Iterable[Path], config: Config, now: datetime) -> int:
    """Queues notifications of the config's hubs about these files; returns how many."""
    found = topics(written, config) if config.publish.hubs else []
    new = [announcement(hub, topic, now) for hub in config.publish.hubs for topic in found]
    if new:
        store.outbox.queue(new)
    return len(new)
