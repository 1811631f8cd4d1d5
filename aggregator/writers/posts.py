"""An article -> its file in the folder of a Hexo, Hugo or Jekyll site: where, and which bytes. Pure.

These generators execute templates in a body: Nunjucks (Hexo), Liquid (Jekyll), shortcodes (Hugo). All begin
with `{`, so each `{` of a body is written as `&#123;`, which is the same in HTML. Front matter is only data
to them; the summary, which they render as HTML, is treated like the body.
"""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from unicodedata import category as kind
from unicodedata import normalize

from aggregator.config.load import Posts
from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article
from aggregator.normalise.folders import folder_name
from aggregator.writers.channel import Item

__all__ = ["path", "render"]

MAX_SLUG_BYTES = 80
MAX_SEGMENT_BYTES = 200
MAX_CATEGORIES = 5

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Hexo also looks for its own placeholders in a body (`<!--swig\ufffc0-->`, where an unknown one ends the
# whole build), and for fences of code.
_RUN = re.compile("[{\ufffc]|`{3,}|~{3,}")
# What begins a link in Markdown, in case a generator reads a body or summary as Markdown.
_BRACKET = re.compile(r"\[")
# Generators differ in what ends a line and in what a blank one may hold.
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)(?=[ \t\v\f\r]*[\r\n])")
_DIV = re.compile(r"<(/?)div(?=[\s>])[^<>]*>", re.IGNORECASE)
_SLASH = re.compile(r"[/\\]")
_MARKDOWN = (".md", ".markdown")


def path(item: Item, posts: Posts, attempt: int = 0) -> str:
    """The path of an article's file in the folder, with `/`; each segment is as safe as `folder_name` makes
    it.

    It depends on the article alone. `attempt` 0 is the preferred path; the others are used when that is
    taken, and are made unique by a hash of the article's id. No segment is longer than 200 bytes.
    """
    article, day = item.article, item.published
    categories = [_segment(name) for name in article.categories[:MAX_CATEGORIES]]
    exact = item.id if attempt < 2 else f"{item.id}\0{attempt}"
    mark = sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    values = {
        "category": categories[0] if categories else "",
        "source": _segment(article.source),
        "date": f"{day.year:04}-{day.month:02}-{day.day:02}",
        "year": f"{day.year:04}",
        "month": f"{day.month:02}",
        "day": f"{day.day:02}",
        "slug": _slug(article.title, mark),
        "hash": mark,
    }
    segments: list[str] = []
    *folders, name = posts.path.split("/")
    for folder in folders:
        filled = [*categories] if folder == "{categories}" else [_filled(folder, values)]
        segments += [_cut(segment, MAX_SEGMENT_BYTES) for segment in filled]
    stem, dot, suffix = name.rpartition(".")
    stem = _filled(stem, values)
    # A name that is taken, or reserved by an operating system.
    if attempt or folder_name(stem) != stem:
        stem = f"{_cut(stem, MAX_SEGMENT_BYTES - 20)}-{mark}"
    return "/".join([*filter(None, segments), f"{_cut(stem, MAX_SEGMENT_BYTES - 10)}{dot}{suffix}"])


def render(item: Item, posts: Posts, place: str) -> bytes:
    """The file's bytes; `place` is its path, whose suffix tells the generator whether the body is Markdown.

    `front_matter.loads` gives back an equal article, except that content and summary have character
    references (the same HTML), and that for Hugo no tag or category is a path that leads elsewhere. In
    Markdown the body is one block of HTML: in a `<div>`, without blank lines, and nothing in it begins a
    Markdown link.
    """
    content = _inert(item.article.content)
    if place.lower().endswith(_MARKDOWN) and content:
        content = content if _is_one_div(content) else f"<div>\n{content}\n</div>"
        content = _BRACKET.sub("&#91;", _BLANK_LINE.sub("&#10;", content))
    article = _outward(item, content, posts)
    # Jekyll wants the fence on the first line.
    return front_matter.dumps(article, posts.generator).removeprefix("\n").encode("utf-8", "replace")


def _outward(item: Item, content: str, posts: Posts) -> Article:
    article = item.article
    if posts.generator == "hugo":
        article = replace(article, categories=_tame(article.categories), tags=_tame(article.tags))
    return replace(
        article,
        content=content,
        summary=_BRACKET.sub("&#91;", _inert(article.summary)),
        published=item.published,
        updated=item.updated,
    )


def _is_one_div(html: str) -> bool:
    """Whether one `<div>` holds it all: to kramdown, what follows an element's end is Markdown again."""
    depth = 0
    for tag in _DIV.finditer(html) if html.startswith("<div") else ():
        depth += -1 if tag[1] else 1
        if depth == 0:
            return not html[tag.end() :].strip()
    return False


def _tame(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names without paths that would lead Hugo elsewhere: `../about` would write another page.

    A name that is nothing but dots and slashes ends its build ("missing taxonomy", Hugo 0.111).
    """
    made = [name if _leads_down(name) else "-".join(_steps(name)) for name in names]
    return tuple(dict.fromkeys(filter(None, made)))


def _leads_down(name: str) -> bool:
    return len(_steps(name)) == len(_SLASH.split(name))


def _steps(name: str) -> list[str]:
    return [step for step in _SLASH.split(name) if step.strip(" .")]


def _inert(html: str) -> str:
    return _RUN.sub(lambda found: f"&#{ord(found[0][0])};" * len(found[0]), html)


def _filled(segment: str, values: dict[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda found: values[found[1]], segment).strip("-.")


def _segment(name: str) -> str:
    """A name from outside as a folder name; generators skip what begins with `_`, `#` or `~`."""
    return folder_name(folder_name(name).lstrip("_-.") or "category")


def _slug(title: str, mark: str) -> str:
    """The title in lower case: letters, marks and digits of every script, joined by `-`; else `mark`.

    Addresses are made of it, so a title `index` must not become the page of a folder.
    """
    folded = normalize("NFC", normalize("NFKC", title[:500]).lower())
    kept = "".join(c if kind(c)[0] in "LN" or (kind(c)[0] == "M") else "-" for c in folded)
    words = (word.lstrip("".join({c for c in word if kind(c)[0] == "M"})) for word in kept.split("-"))
    slug = _cut("-".join(filter(None, words)), MAX_SLUG_BYTES)
    return slug if slug and folder_name(slug) == slug else f"{slug}-{mark}".lstrip("-")


def _cut(text: str, max_bytes: int) -> str:
    """The beginning of a text, not ending inside a character or between a letter and its marks."""
    head = text.encode("utf-8", "ignore")[:max_bytes].decode(errors="ignore")
    rest = text[len(head) :]
    while head and rest and kind(rest[0])[0] == "M":
        head, rest = head[:-1], head[-1]
    return head.strip("-.")
