"""A strict stand-in of a Mastodon server: what it refuses, a real one refuses."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable

from tests.conftest import NOW, Answer, Request, Server

TOKEN = "a-token"


class MastodonServer:
    """Speaks the part of Mastodon's API that we use, at a server on loopback.

    - `statuses`: what was posted, the newest last. `posted` is called as one is saved, before the answer.
    - `max_characters`, `link_characters`: its configuration. `remaining` may be posted until `reset`.
    - `remembers`: whether it knows Idempotency-Keys; `may_read`: whether the token may read statuses.
    - `fails`: the status that it answers to posts, 0 for none.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.statuses: list[dict[str, str]] = []
        self.keys: dict[str, dict[str, str]] = {}
        self.refused: list[str] = []
        self.max_characters, self.link_characters = 500, 23
        self.remaining, self.reset = 300, NOW
        self.remembers = self.may_read = True
        self.fails = 0
        self.posted: Callable[[], object] = lambda: None
        server.pages["/api/v2/instance"] = self._instance
        server.pages["/api/v1/statuses"] = self._post
        server.pages["/api/v1/accounts/verify_credentials"] = self._account
        server.pages["/api/v1/accounts/7/statuses?limit=40"] = self._latest

    @property
    def texts(self) -> list[str]:
        """The first line of each status."""
        return [one["status"].partition("\n")[0] for one in self.statuses]

    def forget_keys(self) -> None:
        """As after an hour."""
        self.keys.clear()

    def _instance(self, _request: Request) -> Answer:
        said = {"max_characters": self.max_characters, "characters_reserved_per_url": self.link_characters}
        return _json({"configuration": {"statuses": said}})

    def _account(self, request: Request) -> Answer:
        return _json({"id": "7"}) if self.may_read and _is_known(request) else _json({"error": "no"}, 403)

    def _latest(self, request: Request) -> Answer:
        if not (self.may_read and _is_known(request)):
            return _json({"error": "no"}, 403)
        return _json([{"id": one["id"], "content": one["content"]} for one in self.statuses[::-1][:40]])

    def _post(self, request: Request) -> Answer:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if not _is_known(request):
            return _json({"error": "The access token is invalid"}, 401)
        if self.fails:
            return _json({"error": "out of order"}, self.fails)
        key = headers.get("idempotency-key", "")
        if self.remembers and key in self.keys:
            return _json(self.keys[key])
        limits = {"X-RateLimit-Limit": "300", "X-RateLimit-Reset": f"{self.reset.isoformat()}"}
        if self.remaining < 1:
            return _json({"error": "Too many requests"}, 429, {**limits, "X-RateLimit-Remaining": "0"})
        said = json.loads(request.body)
        if reason := self._wrong(said, headers):
            self.refused.append(reason)
            return _json({"error": reason}, 422)
        self.remaining -= 1
        link = re.sub(r"(https?://\S+)", r'<a href="\1">\1</a>', html.escape(said["status"]))
        made = {"id": f"{len(self.statuses) + 1}", "content": f"<p>{link}</p>", **said}
        self.statuses.append(made)
        self.keys[key] = made
        self.posted()
        return _json(made, 200, {**limits, "X-RateLimit-Remaining": f"{self.remaining}"})

    def _wrong(self, said: dict[str, str], headers: dict[str, str]) -> str:
        text = re.sub(r"https?://\S+", "x" * self.link_characters, said["status"])
        if not text.strip() or len(text) > self.max_characters:
            return f"a text of {len(text)} characters"
        if said["visibility"] not in ("public", "unlisted", "private", "direct"):
            return "a visibility"
        if not re.fullmatch(r"[a-z]{2,3}", said.get("language", "en")):
            return "a language"
        if not headers["content-type"].startswith("application/json"):
            return "a type"
        return ""


def _is_known(request: Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {TOKEN}"


def _json(said: object, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(said).encode())
