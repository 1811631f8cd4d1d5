"""Time zones as dates name them -> minutes east of Greenwich."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

__all__ = ["ZONES", "minutes_east", "region_minutes", "zone_of"]

MAX_MINUTES = 14 * 60
"""The largest offset of a zone in use."""

# RFC 822 §5.1, then the zones that feeds really name. IST, CST and the like mean several zones: the one in
# RFC 822 is used, else the one with the most inhabitants.
ZONES = {
    "": 0, "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "zulu": 0, "est": -300, "edt": -240, "cst":
    -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420, "et": -300, "ct": -360, "mt":
    -420, "pt": -480, "akst": -540, "akdt": -480, "hst": -600, "ast": -240, "adt": -180, "nst": -210,
    "ndt": -150, "brt": -180, "brst": -120, "art": -180, "clt": -240, "bst": 60, "ist": 330, "west": 60,
    "cet": 60, "met": 60, "mez": 60, "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "sast": 120,
    "eest": 180, "msk": 180, "msd": 240, "trt": 180, "pkt": 300, "ict": 420, "wib": 420, "hkt": 480,
    "sgt": 480, "awst": 480, "jst": 540, "kst": 540, "aest": 600, "acst": 570, "aedt": 660, "acdt": 630,
    "nzst": 720, "nzdt": 780,
}  # fmt: skip

_OFFSET = re.compile(
    r"(?:utc?|gmt|z)?\s*([+\u2212-])\s*([0-9]{1,2}):?([0-9]{2})?(?::?[0-9]{2})?z?", re.IGNORECASE
)
_COMMENT = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\bm=[+-][0-9.]+$")


def minutes_east(text: str) -> int | None:
    """The offset that `text` names, None when it names no zone; "" is Greenwich.

    A name, an offset, or both (`+0200 CEST`), where the offset counts. A military letter counts as UTC (RFC
    2822 §4.3), and so does an offset of more than 14 hours. Go's `m=+0.01` and what is in brackets after a
    zone are comments; in brackets without another zone, it is the zone.
    """
    text = text.strip().lower()
    found = _one(text)
    if found is None:
        bare = _COMMENT.sub(" ", text)
        words = (bare if bare.strip() else text.strip("[]()")).split()[:4]
        zones = [_one(word) for word in words]
        if zones and None not in zones:
            offsets = [zone for word, zone in zip(words, zones, strict=True) if word[0] in "+-\u2212"]
            found = (offsets or zones)[0]
    return found


def _one(text: str) -> int | None:
    if text in ZONES:
        return ZONES[text]
    if m := _OFFSET.fullmatch(text):
        minutes = int(m[2]) * 60 + int(m[3] or 0)
        return 0 if minutes > MAX_MINUTES else minutes if m[1] == "+" else -minutes
    return 0 if len(text) == 1 and text.isascii() and text.isalpha() else None


def region_minutes(name: str, local: datetime) -> int | None:
    """The offset of a region (`Europe/Berlin`) at a local time without a zone, None for an unknown region."""
    written = _regions().get(name.lower())
    offset = ZoneInfo(written).utcoffset(local) if written else None
    return offset // timedelta(minutes=1) if offset is not None else None


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """A zone of the IANA database by its name, with daylight saving time.

    Raises ValueError if it is unknown.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"no time zone is named {name!r}") from error


@lru_cache(maxsize=1)
def _regions() -> dict[str, str]:
    """Lower case -> the name in the system's list, which may be empty."""
    return {name.lower(): name for name in available_timezones() if "/" in name}
