"""The terms of a query -> conditions: one table with the meaning and the values of each field."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from aggregator.errors import QueryError
from aggregator.normalise.user_regexes import Pattern, compiled, quoted
from aggregator.rules.query import times
from aggregator.rules.query.conditions import Condition, both, either, negated
from aggregator.rules.query.facts import TEXT_FIELDS, ArticleFacts, ascii_host
from aggregator.rules.query.index_conditions import HasPrefix, HasWords, InTime, Narrowing
from aggregator.rules.query.syntax import Both, Either, Negation, RangeTerm, RegexTerm, Tree, WordTerm
from aggregator.rules.query.wildcards import wildcard
from aggregator.rules.query.words import folded, split

__all__ = ["ANYWHERE", "FIELDS", "condition", "regex_fields"]

ANYWHERE = ("title", "author", "tag", "text")
"""The fields that a word without a field is looked for in."""

MAX_PROGRAM = 2_000
MAX_REGEX_BYTES = 1 << 20

_DATES = {"published": "published", "updated": "updated", "seen": "first_seen"}
_HAS: Mapping[str, Callable[[ArticleFacts], bool]] = {
    "enclosure": lambda facts: bool(facts.article.enclosures),
    "image": lambda facts: facts.has_image,
    "date": lambda facts: facts.is_dated,
    **{
        name: (lambda facts, field=name: bool(facts.values(field)))  # type: ignore[misc]
        for name in ("title", "author", "content", "summary", "tag", "category", "link", "language")
    },
}
_NO_HOST = re.compile(r"[\s/:@?#\\]")
_NUMBER = re.compile(r"[0-9]{1,9}")

Term: TypeAlias = WordTerm | RegexTerm | RangeTerm


def condition(tree: Tree, text: str) -> Condition:
    """The condition of a tree; `text` is the query that it was parsed from. Raises QueryError."""
    match tree:
        case Both(trees):
            return both(condition(each, text) for each in trees)
        case Either(trees):
            return either(condition(each, text) for each in trees)
        case Negation(inner):
            return negated(condition(inner, text))
    try:
        return FIELDS[tree.field or ""](tree)
    except ValueError as error:
        raise QueryError(str(error), text, tree.position, "value") from error


def regex_fields(tree: Tree) -> Iterator[str]:
    """The fields that the regexes of a tree search."""
    match tree:
        case Both(trees) | Either(trees):
            for each in trees:
                yield from regex_fields(each)
        case Negation(inner):
            yield from regex_fields(inner)
        case RegexTerm(field):
            yield from ANYWHERE if field is None else (field,)


def _of_text(term: Term) -> Condition:
    fields = ANYWHERE if term.field is None else (term.field,)
    if isinstance(term, RangeTerm):
        where = f"{term.field}: holds text" if term.field else "no field is named"
        what = f"{where}; only published, updated, seen, age and words can be compared"
        raise ValueError(what)  # noqa: TRY004 - a mistake in a query
    if isinstance(term, RegexTerm):
        return _of_regex(term, fields)
    if len(term.parts) > 1:
        return _of_wildcards(term, fields)
    words = tuple(split(term.parts[0]))
    if not words:
        raise ValueError(
            "this has no letter, digit or sign to look for; leave it out, or write a regex such as /!!/"
        )
    if len(words) == 1:
        (word,) = words

        def has_word(facts: ArticleFacts, _now: datetime) -> bool:
            known = facts.known
            for field in fields:
                each = known.get(field)
                if word in (facts.each(field) if each is None else each):
                    return True
            return False

        test = has_word
    else:
        joined = f" {' '.join(words)} "
        each = frozenset(words)

        def has_phrase(facts: ArticleFacts, _now: datetime) -> bool:
            known = facts.known
            for field in fields:
                there = known.get(field)
                if each <= (facts.each(field) if there is None else there) and (
                    joined in facts.words(field).joined
                ):
                    return True
            return False

        test = has_phrase
    wanted = HasWords(words, fields)
    return Condition(test, lambda _now: wanted, wanted=(wanted,))


def _of_wildcards(term: WordTerm, fields: tuple[str, ...]) -> Condition:
    if not "".join(term.parts).strip("*"):
        if term.field is None:
            return Condition(lambda _facts, _now: True)
        return Condition(lambda facts, _now: bool(facts.values(fields[0])))
    found = wildcard(term.parts)
    if found.prefix is not None:
        begins = f" {found.prefix}"
        prefix = HasPrefix(found.prefix, fields)

        def has_prefix(facts: ArticleFacts, _now: datetime) -> bool:
            for field in fields:  # noqa: SIM110 - a generator costs half as much again
                if begins in facts.words(field).joined:
                    return True
            return False

        return Condition(
            has_prefix,
            lambda _now: prefix,
            wanted=(prefix,),
        )
    search = found.pattern.search
    return Condition(
        lambda facts, _now: any(search(facts.words(field).joined) is not None for field in fields),
        (lambda _now: HasPrefix(found.begins, fields)) if found.begins else _nothing_narrows,
        cost=1,
    )


def _nothing_narrows(now: datetime) -> Narrowing:
    return both(()).narrowing(now)


def _of_regex(term: RegexTerm, fields: tuple[str, ...]) -> Condition:
    search = _pattern(term.regex).search

    def has_match(facts: ArticleFacts, _now: datetime) -> bool:
        for field in fields:
            for value in facts.encoded(field):
                if search(value) is not None:
                    return True
        return False

    return Condition(has_match, cost=2)


def _pattern(regex: str) -> Pattern:
    return compiled(regex, is_case_sensitive=False, max_bytes=MAX_REGEX_BYTES, max_program=MAX_PROGRAM)


def _of_host(term: Term) -> Condition:
    """A host, or any below it; wildcards and regexes are matched with the whole host."""
    if not isinstance(term, WordTerm) or len(term.parts) > 1:
        return _of_name(term)
    written = term.parts[0].strip().lstrip(".")
    host = "" if _NO_HOST.search(written) else ascii_host(f"https://{written}")
    if not host:
        raise ValueError(f"{term.parts[0][:40]!r} is not a host; write one such as example.org")
    below = f".{host}"
    words = tuple(split(host))
    return Condition(
        lambda facts, _now: any(f".{each}".endswith(below) for each in facts.values("host")),
        # A link may have a host in Unicode; hosts are compared in Punycode.
        _nothing_narrows if "xn--" in host else lambda _now: HasWords(words, ("link",)),
    )


def _of_language(term: Term) -> Condition:
    """A language, with or without a region: `en` finds en-GB (RFC 4647 §3.3.1)."""
    if not isinstance(term, WordTerm) or len(term.parts) > 1:
        return _of_name(term)
    wanted = f"{folded(term.parts[0].strip()).replace('_', '-')}-"
    return Condition(
        lambda facts, _now: any(f"{folded(each)}-".startswith(wanted) for each in facts.values("language"))
    )


def _of_name(term: Term) -> Condition:
    field = term.field or ""
    if isinstance(term, RangeTerm):
        return _of_text(term)
    if isinstance(term, RegexTerm):
        return _of_regex(term, (field,))
    if not "".join(term.parts).strip("*"):
        return Condition(lambda facts, _now: bool(facts.values(field)))
    shapes = {"*": ".*", "?": "."}
    regex = "".join(shapes[part] if n % 2 else quoted(folded(part)) for n, part in enumerate(term.parts))
    search = compiled(f"^(?:{regex})$", max_program=MAX_PROGRAM).search
    return Condition(
        lambda facts, _now: any(search(folded(each)) is not None for each in facts.values(field)), cost=1
    )


def _of_has(term: Term) -> Condition:
    name = term.parts[0].lower() if isinstance(term, WordTerm) and len(term.parts) == 1 else ""
    if (test := _HAS.get(name)) is None:
        raise ValueError(f"has: takes one of {', '.join(_HAS)}")
    return Condition(lambda facts, _now: test(facts))


def _of_words(term: Term) -> Condition:
    low, high = 0, 10**9
    if isinstance(term, RangeTerm):
        if term.low is not None:
            low = _number(term.low) + (not term.has_low)
        if term.high is not None:
            high = _number(term.high) - (not term.has_high)
        if term.low is not None and term.high is not None and low > high:
            raise ValueError("this range holds no number; write the smaller one first")
    else:
        low = high = _number(_plain(term, "words:>300, words:[100 TO 300] or words:300"))

    def test(facts: ArticleFacts, _now: datetime) -> bool:
        return low <= facts.word_count <= high

    return Condition(test, cost=1)


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not text.isascii():
        raise ValueError(f"{text[:40]!r} is not a number of words; write one such as 300")
    return int(text)


def _of_date(term: Term) -> Condition:
    low: times.Bound | None
    high: times.Bound | None
    if isinstance(term, RangeTerm):
        first = times.period(term.low) if term.low is not None else None
        last = times.period(term.high) if term.high is not None else None
        low = None if first is None else first.start if term.has_low else first.end
        high = None if last is None else last.end if term.has_high else last.start
        if isinstance(low, datetime) and isinstance(high, datetime) and low >= high:
            raise ValueError("this range holds no moment; write the earlier time first")
    else:
        name = term.field
        covered = times.period(_plain(term, f"{name}:2026-01-31, {name}:>=2026-01 or {name}:[2026 TO *]"))
        low, high = covered.start, covered.end
    return _between(_DATES[term.field or ""], low, high)


def _of_age(term: Term) -> Condition:
    if not isinstance(term, RangeTerm):
        raise ValueError("write how old: age:<7d, age:>12h or age:[1d TO 2w]")  # noqa: TRY004 (a query's mistake)
    youngest = None if term.low is None else times.duration(term.low)
    oldest = None if term.high is None else times.duration(term.high)
    if youngest is not None and oldest is not None and youngest > oldest:
        raise ValueError("this range holds no age; write the smaller one first")
    # An older article was published earlier.
    low = None if oldest is None else -oldest + (timedelta() if term.has_high else times.MOMENT)
    high = None if youngest is None else -youngest + (times.MOMENT if term.has_low else timedelta())
    return _between("published", low, high)


def _between(field: str, low: times.Bound | None, high: times.Bound | None) -> Condition:
    def test(facts: ArticleFacts, now: datetime) -> bool:
        moment: datetime | None = getattr(facts, field)
        if moment is None:
            return False
        return (low is None or moment >= times.at(low, now)) and (
            high is None or moment < times.at(high, now)
        )

    return Condition(
        test,
        lambda now: InTime(
            field,
            None if low is None else times.at(low, now),
            None if high is None else times.at(high, now),
        ),
        frozenset((field, -bound) for bound in (low, high) if isinstance(bound, timedelta)),
    )


def _plain(term: Term, examples: str) -> str:
    if isinstance(term, WordTerm) and len(term.parts) == 1 and (value := term.parts[0].strip()):
        return value
    raise ValueError(f"write {examples}")


FIELDS: Mapping[str, Callable[[Term], Condition]] = {
    "": _of_text,
    **dict.fromkeys(TEXT_FIELDS, _of_text),
    "host": _of_host,
    "language": _of_language,
    "has": _of_has,
    "age": _of_age,
    **dict.fromkeys(_DATES, _of_date),
    "words": _of_words,
}
"""How each field's value is parsed; "" is a term without a field."""
