"""Words with `*` and `?` -> the pattern to search among the words of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.normalise.user_regexes import Pattern, compiled, quoted
from aggregator.rules.query.words import split

__all__ = ["Wildcard", "wildcard"]

# Letters of Old North Arabian mark the wildcards while the text around them is folded and split.
_ANY, _ONE = "\U00010a80", "\U00010a81"
_PLACES = {"*": _ANY, "?": _ONE}
_CHARACTER = r"[^ \x1f]"
_SOME_WORDS = rf"(?:{_CHARACTER}+ ){{0,8}}"
MAX_WILDCARDS = 50
MAX_PROGRAM = 2_000


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`prefix` is set if any word with this prefix matches; then `pattern` is not needed.

    `pattern` is searched in `FoldedText.joined`; `begins` is the prefix of a word in every match, "" if
    unknown.
    """

    pattern: Pattern
    prefix: str | None
    begins: str


def wildcard(parts: Sequence[str]) -> Wildcard:
    """The pattern of literal text and wildcards in turn. Raises ValueError when it is too large.

    In a script without spaces `?` is one character and `*` up to eight; at the ends `*` has no effect there,
    as such text is found inside any other.
    """
    if len(parts) > 2 * MAX_WILDCARDS:
        raise ValueError(f"more than {MAX_WILDCARDS} wildcards in one word")
    words = split("".join(_PLACES[part] if n % 2 else part for n, part in enumerate(parts)))
    while len(words) > 1 and not words[0].strip(_ANY):
        del words[0]
    while len(words) > 1 and not words[-1].strip(_ANY):
        del words[-1]
    regex = " "
    for word in words:
        if not word.strip(_ANY) and len(words) > 1:
            regex += _SOME_WORDS
        elif not word.strip(_ONE) and len(words) > 1:
            regex += f"{_CHARACTER} " * len(word)
        else:
            regex += "".join(_shape(character) for character in word) + " "
    first = words[0]
    begins = first[: min(first.find(place) % (len(first) + 1) for place in (_ANY, _ONE))]
    is_prefix = len(words) == 1 and begins != "" and first == f"{begins}{_ANY}"
    return Wildcard(
        pattern=compiled(regex, max_program=MAX_PROGRAM),
        prefix=begins if is_prefix else None,
        begins=begins,
    )


def _shape(character: str) -> str:
    if character == _ANY:
        return f"{_CHARACTER}*"
    if character == _ONE:
        return _CHARACTER
    return quoted(character)
