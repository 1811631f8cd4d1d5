"""One lxml element -> one of the entry's plain types: text, person, link, category, media, pass-through."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import Callable, Iterator
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import etree

from aggregator.adapters.feed.namespaces import name
from aggregator.model.entry import Category, Entry, FeedInfo, Link, Media, Passed, Person, Text, TextType
from aggregator.normalise.link_relations import short_relation

MAX_DEPTH = 6
MAX_CHILDREN = 500
"""How deep passed-through elements may be nested, and how many children one may have."""
_OWN_KEYS = frozenset({"children", "text"})
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_PLACED = re.compile(r"(?:.*\n)?(?:/|[A-Za-z][A-Za-z0-9+.-]*:)")
"""A base, or a reference after it, that begins at the root or with a scheme."""
_ADDRESS = re.compile(r"https?://[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_!$%&'()*+,./:;=?@~#-]*)?")
_FOREIGN = ("{http://www.w3.org/2000/svg}", "{http://www.w3.org/1998/Math/MathML}")

_MIME: dict[str, TextType] = {
    "text": "text",
    "plain": "text",
    "text/plain": "text",
    "html": "html",
    "text/html": "html",
    "xhtml": "xhtml",
    "application/xhtml+xml": "xhtml",
}


def join(base: str, reference: str | None) -> str:
    """`reference` resolved against `base` (RFC 3986 §5); a reference that cannot be resolved is ignored."""
    if not reference:
        return base
    if not base and _ADDRESS.fullmatch(reference):  # Atom contents often have a base of their own
        return reference
    try:
        urlsplit(reference)
        reference = reference.strip()
        if base and not _PLACED.match(f"{base}\n{reference}"):
            # urljoin would lose the `..` at the start of a relative base, which is joined to its own base
            # later.
            return base[: base.rfind("/") + 1] + reference
        return urljoin(base, reference)
    except ValueError:  # "http://[" is not an address
        return base


def plain(element: etree._Element) -> str:
    """The element's text without outer white space; with the text of its children."""
    if len(element):
        return "".join(map(str, element.itertext())).strip()
    return (element.text or "").strip()


def markup(element: etree._Element) -> str:
    """The inner markup, in HTML syntax and without prefixes, so that an HTML parser can read it.

    HTML syntax, because `<iframe/>` and `<p/>` are not closed in HTML. Removes the children from `element`:
    serialised in place they would repeat every namespace that is declared above them.
    """
    holder = etree.Element("div")
    holder.text = element.text
    holder.extend(list(element))
    for each in holder.iter(etree.Element):  # entities and processing instructions have no name
        if each.tag[0] == "{" and not each.tag.startswith(_FOREIGN):
            forget_namespace(each)
    etree.cleanup_namespaces(holder)
    written = etree.tostring(holder, encoding="unicode", method="html")
    return written.removeprefix("<div>").removesuffix("</div>").strip()


def forget_namespace(element: etree._Element) -> None:
    """Keeps only the local name; libxml2's recovery makes names that lxml itself refuses ("a:b:")."""
    with contextlib.suppress(ValueError):
        element.tag = element.tag.partition("}")[2]


def text(element: etree._Element, owner: Entry | FeedInfo, type_: TextType = "unknown") -> Text | None:
    """RSS text: escaped markup or, though invalid but frequent, markup itself; None when empty."""
    if len(element):
        value, type_ = markup(element), "xhtml"
    else:
        value = (element.text or "").strip()
    return _text(value, type_, element, owner)


def media_text(element: etree._Element, owner: Entry | FeedInfo) -> Text | None:
    """`media:title`, `media:description`: plain unless type="html" (Media RSS 1.5.1)."""
    return text(element, owner, "html" if element.get("type", "").lower() == "html" else "text")


def atom_text(element: etree._Element, owner: Entry | FeedInfo) -> Text | None:
    """A text construct or inline content (RFC 4287 §3.1, §4.1.3; Atom 0.3 `type` with `mode`).

    None when empty, or base64 of anything that is not text. Unlike §3.1.1, markup inside type="text" is read
    as markup, as its authors meant it.
    """
    written = (element.get("type") or "text").strip().lower().partition(";")[0]
    type_ = _MIME.get(written)
    if len(element):
        only = element[0]
        wrapped = len(element) == 1 and only.tag.rpartition("}")[2] == "div"
        bare = wrapped and not (element.text or "").strip() and not (only.tail or "").strip()
        if not bare:
            return _text(markup(element), "xhtml", element, owner)
        base, language = only.get(XML_BASE), only.get(XML_LANG) or only.get("lang")
        found = _text(markup(only), "xhtml", element, owner)
        if found is not None and (base or language):  # the div is removed, its base and language stay
            found.base, found.language = join(found.base, base), language or found.language
        return found
    value = (element.text or "").strip()
    if element.get("mode") == "base64" or (type_ is None and "/" in written and not _is_text(written)):
        try:
            value = base64.b64decode(value).decode("utf-8").strip()
        except (binascii.Error, ValueError):
            return None
        type_ = type_ or "text"
    if type_ == "xhtml":  # no child element: it was escaped
        type_ = "html"
    return _text(value, type_ or "text", element, owner)


def _is_text(mime: str) -> bool:
    return mime.startswith("text/") or mime.endswith(("+xml", "/xml"))


def _text(value: str, type_: TextType, element: etree._Element, owner: Entry | FeedInfo) -> Text | None:
    if not value:
        return None
    if not element.keys():  # most elements: reading an attribute costs more than all other work
        return Text(value, type_, owner.base, owner.language)
    language = element.get(XML_LANG)
    return Text(
        value,
        type_,
        join(owner.base, element.get(XML_BASE)),
        owner.language if language is None else language or None,
    )


def person(element: etree._Element) -> Person | None:
    """A person construct (RFC 4287 §3.2; Atom 0.3 `url`); plain text in it is the name."""
    if not len(element):
        bare = (element.text or "").strip()
        return Person(bare) if bare else None
    found: dict[str, str] = {}
    for child in element:
        found.setdefault(name(child.tag).removeprefix("atom:"), plain(child))
    uri = found.get("uri") or found.get("url") or found.get("homepage")
    if not (found.get("name") or uri or found.get("email")):
        return None
    return Person(found.get("name", ""), found.get("email") or None, uri or None)


def link(element: etree._Element, owner: Entry | FeedInfo) -> Link | None:
    """An `atom:link` (RFC 4287 §4.2.7), or RSS's link, which is text; None without an address."""
    href = (element.text or "").strip()
    if not element.keys():
        return Link(href, base=owner.base) if href else None
    get = element.get
    href = (get("href") or "").strip() or href
    if not href:
        return None
    return Link(
        href,
        short_relation(get("rel") or "alternate"),
        get("type"),
        get("length"),
        get("title"),
        get("hreflang"),
        join(owner.base, get(XML_BASE)),
        _others(element),
    )


def _others(element: etree._Element) -> dict[str, str] | None:
    """Attributes of other known namespaces, except those of XML itself."""
    found = {name(str(k)): str(v) for k, v in element.attrib.items() if str(k)[0] == "{"}
    return {k: v for k, v in found.items() if k and not k.startswith("xml:")} or None


def category(element: etree._Element) -> Category | None:
    """Atom's attributes, else the text with RSS's domain; None without a name."""
    term = plain(element)
    if not element.keys():
        return Category(term) if term else None
    get = element.get
    term = get("term") or term or get("label") or ""
    if not term:
        return None
    return Category(term.strip(), get("scheme") or get("domain"), get("label"))


def itunes_categories(element: etree._Element) -> Iterator[Category]:
    """One path for each leaf: "Society & Culture/Documentary"."""
    top = (element.get("text") or plain(element)).strip()
    below = [c.get("text", "").strip() for c in element if name(c.tag) == "itunes:category"]
    for path in [f"{top}/{sub}" for sub in below if sub] or [top]:
        if path:
            yield Category(path, "http://www.itunes.com/")


def media(
    element: etree._Element, base: str, *, is_enclosure: bool, title: str | None = None
) -> Media | None:
    """An `<enclosure>`, `media:content` or Atom enclosure link; None without an address."""
    get = element.get
    url = (get("url") or get("href") or "").strip()
    if not url:
        return None
    return Media(
        url,
        get("type"),
        get("length") or get("fileSize"),
        get("medium"),
        get("width"),
        get("height"),
        get("duration"),
        title or get("title"),
        is_enclosure,
        get("isDefault", "").lower() == "true",
        join(base, get(XML_BASE)),
    )


def passed_through(element: etree._Element, is_kept: Callable[[str], bool], depth: int = 1) -> Passed:
    """A passed-through element: its text, with its attributes and child elements if it has any.

    `is_kept` decides by name which of these stay; of others only the text stays, and of those below
    `MAX_DEPTH`.
    """
    children: list[Passed] = []
    if len(element) and depth < MAX_DEPTH:
        for child in islice(element, MAX_CHILDREN):
            kind = name(child.tag)
            if is_kept(kind):
                made = passed_through(child, is_kept, depth + 1)
                children.append({"@element": kind} | (made if isinstance(made, dict) else {"text": made}))
    value = (element.text or "").strip() if children else plain(element)
    if not children and not element.keys():
        return value
    found = {_attribute(str(k)): str(v) for k, v in element.attrib.items()}
    found.pop("", None)  # of unknown namespaces
    said = {f"@{key}" if key in _OWN_KEYS else key: text for key, text in found.items()}
    return {"text": value, **said, **({"children": children} if children else {})}


def _attribute(key: str) -> str:
    return name(key) if key[0] == "{" else key
