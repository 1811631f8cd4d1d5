"""Text constructs and markup -> plain text.

Entities are decoded exactly once: adapters return text with XML entities decoded, and what remains is HTML's,
if the type says HTML (RFC 4287 §3.1). RSS 2.0 does not say whether a title is text or HTML; see `is_html`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import unescape
from html.entities import html5

from aggregator.model.entry import Person, Text, TextType

__all__ = [
    "LEFT_OF_TAGS",
    "cut",
    "is_html",
    "people",
    "plain",
    "plain_name",
    "tidy",
    "without_markup",
]

MAX_TITLE = 1_000
MAX_NAME = 200
MAX_PEOPLE = 50

_INLINE = (
    "a abbr acronym b bdi bdo big blink cite code data del dfn em font i ins kbd label mark nobr q rb rp "
    "rt ruby s samp small span strike strong sub sup time tt u var wbr"
)
_BLOCK = (
    "address applet area article aside audio base basefont blockquote body br button canvas caption "
    "center col colgroup datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer "
    "form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe img input legend li link "
    "main map marquee math keygen bgsound isindex menuitem portal fencedframe menu meta meter nav noembed "
    "noframes noscript object ol optgroup option output p param picture plaintext pre progress script "
    "section select slot source style summary svg table tbody td template textarea tfoot th thead title "
    "tr track ul video xmp"
)
_INLINE_NAMES = frozenset(_INLINE.split())
_NAMES = _INLINE_NAMES | frozenset(_BLOCK.split())
LEFT_OF_TAGS = dict.fromkeys(_NAMES - {"img"}, " ") | {"!--": " "} | dict.fromkeys(_INLINE_NAMES, "")
"""The replacement of a tag in plain text."""
# `[^<>]*` and not `[^>]*`: so every character is visited only once.
_TAG_SHAPE = r"<(?:/?([A-Za-z][A-Za-z0-9]*+[:-]?+[A-Za-z0-9-]*+)(?=[\s/>])[^<>]*+>|!--|!\[CDATA\[)"
_TAG = re.compile(_TAG_SHAPE)
# The form in which our own RSS writes a tag that a title mentions, so that readers show it (`extra.inert`).
_PARTED = re.compile(r"< /?([A-Za-z][A-Za-z0-9]*+)>")
_PARTS = re.compile(f"({_TAG_SHAPE})")
_SILENT = re.compile(
    r"<(script|style|template|annotation(?:-xml)?)(?=[\s>])[^<>]*>.*?</\1\s*>|<!--.*?-->",
    re.IGNORECASE | re.DOTALL,
)
_FOREIGN = re.compile(r"<(math|svg)(?=[\s>])[^<>]*>.*?(?:</\1\s*>|$)", re.DOTALL)
_FOREIGN_TAG = re.compile(r"<(/?)([A-Za-z][^\s>/]*)[^<>]*>")
_FORMATTING = frozenset(["b", "br", "i", "s", "u", "wbr"])
_TEXTUAL = _INLINE_NAMES | frozenset(
    ["blockquote", "center", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "p"]
)
_LOADING = frozenset(["audio", "embed", "iframe", "img", "object", "source", "video"])
_SOURCE = re.compile(r"\s(?:src|data|srcset)\s*=", re.IGNORECASE)
_VALUE = re.compile(r"\s[A-Za-z][^\s=]*=[\s\"']?[^\s>]")
_ACTIVE = re.compile(r"[\s/]on[a-z]+\s*=|script:", re.IGNORECASE)
_ALT = re.compile(r"""\salt\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|([A-Za-z][A-Za-z0-9]{1,31}));")

# Invisible characters, many of them forbidden in XML (§2.2): controls, bidi overrides and isolates (they
# reorder the text around them), lone surrogates, noncharacters, byte order marks.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]"
)


def plain(text: Text | None, max_characters: int = MAX_TITLE) -> str:
    """A text construct as one line of plain text, at most `max_characters` long; "" for None.

    "text" is used verbatim; "html" and "xhtml" lose their tags and have their entities decoded once;
    "unknown" is treated as `is_html` finds, and a tag with a space after its `<`, as our own feeds write it,
    is a tag. Elements that an author only mentions ("On The <dl>") stay as text, except in "xhtml", where a
    parser has seen that each tag is markup.
    """
    return plain_value(text.value, text.type, max_characters) if text is not None else ""


def plain_value(value: str, type_: TextType = "unknown", max_characters: int = MAX_TITLE) -> str:
    """Like `plain`, for a text construct's value and type."""
    if ("<" in value or "&" in value) and type_ != "text":
        value = value[: 8 * max_characters]
        if type_ != "unknown" or is_html(value):
            value = _SILENT.sub(" ", value) if "</" in value else value
            marked = value if type_ == "xhtml" else _with_mentions_escaped(value)
            if type_ != "unknown" or marked is value or is_html(marked.replace("&lt;", "")):
                value = without_markup(marked)
    value = tidy(value[: 8 * max_characters])
    if "< " in value and type_ == "unknown":
        value = _PARTED.sub(_joined_tag, value)
    return cut(value, max_characters)


def _joined_tag(tag: re.Match[str]) -> str:
    return f"<{tag[0][2:]}" if _is_tag(tag[1]) else tag[0]


def plain_name(value: str) -> str:
    """A name of a person or a category as plain text, at most 200 characters."""
    return _plain_name(value) if len(value) <= MAX_NAME else _plain_name.__wrapped__(value)


# A feed has few authors and categories, and repeats them in every entry.
@lru_cache(maxsize=4_096)
def _plain_name(value: str) -> str:
    return plain_value(value, max_characters=MAX_NAME)


def _with_mentions_escaped(text: str) -> str:
    """`text` with each tag escaped that is only mentioned; `text` itself if there is none."""
    tags = [*_TAG.finditer(text)] if "<" in text else []
    if not tags:
        return text
    partners = _partners(tags)
    parts: list[str] = []
    end = 0
    for tag, partner in zip(tags, partners, strict=True):
        if _is_mentioned(text, tag, partner):
            parts += text[end : tag.start()], "&lt;"
            end = tag.start() + 1
    return "".join([*parts, text[end:]]) if parts else text


def _partners(tags: list[re.Match[str]]) -> list[re.Match[str] | None]:
    """For each tag its closing or opening tag; None without one."""
    opened: dict[str, list[int]] = {}
    found: list[re.Match[str] | None] = [None] * len(tags)
    for number, tag in enumerate(tags):
        name = (tag[1] or "").lower()
        if tag[0][1] != "/":
            opened.setdefault(name, []).append(number)
        elif waiting := opened.get(name):
            opener = waiting.pop()
            found[number], found[opener] = tags[opener], tag
    return found


def _is_mentioned(text: str, tag: re.Match[str], partner: re.Match[str] | None) -> bool:
    """Whether a tag is only mentioned in the text, not used as markup.

    A tag is markup if it formats (`<b>`, `<br>`), is closed, has attributes with values, or touches the word
    that it begins or ends. It is mentioned if it is alone among words ("guide to <head> elements").
    """
    name = (tag[1] or "").lower()
    follows_word = text[max(tag.start() - 1, 0) : tag.start()].isalnum()
    if len(name) == 1 and partner is None and follows_word and "=" not in tag[0] and " " in tag[0]:
        return True  # `if a<b then c>d`
    if not _is_tag(name) or name in _FORMATTING or ":" in name or _ACTIVE.search(tag[0]):
        return False
    if partner is not None:
        return name not in _TEXTUAL and not (_touches(text, tag) or _touches(text, partner))
    if name in _TEXTUAL:
        return not (_VALUE.search(tag[0]) or _touches(text, tag))
    return not (name in _LOADING and _SOURCE.search(tag[0]))


def _touches(text: str, tag: re.Match[str]) -> bool:
    """Whether a tag touches the word that it begins or ends, unlike in "the <div>s of a page"."""
    if tag[0][1] == "/":
        before = text[max(tag.start() - 1, 0) : tag.start()]
        return bool(before) and not (before.isspace() or before in "([{\"'`“‘«<&")
    after = text[tag.end() : tag.end() + 2]
    return after[:1].isalnum() and (after[0] != "s" or after[1:].isalnum())


def is_html(text: str) -> bool:
    """Whether RSS text is meant as HTML: it contains a tag or an entity that HTML knows.

    So `AT&T`, `a < b`, `<3` and `List<String>` are text; `AT&amp;T` and `<b>bold</b>` are HTML.
    """
    if text.startswith("<p>"):  # as most bodies do
        return True
    if "<" in text:
        for tag in _TAG.finditer(text):  # mostly it is the first
            if _is_tag(tag[1]):
                return True
    return "&" in text and any(m[1] is None or f"{m[1]};" in html5 for m in _ENTITY.finditer(text))


def without_markup(markup: str) -> str:
    """HTML without its tags, entities decoded once; an image is replaced by its alternative text.

    Tags that HTML does not know stay as text: `List<String>` is more useful than `List`. Formulas and
    drawings are replaced by their text.
    """
    if "<" in markup:
        if "<math" in markup or "<svg" in markup:
            markup = _FOREIGN.sub(_words_of, markup)
        # Text, tag, its name, text, tag …: one call splits it, while a substitution calls back for each tag.
        parts = _PARTS.split(markup)
        left = [*map(LEFT_OF_TAGS.get, parts[2::3])]
        if None in left:  # an image, a comment, a name in capitals or an unknown one
            tags = zip(parts[1::3], parts[2::3], left, strict=True)
            left = [_left(tag, name) if known is None else known for tag, name, known in tags]
        parts[1::3] = left
        del parts[2::3]
        markup = "".join(parts)
        if ">" in markup:
            markup = markup.replace("-->", " ").replace("]]>", " ")
    return unescape(markup) if "&" in markup else markup


def _words_of(element: re.Match[str]) -> str:
    """The text of a formula, or of a drawing with its texts separated by spaces."""
    apart = " " if element[1] == "svg" else ""
    return apart + _FOREIGN_TAG.sub(apart, _SILENT.sub("", element[0])) + apart


def _is_tag(name: str | None) -> bool:
    return name is not None and (name.lower() in _NAMES or ":" in name or "-" in name)


def _left(tag: str, name: str | None) -> str:
    """The replacement of a tag in plain text."""
    name = (name or "!--").lower()
    if (left := LEFT_OF_TAGS.get(name)) is not None:
        return left
    if name == "img" and (alt := _ALT.search(tag)):
        return alt[1] or alt[2] or ""
    return " " if _is_tag(name) else tag


def tidy(text: str) -> str:
    """One line: white space collapsed; invisible characters and direction controls removed."""
    text = text.replace("\n", " ")
    if not text.isprintable():
        text = " ".join(text.split())
        return text if text.isprintable() else " ".join(_UNSEEN.sub("", text).split())
    # Of white space only the space is printable. To split a text into its words takes three times as long.
    while "  " in text:
        text = " ".join(text.split("  "))  # `replace` counts them first, which takes three times as long
    return text.strip()


def cut(text: str, max_characters: int) -> str:
    """At most `max_characters`, whole words, ending with `…` when something was cut off."""
    if len(text) <= max_characters:
        return text
    head = text[: max_characters - 1]
    space = head.rfind(" ")
    return (head[:space] if space > max_characters // 2 else head).rstrip(" ,;:-–—") + "…"


_ADDRESS = r"[^\s<>()\[\]\",;:@]{1,64}@[^\s<>()\[\]\",;:@]{1,255}"
_ADDRESS_THEN_NAME = re.compile(rf"(?:mailto:)?({_ADDRESS})\s*\(([^()]*)\)", re.IGNORECASE)
_NAME_THEN_ADDRESS = re.compile(
    rf"\"?([^<>\"@;]+?)\"?\s*[<(\[]\s*(?:mailto:)?({_ADDRESS})\s*[>)\]]", re.IGNORECASE
)
_ONLY_ADDRESS = re.compile(rf"[<(\[]?\s*(?:mailto:)?({_ADDRESS})\s*[>)\]]?(?:\s*\(\s*\))?", re.IGNORECASE)
_LIST = re.compile(r"\s*[;\n]\s*|\s*,\s*(?=[^,]*@)|(?<=[)>])\s*,\s*")
_NOBODY = frozenset(
    {"", "noreply", "no-reply", "nobody", "unknown", "(unknown)", "none", "null", "undefined", "n/a"}
)


def people(persons: Iterable[Person]) -> tuple[str, ...]:
    """Names, plain text, in order, each once; at most 50.

    RSS gives one string: `jane@example.org (Jane Doe)` and `Jane Doe <jane@example.org>` are Jane Doe,
    several are separated by `;` or by their addresses. A name is never an address: without a name the local
    part is used, and `noreply` is left out.
    """
    names: dict[str, None] = {}
    for person in persons:
        written = person.name if person.name.strip() else person.email or ""
        for name in _names(written) if len(written) <= MAX_NAME else _names.__wrapped__(written):
            names.setdefault(name)
    return tuple(names)[:MAX_PEOPLE]


def email_of(person: Person) -> str:
    """The address of a person, its own or in one of RSS's forms; "" without one, and for `noreply`."""
    written = (person.email or "").strip()
    if not written and ("@" in person.name or "&" in person.name):
        text = tidy(unescape(person.name[: 20 * MAX_NAME]))
        for shape, group in ((_ADDRESS_THEN_NAME, 1), (_NAME_THEN_ADDRESS, 2), (_ONLY_ADDRESS, 1)):
            if m := shape.fullmatch(text):
                written = m[group]
                break
    m = _ONLY_ADDRESS.fullmatch(written) if written else None
    return m[1] if m and len(m[1]) <= 254 and _local_part(m[1]).lower() not in _NOBODY else ""


@lru_cache(maxsize=1_024)
def _names(written: str) -> tuple[str, ...]:
    if "@" not in written and ";" not in written:
        found = [written]
    # Split before decoding (`&amp;` contains a `;`), but never inside an entity.
    elif (name := _name(written := tidy(unescape(written[: 20 * MAX_NAME])))) is not None:
        found = [name]
    else:
        parts = _LIST.split(written)[:MAX_PEOPLE]
        found = [part if (name := _name(part)) is None else name for part in parts]
    plain_names = (plain_name(each) for each in found)
    return tuple(each for each in plain_names if each.lower() not in _NOBODY)


def _name(written: str) -> str | None:
    """The name in one of the forms that RSS uses; None if it is in none of them."""
    if m := _ADDRESS_THEN_NAME.fullmatch(written):
        return m[2].strip() or _local_part(m[1])
    if m := _NAME_THEN_ADDRESS.fullmatch(written):
        return m[1].strip()
    if m := _ONLY_ADDRESS.fullmatch(written):
        return _local_part(m[1])
    return None


def _local_part(address: str) -> str:
    return address.partition("@")[0]
