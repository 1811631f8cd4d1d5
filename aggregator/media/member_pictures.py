"""The picture of a member that is to be copied for the page of members."""

from __future__ import annotations

from pathlib import Path

from aggregator.model.struct import Struct

__all__ = ["MemberPicture"]


class MemberPicture(Struct, frozen=True, kw_only=True):
    """A picture of `source`; `file`: a local file, whose `address` is made from its content; None: remote."""

    source: str
    address: str
    file: Path | None = None
