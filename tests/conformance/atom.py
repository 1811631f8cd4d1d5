"""Atom 1.0 for `conformance`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from tests.conformance.extensions import extension_faults
from tests.conformance.links import atom_link, feed_links
from tests.conformance.values import (
    ANY,
    ATOM,
    MAYBE,
    MEDIA_TYPE_AND_MORE,
    ONE,
    XHTML_DIV,
    Node,
    Refused,
    address,
    attributes,
    cardinality,
    elements,
    name_of,
    parse,
    repeats,
    rfc3339,
    text_of,
)

_PERSON = {"name": ONE, "uri": MAYBE, "email": MAYBE}
_METADATA = {
    **dict.fromkeys(("author", "category", "contributor", "link"), ANY),
    **dict.fromkeys(("generator", "icon", "logo", "rights", "subtitle"), MAYBE),
}
_FEED = {**_METADATA, **dict.fromkeys(("id", "title", "updated"), ONE), "entry": ANY}
_SOURCE = {**_METADATA, **dict.fromkeys(("id", "title", "updated"), MAYBE)}
_ENTRY = {
    **dict.fromkeys(("author", "category", "contributor", "link"), ANY),
    **dict.fromkeys(("content", "published", "rights", "source", "summary"), MAYBE),
    **dict.fromkeys(("id", "title", "updated"), ONE),
}


def check_atom(body: bytes, *, self_link: bool = False) -> list[str]:
    """The violations of RFC 4287; `self_link`: a link rel="self" must be there (§4.1.1 recommends it)."""
    try:
        root = parse(body)
    except Refused as refused:
        return [str(refused)]
    if root.tag != ATOM + "feed":
        return ["document: the root is not atom:feed"]
    found = list(_container(root, "feed", _FEED))
    if self_link and not [n for n in root.findall(ATOM + "link") if n.get("rel") == "self"]:
        found.append("feed: no link rel='self'")
    found += feed_links(root, "feed")
    found += extension_faults(root)
    entries = root.findall(ATOM + "entry")
    feed_has_author = root.find(ATOM + "author") is not None
    for number, entry in enumerate(entries, 1):
        found += _atom_entry(entry, f"entry {number} {text_of(entry.find(ATOM + 'id'))!r}", feed_has_author)
    return found + list(repeats([text_of(entry.find(ATOM + "id")) for entry in entries]))


def _container(node: Node, where: str, limits: Mapping[str, tuple[int, int | None]]) -> Iterator[str]:
    """Returns what feed, entry and source have in common: cardinalities, and each child by its kind."""
    yield from cardinality(node, where, limits, ATOM)
    yield from attributes(node, where, "")
    for child in elements(node):
        name = str(child.tag).removeprefix(ATOM)
        if name in {"title", "subtitle", "summary", "rights"}:
            yield from _text_construct(child, where)
        elif name in {"author", "contributor"}:
            yield from _person(child, where)
        elif name in {"updated", "published"}:
            yield from attributes(child, where, "")
            yield from rfc3339(child, where)
        elif name in {"id", "icon", "logo"}:
            yield from attributes(child, where, "")
            yield from address(child.text, where, f"<{name}>", iri=True)
        elif name == "link":
            yield from atom_link(child, where, in_head=where == "feed")
        elif name == "category":
            yield from attributes(child, where, "scheme label", "term")
            if "scheme" in child.attrib:
                yield from address(child.get("scheme"), where, "category scheme", iri=True)
        elif name == "generator":
            yield from attributes(child, where, "uri version")
    alternates = Counter(
        (link.get("type"), link.get("hreflang"))
        for link in node.findall(ATOM + "link")
        if link.get("rel", "alternate") == "alternate"
    )
    for (media_type, language), number in alternates.items():
        if number > 1:
            yield f"{where}: {number} alternate links of type {media_type} in language {language} (§4.1.1)"


def _atom_entry(entry: Node, where: str, feed_has_author: bool) -> Iterator[str]:
    yield from _container(entry, where, _ENTRY)
    for source in entry.findall(ATOM + "source"):
        yield from _container(source, f"{where} source", _SOURCE)
    authors = entry.findall(ATOM + "author") + entry.findall(f"{ATOM}source/{ATOM}author")
    if not authors and not feed_has_author:
        yield f"{where}: no author here, in its source or in the feed (§4.1.2)"
    content = entry.find(ATOM + "content")
    alternate = [n for n in entry.findall(ATOM + "link") if n.get("rel", "alternate") == "alternate"]
    if content is None and not alternate:
        yield f"{where}: neither content nor an alternate link (§4.1.2)"
    if content is not None:
        yield from _content(content, where, has_summary=entry.find(ATOM + "summary") is not None)


def _content(content: Node, where: str, *, has_summary: bool) -> Iterator[str]:
    """§4.1.3"""
    yield from attributes(content, where, "type src")
    kind = content.get("type", "text")
    if "src" in content.attrib:
        yield from address(content.get("src"), where, "content src", iri=True)
        if text_of(content) or len(content):
            yield f"{where}: content with src is not empty (§4.1.3.2)"
        if kind in {"text", "html", "xhtml"} and "type" in content.attrib:
            yield f"{where}: content with src has type {kind} (§4.1.3.2)"
        if not has_summary:
            yield f"{where}: content with src and no summary (§4.1.2)"
    elif kind in {"text", "html", "xhtml"}:
        yield from _markup(content, kind, where)
    elif not MEDIA_TYPE_AND_MORE.fullmatch(kind) or kind.lower().startswith(("multipart/", "message/")):
        yield f"{where}: content type {kind!r} (§4.1.3.1)"
    elif kind.lower().endswith(("+xml", "/xml")):
        return
    elif len(content):
        yield f"{where}: content of type {kind} has child elements (§4.1.3.3)"
    elif not kind.lower().startswith("text/") and not has_summary:
        yield f"{where}: content in Base64 and no summary (§4.1.2)"


def _text_construct(node: Node, where: str) -> Iterator[str]:
    """§3.1"""
    yield from attributes(node, where, "type")
    kind = node.get("type", "text")
    if kind in {"text", "html", "xhtml"}:
        yield from _markup(node, kind, where)
    else:
        yield f"{where}: <{name_of(node)}> has type {kind!r} (§3.1.1)"


def _markup(node: Node, kind: str, where: str) -> Iterator[str]:
    tags = [child.tag for child in elements(node)]
    if kind != "xhtml" and tags:
        yield f"{where}: <{name_of(node)}> of type {kind} has child elements (§3.1.1)"
    elif kind == "xhtml" and (tags != [XHTML_DIV] or text_of(node)):
        yield f"{where}: <{name_of(node)}> of type xhtml is not one XHTML div (§3.1.1.3)"


def _person(node: Node, where: str) -> Iterator[str]:
    """§3.2"""
    yield from cardinality(node, where, _PERSON, ATOM)
    yield from attributes(node, where, "")
    if not text_of(node.find(ATOM + "name")):
        yield f"{where}: <{name_of(node)}> with an empty name"
    if node.find(ATOM + "uri") is not None:
        yield from address(node.findtext(ATOM + "uri"), where, "person uri", iri=True)
    email = node.findtext(ATOM + "email")
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        yield f"{where}: e-mail {email!r} (§3.2.3)"
