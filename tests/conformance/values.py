"""The common part of `conformance`: addresses, dates, cardinalities. Uses lxml only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
DC = "{http://purl.org/dc/elements/1.1/}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
ITUNES = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
MEDIA = "{http://search.yahoo.com/mrss/}"
XML = "{http://www.w3.org/XML/1998/namespace}"
XHTML_DIV = "{http://www.w3.org/1999/xhtml}div"

Node = etree._Element

ONE, MAYBE, ANY = (1, 1), (0, 1), (0, None)

URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9!#$&'()*+,/:;=?@\[\]._~-]|%[0-9A-Fa-f]{2})+")
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[^\x00-\x20\x7f-\x9f\s<>\"{}|\\^`%]|%[0-9A-Fa-f]{2})+")
LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]*/[A-Za-z0-9][\w!#$&^.+-]*", re.ASCII)
MEDIA_TYPE_AND_MORE = re.compile(MEDIA_TYPE.pattern + r"(\s*;.*)?", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY, _MONTH = "Mon|Tue|Wed|Thu|Fri|Sat|Sun", "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_RFC822 = re.compile(
    rf"(({_DAY}), )?\d\d? ({_MONTH}) \d{{4}} \d\d:\d\d(:\d\d)? (UT|GMT|[ECMP][SD]T|[+-]\d{{4}})",
    re.ASCII,
)


class Refused(Exception):
    """The document cannot be looked into at all."""


def parse(body: bytes) -> Node:
    if re.match(rb"<\?xml version=['\"]1\.[01]['\"] encoding=['\"]UTF-8['\"]", body, re.IGNORECASE) is None:
        raise Refused("document: no XML declaration that says UTF-8")
    try:
        root = etree.fromstring(
            body, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        )
    except etree.XMLSyntaxError as error:
        raise Refused(f"document: not well-formed XML: {error}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise Refused("document: a document type declaration")
    return root


def name_of(node: Node) -> str:
    return str(node.tag).rpartition("}")[2]


def text_of(node: Node | None) -> str:
    return "" if node is None else (node.text or "").strip()


def elements(parent: Node) -> list[Node]:
    return [child for child in parent if isinstance(child.tag, str)]


def cardinality(
    parent: Node, where: str, limits: Mapping[str, tuple[int, int | None]], prefix: str
) -> Iterator[str]:
    """Children named in `limits` (least, most) occur so often, and no others of the same namespace occur."""
    found = Counter(str(child.tag) for child in elements(parent))
    for name, (least, most) in limits.items():
        number = found.pop(prefix + name, 0)
        if number < least or (most is not None and number > most):
            wanted = str(least) if least == most else f"{least} to {most or 'any number'}"
            yield f"{where}: {number} <{name}> in <{name_of(parent)}>, not {wanted}"
    for tag in found:
        if tag.startswith(prefix) if prefix else "}" not in tag:
            yield f"{where}: <{tag.removeprefix(prefix)}> is not known in <{name_of(parent)}>"
        elif "}" not in tag:
            yield f"{where}: <{tag}> is in no namespace"


def attributes(node: Node, where: str, allowed: str, required: str = "") -> Iterator[str]:
    """Of the attributes in no namespace, those `required` are there and none but those `allowed` too."""
    names = {str(name) for name in node.attrib if not str(name).startswith("{")}
    for name in set(required.split()) - names:
        yield f"{where}: <{name_of(node)}> without {name}"
    for name in sorted(names - set(allowed.split()) - set(required.split())):
        yield f"{where}: <{name_of(node)}> has an attribute {name}"
    language = node.get(XML + "lang")
    if language and not LANGUAGE.fullmatch(language):
        yield f"{where}: xml:lang {language!r} is no language tag"


def address(
    value: str | None, where: str, what: str, *, schemes: str = "", iri: bool = False
) -> Iterator[str]:
    if value is None or not (IRI if iri else URI).fullmatch(value):
        yield f"{where}: {what} {value!r} is not an absolute {'IRI' if iri else 'URI'}"
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        yield f"{where}: {what} {value!r} cannot be taken apart"
        return
    if schemes and parts.scheme.lower() not in schemes.split():
        yield f"{where}: {what} {value!r} is none of {schemes}"
    elif parts.scheme.lower() in {"http", "https"} and not parts.netloc:
        yield f"{where}: {what} {value!r} has no host"


def rfc822(node: Node | None, where: str) -> Iterator[str]:
    if node is not None:
        yield from rfc822_text(node.text or "", f"{where}: <{name_of(node)}>")


def rfc822_text(value: str, where: str) -> Iterator[str]:
    if not _RFC822.fullmatch(value):
        yield f"{where} {value!r} is no RFC 822 date with a four-digit year"
        return
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        yield f"{where} {value!r} is no date of the calendar"
        return
    if "," in value and value[:3] != _DAY.split("|")[moment.weekday()]:
        yield f"{where} {value!r} names the wrong day of the week"


def rfc3339(node: Node | None, where: str) -> Iterator[str]:
    if node is not None:
        yield from rfc3339_text(node.text or "", f"{where}: <{name_of(node)}>")


def rfc3339_text(value: str, where: str) -> Iterator[str]:
    if not _RFC3339.fullmatch(value):
        yield f"{where} {value!r} is no RFC 3339 date with T and an offset (§3.3)"
        return
    try:
        datetime.fromisoformat(value)
    except ValueError:
        yield f"{where} {value!r} is no date of the calendar"


def repeats(ids: list[str]) -> Iterator[str]:
    for value, number in Counter(ids).items():
        if number > 1:
            yield f"item {value!r}: its id occurs {number} times"
