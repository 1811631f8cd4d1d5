"""Bodies -> keys to find nearly equal texts by, and runs of words to confirm it.

Keys are MinHash in its bottom-k form: of all runs of five words (eight characters, in scripts that set no
spaces) those few that hash lowest. Texts with much in common have some of them in common, wherever the text
was cut or edited, and also when one is a part of the other; unrelated texts have none. Some more are
made from the text's beginning alone, which is all that a teaser has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from html import unescape
from itertools import islice
from operator import add
from struct import unpack
from unicodedata import is_normalized, normalize
from zlib import crc32

from aggregator.rules.stories.ignored_words import (
    ADDRESS,
    ADDRESS_DENSE,
    ATTRIBUTION,
    ATTRIBUTION_DENSE,
    CALLS,
    CALLS_DENSE,
    FUNCTION_WORDS,
)

__all__ = [
    "DENSE",
    "FUNCTION",
    "Body",
    "Overlap",
    "is_dense",
    "keys_of",
    "language",
    "overlap",
    "plain",
    "stem",
    "text_keys",
]

_KINDS = {kind: blake2b(digest_size=8, person=kind.encode()) for kind in ("link", "title", "text")}
_KEPT, _KEPT_OF_LEAD = 16, 6
_LEAD_WORDS, _LEAD_CHARACTERS = 40, 80
_FEWEST_WORDS, _FEWEST_CHARACTERS = 12, 24
_RUN, _DENSE_RUN = 4, 6
_MOST_TOKENS = 8_000
_MOST_CHARACTERS = 60_000
"""Longer texts are compared by their beginning."""
_MOST_KEYED, _HEAD = 12_000, 1_200
"""Longer texts, with markup, are searched by their beginning."""

DENSE = (
    "\u0e00-\u0eff\u1780-\u17ff\u3005-\u3007\u3040-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
)
"""Characters of scripts without spaces between words, for a character class of a regex."""
_DENSE = re.compile(f"[{DENSE}]")
_DENSE_RUNS = re.compile(f"[{DENSE}]+")
_DENSE_PUNCTUATION = re.compile(
    "[\x00-/:-@\\[-`{-\xbf\u2000-\u206f\u3000-\u3004\u3008-\u3020\u3030\u30fb\uff01-\uff0f\uff1a-\uff20"
    "\uff3b-\uff40\uff5b-\uff65]+"
)
_SOME = re.compile(b"[%s]" % re.escape(bytes(range(3, 256, 8))))
_BLOCK = re.compile(
    r"</?(?:p|br|div|li|ul|ol|h[1-6]|tr|td|th|table|blockquote|pre|hr|figure|figcaption|section)\b[^<>]*>"
)
_TAG = re.compile(r"<[^<>]*>")
_ASCII_PUNCTUATION = bytes(c if chr(c).isalnum() or c >= 128 else 32 for c in range(256))
_PUNCTUATION = re.compile(rb"\xe2[\x80\x81][\x80-\xbf]|\xc2[\xa0-\xbf]")
_TOKEN = re.compile(rf"[0-9]+(?:[.,:][0-9]+)*|[{DENSE}]|[^\W\d_{DENSE}]+")
_SENTENCE = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_KATAKANA = re.compile("[ァ-ヺー]{2,}")
_SPEAKING = re.compile(f"(?:(?![的了在是和与與及等也都就而被把\u3041-\u309fァ-ヺー])[{DENSE}]){{2,}}")
"""Characters of a dense script that are neither Chinese particles nor kana."""
FUNCTION = frozenset().union(*FUNCTION_WORDS.values())


def plain(html: str) -> str:
    """The text of sanitised HTML, one line a block, case-folded, at most 60,000 characters."""
    text = html[: 3 * _MOST_CHARACTERS]
    if "<" in text:
        text = _TAG.sub("", _BLOCK.sub("\n", text))
    if "&" in text:
        text = unescape(text)
    text = text[:_MOST_CHARACTERS]
    return text.lower() if text.isascii() else normalize("NFKC", text).casefold()


def is_dense(text: str) -> bool:
    """Whether a text is mostly in a script without spaces between words (Chinese, Japanese, Thai)."""
    head = text[:600]
    return not head.isascii() and 4 * sum(map(len, _DENSE_RUNS.findall(head))) > len(head)


def keys_of(kind: str, values: Iterable[bytes]) -> tuple[int, ...]:
    """64-bit keys, each once, signed, as SQL databases have integers; the same in every process.

    `kind`: "link", "title" or "text".
    """
    empty, digests = _KINDS[kind], []
    for value in values:
        made = empty.copy()  # half the time of a new one
        made.update(value)
        digests.append(made.digest())
    return tuple(dict.fromkeys(unpack(f">{len(digests)}q", b"".join(digests))))


def text_keys(html: str) -> tuple[int, ...]:
    """Up to 22 keys of sanitised HTML, none for fewer than 12 words or 24 characters of text."""
    html = html[:_MOST_KEYED]
    if not html.isascii() and is_dense(_TAG.sub("", html[:_HEAD])):
        return _dense_keys(html)
    text = plain(html)
    data = text.encode("utf-8", "surrogatepass").translate(_ASCII_PUNCTUATION)
    words = (data if text.isascii() else _PUNCTUATION.sub(b" ", data)).split()
    if len(words) < _FEWEST_WORDS:
        return ()
    # A run is chosen by the hash of its first two words: hashing whole runs takes three times as long.
    pairs = [*map(crc32, islice(words, 1, len(words) - 3), map(crc32, words))]
    places = _lowest(pairs, _KEPT)
    if len(words) > 2 * _LEAD_WORDS:
        places += _lowest(pairs[: _LEAD_WORDS - 4], _KEPT_OF_LEAD)
    return keys_of("text", [b" ".join(words[n : n + 5]) for n in places])


def _dense_keys(html: str) -> tuple[int, ...]:
    # Punctuation goes first: normalising all of it takes three times as long as everything else.
    text = _TAG.sub("", html)
    letters = _DENSE_PUNCTUATION.sub("", unescape(text) if "&" in text else text)
    if not is_normalized("NFKC", letters):
        letters = normalize("NFKC", letters)
    letters = letters.lower()
    if len(letters) < _FEWEST_CHARACTERS:
        return ()
    data = letters.encode("utf-16-le", "surrogatepass")
    last = len(data) // 2 - 7
    starts: Sequence[int] = range(last)
    is_long = len(letters) > 2 * _LEAD_CHARACTERS
    if is_long:
        # Every eighth place or so will do, chosen by its character: it is the same in a copy.
        some = [found.start() for found in _SOME.finditer(data[: 2 * last : 2])]
        starts = some if len(some) >= _KEPT else starts
    hashes = [crc32(data[2 * n : 2 * n + 16]) for n in starts]
    places = [starts[n] for n in _lowest(hashes, _KEPT)]
    if is_long:
        lead = [crc32(data[n : n + 16]) for n in range(0, 2 * (_LEAD_CHARACTERS - 7), 2)]
        places += _lowest(lead, _KEPT_OF_LEAD)
    return keys_of("text", [data[2 * n : 2 * n + 16] for n in places])


def _lowest(hashes: Sequence[int], count: int) -> list[int]:
    """The positions of the `count` lowest hashes."""
    limit = min(2**32, 2**32 * 3 * count // max(len(hashes), 1))
    low = [n for n, each in enumerate(hashes) if each < limit]
    if len(low) < count:
        low = [*range(len(hashes))]
    return sorted(low, key=hashes.__getitem__)[:count]


def stem(word: str) -> str:
    """The first six letters of a word, which inflected forms usually share."""
    return word[:6]


class Body:
    """A text as words, or single characters of a dense script, without calls to readers."""

    def __init__(self, html: str) -> None:
        text = plain(html)
        if "<blockquote" in html:
            own = plain(_without_quotations(html))
            text = own if 3 * len(own) > len(text) else text
        self.is_dense = is_dense(text)
        if calls := [call for call in (CALLS_DENSE if self.is_dense else CALLS) if call in text]:
            sentences = _SENTENCE.split(text)
            text = "\n".join(each for each in sentences if not any(call in each for call in calls))
        self.tokens = _TOKEN.findall(text)[:_MOST_TOKENS]

    @cached_property
    def runs(self) -> list[tuple[str, ...]]:
        """Each run of four words, or of six characters."""
        length = _DENSE_RUN if self.is_dense else _RUN
        return [*zip(*(self.tokens[n:] for n in range(length)), strict=False)]

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The numbers in the text."""
        return frozenset(token for token in self.tokens if token[0].isdigit())

    @cached_property
    def units(self) -> frozenset[str]:
        """The content words of the text, as `units` finds them."""
        return units(self.tokens)

    def __len__(self) -> int:
        """The number of its words; eight characters of a dense script count as five."""
        return len(self.tokens) * 5 // 8 if self.is_dense else len(self.tokens)


def _without_quotations(html: str) -> str:
    """Sanitised HTML without its <blockquote> elements."""
    first, *others = html[: 3 * _MOST_CHARACTERS].split("<blockquote")
    return "\n".join([first, *(other.partition("</blockquote>")[2] for other in others)])


def units(words: Sequence[str]) -> frozenset[str]:
    """Stems of content words; of dense scripts pairs of adjacent characters, but whole words in katakana."""
    found = {stem(word) for word in words if len(word) > 2 and word not in FUNCTION and word.isalpha()}
    if _DENSE.search("".join(words)):
        text = "".join(word if len(word) == 1 else " " for word in words)
        found.update(stem(word) for word in _KATAKANA.findall(text))
        for run in _SPEAKING.findall(text):
            found.update(map(add, run, run[1:]))
    return frozenset(found)


def language(html: str) -> str:
    """The language of a text by the script or function words of its beginning; "" when unclear.

    One of "ja", "zh", "th", and those whose function words are known.
    """
    head = _TOKEN.findall(plain(html[:3_000]))[:300]
    if sum(_DENSE.match(word) is not None for word in head) * 2 > len(head):
        kana = sum("\u3040" <= word <= "\u30ff" for word in head)
        thai = sum(word < "\u1800" for word in head)
        return "th" if 2 * thai > len(head) else "ja" if 10 * kana > len(head) else "zh"
    counts = sorted((sum(word in known for word in head), name) for name, known in FUNCTION_WORDS.items())
    (second, _), (most, name) = counts[-2:]
    return name if most >= 4 and most > 1.5 * second else ""


@dataclass(frozen=True, slots=True)
class Overlap:
    """The overlap of two bodies, and their differences.

    - `first`, `second`: the shares of each that stand in the other, 0 to 1. `words`: how many words that
      is, in the one with fewer. `units`: what the shared runs speak of; `first_rest`, `second_rest`: what
      only the rest does.
    - `numbers`: the share of the numbers of the one with fewer that the other has too; 1.0 when it has
      none, 0.5 when it has a single one that differs.
    - `address`: the share of what they share that speaks of itself or to its readers ("our", "you").
    - `at_start`: whether the longer one shares its beginning.
    - `reports`: whether what they share says from whom it is known ("said", "laut"). `common_numbers`: how
      many numbers both have.
    """

    first: float
    second: float
    words: int
    units: frozenset[str]
    first_rest: frozenset[str]
    second_rest: frozenset[str]
    numbers: float
    address: float
    at_start: bool
    reports: bool
    common_numbers: int


def overlap(a: Body, b: Body) -> Overlap | None:
    """The overlap of two bodies in runs of words; None if they cannot share any, or have no text."""
    if a.is_dense != b.is_dense or not a.tokens or not b.tokens:
        return None
    first, second = _covered(a, set(b.runs)), _covered(b, set(a.runs))
    words = min(len(first), len(second))
    longer = first if len(a.tokens) >= len(b.tokens) else second
    shared = [a.tokens[n] for n in first]
    spoken = units(shared)
    return Overlap(
        first=len(first) / len(a.tokens),
        second=len(second) / len(b.tokens),
        words=words * 5 // 8 if a.is_dense else words,
        units=spoken,
        first_rest=a.units - spoken,
        second_rest=b.units - spoken,
        numbers=_agreement(a.numbers, b.numbers),
        address=_address(shared, a.is_dense) / max(len(shared), 1),
        at_start=bool(longer) and longer[0] < 20,
        reports=_reports(shared, a.is_dense),
        common_numbers=len(a.numbers & b.numbers),
    )


def _address(words: Sequence[str], is_dense: bool) -> int:
    if is_dense:
        return len(ADDRESS_DENSE.findall("".join(words)))
    return sum(word in ADDRESS for word in words)


def _reports(words: Sequence[str], is_dense: bool) -> bool:
    if is_dense:
        return ATTRIBUTION_DENSE.search("".join(words)) is not None
    return not ATTRIBUTION.isdisjoint(words)


def _agreement(a: frozenset[str], b: frozenset[str]) -> float:
    fewer = min(len(a), len(b))
    if fewer == 1 and a.isdisjoint(b):
        return 0.5  # one number may be a correction
    return len(a & b) / fewer if fewer else 1.0


def _covered(body: Body, others: set[tuple[str, ...]]) -> list[int]:
    """The positions of tokens in a run that is one of `others`."""
    length = _DENSE_RUN if body.is_dense else _RUN
    places: list[int] = []
    end = 0
    for start in [n for n, run in enumerate(body.runs) if run in others]:
        places += range(max(end, start), start + length)
        end = start + length
    return places
