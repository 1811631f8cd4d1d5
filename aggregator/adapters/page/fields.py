"""The fields of one item of a page: from elements to the values of an entry."""

from __future__ import annotations

from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from aggregator.adapters.page.html_tree import attribute, select
from aggregator.adapters.page.options import Part, dated, matched
from aggregator.normalise.dates import first as first_date
from aggregator.normalise.embedded import LAZY
from aggregator.normalise.month_names import MONTHS

MAX_VALUES = 50
# Attributes that only lazy images have; other names in `LAZY` may mean something else if an image has an
# address.
_LAZY_FIRST = (
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-orig-src",
    "data-srcset",
    "data-lazy-srcset",
)
_MAX_VALUE = 4_000


def found(item: LexborNode, part: Part) -> list[LexborNode]:
    """The elements that a field's selector matches in an item; the item itself without a selector."""
    return select(item, part.selector)[:MAX_VALUES] if part.selector.strip() else [item]


def text(node: LexborNode) -> str:
    """An element's text on one line."""
    return " ".join(node.text(separator=" ").split())


def link(node: LexborNode) -> str:
    """An element's link: its own address, that of the first link in it, or of the link around it."""
    if href := attribute(node, "href"):
        return href
    inner = node.css_first("a[href]")
    around: LexborNode | None = node
    while inner is None and around is not None:
        inner = around if around.tag == "a" else None
        around = around.parent
    return attribute(inner, "href")


def image(node: LexborNode) -> str:
    """The address of the picture that an element is or contains; a lazily loaded one is preferred."""
    picture = node if node.tag in ("img", "source") else node.css_first("img")
    for name in (*_LAZY_FIRST, "src", *sorted(LAZY)):
        value = attribute(picture, name)
        if value and not value.startswith("data:"):
            return _largest(value) if "srcset" in name else value
    return _largest(attribute(picture, "srcset"))


def _largest(srcset: str) -> str:
    """The candidate of a `srcset` with the greatest descriptor (HTML §4.8.4.2.1)."""
    best, most = "", -1.0
    for candidate in srcset[:_MAX_VALUE].split(", "):
        url, _, descriptor = candidate.strip().strip(",").partition(" ")
        number = descriptor.strip()[:-1]
        size = float(number) if number.replace(".", "", 1).isascii() and number.isdecimal() else 0.0
        if url and size > most:
            best, most = url, size
    return best


def date(node: LexborNode) -> str:
    """The date in an element: a machine-readable one, else its text; the first that can be read."""
    return first_date(*_dates(node)) or ""


def _dates(node: LexborNode) -> Iterator[str]:
    for name in ("datetime", "content", "title"):
        value = attribute(node, name)
        if value and (name == "datetime" or any(c.isdigit() for c in value)):
            yield value
    yield text(node)


_USUAL = {"link": link, "image": image, "date": date}


def values(item: LexborNode, name: str, part: Part) -> Iterator[str]:
    """The values of a field's elements, in document order, without empty ones and ones that its regex does
    not match.
    """
    for node in found(item, part):
        if part.attribute and part.attribute != "text":
            value = attribute(node, part.attribute)
        else:
            value = (text if part.attribute else _USUAL.get(name, text))(node)
        if value := matched(part.regex, value[:_MAX_VALUE]):
            yield value


def value(item: LexborNode, name: str, part: Part) -> str:
    """The first value, else the default."""
    return next(values(item, name, part), part.default or "")


def markup(item: LexborNode, name: str, part: Part) -> str | None:
    """The HTML of a field's first element; None if the field is only text, or nothing was found."""
    if part.attribute or part.regex:
        return None
    for node in found(item, part):
        if text(node) or (name == "summary" and node.css_first("img")):
            return node.inner_html
    return None


def moment(item: LexborNode, part: Part) -> tuple[str | None, str]:
    """A date as ISO 8601 or as written, None for none; and the original text."""
    if part.format is None:
        written = first_date(*values(item, "date", part)) or part.default or ""
        return written or None, written
    written = value(item, "date", part)
    every = [written] if part.attribute else [each for node in found(item, part) for each in _dates(node)]
    readings = (dated(part.format, matched(part.regex, each[:_MAX_VALUE]), MONTHS) for each in every)
    return next(filter(None, readings), None), written
