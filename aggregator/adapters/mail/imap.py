"""A mailbox over IMAP (RFC 3501): opened with EXAMINE and read with BODY.PEEK, so that it does not change."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from aggregator import errors
from aggregator.adapters.kinds import RetrievedSource, Transport
from aggregator.adapters.mail.new_messages import AT_ONCE, MailSelection
from aggregator.model.article import Problem
from aggregator.model.retrieved import Fetched, NotModified, Validators

_PORTS = {"imap": 143, "imaps": 993}
_TALK_BYTES = 4 * 1024 * 1024
"""The limit in bytes for everything that a server sends besides messages."""

_UID = re.compile(rb"\bUID ([0-9]{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]{1,18})\b")
_LOGIN = re.compile(r"//.*@")
_BEYOND_ASCII = re.compile(r"[^\x20-\x7e]+|&")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def fetch_imap(
    source: RetrievedSource, options: Any, validators: Validators, transport: Transport
) -> Fetched | NotModified:
    """The newest messages of the source's mailbox that are not known yet. Raises FetchError and its kinds.

    A message is known by its UID and the mailbox's UIDVALIDITY (RFC 3501 §2.3.1.1). When the connection fails
    meanwhile, the messages received so far are returned, and the rest is left for the next poll.
    """
    wanted = MailSelection.by(options, validators, transport.max_bytes)
    try:
        parts, folder = mailbox_parts(source.address)
        with _session(source, parts, transport) as session:
            _gather(session, folder, wanted, source.address, transport)
    except errors.FetchError as error:
        error.url = error.url or _LOGIN.sub("//", source.address)
        if not wanted.resources:
            raise
        wanted.unread.append(Problem(text=f"{error.reason}; the others come with the next poll"))
    return wanted.fetched()


class _Session(imaplib.IMAP4):
    """imaplib over a guarded connection; the size of every line and literal is checked before it is read."""

    def __init__(self, host: str, port: int, transport: Transport, tls: ssl.SSLContext | None) -> None:
        self._transport = transport
        self._tls = tls
        self._max_bytes = transport.max_bytes
        self._bytes_left = (AT_ONCE + 1) * transport.max_bytes
        self._talk_bytes_left = _TALK_BYTES
        super().__init__(host, port)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._transport.connect(self.host, self.port, self._tls)

    def read(self, size: int) -> bytes:
        if size > self._max_bytes:
            raise errors.TooLarge(f"the server sends {size} bytes as one, more than {self._max_bytes}")
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise errors.TooLarge("the server sends more than was asked for")
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._talk_bytes_left -= len(line)
        if self._talk_bytes_left < 0:
            raise errors.BrokenExchange(f"the server sends more than {_TALK_BYTES} bytes besides messages")
        return line


@contextlib.contextmanager
def _session(source: RetrievedSource, parts: SplitResult, transport: Transport) -> Iterator[_Session]:
    host = parts.hostname or ""
    context = transport.tls()
    with _fetch_errors(transport):
        port = parts.port or _PORTS[parts.scheme]
        session = _Session(host, port, transport, context if parts.scheme == "imaps" else None)
    try:
        with _fetch_errors(transport):
            if parts.scheme == "imap":
                _start_tls(session, context, is_own=transport.is_own(host))
            _log_in(session, source)
        yield session
        with contextlib.suppress(errors.FetchError), _fetch_errors(transport):
            session.logout()
    finally:
        with contextlib.suppress(OSError):
            session.shutdown()


def _start_tls(session: _Session, context: ssl.SSLContext, *, is_own: bool) -> None:
    if "STARTTLS" in session.capabilities:
        session.starttls(context)
    elif not is_own:
        raise errors.TlsError(
            "the server does not offer TLS",
            advice="write imaps:// in the address, or add your own host to fetch.allow",
        )


def _log_in(session: _Session, source: RetrievedSource) -> None:
    if session.state == "AUTH":
        return
    if source.login is None:
        raise errors.FetchError(
            "a mailbox requires a login", advice="set the source's auth: user and password"
        )
    user, password = source.login
    if not (user + password).isascii():
        raise errors.FetchError(
            "the login is not ASCII, which IMAP requires", advice="give the mailbox a password of ASCII"
        )
    refusal = ""
    try:
        session.login(_quoted(user), password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        refusal = str(error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error)
    if refusal:
        # Some servers repeat the command in their error message.
        is_safe = not any(secret in refusal for secret in (user, password, _quoted(password)[1:-1], "LOGIN"))
        raise errors.FetchError(
            f"the mailbox refuses the login{': ' + refusal[:200] if is_safe else ''}",
            advice="correct the source's auth; some providers require an app password",
        )


def _gather(session: _Session, folder: str, wanted: MailSelection, url: str, transport: Transport) -> None:
    with _fetch_errors(transport):
        typ, said = session.select(_quoted(_utf7(folder)), readonly=not wanted.mark_seen)
        if typ != "OK":
            raise errors.FetchError(
                f"the mailbox has no folder {folder!r}, or does not open it: {_words(said)}",
                advice="correct the folder at the end of the source's address, such as INBOX",
            )
        validity = _words(session.response("UIDVALIDITY")[1]) or "0"
        criteria = ("FROM", _quoted(wanted.sender)) if wanted.sender else ("ALL",)
        found = sorted(
            {int(uid) for uid in _words(_asked(session, "SEARCH", *criteria)).split() if uid.isdecimal()}
        )
        # The permanent name of a message is its UID under this UIDVALIDITY.
        uids = {f"{validity}.{uid}": str(uid) for uid in reversed(found[-wanted.newest :])}
        missing = wanted.missing(list(uids))
        sizes = _sizes(session, [uids[name] for name in missing])
    for name in missing:
        uid = uids[name]
        if uid not in sizes or not wanted.has_room(name, sizes[uid]):
            continue
        with _fetch_errors(transport):
            parts = _asked(session, "FETCH", uid, "(UID BODY.PEEK[])")
            body = next(
                (part[1] for part in parts if isinstance(part, tuple) and b"BODY[]" in part[0].upper()), None
            )
            if body is None:
                continue  # deleted since
            wanted.take(name, body, url)
            if wanted.mark_seen:
                _asked(session, "STORE", uid, "+FLAGS.SILENT", r"(\Seen)")


def _sizes(session: _Session, uids: Sequence[str]) -> dict[str, int]:
    if not uids:
        return {}
    found = {}
    for line in _asked(session, "FETCH", ",".join(uids), "(UID RFC822.SIZE)"):
        if isinstance(line, bytes) and (uid := _UID.search(line)) and (size := _SIZE.search(line)):
            found[uid[1].decode()] = int(size[1])
    return found


def _asked(session: _Session, command: str, *arguments: str) -> list[bytes | tuple[bytes, bytes] | None]:
    typ, data = session.uid(command, *arguments)
    if typ != "OK":
        raise errors.FetchError(f"the server refuses UID {command}: {_words(data)}", advice="")
    return data


def _words(said: Sequence[object]) -> str:
    return " ".join(each.decode("utf-8", "replace") for each in said if isinstance(each, bytes))


@contextlib.contextmanager
def _fetch_errors(transport: Transport) -> Iterator[None]:
    """Converts errors of imaplib and sockets within the context to FetchError."""
    with transport.errors():
        try:
            yield
        except imaplib.IMAP4.error as error:
            raise errors.BrokenExchange(f"the exchange broke off: {str(error)[:200]}") from error


def mailbox_parts(address: str) -> tuple[SplitResult, str]:
    """The parts of a mailbox's address, and the name of its folder. Raises BadAddress."""
    try:
        parts = urlsplit(address)
        folder = unquote(parts.path.strip("/"), errors="strict") or "INBOX"
        usable = (
            bool(parts.hostname)
            and parts.port != 0
            and not _CONTROLS.search(folder)
            and "@" not in parts.netloc
        )
    except ValueError:
        usable = False
    if not usable:
        raise errors.BadAddress(
            "not the address of a mailbox, or it contains a login",
            advice='write it as "imaps://imap.example.org/INBOX", and the login into auth',
        )
    return parts, folder


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _utf7(folder: str) -> str:
    """A folder's name as IMAP writes it (RFC 3501 §5.1.3)."""
    return _BEYOND_ASCII.sub(_in_utf7, folder)


def _in_utf7(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    packed = base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
    return f"&{packed}-"
