"""Mail over IMAP: a real server on loopback that records each command, and misbehaves."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from aggregator import errors
from aggregator.config.load import Fetch, Source
from aggregator.fetch import Fetched, Fetcher, NotModified
from tests.conftest import NOW
from tests.support.imap import PASSWORD, Imap, message
from tests.support.site import Site

AUTH = {"user": "me", "password": PASSWORD}
SENDER = {"sender": "news@tea.example"}
MARKING = ("STORE", "SELECT", "EXPUNGE", "CLOSE", "BODY[]")
Serve = Callable[..., Imap]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes servers with some messages in them."""
    running: list[Imap] = []

    def start(*numbers: int, **settings: Any) -> Imap:
        running.append(Imap(**settings))
        running[-1].messages = {number: message(number) for number in numbers}
        return running[-1]

    yield start
    for each in running:
        each.close()


def fetch(
    imap: Imap | str, validators: Mapping[str, Any] | None = None, *, options: Any = SENDER, **settings: Any
) -> Fetched | NotModified:
    """Returns what is new in the mailbox."""
    url = imap if isinstance(imap, str) else imap.url
    source = {"name": "Tea", "kind": "mail", "url": url, "options": options, "auth": AUTH}
    source |= settings.pop("source", {})
    fetcher = Fetcher(Fetch.model_validate({"allow": ["127.0.0.1"], **settings}), "test", None)
    try:
        return fetcher.fetch(Source.model_validate(source), validators or {}, NOW)
    finally:
        fetcher.close()


def names(fetched: Fetched | NotModified) -> list[str]:
    """The names of the messages that came."""
    return [resource.name for resource in fetched.resources] if isinstance(fetched, Fetched) else []


def test_only_new_messages_of_the_sender_are_fetched_and_nothing_is_marked(serve: Serve) -> None:
    """The second poll asks for no message that it has."""
    imap = serve(1, 2)
    imap.messages[3] = message(3, "Other <other@cake.example>")
    first = fetch(imap)
    assert names(first) == ["7.2", "7.1"]
    assert isinstance(first, Fetched)
    assert first.resources[0].body == imap.messages[2]
    assert isinstance(fetch(imap, first.validators), NotModified)
    imap.messages[9] = message(9)
    imap.commands.clear()
    assert names(fetch(imap, first.validators)) == ["7.9"]
    assert [c for c in imap.commands if "BODY" in c] == ["UID FETCH 9 (UID BODY.PEEK[])"]
    assert not [c for c in imap.commands if any(word in c for word in MARKING)]
    assert imap.seen == set()
    assert imap.commands[-1] == "LOGOUT"


def test_messages_are_marked_as_seen_when_asked(serve: Serve) -> None:
    """Those that were fetched, and no others."""
    imap = serve(1, 2)
    imap.messages[3] = message(3, "Other <other@cake.example>")
    fetch(imap, options={**SENDER, "mark_seen": True})
    assert imap.seen == {1, 2}
    assert not [c for c in imap.commands if "EXPUNGE" in c or "Deleted" in c]


def test_only_the_newest_messages_are_fetched(serve: Serve) -> None:
    """As many as the options say."""
    assert names(fetch(serve(*range(1, 31)), options={**SENDER, "newest": 3})) == ["7.30", "7.29", "7.28"]


def test_another_sender_means_that_everything_is_fetched_again(serve: Serve) -> None:
    """The stamp of one server's messages is not used for another server."""
    imap = serve(1)
    imap.messages[2] = message(2, "Other <other@cake.example>")
    first = fetch(imap)
    assert names(fetch(imap, first.validators, options={"sender": "@cake.example"})) == ["7.2"]
    assert names(fetch(imap, first.validators, options={})) == ["7.2", "7.1"]


def test_a_message_that_is_too_large_is_not_fetched_but_reported(serve: Serve) -> None:
    """Its size is asked for first; the others come."""
    imap = serve(1)
    imap.messages[2] = message(2, body="x" * 5_000)
    fetched = fetch(imap, max_bytes=4_000)
    assert names(fetched) == ["7.1"]
    assert isinstance(fetched, Fetched)
    assert [(p.where, "4000 bytes" in p.text) for p in fetched.unread] == [("7.2", True)]
    assert not [c for c in imap.commands if c.startswith("UID FETCH 2 (UID BODY")]


def test_a_message_stored_twice_is_one_entry(serve: Serve) -> None:
    """By its Message-ID."""
    imap = serve(1)
    imap.messages[2] = message(2, Message_ID="<1@tea.example>")
    assert names(fetch(imap)) == ["7.2"]


def drip(handler: Any, tag: str) -> None:
    """A byte now and then, without end."""
    import time

    handler.wfile.write(b"* OK ")
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


FAULTS: dict[str, tuple[str, Any, type[errors.FetchError], str]] = {
    "a refused login": ("LOGIN", b"TAG NO wrong\r\n", errors.FetchError, "refuses the login: wrong"),
    "an echo of the login": (
        "LOGIN",
        b"TAG BAD what is LOGIN me s3cret-password?\r\n",
        errors.FetchError,
        "the login; correct",
    ),
    "no such folder": ("EXAMINE", b"TAG NO no such mailbox\r\n", errors.FetchError, "no folder 'INBOX'"),
    "a huge literal": (
        "FETCH",
        b"* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n",
        errors.TooLarge,
        "as one",
    ),
    "a literal of many digits": (
        "FETCH",
        b"* 1 FETCH ({" + b"9" * 5_000 + b"}\r\n",
        errors.BrokenExchange,
        "broke off",
    ),
    "a long line": ("SEARCH", b"* SEARCH " + b"1 " * 600_000, errors.BrokenExchange, "more than 1000000"),
    "many lines": (
        "SEARCH",
        (b"* OK " + b"x" * 2_000 + b"\r\n") * 2_500,
        errors.BrokenExchange,
        "besides messages",
    ),
    "a refusal": ("SEARCH", b"TAG BAD unknown\r\n", errors.BrokenExchange, "unknown"),
    "no IMAP": ("EXAMINE", b"HTTP/1.1 400 Bad Request\r\n\r\n", errors.BrokenExchange, "unexpected response"),
    "the end": ("SEARCH", b"", errors.BrokenExchange, "EOF"),
    "bytes beyond ASCII": (
        "CAPABILITY",
        b"* CAPABILITY \xff\r\nTAG OK done\r\n",
        errors.BrokenExchange,
        "broke off",
    ),
    "a drip": ("SEARCH", drip, errors.TimedOut, "not done within"),
    "silence": ("SEARCH", b"* OK wait\r\n", errors.TimedOut, "no answer within"),
}
MINUTE, MOMENT = timedelta(minutes=1), timedelta(seconds=0.5)
IMPATIENT = {"not done within": {"deadline": MOMENT}, "no answer within": {"timeout": MOMENT}}


@pytest.mark.parametrize(("command", "answer", "error", "reported"), FAULTS.values(), ids=FAULTS)
def test_each_fault_of_the_server_is_an_error_of_the_source(
    serve: Serve, command: str, answer: Any, error: type[errors.FetchError], reported: str
) -> None:
    """Never with a secret in it."""
    imap = serve(1)
    imap.faults[command] = answer
    patience: dict[str, Any] = {"timeout": MINUTE, "deadline": MINUTE, **IMPATIENT.get(reported, {})}
    with pytest.raises(error, match=reported) as caught:
        fetch(imap, **patience)
    assert type(caught.value) is error
    assert PASSWORD not in f"{caught.value} {caught.value.message} {caught.value.__cause__!r}"


def test_a_wrong_password_is_reported_with_what_to_change(serve: Serve) -> None:
    """The server's words, without the password."""
    wrong = {"auth": {"user": "me", "password": "wrong-secret"}}
    with pytest.raises(errors.FetchError, match="Invalid credentials; correct the source's auth") as caught:
        fetch(serve(1), source=wrong)
    assert "wrong-secret" not in str(caught.value)
    with pytest.raises(errors.FetchError, match="requires a login"):
        fetch(serve(1), source={"auth": None})


def test_messages_before_a_broken_connection_are_kept(serve: Serve) -> None:
    """The rest comes with the next poll."""
    imap = serve(1, 2, 3)
    sent: list[str] = []

    def break_off(handler: Any, tag: str) -> None:
        command = imap.commands[-1]
        handler.wfile.write(imap.answer("FETCH", command, capable=False)[: 60 if len(sent) > 1 else None])
        sent.append(command)
        if len(sent) > 2:
            raise OSError
        handler.wfile.write(f"{tag} OK done\r\n".encode())

    imap.faults["FETCH"] = break_off
    first = fetch(imap)
    assert names(first) == ["7.3"]
    assert isinstance(first, Fetched)
    assert "the others come with the next poll" in first.unread[0].text
    imap.faults.clear()
    assert names(fetch(imap, first.validators)) == ["7.2", "7.1"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, Path]:
    """A certificate for this machine's address, and its authority's file."""
    ca = trustme.CA()
    file = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context, file


@pytest.mark.parametrize("has_starttls", [False, True], ids=["imaps", "STARTTLS"])
def test_certificates_are_checked(
    serve: Serve, certificate: tuple[ssl.SSLContext, Path], has_starttls: bool
) -> None:
    """Against the authority that the source names; nothing is said to a server that fails."""
    imap = serve(1, tls=certificate[0], has_starttls=has_starttls)
    with pytest.raises(errors.TlsError, match="certificate was refused"):
        fetch(imap)
    assert not [c for c in imap.commands if c.startswith("LOGIN")]
    assert names(fetch(imap, source={"tls_ca": str(certificate[1])})) == ["7.1"]
    assert names(fetch(imap, source={"tls_verify": False})) == ["7.1"]
    if has_starttls:
        assert imap.commands.index("STARTTLS") < imap.commands.index('LOGIN "me" "***"')


def test_unencrypted_logins_are_sent_only_to_allowed_hosts(serve: Serve) -> None:
    """`fetch.allow` names those; an address alone that leads there is none."""
    imap = serve(1)
    assert names(fetch(imap)) == ["7.1"]
    imap.commands.clear()
    settings = Fetch.model_validate({"allow": ["127.0.0.0/8"]})
    source = Source.model_validate(
        {
            "name": "Tea",
            "kind": "mail",
            "url": f"imap://mail.example:{imap.port}/",
            "options": {},
            "auth": AUTH,
        }
    )
    with pytest.raises(errors.TlsError, match="imaps://"):
        Fetcher(settings, "test", lambda host: ["127.0.0.1"]).fetch(source, {}, NOW)
    assert not [c for c in imap.commands if c.startswith("LOGIN")]


def test_private_addresses_are_not_reached(serve: Serve) -> None:
    """As with every other kind."""
    imap = serve(1)
    with pytest.raises(errors.BlockedAddress, match="loopback"):
        fetch(imap, allow=[])
    assert imap.commands == []


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("", '"INBOX"'),
        ("/Lists/Tea%20%22x%22", '"Lists/Tea \\"x\\""'),
        ("/Entw%C3%BCrfe%26Co", '"Entw&APw-rfe&-Co"'),
        ("/%E5%8F%B0%E5%8C%97", '"&U,BTFw-"'),
    ],
    ids=["none", "quotes", "an umlaut", "Chinese"],
)
def test_folders_are_named_as_imap_writes_them(serve: Serve, path: str, folder: str) -> None:
    """Modified UTF-7 (RFC 3501 §5.1.3)."""
    imap = serve(1)
    imap.faults["EXAMINE"] = b"TAG OK done\r\n"
    fetch(imap.url.removesuffix("/INBOX") + path)
    assert f"EXAMINE {folder}" in imap.commands


@pytest.mark.parametrize(
    "url",
    ["imap://127.0.0.1/A%0D%0AX", "imap://me:pw-secret@127.0.0.1/", "imap://:1/", "imap://127.0.0.1:0/"],
)
def test_invalid_mailbox_addresses_are_reported(url: str) -> None:
    """Commands in it, a login in it, no host."""
    with pytest.raises(errors.BadAddress, match="login into auth") as caught:
        fetch(url)
    assert "pw-secret" not in str(caught.value)


def test_no_message_is_lost_or_repeated_over_many_polls(site: Site, serve: Serve) -> None:
    """Through new numbers of the whole mailbox, and when messages are deleted from it."""
    imap = serve(1, 2)
    source = {
        "name": "Tea",
        "kind": "mail",
        "url": imap.url,
        "options": SENDER,
        "auth": AUTH,
        "categories": ["tea"],
    }
    site.configure(source)
    assert "2 new" in site.run("fetch").output
    imap.validity = 8
    imap.messages = {5: message(2), 6: message(1), 7: message(3)}
    assert "1 new, 0 changed, 2 unchanged" in site.run("fetch", "--force").output
    imap.messages = {8: message(4)}
    assert "1 new" in site.run("fetch", "--force").output
    site.run("publish")
    assert site.files()["tea/atom.xml"].count(b"<entry>") == 4
    assert b"mid:1@tea.example" in site.files()["tea/atom.xml"]


def test_a_failed_login_is_in_the_status(site: Site, serve: Serve) -> None:
    """The source fails, the command ends as with any other."""
    imap = serve(1)
    site.configure(
        {"name": "Tea", "kind": "mail", "url": imap.url, "auth": {"user": "me", "password": "wrong-secret"}}
    )
    output = site.run("fetch").output + site.run("status").output
    assert "refuses the login" in output.replace("\n", " ")
    assert "wrong-secret" not in output


def test_deadlines_apply_to_the_whole_session(serve: Serve) -> None:
    """Seconds that the config knows."""
    imap = serve(1)
    imap.faults["CAPABILITY"] = drip
    with pytest.raises(errors.TimedOut):
        fetch(imap, timeout=MINUTE, deadline=MOMENT)
