"""Which pictures and recordings an article shows, and the article with copies in their place.

A body is HTML that was sanitised, or that is from the user's own file. Of the addresses of an `<img>`
(`srcset`) one is copied: the smallest that is as wide as copies are, else the widest. Its copy replaces all
of them, and the other `<source>`s of a `<picture>`. The address that was copied is kept in
`data-copied-from`: not in `data-original`, which readers and scripts for lazy loading would load instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import Any

from aggregator.model.article import Article, Enclosure
from aggregator.model.media_copies import ORIGINALS, CopiedFile, Copies
from aggregator.model.struct import replace
from aggregator.normalise.embedded import is_pixel

__all__ = ["shown_by", "with_copies"]

MAX_ADDRESSES = 200
"""How many addresses of an article are copied."""

MAX_CHARACTERS = 2_000
_WEB = ("http://", "https://")
# Neither `<` nor `>` is in a value: a tag is found in time that is linear in the text.
_TAG = re.compile(
    r"""<(?:(/?)(picture)|(img|source|video))((?>(?:\s+[^\s="'<>/]++(?>(?:\s*=\s*(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=]++))?))*))\s*+/?>""",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(r"""\s+([^\s="'<>/]++)(?:\s*=\s*(?:"([^"<>]*+)"|'([^'<>]*+)'|([^\s"'<>=]++)))?""")
_BETWEEN = re.compile(r",\s+")
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([wx])", re.ASCII)
_PASSED = ("media:content", "media:thumbnail", "media:group", "itunes:image")
_ADDRESSES = ("url", "href")


def shown_by(article: Article, max_width: int, *, with_recordings: bool = False) -> dict[str, bool]:
    """The addresses of what an article shows, each with whether it is a recording; without declared pixels.

    `max_width` is the width of copies.
    """
    found: dict[str, bool] = {}
    candidates = [article.headimg or "", *_of_bodies(article, max_width)]
    candidates += [e.url for e in article.enclosures if _is_picture(e)]
    for address in candidates:
        if _can_be_copied(address):
            found[address] = False
    for enclosure in article.enclosures if with_recordings else ():
        kind = (enclosure.type or "").partition("/")[0].strip().lower()
        if kind in ("audio", "video") and _can_be_copied(enclosure.url):
            found[enclosure.url] = True
    return dict([*found.items()][:MAX_ADDRESSES])


def with_copies(article: Article, copies: Copies, base: str) -> Article:
    """The article with copies in place of what it shows; `base` is the output's address, ending in "/".

    What has no copy stays as it is. Tracking pixels are removed.
    """
    if not copies:
        return article
    placing = _Placing(copies, base)
    enclosures = tuple(map(placing.enclosure, article.enclosures))
    headimg = article.headimg
    originals: dict[str, Any] = {}
    if headimg is not None and headimg in copies:
        copy = copies[headimg]
        originals["image"], headimg = headimg, base + copy.path if copy else None
    changed = [old.url for old, new in zip(article.enclosures, enclosures, strict=True) if old != new]
    if changed:
        originals["enclosures"] = changed
    extra = {key: placing.passed(value) if key in _PASSED else value for key, value in article.extra.items()}
    return replace(
        article,
        headimg=headimg,
        summary=placing.body(article.summary),
        content=placing.body(article.content),
        enclosures=enclosures,
        extra={**extra, ORIGINALS: originals} if originals else extra,
    )


def _of_bodies(article: Article, max_width: int) -> Iterator[str]:
    for body in (article.content, article.summary):
        for tag in _TAG.finditer(body) if "<" in body else ():
            name, attributes = (tag[3] or "").lower(), _read(tag[4])
            if name == "video":
                yield attributes.get("poster", "")
            elif name == "img" and not is_pixel(attributes):
                yield next(iter(_offered(attributes, max_width)), "")


def _offered(attributes: Mapping[str, str], max_width: int) -> list[str]:
    """The addresses of an `<img>`, the one to copy first."""
    sized: list[tuple[float, str, str]] = []
    for candidate in _BETWEEN.split(attributes.get("srcset", "")):
        address, _, said = candidate.strip().partition(" ")
        if address.startswith(_WEB):
            size = _SIZE.fullmatch(said.strip())
            sized.append((float(size[1]), size[2], address) if size else (1.0, "x", address))
    widths = sorted((size, address) for size, unit, address in sized if unit == "w")
    enough = [address for size, address in widths if size >= max_width]
    best = enough[:1] or [address for _, address in widths[-1:]]
    if not widths:  # the double size is enough for any screen
        best = [address for _, address in sorted((s, a) for s, _, a in sized if 1 < s <= 2)[-1:]]
    src = attributes.get("src", "")
    return [*best, *([src] if src else []), *(address for *_, address in sized)]


class _Placing:
    """Puts copies in place; while passing over a body it remembers whether it is inside a `<picture>`."""

    def __init__(self, copies: Copies, base: str) -> None:
        self._copies = copies
        self._base = base

    def body(self, body: str) -> str:
        if "<" not in body:
            return body
        written: list[str] = []
        sources: list[int] = []  # places in `written` of the sources of the picture that is open
        place, is_copied, is_open = 0, False, False
        for tag in _TAG.finditer(body):
            written.append(body[place : tag.start()])
            place, made = tag.end(), tag[0]
            if tag[2]:
                is_open, is_copied, sources = not tag[1], False, []
            elif tag[3].lower() == "source":
                made = "" if is_open and is_copied else made
                sources += [len(written)] if is_open else []
            elif (found := self._element(tag[3].lower(), tag[4])) is not None:
                made, is_copied = found, True
                for number in sources:
                    written[number] = ""
            written.append(made)
        return "".join([*written, body[place:]])

    def _element(self, name: str, written: str) -> str | None:
        """An `<img>` or `<video>` with its copy, "" for a pixel, None to keep it."""
        attributes = _read(written)
        offered = [attributes.get("poster", "")] if name == "video" else _offered(attributes, 0)
        original = next((address for address in offered if address in self._copies), None)
        if original is None:
            return None
        copy = self._copies[original]
        if copy is None:
            return "" if name == "img" else None
        if name == "video":
            attributes["poster"] = self._base + copy.path
        else:
            kept = {key: value for key, value in attributes.items() if key not in ("src", "srcset", "sizes")}
            attributes = {"src": self._base + copy.path, **kept}
        attributes["data-copied-from"] = original
        said = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
        return f"<{name}{said}>"

    def enclosure(self, enclosure: Enclosure) -> Enclosure:
        copy = self._copies.get(enclosure.url)
        if copy is None:
            return enclosure
        return replace(enclosure, url=self._base + copy.path, type=copy.type, length=copy.bytes)

    def passed(self, value: Any) -> Any:
        """A passed-through element, and its children, with copies."""
        if isinstance(value, list | tuple):
            return [self.passed(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        made = dict(value)
        if isinstance(children := made.get("children"), list | tuple):
            made["children"] = [self.passed(each) for each in children]
        for key in _ADDRESSES:
            copy = self._copies.get(said) if isinstance(said := made.get(key), str) else None
            if copy is not None:
                made |= {key: self._base + copy.path, **_facts(copy, made)}
        return made


def _facts(copy: CopiedFile, said: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of an element's file, with the values of the copy."""
    facts = {"type": copy.type, "fileSize": f"{copy.bytes}"}
    if copy.width:
        facts |= {"width": f"{copy.width}", "height": f"{copy.height}"}
    return {name: value for name, value in facts.items() if name in said}


def _read(written: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, *values in _ATTRIBUTE.findall(written):
        found.setdefault(name.lower(), unescape("".join(values)))
    return found


def _is_picture(enclosure: Enclosure) -> bool:
    return (enclosure.type or "").strip().lower().startswith("image/")


def _can_be_copied(address: str) -> bool:
    if not address.startswith(_WEB) or len(address) > MAX_CHARACTERS:
        return False
    return address.isprintable() and " " not in address
