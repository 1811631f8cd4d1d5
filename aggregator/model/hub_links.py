"""Which WebSub hubs a document names, and as which topic."""

from __future__ import annotations

from aggregator.model.struct import Struct

__all__ = ["HubLinks"]


class HubLinks(Struct, frozen=True, kw_only=True):
    """The WebSub links of a document, or of the headers that came with it (W3C WebSub §4).

    `hubs` are absolute addresses in their order, none where no hub is named. `topic` is the address that the
    document has for itself (`rel=self`), "" where it has none.
    """

    hubs: tuple[str, ...] = ()
    topic: str = ""
