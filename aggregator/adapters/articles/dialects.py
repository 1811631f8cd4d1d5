"""The dialects of generators in a post: Liquid (Jekyll), Nunjucks (Hexo), shortcodes (Hugo), kramdown.

Known tags are rendered. Unknown tags are shown as written, or only their body if they have one, and each is
reported once. In code nothing is rendered (Jekyll would); but marks that protect text from a generator (`{%
raw %}`, `{{</* … */>}}`) are removed everywhere.
"""

from __future__ import annotations

import re
from html import escape
from typing import Literal
from urllib.parse import urlsplit

from aggregator.adapters.articles.tags import BLOCKS, INLINE, Code, Made, Quote, Site, Tag, arguments

__all__ = ["Dialect", "rendered"]

MAX_DEPTH = 20
MAX_TAGS = 5_000

Dialect = Literal["liquid", "shortcodes"]

_MARKS = {
    False: re.compile(r"\{%|\{\{|\{#[ \t\r\n]|<(?:pre|code|script|style)\b", re.IGNORECASE),
    True: re.compile(
        r"(?m:^(?:[ \t]|>)*(?:```+|~~~+))|`+|\{%|\{\{|\{#[ \t\r\n]|\{::?|^\{(?=[.#])|"
        r"<(?:pre|code|script|style)\b",
        re.IGNORECASE | re.MULTILINE,
    ),
}
# kramdown's and Goldmark's attribute lists, which only change appearance.
_ATTRIBUTES = re.compile(
    r"""\{:?[ \t]*+(?:(?:[.#][\w-]++|[\w-]++=(?:"[^"\n]*+"|'[^'\n]*+'|[\w-]++)|toc)[ \t]*+){1,20}\}"""
)
_KRAMDOWN = re.compile(r"\{::?/?[a-z_]*+(?:[ \t][^{}\n]{0,200}+)?/?\}")
_TOC_LIST = re.compile(r"(?:^|\n)[ \t]*(?:[-*+]|1\.)[ \t][^\n]{0,100}\n[ \t]*$")
_SHIELDS = re.compile(r"(?m:^[ \t]*\{%-?\s*(?:end)?raw\s*-?%\}[ \t]*\n)|\{%-?\s*(?:end)?raw\s*-?%\}")
_ESCAPED = re.compile(r"\{\{([<%])/\*(.*?)\*/([>%])\}\}", re.DOTALL)
_LITERAL = re.compile(
    r"""\{\{-?\s*(?:"([^"{}]*\{[^"]*|[^"]*\}[^"]*)"|'([^'{}]*\{[^']*|[^']*\}[^']*)')\s*-?\}\}"""
)
_IN_ADDRESS = re.compile(r"""(?:\]\(\s*<?|\s(?:href|src|srcset|poster|cite)=["']?)[^\s"'()<>]*$""")
_NAME = re.compile(r"\s*([\w./-]+)")
_OF_SITE = frozenset(("site.url", "site.baseurl", "config.root", "config.url"))
_LOGIC = frozenset(
    ("if", "unless", "for", "case", "elsif", "else", "when", "endif", "endfor", "endunless", "endcase")
)


def rendered(
    text: str, site: Site, *, is_markdown: bool, dialects: frozenset[Dialect]
) -> tuple[str, tuple[str, ...]]:
    """The text as plain Markdown or HTML, and what could not be rendered, each once. Linear; never raises."""
    if "{" not in text or not dialects:
        return text, ()
    scan = _Scan(site, is_markdown=is_markdown, dialects=dialects)
    return scan.text(text, 0), tuple(scan.unknown)


class _Scan:
    def __init__(self, site: Site, *, is_markdown: bool, dialects: frozenset[Dialect]) -> None:
        self.site = site
        self.is_markdown = is_markdown
        self.dialects = dialects
        self.unknown: dict[str, None] = {}
        self.tags = 0

    def text(self, text: str, depth: int) -> str:
        """Renders a text, or a part of it."""
        made: list[str] = []
        missing: set[str] = set()  # end tags that are not in the rest of this text
        at = 0
        while mark := _MARKS[self.is_markdown].search(text, at):
            made.append(text[at : mark.start()])
            found = self._from(text, mark, missing, made, depth)
            if found is None:
                made.append(mark[0])
                at = mark.end()
            else:
                made.append(found[0])
                at = found[1]
        made.append(text[at:])
        return "".join(made)

    def _from(
        self, text: str, mark: re.Match[str], missing: set[str], made: list[str], depth: int
    ) -> tuple[str, int] | None:
        """The replacement for a construct that begins at a mark, and its end; None for a mark that begins
        none.
        """
        sign, start = mark[0], mark.start()
        if "`" in sign or "~" in sign:
            return _code(text, mark, missing)
        if sign[0] == "<":
            end = _find(text, f"</{sign[1:]}", mark.end(), missing, ignore_case=True)
            return None if end < 0 else (_unshielded(text[start:end]), end)
        if depth >= MAX_DEPTH or self.tags >= MAX_TAGS:
            return None
        self.tags += 1
        if sign.startswith("{:") or sign == "{":
            return self._attributes(text, start, made)
        if sign.startswith("{#"):
            end = _find(text, "#}", mark.end(), missing) if "liquid" in self.dialects else -1
            return None if end < 0 else ("", end + 2)
        if sign == "{%":
            end = _find(text, "%}", mark.end(), missing) if "liquid" in self.dialects else -1
            return None if end < 0 else self._liquid(text, start, end + 2, missing, depth)
        if text[start + 2 : start + 3] in ("<", "%"):
            closing = ">}}" if text[start + 2] == "<" else "%}}"
            end = _find(text, closing, mark.end(), missing) if "shortcodes" in self.dialects else -1
            return None if end < 0 else self._shortcode(text, start, end + 3, missing, depth)
        end = _find(text, "}}", mark.end(), missing) if "liquid" in self.dialects else -1
        return None if end < 0 else self._value(text, start, end + 2)

    def _attributes(self, text: str, start: int, made: list[str]) -> tuple[str, int] | None:
        found = _ATTRIBUTES.match(text, start) or _KRAMDOWN.match(text, start)
        line = text[text.rfind("\n", 0, start) + 1 : start]
        if found is None or line.lstrip().startswith("#"):
            return None  # the id of a heading
        end = found.end()
        if not line.strip() and text[end : end + 1] in ("", "\n", "\r"):
            if "toc" in found[0]:
                made[-3:] = [_TOC_LIST.sub("\n", "".join(made[-3:]))]
            return ("", end)
        is_attached = bool(line) and (line[-1] in ')]`*_}~"' or text[end : end + 1] in ("", "\n", "\r"))
        return ("", end) if is_attached or found.re is _KRAMDOWN else None

    def _liquid(
        self, text: str, start: int, end: int, missing: set[str], depth: int
    ) -> tuple[str, int] | None:
        inner = text[start + 2 : end - 2].strip("-")
        named = _NAME.match(inner)
        if named is None:
            return None
        name = named[1]
        rest = inner[named.end() :]
        if name == "raw":
            body, after = _body(text, end, _end_of(name), missing)
            return (text[end:], len(text)) if body is None else (body, after)
        words, keys = arguments(rest)
        body = None
        after = end
        if name in BLOCKS or name not in INLINE:
            body, after = _body(text, end, _end_of(name), missing)
        tag = Tag(name=name.lower(), words=words, named=keys, body=body)
        return self._rendered(tag, text, start, end if body is None else after, end, depth)

    def _shortcode(
        self, text: str, start: int, end: int, missing: set[str], depth: int
    ) -> tuple[str, int] | None:
        inner = text[start + 3 : end - 3].strip()
        if inner.startswith("/*"):
            return (
                f"{{{{{text[start + 2]} {inner[2:].removesuffix('*/').strip()} {text[end - 3 : end]}",
                end,
            )
        named = _NAME.match(inner.lstrip("/"))
        if named is None:
            return None
        if inner.startswith("/"):
            return ("", end)  # the end of something that was kept
        is_closed = inner.endswith("/")
        words, keys = arguments(inner.removesuffix("/")[named.end() :])
        body, after = (None, end) if is_closed else _body(text, end, _close_of(named[1]), missing)
        tag = Tag(name=named[1].lower().rpartition("/")[2], words=words, named=keys, body=body)
        return self._rendered(tag, text, start, end if body is None else after, end, depth)

    def _rendered(
        self, tag: Tag, text: str, start: int, end: int, opened: int, depth: int
    ) -> tuple[str, int]:
        handler = BLOCKS.get(tag.name) if tag.body is not None else None
        handler = handler or INLINE.get(tag.name)
        made = handler(tag, self.site) if handler is not None else None
        line = text[text.rfind("\n", 0, start) + 1 : start]
        is_alone = not line.strip(" \t>") and text[end : end + 1] in ("", "\n", "\r")
        if isinstance(made, Made):
            return self._placed(made, line, is_alone=is_alone), end
        if isinstance(made, Code):
            return self._code(made, line, is_alone=is_alone), end
        if isinstance(made, Quote):
            return self._quote(made, line, depth, is_alone=is_alone), end
        name = f"{tag.name} {tag.words[0]}" if tag.name.startswith("include") and tag.words else tag.name
        if tag.body is not None:
            self.unknown[f"the tag {name} is not known here: its body is shown"] = None
            return self.text(tag.body, depth + 1), end
        if tag.name in _LOGIC:
            return "", end
        self.unknown[f"the tag {name} is not known here: it is shown as written"] = None
        return self._trace(text, start, opened), opened

    def _trace(self, text: str, start: int, end: int) -> str:
        """The tag as written, as code; "" inside an address."""
        if _IN_ADDRESS.search(text, max(text.rfind("\n", 0, start), start - 300), start):
            return ""
        written = " ".join(text[start:end].split())
        if not self.is_markdown:
            return f"<code>{escape(written, quote=False)}</code>"
        fence = "`" * (1 + max((len(run) for run in re.findall("`+", written)), default=0))
        return f"{fence} {written} {fence}" if fence != "`" else f"`{written}`"

    def _placed(self, made: Made, line: str, *, is_alone: bool) -> str:
        if not (made.is_block and is_alone and self.is_markdown):
            return made.html
        return f"{made.html}\n{line.rstrip() if '>' in line else ''}"

    def _code(self, code: Code, line: str, *, is_alone: bool) -> str:
        text = code.text.removeprefix("\r\n").removeprefix("\n").rstrip()
        language = re.sub(r"[^\w+#.-]", "", code.language)
        if not self.is_markdown:
            of = f' class="language-{language}"' if language else ""
            block = f"<pre><code{of}>{escape(text, quote=False)}</code></pre>"
            return (
                f"<figure><figcaption>{code.caption}</figcaption>{block}</figure>" if code.caption else block
            )
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
        lines = [
            *([code.caption, ""] if code.caption else []),
            f"{fence}{language}",
            *text.split("\n"),
            fence,
        ]
        if is_alone:
            shift = line if ">" in line else ""
            own = [each if ">" in line or each.startswith(line) else f"{line}{each}" for each in lines]
            return f"\n{shift}".join([own[0].removeprefix(line), *own[1:]])
        return "\n\n" + "\n".join(lines) + "\n\n"

    def _quote(self, quote: Quote, line: str, depth: int, *, is_alone: bool) -> str:
        inside = self.text(quote.text.strip("\r\n"), depth + 1)
        footer = f"\N{EM DASH} {quote.footer}" if quote.footer else ""
        if not self.is_markdown:
            return f"<blockquote>{inside}{f'<p>{footer}</p>' if footer else ''}</blockquote>"
        lines = [*inside.split("\n"), *(["", footer] if footer else [])]
        shift = line if is_alone else ""
        quoted = f"\n{shift}".join(f"> {each}".rstrip() for each in lines)
        return f"{quoted}\n{shift}" if is_alone else f"\n\n{quoted}\n\n"

    def _value(self, text: str, start: int, end: int) -> tuple[str, int] | None:
        """`{{ … }}`: texts, addresses of the site, and keys of the front matter."""
        inner = text[start + 2 : end - 2].strip("-").strip()
        value = _evaluated(inner, self.site)
        if value is not None:
            return value, end
        if not inner or "\n" in inner or len(inner) > 200:
            return None
        self.unknown[f"the value {{{{ {inner} }}}} is not known here: it is shown as written"] = None
        is_in_address = _IN_ADDRESS.search(text, max(text.rfind("\n", 0, start), start - 300), start)
        return ("" if is_in_address else text[start:end]), end


def _evaluated(expression: str, site: Site) -> str | None:
    first, *filters = re.split(r"\s*\|\s*", expression)
    value = _operand(first, site)
    for each in filters:
        name, _, argument = each.partition(":")
        name = name.strip()
        if value is None:
            return None
        if name in ("relative_url", "absolute_url"):
            value = site.path(value)
        elif name in ("prepend", "append"):
            other = _operand(argument.strip(), site)
            value = None if other is None else (other + value if name == "prepend" else value + other)
        elif name not in ("escape", "strip", "uri_escape", "cgi_escape", "safe"):
            return None
    return value


def _operand(text: str, site: Site) -> str | None:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        return text[1:-1]
    if found := re.fullmatch(r"""(?:url_for|full_url_for)\(\s*["']([^"']*)["']\s*\)""", text):
        return site.path(found[1])
    if text in _OF_SITE:
        begin = urlsplit(site.link).path
        origin = site.link.removesuffix(begin)
        return {"site.url": origin, "site.baseurl": begin.rstrip("/"), "config.root": begin or "/"}.get(
            text, site.link.rstrip("/")
        )
    found_key = re.fullmatch(r"page\.([A-Za-z_][\w-]*)", text)
    value = site.keys.get(found_key[1]) if found_key else None
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _code(text: str, mark: re.Match[str], missing: set[str]) -> tuple[str, int] | None:
    """Code in Markdown: a fenced block up to its fence or the text's end, a span up to its end."""
    sign = mark[0].lstrip(" \t>")
    is_fence = len(sign) >= 3 and text[max(mark.start() - 1, 0) : mark.start()] in ("", "\n")
    if is_fence and "`" not in text[mark.end() : (text.find("\n", mark.end()) + 1 or len(text))]:
        closing = re.compile(rf"^(?:[ \t]|>)*{re.escape(sign)}+[ \t]*$", re.MULTILINE)
        begin = text.find("\n", mark.end())
        end = closing.search(text, begin) if begin >= 0 else None
        at = end.end() if end else len(text)
        return _unshielded(text[mark.start() : at]), at
    if sign in missing:
        return None
    closing = re.compile(rf"(?<!`){sign}(?!`)")
    end = closing.search(text, mark.end())
    if end is None:
        missing.add(sign)
        return None
    return _unshielded(text[mark.start() : end.end()]), end.end()


def _unshielded(code: str) -> str:
    if "{" not in code:
        return code
    code = _SHIELDS.sub("", code)
    code = _ESCAPED.sub(lambda m: f"{{{{{m[1]} {m[2].strip()} {m[3]}}}}}", code)
    return _LITERAL.sub(lambda m: m[1] if m[1] is not None else m[2], code)


def _find(text: str, sign: str, at: int, missing: set[str], *, ignore_case: bool = False) -> int:
    if sign in missing:
        return -1
    if ignore_case:
        found = re.compile(re.escape(sign), re.IGNORECASE).search(text, at)
        end = found.start() if found else -1
    else:
        end = text.find(sign, at)
    if end < 0:
        missing.add(sign)
    return end


def _end_of(name: str) -> str:
    return rf"\{{%-?\s*end{re.escape(name)}\s*-?%\}}"


def _close_of(name: str) -> str:
    return rf"\{{\{{[<%]\s*/\s*{re.escape(name)}\s*[>%]\}}\}}"


def _body(text: str, at: int, closing: str, missing: set[str]) -> tuple[str | None, int]:
    """The text before the end tag, and the position after it; None without an end tag."""
    if closing in missing:
        return None, at
    found = re.compile(closing).search(text, at)
    if found is None:
        missing.add(closing)
        return None, at
    return text[at : found.start()], found.end()
