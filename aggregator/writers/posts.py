"""An article -> its file in the folder of a Hexo, Hugo or Jekyll site: where, and which bytes. Pure.

These generators run what looks like a template in a body: Nunjucks (Hexo), Liquid (Jekyll), shortcodes
(Hugo). All of theirs begin with `{`, so no stranger's body leaves with one: `&#123;` is the same in HTML.
Front matter is data to them; what they render of it as HTML, the summary, is treated like the body.
"""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256
from unicodedata import category as kind
from unicodedata import normalize

from aggregator.config.load import Posts
from aggregator.front_matter import files as front_matter
from aggregator.model.article import Article
from aggregator.normalise.folders import folder_name
from aggregator.writers.channel import Item

__all__ = ["path", "render"]

MAX_SLUG_BYTES = 80
MAX_SEGMENT_BYTES = 200
MAX_CATEGORIES = 5

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# What else Hexo finds in a body before it is HTML: its own placeholders (`<!--swig\ufffc0-->`, which end the
# whole build where they name nothing), and fences of code.
_RUN = re.compile("[{\ufffc]|`{3,}|~{3,}")
# What begins a link in Markdown, should a generator take any of a body or a summary for that.
_BRACKET = re.compile(r"\[")
# Generators differ in what ends a line and in what a blank one may hold.
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)(?=[ \t\v\f\r]*[\r\n])")
_DIV = re.compile(r"<(/?)div(?=[\s>])[^<>]*>", re.IGNORECASE)
_SLASH = re.compile(r"[/\\]")
_MARKDOWN = (".md", ".markdown")


def path(item: Item, posts: Posts, attempt: int = 0) -> str:
    """The place of an article's file in the folder, with `/`; each segment as safe as `folder_name` has it.

    It depends on nothing but the article. `attempt` 0 is the place that is wanted; the others stand in when
    that is taken, made unique by a hash of the article's id. No segment is longer than 200 bytes.
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
    # A name that is taken, or that means something to a system.
    if attempt or folder_name(stem) != stem:
        stem = f"{_cut(stem, MAX_SEGMENT_BYTES - 20)}-{mark}"
    return "/".join([*filter(None, segments), f"{_cut(stem, MAX_SEGMENT_BYTES - 10)}{dot}{suffix}"])


def render(item: Item, posts: Posts, place: str) -> bytes:
    """The file's bytes; `place` is its path, whose suffix says whether the body is Markdown to the generator.

    `front_matter.loads` gives the article back with every field equal, but that content and summary have
    the references above for their characters, which is the same HTML, and that for Hugo no
    tag or category is a path that leads elsewhere. In Markdown the body is one
    block of HTML: in a `<div>`, without blank lines, and nothing in it begins a link of Markdown.
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
    """Names that Hugo makes no paths of which lead elsewhere: `../about` would write another page.

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
    """A name from outside as a folder; generators pass over what begins with `_`, `#` or `~`."""
    return folder_name(folder_name(name).lstrip("_-.") or "category")


def _slug(title: str, mark: str) -> str:
    """The title in lower case: letters, marks and digits of every script, parted by `-`; `mark` for none.

    Where addresses are made of it, a stranger's `index` must not become the page of a folder.
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
