"""One file per output format: channel -> bytes. The only room that knows feedgen.

A new format is one file with a `Writer` in it and one line in `WRITERS`.
"""

from __future__ import annotations

from aggregator.writers.atom import Atom
from aggregator.writers.channel import Channel, Item, Writer
from aggregator.writers.rss import Rss

__all__ = ["WRITERS", "Channel", "Item", "Writer"]

WRITERS: tuple[Writer, ...] = (
    Rss(),
    Atom(),
)
