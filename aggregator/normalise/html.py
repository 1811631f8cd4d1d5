"""Untrusted HTML -> safe HTML: sanitised by nh3, links absolute, trackers removed.

nh3 decides what may stay; `embedded` then does what needs more than one attribute at a time.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from html import escape

import nh3

from aggregator.normalise import mathml
from aggregator.normalise.anchors import Owner, has_anchors, within_article
from aggregator.normalise.before_sanitising import has_rare_tags, is_plain, only_visible, with_first_lines
from aggregator.normalise.clean_form import in_clean_form
from aggregator.normalise.embedded import LAZY, REFUSED, finish, is_pixel
from aggregator.normalise.empty_elements import without_empty_attributes, without_empty_elements
from aggregator.normalise.links import FOLLOWED, resolve
from aggregator.normalise.text import tidy, without_markup
from aggregator.normalise.xml_characters import legal

__all__ = [
    "MAX_CHARACTERS",
    "STYLES",
    "TAGS",
    "HtmlBody",
    "escaped",
    "hazard",
    "is_pixel",
    "sanitise",
    "sanitise_checked",
]

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 250
MAX_ATTRIBUTES = 2_000
MAX_REOPENED = 20_000
MAX_AMPERSANDS = 100_000
MAX_DATA_CHARACTERS = 10_240

_TAG_NAMES = (
    "a abbr acronym address article aside audio b bdi bdo big blockquote br caption center cite code col "
    "colgroup dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header "
    "hgroup hr i iframe img ins kbd li main mark menu ol p picture pre q rb rp rt rtc ruby s samp section "
    "small source span strike strong sub summary sup table tbody td tfoot th thead time tr track tt u ul "
    "var video wbr"
)
TAGS = frozenset(_TAG_NAMES.split())
_SILENT_TAGS = (
    "script style svg template object embed applet noembed noframes frameset select textarea title xmp"
)
_NOTHING_INSIDE = frozenset(_SILENT_TAGS.split())
_ATTRIBUTES = {
    "*": frozenset({"dir", "lang", "title", "style"}),
    "a": frozenset({"href", "hreflang", "type"}),
    "audio": frozenset({"loop", "muted", "src"}),
    "blockquote": frozenset({"cite"}),
    "code": frozenset({"class"}),
    "col": frozenset({"align", "span", "width"}),
    "colgroup": frozenset({"align", "span", "width"}),
    "del": frozenset({"cite", "datetime"}),
    "details": frozenset({"open"}),
    "font": frozenset({"color"}),
    "hr": frozenset({"align", "width"}),
    "iframe": frozenset({"height", "src", "width"}),
    "img": frozenset({"align", "alt", "height", "sizes", "src", "srcset", "width"}),
    "ins": frozenset({"cite", "datetime"}),
    "li": frozenset({"value"}),
    "ol": frozenset({"reversed", "start", "type"}),
    "p": frozenset({"align"}),
    "pre": frozenset({"class"}),
    "q": frozenset({"cite"}),
    "source": frozenset({"height", "media", "sizes", "src", "srcset", "type", "width"}),
    "table": frozenset({"align", "border", "cellpadding", "cellspacing", "summary", "width"}),
    "td": frozenset({"align", "colspan", "headers", "rowspan", "valign", "width"}),
    "th": frozenset({"abbr", "align", "colspan", "headers", "rowspan", "scope", "valign", "width"}),
    "time": frozenset({"datetime"}),
    "tr": frozenset({"align", "valign"}),
    "track": frozenset({"default", "kind", "label", "src", "srclang"}),
    "video": frozenset({"height", "loop", "muted", "playsinline", "poster", "src", "width"}),
}

# Wrappers and tokens of Pygments, Rouge, Chroma and Pandoc, which only colour code.
_CODE_CLASSES = (
    "bp c ch cm cp cpf c1 cs dl err esc fm g gd ge gh gi gl go gp gr gs gt gu hll il k kc kd kn kp kr kt "
    "kv l ld lineno linenos ln lnt m mb mf mh mi mo mx n na nb nc nd ne nf ni nl nn no np nt nv nx o ow p "
    "pi py s s1 s2 sa sb sc sd se sh si sr ss sx vc vg vi vm w al an at bn bu cf cn co cv do dt dv er ex "
    "fl fu im in kw op ot pp ss st va vs wa"
)
_TOKENS = frozenset(_CODE_CLASSES.split())
_WRAPPER_CLASSES = "chroma code-block codehilite highlight highlighter-rouge sourceCode"
_WRAPPERS = frozenset(_WRAPPER_CLASSES.split())
_CLASSES = {"span": _TOKENS, "div": _WRAPPERS, "figure": _WRAPPERS}

# No property that positions, overlays, loads or animates. `display`, `width` and `height` could reveal hidden
# images.
_STYLE_NAMES = (
    "background-color border-collapse color direction display font-family font-style font-variant "
    "font-weight height line-height list-style-type text-align text-decoration text-indent text-transform "
    "unicode-bidi vertical-align white-space width word-break writing-mode"
)
STYLES = frozenset(_STYLE_NAMES.split())

_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp);base64,[A-Za-z0-9+/=%]*", re.IGNORECASE)
_BLANKS = re.compile(r"[\x00-\x20]+")

_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_FORMATTING_TAGS = "a b big code em font i nobr s small strike strong tt u"
_FORMATTING = frozenset(_FORMATTING_TAGS.split())
_UNNESTED_TAGS = (
    "area base br col dd dt embed hr img input li link meta option p param source td th tr track wbr"
)
_UNNESTED = frozenset(_UNNESTED_TAGS.split())
_COMMENT = re.compile(r"<!--(?:-?>|.*?-->)", re.DOTALL)
_NOSCRIPT = re.compile(r"</?noscript[^<>]*>", re.IGNORECASE)
_DROPPED = re.compile(r"<[!nN](?:--|[oO][sS][cC][rR][iI][pP][tT])")

# nh3 checks a style's properties, not their values: `width:expression(…)`, and escapes that hide it.
_ACTIVE_STYLE = re.compile(
    r'(<[a-z][a-z0-9]*(?: [^\s="]+="[^"]*")*?) style="[^"]*(?:expression|\\)[^"]*"', re.IGNORECASE
)
# nh3 compares each attribute with those before it: 100,000 on one tag took 2.2 s. The regex matches only
# short ones, so that embedded pictures are not matched.
_CROWDED = re.compile(rf"<[A-Za-z][^\s/<>]*+(?:[\s/]++[^\s/<>]{{1,24}}+){{{MAX_ATTRIBUTES}}}[^<>]*+>?")
_ACTIVE_VALUE = re.compile(r' style="[^"]*(?:[eE][xX][pP][rR][eE][sS]|\\)')

_place = threading.local()


def _absolute(url: str) -> str | None:
    """Called by nh3 for each relative URL; must not raise: nh3 would only print the exception."""
    if url[:1] == "#" and _place.has_anchors:
        return url
    bases: tuple[str, ...] = _place.bases
    return resolve(url, *bases, schemes=FOLLOWED)


def _only_small_images(element: str, attribute: str, value: str) -> str | None:
    """Keeps a data: URL only as `img src` of a bitmap up to 10 KB; SVG can contain script."""
    if (first := value[:1]) > " " and first not in "dD":  # nearly every attribute
        return value
    squeezed = _BLANKS.sub("", value[: MAX_DATA_CHARACTERS + 100])
    if attribute in LAZY or squeezed[:5].lower() != "data:":
        return value
    if element != "img" or attribute != "src":
        return None
    is_small = len(value) <= MAX_DATA_CHARACTERS
    return squeezed if is_small and _DATA_IMAGE.fullmatch(squeezed) else REFUSED


def _cleaner(*, with_data: bool, with_anchors: bool = False) -> nh3.Cleaner:
    attributes: dict[str, frozenset[str]] = _ATTRIBUTES | mathml.ATTRIBUTES
    if with_anchors:
        attributes |= {"*": attributes["*"] | {"id"}, "a": attributes["a"] | {"name"}}
    if with_data:
        attributes |= {tag: attributes[tag] | LAZY for tag in ("img", "iframe", "source")}
    return nh3.Cleaner(
        tags=TAGS | mathml.TAGS,
        clean_content_tags=_NOTHING_INSIDE,
        attributes=attributes,
        attribute_filter=_only_small_images if with_data else None,
        link_rel="noopener noreferrer",
        # One attribute for each: the order of several would differ between processes, and so would outputs.
        set_tag_attribute_values={"audio": {"controls": ""}, "video": {"controls": ""}},
        url_schemes=set(FOLLOWED | {"data"}) if with_data else set(FOLLOWED),
        allowed_classes=_CLASSES,
        filter_style_properties=STYLES,
        url_relative=_absolute,
    )


# A Python callback for every attribute costs a third more, and few texts need it.
_CLEANER = _cleaner(with_data=False)
_CLEANER_WITH_DATA = _cleaner(with_data=True)
_CLEANER_WITH_ANCHORS = _cleaner(with_data=True, with_anchors=True)


def hazard(markup: str) -> str | None:
    """Why `markup` cannot be sanitised in reasonable time; None when it can.

    Measured with nh3 0.3: 100,000 nested `<div>` took 27 s, and 21 KB that leave 100 `<b>` open over 5,000
    paragraphs became 9 MB; a million `&` took 8 s, growing with their square. The scan is linear and counts
    too much rather than too little: it ignores quotes.
    """
    if len(markup) > MAX_CHARACTERS:
        return f"HTML of {len(markup):,} characters, more than {MAX_CHARACTERS:,}"
    if len(markup) > MAX_AMPERSANDS and markup.count("&") > MAX_AMPERSANDS:
        return f"HTML with more than {MAX_AMPERSANDS:,} character references"
    if markup.count("<") <= MAX_DEPTH:
        return None
    markup = _without_comments(markup)
    depth = formatting = reopened = 0
    opened: dict[str, int] = {}
    names = _NAME.findall(markup.lower())
    for slash, name in names:
        reopened += formatting
        if name in _UNNESTED:
            continue
        if not slash:
            opened[name] = opened.get(name, 0) + 1
            depth += 1
            formatting += name in _FORMATTING
            if depth > MAX_DEPTH:
                return f"HTML nested more than {MAX_DEPTH} elements deep"
        elif opened.get(name):
            opened[name] -= 1
            depth -= 1
            formatting -= name in _FORMATTING
    if reopened > max(MAX_REOPENED, 8 * len(names)):
        return "HTML whose unclosed formatting would be repeated over and over"
    return None


def _without_comments(markup: str) -> str:
    """Removes comments before tags are counted: Word hides hundreds of unclosed elements in them."""
    if "<!--" not in markup:
        return markup
    head, end, tail = markup.rpartition("-->")
    # Only if a comment surely ends: else each of many openers would be searched to the end of the text.
    return _COMMENT.sub("", head + end) + tail


def sanitise(html: str, *bases: str) -> str:
    """`html` as a fragment that is safe in any page, with absolute URLs; "" when nothing is left.

    - `bases`: what relative URLs are relative to, innermost first, as `links.resolve` takes them.
    - Removed: scripts, handlers, forms, ids that `anchors` did not write, classes other than code's, styles
      that position or load, data: URLs other than small bitmaps, tracking pixels, frames other than known
      players'.
    - Kept: structure, tables, media, formulas, `srcset`, `picture`, `lang`, `dir`. Lazily loaded images get
      their address back.
    - What `hazard` refuses becomes escaped plain text. Never raises.
    """
    html = _without_comments(html)
    if hazard(html):
        return escaped(without_markup(html[:MAX_CHARACTERS]))
    body = HtmlBody(raw=html, bases=bases)
    sanitise_checked([body])
    return body.html


class HtmlBody:
    """One body: `html` is safe; it is empty until `sanitise_checked` has made it from `raw`.

    - `bases`: as for `sanitise`. `is_legal`: `raw` has no character that XML forbids.
    - `owner`: the article whose anchors its links may use, None for none.
    - `picture`: the absolute URL of its first image that may be a lead image (see `images`), or None.
    """

    __slots__ = ("bases", "has_anchors", "html", "is_legal", "is_plain", "owner", "picture", "raw")

    def __init__(
        self,
        html: str = "",
        *,
        raw: str = "",
        bases: tuple[str, ...] = (),
        is_legal: bool = False,
        owner: Owner | None = None,
    ) -> None:
        self.html = html
        self.owner = owner
        self.has_anchors = self.is_plain = False
        self.raw = raw
        self.bases = bases
        # A character reference may be an illegal character, which no XML parser has checked.
        self.is_legal = is_legal and "#" not in raw and "\x7f" not in raw
        self.picture: str | None = None


def sanitise_checked(bodies: Iterable[HtmlBody]) -> None:
    """Applies `sanitise` to each body that has a `raw`, which `hazard` must not refuse.

    Each step is done for all bodies before the next, while its code is in the processor's caches: one body at
    a time made all reading take a sixth longer.
    """
    marked, known = [], []
    for body in bodies:
        if "<" in body.raw or "&" in body.raw:
            if body.is_legal and (written := in_clean_form(body.raw)) is not None:
                body.raw, body.is_plain = written, True
                known.append(body)
                continue
            body.is_plain = len(body.raw) <= 2 * MAX_ATTRIBUTES and is_plain(body.raw)
            if not body.is_plain:
                body.raw = _prepared(body.raw)
            marked.append(body)
        elif body.raw:
            body.html = escape(_legal(body.raw), quote=False)
    for body in marked:
        _place.bases = body.bases
        _place.has_anchors = body.has_anchors = has_anchors(body.raw)
        body.raw = _clean(body)
    for body in [*marked, *known]:
        _finish(body)


def _prepared(html: str) -> str:
    rare_tags = has_rare_tags(html)
    if rare_tags and _DROPPED.search(html):
        # nh3 would treat a noscript's content as text: it parses like a browser that runs scripts.
        html = _NOSCRIPT.sub("", _without_comments(html))
    if _has_long_tag(html) and (left := _CROWDED.sub("", html)) != html:
        html, rare_tags = left, True  # what is left may be parts of a tag
    return only_visible(html, rare_tags=rare_tags)


def _has_long_tag(html: str) -> bool:
    """Whether HTML may have a tag of MAX_ATTRIBUTES: each takes two characters at least, and none is `<`."""
    ends = range(MAX_ATTRIBUTES, len(html) + 1, MAX_ATTRIBUTES)
    return any(html.find("<", end - MAX_ATTRIBUTES, end) < 0 for end in ends)


def _clean(body: HtmlBody) -> str:
    html = body.raw
    # Each search of a body takes a microsecond, nh3 twenty: needless searches matter.
    if body.has_anchors:
        cleaner = _CLEANER_WITH_ANCHORS
    elif not body.is_plain and "data" in html and ("data:" in html or "data-" in html):
        cleaner = _CLEANER_WITH_DATA
    else:
        cleaner = _CLEANER
    try:
        clean = cleaner.clean(html)
    except UnicodeEncodeError:  # a lone surrogate
        clean = cleaner.clean(_legal(html))
    return with_first_lines(clean)


def _finish(body: HtmlBody) -> None:
    clean = body.raw if body.is_legal else _legal(body.raw)
    if body.has_anchors:
        clean = within_article(clean, body.owner, body.bases)
    if not body.is_plain:
        clean, body.picture = finish(clean, body.bases)
        if ' style="' in clean and _ACTIVE_VALUE.search(clean):
            clean = _ACTIVE_STYLE.sub(r"\1", clean)
        clean = mathml.only_formulas(clean) if "<math" in clean else clean
        clean = clean if body.owner is None else without_empty_attributes(clean)
    # Stored bodies are sanitised without an owner: archived ones must not change without reason.
    body.html = (clean if body.owner is None else without_empty_elements(clean)).strip()


def escaped(text: str) -> str:
    """Plain text as HTML: one line, legal in XML, `&`, `<` and `>` escaped; cut at a million characters."""
    return escape(tidy(text[:MAX_CHARACTERS]), quote=False)


def _legal(text: str) -> str:
    """Removes what XML forbids, and DEL."""
    return legal(text).replace("\x7f", "")
