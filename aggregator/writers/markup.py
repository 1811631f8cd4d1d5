"""Elements as text, laid out as lxml prints them.

Writing entries as text costs a fraction of a tree of objects; a strict parser checks the whole document
(`feedgen_repair.serialise`). All values of an article pass `escaped` or `quoted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["MarkupElement", "attributes", "escaped", "nested", "quoted"]

_NOTHING: Mapping[str, str | None] = MappingProxyType({})


class MarkupElement(NamedTuple):
    """An element to write, comparable; its text as a str is how it is written.

    `name` is "prefix:local"; `children` stand behind the text. All strings must be clean
    (`xml_text`). None leaves an attribute out.
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
    """An element with child elements, each on a line of its own.

    `opened` is its name, with its attributes if it has any; `depth` the number of its ancestors.
    """
    outer = "\n" + "  " * depth
    inner = outer + "  "
    return f"<{opened}>{inner}{inner.join(children)}{outer}</{opened.partition(' ')[0]}>"


def attributes(values: Mapping[str, str | None]) -> str:
    """Attributes, each after a space; None values are left out."""
    return "".join([f' {name}="{quoted(value)}"' for name, value in values.items() if value is not None])


def escaped(text: str) -> str:
    """Text for an element's content. An unescaped carriage return would be read as a line feed."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;") if "\r" in text else text


def quoted(value: str) -> str:
    """A value for a double-quoted attribute, in which unescaped line breaks would be read as spaces."""
    value = escaped(value).replace('"', "&quot;")
    return value if value.isprintable() else value.replace("\n", "&#10;").replace("\t", "&#9;")
