"""The picture of a member, as it is wanted for the page of members."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MemberFace"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFace:
    """A picture of `source`. `file` is a local one, which has an `address` of its content; None: remote."""

    source: str
    address: str
    file: Path | None = None
