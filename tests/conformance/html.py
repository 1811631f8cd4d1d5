"""Is a page what HTML says it must be, and what our pages promise? Knows nothing of the writers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["check_html"]

VOID = {"meta", "link", "img", "path", "input"}
ELEMENTS = {
    *("html", "head", "meta", "link", "title", "body", "header", "nav", "main", "section", "article", "div"),
    *(
        "h1",
        "h2",
        "h3",
        "p",
        "ul",
        "li",
        "dl",
        "dt",
        "dd",
        "a",
        "img",
        "span",
        "bdi",
        "time",
        "strong",
        "small",
    ),
    *("svg", "path", "audio", "video", "form", "label", "input", "button"),
}
ATTRIBUTES = {
    *(
        "lang",
        "dir",
        "id",
        "class",
        "href",
        "rel",
        "type",
        "title",
        "src",
        "alt",
        "width",
        "height",
        "loading",
    ),
    *("decoding", "referrerpolicy", "datetime", "charset", "name", "content", "http-equiv", "property"),
    *(
        "controls",
        "preload",
        "aria-label",
        "aria-hidden",
        "aria-labelledby",
        "tabindex",
        "role",
        "viewbox",
        "d",
    ),
    *("action", "for", "value", "maxlength", "required"),
}
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\dZ)?")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


class _Tokens(HTMLParser):
    """The tags as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.unclosed: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.opened.append(tag)
        names = [name for name, _ in attributes]
        if len(names) != len({*names}):
            self.found.append(f"{tag}: an attribute twice")
        if tag not in VOID:
            self.unclosed.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.unclosed or self.unclosed.pop() != tag:
            self.found.append(f"</{tag}> closes nothing")


def check_html(body: bytes) -> list[str]:
    """One line for each violation; none means conformant."""
    text = body.decode()
    found = [] if text.startswith("<!doctype html>\n") else ["no doctype"]
    if _UNSEEN.search(text):
        found.append("invisible characters")
    tokens = _Tokens()
    tokens.feed(text)
    tokens.close()
    found += tokens.found + [f"<{tag}> is not closed" for tag in tokens.unclosed]
    tree = LexborHTMLParser(text)
    nodes = [node for node in tree.root.traverse() if node.is_element_node] if tree.root else []
    if [node.tag for node in nodes] != tokens.opened:
        found.append("a parser finds other elements than are written")
    for check in (_elements, _addresses, _outline, _head, _pictures, _forms):
        found += check(nodes)
    return found


def _elements(nodes: list[LexborNode]) -> Iterator[str]:
    for node in nodes:
        if node.tag not in ELEMENTS:
            yield f"<{node.tag}>"
        for name, value in node.attributes.items():
            if name.lower() not in ATTRIBUTES:
                yield f"<{node.tag} {name}>"
            if name == "lang" and not re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", value or ""):
                yield f"lang={value}"
            if name == "datetime" and not _MOMENT.fullmatch(value or ""):
                yield f"datetime={value}"
    ids = [node.attributes["id"] for node in nodes if "id" in node.attributes]
    if len(ids) != len({*ids}):
        yield "an id twice"
    wanted = {node.attributes["aria-labelledby"] for node in nodes if "aria-labelledby" in node.attributes}
    wanted |= {
        (href or "")[1:] for node in nodes if (href := node.attributes.get("href", "")) and href[0] == "#"
    }
    if wanted - {*ids}:
        yield f"no such id: {wanted - {*ids}}"


def _addresses(nodes: list[LexborNode]) -> Iterator[str]:
    for node in nodes:
        for name in ("href", "src"):
            url = node.attributes.get(name)
            if url is None or (node.tag == "link" and url.startswith("data:image/svg+xml,")):
                continue
            if not url.isascii() or not url or url.startswith("/"):
                yield f"{name}={url}"
            if _SCHEME.match(url) and not url.lower().startswith(
                ("http:", "https:")
                if name == "src"
                else ("http:", "https:", "ftp:", "magnet:", "gemini:", "gopher:", "urn:")
            ):
                yield f"{name}={url}"


def _outline(nodes: list[LexborNode]) -> Iterator[str]:
    tags = [node.tag for node in nodes]
    for name in ("h1", "main", "header"):
        if tags.count(name) != 1:
            yield f"{tags.count(name)} <{name}>"
    levels = [int(tag[1]) for tag in tags if tag and re.fullmatch("h[1-6]", tag)]
    if levels[:1] != [1] or any(after > before + 1 for before, after in pairwise(levels)):
        yield f"headings out of order: {levels}"
    for node in nodes:
        if node.tag in {"a", "h1", "h2", "h3", "title"} and not node.text(deep=True).strip():
            yield f"<{node.tag}> says nothing"
    body = next(node for node in nodes if node.tag == "body")
    skip = next((node for node in body.iter() if node.tag), None)
    if skip is None or skip.tag != "a" or not (skip.attributes.get("href") or "").startswith("#"):
        yield "no skip link"


def _head(nodes: list[LexborNode]) -> Iterator[str]:
    metas = {
        node.attributes.get("name") or node.attributes.get("http-equiv"): node.attributes.get("content") or ""
        for node in nodes
        if node.tag == "meta"
    }
    if nodes[0].attributes.get("lang") != "en":
        yield "no language"
    if "width=device-width" not in metas.get("viewport", ""):
        yield "no viewport"
    if metas.get("referrer") != "no-referrer" or not metas.get("generator", "").startswith("Aggregator"):
        yield "no referrer policy or generator"
    policy = metas.get("Content-Security-Policy", "")
    if "default-src 'none'" not in policy or "script-src" in policy or "unsafe" in policy:
        yield f"policy: {policy}"


def _forms(nodes: list[LexborNode]) -> Iterator[str]:
    """A form leads to this site alone, has a name for each field, and the page's policy lets it be sent."""
    labels = {node.attributes.get("for") for node in nodes if node.tag == "label"}
    policies = [n.attributes.get("content") or "" for n in nodes if "http-equiv" in n.attributes]
    for node in nodes:
        action = node.attributes.get("action") or ""
        if node.tag == "form" and (not action or ":" in action or "//" in action):
            yield f"action={action}"
        if node.tag == "form" and not any("form-action 'self'" in policy for policy in policies):
            yield "a form that may not be sent"
        if node.tag == "input" and node.attributes.get("id") not in labels:
            yield "an input without a label"


def _pictures(nodes: list[LexborNode]) -> Iterator[str]:
    for node in nodes:
        if node.tag == "img":
            message = node.attributes
            if message.get("alt") != "" or message.get("referrerpolicy") != "no-referrer":
                yield "a picture that tells where its reader is, or has no alt"
            if not (message.get("width") and message.get("height")):
                yield "a picture without a size"
            if message.get("loading") != "lazy" and message.get("class") != "logo":
                yield "a picture that is not lazy"
        if node.tag == "svg" and not (node.attributes.get("role") == "img" and node.css_first("title")):
            yield "a chart without words"
