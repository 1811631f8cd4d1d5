"""Replaces an extractor's version of an article with the page's own elements: lists, code and tables as they
are.

An extractor rewrites an article with the few elements that it knows. Its text shows where on the page the
article is: the elements with that text are kept as they are, and between them what belongs to an article,
such as code, tables and players.
"""

from __future__ import annotations

import re
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.adapters.page.html_tree import WebPage

__all__ = ["own_markup"]

WHOLE_SHARE = 0.95
"""The share of the extracted text that the article's element must contain."""
FOUND_SHARE = 0.8
"""If less of the extracted text is found on the page, the extractor's version is used."""
STRANGE_SHARE, FEWEST_STRANGE = 0.3, 200
"""How many letters that were not extracted may be kept, in elements of uncertain purpose."""
FEWEST_LETTERS = 12
SURE_LETTERS = 60
NEAR, FAR = 200, 50_000
"""How far ahead a short text, and any other, is searched for in the extracted letters."""
MAX_SEARCHED = 1_000_000_000
"""The most letters that are compared, for a page of a million short texts."""
MAX_DEPTH = 250

# Elements that are kept or dropped as a whole, because their text is one piece.
_PIECE_NAMES = "p pre h1 h2 h3 h4 h5 h6 li dt dd blockquote figcaption caption summary address"
_PIECES = frozenset(_PIECE_NAMES.split())
_INLINE_NAMES = (
    "a abbr b bdi bdo big br cite code data del dfn em font i ins kbd mark math q rp rt ruby s samp small "
    "span strike strong sub sup time tt u var wbr"
)
_INLINE = frozenset(_INLINE_NAMES.split())
_LISTS = frozenset({"dl", "ol", "ul"})
# Not a menu's elements: kept before and after the extracted text.
_SHOWN_NAMES = "audio dl embed figure hr iframe img math object ol picture pre svg table video"
_SHOWS = frozenset(_SHOWN_NAMES.split())
# Kept between extracted elements, even if none of their text was extracted.
_BETWEEN_NAMES = "blockquote details div h2 h3 h4 h5 h6 p section ul"
_BETWEEN = frozenset(_BETWEEN_NAMES.split())
_NEVER_NAMES = (
    "aside button dialog footer form header input link menu meta nav noscript script select style template "
    "textarea title"
)
_NEVER = frozenset(_NEVER_NAMES.split())
_AROUND = re.compile(
    r"(?:^|[\s_-])(?:ads?|advert\w*|author-?(?:box|bio)|banner|breadcrumbs?|byline|comments?|cookie\w*|disqus|hidden|"
    r"jp-relatedposts|meta|nav\w*|newsletter\w*|pagination|paywall|popup|post-?(?:meta|tags|nav\w*)|promo\w*|"
    r"recommend\w*|related\w*|share\w*|sharing|sidebar|signup|social\w*|sponsor\w*|subscri\w*|tags?|toc-toggle|"
    r"toolbar|widget)(?:[\s_-]|$)",
    re.IGNORECASE,
)
_NOTES = re.compile(r"foot-?notes?|endnotes?|references|bibliography", re.IGNORECASE)


def own_markup(page: WebPage, extracted: str, title: str) -> str | None:
    """The page's own markup of the extracted article; None if its text is not found on the page.

    - `extracted`: the article as the extractor wrote it, in HTML.
    - `title`: of the page; its heading is left out.
    """
    body = page.tree.body
    wanted = _letters(LexborHTMLParser(extracted).text())
    if body is None or len(wanted) < FEWEST_LETTERS:
        return None
    choice = _Choice(wanted, title)
    choice.weigh(body, 0)
    total = choice.of(body)
    if total < FOUND_SHARE * len(wanted):
        return None
    node, depth = body, 0
    while depth < MAX_DEPTH:
        inner = next((c for c in node.iter() if choice.of(c) >= WHOLE_SHARE * total), None)
        if inner is None or inner.tag in _PIECES or inner.tag in _INLINE or _is_data(inner):
            break
        node, depth = inner, depth + 1
    written = choice.written(node, 0)
    if choice.strange > STRANGE_SHARE * total + FEWEST_STRANGE:  # no element contains only the article
        choice.is_strict = True
        written = choice.written(node, 0)
    left = len(_letters(LexborHTMLParser(written).text()))
    return written if left >= FOUND_SHARE * len(wanted) else None


class _Choice:
    """How many extracted letters each element contains, and which elements belong to the article."""

    def __init__(self, wanted: str, title: str) -> None:
        self._wanted = wanted
        self._title = _letters(title)
        self._at = 0
        self._searched = 0
        self._found: dict[int, tuple[int, int]] = {}
        self.strange = 0
        self.is_strict = False

    def of(self, node: LexborNode) -> int:
        """The number of extracted letters in an element."""
        return self._found.get(node.mem_id, (0, 0))[0]

    def weigh(self, node: LexborNode, depth: int) -> tuple[int, int]:
        """Counts extracted and all letters for an element and its descendants, in document order."""
        found = every = 0
        for child in node.iter(include_text=True):
            if child.is_text_node:
                letters = _letters(child.text_content or "")
                found += self._match(letters)
                every += len(letters)
            elif child.is_element_node and child.tag not in _NEVER and depth < MAX_DEPTH:
                inner, letters_inside = self.weigh(child, depth + 1)
                found += inner
                every += letters_inside
        self._found[node.mem_id] = found, every
        return found, every

    def _match(self, letters: str) -> int:
        """How many letters of a text come next in the extracted text; short texts must come soon."""
        if not letters or self._searched > MAX_SEARCHED:
            return 0
        window = NEAR if len(letters) < FEWEST_LETTERS else FAR
        at = self._wanted.find(letters, self._at, self._at + window + len(letters))
        self._searched += window if at < 0 else at - self._at
        if at < 0 and len(letters) >= 4 * FEWEST_LETTERS:
            at = self._wanted.find(letters)
            self._searched += len(self._wanted) if at < 0 else at
        if at < 0:
            return 0
        self._at = at + len(letters)
        return len(letters)

    def written(self, node: LexborNode, depth: int) -> str:
        """The markup of those parts of an element that belong to the article."""
        children = [c for c in node.iter(include_text=True) if c.is_text_node or c.is_element_node]
        matched = {n for n, child in enumerate(children) if self._is_matched(child)}
        first, last = (min(matched), max(matched)) if matched else (0, -1)
        parts = []
        for number, child in enumerate(children):
            if child.is_text_node:
                parts.append(escape(child.text_content or "", quote=False))
            elif self._is_title(child):
                continue
            elif number in matched:
                parts.append(self._part(child, depth))
            elif self._belongs(child, is_between=first < number < last):
                parts.append(child.html or "")
        return "".join(parts)

    def _is_matched(self, child: LexborNode) -> bool:
        """Whether it contains extracted text that is more than a word which is elsewhere too."""
        found, every = self._found.get(child.mem_id, (0, 0))
        if not found:
            return False
        share = 0.3 if child.tag in _LISTS or found < SURE_LETTERS else 0.0
        return found >= share * every

    def _part(self, child: LexborNode, depth: int) -> str:
        tag = child.tag or ""
        is_whole = tag in _PIECES or tag in _INLINE or tag in _LISTS or tag == "figure" or _is_data(child)
        if is_whole or depth == MAX_DEPTH:
            return child.html or ""
        return f"<{tag}{_attributes(child)}>{self.written(child, depth + 1)}</{tag}>"

    def _is_title(self, child: LexborNode) -> bool:
        is_heading = child.tag in ("h1", "h2") and bool(self._title)
        return is_heading and (letters := _letters(child.text())) != "" and letters in self._title

    def _belongs(self, child: LexborNode, *, is_between: bool) -> bool:
        """Whether an element without extracted text is part of the article."""
        tag = child.tag or ""
        called = f"{child.attributes.get('class') or ''} {child.attributes.get('id') or ''}"
        if tag in _NEVER or _is_hidden(child):
            return False
        if _NOTES.search(called):
            return True
        if _AROUND.search(called) or _is_of_links(child):
            return False
        if tag in _SHOWS:
            return tag != "table" or _is_data(child)
        is_taken = not self.is_strict and (tag in _INLINE or (is_between and tag in _BETWEEN))
        self.strange += len(_letters(child.text())) if is_taken else 0
        return is_taken


def _is_data(node: LexborNode) -> bool:
    """Whether a table contains data, and is not used for the page's layout."""
    return node.tag == "table" and node.css_first("table table, nav, form, h1, h2, article, div div") is None


def _is_of_links(node: LexborNode) -> bool:
    """Whether most of its text is in links, as in menus and lists of other articles."""
    length = len(_letters(node.text()))
    in_links = sum(len(_letters(link.text())) for link in node.css("a"))
    return node.tag not in ("figure", "table", "a") and length > 0 and in_links > 0.6 * length


def _is_hidden(node: LexborNode) -> bool:
    return "hidden" in node.attributes or (node.attributes.get("aria-hidden") or "").lower() == "true"


def _attributes(node: LexborNode) -> str:
    return "".join(
        f' {name}="{escape(value or "")}"' for name, value in node.attributes.items() if name.isascii()
    )


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))
