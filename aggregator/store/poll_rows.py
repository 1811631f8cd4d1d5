"""The columns of a source's row that a poll sets, and the statements that set them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from aggregator.schedule.state import PollState
from aggregator.store.schema import sources

__all__ = ["COMMITTED", "COMMITTED_AND_PLANNED", "following_poll", "planned"]


def following_poll(following: PollState | None) -> dict[str, Any]:
    """Returns the columns with the next poll of a source; {} for None, which keeps them."""
    if following is None:
        return {}
    return {
        "schedule": following,
        "next_poll": following.next_poll,
        "is_gone": following.next_poll is None,
    }


def planned(following: PollState) -> dict[str, Any]:
    """Returns the next poll as values of `COMMITTED_AND_PLANNED`."""
    return {
        "new_schedule": following,
        "new_poll": following.next_poll,
        "now_gone": following.next_poll is None,
    }


# Built once: a statement takes longer to build than to run, and these run for every poll.
COMMITTED = (
    sources.update()
    .where(sources.c.name == sa.bindparam("of_source"))
    .values(
        validators=sa.bindparam("new_validators"),
        body_hash=sa.bindparam("new_body_hash"),
        reader_version=sa.bindparam("new_reader_version"),
        identity=sa.func.coalesce(sa.bindparam("new_identity"), sources.c.identity),
        title=sa.func.coalesce(sa.func.nullif(sa.bindparam("new_title"), ""), sources.c.title),
        polled=sa.bindparam("now"),
        succeeded=sa.bindparam("now"),
        error=None,
        advice=None,
    )
)
COMMITTED_AND_PLANNED = COMMITTED.values(
    schedule=sa.bindparam("new_schedule"),
    next_poll=sa.bindparam("new_poll"),
    is_gone=sa.bindparam("now_gone"),
)
