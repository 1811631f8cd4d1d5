"""The result of reading one document: its articles, and what is stored for the next poll."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aggregator.model.article import Document
from aggregator.model.entry import IdentityKind, Subscription
from aggregator.model.hub_links import HubLinks
from aggregator.model.struct import Struct, field
from aggregator.model.verdict import Judged


class Reading(Struct, frozen=True, kw_only=True):
    """A document as it was read.

    - `fingerprints`: one for each article, for the next call's `known`. `known`: those by which entries were
      known, and left out. `identity`: the kind of id in use, for the next call.
    - `content_hashes`: of each article, where fingerprints are taken. `packed`: what `pack_utf8`
      returns for each article, where a worker has called it.
    - `judged`: what rules say of each article, where they were asked there; `judged_by` names these rules and
      the time.
    - `hints`: the document's own polling hints (ttl …), as written. `more`: further documents that
      belong to it.
    - `skipped`, `shown_from`, `shown_until`: of a document that is one article, as in `ArticleDocument`; one
      that is skipped has no article.
    - `hub_links`: what the document itself says of WebSub hubs.
    - `subscriptions`: the feeds of a subscription list; None for other documents.
    """

    document: Document
    fingerprints: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    content_hashes: tuple[str, ...] = ()
    packed: tuple[bytes, ...] = ()
    judged: tuple[Judged, ...] = ()
    judged_by: str = ""
    identity: IdentityKind = "guid"
    hints: Mapping[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    hub_links: HubLinks = field(default_factory=HubLinks)
    subscriptions: tuple[Subscription, ...] | None = None
    skipped: str = ""
    shown_from: datetime | None = None
    shown_until: datetime | None = None

    @property
    def unchanged(self) -> int:
        """How many entries were left out because their fingerprint was known."""
        return len(self.known)
