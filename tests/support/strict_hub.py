"""A WebSub hub on loopback that does what the W3C recommendation says, line by line, and refuses the rest."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.conftest import Answer, Request, Server

FEED_TYPE = "application/rss+xml; charset=utf-8"
LEASE_SECONDS = 864_000


@dataclass(frozen=True)
class Answered:
    """What a callback answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Subscriber:
    """A subscription that was verified, or is to be."""

    topic: str
    callback: str
    secret: str
    lease_seconds: int


@dataclass
class StrictHub:
    """`asked` are the requests that it accepted and has not verified; `active` what it verified, by callback.

    `status` and `headers` are what it answers in place of 202. `topics`: all that it serves, empty for any.
    """

    server: Server
    path: str = "/hub"
    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    verifies_at_once: bool = False
    lease_seconds: int = LEASE_SECONDS
    asked: list[dict[str, str]] = field(default_factory=list)
    active: dict[str, Subscriber] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    asks: int = 0

    def __post_init__(self) -> None:
        self.url = self.server.url + self.path
        self.server.pages[self.path] = self._answer

    def _answer(self, request: Request) -> Answer:
        self.asks += 1
        if self.status != 202:
            return Answer(self.status, self.headers)
        form = dict(parse_qsl(request.body.decode("utf-8"), keep_blank_values=True, strict_parsing=True))
        if mistake := self._mistake(request, form):
            self.mistakes.append(mistake)
            return Answer(400, {"Content-Type": "text/plain"}, mistake.encode())
        self.asked.append(form)
        if self.verifies_at_once:
            self.verify()
        return Answer(202)

    def _mistake(self, request: Request, form: Mapping[str, str]) -> str:
        """Returns what §5.1 forbids."""
        if request.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            return f"Content-Type is {request.headers.get('Content-Type')}"
        if form.get("hub.mode") not in ("subscribe", "unsubscribe"):
            return f"hub.mode is {form.get('hub.mode')}"
        for name in ("hub.callback", "hub.topic"):
            parts = urlsplit(form.get(name, ""))
            if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
                return f"{name} is {form.get(name)}"
        lease = form.get("hub.lease_seconds", "1")
        if not lease.isdecimal() or int(lease) < 1:
            return f"hub.lease_seconds is {lease}"
        if len(form.get("hub.secret", "").encode()) >= 200:
            return "hub.secret is too long"
        return ""

    def verify(self) -> list[Answered]:
        """Verifies the intent of everything that was asked (§5.3): what is confirmed is done."""
        answers = []
        while self.asked:
            form = self.asked.pop(0)
            challenge = secrets.token_urlsafe(24)
            fields = {
                "hub.mode": form["hub.mode"],
                "hub.topic": form["hub.topic"],
                "hub.challenge": challenge,
            }
            if form["hub.mode"] == "subscribe":
                fields["hub.lease_seconds"] = str(self.lease_seconds)
            answer = self.get(form["hub.callback"], fields)
            answers.append(answer)
            if 200 <= answer.status < 300 and answer.body == challenge.encode():
                if form["hub.mode"] == "unsubscribe":
                    self.active.pop(form["hub.callback"], None)
                else:
                    self.active[form["hub.callback"]] = Subscriber(
                        form["hub.topic"],
                        form["hub.callback"],
                        form.get("hub.secret", ""),
                        self.lease_seconds,
                    )
        return answers

    def get(self, callback: str, fields: Mapping[str, str]) -> Answered:
        """A GET of a callback, with these fields after those that its query has."""
        parts = urlsplit(callback)
        query = "&".join(filter(None, (parts.query, urlencode(fields))))
        return request(callback, "GET", f"{parts.path}?{query}")

    def deny(self, callback: str, topic: str, reason: str = "") -> Answered:
        """Denies a subscription (§5.2)."""
        self.active.pop(callback, None)
        fields = {"hub.mode": "denied", "hub.topic": topic}
        return self.get(callback, fields | ({"hub.reason": reason} if reason else {}))

    def distribute(
        self,
        topic: str,
        body: bytes,
        *,
        content_type: str = FEED_TYPE,
        method: str = "sha256",
        **headers: str,
    ) -> list[Answered]:
        """Sends a document to all who subscribed to a topic (§7, §8); who answers 410 is dropped."""
        answers = []
        for subscriber in [each for each in self.active.values() if each.topic == topic]:
            given = {"Content-Type": content_type, "Link": f'<{self.url}>; rel="hub", <{topic}>; rel="self"'}
            if subscriber.secret:
                digest = hmac.new(subscriber.secret.encode(), body, getattr(hashlib, method)).hexdigest()
                given["X-Hub-Signature"] = f"{method}={digest}"
            given |= {name.replace("_", "-"): value for name, value in headers.items()}
            answer = request(subscriber.callback, "POST", urlsplit(subscriber.callback).path, body, given)
            answers.append(answer)
            if answer.status == 410:
                self.active.pop(subscriber.callback)
        return answers


def request(
    callback: str, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> Answered:
    """One request to where a callback is, on a connection of its own."""
    parts = urlsplit(callback)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
    try:
        connection.request(method, target, body or None, dict(headers or {}))
        response = connection.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return Answered(response.status, received, response.read())
    finally:
        connection.close()
