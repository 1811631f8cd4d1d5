"""Markdown becomes HTML within bounds of time and space; beyond them it is kept as text and reported."""

from __future__ import annotations

import pytest

from aggregator.normalise.markdown import hazard, to_html
from aggregator.reading.document import read

PATHOLOGICAL = {
    "images without an end": "![" * 120_000,
    "brackets": "[" * 240_000,
    "brackets in lines": "[a\n" * 100_000,
    "links without an end": "[a](" * 60_000,
    "nested links": "[" * 50_000 + "a" + "](b)" * 50_000,
    "brackets and images": "![[]()" * 40_000,
    "brackets and code": "[`" * 100_000,
    "escaped brackets": "[\\" * 100_000,
    "emphasis that never ends": "*a " * 110_000,
    "emphasis of two kinds": "*a_ " * 100_000,
    "strong": "**a" * 100_000,
    "underlines": "_a" * 120_000,
    "strikes": "~~a " * 60_000,
    "backquotes": "`" * 200_000,
    "rows of backquotes": " ".join("`" * number for number in range(1, 500)),
    "tags": "<" * 240_000,
    "unfinished tags": "<a " * 110_000,
    "comments": "<!--" * 110_000,
    "quotes": "> " * 110_000,
    "quotes in lists": "> - " * 110_000,
    "lines of a paragraph": "a\n" * 200_000,
    "backslashes": "\\" * 240_000,
    "a wide table": "|a" * 60_000 + "\n" + "|-" * 60_000 + "\n",
    "a long table": "|a|\n|-|\n" + "|b|\n" * 60_000,
    "cells that nobody wrote": "|a" * 250 + "\n" + "|-" * 250 + "\n" + "b\n" * 250,
    "cells in many tables": ("|a" * 60 + "\n" + "|-" * 60 + "\n" + "b\n" * 60 + "\n") * 20,
    "cells in a quote": "> " + "|a" * 250 + "\n> " + "|-" * 250 + "\n" + "> b\n" * 250,
    "an address used over and over": "[a]: /" + "x" * 8_000 + "\n\n" + "[a] " * 2_000,
    "a title used over and over": "[a]: /x '" + "y" * 8_000 + "'\n\n" + "[a] " * 2_000,
    "an image used over and over": "[a]: /" + "x" * 8_000 + "\n\n" + "![a] " * 2_000,
    "too long": "a " * 600_000,
}

HARMLESS = {
    "a long article": "A [link](https://example.org/) and *more* of `it`.\n\n" * 4_000,
    "a long list": "- [name](https://example.org/) says **this**\n" * 5_000,
    "a large table": "|a|b|c|d|\n|-|-|-|-|\n" + "|1|2|3|4|\n" * 2_000,
    "references": "".join(f"[{n}]: https://example.org/{n}\n" for n in range(2_000)) + "[1] [2] " * 2_000,
    "nested lists": "".join("  " * (n % 8) + "- a\n" for n in range(5_000)),
    "rules": "a\n\n---\n\n" * 5_000,
    "code": "```\n" + "a[i] = b[i] * c | d\n" * 5_000 + "```\n",
}


@pytest.mark.parametrize("text", PATHOLOGICAL.values(), ids=PATHOLOGICAL)
def test_markdown_beyond_the_bounds_is_kept_as_text_and_reported(text: str) -> None:
    """Bounds hold before a parser that would take seconds or megabytes has seen it."""
    html, reason = to_html(text)
    assert html == ""
    assert reason is not None
    assert reason.startswith("Markdown")
    document = read(b"---\ntitle: x\n---\n\n" + text.encode(), url="a.md", kind="articles")
    assert [problem.text for problem in document.problems][-1] == f"{reason}: kept as plain text"
    (article,) = document.articles
    assert "<" not in article.content.replace("<br>", "")
    assert len(article.content) <= 5 * 1_000_000


@pytest.mark.parametrize("text", HARMLESS.values(), ids=HARMLESS)
def test_a_long_article_is_rendered(text: str) -> None:
    """What somebody would write is far from the bounds."""
    assert hazard(text) is None
    html, reason = to_html(text)
    assert reason is None
    assert len(html) > len(text) // 4


def test_tables_strikes_and_html_are_markdown_here() -> None:
    """CommonMark with what Hexo, Hugo and Jekyll have beside it."""
    assert to_html("|a|\n|-|\n|~~b~~|\n\n<b>c</b>")[0].split("\n")[-2:] == ["<p><b>c</b></p>", ""]
    assert "<td><s>b</s></td>" in to_html("|a|\n|-|\n|~~b~~|\n")[0]
