"""Changes to an article when it is rendered; the stored article does not change. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape

from aggregator.model.article import Article
from aggregator.model.struct import replace
from aggregator.normalise.links import resolve
from aggregator.normalise.text import cut, tidy
from aggregator.normalise.tracking import without_tracking
from aggregator.normalise.user_regexes import Match, Pattern, compiled
from aggregator.rules.body_rewrites import BodyChanges, checked_selectors

__all__ = ["KEYS", "Rewrite", "apply_rewrites", "parse"]

MAX_REPLACEMENTS = 50
MAX_CHARACTERS = 1_000
MAX_PROGRAM = 2_000
MAX_REGEX_BYTES = 1 << 20

KEYS = ("title", "link", "author", "remove", "unwrap", "keep-only", "tracking", "image")
_GROUP = re.compile(r"\\([0-9\\])")
_LINK_IN_BODY = re.compile(r"(<a [^<>]*?\bhref=\")([^\"]*[?#][^\"]*)(?=\")")


@dataclass(frozen=True, slots=True)
class Replacement:
    """Replaces what `pattern` matches by `text`, in which `\\1` is the first group."""

    pattern: Pattern
    text: str

    def applied(self, value: str) -> str:
        """The value with every match replaced; of empty matches only the first: `.*` also matches nothing at
        the end.
        """
        count = 0

        def replaced(match: Match) -> str:
            nonlocal count
            count += 1
            if count > 1 and not match.group(0):
                return ""

            def part(found: re.Match[str]) -> str:
                return "\\" if found[1] == "\\" else match.group(int(found[1])) or ""

            return _GROUP.sub(part, self.text)

        return self.pattern.sub(replaced, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """One `rewrite` of a rule.

    `tracking`: further parameters to remove from links, None to keep all. `image`: the address of another
    lead image, "" for none, None to keep it.
    """

    title: tuple[Replacement, ...] = ()
    link: tuple[Replacement, ...] = ()
    author: tuple[Replacement, ...] = ()
    body: BodyChanges = field(default=BodyChanges())
    tracking: tuple[str, ...] | None = ()
    image: str | None = None


def apply_rewrites(article: Article, rewrites: Iterable[Rewrite]) -> Article:
    """The article after these rewrites, in their order; the same object if nothing changes.

    Its bodies stay sanitised. A link that would be invalid, and a body that would be empty, do not change.
    """
    for each in rewrites:
        article = _rewritten(article, each)
    return article


def _rewritten(article: Article, rewrite: Rewrite) -> Article:
    changed: dict[str, object] = {}
    if rewrite.title:
        changed["title"] = _text(article.title, rewrite.title)
    if rewrite.author:
        authors = (_text(name, rewrite.author) for name in article.authors)
        changed["authors"] = tuple(dict.fromkeys(name for name in authors if name))
    if article.link:
        link = article.link
        if rewrite.link:
            link = resolve(_replaced(link, rewrite.link)) or link
        changed["link"] = link if rewrite.tracking is None else without_tracking(link, rewrite.tracking)
    for name in ("content", "summary"):
        html = getattr(article, name)
        body = rewrite.body.applied(html, article.link or "") if html else html
        changed[name] = body if rewrite.tracking is None else _untracked(body, rewrite.tracking)
    if rewrite.image is not None:
        changed["headimg"] = rewrite.image or None
    changed = {name: value for name, value in changed.items() if value != getattr(article, name)}
    return replace(article, **changed) if changed else article  # type: ignore[arg-type]


def _replaced(value: str, replacements: Iterable[Replacement]) -> str:
    for each in replacements:
        value = each.applied(value)[: 10 * MAX_CHARACTERS]
    return value


def _text(value: str, replacements: Iterable[Replacement]) -> str:
    return cut(tidy(_replaced(value, replacements)), MAX_CHARACTERS)


def _untracked(html: str, also: tuple[str, ...]) -> str:
    """Removes tracking parameters from links in sanitised HTML; everything else stays unchanged."""
    if "?" not in html and "#" not in html:
        return html

    def without(found: re.Match[str]) -> str:
        link = unescape(found[2])
        kept = without_tracking(link, also)
        return f"{found[1]}{escape(kept)}" if kept != link else found[0]

    return _LINK_IN_BODY.sub(without, html)


def parse(value: object) -> Rewrite:
    """Parses a `rewrite` of the config. Raises ValueError that says what would be right."""
    if not isinstance(value, Mapping):
        raise ValueError('write a table, such as { remove = ["aside"] }; {} strips tracking from links')  # noqa: TRY004
    for key in value:
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"{key!r} is not a known key; {meant}there are {', '.join(KEYS)}")

    def read(key: str, reader: Callable[[object], Sequence[object]]) -> tuple[object, ...]:
        try:
            return tuple(reader(value[key])) if key in value else ()
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error

    return Rewrite(
        title=read("title", _replacements),  # type: ignore[arg-type]
        link=read("link", _replacements),  # type: ignore[arg-type]
        author=read("author", _replacements),  # type: ignore[arg-type]
        body=BodyChanges(
            remove=read("remove", checked_selectors),  # type: ignore[arg-type]
            unwrap=read("unwrap", checked_selectors),  # type: ignore[arg-type]
            keep_only=read("keep-only", checked_selectors),  # type: ignore[arg-type]
        ),
        tracking=_tracking(value.get("tracking", True)),
        image=_image(value["image"]) if "image" in value else None,
    )


def _replacements(value: object) -> list[Replacement]:
    listed = value if isinstance(value, list | tuple) else [value]
    if len(listed) > MAX_REPLACEMENTS:
        raise ValueError(f"more than {MAX_REPLACEMENTS} patterns")
    return [_replacement(each) for each in listed]


def _replacement(value: object) -> Replacement:
    keys = set(value) if isinstance(value, Mapping) else set()
    pattern = value.get("pattern") if isinstance(value, Mapping) else None
    text = value.get("with", "") if isinstance(value, Mapping) else None
    if (
        not keys <= {"pattern", "with"}
        or not isinstance(pattern, str)
        or not isinstance(text, str)
        or not pattern
    ):
        raise ValueError("write a table such as { pattern = '^Ad: ', with = '' }")
    if max(len(pattern), len(text)) > MAX_CHARACTERS:
        raise ValueError(f"pattern and with have {MAX_CHARACTERS:,} characters at most")
    found = compiled(pattern, is_case_sensitive=False, max_bytes=MAX_REGEX_BYTES, max_program=MAX_PROGRAM)
    for group in _GROUP.findall(text):
        if group != "\\" and int(group) > found.groups:
            raise ValueError(f"with names group \\{group}, but the pattern has {found.groups}")
    return Replacement(found, text)


def _tracking(value: object) -> tuple[str, ...] | None:
    if value is True:
        return ()
    if value is False:
        return None
    if isinstance(value, list | tuple) and all(isinstance(each, str) and each.strip("*") for each in value):
        return tuple(value)
    raise ValueError('tracking: write false, or a list of further parameters, such as ["campaign", "x_*"]')


def _image(value: object) -> str:
    if value is False:
        return ""
    if isinstance(value, str) and (address := resolve(value)):
        return address
    raise ValueError('image: write false, or the address of a picture, such as "https://example.org/a.png"')
