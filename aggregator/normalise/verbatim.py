"""Bodies that may be kept byte for byte, because nothing in them could act."""

from __future__ import annotations

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.normalise.html import STYLES, TAGS, hazard, is_pixel

# What the sanitiser takes away for the sake of the page around, but what cannot act by itself.
_ATTRIBUTES = {
    "*": {"align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class", "color", "colspan"}
    | {"datetime", "dir", "face", "headers", "height", "href", "hreflang", "lang", "loading", "rel", "span"}
    | {"referrerpolicy", "reversed", "rowspan", "scope", "size", "src", "start", "style", "summary", "title"}
    | {"type", "valign", "value", "width"},
}

_PERMISSIVE = nh3.Cleaner(
    tags=set(TAGS) - {"iframe", "audio", "video", "source", "track", "picture"},
    attributes=_ATTRIBUTES,
    generic_attribute_prefixes={"data-"},
    filter_style_properties=set(STYLES),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
    strip_comments=True,
)


def is_harmless(html: str, *, has_base: bool) -> bool:
    """Whether a permissive sanitiser finds nothing to take away from `html`.

    `has_base`: there is a URL to make relative ones absolute with, so that a body with relative URLs is
    better rewritten. Both parsers compared follow the HTML standard, as browsers do; comments count as
    harmful but for a `<!-- more -->`, since where a comment ends is where parsers disagree.
    """
    markup = html.replace("<!-- more -->", "").replace("<!--more-->", "")
    if "<!" in markup or "<?" in markup or "\0" in markup or hazard(markup):
        return False
    before, after = (_shape(text, has_base) for text in (markup, _PERMISSIVE.clean(markup)))
    return before is not None and before == after


_Shape = list[tuple[str, tuple[tuple[str, str | None], ...], str]]


def _shape(html: str, has_base: bool) -> _Shape | None:
    """Every element with its attributes and its own text; None when something in it must be rewritten."""
    root = LexborHTMLParser(f"<body>{html}</body>").body
    shape: _Shape = []
    for node in root.traverse(include_text=True) if root is not None else ():
        if not node.is_text_node and (_acts(node) or (has_base and _is_relative(node))):
            return None
        attributes = () if node.is_text_node else tuple(sorted(node.attributes.items()))
        shape.append((node.tag or "", attributes, (node.text_content or "") if node.is_text_node else ""))
    return shape


def _acts(node: LexborNode) -> bool:
    """What no list of attributes tells: a tracking pixel, a style that computes or loads."""
    style = node.attributes.get("style") or ""
    said = {name: value or "" for name, value in node.attributes.items()}
    return (node.tag == "img" and is_pixel(said)) or any(sign in style for sign in "(\\@")


def _is_relative(node: LexborNode) -> bool:
    urls = (node.attributes.get(name) for name in ("href", "src"))
    return any(url and ":" not in url.split("/", 1)[0] and not url.startswith("#") for url in urls)
