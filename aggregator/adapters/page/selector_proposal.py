"""Proposes selectors for a page without configured ones: its list of entries, and their fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from aggregator.adapters.page import fields as page_fields
from aggregator.adapters.page.element_list import NAME, Outline, OutlineElement, is_date, outline
from aggregator.adapters.page.html_tree import WebPage, attribute, select
from aggregator.adapters.page.options import Part
from aggregator.adapters.page.repeated_elements import Group, best, facts, judged
from aggregator.normalise import dates

SAMPLE = 30
"""How many items are compared."""
MIN_SUMMARY = 40
MAX_DATE = 100
MAX_NAME = 60
_MAX_INSIDE = 200
_MAX_CANDIDATES = 16

_PLAIN = frozenset({"b", "div", "em", "i", "li", "p", "small", "span", "strong", "td"})
_TITLE = re.compile(r"title|headline|p-name", re.IGNORECASE)
_PERMALINK = re.compile(r"permalink|bookmark|u-url", re.IGNORECASE)
_DATE = re.compile(r"date|time|publish|posted|stamp", re.IGNORECASE)
_SUMMARY = re.compile(
    r"summar|excerpt|descri|teaser|intro|lead|content|body|snippet|dek|abstract|text", re.IGNORECASE
)
_AUTHOR = re.compile(r"(?:p-|post-|entry-|article-|meta-)?(?:author|byline)(?:-?name)?", re.IGNORECASE)
_AVATAR = re.compile(r"avatar|gravatar|emoji|icon|logo|spacer|pixel", re.IGNORECASE)
_CATEGORIES = (
    *("a[rel~='tag']", "a[rel~='category']", ".p-category", ".categories a", ".category a", ".tags a"),
    *("a.category", "a.tag", ".category", ".tag"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A selector for the items of a page, and the part for each field that most of them have."""

    item: str
    parts: dict[str, Part]


@dataclass(frozen=True, slots=True)
class _Item:
    """An item, everything inside it, and what is known about it."""

    node: LexborNode
    inside: tuple[OutlineElement, ...]
    title: LexborNode
    link: LexborNode


def propose(page: WebPage, item: str | None = None) -> Proposal | None:
    """Proposes selectors for a page; None if it has no list of entries. A given `item` is kept."""
    row = outline(page)
    if item is None:
        group = best(row)
    else:
        places = {e.node.mem_id: n for n, e in enumerate(row.elements)}
        chosen = tuple(places[n.mem_id] for n in page.select(item) if n.mem_id in places)
        group = judged(row, Group(item, chosen)) if chosen else None
    if group is None:
        return None
    items = list(_items(row, group))
    if not items:
        return None
    parts = {
        "title": _titles(items),
        "link": described(items, _permalink) or described(items, lambda each: each.link) or Part(),
    }
    for name, find, share in (
        ("date", _date, 0.5),
        ("summary", _summary, 0.4),
        ("image", _image, 0.3),
        ("author", _author, 0.5),
    ):
        found = [n for each in items if (n := find(each)) is not None]
        if len(found) >= share * len(items) and (part := described(items, find)):
            parts[name] = part
    if categories := _categories(items):
        parts["categories"] = Part(selector=categories)
    return Proposal(item=group.selector, parts=parts)


def _items(row: Outline, group: Group) -> Iterator[_Item]:
    linked = [(n, main) for n, main in zip(group.members, group.mains, strict=True) if main >= 0]
    for number, main in linked[:SAMPLE]:
        element = row.elements[number]
        inside = row.elements[number : number + min(element.size, _MAX_INSIDE)]
        yield _Item(
            element.node,
            tuple(inside),
            row.elements[facts(row, number).heading or main].node,
            row.elements[main].node,
        )


def described(items: Sequence[_Item], find: Callable[[_Item], LexborNode | None]) -> Part | None:
    """A selector with `find`'s element as its first match; None if that is so in too few of the items."""
    wanted = [(item.node, found) for item in items if (found := find(item)) is not None]
    if not wanted:
        return None
    whole = sum(node.mem_id == found.mem_id or not _is_inside(node, found) for node, found in wanted)
    if whole * 2 > len(wanted):
        return Part()
    chosen = _selector(wanted)
    missed = [pair for pair in wanted if chosen and not _hits(chosen, [pair])]
    if chosen and missed and (other := _selector(missed)):
        both = f"{chosen}, {other}"  # the first story may have another heading level than the rest
        chosen = both if _hits(both, wanted) > len(wanted) - len(missed) else chosen
    return Part(selector=chosen) if chosen and _hits(chosen, wanted) * 2 >= len(wanted) else None


def _selector(wanted: Sequence[tuple[LexborNode, LexborNode]]) -> str | None:
    """The selector that matches the wanted element first in most items."""
    names = Counter(name for node, found in wanted for name in dict.fromkeys(_names(node, found)))
    likely = sorted(names, key=lambda name: (-names[name], len(name)))[:_MAX_CANDIDATES]
    return max(likely, key=lambda name: (_hits(name, wanted) - _clumsiness(name), -len(name)), default=None)


def _clumsiness(name: str) -> float:
    """How fragile a selector is: the first `div` of an item may be another one tomorrow."""
    return name.count(" ") + 0.01 * len(name) + 0.3 * (name in _PLAIN)


def _hits(selector: str, wanted: Sequence[tuple[LexborNode, LexborNode]]) -> int:
    firsts = ((node.css_first(selector), found) for node, found in wanted)
    return sum(first is not None and first.mem_id == found.mem_id for first, found in firsts)


def _titles(items: Sequence[_Item]) -> Part:
    """The part for titles: headings with links, elements named so, other headings, links."""
    ways: tuple[Callable[[_Item], LexborNode | None], ...] = (
        _leading_heading,
        _called_title,
        lambda each: each.title,
        lambda each: each.link,
    )
    best, most = Part(), 0
    for way in ways:
        part = described(items, lambda each, way=way: _no_date(way(each)))  # type: ignore[misc]
        if part is None:
            continue
        values = [page_fields.value(each.node, "title", part) for each in items]
        texts = sum(bool(value) and not is_date(value) for value in values)
        if texts > most:
            best, most = part, texts
        if texts * 10 >= len(items) * 9:
            break
    return best


def _no_date(node: LexborNode | None) -> LexborNode | None:
    return None if node is None or is_date(page_fields.text(node)) else node


def _leading_heading(item: _Item) -> LexborNode | None:
    is_heading = item.title.mem_id != item.link.mem_id
    is_leading = _is_inside(item.title, item.link) or _is_inside(item.link, item.title)
    return item.title if is_heading and is_leading else None


def _called_title(item: _Item) -> LexborNode | None:
    for element in item.inside[1:]:
        if element.text and any(_TITLE.search(name) for name in _called(element.node)):
            return element.node
    return None


def _is_inside(item: LexborNode, node: LexborNode) -> bool:
    above: LexborNode | None = node
    while above is not None:
        if above.mem_id == item.mem_id:
            return True
        above = above.parent
    return False


def _names(item: LexborNode, node: LexborNode) -> Iterator[str]:
    """Possible selectors for an element inside an item."""
    own = list(_simple(node))
    yield from own
    parent = node.parent
    if parent is not None and parent.mem_id != item.mem_id:
        for above in _simple(parent):
            yield f"{above} > {own[0]}"
            yield f"{above} {own[0]}"


def _simple(node: LexborNode) -> Iterator[str]:
    tag = node.tag if node.tag and NAME.fullmatch(node.tag) else "*"
    yield tag
    for name in attribute(node, "class").split()[:6]:
        if NAME.fullmatch(name):
            yield f"{tag}.{name}"
    itemprop = attribute(node, "itemprop")
    if NAME.fullmatch(itemprop):
        yield f"{tag}[itemprop='{itemprop}']"


def _called(node: LexborNode) -> list[str]:
    return [*attribute(node, "class").split(), attribute(node, "itemprop"), attribute(node, "rel")]


def _permalink(item: _Item) -> LexborNode | None:
    """The link that is marked as the entry's."""
    for element in item.inside:
        node = element.node
        if element.target:
            called = [*_called(node), *(_called(node.parent) if node.parent is not None else ())]
            if any(_PERMALINK.fullmatch(name) for name in called):
                return node
    return None


def _date(item: _Item) -> LexborNode | None:
    """The element of the date: `<time>`, an element named so, or one with only a date as its text."""
    plain = None
    for element in item.inside:
        node = element.node
        is_made = node.tag == "time" or "datetime" in node.attributes
        is_short = 5 < element.text <= MAX_DATE and any(c.isdigit() for c in node.text())
        written = page_fields.date(node) if is_made or is_short else ""
        if not written or dates.parse(written) is None:
            continue
        if is_made or any(_DATE.search(name) for name in _called(node)):
            return _innermost(node)
        if plain is None and node.mem_id != item.title.mem_id:
            plain = node
    return _innermost(plain) if plain is not None else None


def _innermost(node: LexborNode) -> LexborNode:
    """The innermost element with the same text."""
    written = page_fields.date(node)
    while True:
        inner = node.first_child
        while inner is not None and (inner.tag or "-").startswith("-"):
            inner = inner.next
        if inner is None or page_fields.date(inner) != written:
            return node
        node = inner


def _summary(item: _Item) -> LexborNode | None:
    """The text besides the title: an element named so, else the longest paragraph."""
    longest, most = None, MIN_SUMMARY
    for element in item.inside[1:]:
        node = element.node
        if element.text <= MIN_SUMMARY or node.tag in ("a", "time", "ul"):
            continue
        if _is_inside(node, item.title) or _is_inside(item.title, node):
            continue
        if any(_SUMMARY.search(name) for name in _called(node)):
            return node
        if node.tag in ("p", "blockquote", "dd", "td") and element.text > most:
            longest, most = node, element.text
    return longest


def _image(item: _Item) -> LexborNode | None:
    for element in item.inside:
        node = element.node
        if node.tag == "img":
            address = page_fields.image(node)
            if address and not _AVATAR.search(f"{address} {attribute(node, 'class')}"):
                return node
    return None


def _author(item: _Item) -> LexborNode | None:
    for element in item.inside[1:]:
        if 2 < element.text <= MAX_NAME and any(_AUTHOR.fullmatch(name) for name in _called(element.node)):
            return element.node
    return None


def _categories(items: Sequence[_Item]) -> str | None:
    for selector in _CATEGORIES:
        having = 0
        for item in items:
            texts = [page_fields.text(node) for node in select(item.node, selector)]
            having += bool(texts) and all(0 < len(text) <= MAX_NAME for text in texts)
        if having * 5 >= len(items) * 2:
            return selector
    return None
