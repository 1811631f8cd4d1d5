"""Quiet hours in a time zone. Pure."""

from __future__ import annotations

from datetime import datetime

from aggregator.config.load import SiteSettings
from aggregator.config.notifying import Notify, quiet_times
from aggregator.normalise.time_zones import zone_of

__all__ = ["is_quiet"]


def is_quiet(rule: Notify, site: SiteSettings, now: datetime) -> bool:
    """Whether nothing may be sent to its receiver now; the times of day may span midnight."""
    if rule.quiet is None:
        return False
    begins, ends = quiet_times(rule.quiet)
    clock = now.astimezone(zone_of(rule.timezone or site.timezone)).time()
    if begins < ends:
        return begins <= clock < ends
    return clock >= begins or clock < ends
