"""A page's elements as a flat list, with facts about the content of each: one walk, no recursion."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from unicodedata import east_asian_width

from selectolax.lexbor import LexborNode

from aggregator.adapters.page.html_tree import WebPage, attribute
from aggregator.normalise import links

MAX_ELEMENTS = 30_000
"""How many elements of a page are examined; lists of entries are before that."""

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
NAME = re.compile(r"[A-Za-z_][\w-]{0,60}", re.ASCII)
"""A name that can be written in a selector as it is; broken markup has tags and classes of every form."""
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек"
_DATE = re.compile(
    r"(?:19|20)\d\d\s?[-/.年년]\s?\d{1,2}|\d{1,2}[-/.]\s?\d{1,2}[-/.]\s?(?:20|19)?\d\d\b|\d{1,2}月\s?\d{1,2}日"
    rf"|\b(?:{_MONTHS})[^\W\d]*\.?\s\d{{1,2}}|\b\d{{1,2}}(?:st|nd|rd|th)?\.?\s(?:de\s)?[^\W\d]{{3,10}}\.?,?\s(?:de\s)?(?:19|20)\d\d"
    r"|\b\d{1,2}\s(?:hours?|days?|minutes?|weeks?)\sago\b",
    re.IGNORECASE,
)
_MONTH = re.compile(
    rf"(?:19|20)\d\d\s?年\s?\d{{1,2}}\s?月|\b(?:{_MONTHS})[^\W\d]*,?\s(?:19|20)\d\d", re.IGNORECASE
)
_ASIDE_TAGS = frozenset({"nav", "footer", "aside", "form", "select", "menu"})
_ASIDE = re.compile(
    r"(?:site|page|main|top|global|primary|secondary|bottom|left|right|sphinx|block|post|entry|article)?[-_]?"
    r"(?:nav|menu|sidebar|sidebox|side|footer|widget|breadcrumb|paginat|pager|paging|social|shar(?:e|ing)|comment|related"
    r"|tag[-_]?(?:s|list|cloud|box)|categor(?:y|ies)[-_]?(?:list|cloud|item)|tagcloud|toc(?![a-z])|blogroll|links|popular"
    r"|dropdown|login|search|cookie|advert|sponsor|forum|meta)",
    re.IGNORECASE,
)


def width(text: str) -> int:
    """The length of a text; a Chinese, Japanese or Korean character counts as two letters."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


@dataclass(slots=True)
class OutlineElement:
    """An element, what is inside it, and whether it is outside the main content."""

    node: LexborNode
    tag: str
    parent: int
    classes: tuple[str, ...]
    id: str
    size: int = 1
    text: int = 0
    target: str = ""
    dates: int = 0
    images: int = 0
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """An element as a possible item: positions of its links and its heading, -1 and 0 for none.

    `main` is the link to its entry, `dated` the link around its date; `is_several`: it is itself a list.
    """

    main: int
    dated: int
    heading: int
    is_several: bool


@dataclass(slots=True)
class Outline:
    """Every element of a page's body in document order; those inside element n are n+1 .. n+size-1."""

    elements: list[OutlineElement] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    facts: dict[int, Facts] = field(default_factory=dict)

    def inside(self, row: list[int], number: int) -> list[int]:
        """The positions in a list (links, headings) that are inside an element, including itself."""
        start = bisect_left(row, number)
        return row[start : bisect_left(row, number + self.elements[number].size, start)]

    def holds(self, outer: int, inner: int) -> bool:
        """Whether an element is inside another, or is the same."""
        return outer <= inner < outer + self.elements[outer].size


def outline(page: WebPage) -> Outline:
    """The outline of a page's body."""
    body = page.tree.body
    made = Outline()
    if body is None:
        return made
    elements = made.elements
    numbers: dict[int, int] = {}
    # A page that was saved as a file has broken links; they still distinguish its entries.
    base = page.base if page.base.startswith("http") else "https://page.invalid/"
    here = base.partition("#")[0]
    for node in body.traverse(include_text=True):
        parent = node.parent
        above = numbers.get(parent.mem_id, 0) if parent is not None else 0
        if node.tag == "-text":
            if elements:
                _take_text(elements[above], node.text_content or "")
            continue
        if len(elements) == MAX_ELEMENTS:
            break
        numbers[node.mem_id] = len(elements)
        tag = node.tag or ""
        element = OutlineElement(node, tag if NAME.fullmatch(tag) else "*", above, (), "")
        attributes = node.attributes
        if attributes:
            element.classes = tuple(dict.fromkeys((attributes.get("class") or "").split()[:12]))
            element.id = (attributes.get("id") or "").strip()
        if element.tag == "a":
            href = (attributes.get("href") or "").strip()
            target = "" if href.startswith("#") else links.resolve(href, base) or ""
            element.target = "" if target.partition("#")[0] == here and target != href else target
            if element.target:
                made.links.append(len(elements))
        elif element.tag in HEADINGS:
            made.headings.append(len(elements))
        elif element.tag == "img":
            element.images = 1
        elif element.tag == "time" or "datetime" in attributes:
            element.dates = 1
        elements.append(element)
    _sum_up(elements)
    return made


def is_date(text: str) -> bool:
    """Whether a text is little more than a date, such as the months of an archive."""
    found = _DATE.search(text) or _MONTH.search(text)
    return found is not None and len(found[0]) * 2 > len(text)


def _take_text(element: OutlineElement, text: str) -> None:
    text = text.strip()
    if text:
        element.text += width(text)
        if len(text) < 200 and _DATE.search(text):
            element.dates += 1


def _sum_up(elements: list[OutlineElement]) -> None:
    for number in range(len(elements) - 1, 0, -1):
        element = elements[number]
        above = elements[element.parent]
        above.size += element.size
        above.text += element.text
        above.dates += element.dates
        above.images += element.images
    whole = elements[0].text if elements else 0
    for element in elements[1:]:
        # A theme may give its whole page the class `has-sidebar`: an element with half of the text is not a
        # sidebar.
        element.is_aside = elements[element.parent].is_aside or (
            element.text * 2 < whole
            and (
                element.tag in _ASIDE_TAGS
                or any(_ASIDE.match(name) for name in (*element.classes, element.id) if name)
                or attribute(element.node, "role") in ("navigation", "contentinfo", "complementary")
            )
        )
