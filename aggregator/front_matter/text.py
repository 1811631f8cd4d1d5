"""Article <-> the text of a file: front matter, a blank line, the body byte for byte.

The only user of python-frontmatter. Our handlers read YAML (limited and repaired), TOML, JSON and Pelican's
lines, and write one form, that of Hexo posts. The library's own `loads` and `parse` are not used: they strip
the body, and drop text between two `---` lines that is not YAML.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, ClassVar

import frontmatter
from frontmatter.default_handlers import BaseHandler

from aggregator.errors import FrontMatterError
from aggregator.front_matter import generators, yaml_text
from aggregator.front_matter import own_keys as keys
from aggregator.front_matter.generator_keys import Flavour
from aggregator.model.article import Article, Problem

__all__ = ["ParsedFile", "dumps", "loads", "parse", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """A file as it was read: its article, and what was repaired, missing or odd in it.

    `keys` are those of its front matter, with the types that YAML, TOML or JSON give them. `is_ours`: that
    `dumps` wrote it, so that its body is HTML and nothing in it is in a generator's dialect.
    """

    article: Article
    problems: tuple[Problem, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)
    is_ours: bool = False


def dumps(article: Article, flavour: Flavour = "") -> str:
    """The article as a file: `loads(dumps(a)) == a` for every valid article, its body byte for byte.

    Keys come in the order title, categories, headimg, author, comments, date, thumbnail, then link,
    guid, source, updated, authors, tags, enclosures, summary, origin, then the extra keys. A `flavour` adds
    the keys of its generator, and moves keys that would control that generator under `extra`. Dates are
    RFC 1123 text where that is exact, else ISO 8601. Strict loaders of YAML 1.1 and 1.2 agree on it.
    Raises WriteError for an extra value that is not JSON-like and for a date without a zone.
    """
    post = frontmatter.Post(article.content, _WRITTEN)
    # Set, not passed: the library's constructor fails on keys such as `content` and `handler`.
    post.metadata = keys.metadata(article, flavour)
    return frontmatter.dumps(post)


def loads(text: str | bytes, *, url: str = "") -> Article:
    """The article that a file holds: `parse` without its problems. Raises FrontMatterError."""
    return parse(text, url=url)[0]


def parse(text: str | bytes, *, url: str = "") -> tuple[Article, tuple[Problem, ...]]:
    """The article that a file of any generator holds, and its problems: `read` without the rest."""
    file = read(text, url=url)
    return file.article, file.problems


def read(text: str | bytes, *, url: str = "") -> ParsedFile:
    """The article that a file of any generator holds.

    Bytes are UTF-8 or, by their byte order mark, UTF-16. A file without front matter is all body.
    `url` is the file's path or address: it is in errors, and a missing title, date (Jekyll's file names)
    or id is taken from it. Title, summary and body are as written: neither rendered from Markdown nor
    sanitised. Raises FrontMatterError, with line and reason, for a file that even a person could not read.
    """
    problems: list[Problem] = []
    try:
        whole = _decoded(text) if isinstance(text, bytes) else text.removeprefix("\ufeff")
        handler = next((handler for handler in _HANDLERS if handler.detect(whole)), None)
        meta: dict[str, Any] = {}
        body = whole
        if handler is not None:
            block, body = handler.split(whole)
            meta = handler.load(block, first_line=handler.first_line(whole), problems=problems)
    except FrontMatterError as error:
        error.url = url
        raise
    is_ours = keys.is_ours(meta)
    if is_ours:
        article = keys.article(meta, body, problems)
    else:
        article = generators.article(meta, body, url=url, problems=problems)
    return ParsedFile(article=article, problems=tuple(problems), keys=yaml_text.typed(meta), is_ours=is_ours)


def _decoded(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FrontMatterError(f"not {encoding.removesuffix('-sig')}: save it as UTF-8", line=line) from error


def _body(text: str, at: int) -> str:
    """The body: all that follows, without the one blank line that closes the front matter."""
    for end in ("\r\n", "\n", "\r"):
        if text.startswith(end, at):
            return text[at + len(end) :]
    return text[at:]


_EOL = r"(?:\r\n|\n|\r)"
# Nothing is tried again: a file of nothing but spaces must not cost the square of its length.
_BLANKS = rf"(?>(?:[ \t]*+{_EOL})*)"
_REST = rf"[ \t]*+(?:{_EOL}|\Z)"
# Many texts begin with `Note: …`: without a fence, it is metadata only beside a title or a date.
_NAMED = re.compile(r"^(?:title|date):", re.IGNORECASE | re.MULTILINE)


class _Handler(BaseHandler):
    """A form of front matter: detect, split, load. Group 1 of the boundary is the fence."""

    closing: ClassVar[str] = "{fence}"

    def first_line(self, text: str) -> int:
        """The line of the file on which the block begins."""
        opening = self._opening(text)
        return len(re.findall(_EOL, text[: opening.end()])) + 1

    def _opening(self, text: str) -> re.Match[str]:
        assert self.FM_BOUNDARY is not None
        opening = self.FM_BOUNDARY.match(text)
        assert opening is not None, "split is for texts that were detected"
        return opening

    def split(self, text: str) -> tuple[str, str]:
        opening = self._opening(text)
        fence = self.closing.format(fence=re.escape(opening[1]))
        # From the opening's own line end, so that an empty block is closed too.
        closing = re.compile(rf"[\r\n]{fence}{_REST}").search(text, max(opening.end() - 1, 0))
        if closing is None:
            line = max(self.first_line(text) - 1, 1)
            raise FrontMatterError(f"front matter opens with {opening[1]} and is never closed", line=line)
        return text[opening.end() : closing.start() + 1], _body(text, closing.end())

    def load(self, fm: str, **_: Any) -> dict[str, Any]:
        raise NotImplementedError


class _Yaml(_Handler):
    """`---` … `---` or `...`; the form that is written."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(-{{3,80}}+)[ \t]*+(?:[Yy][Aa]?[Mm][Ll])?{_REST}")
    START_DELIMITER = END_DELIMITER = "---"
    closing = r"(?:{fence}|\.\.\.)"

    def load(
        self, fm: str, *, first_line: int = 1, problems: list[Problem] | None = None, **_: Any
    ) -> dict[str, Any]:
        meta, found = yaml_text.read(fm, first_line=first_line)
        if problems is not None:
            problems += found
        return meta

    def export(self, metadata: dict[str, object], **_: object) -> str:
        """One key a line, lists as ` - item` lines, everything nested on one line."""
        lines: list[str] = []
        for key, value in metadata.items():
            name = yaml_text.write_key(key)
            if isinstance(value, keys.Date) or (key in ("author", "source") and isinstance(value, str)):
                lines.append(f"{name} {value if isinstance(value, keys.Date) else yaml_text.plain(value)}")
            elif isinstance(value, str):
                lines.append(f"{name} {yaml_text.quoted(value)}")
            elif isinstance(value, list | tuple) and value:
                lines.append(f"{name} ")
                lines += [
                    f" - {yaml_text.plain(v) if isinstance(v, str) else yaml_text.flow(v)}" for v in value
                ]
            else:
                lines.append(f"{name} {yaml_text.flow(value)}")
        return "\n".join(lines)

    def format(self, post: frontmatter.Post, **_: object) -> str:
        """The blank line first and the blank line after are part of the form; the body is left alone."""
        return f"\n---\n{self.export(post.metadata)}\n---\n\n{post.content}"


class _Toml(_Handler):
    """`+++` … `+++`, or `---toml`."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(\+{{3,80}}+|-{{3,80}}+(?=[ \t]*+toml))[ \t]*+(?:toml)?{_REST}")

    def load(self, fm: str, *, first_line: int = 1, **_: Any) -> dict[str, Any]:
        try:
            # TOML's grammar knows no line end but \n and \r\n.
            meta = tomllib.loads(re.sub(_EOL, "\n", fm))
            yaml_text.check_bounds(meta)
        except (ValueError, RecursionError) as error:
            found = re.search(r"at line ([0-9]+)", str(error))
            line = first_line + (int(found[1]) - 1 if found else 0)
            raise FrontMatterError(f"not TOML: {error}", line=line) from error
        return {key: _json_like(value) for key, value in meta.items()}


class _Json(_Handler):
    """`---json` … `---`, and `;;;` … `;;;` as Hexo has it, with or without the braces."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(-{{3,80}}+(?=[ \t]*+json)|;;;)[ \t]*+(?:json)?{_REST}")

    def load(self, fm: str, *, first_line: int = 1, **_: Any) -> dict[str, Any]:
        block = fm if fm.lstrip().startswith("{") else f"{{{fm}}}"
        try:
            meta = json.loads(block, parse_constant=_refuse, parse_float=_finite)
            yaml_text.check_bounds(meta)
        except (ValueError, RecursionError) as error:
            line = first_line + getattr(error, "lineno", 1) - 1
            raise FrontMatterError(f"not JSON: {error}", line=line) from error
        return dict(meta)


class _JsonPairs(_Json):
    """Hexo's other JSON: pairs without braces or an opening fence, ended by `;;;`."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}()(?=\")")
    closing = ";;;"

    def detect(self, text: str) -> bool:
        return super().detect(text) and re.search(rf"[\r\n];;;{_REST}", text) is not None


class _JsonObject(_Json):
    """Hugo's JSON: an object at the start, whose own braces are the fences."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(?=\{{\s*[\"}}])")

    def split(self, text: str) -> tuple[str, str]:
        start = self._opening(text).end()
        try:
            end = json.JSONDecoder().raw_decode(text, start)[1]
        except (ValueError, RecursionError) as error:
            line = getattr(error, "lineno", self.first_line(text))
            raise FrontMatterError(f"not JSON: {error}", line=line) from error
        rest = re.compile(_REST).match(text, end)
        return text[start:end], _body(text, rest.end() if rest else end)


class _YamlUnopened(_Yaml):
    """Hexo's YAML without an opening fence: a key on the first line, a rule before any blank one."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}()(?=[A-Za-z][\w-]{{0,40}}:(?:[ \t]|{_EOL}))")
    closing = "-{{3,}}"
    _head = re.compile(rf"(?:[ \t]*+[^\s-][^\r\n]*{_EOL}|[ \t]*+-(?!--)[^\r\n]*{_EOL})+-{{3,}}{_REST}")

    def detect(self, text: str) -> bool:
        head = self._head.match(text, self._opening(text).end()) if super().detect(text) else None
        return head is not None and _NAMED.search(head[0]) is not None


class _Pelican(_Handler):
    """Pelican's `Key: value` lines up to the first blank one."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(?=[A-Za-z][\w-]{{0,40}}:(?:[ \t]|{_EOL}|\Z))")
    _line = re.compile(rf"(?:([A-Za-z][\w-]{{0,40}}):[ \t]*|[ \t]+)([^\r\n]*)(?:{_EOL}|\Z)")

    def split(self, text: str) -> tuple[str, str]:
        start = end = self._opening(text).end()
        while end < len(text) and (line := self._line.match(text, end)) and line[0].strip():
            end = line.end()
        return text[start:end], _body(text, end)

    def detect(self, text: str) -> bool:
        return super().detect(text) and _NAMED.search(self.split(text)[0]) is not None

    def load(self, fm: str, **_: Any) -> dict[str, Any]:
        lines: dict[str, list[str]] = {}
        key = ""
        for line in self._line.finditer(fm):
            key = (line[1] or key).lower()
            if line[1]:
                lines[key] = []
            lines[key].append(line[2].strip())
        meta: dict[str, Any] = {key: " ".join(filter(None, parts)) for key, parts in lines.items()}
        for key in ("authors", "author"):
            if ";" in meta.get(key, "") or (key == "authors" and key in meta):
                meta[key] = [
                    name.strip() for name in re.split("[;,]" if ";" not in meta[key] else ";", meta[key])
                ]
        return meta


class _Unknown(_Handler):
    """`---cson` and whatever else names a language after the fence."""

    FM_BOUNDARY = re.compile(rf"{_BLANKS}(-{{3,80}}+)[ \t]*+([A-Za-z][\w+-]{{0,20}}){_REST}")

    def split(self, text: str) -> tuple[str, str]:
        language, line = self._opening(text)[2], max(self.first_line(text) - 1, 1)
        raise FrontMatterError(f"front matter in {language}: write it in YAML, TOML or JSON", line=line)


_WRITTEN = _Yaml()
_HANDLERS: tuple[_Handler, ...] = (
    *(_WRITTEN, _Toml(), _Json(), _JsonObject(), _JsonPairs()),
    *(_Unknown(), _YamlUnopened(), _Pelican()),
)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _finite(written: str) -> float | str:
    """JSON's `1e999` is more than a float holds: it stays as written."""
    value = float(written)
    return value if math.isfinite(value) else written


def _json_like(value: Any) -> Any:
    """TOML's values with its dates as text."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _json_like(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_like(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
