"""Reads a well-formed feed of any dialect with lxml; documents that it rejects go to a later reader."""

from __future__ import annotations

import threading
from typing import Any

from lxml import etree

from aggregator.adapters.feed import elements, mojibake
from aggregator.adapters.feed.constructs import forget_namespace, plain
from aggregator.adapters.feed.elements import MAX_VALUES, Handlers
from aggregator.adapters.feed.namespaces import name
from aggregator.model.article import Problem
from aggregator.model.entry import Entry, Feed, Text
from aggregator.model.struct import replace

MAX_ENTRIES = 10_000
MAX_TEXT_CHARS = 4_000_000
# libxml2 without huge_tree limits depth (256), a text (10 MB), a name (50 kB) and entities.


class NotWellFormed(ValueError):
    """The document is not well formed: `reason` and its `line`."""

    def __init__(self, reason: str, line: int = 0, *, hostile: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
        self.hostile = hostile


class OtherRoot(ValueError):
    """Well-formed XML that is not a feed: `root` is its first element's name."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root


_Element = etree._Element


def read(document: bytes, *, recover: bool = False) -> Feed:
    """The feed in a document that is UTF-8, whatever its XML declaration says.

    Undeclared prefixes are the only fault that it accepts, with a Problem: the prefix identifies the element.
    With `recover` it continues after every fault, as libxml2 can, for a document that no reader reads well.
    Raises OtherRoot, and NotWellFormed, also for entities that the document or its type declares.
    """
    parser = _parsers.strict
    problems = []
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        faults = {fault.type for fault in parser.error_log}
        hostile = bool(faults & _LIMITS)
        if hostile or not (recover or (faults and faults <= _NAMESPACE_FAULTS)):
            raise NotWellFormed(_one_line(error.msg or ""), error.lineno or 0, hostile=hostile) from None
        parser = _parser(recover=True)
        root = etree.fromstring(document, parser)
        if root is None:
            raise NotWellFormed("no element", 1) from None
        for fault in parser.error_log:
            if not recover and fault.domain != etree.ErrorDomains.NAMESPACE:
                raise NotWellFormed(_one_line(fault.message), fault.line) from None
        fault = parser.error_log[0]
        problems.append(Problem(text=_one_line(fault.message), where=f"line {fault.line}"))
    dtd: Any = root.getroottree().docinfo.internalDTD
    if (
        not recover
        and dtd is not None
        and (any(dtd.iterentities()) or any(True for _ in root.iter(etree.Entity)))
    ):
        raise NotWellFormed("entities of a document type", 1)
    if recover:  # their meaning is unknown
        etree.strip_tags(root, etree.Entity)
    feed = _read(root)
    feed.is_legal = not recover
    if mojibake.shows(document):
        mojibake.mend(feed)
        feed.is_legal = False
    feed.problems[:0] = problems
    return feed


def _parser(*, recover: bool) -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        no_network=True,
        resolve_entities=False,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


class _Parsers(threading.local):
    """One parser a thread: making one costs a tenth of a parse, and it keeps the log of its last document."""

    def __init__(self) -> None:
        self.strict = _parser(recover=False)


_parsers = _Parsers()
_NAMESPACE_FAULTS = frozenset(
    {
        etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE,
        etree.ErrorTypes.NS_ERR_XML_NAMESPACE,
        etree.ErrorTypes.NS_ERR_EMPTY,
        etree.ErrorTypes.WAR_NS_URI,
    }
)
_LIMITS = frozenset({etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_NAME_TOO_LONG})


def _one_line(message: str) -> str:
    return " ".join(message.split())[:200]


# ---------------------------------------------------------------------------------------- the document

_RSS_VERSIONS = {"0.91": "rss091u", "0.92": "rss092", "0.93": "rss093", "0.94": "rss094"}
_ATOM_VERSIONS = {"0.1": "atom01", "0.2": "atom02", "0.3": "atom03"}


def _read(root: _Element) -> Feed:
    kind = name(root.tag)
    local = root.tag.rpartition("}")[2].lower()
    if kind == "" and local in ("rss", "feed"):  # a publisher's own namespace, ignored
        _forget_namespace(root)
        kind = local
    if kind in ("rss", "channel", "rdf:RDF"):
        feed = Feed(version=_rss_version(root, kind))
        elements.set_context(feed.info, root, None)
        _read_channel(feed, root, *_PREFIXED)
    elif kind in ("atom:feed", "feed"):
        feed = Feed(version=_atom_version(root))
        elements.set_context(feed.info, root, None)
        _read_channel(feed, root, *(_PREFIXED if kind == "atom:feed" else _BARE))
    elif kind == "atom:entry":  # RFC 4287 §2: an Entry Document is a document too
        feed = Feed(version=_atom_version(root))
        feed.entries.append(_read_entry(root, feed, elements.ITEM))
    else:
        raise OtherRoot(kind or local)
    elements.finish_feed(feed.info)
    return feed


_PREFIXED = (elements.CHANNEL, elements.ITEM)
_BARE = (elements.without_namespace(elements.CHANNEL), elements.without_namespace(elements.ITEM))


def _forget_namespace(root: _Element) -> None:
    own = root.tag.partition("}")[0] + "}"
    for element in root.iter(f"{own}*"):
        forget_namespace(element)


def _rss_version(root: _Element, kind: str) -> str:
    if kind == "rdf:RDF":
        uris = {child.tag.partition("}")[0] for child in root}
        return "rss090" if any("rdf/simple/0.9" in uri for uri in uris) else "rss10"
    written = root.get("version", "").strip()
    return "rss20" if written.startswith("2") else _RSS_VERSIONS.get(written, "rss")


def _atom_version(root: _Element) -> str:
    if "2005/atom" in root.tag.lower():
        return "atom10"
    return _ATOM_VERSIONS.get(root.get("version", "").strip(), "atom")


def _read_channel(feed: Feed, element: _Element, handlers: Handlers, entry_handlers: Handlers) -> None:
    """Reads feed-level elements and entries, which RSS 0.90 and 1.0 put beside the channel, others inside."""
    info = feed.info
    for child in element:
        kind = name(child.tag)
        if kind in _ENTRY_NAMES:
            if len(feed.entries) == MAX_ENTRIES:
                where = f"line {child.sourceline}"
                feed.problems.append(
                    Problem(text=f"only the first {MAX_ENTRIES} entries are read", where=where)
                )
                return
            feed.entries.append(_read_entry(child, feed, entry_handlers))
        elif kind == "channel":
            elements.set_context(info, child, info)
            _read_channel(feed, child, handlers, entry_handlers)
        elif kind in _HINTS:
            hints = dict(feed.hints)
            hints.setdefault(_HINTS[kind], " ".join(plain(c) for c in child) or plain(child))
            feed.hints = hints
        elif handler := handlers.get(kind):
            handler(info, child)
        elif ":" in kind:
            elements.pass_through(info, child)


_ENTRY_NAMES = frozenset({"item", "atom:entry", "entry"})
_HINTS = {"ttl": "ttl", "skiphours": "skipHours", "skipdays": "skipDays"} | {
    each: each for each in ("sy:updatePeriod", "sy:updateFrequency", "sy:updateBase", "itunes:new-feed-url")
}


def _read_entry(element: _Element, feed: Feed, handlers: Handlers) -> Entry:
    line: Any = element.sourceline
    entry = Entry(line=line)
    elements.set_context(entry, element, feed.info)
    waiting = []
    for child in element:
        kind = name(child.tag)
        handler = handlers.get(kind)
        if handler is not None:
            handler(entry, child)
        elif ":" in kind:
            waiting.append((child, kind))
    for child, kind in waiting:
        elements.read_waiting(entry, child, kind)
    if not entry.id:
        about = element.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
        entry.id = (about or "").strip() or None
    elements.finish_entry(entry)
    bound(entry, feed)
    return entry


def bound(entry: Entry, feed: Feed) -> None:
    """Limits the number and length of an entry's values, with a Problem."""
    where = entry.id or f"line {entry.line}"
    for values in (
        entry.links,
        entry.authors,
        entry.contributors,
        entry.categories,
        entry.contents,
        entry.media,
    ):
        if len(values) > MAX_VALUES:
            feed.problems.append(
                Problem(text=f"only the first {MAX_VALUES} of {len(values)} values are kept", where=where)
            )
            del values[MAX_VALUES:]
    if entry.summary is not None and len(entry.summary.value) > MAX_TEXT_CHARS:
        entry.summary = _cut(entry.summary, where, feed)
    for i, content in enumerate(entry.contents):
        if len(content.value) > MAX_TEXT_CHARS:
            entry.contents[i] = _cut(content, where, feed)


def _cut(text: Text, where: str, feed: Feed) -> Text:
    feed.problems.append(Problem(text=f"only the first {MAX_TEXT_CHARS} characters are read", where=where))
    return replace(text, value=text.value[:MAX_TEXT_CHARS])
