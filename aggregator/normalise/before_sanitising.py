"""Changes markup that the sanitiser would get wrong.

Hidden elements, formulas, elements that do not stay, AMP's elements, pairs of colours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count

from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.normalise import element_fallbacks, mathml

__all__ = ["has_rare_tags", "is_plain", "only_visible", "with_first_lines"]

_FREQUENT = (  # the most frequent first: they are tried in this order
    "p a br span div li em strong code b i h2 h3 ul ol td tr pre figure blockquote figcaption table h1 h4 h5 "
    "h6 hr tbody th u center font"
)
_NAMES = "|".join(_FREQUENT.split())
# Most bodies have no other tags, and many no other attribute than an address: one search for any other takes
# a third of the time of searching for each that is changed.
_RARE_TAG = re.compile(rf"<(?!/(?:a>|[^aA])|(?:{_NAMES}|iframe|img)[\s/>])")
_ADDRESS = r"(?:https?:/)?/[!#-&(-;=?-~]*"  # ASCII without quotes and angle brackets
_NOT_PLAIN_TAG = re.compile(
    rf"<(?!/(?:a>|[^aA])|a href=(?:\"{_ADDRESS}\"|'{_ADDRESS}')>|(?:{_NAMES})(?: ?/)?>)"
)
_HIDDEN = re.compile(r"<dialog[\s>]|<[a-z][^<>]*?\shidden[\s=/>]", re.IGNORECASE)
_NOT_SHOWN = "[hidden]:not([hidden='until-found' i]), dialog:not([open])"
_REPLACED = element_fallbacks.ELEMENTS | {"math"}
# Each name in two cases: a regex that ignores case takes five times as long.
_REPLACED_NAMES = "|".join(sorted(_REPLACED | {name.upper() for name in _REPLACED}))
_REPLACED_TAG = re.compile(
    rf"<(?:(?=[AEMNOSTXaemnostx])(?:{_REPLACED_NAMES})(?=[\s/>])|[A-Za-z]+:(?:math|svg))"
)
# The replacement of an element may contain others.
_MAX_ROUNDS = 4
# Drawn by a script of the page, beside the formula.
_SET_FORMULA = ".katex-mathml + .katex-html, mjx-container:has(mjx-assistive-mml) > :not(mjx-assistive-mml)"
_AMP = re.compile(r"<(/?)amp-(img|anim|video|audio|iframe)(?=[\s/>])", re.IGNORECASE)
_LITE = re.compile(
    r"<(?:amp|lite)-(youtube|vimeo)(?=\s)[^<>]*?\s(?:data-)?videoid\s*=\s*[\"']?([\w-]{1,30})[^<>]*>",
    re.IGNORECASE,
)
_PLAYERS = {"youtube": "https://www.youtube.com/embed/", "vimeo": "https://player.vimeo.com/video/"}
_BODY = re.compile(r"<(/?)body(?=[\s>])", re.IGNORECASE)
_FIRST_LINE = re.compile(r"(<pre[^<>]*>)\n")
_COLOURED_BODY = re.compile(r"<body\s[^<>]*(?:bgcolor|background)", re.IGNORECASE)
_COLOURED = re.compile(r"<[a-z][^<>]*?[\s\"'](?:bgcolor|style)\s*=[^<>]*>", re.IGNORECASE)
_STYLE = re.compile(r"(?<=[\s\"'])style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_BGCOLOR = re.compile(
    r"(?<=[\s\"'])bgcolor\s*=\s*[\"']?\s*(#?[a-z0-9]{3,20})(?![\w(])\s*[\"']?", re.IGNORECASE
)
_BACKGROUND = re.compile(r"(?<![-\w])background\s*:\s*([^;]*)", re.IGNORECASE)
_PICTURE = re.compile(r"(?<![-\w])background-image\s*:", re.IGNORECASE)
_COLOUR = re.compile(r"(?<![-\w])color\s*:[^;]*;?", re.IGNORECASE)
_VALUE = re.compile(r"#[0-9a-f]{3,8}(?![\w-])|(?:rgb|hsl)a?\([^()]*\)", re.IGNORECASE)
_NO_COLOURS = frozenset({"none", "transparent", "inherit", "initial", "unset", "revert", "currentcolor"})
_DARK = frozenset(
    {"black", "navy", "maroon", "purple", "darkblue", "darkred", "darkgreen", "indigo", "midnightblue"}
)
_BARE = re.compile(r"(?=[0-9a-f]*[0-9])[0-9a-f]{6}", re.IGNORECASE)
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*([0-9]{1,3})[\s,]+([0-9]{1,3})[\s,]+([0-9]{1,3})\b", re.IGNORECASE)
_WORD = re.compile(r"\s*([a-z]{3,20})\s*(?:!important\s*)?", re.IGNORECASE)


def is_plain(html: str) -> bool:
    """Whether no tag of HTML is rare, or has an attribute besides the address of a link.

    `only_visible` does not change it, and sanitised, it has no images, frames, styles or formulas.
    """
    return _NOT_PLAIN_TAG.search(html) is None


def has_rare_tags(html: str) -> bool:
    """Whether HTML may have comments, or tags for which `only_visible` does more than look at attributes."""
    return _RARE_TAG.search(html) is not None


def only_visible(html: str, *, rare_tags: bool = True) -> str:
    """`html` without elements that a page does not show, with AMP's images as images and colours in pairs.

    A text colour without its background colour may be unreadable, and the sanitiser keeps only
    `background-color`: a `background` or `bgcolor` with a colour becomes one; with any other value the text
    colour is removed. `rare_tags` False: `has_rare_tags` has found none.
    """
    if rare_tags:
        if "amp-" in html:
            html = _AMP.sub(_without_amp, html)
        if "youtube" in html or "vimeo" in html:
            html = _LITE.sub(_player, html)
    if "background" in html or "bgcolor" in html or "BGCOLOR" in html:
        if _COLOURED_BODY.search(html):  # the colours of its text would stay without its background
            html = _BODY.sub(r"<\1div", html)
        html = _COLOURED.sub(_in_pairs, html)
    if (
        "idden" in html or "IDDEN" in html or (rare_tags and ("dialog" in html or "DIALOG" in html))
    ) and _HIDDEN.search(html):
        tree = LexborHTMLParser(f"<body>{html}")
        for node in tree.css(_NOT_SHOWN):
            node.decompose()
        html, rare_tags = _inner(tree), True  # it is written anew: `&lt;` in an attribute is now `<`
    for _ in range(_MAX_ROUNDS if rare_tags else 0):
        if not _REPLACED_TAG.search(html):
            break
        html = _replaced(html)
    return html


def with_first_lines(written: str) -> str:
    """HTML that a serialiser wrote, with the empty first lines of `<pre>`.

    Parsers ignore a line break after the tag, and serialisers do not write one: each time HTML is read and
    written, an empty line would be lost.
    """
    return _FIRST_LINE.sub(r"\1\n\n", written) if "<pre" in written else written


def _inner(tree: LexborHTMLParser) -> str:
    return with_first_lines(tree.body.inner_html or "") if tree.body is not None else ""


def _replaced(html: str) -> str:
    """Formulas in the form that may stay, and replacements for the outermost other elements."""
    tree = LexborHTMLParser(f"<body>{mathml.without_prefixes(html)}")
    for node in tree.css(_SET_FORMULA):
        node.decompose()
    written = _inner(tree)
    mark = next(mark for n in count() if (mark := f"\ue000{n}\ue001") not in written)
    found = [*_outermost(tree)]
    made = [
        mathml.formula(node) if node.tag == "math" else element_fallbacks.replacement(node) for node in found
    ]
    for node in found:
        node.replace_with(mark)
    parts = _inner(tree).split(mark)
    return "".join(text for pair in zip(parts, [*made, ""], strict=True) for text in pair)


def _outermost(tree: LexborHTMLParser) -> Iterator[LexborNode]:
    waiting = [tree.body] if tree.body is not None else []
    while waiting:
        node = waiting.pop()
        if node.tag in _REPLACED:
            yield node
        else:
            waiting += reversed([*node.iter()])


def _without_amp(m: re.Match[str]) -> str:
    name = "img" if m[2].lower() == "anim" else m[2].lower()
    return f"<{m[1]}{name}"


def _player(lite: re.Match[str]) -> str:
    """The iframe that a script of the page would put in place of a preview picture."""
    return f'<iframe src="{_PLAYERS[lite[1].lower()]}{lite[2]}"></iframe>'


def _in_pairs(tag: re.Match[str]) -> str:
    written = tag[0]
    behind = _BGCOLOR.search(written)
    style = _STYLE.search(written)
    if style is None:
        pair = _pair(behind[1]) if behind else ""
        return _BGCOLOR.sub(f'style="{pair}" ', written, count=1) if pair else written
    declared = style[1] if style[1] is not None else style[2]
    background = _BACKGROUND.search(declared)
    colour = _colour(background[1]) if background else behind[1] if behind else ""
    if not colour and background is None and not (_PICTURE.search(declared) and _COLOUR.search(declared)):
        return written
    if not colour and background is None and "background-color" in declared.lower():
        return written
    paired = _BACKGROUND.sub("", declared).strip("; ")
    if not colour:  # an image or a gradient, which is removed
        paired = _COLOUR.sub("", paired)
    elif _COLOUR.search(paired):
        paired = f"background-color:{colour};{paired}"
    else:
        paired = f"{_pair(colour)};{paired}"
    quote = '"' if style[1] is not None else "'"
    return f"{written[: style.start()]}style={quote}{paired}{quote}{written[style.end() :]}"


def _colour(background: str) -> str:
    """The colour in a `background`, "" without one."""
    found = _VALUE.search(background)
    word = _WORD.fullmatch(background)
    return found[0] if found else word[1] if word and word[1].lower() not in _NO_COLOURS else ""


def _pair(behind: str) -> str:
    """A background colour with a readable text colour, "" if the colour is not known.

    The page around may be light or dark, so that its own text may have the same colour.
    """
    behind = f"#{behind}" if _BARE.fullmatch(behind) else behind
    if m := _HEX.fullmatch(behind):
        width = 1 if len(m[1]) == 3 else 2
        parts = [int((m[1][i : i + width] * 2)[:2], 16) for i in range(0, 3 * width, width)]
    elif m := _RGB.match(behind):
        parts = [int(m[n]) for n in (1, 2, 3)]
    elif behind.isalpha() and behind.lower() not in _NO_COLOURS:
        parts = [0 if behind.lower() in _DARK else 255] * 3
    else:
        return ""
    is_light = 299 * parts[0] + 587 * parts[1] + 114 * parts[2] > 128_000
    return f"background-color:{behind};color:{'#000' if is_light else '#fff'}"
