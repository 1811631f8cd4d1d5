"""Letters: what no text of a stranger can change about them."""

from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from aggregator.notify.mail_messages import list_id, mail_message
from tests.conftest import NOW

HOSTILE = [
    "a\r\nBcc: all@example.org",
    "a\nX: y\r\r\n\r\nbody",
    "\u2028\x85\x0b\x0c\x1c\x00tea",
    "=?utf-8?q?=0D=0ABcc:_x?=",
    "\ud800 lone",
    "\u202egpj.exe",
    "茶" * 500,
    "x" * 5_000,
    "😀 " * 300,
    ', <a@b>; (c) "d" \\',
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_headers_are_one_line_each(text: str) -> None:
    """Whatever stands in title, name and body: the headers are ours, in lines that every server takes."""
    made = mail_message(
        message_id="0" * 32,
        sender="p@planet.example",
        sender_name=text,
        recipient="me@example.org",
        subject=text,
        made=NOW,
        text=text,
        html=text,
        headers={"List-Id": list_id(text, "p@planet.example"), "X-Name": text},
    )
    raw = made.as_bytes(policy=policy.SMTP)
    found = message_from_bytes(raw, policy=policy.default)
    names = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Id", "X-Name"]
    assert [name for name in found if not name.startswith(("MIME", "Content"))] == names
    assert found["To"] == "me@example.org"
    assert found["From"].addresses[0].addr_spec == "p@planet.example"
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert {part.get_content_type() for part in found.iter_parts()} <= {"text/plain", "text/html"}


def test_a_list_has_an_id_that_mail_programs_sort_by() -> None:
    """RFC 2919: a phrase, and an id of letters, digits and dashes at our host."""
    assert list_id("Tea & Milk", "p@planet.example") == '"Tea Milk" <tea-milk.planet.example>'
    assert list_id("新闻", "p@planet.example") == "<notices.planet.example>"
