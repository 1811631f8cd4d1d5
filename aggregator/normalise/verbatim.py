"""Bodies of front-matter articles: kept byte for byte if nothing in them can run code, else sanitised.

What a browser does with a tag depends on the page around it: inside a `<div>` a parser drops `<html>`, `<tr>`
and `</body>`, but in a site generator's page they take effect. So every tag of the source is checked, not the
tree of one context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.normalise.html import STYLES, TAGS, hazard, is_pixel, sanitise
from aggregator.normalise.xml_characters import FORBIDDEN

__all__ = ["is_harmless", "kept_or_sanitised"]

# Removed by the sanitiser to protect the page's layout, but harmless by itself.
_PRESENTATION = (
    "align alt bgcolor border cellpadding cellspacing class color colspan datetime dir face headers height "
    "href hreflang lang loading referrerpolicy rel reversed rowspan scope size span src start style summary "
    "title type valign value width"
)
_ATTRIBUTES = frozenset(_PRESENTATION.split())
_TAGS = TAGS - {"iframe", "audio", "video", "source", "track", "picture"}

_PERMISSIVE = nh3.Cleaner(
    tags=set(_TAGS),
    attributes={"*": set(_ATTRIBUTES)},
    generic_attribute_prefixes={"data-"},
    filter_style_properties=set(STYLES),
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel=None,
    strip_comments=True,
)

# The plain form of a tag, on which all parsers agree: attributes separated by white space (HTML §13.1.2), no
# angle bracket in a value, a slash only at the end. White space is HTML's: `\s` has more.
_NAME = r"[A-Za-z][A-Za-z0-9-]*+"
_SPACE = r"[ \t\r\n\f]"
_EQUALS = rf"{_SPACE}*+={_SPACE}*+"
_VALUE = r"""(?:"[^"<>]*+"|'[^'<>]*+'|[^ \t\r\n\f"'=<>`]++)"""
_ATTRIBUTE = re.compile(rf"{_SPACE}++({_NAME})(?>(?:{_EQUALS}({_VALUE}))?)")
_TOKEN = re.compile(
    rf"<(?:(/?)({_NAME})((?>(?:{_SPACE}++{_NAME}(?>(?:{_EQUALS}{_VALUE})?))*)){_SPACE}*+(/?)>|!-- ?more ?-->)"
)
# The sanitiser removes it and joins the texts around it.
_MORE = re.compile("<!-- ?more ?-->")
# `a < b` and `<3` are text to every parser; a last `<` could begin a tag of the page around.
_OPENED = re.compile(r"<(?![ \t\r\n0-9=])")
_UNWRITABLE = re.compile(f"[{FORBIDDEN}\x7f]")

_CLASSES = re.compile(r"[\w \t\r\n-]*")  # no `ng-init:`, which AngularJS runs
_PLAIN_VALUE = re.compile(r"[\w-]{0,100}|-?[0-9]{1,20}\.[0-9]{1,20}")
# Attributes that common JavaScript libraries use.
_INSTRUCTIONS = (
    "action ajax behavior bind bs component confirm content controller disable dismiss dojo fancybox form "
    "html hx lazy lightbox live method module ng on options original parent plugin provide remote require "
    "ride role show slide spy src swup target template toggle trigger turbo turbolinks url v vue widget"
)
_INSTRUCTION = re.compile(rf"data-(?:{'|'.join(_INSTRUCTIONS.split())})(?:-|$)")
_RELATIONS = frozenset(("external", "nofollow", "noopener", "noreferrer", "sponsored", "ugc"))
_POLICIES = frozenset(("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"))
_UNSAFE_URL = re.compile(r"[\0-\x20\x7f-\xa0\\<>\"]")

# Tags that an author may leave out and a parser adds (HTML §13.1.2.4).
_OPTIONAL_TAGS = (
    "/p /li /dt /dd /rb /rt /rtc /rp /tr /td /th /thead /tbody /tfoot /caption /colgroup tbody tr colgroup"
)
_OPTIONAL = frozenset(_OPTIONAL_TAGS.split())
# Elements that a truncated body may leave open: they neither link nor format what follows.
_BOX_ENDS = "/article /aside /blockquote /div /dl /figure /ol /section /ul"
_LEFT_OPEN = frozenset(_BOX_ENDS.split())


def kept_or_sanitised(html: str, base: str = "") -> str:
    """A body as today's rules allow it to be published: `html` itself if it is harmless, else sanitised.

    - `base`: the article's link, "" when it has none; relative URLs are made absolute with it.

    Pure, and unchanged when applied to its own result. So it can also be applied to stored bodies: from a
    feed and sanitised, or from a file that an earlier version kept by weaker rules. The result equals `html`
    exactly if nothing has to change.
    """
    return html if is_harmless(html, has_base=bool(base)) else sanitise(html, base)


def is_harmless(html: str, *, has_base: bool) -> bool:
    """Whether `html` can be put into any page as it is: no token in it can run code anywhere.

    - `has_base`: there is a URL to make relative ones absolute with, so that a body with relative URLs is
      better rewritten.

    `html` is harmless only if the sanitiser, allowed to keep presentation, writes the same tags in the same
    order, except tags that an author may leave out: no tag is opened or closed too often, or in a place where
    it is dropped or moved. Of comments only `<!-- more -->` is harmless: parsers disagree about the end of
    others.
    """
    if _UNWRITABLE.search(html) or hazard(html):
        return False
    found = _tags(html)
    if found is None or not all(_is_allowed(name, attributes, has_base) for name, attributes in found):
        return False
    clean = _PERMISSIVE.clean(html)
    written = _tags(clean)
    return written is not None and _same_tags(found, written) and _texts(_MORE.sub("", html)) == _texts(clean)


_Tag = tuple[str, dict[str, str]]
"""A name, `/name` for an end tag, and attributes with references replaced."""


def _tags(html: str) -> list[_Tag] | None:
    """Every tag of `html`; None if one is not in the plain form."""
    found: list[_Tag] = []
    end = 0
    for token in _TOKEN.finditer(html):
        if _OPENED.search(html, end, token.start()) or html.endswith("<", end, token.start()):
            return None
        end = token.end()
        if token[2] is None:
            continue
        name = token[1] + token[2].lower()
        pairs = _ATTRIBUTE.findall(token[3])
        attributes = {key.lower(): unescape(_unquoted(value)) for key, value in pairs}
        if len(attributes) < len(pairs) or (token[1] and (attributes or token[4])):
            return None
        found.append((name, attributes))
    return None if _OPENED.search(html, end) else found


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in ('"', "'") else value


def _is_allowed(name: str, attributes: dict[str, str], has_base: bool) -> bool:
    return name.removeprefix("/") in _TAGS and (
        not attributes
        or (
            not (name == "img" and is_pixel(attributes))
            and all(_cannot_act(key, value, has_base) for key, value in attributes.items())
        )
    )


def _cannot_act(name: str, value: str, has_base: bool) -> bool:
    """Whether neither a browser nor a script of the page acts on an attribute."""
    if name.startswith("data-"):
        return _PLAIN_VALUE.fullmatch(value) is not None and not _INSTRUCTION.match(name)
    if name in ("href", "src"):
        return not _UNSAFE_URL.search(value.strip(" ")) and not (has_base and _is_relative(value))
    if name == "style":
        return not any(sign in value for sign in "(\\@")
    if name == "class":
        return _CLASSES.fullmatch(value) is not None
    if name == "rel":
        return _RELATIONS.issuperset(value.lower().split())
    if name == "referrerpolicy":
        return value.lower() in _POLICIES
    return name in _ATTRIBUTES


def _is_relative(url: str) -> bool:
    return bool(url) and ":" not in url.split("/", 1)[0] and not url.startswith("#")


def _same_tags(found: list[_Tag], written: list[_Tag]) -> bool:
    """Whether the sanitiser wrote each tag that was found, in order, and no other that matters."""
    left = iter(found)
    wanted = next(left, None)
    for name, attributes in written:
        if wanted is not None and wanted[0] == name and wanted[1].keys() == attributes.keys():
            wanted = next(left, None)
        elif attributes or not (name in _OPTIONAL or (wanted is None and name in _LEFT_OPEN)):
            return False
    return wanted is None


_Text = tuple[str, tuple[tuple[str, str | None], ...]]


def _texts(html: str) -> list[_Text]:
    """Every text and every element's attributes, as a parser of the HTML standard reads them."""
    root = LexborHTMLParser(f"<body>{html}</body>").body
    nodes: Iterable[LexborNode] = root.traverse(include_text=True) if root is not None else ()
    return [
        (node.text_content or "", ()) if node.is_text_node else (node.tag or "", _sorted(node))
        for node in nodes
        if node.is_text_node or node.is_element_node
    ]


def _sorted(node: LexborNode) -> tuple[tuple[str, str | None], ...]:
    return tuple(sorted(node.attributes.items()))
