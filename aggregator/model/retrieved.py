"""The result of a fetch: documents with their validators, or that nothing changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from aggregator.model.article import Problem
from aggregator.model.hub_links import HubLinks
from aggregator.model.resource import Resource
from aggregator.model.struct import Struct

__all__ = ["NO_HINTS", "AnswerHints", "Fetched", "NotModified", "Resource", "Validators"]

Validators = Mapping[str, Any]
"""The data that make the next fetch conditional: JSON values, stored, understood only by their fetcher."""


class AnswerHints(Struct, frozen=True, kw_only=True):
    """The hints in an answer about the next poll.

    - `max_age`: how long the answer stays fresh from now on (RFC 9111 §4.2); None when it does not say, so
      that an earlier answer's still counts; zero when it is not to be cached.
    - `retry_after`: how long the server asks us to wait, None when it does not.
    - `moved_to`: the final address, if all redirects were permanent (301, 308); else None.
    - `time`: the server's own time, None when it does not say.
    """

    max_age: timedelta | None = None
    retry_after: timedelta | None = None
    moved_to: str | None = None
    time: datetime | None = None


NO_HINTS = AnswerHints()


class Fetched(Struct, frozen=True, kw_only=True):
    """The documents of a source that are new or may have changed, and their validators.

    `unread` are resources that could not be read, each with its reason. `refused` are the names of those
    among them that must not be read: articles that they gave earlier are deleted. `hub_links` is what the
    Link headers of a web document say, None where they name no hub.
    """

    resources: tuple[Resource, ...]
    validators: Validators
    unread: tuple[Problem, ...] = ()
    refused: frozenset[str] = frozenset()
    hints: AnswerHints = NO_HINTS
    hub_links: HubLinks | None = None
    status: int = 200

    def validators_without(self, names: Collection[str]) -> Validators:
        """The validators without those of the named resources, so that these are fetched again."""
        if not names:
            return self.validators
        files = self.validators.get("files", {})
        if not files:
            return {}
        return {**self.validators, "files": {name: files[name] for name in files if name not in names}}


class NotModified(Struct, frozen=True, kw_only=True):
    """Nothing changed since `validators` were given out; these replace them (RFC 9111 §4.3.4)."""

    validators: Validators
    hints: AnswerHints = NO_HINTS
    status: int = 304
