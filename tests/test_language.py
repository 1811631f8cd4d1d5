"""The words of comments, docstrings, messages and documents: plain English, and the terms of the field."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLAINER = {
    r"told": "reported, notified, distinguished",
    r"fare[sd]?|faring": "health, state",
    r"stand(?:s|ing)? for": "represents, means",
    r"take[sn]? up|taking up": "adds, starts",
    r"who(?:so)?ever": "anyone who, a client that",
    r"h(?:o|e)ld(?:s|ing)? back": "delays, skips",
    r"nobody['’]s": "of no one, not ours",
    r"the way (?:out|in)": "publishing, the network, reading",
    r"nought|naught|aught": "nothing, 0",
    r"there(?:of|in|by)|where(?:of|by|in)|hitherto|henceforth|whence|thence": "so, in it, from now on",
    r"heed(?:s|ed|ing)?|hearkens?": "reads, follows",
    r"lest|ere|thrice|twain": "so that … not, before, three times, two",
    r"beyond all (?:bounds|reason)": "over a limit",
    r"in the midst": "inside, between",
    r"in vain": "without success",
    r"for ever": "permanently, without end",
    r"(?:if )?need be": "if necessary",
    r"so manieth": "the nth",
}
"""Words that an engineer in another country has to look up or to guess, and what to write instead."""
WORD = re.compile(rf"\b(?:{'|'.join(PLAINER)})\b", re.IGNORECASE)
NEWLINE = "\n"
RIDDLE = re.compile(
    r'"""(?:It|They|Them|Those|Theirs|What|Whatever|That which|Up to where|So (?:many|much|long|far|often))\b'
)
"""How a docstring begins that does not name what it describes, such as "So many are fetched at once"."""
LISTS_OF_WORDS = {"aggregator/rules/stories/ignored_words.py"}


def texts(file: Path, *, with_strings: bool) -> Iterator[tuple[int, str]]:
    """Returns what a person reads in a file, by line: all of a document, comments and docstrings of code."""
    text = file.read_text(encoding="utf-8")
    if not WORD.search(text):  # to take code apart costs a hundred times as much
        return
    if file.suffix != ".py":
        yield 1, text
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_docstring = token.type == tokenize.STRING and token.string.startswith('"""')
        is_string = token.type == tokenize.STRING or token.type == getattr(tokenize, "FSTRING_MIDDLE", None)
        if token.type == tokenize.COMMENT or is_docstring or (is_string and with_strings):
            yield token.start[0], token.string


def found(files: list[Path], *, with_strings: bool = True) -> list[str]:
    """Each word that is not plain: its place, and what to write."""
    return [
        f"{file.relative_to(ROOT)}:{start + text.count(NEWLINE, 0, match.start())}: {match[0]} → {plainer}"
        for file in sorted(files)
        for start, text in texts(file, with_strings=with_strings)
        for match in WORD.finditer(text)
        for word, plainer in PLAINER.items()
        if re.fullmatch(word, match[0], re.IGNORECASE)
    ]


@pytest.mark.parametrize("place", ["README.md", "SECURITY.md", "CHANGELOG.md", "docs", "deploy"])
def test_documents_are_in_plain_words(place: str) -> None:
    """All that is written for people beside the code."""
    files = [*(ROOT / place).rglob("*.md")] if (ROOT / place).is_dir() else [ROOT / place]
    assert files
    assert found(files) == []


def test_the_code_is_in_plain_words() -> None:
    """Comments, docstrings, messages and pages."""
    files = [file for kind in ("py", "html", "css") for file in (ROOT / "aggregator").rglob(f"*.{kind}")]
    assert files
    assert found([f for f in files if f.relative_to(ROOT).as_posix() not in LISTS_OF_WORDS]) == []


def test_tests_are_in_plain_words() -> None:
    """Comments and docstrings; other texts of a test may be anything."""
    files = [file for file in (ROOT / "tests").rglob("*.py") if file != Path(__file__)]
    assert files
    assert found(files, with_strings=False) == []


def test_docstrings_name_what_they_describe() -> None:
    """Not a pronoun without a referent, and not an answer to a question that nobody asked."""
    files = [*(ROOT / "aggregator").rglob("*.py")]
    assert len(files) > 100
    assert [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in sorted(files)
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if RIDDLE.match(line.strip())
    ] == []
