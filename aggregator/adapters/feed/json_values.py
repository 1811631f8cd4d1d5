"""Values of a JSON Feed converted to the type that the format wants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aggregator.model.article import Problem

MAX_DEPTH = 3
MAX_JOINED = 50
_WHOLE = re.compile(r"([0-9]+)\.0*")
_TEXTS = ("value", "text", "html", "content", "rendered", "name", "title", "label", "term", "date")
_ADDRESSES = ("url", "href", "src", "link")


@dataclass(slots=True)
class Oddities:
    """Fields with values of another type, each with the first place and the number of places."""

    found: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, text: str, where: str) -> None:
        """Counts one more place with this oddity."""
        first, count = self.found.get(text, (where, 0))
        self.found[text] = first, count + 1

    def problems(self) -> Iterator[Problem]:
        """One problem for each oddity."""
        for text, (where, count) in self.found.items():
            also = f" (and in {count - 1} other places)" if count > 1 else ""
            yield Problem(text=text + also, where=where)


@dataclass(frozen=True, slots=True)
class JsonObject:
    """An object of the document and its place; its fields are converted, and reported if they were odd."""

    data: Mapping[str, Any]
    where: str
    odd: Oddities

    def text(self, key: str) -> str:
        """A text or a number as text; "" for null, a missing key, and a value without text."""
        value = self.data.get(key)
        if isinstance(value, str):
            return value.strip() if key.endswith(("id", "url")) else value
        if value is None:
            return ""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if key.endswith(("url", "image", "icon")):
            found = _text(value, _ADDRESSES)
        else:
            found = _text(value, _TEXTS, "\n" if key.startswith("content") else ", ")
        # An id or a size is written both ways (`1` and `"1"`), with the same meaning.
        if not (is_number and key.endswith(("id", "_bytes", "_seconds"))):
            self._tell(key, value, "a text", bool(found))
        return found

    def number(self, key: str) -> str:
        """A whole number as text: `5025816.0` and `"5025816.0"` are 5025816."""
        written = self.text(key).strip()
        if "." not in written:
            return written
        whole = _WHOLE.fullmatch(written)
        self.odd.add(f"{key} is no whole number, {'read as one' if whole else 'left out'}", self.where)
        return whole[1] if whole else ""

    def texts(self, key: str) -> list[str]:
        """The texts of a list; a single text is split at commas, of an object the texts in it."""
        value = self.data.get(key)
        if value is None:
            return []
        found = value
        if isinstance(value, str):
            found = value.split(",")
        elif isinstance(value, dict):
            found = [value] if any(name in value for name in _TEXTS) else list(value.values())
        elif not isinstance(value, list):
            found = [value]
        texts = [text.strip() for each in found if (text := _text(each, _TEXTS)).strip()]
        if not isinstance(value, list):
            self._tell(key, value, "a list of texts", bool(texts))
        elif any(not isinstance(each, str | None) for each in value):
            self._tell(
                f"one of {key}",
                next(e for e in value if not isinstance(e, str | None)),
                "a text",
                bool(texts),
            )
        return texts

    def objects(self, key: str, name: str) -> list[JsonObject]:
        """The objects of a list, or a single object in its place; a text becomes the object's `name`."""
        value = self.data.get(key)
        if value is None:
            return []
        found = value if isinstance(value, list) else [value]
        if isinstance(value, dict) and value and all(isinstance(each, dict) for each in value.values()):
            found = list(value.values())
        if not isinstance(value, list):
            wanted = "an object" if key == "author" else "a list of objects"
            self._tell(key, value, wanted, is_read=isinstance(value, dict | str))
        made = []
        for each in found:
            if isinstance(each, str) and each.strip():
                if isinstance(value, list):
                    self._tell(f"one of {key}", each, "an object", is_read=True)
                each = {name: each}
            if isinstance(each, dict):
                made.append(JsonObject(each, self.where, self.odd))
            elif each is not None and isinstance(value, list):
                self._tell(f"one of {key}", each, "an object", is_read=False)
        return made

    def _tell(self, what: str, value: Any, wanted: str, is_read: bool) -> None:
        end = "read as one" if is_read else "left out"
        self.odd.add(f"{what} is {_type(value)} where {wanted} belongs, {end}", self.where)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    for type_, name in ((str, "a text"), (list, "a list"), (dict, "an object")):
        if isinstance(value, type_):
            return name
    return "a number" if isinstance(value, int | float) else "null"


def _text(value: Any, names: tuple[str, ...], between: str = "", depth: int = 0) -> str:
    """The text in a value; of an object the first under one of `names`.

    Of a list the first text, or all of them joined by `between`.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if depth == MAX_DEPTH or not isinstance(value, list | dict):
        return ""
    inner = value[:MAX_JOINED] if isinstance(value, list) else [value.get(name) for name in names]
    texts = [text for each in inner if (text := _text(each, names, between, depth + 1))]
    return between.join(texts) if between and isinstance(value, list) else next(iter(texts), "")
