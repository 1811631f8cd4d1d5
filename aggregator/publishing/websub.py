"""WebSub: which feeds changed is queued for the hubs, after they were written and never before.

`notify.channels.websub` sends it.
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
    """The public addresses of the feeds among these files, as their self links have them.

    There are none without site.url. Nobody subscribes to archive documents, which lie deeper.
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
    """Stores which of the config's hubs are to be notified of these files; how many announcements that is."""
    found = topics(written, config) if config.publish.hubs else []
    new = [announcement(hub, topic, now) for hub in config.publish.hubs for topic in found]
    if new:
        store.outbox.queue(new)
    return len(new)
