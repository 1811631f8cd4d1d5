"""Our mail messages, with headers that no text from outside can break out of. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from aggregator.model.article_json import encodable
from aggregator.normalise.text import cut, tidy

__all__ = ["list_id", "mail_message"]

MAX_LINE = 200


def mail_message(
    *,
    message_id: str,
    sender: str,
    sender_name: str,
    recipient: str,
    subject: str,
    made: datetime,
    text: str,
    html: str = "",
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """A message of plain text, and of HTML if given.

    `message_id` becomes the Message-ID, at the host of `sender`: a message that is sent twice is recognised.
    `made` is its Date. It is marked as sent by a program (RFC 3834 §5), so that no absence notice answers it.
    `headers` are further ones, such as List-Id. Line breaks and invisible characters are removed from each.
    """
    host = sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=_line(sender_name), addr_spec=sender)
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = _line(subject)
    mail["Date"] = format_datetime(made)
    mail["Message-ID"] = f"<{message_id}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    for name, value in (headers or {}).items():
        mail[name] = _line(value)
    mail.set_content(encodable(text), cte="quoted-printable")
    if html:
        mail.add_alternative(encodable(html), subtype="html", cte="quoted-printable")
    return mail


def list_id(name: str, sender: str) -> str:
    """The List-Id of messages sent under a name (RFC 2919), by which mail programs sort."""
    label = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "notices"
    phrase = " ".join(re.sub(r"[^\w.,-]+", " ", _line(name)).split())
    quoted = f'"{phrase}" ' if phrase.isascii() and phrase else ""
    return f"{quoted}<{label}.{sender.rpartition('@')[2]}>"


def _line(text: str) -> str:
    """One line that stays one line when a mail program decodes it again (RFC 2047)."""
    return cut(tidy(text).replace("=?", "= ?"), MAX_LINE)
