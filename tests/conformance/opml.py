"""OPML 2.0 for `conformance`: its specification, and what it says of subscription lists."""

from __future__ import annotations

from collections.abc import Iterator

from tests.conformance.values import (
    LANGUAGE,
    MAYBE,
    ONE,
    Node,
    Refused,
    address,
    attributes,
    cardinality,
    elements,
    parse,
    repeats,
    rfc822,
    rfc822_text,
    text_of,
)

_HEAD = {
    **dict.fromkeys("title dateCreated dateModified ownerName ownerEmail ownerId docs".split(), MAYBE),  # noqa: SIM905
    **dict.fromkeys(("expansionState", "vertScrollState"), MAYBE),
    **dict.fromkeys(("windowTop", "windowLeft", "windowBottom", "windowRight"), MAYBE),
}
_OUTLINE = (
    "type isComment isBreakpoint created category xmlUrl htmlUrl description language title version url"
)
_VERSIONS = {"RSS", "RSS1", "scriptingNews"}


def check_opml(body: bytes) -> list[str]:
    """The violations of OPML 2.0; a feed's address (xmlUrl) stands at most once under one outline."""
    try:
        root = parse(body)
    except Refused as refused:
        return [str(refused)]
    if root.tag != "opml" or root.get("version") != "2.0":
        return ["document: the root is not <opml version='2.0'>"]
    found = list(cardinality(root, "document", {"head": ONE, "body": ONE}, ""))
    found += attributes(root, "document", "version")
    for head in root.findall("head"):
        found += _head(head)
    for top in root.findall("body"):
        found += attributes(top, "body", "")
        if top.find("outline") is None:
            found.append("body: no <outline>")
        for parent in top.iter("body", "outline"):
            found += cardinality(parent, "body", {"outline": (0, None)}, "")
            found += repeats([url for node in parent.findall("outline") if (url := node.get("xmlUrl"))])
        for outline in top.iter("outline"):
            found += _outline(outline, f"outline {outline.get('text')!r}")
    return found


def _head(head: Node) -> Iterator[str]:
    yield from cardinality(head, "head", _HEAD, "")
    for child in elements(head):
        if len(child):
            yield f"head: <{child.tag}> has child elements"
    for name in ("dateCreated", "dateModified"):
        yield from rfc822(head.find(name), "head")
    for name in ("ownerId", "docs"):
        if head.find(name) is not None:
            yield from address(head.findtext(name), "head", f"<{name}>")
    if head.find("title") is not None and not text_of(head.find("title")):
        yield "head: <title> is empty"


def _outline(outline: Node, where: str) -> Iterator[str]:
    yield from attributes(outline, where, _OUTLINE, "text")
    kind = outline.get("type", "")
    if not outline.get("text", "x").strip():
        yield f"{where}: text is empty"
    if outline.text is not None and outline.text.strip():
        yield f"{where}: text beside its attributes"
    if kind == "rss":
        yield from address(outline.get("xmlUrl"), where, "xmlUrl", schemes="http https")
    elif "xmlUrl" in outline.attrib:
        yield f"{where}: xmlUrl, and type is {kind!r}, not 'rss'"
    if kind in {"link", "include"}:
        yield from address(outline.get("url"), where, "url")
    if "htmlUrl" in outline.attrib:
        yield from address(outline.get("htmlUrl"), where, "htmlUrl")
    if "created" in outline.attrib:
        yield from rfc822_text(outline.get("created", ""), f"{where}: created")
    if outline.get("version", "RSS") not in _VERSIONS:
        yield f"{where}: version {outline.get('version')!r}"
    if not LANGUAGE.fullmatch(outline.get("language", "en")):
        yield f"{where}: language {outline.get('language')!r} is no language tag"
    for name in ("isComment", "isBreakpoint"):
        if outline.get(name, "true") not in {"true", "false"}:
            yield f"{where}: {name} {outline.get(name)!r}"
    for category in outline.get("category", "x").split(","):
        if not category.strip(" /"):
            yield f"{where}: category {outline.get('category')!r}"
