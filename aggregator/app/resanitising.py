"""After an upgrade, sanitises stored articles by today's rules before anything is published."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from aggregator.config.load import Config
from aggregator.normalise.embedded_players import further_players
from aggregator.reading.version import READER_VERSION
from aggregator.store import Store

if TYPE_CHECKING:
    from aggregator.model.article import Article

__all__ = ["resanitise_store"]

_log = logging.getLogger("aggregator")


def resanitise_store(store: Store, config: Config, now: datetime, is_stopping: Callable[[], bool]) -> None:
    """Sanitises articles that an earlier version stored, in batches, until `is_stopping` returns True."""
    looked = total = 0

    def mended_article(article: Article) -> Article:
        from aggregator.reading.resanitising import resanitised

        with further_players(config.html.players):
            return resanitised(article)

    for count, changed in store.resanitising.mend(mended_article, READER_VERSION, now):
        looked, total = looked + count, total + changed
        if looked % 10_000 < count:
            _log.info("after an upgrade: %d stored articles were checked", looked)
        if is_stopping():
            return
    if total:
        _log.warning("after an upgrade: %d of %d stored articles were sanitised again", total, looked)
