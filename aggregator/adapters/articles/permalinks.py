"""Makes the address of a post from a pattern such as `/:year/:month/:slug/`, as Hexo, Hugo and Jekyll do.

One word may have two meanings: Hugo's `:title` is made from the title, Hexo's and Jekyll's from the file's
name. If the pattern has words that only one generator knows, it is that one's; else a pattern without a
leading slash is Hexo's, a file with a date at the beginning of its name is Jekyll's, and any other Hugo's.
Compared with Hexo 8, Hugo 0.111 and Jekyll 4.3.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from posixpath import splitext
from typing import Any, Literal
from urllib.parse import quote

__all__ = ["Generator", "Post", "UnknownPart", "filled", "filled_by_name"]

Generator = Literal["hexo", "hugo", "jekyll"]

_STYLES = {
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_DATED_NAME = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})-(?=.)")
_TOKEN = re.compile(r":([a-z][a-z_]*)((?:\[[0-9:last]*\])?)")
_SAFE = "/-._~!$&'()*+,;=:@"
_ROOTS = ("_posts", "_drafts", "content")


class UnknownPart(Exception):
    """A part of a pattern has no value for this post: the message says which part, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """The values for a pattern.

    - `path`: the file's, without the part that the generator ignores; `keys`: its front matter.
    - `written`: the date as its author wrote it, in the author's own zone, None without any; `published`:
      the same as a moment, aware UTC.
    - `categories`: as `Article.categories`.
    """

    path: str
    title: str = ""
    written: datetime | None = None
    published: datetime | None = None
    categories: tuple[str, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """The front matter's `slug`, "" without one."""
        found = self.keys.get("slug")
        return str(found).strip().strip("/") if isinstance(found, str | int) else ""

    @property
    def folders(self) -> tuple[list[str], list[str]]:
        """The folders above `_posts` or Hugo's `content`, and those below; without these all are below."""
        parts = self.path.split("/")[:-1]
        root = next((number for number, part in enumerate(parts) if part in _ROOTS), -1)
        return parts[: max(root, 0)], parts[root + 1 :]

    @property
    def is_bundle(self) -> bool:
        """Whether it is the `index` file of a folder for this post alone (Hugo)."""
        return splitext(self.path.split("/")[-1])[0] == "index" and bool(self.folders[1])

    @property
    def file_stem(self) -> str:
        """The file's name without its extension; for a page bundle the folder's name."""
        return self.folders[1][-1] if self.is_bundle else splitext(self.path.split("/")[-1])[0]

    @property
    def stem(self) -> str:
        """The file's name without extension and date."""
        return _DATED_NAME.sub("", self.file_stem, count=1)

    @property
    def sections(self) -> list[str]:
        """Hugo's sections: the folders below `content`."""
        below = self.folders[1]
        return [_hugo_path(folder) for folder in (below[:-1] if self.is_bundle else below)]


def filled(pattern: str, post: Post, generator: Generator | None = None) -> str:
    """The path of a post, without a leading slash, percent-encoded. Raises UnknownPart.

    `pattern` is a pattern, or the name of one of Jekyll's styles (`pretty`, `date`, `ordinal`, `weekdate`,
    `none`). As in Hexo it may name any key of the front matter. `generator` None: guessed from the pattern.
    """
    of = generator or _generator(pattern, post)
    pattern = _STYLES.get(pattern, pattern)
    path = re.sub(r"/{2,}", "/", _TOKEN.sub(lambda m: _value(m[1], m[2], post, of), pattern)).lstrip("/")
    if not path.strip("/"):
        raise UnknownPart(f"nothing is left of {pattern!r}")
    is_page = of == "hugo" and "." not in pattern.rpartition("/")[2]
    return path.rstrip("/") + "/" if is_page else path


def filled_by_name(pattern: str, path: str, generator: Generator | None = None) -> str:
    """The path of another post of which only the file's path is known. Raises UnknownPart.

    That is enough for patterns of the file's name and of the date at its beginning.
    """
    day = _DATED_NAME.match(path.rpartition("/")[2])
    try:
        written = datetime(int(day[1]), int(day[2]), int(day[3])) if day else None  # noqa: DTZ001 - a day alone
    except ValueError:
        written = None
    post = Post(path=path, written=written)
    of = generator or _generator(pattern, post)
    for word, _ in _TOKEN.findall(_STYLES.get(pattern, pattern)):
        is_of_file = word in _OF_FILE or (word in _DATES and word not in ("hour", "minute", "second"))
        is_of_name = word in ("title", "slug") and of != "hugo"
        is_of_place = word in ("section", "sections") and bool(post.sections)
        if not (is_of_file or is_of_name or is_of_place):
            raise UnknownPart(f":{word} of {path!r} is not known")
    return filled(pattern, post, of)


def _value(word: str, part: str, post: Post, generator: Generator) -> str:
    if word in _DATES:
        if post.written is None:
            raise UnknownPart(f"it has no date for :{word}")
        return _DATES[word](post.written)
    if word in _NAMES:
        made = _NAMES[word](post, generator, part)
        if not made and word in _NEEDED:
            raise UnknownPart(f"nothing is there for :{word}")
        return quote(made, safe=_SAFE)
    found = post.keys.get(word)
    if isinstance(found, bool) or not isinstance(found, str | int | float) or found == "":
        raise UnknownPart(f"it has no {word} for :{word}")
    return quote(str(found), safe=_SAFE) + part


def _generator(pattern: str, post: Post) -> Generator:
    words = {word for word, _ in _TOKEN.findall(pattern)}
    if pattern in _STYLES or words & _OF_JEKYLL:
        return "jekyll"
    if words & _OF_HUGO:
        return "hugo"
    if words & _OF_HEXO or not pattern.startswith("/"):
        return "hexo"
    return "jekyll" if _DATED_NAME.match(post.file_stem) else "hugo"


def _slugified(text: str, generator: Generator) -> str:
    """A text as a part of an address; the generators differ in what they drop and what becomes a hyphen."""
    if generator == "hugo":
        return _hugo_path(text)
    if generator == "hexo":
        plain = "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")
        plain = unicodedata.normalize("NFC", plain)
        return re.sub(r"[\s~`!@#$%^&*()\-_+=\[\]{}|\\;:\"'<>,.?/]+", "-", plain).strip("-").lower()
    return _hyphened(text, "").lower()


def _hugo_path(text: str) -> str:
    kept = "".join(c for c in text if c.isalnum() or c.isspace() or c in "._~@/-" or _is_mark(c))
    return re.sub(r"\s*-\s*|\s+", "-", kept.strip()).lower()


def _hyphened(text: str, kept: str) -> str:
    """As Jekyll does: what is neither letter, mark, digit nor in `kept` becomes a hyphen."""
    made = "".join(c if c.isalpha() or c.isdecimal() or c in kept or _is_mark(c) else " " for c in text)
    return "-".join(made.split())


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October"),
    *("November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_DATES: Mapping[str, Callable[[datetime], str]] = {
    "year": lambda d: f"{d.year:04}",
    "short_year": lambda d: f"{d.year % 100:02}",
    "month": lambda d: f"{d.month:02}",
    "i_month": lambda d: str(d.month),
    "monthname": lambda d: _MONTHS[d.month - 1].lower(),
    "long_month": lambda d: _MONTHS[d.month - 1],
    "short_month": lambda d: _MONTHS[d.month - 1][:3],
    "day": lambda d: f"{d.day:02}",
    "i_day": lambda d: str(d.day),
    "y_day": lambda d: f"{d.timetuple().tm_yday:03}",
    "yearday": lambda d: str(d.timetuple().tm_yday),
    "weekday": lambda d: str(d.isoweekday() % 7),
    "weekdayname": lambda d: _DAYS[d.weekday()].lower(),
    "long_day": lambda d: _DAYS[d.weekday()],
    "short_day": lambda d: _DAYS[d.weekday()][:3],
    "w_day": lambda d: str(d.isoweekday()),
    "week": lambda d: f"{d.isocalendar().week:02}",
    "w_year": lambda d: str(d.isocalendar().year),
    "hour": lambda d: f"{d.hour:02}",
    "minute": lambda d: f"{d.minute:02}",
    "second": lambda d: f"{d.second:02}",
}


def _title(post: Post, generator: Generator, _: str) -> str:
    if generator == "hugo":
        return _hugo_path(post.title)
    if generator == "jekyll":
        return _hyphened(post.slug or post.stem, "._~!$&'()+,;=@")
    # Hexo's covers the folders below `_posts`.
    return post.slug or "/".join([*post.folders[1], post.stem])


def _slug(post: Post, generator: Generator, part: str) -> str:
    if generator == "hexo":
        return _title(post, generator, part)
    of_file = post.stem if generator == "jekyll" else post.title
    return _slugified(post.slug or of_file or post.stem, generator)


def _filename(post: Post, _: Generator, __: str) -> str:
    return _hugo_path(post.file_stem)


def _slug_or_filename(post: Post, generator: Generator, part: str) -> str:
    return _hugo_path(post.slug) or _filename(post, generator, part)


def _sections(post: Post, _: Generator, part: str) -> str:
    """All sections, or a slice such as `[1:]`, `[0]`, `[last]`."""
    every = post.sections
    if not part:
        return "/".join(every)
    start, colon, end = part.strip("[]").partition(":")
    first, last = (_number(each, len(every)) for each in (start, end))
    if colon:
        return "/".join(every[first : last if last is None or end != "last" else last + 1])
    return "/".join(every[first : None if first is None else first + 1])


def _number(text: str, count: int) -> int | None:
    return max(count - 1, 0) if text == "last" else int(text) if text.isdecimal() else None


def _categories(post: Post, *, as_slugs: bool) -> str:
    """As in Jekyll: the folders above `_posts` are categories too."""
    found = dict.fromkeys(name.strip().lower() for name in (*post.folders[0], *post.categories))
    if as_slugs:
        found = dict.fromkeys(_slugified(name, "jekyll") for name in found)
    return "/".join(filter(None, found))


def _category(post: Post, _: Generator, __: str) -> str:
    """As in Hexo: the path of the last category."""
    written = post.keys.get("categories")
    is_nested = isinstance(written, list) and bool(written) and isinstance(written[-1], list)
    path = [str(name) for name in written[-1]] if is_nested else post.categories  # type: ignore[index]
    return "/".join(re.sub(r"\s+", "-", name.strip()) for name in path) or "uncategorized"


def _stamp(post: Post, word: str) -> str:
    if post.published is None:
        raise UnknownPart(f"it has no date for :{word}")
    return str(int(post.published.timestamp()))


def _hash(post: Post, _: Generator, part: str) -> str:
    text = _title(post, "hexo", part) + _stamp(post, "hash")
    return hashlib.sha1(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()[:12]


_NAMES: Mapping[str, Callable[[Post, Generator, str], str]] = {
    "title": _title,
    "post_title": lambda post, *_: _slugified(post.title, "hexo"),
    "name": lambda post, *_: post.stem,
    "slug": _slug,
    "filename": _filename,
    "contentbasename": _filename,
    "slugorfilename": _slug_or_filename,
    "slugorcontentbasename": _slug_or_filename,
    "section": lambda post, *_: "".join(post.sections[:1]),
    "sections": _sections,
    "collection": lambda *_: "posts",
    "path": lambda post, *_: "/".join([*post.folders[1], post.file_stem]),
    "categories": lambda post, *_: _categories(post, as_slugs=False),
    "slugified_categories": lambda post, *_: _categories(post, as_slugs=True),
    "category": _category,
    "hash": _hash,
    "timestamp": lambda post, *_: _stamp(post, "timestamp"),
    "output_ext": lambda *_: ".html",
}

_NEEDED = frozenset(("title", "post_title", "name", "slug", "filename", "contentbasename", "slugorfilename"))
_OF_FILE = frozenset(
    (
        *("name", "filename", "contentbasename", "slugorfilename", "slugorcontentbasename", "collection"),
        *("path", "output_ext"),
    )
)
_OF_HEXO = frozenset(("category", "hash", "name", "post_title", "timestamp"))
_OF_HUGO = frozenset(
    (
        *("contentbasename", "filename", "monthname", "section", "sections", "slugorcontentbasename"),
        *("slugorfilename", "weekday", "weekdayname", "yearday"),
    )
)
_OF_JEKYLL = frozenset(
    (
        *("categories", "collection", "long_day", "long_month", "output_ext", "short_day", "short_month"),
        *("short_year", "slugified_categories", "w_day", "w_year", "week", "y_day"),
    )
)
