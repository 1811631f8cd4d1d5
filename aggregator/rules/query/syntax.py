"""The text of a query -> a tree of terms. Lucene's syntax, read by recursive descent of bounded depth.

    query   = both ("OR" both)*
    both    = unary ("AND"? unary)*
    unary   = ("NOT" | "+" | "-")* term
    term    = "(" query ")" | field ":" value | value
    value   = "(" query ")" | range | comparison | phrase | /regex/ | word

`&&`, `||` and `!` are AND, OR and NOT. The library luqum 1.0 is not used: it does not know these three, its
errors have neither position nor advice, it reads `https://…` as a field and a regex, deep queries end
in a RecursionError, and it needs ply, which has had no release since 2018.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeAlias

from aggregator.errors import QueryError

__all__ = [
    "MAX_CHARACTERS", "MAX_DEPTH", "MAX_REGEXES", "MAX_TERMS", "Both", "Either", "Negation", "RangeTerm",
    "RegexTerm", "Tree", "WordTerm", "read",
]  # fmt: skip

MAX_CHARACTERS = 10_000
MAX_DEPTH = 50
MAX_TERMS = 1_000
MAX_REGEXES = 50
MAX_REGEX_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class WordTerm:
    """A word or a phrase; `field` None: no field was named.

    `parts` are literal text and wildcards in turn: `te?t*` is ("te", "?", "t", "*", ""). A phrase has one
    part.
    """

    field: str | None
    parts: tuple[str, ...]
    position: int


@dataclass(frozen=True, slots=True)
class RegexTerm:
    """A regex, without its slashes."""

    field: str | None
    regex: str
    position: int


@dataclass(frozen=True, slots=True)
class RangeTerm:
    """From `low` to `high`, each as written, None for an open end; and whether each is included."""

    field: str | None
    low: str | None
    high: str | None
    has_low: bool
    has_high: bool
    position: int


@dataclass(frozen=True, slots=True)
class Negation:
    """Matches what `tree` does not match."""

    tree: Tree


@dataclass(frozen=True, slots=True)
class Both:
    """Matches what all of `trees` match."""

    trees: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Matches what any of `trees` matches."""

    trees: tuple[Tree, ...]


Tree: TypeAlias = WordTerm | RegexTerm | RangeTerm | Negation | Both | Either

_SPACE = re.compile(r"[\s\u3000]+")
_OPERATOR = re.compile(r"(?:(AND|OR|NOT)(?![^\s\u3000()\"])|(&&|\|\|))")
# Also in the full-width form of Chinese and Japanese input methods.
_FIELD = re.compile(r"([A-Za-z_][\w.-]{0,99}|\*)[:：](?!//)")
_COMPARISON = re.compile(r"([<>]=?)[\s\u3000]*")
_BOUND = re.compile(r"\"([^\"]{0,100})\"|([^\s\u3000()\[\]{}\"]{1,100})")
_TO = re.compile(r"[\s\u3000]+TO[\s\u3000]+")
_BOOST = re.compile(r"\^[0-9]{1,9}(?:\.[0-9]{1,9})?(?![\w.])")
_ENDS_WORD = frozenset(' \t\r\n\f\v\u3000()[]{}"^~')
_ENDS_ADDRESS = _ENDS_WORD - set("[]{}^~")
_OPERATORS = {"&&": "AND", "||": "OR"}


def read(text: str, fields: Collection[str]) -> Tree:
    """The tree of a query. Raises QueryError with the position of a mistake and what would be right."""
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"a query of {len(text):,} characters, more than {MAX_CHARACTERS:,}; write it as several",
            text,
            about="length",
        )
    reader = _Reader(text, fields)
    if reader.is_at_end():
        raise reader.mistake("the query is empty; `*` matches every article")
    tree = reader.either(None, 0)
    if not reader.is_at_end():
        raise reader.mistake("this closes nothing: remove it, or write \\) for the character itself")
    return tree


class _Reader:
    """The present position in a query."""

    def __init__(self, text: str, fields: Collection[str]) -> None:
        self._text = text
        self._fields = fields
        self._at = 0
        self._terms = 0
        self._regexes = 0

    def mistake(self, reason: str, at: int | None = None, about: str = "") -> QueryError:
        return QueryError(reason, self._text, (self._at if at is None else at) + 1, about)

    def unclosed(self, reason: str, at: int) -> QueryError:
        return self.mistake(reason, at, "unclosed")

    def is_at_end(self) -> bool:
        if found := _SPACE.match(self._text, self._at):
            self._at = found.end()
        return self._at >= len(self._text)

    def either(self, field: str | None, depth: int) -> Tree:
        trees = [self._both(field, depth)]
        while self._operator() == "OR":
            self._take_operator()
            trees.append(self._both(field, depth))
        return trees[0] if len(trees) == 1 else Either(tuple(trees))

    def _both(self, field: str | None, depth: int) -> Tree:
        trees = [self._unary(field, depth)]
        while not self.is_at_end() and self._text[self._at] != ")" and self._operator() != "OR":
            if self._operator() == "AND":
                self._take_operator()
            trees.append(self._unary(field, depth))
        return trees[0] if len(trees) == 1 else Both(tuple(trees))

    def _operator(self) -> str | None:
        if self.is_at_end() or (found := _OPERATOR.match(self._text, self._at)) is None:
            return None
        return found[1] or _OPERATORS[found[2]]

    def _take_operator(self) -> None:
        found = _OPERATOR.match(self._text, self._at)
        assert found is not None, "the caller checked it"
        start, self._at = self._at, found.end()
        if self.is_at_end() or self._text[self._at] == ")":
            raise self.mistake(f"{found[0]} needs something on its right", start)

    def _unary(self, field: str | None, depth: int) -> Tree:
        is_negated, signs, start = False, 0, self._at
        while not self.is_at_end():
            start = self._at
            if self._operator() == "NOT":
                self._take_operator()
                is_negated = not is_negated
            elif self._text[self._at] in "+-!":
                is_negated ^= self._text[self._at] != "+"
                self._at += 1
                if self._at == len(self._text) or self._text[self._at] in _ENDS_WORD - set('("'):
                    raise self.mistake(
                        f"{self._text[start]} needs a word directly after it, or a \\ before it", start
                    )
            else:
                break
            signs += 1
            if signs > MAX_DEPTH:
                raise self.mistake(f"more than {MAX_DEPTH} signs before one term")
        if self.is_at_end():
            raise self.mistake("something to look for is missing here", start)
        tree = self._term(field, depth)
        return Negation(tree) if is_negated else tree

    def _term(self, field: str | None, depth: int) -> Tree:
        if self._operator() is not None:
            word = self._text[self._at : self._at + 3].strip()
            raise self.mistake(f"{word} needs something on its left; put the word in quotes to look for it")
        named = _FIELD.match(self._text, self._at)
        if named is None or (named[1] == "*" and not self._text.startswith("*:*", self._at)):
            return self._value(field, depth)
        if named[1] == "*":
            self._at = named.end()
            return self._value(None, depth)
        name = named[1].lower()
        if name not in self._fields:
            near = difflib.get_close_matches(name, self._fields, n=1)
            meant = f"did you mean {near[0]}:? " if near else ""
            known = ", ".join(f"{each}:" for each in self._fields)
            raise self.mistake(
                f"no field is named {name!r}; {meant}the fields are {known}; "
                f"to look for the text itself write {named[1]}\\: or put it in quotes",
                about="field",
            )
        self._at = named.end()
        if self.is_at_end() or self._text[self._at] == ")":
            raise self.mistake(f"{named[1]}: needs a value after it", named.start())
        sign = self._text[self._at]
        if sign in "+-!":
            raise self.mistake(f"write {sign}{named[1]}: in place of {named[1]}:{sign}, or quote the value")
        if self._operator() is not None:
            raise self.mistake(f"{named[1]}: needs a value, and this is an operator; quote it to look for it")
        return self._value(name, depth)

    def _value(self, field: str | None, depth: int) -> Tree:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise self.mistake(f"more than {MAX_TERMS:,} terms; write it as several queries")
        first = self._text[self._at]
        if first == "(":
            return self._group(field, depth)
        read_as: dict[str, Callable[[str | None], Tree]] = {
            "[": self._range, "{": self._range, "<": self._comparison, ">": self._comparison,
            '"': self._phrase, "/": self._regex,
        }  # fmt: skip
        if (reader := read_as.get(first)) is not None:
            tree = reader(field)
        elif first in _ENDS_WORD:
            raise self.mistake(f"{first} means nothing here; write \\{first} for the character itself")
        else:
            tree = self._word(field)
        return self._without_suffix(tree)

    def _without_suffix(self, tree: Tree) -> Tree:
        if self._text.startswith("~", self._at):
            raise self.mistake(
                "~ (similar words, words near each other) is not supported: write the forms with OR, "
                "or te* or te?t; \\~ is the character itself"
            )
        if self._text.startswith("^", self._at):
            boost = _BOOST.match(self._text, self._at)
            if boost is None:
                raise self.mistake("^ needs a number after it, or a \\ before it")
            self._at = boost.end()
        return tree

    def _group(self, field: str | None, depth: int) -> Tree:
        start = self._at
        if depth >= MAX_DEPTH:
            raise self.mistake(f"groups in more than {MAX_DEPTH} groups; write it as several queries")
        self._at += 1
        if self.is_at_end() or self._text[self._at] == ")":
            if self.is_at_end():
                raise self.unclosed("this is never closed", start)
            raise self.mistake("this group is empty", start)
        tree = self.either(field, depth + 1)
        if self.is_at_end():
            raise self.unclosed("this is never closed: a ) is missing", start)
        self._at += 1
        return self._without_suffix(tree)

    def _range(self, field: str | None) -> Tree:
        start = self._at
        self._at += 1
        self.is_at_end()
        low = self._bound()
        if (to := _TO.match(self._text, self._at)) is None:
            raise self.mistake("write a range as [FROM TO UNTIL], * for an open end", start)
        self._at = to.end()
        high = self._bound()
        self.is_at_end()
        closing = self._text[self._at : self._at + 1]
        if closing not in ("]", "}"):
            raise self.unclosed("this range is never closed: a ] or } is missing", start)
        self._at += 1
        return RangeTerm(
            field=field,
            low=None if low == "*" else low,
            high=None if high == "*" else high,
            has_low=self._text[start] == "[",
            has_high=closing == "]",
            position=start + 1,
        )

    def _bound(self) -> str:
        found = _BOUND.match(self._text, self._at)
        if found is None:
            raise self.mistake("a value is missing here")
        self._at = found.end()
        return found[1] if found[1] is not None else found[2].replace("\\", "")

    def _comparison(self, field: str | None) -> Tree:
        start = self._at
        sign = _COMPARISON.match(self._text, self._at)
        assert sign is not None, "the caller checked its first character"
        self._at = sign.end()
        value = self._bound()
        is_high = sign[1][0] == "<"
        has_bound = sign[1].endswith("=")
        return RangeTerm(
            field=field,
            low=None if is_high else value,
            high=value if is_high else None,
            has_low=has_bound,
            has_high=has_bound,
            position=start + 1,
        )

    def _phrase(self, field: str | None) -> Tree:
        start = self._at
        self._at += 1
        written: list[str] = []
        while (character := self._text[self._at : self._at + 1]) != '"':
            if not character:
                raise self.unclosed('this phrase is never closed: a " is missing', start)
            written.append(self._unescaped() if character == "\\" else character)
            self._at += 1
        self._at += 1
        return WordTerm(field=field, parts=("".join(written),), position=start + 1)

    def _word(self, field: str | None) -> Tree:
        start = self._at
        parts, written = [], ""
        is_address = field == "link"
        while (character := self._text[self._at : self._at + 1]) and not self._ends_word(is_address):
            is_address |= written.endswith("://")
            if character == "*" or (character == "?" and not is_address):
                parts += [written, character]
                written = ""
            else:
                written += self._unescaped() if character == "\\" else character
            self._at += 1
        return WordTerm(field=field, parts=(*parts, written), position=start + 1)

    def _ends_word(self, is_address: bool) -> bool:
        """Whether the word ends before this character; an address may contain `~`, `^` and brackets."""
        if self._text.startswith(("&&", "||"), self._at):
            return True
        return self._text[self._at] in (_ENDS_ADDRESS if is_address else _ENDS_WORD)

    def _unescaped(self) -> str:
        """The character after a backslash; moves the position to it."""
        if self._at + 1 >= len(self._text):
            raise self.mistake("a \\ needs a character after it; \\\\ is the character itself")
        self._at += 1
        return self._text[self._at]

    def _regex(self, field: str | None) -> Tree:
        start = self._at
        self._at += 1
        self._regexes += 1
        written: list[str] = []
        while (character := self._text[self._at : self._at + 1]) != "/":
            if not character:
                raise self.unclosed("this regex is never closed: a / is missing; \\/ is the character", start)
            if character == "\\" and self._at + 1 < len(self._text):
                self._at += 1
                character = self._text[self._at]
                character = "/" if character == "/" else f"\\{character}"
            written.append(character)
            self._at += 1
        self._at += 1
        regex = "".join(written)
        if not regex:
            raise self.mistake("this regex is empty", start)
        if len(regex) > MAX_REGEX_CHARACTERS:
            raise self.mistake(f"a regex of more than {MAX_REGEX_CHARACTERS:,} characters", start)
        if self._regexes > MAX_REGEXES:
            raise self.mistake(f"more than {MAX_REGEXES} regexes; write it as several queries", start)
        if self._at < len(self._text) and self._text[self._at] not in _ENDS_WORD:
            raise self.mistake(
                "a regex ends here, and needs a space after it; write \\/ for a slash inside of it, "
                "or put an address in quotes"
            )
        return RegexTerm(field=field, regex=regex, position=start + 1)
