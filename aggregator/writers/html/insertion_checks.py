"""Checks where a template inserts values: escaping does not make a value harmless everywhere.

Between tags, and in quoted attributes, it does. In an attribute without quotes a space ends the value, and in
a script or style sheet text is code: templates may not insert values there. Templates are checked from the
first line to the last, whatever their conditions are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

__all__ = ["misplaced"]

_ATTRIBUTE_BLOCKS = frozenset(("main_attributes", "reading"))
"""Blocks of our templates that are inside a tag."""

_TEXT, _TAG, _VALUE, _QUOTED, _BARE, _COMMENT, _CODE = range(7)
_OPENING = re.compile(r"<(!--)|<([A-Za-z][^\s>/]*)|<[/!?]")
_IN_TAG = re.compile(r"(?P<end>>)|=\s*(?P<quote>[\"'])?|(?P<name>[^\s=>\"'/]+)|\s+|.", re.DOTALL)
_ACTING = frozenset(("srcdoc", "style"))
_CODE_ELEMENTS = frozenset(("script", "style"))


class _Place:
    """The parser's state at one place in a document; `feed` continues from there."""

    def __init__(self) -> None:
        self.state = _TEXT
        self.quote = self.element = self.attribute = ""

    def feed(self, text: str) -> None:
        """Reads literal text."""
        at = 0
        while at < len(text):
            at = self._step(text, at)

    def why_not(self, value: nodes.Expr) -> str:
        """Returns why a value is not allowed here; "" if it is."""
        if self.state == _VALUE:
            self.state = _BARE
        if self.state == _BARE:
            return f'write quotes around the value of {self.attribute}: {self.attribute}="{{{{ … }}}}"'
        if self.state == _TAG and not isinstance(value, nodes.Call):
            return "in a tag, a value is allowed only as the value of an attribute, in quotes"
        if self.state == _CODE:
            return f"no value is allowed in <{self.element}>, where text is code"
        if self.state == _QUOTED and (self.attribute.startswith("on") or self.attribute in _ACTING):
            return f"no value is allowed in {self.attribute}, where text is code"
        return ""

    def _step(self, text: str, at: int) -> int:
        if self.state == _TEXT:
            return self._in_text(text, at)
        if self.state == _COMMENT:
            return self._until("-->", text, at, _TEXT)
        if self.state == _CODE:
            return self._until(f"</{self.element}", text, at, _TEXT)
        if self.state == _QUOTED:
            return self._until(self.quote, text, at, _TAG)
        if self.state in (_VALUE, _BARE):
            ends = re.compile(r"[\s>]").search(text, at)
            if text[at] in "\"'" and self.state == _VALUE:
                self.state, self.quote = _QUOTED, text[at]
                return at + 1
            self.state = _TAG if ends else _BARE
            return ends.start() if ends else len(text)
        return self._in_tag(text, at)

    def _in_text(self, text: str, at: int) -> int:
        found = _OPENING.search(text, at)
        if found is None:
            return len(text)
        self.state = _COMMENT if found[1] else _TAG
        self.element, self.attribute = (found[2] or "").lower(), ""
        return found.end()

    def _in_tag(self, text: str, at: int) -> int:
        found = _IN_TAG.match(text, at)
        assert found is not None, "it matches anything"
        if found["end"]:
            self.state = _CODE if self.element in _CODE_ELEMENTS else _TEXT
        elif found["name"]:
            self.attribute = found["name"].lower()
        elif found[0].startswith("="):
            self.quote = found["quote"] or ""
            self.state = _QUOTED if self.quote else _VALUE
        return found.end()

    def _until(self, end: str, text: str, at: int, then: int) -> int:
        found = text.lower().find(end, at)
        if found < 0:
            return len(text)
        self.state = then
        return found + len(end)


def misplaced(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    """Yields the line of each value in a place where it is not allowed, and why."""
    place = _Place()
    yield from _walk(tree, place)


def _walk(node: nodes.Node, place: _Place) -> Iterator[tuple[int, str]]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Output):
            for part in child.nodes:
                if isinstance(part, nodes.TemplateData):
                    place.feed(part.data)
                elif why := place.why_not(part):
                    yield part.lineno, why
        elif isinstance(child, nodes.Block | nodes.Macro):
            inner = _Place()
            if getattr(child, "name", "") in _ATTRIBUTE_BLOCKS:
                inner.state = _TAG
            yield from _walk(child, inner)
        else:
            yield from _walk(child, place)
