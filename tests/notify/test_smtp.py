"""Mail to a real server on loopback: logins, TLS, refusals, a server that hangs."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest
import trustme

from aggregator.config.load import Smtp
from aggregator.errors import DeliveryError
from aggregator.notify import smtp
from aggregator.notify.mail_messages import mail_message
from aggregator.notify.smtp import send_mail
from tests.conftest import NOW
from tests.support.receiving import Mailbox


def send(**settings: object) -> None:
    """One letter."""
    made = mail_message(
        message_id="1",
        sender="p@planet.example",
        sender_name="Planet",
        recipient="me@example.org",
        subject="Tea",
        made=NOW,
        text="Tea",
    )
    given = {"host": "127.0.0.1", "sender": "p@planet.example", "security": "none", **settings}
    send_mail(Smtp.model_validate(given), made)


def test_logins_at_mail_servers_use_tls_and_check_certificates(tmp_path: Path) -> None:
    """By the config's authority; without it the server is refused, and no password leaves."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    mailbox = Mailbox(login=("me", "right"), tls=context)
    given = {"port": mailbox.port, "security": "starttls", "user": "me", "password": "right"}
    try:
        send(**given, tls_ca=tmp_path / "ca.pem")
        assert [message["Subject"] for message in mailbox.messages] == ["Tea"]
        with pytest.raises(DeliveryError, match="tls_ca"):
            send(**given)
        with pytest.raises(DeliveryError, match="user and password") as raised:
            send(**{**given, "password": "wrong-one"}, tls_ca=tmp_path / "ca.pem")
        assert "wrong-one" not in str(raised.value)
    finally:
        mailbox.close()


@pytest.mark.parametrize(("answer", "is_refusal"), [("550 no such user", True), ("452 full", False)])
def test_responses_of_the_mail_server_are_reported(answer: str, is_refusal: bool) -> None:
    """5xx is a refusal, 4xx a later."""
    mailbox = Mailbox()
    mailbox.answer = answer
    try:
        with pytest.raises(DeliveryError, match=answer[4:]) as raised:
            send(port=mailbox.port)
        assert raised.value.is_refusal is is_refusal
        with pytest.raises(DeliveryError, match="security"):
            send(port=mailbox.port, security="starttls")
    finally:
        mailbox.close()


def test_a_silent_mail_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a silence, and nothing is left open; where nobody listens, at once."""
    monkeypatch.setattr(smtp, "_SILENCE_SECONDS", 0.2)
    silent = socket.create_server(("127.0.0.1", 0))
    port = silent.getsockname()[1]
    with silent, pytest.raises(DeliveryError, match="cannot be reached"):
        send(port=port)
    with pytest.raises(DeliveryError, match="cannot be reached"):
        send(port=port)
