"""The file of an article in a Hexo, Hugo or Jekyll site: its path and bytes. Pure.

These generators execute templates in a body: Nunjucks (Hexo), Liquid (Jekyll), shortcodes (Hugo). All of them
begin with `{`, so each `{` of a body is written as `&#123;`, which is the same in HTML. In front matter they
execute nothing, except that they render the summary as HTML: it is treated like the body.
"""

from __future__ import annotations

import re
from hashlib import sha256
from unicodedata import category as kind
from unicodedata import normalize

from aggregator.config.load import Posts
from aggregator.front_matter import text as front_matter
from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.normalise.folder_names import folder_name
from aggregator.writers.channel import Item

__all__ = ["path", "render"]

MAX_SLUG_BYTES = 80
MAX_SEGMENT_BYTES = 200
MAX_CATEGORIES = 5

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# Hexo also replaces its own placeholders in a body (`<!--swig\ufffc0-->`; an unknown one ends the
# whole build), and fences of code.
_RUN = re.compile("[{\ufffc]|`{3,}|~{3,}")
# Begins a link in Markdown; a generator may read a body or summary as Markdown.
_BRACKET = re.compile(r"\[")
# Generators differ in what ends a line, and in which characters a blank line may have.
_BLANK_LINE = re.compile(r"(?:\r\n|\n|\r)(?=[ \t\v\f\r]*[\r\n])")
_DIV = re.compile(r"<(/?)div(?=[\s>])[^<>]*>", re.IGNORECASE)
_SLASH = re.compile(r"[/\\]")
_MARKDOWN = (".md", ".markdown")


def path(item: Item, posts: Posts, attempt: int = 0) -> str:
    """Returns the path of an article's file in the folder, with `/`; each segment is safe, by `folder_name`.

    It depends only on the article. `attempt` 0 gives the preferred path; higher ones are for when that is in
    use, and are made unique by a hash of the article's id. No segment is longer than 200 bytes.
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
    # A name that is in use, or reserved by an operating system.
    if attempt or folder_name(stem) != stem:
        stem = f"{_cut(stem, MAX_SEGMENT_BYTES - 20)}-{mark}"
    return "/".join([*filter(None, segments), f"{_cut(stem, MAX_SEGMENT_BYTES - 10)}{dot}{suffix}"])


def render(item: Item, posts: Posts, place: str) -> bytes:
    """Returns the file's bytes; `place`: its path, by whose suffix the generator decides whether the body is
    Markdown.

    `front_matter.loads` returns an equal article, except that content and summary have character references
    (the same HTML), and that for Hugo no tag or category is a path that leads elsewhere. In Markdown, the
    body is one block of HTML: a `<div>` without blank lines, in which nothing begins a Markdown link.
    """
    content = _inert(item.article.content)
    if place.lower().endswith(_MARKDOWN) and content:
        content = content if _is_one_div(content) else f"<div>\n{content}\n</div>"
        content = _BRACKET.sub("&#91;", _BLANK_LINE.sub("&#10;", content))
    article = _outward(item, content, posts)
    # Jekyll requires the fence on the first line.
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
    """Returns whether one `<div>` contains everything: kramdown reads what follows its end as Markdown."""
    depth = 0
    for tag in _DIV.finditer(html) if html.startswith("<div") else ():
        depth += -1 if tag[1] else 1
        if depth == 0:
            return not html[tag.end() :].strip()
    return False


def _tame(names: tuple[str, ...]) -> tuple[str, ...]:
    """Returns names without paths that would lead Hugo elsewhere: `../about` would write another page.

    A name of only dots and slashes stops Hugo's build ("missing taxonomy", Hugo 0.111).
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
    """Returns a name from outside as a folder name; generators skip names that begin with `_`, `#` or `~`."""
    return folder_name(folder_name(name).lstrip("_-.") or "category")


def _slug(title: str, mark: str) -> str:
    """Returns the title in lower case, with letters, marks and digits of every script joined by `-`; without
    any, `mark`.

    Generators make addresses from it, so a title `index` must not become the page of a folder.
    """
    folded = normalize("NFC", normalize("NFKC", title[:500]).lower())
    kept = "".join(c if kind(c)[0] in "LN" or (kind(c)[0] == "M") else "-" for c in folded)
    words = (word.lstrip("".join({c for c in word if kind(c)[0] == "M"})) for word in kept.split("-"))
    slug = _cut("-".join(filter(None, words)), MAX_SLUG_BYTES)
    return slug if slug and folder_name(slug) == slug else f"{slug}-{mark}".lstrip("-")


def _cut(text: str, max_bytes: int) -> str:
    """Returns the beginning of a text, cut neither inside a character nor between a letter and its marks."""
    head = text.encode("utf-8", "ignore")[:max_bytes].decode(errors="ignore")
    rest = text[len(head) :]
    while head and rest and kind(rest[0])[0] == "M":
        head, rest = head[:-1], head[-1]
    return head.strip("-.")
