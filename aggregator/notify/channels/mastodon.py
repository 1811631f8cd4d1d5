"""Posts statuses to a Mastodon server or one with its API (https://docs.joinmastodon.org/methods/statuses/).

Never twice: each status has an Idempotency-Key, which servers remember for an hour. If no response came, or
the process was killed, the account's latest statuses are searched for a status that may have been posted.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import quote

from aggregator.config.load import Auth, Mastodon
from aggregator.errors import DeliveryError, HttpStatus, SourceError
from aggregator.fetch.freshness import until_reset
from aggregator.notify.channels.protocol import DeliveryChannel, Outside, Patience, not_taken
from aggregator.notify.mastodon_status import language_of, status_text
from aggregator.notify.mentions import link_without_mentions
from aggregator.store import IN_DOUBT, OutboxMessage

__all__ = ["Statuses"]

_REMEMBERED = timedelta(minutes=50)
"""Servers remember Idempotency-Keys for an hour."""

_LATEST = 40
_DOUBTFUL = "; it may have been posted nevertheless"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """Limits of an instance: the length of a status, and how many characters a link counts as."""

    max_characters: int = 500
    link_characters: int = 23


class Statuses(DeliveryChannel):
    """Posts statuses; a target is the name of a table of the config."""

    noun = "status"
    patience = Patience(age=timedelta(days=3), refusals=3, waiting=200)

    def __init__(self, outside: Outside) -> None:
        super().__init__(outside)
        self._limits: dict[str, _Limits] = {}

    def targets(self) -> Collection[str]:
        """The names of the enabled tables."""
        return [rule.name for rule in self.outside.config.mastodon if rule.enabled]

    def _rule(self, name: str) -> Mastodon | None:
        enabled = (rule for rule in self.outside.config.mastodon if rule.enabled)
        return next((rule for rule in enabled if rule.name == name), None)

    def place(self, target: str) -> str:
        """The host of the server."""
        rule = self._rule(target)
        return target if rule is None else f"{target} ({rule.host})"

    def subject(self, message: OutboxMessage) -> str:
        """The title of the article, else its link."""
        said = _said(message)
        return str(said.get("title") or said.get("link") or "")

    def send(self, message: OutboxMessage, now: datetime) -> datetime | None:
        """Posts a status unless it was posted already; returns the earliest time for the next one."""
        rule = self._rule(message.target)
        if rule is None:
            raise DeliveryError("the config names no such receiver any more", is_final=True)
        said = _said(message)
        if self._is_in_doubt(message) and self._was_posted(rule, said, message, now):
            return now + rule.every
        limits = self._limits_of(rule, now)
        text = status_text(said, limits.max_characters, limits.link_characters)
        status = {"status": text, "visibility": rule.visibility}
        if language := language_of(said, rule.language, self.outside.config.site.language):
            status["language"] = language
        headers = {
            "Authorization": f"Bearer {rule.token.get_secret_value()}",
            "Content-Type": "application/json",
            "Idempotency-Key": message.id,
            "Accept": "application/json",
        }
        body = json.dumps(status, ensure_ascii=False).encode("utf-8", "replace")
        try:
            answered = self.outside.fetcher().post(f"{rule.to}/api/v1/statuses", body, headers, now)
        except HttpStatus as error:
            raise _refused(error) from error
        except SourceError as error:
            refused = not_taken(error)
            raise DeliveryError(f"{refused}{_DOUBTFUL}", wait=refused.wait) from error
        reset = until_reset(answered, now)
        return now + max(rule.every, reset or timedelta())

    def _is_in_doubt(self, message: OutboxMessage) -> bool:
        return message.error == IN_DOUBT or message.error.endswith(_DOUBTFUL)

    def _was_posted(
        self, rule: Mastodon, said: dict[str, Any], message: OutboxMessage, now: datetime
    ) -> bool:
        """Whether the account has posted this link; if reading is not allowed, the server's memory is used.

        Raises DeliveryError if neither can answer, and if the server cannot be reached now.
        """
        try:
            account = self._asked(rule, "/api/v1/accounts/verify_credentials", now)
            number = quote(str(account.get("id", "")), safe="")
            latest = self._asked(rule, f"/api/v1/accounts/{number}/statuses?limit={_LATEST}", now)
        except HttpStatus as error:
            if error.status not in (401, 403, 404):
                raise not_taken(error) from error
            if now - message.queued < _REMEMBERED:
                return False
            raise DeliveryError(
                "it may have been posted before, and the token may not read statuses: give it read:accounts "
                "and read:statuses, too",
                is_final=True,
            ) from error
        except SourceError as error:
            raise DeliveryError(f"{not_taken(error)}{_DOUBTFUL}") from error
        link = f'href="{link_without_mentions(str(said.get("link", "")))}"'
        found = latest if isinstance(latest, list) else []
        return any(link in unescape(str(one.get("content", ""))) for one in found if isinstance(one, dict))

    def _asked(self, rule: Mastodon, path: str, now: datetime) -> Any:
        """A JSON document of the server. Raises SourceError."""
        body = self.outside.fetcher().get(f"{rule.to}{path}", Auth.model_construct(bearer=rule.token), now)
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise DeliveryError(f"{rule.host} did not answer with JSON{_DOUBTFUL}") from error

    def _limits_of(self, rule: Mastodon, now: datetime) -> _Limits:
        """The instance's limits, of the present or the former API; Mastodon's defaults if it gives none."""
        if rule.to not in self._limits:
            said: Any = {}
            for path in ("/api/v2/instance", "/api/v1/instance"):
                try:
                    said = self._asked(rule, path, now)
                    break
                except (SourceError, DeliveryError):
                    continue
            self._limits[rule.to] = _limits(said)
        return self._limits[rule.to]


def _limits(said: Any) -> _Limits:
    said = said if isinstance(said, dict) else {}
    configuration = said.get("configuration")
    statuses = configuration.get("statuses") if isinstance(configuration, dict) else None
    statuses = statuses if isinstance(statuses, dict) else {}
    known = _Limits()
    longest = statuses.get("max_characters", said.get("max_toot_chars"))  # Pleroma has the latter
    link = statuses.get("characters_reserved_per_url")
    return _Limits(
        max_characters=longest if isinstance(longest, int) and longest > 0 else known.max_characters,
        link_characters=link if isinstance(link, int) and 0 < link <= 100 else known.link_characters,
    )


def _said(message: OutboxMessage) -> dict[str, Any]:
    listed = message.payload.get("articles")
    first = listed[0] if isinstance(listed, list) and listed else {}
    return first if isinstance(first, dict) else {}


def _refused(error: HttpStatus) -> DeliveryError:
    reasons = {
        401: "the server does not know the token; create another, and set it in the config",
        403: "the token may not post: it needs write:statuses",
        422: "the server does not accept this status (422)",
    }
    made = not_taken(error)
    return DeliveryError(reasons.get(error.status, str(made)), wait=made.wait, is_refusal=error.status == 422)
