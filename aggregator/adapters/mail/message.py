"""Kind `mail`: each message of a mailbox is one entry (RFC 5322, RFC 2045-2049)."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from html import escape
from itertools import islice
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator, Field
from selectolax.lexbor import LexborHTMLParser

from aggregator.adapters.kinds import Kind, RetrievedSource, Transport
from aggregator.adapters.mail.maildir import fetch_maildir
from aggregator.errors import ReadError
from aggregator.model.article import Problem
from aggregator.model.entry import Category, Entry, Feed, FeedInfo, Link, Person, Text
from aggregator.model.resource import Resource
from aggregator.model.retrieved import Fetched, NotModified, Validators
from aggregator.model.settings import Settings
from aggregator.normalise.encoding import decode

MAX_DEPTH = 10
MAX_PARTS = 200
MAX_HEAD_BYTES = 256 * 1024
MAX_HEADER_CHARS = 8 * 1024
MAX_TEXT_BYTES = 4 * 1024 * 1024
MAX_LISTED = 10
MAX_ATTACHED = 5

# Exceptions of the email package for malformed headers, as observed.
_FAULTS = (LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError)
_SENDER = re.compile(r"(?=.{1,320}\Z)[!-?A-~]*@[!-?A-~]+")
_HIDDEN = "[style*='display:none' i], [style*='display: none' i]"
_LISTED = re.compile(r"<((?:https?|mailto):[^<>]{6,4096})>", re.IGNORECASE)
_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{1,40})?\?([BbQq])\?([^?]{0,4000})\?=(?:\s+(?==\?))?")
_ADDRESS = re.compile(r"(https?://[^\s<>\"]+)")
_BETWEEN_PARAGRAPHS = re.compile(r"\n(?:[ \t\xa0]*\n)+")


def _sender(value: str) -> str:
    if value and not _SENDER.fullmatch(value):
        raise ValueError('write an address such as "news@tea.example", or "@tea.example" for a whole domain')
    return value


class MailOptions(Settings):
    """`sender` is an address, or `@` and a domain: only its messages are read; "" reads all.

    `subject` is a text that the subject must contain. At most the `newest` messages of the sender are read.
    `mark_seen` marks them as read once they are fetched; else the mailbox does not change.
    """

    sender: Annotated[str, AfterValidator(_sender)] = ""
    subject: str = ""
    newest: Annotated[int, Field(ge=1, le=1_000)] = 100
    mark_seen: bool = False


def read(resource: Resource, options: MailOptions) -> Feed:
    """The message as a feed of one entry; without entries for another sender's. Raises ReadError."""
    try:
        return _read(resource.body, options)
    except _FAULTS as error:
        raise ReadError(f"the message cannot be read: {error}") from error


def _read(body: bytes, options: MailOptions) -> Feed:
    if b":" not in body[:MAX_HEAD_BYTES]:
        raise ReadError("not a message: it has no header")
    message, rest = _parsed(body.replace(b"\r\n", b"\n"))
    name, address = _person(message)
    subject = _header(message, "Subject")
    if not _is_of(address, options.sender) or options.subject.lower() not in subject.lower():
        return Feed(version="mail")
    number = _header(message, "Message-ID").strip("<> ")
    author = Person(name or address)
    text = _text(message, rest)
    entry = Entry(
        # RFC 2392; a Message-ID is only recommended (RFC 5322 §3.6.4): without one, a hash of the content is
        # used.
        id=f"mid:{quote(number, safe='@!$*+=')}" if number else _digest(message, rest),
        title=Text(subject, "text") if subject else None,
        links=[Link(url) for url in _listed(message, "Archived-At")[:1]],
        published=_header(message, "Date") or None,
        authors=[author],
        categories=[
            Category(word.strip()) for word in _header(message, "Keywords").split(",") if word.strip()
        ],
        contents=[text] if text else [],
        language=_header(message, "Content-Language").partition(",")[0].strip() or None,
    )
    info = FeedInfo(
        title=Text(_header(message, "List-Id").partition("<")[0].strip(' "') or author.name, "text"),
        links=[Link(url) for url in _listed(message, "List-Archive")[:1]],
        authors=[author],
    )
    problems = [] if text else [Problem(text="it has no text; attachments are not read")]
    return Feed(info=info, entries=[entry], version="mail", problems=problems)


def _is_of(address: str, sender: str) -> bool:
    address, sender = address.lower(), sender.lower()
    return not sender or address == sender or (sender[0] == "@" and address.endswith(sender))


def _parsed(raw: bytes) -> tuple[Message, bytes]:
    """The header of a message or of a part, and the bytes after it."""
    head, _, rest = (b"", b"", raw[1:]) if raw[:1] == b"\n" else raw.partition(b"\n\n")
    return BytesHeaderParser().parsebytes(head[:MAX_HEAD_BYTES] + b"\n\n"), rest


def _header(message: Message, name: str) -> str:
    """A header's text in one line, "" when there is none; encoded words are decoded (RFC 2047)."""
    return _decoded(_raw(message, name))


def _raw(message: Message, name: str) -> str:
    # `message[name]` makes objects of non-ASCII headers; raw, such bytes are surrogates.
    wanted = name.lower()
    found = next((str(value) for key, value in message.raw_items() if key.lower() == wanted), "")
    return " ".join(found[:MAX_HEADER_CHARS].split())


def _decoded(raw: str) -> str:
    """Adjacent encoded words of one charset are one text: a character may be split between them."""
    written = decode(raw.encode("ascii", "surrogateescape")).text
    found: list[tuple[str, bytes]] = []
    place = 0
    for word in _WORD.finditer(written):
        if word.start() > place:
            found.append(("", written[place : word.start()].encode()))
        charset, content = word[1].lower(), _unpacked(word[2], word[3])
        if found and found[-1][0] == charset:
            content = found.pop()[1] + content
        found.append((charset, content))
        place = word.end()
    found.append(("", written[place:].encode()))
    text = "".join(
        decode(content, f"text/plain; charset={charset or 'utf-8'}").text for charset, content in found
    )
    return " ".join(text.split())


def _unpacked(encoding: str, word: str) -> bytes:
    written = word.encode()
    if encoding in "Qq":
        return binascii.a2b_qp(written, header=True)
    try:
        return binascii.a2b_base64(written + b"==")
    except binascii.Error:
        return written


def _person(message: Message) -> tuple[str, str]:
    """The name and the address in From (or Sender); "" if missing."""
    name, address = parseaddr(_raw(message, "From") or _raw(message, "Sender"))
    return _decoded(name), address if address.isascii() else _decoded(address)


def _listed(message: Message, name: str) -> list[str]:
    """The web addresses in a header that lists them in angle brackets (RFC 2369, RFC 5064)."""
    listed = _LISTED.findall(_raw(message, name))[:MAX_LISTED]
    return [url for url in listed if not url.lower().startswith("mailto:")]


def _digest(message: Message, rest: bytes) -> str:
    headers = "\n".join(_raw(message, name) for name in ("Date", "From", "Subject"))
    return hashlib.blake2b(headers.encode("utf-8", "surrogateescape") + rest, digest_size=16).hexdigest()


def _leaves(message: Message, rest: bytes) -> Iterator[tuple[Message, bytes]]:
    """The parts without further parts, in order.

    The email package would recurse as deep as they are nested.
    """
    waiting = [(message, rest, 0)]
    for _ in range(MAX_PARTS):
        if not waiting:
            return
        part, body, depth = waiting.pop()
        boundary = part.get_boundary() if part.get_content_maintype() == "multipart" else None
        if not boundary:
            yield part, body
        elif depth < MAX_DEPTH:
            pieces = islice(_pieces(body, boundary.encode("ascii", "surrogateescape")), MAX_PARTS)
            following = [(*_parsed(piece), depth + 1) for piece in pieces]
            waiting += reversed(following)


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts between the boundary's lines (RFC 2046 §5.1.1), up to the end if the last line is missing."""
    start = None
    for mark in re.finditer(rb"^--%s(--)?[ \t]*(?:\n|\Z)" % re.escape(boundary), body, re.MULTILINE):
        if start is not None:
            yield body[start : max(start, mark.start() - 1)]
        start = mark.end()
        if mark[1]:
            return
    if start is not None:
        yield body[start:]


def _text(message: Message, rest: bytes) -> Text | None:
    """The text for people: the first HTML part, else the first of plain text; then texts attached to it.

    An attached text without a file name is a part of the message (RFC 2183 §2.2).
    """
    found: dict[str, str] = {}
    attached: list[str] = []
    own = _own_addresses(message)
    for part, body in _leaves(message, rest):
        kind = part.get_content_type()
        is_attached = part.get_content_disposition() == "attachment"
        if kind not in ("text/html", "text/plain") or (is_attached and part.get_filename()):
            continue
        if not is_attached and (kind in found or "text/html" in found):
            continue
        if is_attached and len(attached) == MAX_ATTACHED:
            continue
        if kind == "text/html":
            text = _markup(_content(part, body), own)
        else:
            flowed = str(part.get_param("format", "")).lower() == "flowed"
            text = _paragraphs(_content(part, body), own, is_flowed=flowed)
        if text and is_attached:
            attached.append(text)
        elif text:
            found[kind] = text
    texts = [text for text in (found.get("text/html") or found.get("text/plain"), *attached) if text]
    return Text("\n".join(texts), "html") if texts else None


def _content(part: Message, body: bytes) -> str:
    part.set_payload(body[:MAX_TEXT_BYTES].decode("ascii", "surrogateescape"))
    content = part.get_payload(decode=True)
    charset = part.get_content_charset()
    return decode(
        content if isinstance(content, bytes) else b"", f"text/plain; charset={charset}" if charset else None
    ).text


def _own_addresses(message: Message) -> tuple[str, ...]:
    """The reader's own unsubscribe addresses and mail address; the longest first.

    Anyone who has such a link can unsubscribe the reader (RFC 2369, RFC 8058).
    """
    reader = parseaddr(_raw(message, "Delivered-To"))[1]
    found = {*_LISTED.findall(_raw(message, "List-Unsubscribe"))[:MAX_LISTED]}
    if "@" in reader[1:-1]:
        found |= {reader, quote(reader, safe="")}
    return tuple(sorted(found, key=lambda address: (-len(address), address)))


def _markup(html: str, own: Sequence[str]) -> str:
    """The HTML without what is only for this reader's mail program."""
    tree = LexborHTMLParser(html)
    for image in tree.css("img"):
        if (image.attributes.get("src") or "").strip().lower().startswith("cid:"):
            # The picture is only in the message, so it cannot be linked; its alternative text stays.
            alt = " ".join((image.attributes.get("alt") or "").split())[:MAX_HEADER_CHARS]
            image.replace_with(alt) if alt else image.decompose()
    for hidden in tree.css(_HIDDEN):
        hidden.decompose()
    for link in tree.css("a[href]"):
        if (link.attributes.get("href") or "").strip() in own:
            link.decompose()
    markup = (tree.body.inner_html or "") if tree.body else ""
    for address in own:
        markup = markup.replace(escape(address), "").replace(escape(address, quote=False), "")
    return markup


def _paragraphs(text: str, own: Sequence[str], *, is_flowed: bool) -> str:
    """Plain text as HTML: paragraphs between empty lines, addresses as links (RFC 3676)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for address in own:
        text = text.replace(address, "")
    if is_flowed:
        text = re.sub(r"(?<!\n--) \n(?!>)", " ", text)
    blocks = [block.strip("\n") for block in _BETWEEN_PARAGRAPHS.split(text) if block.strip()]
    return "\n".join(f"<p>{_linked(block)}</p>" for block in blocks)


def _linked(block: str) -> str:
    pieces = _ADDRESS.split(block)
    for number, piece in enumerate(pieces):
        plain = escape(piece).replace("\n", "<br>\n")
        pieces[number] = f'<a href="{plain}">{plain}</a>' if number % 2 else plain
    return "".join(pieces)


def _check(source: RetrievedSource, _: Callable[[str], Any]) -> None:
    if source.path is None:
        from aggregator.adapters.mail.imap import mailbox_parts

        mailbox_parts(source.address)


def _retrieve(source: RetrievedSource, validators: Validators, transport: Transport) -> Fetched | NotModified:
    options = MailOptions.model_validate(source.options)
    if source.path is not None:
        return fetch_maildir(source.path, options, validators, transport)
    # Not imported at the top: processes that read documents need neither imaplib nor ssl.
    from aggregator.adapters.mail.imap import fetch_imap

    return fetch_imap(source, options, validators, transport)


KIND = Kind(
    read=read,
    options=MailOptions,
    place="either",
    schemes=("imap", "imaps"),
    retrieve=_retrieve,
    check=_check,
)
