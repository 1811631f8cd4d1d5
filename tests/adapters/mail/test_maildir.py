"""Mail from a Maildir: files that a mail program moves and renames, and that stay as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aggregator.adapters.mail import maildir as maildir_module
from aggregator.config.load import Fetch, Source
from aggregator.errors import FetchError
from aggregator.fetch import Fetched, Fetcher, NotModified
from tests.conftest import NOW
from tests.support.imap import message
from tests.support.site import Site

SENDER = {"sender": "news@tea.example"}


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    """An empty one."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / "Mail" / part).mkdir(parents=True)
    return tmp_path / "Mail"


def deliver(maildir: Path, number: int, body: bytes | None = None, part: str = "new") -> Path:
    """A message comes; the higher its number the newer."""
    path = maildir / part / f"{number}.M1.host"
    path.write_bytes(message(number) if body is None else body)
    os.utime(path, (number, number))
    return path


def fetch(
    maildir: Path, validators: Mapping[str, Any] | None = None, max_bytes: int = 10_000, **options: Any
) -> Fetched | NotModified:
    """Returns what is new in it."""
    source = Source(name="Tea", kind="mail", path=maildir, options={**SENDER, **options})
    return Fetcher(Fetch(max_bytes=max_bytes), "test").fetch(source, validators or {}, NOW)


def names(fetched: Fetched | NotModified) -> list[str]:
    """The names of the messages that came."""
    return [resource.name for resource in fetched.resources] if isinstance(fetched, Fetched) else []


def test_messages_keep_their_names_when_a_mail_program_moves_them(maildir: Path) -> None:
    """Flags are no part of a name: what was read or answered is nothing new."""
    path = deliver(maildir, 1)
    deliver(maildir, 2, part="cur")
    first = fetch(maildir)
    assert names(first) == ["2.M1.host", "1.M1.host"]
    path.rename(maildir / "cur" / "1.M1.host:2,RS")
    assert isinstance(fetch(maildir, first.validators), NotModified)
    deliver(maildir, 3)
    assert names(fetch(maildir, first.validators)) == ["3.M1.host"]


def test_the_maildir_is_not_changed(maildir: Path) -> None:
    """Not even moved from new/ to cur/."""
    deliver(maildir, 1)
    before = sorted(maildir.rglob("*"))
    fetch(maildir)
    assert sorted(maildir.rglob("*")) == before


def test_messages_are_marked_as_seen_when_asked(maildir: Path) -> None:
    """Those of the sender, with the flags that they had."""
    deliver(maildir, 1)
    deliver(maildir, 2, message(2, "x@cake.example"))
    deliver(maildir, 3, part="cur").rename(maildir / "cur" / "3.M1.host:2,FR")
    fetched = fetch(maildir, mark_seen=True)
    inside = [p.relative_to(maildir).as_posix() for p in sorted(maildir.rglob("*.host*"))]
    assert inside == ["cur/1.M1.host:2,S", "cur/3.M1.host:2,FRS", "new/2.M1.host"]
    assert isinstance(fetch(maildir, fetched.validators, mark_seen=True), NotModified)


def test_only_messages_of_the_sender_count_for_the_limit(maildir: Path) -> None:
    """What others sent in between does not."""
    for number in range(1, 9):
        deliver(maildir, number, None if number % 2 else message(number, "x@cake.example"))
    assert names(fetch(maildir, newest=2)) == ["7.M1.host", "5.M1.host"]


def test_a_sender_is_found_in_a_folded_header(maildir: Path) -> None:
    """Whatever the case and the line ends."""
    folded = b"Subject: S\r\nFROM: Tea Weekly\r\n <NEWS@tea.example>\r\n\r\nx"
    deliver(maildir, 1, folded)
    deliver(maildir, 2, b"Subject: news@tea.example\n\nFrom: news@tea.example")
    assert names(fetch(maildir)) == ["1.M1.host"]


def test_a_message_that_is_too_large_or_closed_is_reported(maildir: Path) -> None:
    """The others come."""
    deliver(maildir, 1)
    deliver(maildir, 2, message(2, body="x" * 20_000))
    fetched = fetch(maildir)
    assert names(fetched) == ["1.M1.host"]
    assert isinstance(fetched, Fetched)
    assert [(p.where, "10000 bytes" in p.text) for p in fetched.unread] == [("2.M1.host", True)]


def test_a_folder_that_is_not_a_maildir_is_reported(tmp_path: Path) -> None:
    """The message says what a Maildir has."""
    with pytest.raises(FetchError, match="new and cur"):
        fetch(tmp_path)


def test_a_poll_reads_up_to_a_limit_and_the_next_reads_the_rest(maildir: Path) -> None:
    """Four times what one message may have."""
    for number in range(1, 7):
        deliver(maildir, number, message(number, body="x" * 700))
    first = fetch(maildir, max_bytes=1_000)
    assert len(names(first)) == 4
    assert len(names(fetch(maildir, first.validators, max_bytes=1_000))) == 2


def test_a_message_that_could_not_be_read_is_fetched_again(maildir: Path) -> None:
    """That one alone: the others, and what was asked for, are kept in mind."""
    deliver(maildir, 1)
    deliver(maildir, 2)
    first = fetch(maildir)
    assert isinstance(first, Fetched)
    assert names(fetch(maildir, first.validators_without({"1.M1.host"}))) == ["1.M1.host"]


def test_articles_outlive_their_messages(site: Site, maildir: Path) -> None:
    """What is deleted from the mailbox was published; a copy of a message is the same article."""
    source = {"name": "Tea", "kind": "mail", "path": str(maildir), "options": SENDER, "categories": ["tea"]}
    site.configure(source)
    path = deliver(maildir, 1)
    deliver(maildir, 2)
    deliver(maildir, 3, message(2))
    deliver(maildir, 4, message(4, "x@cake.example"))
    assert "2 new" in site.run("fetch").output
    path.unlink()
    deliver(maildir, 5)
    assert "1 new" in site.run("fetch").output
    assert site.files()["tea/atom.xml"].count(b"<entry>") == 3
    assert "nothing new" in site.run("fetch").output


def test_preview_shows_a_maildir(site: Site, maildir: Path) -> None:
    """How a source is made by trying."""
    deliver(maildir, 1)
    result = site.run("preview", str(maildir), "--kind", "mail", "-o", "sender=news@tea.example")
    assert "Tea 1" in result.output


@pytest.mark.parametrize("sender", ["Tea <news@tea.example>", "tea", "a@b c", "a@\u00fc.example"])
def test_a_sender_is_an_address_or_a_domain(site: Site, sender: str) -> None:
    """Reported when the config is read."""
    site.configure({"name": "Tea", "kind": "mail", "path": "Mail", "options": {"sender": sender}})
    assert "options.sender" in site.run("check").output


def test_a_message_replaced_by_a_link_is_not_followed(
    maildir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link or a pipe that is put there after the folder was listed; `cur` itself as a link out of it."""
    (tmp_path / "secret").write_bytes(message(9))
    listed = maildir_module._messages
    first = deliver(maildir, 1)
    second = deliver(maildir, 2)
    deliver(maildir, 3)

    def swapped(folder: Path) -> list[tuple[str, str]]:
        found = listed(folder)
        first.unlink()
        first.symlink_to(tmp_path / "secret")
        second.unlink()
        os.mkfifo(second)
        return found

    monkeypatch.setattr(maildir_module, "_messages", swapped)
    fetched = fetch(maildir, sender="")
    assert isinstance(fetched, Fetched)
    assert names(fetched) == ["3.M1.host"]
    assert sorted(problem.where for problem in fetched.unread) == ["1.M1.host", "2.M1.host"]
    monkeypatch.undo()
    (maildir / "cur").rmdir()
    (tmp_path / "cur").mkdir()
    (tmp_path / "cur" / "4.M1.host").write_bytes(message(4))
    (maildir / "cur").symlink_to(tmp_path / "cur")
    assert names(fetch(maildir, sender="")) == ["3.M1.host"]
