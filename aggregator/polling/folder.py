"""The files of a folder over time: which are gone, and which are due to be read again without a change.

What is remembered of a folder stands in its validators, under `_KEY`, beside what its retriever keeps there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, Validators
from aggregator.polling.gather import Gathered
from aggregator.store import Found

__all__ = ["Look", "MissingFiles", "gone", "is_pending", "look", "ready", "unchanged"]

SECOND_LOOK = timedelta(days=1)
"""How long most files of a folder must be gone before it is believed: a disk may not be mounted."""

_KEY = "folder"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFiles:
    """What became of the files that are no longer in a folder.

    `gone` are those whose articles are to be withdrawn. `missing_since` is when most files were first found
    missing, None unless a second look is awaited. `problem` is to be reported once, None for nothing.
    """

    gone: frozenset[str] = frozenset()
    missing_since: datetime | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a poll of a folder found out.

    `withdrawn` are the files whose articles leave the feeds: they are gone, or are to be skipped.
    `validators` are to be stored.
    """

    withdrawn: frozenset[str] = frozenset()
    validators: Validators = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def gone(
    known: Collection[str], present: Collection[str], missing_since: datetime | None, now: datetime
) -> MissingFiles:
    """Which of the `known` files are gone, as only `present` are there. Pure.

    Up to half of them are believed at once. If more vanish together, the first look only reports it, and
    `missing_since` is to be handed to the next ones: what is still missing a day later is gone.
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
    """The validators for a fetch at `now`, without the files that are due to be read again."""
    due = {name for name, moment in _again(validators).items() if moment <= now}
    if not due:
        return validators
    files = validators.get("files", {})
    return {**validators, "files": {name: stamp for name, stamp in files.items() if name not in due}}


def is_pending(validators: Validators, now: datetime) -> bool:
    """Whether the second look is due, for which a folder in which nothing changed is looked at too."""
    since = _missing_since(validators)
    return since is not None and now - since >= SECOND_LOOK


def unchanged(fetched: Validators, before: Validators) -> Validators:
    """The validators to be stored of a folder in which nothing changed; `before` are the stored ones."""
    return _with(fetched, _again(before), _missing_since(before))


def look(
    before: Validators,
    fetched: Fetched,
    gathered: Gathered,
    owners: Mapping[str, str],
    found: Iterable[Found],
    now: datetime,
) -> Look:
    """What a poll of a folder found out about its files. Pure.

    `before` are the stored validators. `owners` says of every stored article which file it came from, and
    `found` are the articles of this poll: one that has moved to another file is not gone.
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
