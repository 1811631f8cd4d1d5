"""Kind `rsshub`: a route of RSSHub, `rsshub://cls/depth/1000`; its answer is a feed."""

from __future__ import annotations

from aggregator.adapters.feed.document import KIND as FEED
from aggregator.adapters.kinds import Kind

KIND = Kind(read=FEED.read, schemes=("rsshub",))
