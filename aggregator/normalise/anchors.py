"""Anchors inside an article: its footnote links work wherever the article is shown.

An id from outside must neither be equal to another id of the page that shows it, nor become a global name for
a script there. So only ids that a link of the same body uses are kept, each with the article's own prefix.
"""

from __future__ import annotations

import hashlib
import re
from html import escape, unescape
from typing import Literal
from urllib.parse import unquote, urlsplit

from aggregator.model.struct import Struct
from aggregator.normalise.links import FOLLOWED, resolve

__all__ = ["Owner", "has_anchors", "within_article"]

MAX_ANCHORS = 5_000

_MAY_NAME = re.compile(r"\s(?:id|name)\s*=", re.IGNORECASE)
# Every match of it ends in this way, which is found in a tenth of the time: the search is for one character.
_MAY_END_NAME = re.compile("=(?:(?<=[iI\u0131][dD]=)|(?<=[mM][eE]=)|(?<=\\s=))")
# The end of an attribute's value, not a character reference: every body is searched for this.
_MAY_LEAD = re.compile(r"#(?![0-9]+;|[xX][0-9A-Fa-f]+;)[^\s\"'<>#]+[\"'\s>]")
_TAG = re.compile(r'<([a-z][a-z0-9]*)((?: [^ ="]+="[^"]*")+)>')
_NAMES = re.compile(r' (?:id|name)="([^"]*)"')
_LINK = re.compile(r' href="([^"#]*)#([^"]*)"')
_OURS = re.compile(r"a[0-9a-f]{8}s?-[A-Za-z0-9_.:-]{1,80}")
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,80}")
_SITE = re.compile(r"https?://(?:www\.)?", re.IGNORECASE)


def has_anchors(html: str) -> bool:
    """Whether HTML may contain a link to a place in itself, and that place."""
    if "#" not in html or _MAY_LEAD.search(html) is None or _MAY_END_NAME.search(html) is None:
        return False
    return _MAY_NAME.search(html) is not None


class Owner(Struct, frozen=True):
    """The article of a body; `part` is "s" for a summary, which may be on the same page as the content."""

    source: str
    id: str
    link: str | None
    part: Literal["", "s"] = ""

    @property
    def prefix(self) -> str:
        """The prefix of its ids, such as "a1b2c3d4".

        It is made from the path of the article's address, else from its id, so that it does not change when a
        site moves to `https:` or to another host.
        """
        address = self.link or self.id
        try:
            parts = urlsplit(_SITE.sub("//", address))
            place = f"{parts.path.strip('/')}?{parts.query}" if parts.netloc else address
        except ValueError:
            place = address
        place = self.id if place == "?" else place
        mark = f"{self.source}\0{place}".encode("utf-8", "surrogatepass")
        return f"a{hashlib.blake2b(mark, digest_size=4).hexdigest()}{self.part}"


def within_article(clean: str, owner: Owner | None, bases: tuple[str, ...]) -> str:
    """Sanitised HTML with its owner's prefix before its ids, and in its links to them.

    Ids that no link uses are removed. A link to an anchor of the article's own page becomes a link inside the
    body; links to other places become absolute with `bases`. Without an owner, ids that have a prefix are
    kept.
    """
    prefix, page = (owner.prefix, owner.link or "") if owner is not None else ("", "")
    wanted: dict[str, None] = {}
    for tag in _TAG.finditer(clean):
        if "#" in tag[2] and (link := _LINK.search(tag[2])) and _leads_within(link[1], page):
            wanted.update(dict.fromkeys(_spellings(link[2])))
    made: dict[str, str] = {}
    for tag in _TAG.finditer(clean) if wanted else ():
        names = _NAMES.findall(tag[2]) if ' id="' in tag[2] or ' name="' in tag[2] else ()
        for name in map(unescape, names):
            if (
                name in wanted
                and name not in made
                and len(made) < MAX_ANCHORS
                and (ours := _ours(name, prefix))
            ):
                made[name] = ours
    left = set(made)
    return _TAG.sub(lambda tag: _rewritten(tag, made, left, page, bases), clean)


def _rewritten(
    tag: re.Match[str], made: dict[str, str], left: set[str], page: str, bases: tuple[str, ...]
) -> str:
    name, written = tag[1], tag[2]
    if (' id="' not in written and ' name="' not in written) and "#" not in written:
        return tag[0]
    names = [each for each in map(unescape, _NAMES.findall(written)) if each in left]
    written = _NAMES.sub("", written)
    if names:
        left.difference_update(names)
        written = f' id="{made[names[0]]}"{written}'
    if link := _LINK.search(written):
        written = f"{written[: link.start()]}{_link(link, made, page, bases)}{written[link.end() :]}"
    return f"<{name}{written}>"


def _link(link: re.Match[str], made: dict[str, str], page: str, bases: tuple[str, ...]) -> str:
    if _leads_within(link[1], page):
        for name in _spellings(link[2]):
            if name in made:
                return f' href="#{made[name]}"'
    if link[1]:
        return link[0]
    address = resolve(f"#{unescape(link[2])}", *bases, schemes=FOLLOWED)
    return f' href="{escape(address)}"' if address else ""


def _spellings(fragment: str) -> tuple[str, ...]:
    """A fragment as written, and decoded, in the order in which browsers look for them."""
    name = unescape(fragment)
    return (name, unquote(name)) if "%" in name else (name,)


def _leads_within(address: str, page: str) -> bool:
    if not address:
        return True
    return bool(page) and _site_less(unescape(address)) == _site_less(page)


def _site_less(address: str) -> str:
    return _SITE.sub("", address.partition("#")[0]).rstrip("/")


def _ours(name: str, prefix: str) -> str:
    if not prefix:
        return name if _OURS.fullmatch(name) else ""
    if _PLAIN.fullmatch(name):
        return f"{prefix}-{name}"
    mark = name.encode("utf-8", "surrogatepass")
    return f"{prefix}-{hashlib.blake2b(mark, digest_size=6).hexdigest()}" if name else ""
