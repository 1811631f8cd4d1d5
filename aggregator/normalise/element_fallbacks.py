"""Replaces elements that a sanitised body cannot have with what a person would read.

Their text, or a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from urllib.parse import unquote, urlsplit

from selectolax.lexbor import LexborNode

from aggregator.normalise.embedded_players import player_address
from aggregator.normalise.links import FOLLOWED

__all__ = ["ELEMENTS", "replacement"]

MAX_CHARACTERS = 200
"""The longest text of a link."""

_NAMES = "applet embed noembed noframes object script select svg textarea xmp"
ELEMENTS = frozenset(_NAMES.split())
"""The elements that `replacement` replaces."""

_TEX = re.compile(r"\s*math/tex\s*(?:;\s*mode\s*=\s*(display)\s*)?", re.IGNORECASE)
_SHOWS = re.compile(r"<(?:a|audio|embed|iframe|img|object|picture|video)(?=[\s/>])", re.IGNORECASE)
_MOVIES = tuple(
    (re.compile(rf"(?:https?:)?//(?:www\.)?{movie}", re.IGNORECASE), page)
    for movie, page in (
        (r"youtube(?:-nocookie)?\.com/[ve]/([\w-]{5,20})", "https://www.youtube.com/embed/"),
        (r"vimeo\.com/moogaloop\.swf\?(?:[^#]*&)?clip_id=([0-9]{1,15})", "https://player.vimeo.com/video/"),
        (r"dailymotion\.com/swf/(?:video/)?([a-z0-9]{4,20})", "https://www.dailymotion.com/embed/video/"),
    )
)
_FILE = re.compile(r".{1,100}\.[A-Za-z0-9]{2,5}")
_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.-]*)[\t\r\n]*:")
_SILENT = frozenset({"defs", "metadata", "script", "style", "symbol"})
_ALONE = frozenset({"desc", "text", "title"})
_PLAYED = ("audio", "video")
_MAX_DEPTH = 250


def replacement(node: LexborNode) -> str:
    """HTML, still to be sanitised, in place of one of `ELEMENTS`; "" if nothing of it is visible.

    - `svg`: its name, its texts and descriptions, links and pictures in it.
    - `script`: TeX that a script of the page would typeset.
    - `object`, `applet`: their fallback content. If that is empty, and for `embed`, a picture, a player, or
      a link.
    - `textarea`, `xmp`: their text as written. `select`: its options.
    """
    name = node.tag
    if name == "svg":
        return _drawing(node)
    text = node.text()
    if name == "script":
        tex = _TEX.fullmatch(node.attributes.get("type") or "")
        opened, closed = ("\\[", "\\]") if tex and tex[1] else ("\\(", "\\)")
        return f"{opened}{escape(text.strip(), quote=False)}{closed}" if tex and text.strip() else ""
    if name in ("textarea", "xmp"):
        return f"<pre>{escape(text, quote=False)}</pre>" if text.strip() else ""
    if name in ("noembed", "noframes"):
        return text  # which a parser takes for text
    if name == "select":
        choices = (" ".join(option.text().split()) for option in node.css("option"))
        return escape(", ".join(filter(None, choices)), quote=False)
    within = "" if name == "embed" else node.inner_html or ""
    return within if _SHOWS.search(within) else _embedded(node, within if text.strip() else "", text)


def _embedded(node: LexborNode, within: str, text: str) -> str:
    """An embedded address, and its fallback content: `within` as markup, `text` as plain text."""
    said = node.attributes
    address = (said.get("data") or said.get("src") or "").strip()
    for param in node.css("param"):
        if (param.attributes.get("name") or "").lower() in ("movie", "src", "url", "filename"):
            address = address or (param.attributes.get("value") or "").strip()
    if (scheme := _SCHEME.match(address)) and scheme[1].lower() not in FOLLOWED:
        address = ""
    words = next((t for n in ("title", "alt", "aria-label") if (t := (said.get(n) or "").strip())), "")
    if not address:
        return within or escape(words[:MAX_CHARACTERS], quote=False)
    medium = (said.get("type") or "").strip().lower().partition("/")[0]
    link = escape(address)
    if medium == "image":
        return f'<img src="{link}" alt="{escape(words or " ".join(text.split()))}">'
    if player := player_address(address) or _player_of(address):
        return f'{within}<iframe src="{escape(player)}"></iframe>'
    named = f'<a href="{link}">{escape((words or _name_of(address))[:MAX_CHARACTERS], quote=False)}</a>'
    return (
        f'<{medium} src="{link}">{within or named}</{medium}>' if medium in _PLAYED else f"{within} {named}"
    )


def _player_of(address: str) -> str:
    """The page of the player that replaces a Flash player today, "" if none is known."""
    for movie, page in _MOVIES:
        if found := movie.match(address):
            return f"{page}{found[1]}"
    return ""


def _name_of(address: str) -> str:
    """The name of the file, else the host."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    name = unquote(parts.path.rpartition("/")[2])
    return name if _FILE.fullmatch(name) else parts.hostname or name or address


def _drawing(svg: LexborNode) -> str:
    if (svg.attributes.get("aria-hidden") or "").strip().lower() == "true":
        return ""
    label = " ".join((svg.attributes.get("aria-label") or "").split())
    parts = [escape(label, quote=False), *_parts(svg, 0)]
    return " ".join(dict.fromkeys(filter(None, parts)))


def _parts(node: LexborNode, depth: int) -> Iterator[str]:
    """The readable parts of a drawing, in order."""
    for child in node.iter():
        name = (child.tag or "").lower()
        if name in _ALONE:
            yield escape(" ".join(child.text().split()), quote=False)
        elif name == "foreignobject":
            yield child.inner_html or ""
        elif name == "image":
            if href := _reference(child):
                yield f'<img src="{escape(href)}" alt="">'
        elif name not in _SILENT and depth < _MAX_DEPTH:
            within = " ".join(filter(None, _parts(child, depth + 1)))
            href = _reference(child) if name == "a" and within else ""
            yield f'<a href="{escape(href)}">{within}</a>' if href else within


def _reference(node: LexborNode) -> str:
    return (node.attributes.get("href") or node.attributes.get("xlink:href") or "").strip()
