"""Receivers of notices on loopback: a webhook that checks signatures, a mail server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.conftest import Answer, Request, Server

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()


@dataclass
class Webhook:
    """A receiver at a path of a server; `status` and `headers` are what it answers.

    `received`: ids and bodies of what was signed as it should be, `refused` counts all else.
    """

    server: Server
    path: str = "/hook"
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refused: int = 0
    told: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        self.server.pages[self.path] = self._answer

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.server.url}{self.path}"

    @property
    def ids(self) -> list[str]:
        """Of what was received, in order."""
        return [message_id for message_id, _ in self.received]

    def titles(self, number: int = -1) -> list[str]:
        """Of the articles of one message."""
        return [each["title"] for each in self.received[number][1]["data"]["articles"]]

    def _answer(self, request: Request) -> Answer:
        self.told()
        headers = {name.lower(): value for name, value in request.headers.items()}
        message_id = headers.get("webhook-id", "")
        text = f"{message_id}.{headers.get('webhook-timestamp')}.".encode() + request.body
        digest = hmac.new(b"k" * 32, text, hashlib.sha256).digest()
        if headers.get("webhook-signature") != f"v1,{base64.b64encode(digest).decode()}":
            self.refused += 1
            return Answer(401)
        if self.status < 300:
            self.received.append((message_id, json.loads(request.body)))
        return Answer(self.status, self.headers)


def free_port() -> int:
    """The controller connects to the port that it was given, so that it has to be known."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mailbox:
    """A mail server on loopback that keeps what it is given; `answer` is what it says to each message."""

    def __init__(self, *, login: tuple[str, str] | None = None, tls: Any = None) -> None:
        self.messages: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.raw: list[bytes] = []
        self.answer = "250 taken"
        self.login = login
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=self._authenticated if login else None,
            auth_required=bool(login),
            auth_require_tls=bool(tls),
            tls_context=tls,
            require_starttls=bool(tls),
        )
        self._controller.start()
        self.port = int(self._controller.port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Returns what aiosmtpd calls with a message."""
        if self.answer.startswith("2"):
            self.raw.append(envelope.content)
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(parsed, EmailMessage)
            self.messages.append(parsed)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        return self.answer

    def _authenticated(self, *arguments: Any) -> AuthResult:
        data = arguments[-1]
        assert isinstance(data, LoginPassword)
        assert self.login is not None
        is_right = (data.login.decode(), data.password.decode()) == self.login
        return AuthResult(success=is_right, handled=False)

    def close(self) -> None:
        """Stops serving."""
        self._controller.stop()
