"""Makes formulas (MathML Core, W3C) safe: only elements and attributes that are displayed.

A formula is written again from its tree, with only MathML elements and text, so that no parser finds another
tree in it. What browsers do not draw (`mfenced`, `maction`, content markup) is replaced by what they do.
"""

from __future__ import annotations

import re
from html import escape
from itertools import islice

from selectolax.lexbor import LexborNode

__all__ = ["ATTRIBUTES", "TAGS", "formula", "only_formulas", "without_prefixes"]

MAX_DEPTH = 60
"""Deeper than this, only the text of a formula is kept."""
MAX_PREFIXES = 3
MAX_ALTERNATIVE = 2_000

_TOKENS = frozenset({"mi", "mn", "mo", "ms", "mtext"})
_LAYOUT_NAMES = (
    "math merror mfrac mmultiscripts mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub "
    "msubsup msup mtable mtd mtr munder munderover none"
)
TAGS = _TOKENS | frozenset(_LAYOUT_NAMES.split())

_WORD = re.compile(r"[A-Za-z0-9 -]{1,60}")
_LENGTH = re.compile(
    r"(?:[0-9]{1,2}(?:\.[0-9]{0,6})?|\.[0-9]{1,6})(?:em|ex|px|pt|%)?|(?:very){0,2}thi(?:n|ck)mathspace|mediummathspace"
)
_LEVEL = re.compile(r"[+-]?[0-9]{1,2}")
_SPAN = re.compile(r"[1-9][0-9]{0,2}")
_VALUES = {
    **dict.fromkeys(
        (
            *("accent", "accentunder", "dir", "display", "displaystyle", "fence", "form", "largeop"),
            *("mathvariant", "movablelimits", "separator", "stretchy", "symmetric"),
            *("columnalign", "columnlines", "frame", "rowalign", "rowlines"),
        ),
        _WORD,
    ),
    **dict.fromkeys(
        (
            *("columnspacing", "depth", "height", "linethickness", "lspace", "mathsize", "maxsize"),
            *("minsize", "rowspacing", "rspace", "width"),
        ),
        _LENGTH,
    ),
    "scriptlevel": _LEVEL,
    "columnspan": _SPAN,
    "rowspan": _SPAN,
}
_SHARED = ("dir", "displaystyle", "mathsize", "mathvariant", "scriptlevel")
_OWN: dict[str, tuple[str, ...]] = {
    "math": ("display",),
    "mfrac": ("linethickness",),
    "mo": (
        *("fence", "form", "largeop", "lspace", "maxsize", "minsize", "movablelimits", "rspace"),
        *("separator", "stretchy", "symmetric"),
    ),
    "mover": ("accent",),
    "mpadded": ("depth", "height", "width"),
    "mspace": ("depth", "height", "width"),
    "mtable": ("columnalign", "columnlines", "columnspacing", "frame", "rowalign", "rowlines", "rowspacing"),
    "mtd": ("columnalign", "columnspan", "rowalign", "rowspan"),
    "mtr": ("columnalign", "rowalign"),
    "munder": ("accentunder",),
    "munderover": ("accent", "accentunder"),
}
ATTRIBUTES = {tag: frozenset((*_SHARED, *_OWN.get(tag, ()))) for tag in TAGS} | {
    "math": frozenset((*_SHARED, "alttext", "display"))
}

_SILENT_NAMES = "annotation annotation-xml malignmark maligngroup script style template"
_SILENT = frozenset(_SILENT_NAMES.split())
# Content markup: elements that name a function or a constant, and have neither text nor children.
_NAMES_SOMETHING = re.compile(r"[a-z]{2,20}")
_PREFIX = re.compile(r"<([A-Za-z][\w.-]{0,20}):(?:math|svg)(?=[\s>/])", re.IGNORECASE)
_FORMULA = re.compile(r"<math[\s>](?>(?:[^<]++|<(?!/?math[\s>]))*)</math>")
_TAG = re.compile(r"</?([A-Za-z][^\s>/]*)[^<>]*>")


def formula(math: LexborNode) -> str:
    """A `<math>` element as safe MathML, or as escaped text if it contains nothing that a browser draws.

    `alttext` becomes the TeX in `semantics`, else its own `alttext`. Kept: presentation markup. Removed:
    `annotation-xml`, `mglyph` (its `alt` is kept), addresses, handlers, colours, classes, and ids except its
    own. Of `maction` the child that is shown first is kept.
    """
    tex = _tex_of(math)
    inner = "".join(_written(child, 1) for child in math.iter(include_text=True))
    if not _TAG.sub("", inner).strip():
        return escape(tex, quote=False)
    own = (math.attributes.get("alttext") or "").strip()
    alternative = (tex or own)[:MAX_ALTERNATIVE]
    said = f' alttext="{escape(alternative)}"' if alternative else ""
    is_block = (math.attributes.get("mode") or "").strip().lower() == "display"
    block = ' display="block"' if is_block and "display" not in math.attributes else ""
    id_ = math.attributes.get("id")
    place = f' id="{escape(id_)}"' if id_ else ""
    return f"<math{place}{said}{_attributes('math', math)}{block}>{inner}</math>"


def only_formulas(clean: str) -> str:
    """Sanitised HTML in which every formula has only MathML elements; other elements become their text."""
    return _FORMULA.sub(_if_pure, clean)


def without_prefixes(html: str) -> str:
    """`<mml:math><mml:mi>` without prefixes, which HTML parsers do not know."""
    prefixes = dict.fromkeys(m[1] for m in _PREFIX.finditer(html))
    for prefix in islice(prefixes, MAX_PREFIXES):
        html = re.sub(rf"(</?){re.escape(prefix)}:(?=[A-Za-z])", r"\1", html)
    return html


def _if_pure(m: re.Match[str]) -> str:
    names = {tag[1].lower() for tag in _TAG.finditer(m[0])}
    return m[0] if names <= TAGS else _TAG.sub("", m[0])


def _tex_of(math: LexborNode) -> str:
    for note in math.css("annotation"):
        if "tex" in (note.attributes.get("encoding") or "").lower():
            return note.text().strip()
    return ""


def _written(node: LexborNode, depth: int) -> str:
    if node.is_text_node:
        text = (node.text_content or "").strip()
        return f"<mtext>{escape(text, quote=False)}</mtext>" if text else ""
    name = (node.tag or "").lower()
    if not node.is_element_node or name in _SILENT:
        return ""
    if name in _TOKENS or depth > MAX_DEPTH:
        return _token(node, name)
    if name == "mglyph":
        return _text_element(node.attributes.get("alt") or "")
    children = [child for child in node.iter(include_text=True) if child.is_element_node or _says(child)]
    if name == "semantics":
        return _written(children[0], depth + 1) if children else ""
    if name == "maction":
        return _written(children[_selected(node, len(children))], depth + 1) if children else ""
    if name == "mfenced":
        return _fenced(node, [_written(child, depth + 1) for child in children])
    inner = [_written(child, depth + 1) for child in children]
    if name == "apply":
        return f"<mrow>{inner[0]}<mo>(</mo>{'<mo>,</mo>'.join(inner[1:])}<mo>)</mo></mrow>" if inner else ""
    if name in TAGS and name != "math":
        return f"<{name}{_attributes(name, node)}>{''.join(inner)}</{name}>"
    if not children and _NAMES_SOMETHING.fullmatch(name) and not name.startswith("m"):
        return _text_element(name)
    return f"<mrow>{''.join(inner)}</mrow>" if inner else ""


def _says(node: LexborNode) -> bool:
    return node.is_text_node and bool((node.text_content or "").strip())


def _token(node: LexborNode, name: str) -> str:
    parts = []
    for child in node.traverse(include_text=True):
        if child.is_text_node and child.parent is not None and child.parent.tag not in _SILENT:
            parts.append(child.text_content or "")
        elif child.tag in ("mglyph", "img"):
            parts.append(child.attributes.get("alt") or "")
    text = " ".join("".join(parts).split())
    name = name if name in _TOKENS else "mtext"
    if name == "ms":  # browsers do not draw its quotation marks
        quotes = [node.attributes.get(side) or '"' for side in ("lquote", "rquote")]
        return _text_element(f"{quotes[0]}{text}{quotes[1]}")
    return f"<{name}{_attributes(name, node)}>{escape(text, quote=False)}</{name}>"


def _text_element(text: str) -> str:
    return f"<mtext>{escape(text.strip(), quote=False)}</mtext>" if text.strip() else ""


def _selected(node: LexborNode, count: int) -> int:
    selection = (node.attributes.get("selection") or "1").strip()
    number = int(selection) if selection.isascii() and selection.isdecimal() and len(selection) < 5 else 1
    return min(max(number, 1), count) - 1


def _fenced(node: LexborNode, children: list[str]) -> str:
    """The meaning of `mfenced` in MathML 3 (§3.3.8.2) as other elements; MathML Core does not have it."""
    said = node.attributes
    signs = [c for c in (said["separators"] or "" if "separators" in said else ",") if not c.isspace()]
    parts = [_sign(said.get("open") or "" if "open" in said else "(", "prefix")]
    for number, child in enumerate(children):
        if number and signs:
            parts.append(f"<mo>{escape(signs[min(number, len(signs)) - 1], quote=False)}</mo>")
        parts.append(child)
    parts.append(_sign(said.get("close") or "" if "close" in said else ")", "postfix"))
    return f"<mrow>{''.join(parts)}</mrow>"


def _sign(text: str, form: str) -> str:
    text = text.strip()[:20]
    return f'<mo fence="true" form="{form}">{escape(text, quote=False)}</mo>' if text else ""


def _attributes(name: str, node: LexborNode) -> str:
    written = node.attributes
    if not written:
        return ""
    said = ((key, (written.get(key) or "").strip()) for key in (*_SHARED, *_OWN.get(name, ())))
    return "".join(f' {key}="{value}"' for key, value in said if value and _VALUES[key].fullmatch(value))
