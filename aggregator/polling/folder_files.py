"""Decides which files of a folder are gone, and which are due to be read again though unchanged.

What must be remembered of a folder is stored in its validators, under `_KEY`, beside those of its retriever.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, Validators
from aggregator.model.struct import Struct, field
from aggregator.polling.read_documents import Gathered
from aggregator.store import Found

__all__ = ["Look", "MissingFiles", "gone", "is_pending", "look", "ready", "unchanged"]

SECOND_LOOK = timedelta(days=1)
"""If most files of a folder are missing, how long until they count as deleted: a disk may not be mounted."""

_KEY = "folder"


class MissingFiles(Struct, frozen=True, kw_only=True):
    """The files that are no longer in a folder.

    - `gone`: the files whose articles are to be withdrawn.
    - `missing_since`: when most files were first found missing; None unless that is to be checked again.
    - `problem`: to be reported once; None for nothing.
    """

    gone: frozenset[str] = frozenset()
    missing_since: datetime | None = None
    problem: Problem | None = None


class Look(Struct, frozen=True, kw_only=True):
    """The result of a poll of a folder.

    - `withdrawn`: files whose articles leave the feeds, because they are gone or are to be skipped.
    - `validators`: to be stored.
    """

    withdrawn: frozenset[str] = frozenset()
    validators: Validators = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def gone(
    known: Collection[str], present: Collection[str], missing_since: datetime | None, now: datetime
) -> MissingFiles:
    """Returns which of the `known` files are gone, if only those in `present` exist. Pure.

    Up to half of them may go at once. If more are missing, the first poll only reports it, and
    `missing_since` is to be passed to the next ones: files that are still missing a day later are gone.
    """
    names = frozenset(known)
    missing = names - frozenset(present)
    if 2 * len(missing) <= len(names):
        return MissingFiles(gone=missing)
    if missing_since is not None and now - missing_since >= SECOND_LOOK:
        return MissingFiles(gone=missing)
    if missing_since is not None:
        return MissingFiles(missing_since=missing_since)
    return MissingFiles(
        missing_since=now,
        problem=Problem(
            text=f"{len(missing)} of {len(names)} files are missing: their articles stay for a day, and are "
            "withdrawn if the files are still missing then; check that the folder is mounted"
        ),
    )


def ready(validators: Validators, now: datetime) -> Validators:
    """Returns the validators for a fetch at `now`, without those of files that are due to be read again."""
    due = {name for name, moment in _again(validators).items() if moment <= now}
    if not due:
        return validators
    files = validators.get("files", {})
    return {**validators, "files": {name: stamp for name, stamp in files.items() if name not in due}}


def is_pending(validators: Validators, now: datetime) -> bool:
    """Returns whether missing files are to be checked again now, even if nothing else in the folder
    changed.
    """
    since = _missing_since(validators)
    return since is not None and now - since >= SECOND_LOOK


def unchanged(fetched: Validators, before: Validators) -> Validators:
    """Returns the validators to store for a folder without changes; `before` are those stored now."""
    return _with(fetched, _again(before), _missing_since(before))


def look(
    before: Validators,
    fetched: Fetched,
    gathered: Gathered,
    owners: Mapping[str, str],
    found: Iterable[Found],
    now: datetime,
) -> Look:
    """Returns what a poll of a folder means for its files. Pure.

    - `before`: the stored validators.
    - `owners`: the file that each stored article came from.
    - `found`: the articles of this poll. An article that has moved to another file is not gone.
    """
    validators = fetched.validators_without(gathered.failed)
    files = fetched.validators.get("files", {})
    present = {*files, *fetched.refused, *(problem.where for problem in fetched.unread)}
    moved = {each.article.id for each in found}
    known = {name for id_, name in owners.items() if id_ not in moved}
    missing = gone(known, present, _missing_since(before), now)
    read = {resource.name for resource, _ in gathered.readings}
    again = {n: m for n, m in _again(before).items() if n in files and n not in read} | gathered.again
    return Look(
        withdrawn=missing.gone | gathered.skipped.keys(),
        validators=_with(validators, again, missing.missing_since),
        problems=(missing.problem,) if missing.problem else (),
    )


def _missing_since(validators: Validators) -> datetime | None:
    return _moment(_remembered(validators).get("missing_since"))


def _with(
    validators: Validators, again: Mapping[str, datetime], missing_since: datetime | None
) -> Validators:
    facts: dict[str, Any] = {}
    if again:
        facts["again"] = {name: moment.isoformat() for name, moment in sorted(again.items())}
    if missing_since is not None:
        facts["missing_since"] = missing_since.isoformat()
    return {**validators, _KEY: facts} if facts else validators


def _remembered(validators: Validators) -> Mapping[str, Any]:
    found = validators.get(_KEY)
    return found if isinstance(found, Mapping) else {}


def _again(validators: Validators) -> dict[str, datetime]:
    found = _remembered(validators).get("again")
    moments = (
        {str(name): _moment(value) for name, value in found.items()} if isinstance(found, Mapping) else {}
    )
    return {name: moment for name, moment in moments.items() if moment is not None}


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
