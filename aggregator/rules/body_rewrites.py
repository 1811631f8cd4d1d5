"""Changes bodies by CSS selectors; the result is sanitised again."""

from __future__ import annotations

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from aggregator.normalise.before_sanitising import with_first_lines
from aggregator.normalise.html import sanitise

__all__ = ["BodyChanges", "checked_selectors"]

MAX_SELECTORS = 50
MAX_SELECTOR_CHARACTERS = 500
MAX_TAGS = 10_000
"""Selectors that count siblings take time with the square of these: 0.9 s for this number, measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyChanges:
    """CSS selectors: elements to remove with their content, to replace with their content, or to keep alone.

    A stored body has no classes and no ids: elements are found by their names, by attributes such as `href`,
    `src` and `alt`, and by their position.
    """

    remove: tuple[str, ...] = ()
    unwrap: tuple[str, ...] = ()
    keep_only: tuple[str, ...] = ()

    def applied(self, html: str, link: str) -> str:
        """`html` changed; unchanged if nothing matches, nothing would be left, or it is over a limit.

        `link` is the base of relative addresses in it.
        """
        if not (self.remove or self.unwrap or self.keep_only) or html.count("<") > MAX_TAGS:
            return html
        tree = LexborHTMLParser(f"<body>{html}")
        is_changed = False
        for selector in self.remove:
            for node in tree.css(selector):
                if node.tag not in ("html", "head", "body"):
                    node.decompose()
                    is_changed = True
        for selector in self.unwrap:
            for node in tree.css(selector):
                if node.tag not in ("html", "head", "body"):
                    node.unwrap()
                    is_changed = True
        kept = _outermost(tree, self.keep_only)
        if not is_changed and not kept:
            return html
        left = "\n".join(kept) if kept else (tree.body.inner_html or "" if tree.body is not None else "")
        return sanitise(with_first_lines(left), link) or html


def _outermost(tree: LexborHTMLParser, selectors: tuple[str, ...]) -> list[str]:
    """The markup of the elements that any of the selectors matches, in document order, each once."""
    if not selectors:
        return []
    found = [node for node in tree.css(", ".join(selectors)) if node.tag not in ("html", "head", "body")]
    ids = {node.mem_id for node in found}
    return [node.html or "" for node in found if not _is_inside(node, ids)]


def _is_inside(node: LexborNode, ids: set[int]) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.mem_id in ids:
            return True
        parent = parent.parent
    return False


def checked_selectors(value: object) -> list[str]:
    """CSS selectors, from a list or one text. Raises ValueError."""
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_SELECTORS:
        raise ValueError('write CSS selectors, such as ["aside", "img[src*=banner]"]')
    return [_checked(each) for each in listed]


def _checked(selector: object) -> str:
    if isinstance(selector, str) and selector.strip() and len(selector) <= MAX_SELECTOR_CHARACTERS:
        try:
            LexborHTMLParser("<p>").css(selector)
        except SelectolaxError:
            pass
        else:
            return selector.strip()
    raise ValueError(f"{str(selector)[:100]!r} is not a CSS selector; write one such as 'aside' or 'p > img'")
