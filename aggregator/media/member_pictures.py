"""The picture of a member that is to be copied for the page of members."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MemberPicture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberPicture:
    """A picture of `source`; `file`: a local file, whose `address` is made from its content; None: remote."""

    source: str
    address: str
    file: Path | None = None
