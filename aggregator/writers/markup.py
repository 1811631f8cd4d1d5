"""Writes XML elements as text, with the same layout as lxml.

This takes a fraction of the time of building a tree; a strict parser checks the whole document
(`feedgen_repair.serialise`). All values of an article must pass `escaped` or `quoted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["MarkupElement", "attributes", "escaped", "escaped_utf8", "nested", "quoted"]

_NOTHING: Mapping[str, str | None] = MappingProxyType({})


class MarkupElement(NamedTuple):
    """An XML element; `str` of it is its XML.

    - `name`: "prefix:local".
    - `attributes`: None leaves one out.
    - `children`: written after the text.

    All strings must be valid in XML already (see `xml_text`).
    """

    name: str
    text: str = ""
    attributes: Mapping[str, str | None] = _NOTHING
    children: tuple[MarkupElement, ...] = ()

    def __str__(self) -> str:
        opened = f"{self.name}{attributes(self.attributes)}"
        inner = escaped(self.text) + "".join(map(str, self.children))
        return f"<{opened}>{inner}</{self.name}>" if inner else f"<{opened}/>"


def nested(opened: str, children: Iterable[str], depth: int) -> str:
    """Returns an element with child elements, each on its own line.

    - `opened`: the name, with attributes if there are any.
    - `depth`: the number of ancestors.
    """
    outer = "\n" + "  " * depth
    inner = outer + "  "
    return f"<{opened}>{inner}{inner.join(children)}{outer}</{opened.partition(' ')[0]}>"


def attributes(values: Mapping[str, str | None]) -> str:
    """Returns attributes, each after a space; None values are left out."""
    return "".join([f' {name}="{quoted(value)}"' for name, value in values.items() if value is not None])


def escaped(text: str) -> str:
    """Escapes text for an element's content, also carriage returns, which would be read as line feeds."""
    # Two thirds of the time of replacing what is not there; most texts have none of them.
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text


def escaped_utf8(text: bytes) -> bytes:
    """Escapes a long text like `escaped`; bytes take half the time."""
    if b"&" in text:
        text = text.replace(b"&", b"&amp;")
    if b"<" in text:
        text = text.replace(b"<", b"&lt;")
    if b">" in text:
        text = text.replace(b">", b"&gt;")
    return text.replace(b"\r", b"&#13;") if b"\r" in text else text


def quoted(value: str) -> str:
    """Escapes a value for a double-quoted attribute, also line breaks, which would be read as spaces."""
    value = escaped(value).replace('"', "&quot;")
    return value if value.isprintable() else value.replace("\n", "&#10;").replace("\t", "&#9;")
