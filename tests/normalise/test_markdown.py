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
def test_markdown_over_the_limits_is_kept_as_text_and_reported(text: str) -> None:
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


def rendered(text: str) -> str:
    """The HTML, which must be had."""
    made, reason = to_html(text)
    assert reason is None
    return made


def test_footnotes_are_at_the_end_in_the_order_of_their_references() -> None:
    """Referred to twice, with further paragraphs, referring to others; one without a definition is text."""
    made = rendered(
        "a[^b] c[^a] d[^b] e[^none]\n\n[^a]: One\ngoes on\n\n    more *text*\n\n[^b]: Two[^c]\n[^c]: Three\n"
        "[^unused]: Four\n\nafter\n"
    )
    body, _, notes = made.partition("<hr>")
    assert body == (
        '<p>a<sup id="fnref-1"><a href="#fn-1">1</a></sup> c<sup id="fnref-2"><a href="#fn-2">2</a></sup> '
        'd<sup id="fnref-1-2"><a href="#fn-1">1</a></sup> e[^none]</p>\n<p>after</p>\n'
    )
    assert notes == (
        '\n<ol>\n<li id="fn-1"><p>Two<sup id="fnref-3"><a href="#fn-3">3</a></sup> '
        '<a href="#fnref-1">↩</a></p></li>\n'
        '<li id="fn-2"><p>One\ngoes on</p>\n<p>more <em>text</em> <a href="#fnref-2">↩</a></p></li>\n'
        '<li id="fn-3"><p>Three <a href="#fnref-3">↩</a></p></li>\n</ol>\n'
    )


def test_a_footnote_may_be_written_inline() -> None:
    """As Pandoc writes it."""
    assert rendered("a^[b *c*] d").endswith(
        '<li id="fn-1"><p>b <em>c</em> <a href="#fnref-1">↩</a></p></li>\n</ol>\n'
    )


def test_footnotes_in_code_are_code() -> None:
    """In fences and in spans."""
    made = rendered("`[^1]`\n\n```\n[^1]: x\n```\n\n[^1]: note\n")
    assert "<code>[^1]</code>" in made
    assert "[^1]: x" in made
    assert "<ol>" not in made


def test_notes_that_refer_to_each_other_end() -> None:
    """Each is rendered once."""
    made = rendered("x[^a]\n\n[^a]: see[^b]\n[^b]: see[^a]\n")
    assert made.count("<li") == 2


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("- [ ] todo", "<li>\N{BALLOT BOX} todo</li>"),
        ("- [x] done *now*", "<li>\N{BALLOT BOX WITH CHECK} done <em>now</em></li>"),
        ("1. [X] done", "<li>\N{BALLOT BOX WITH CHECK} done</li>"),
        ("- [a](b)", '<li><a href="b">a</a></li>'),
        ("- [y] no", "<li>[y] no</li>"),
    ],
)
def test_tasks_of_a_list_have_a_box(text: str, item: str) -> None:
    """A character: a form would not be kept."""
    assert item in rendered(text)


@pytest.mark.parametrize(
    ("heading", "link", "id_"),
    [
        ("## My Heading!", "#my-heading", "my-heading"),
        ("## My Heading!", "#My-Heading", "My-Heading"),
        ("## C++ & `code` 日本", "#c--code-日本", "c--code-日本"),
        ("## Own {#given}", "#given", "given"),
        ("## Own {: #given .x}", "#given", "given"),
        ("## A\n\n## A", "#a-1", "a-1"),
    ],
)
def test_a_heading_has_the_id_that_its_links_name(heading: str, link: str, id_: str) -> None:
    """Hexo keeps the case, Hugo and Jekyll do not; repeated headings are counted."""
    made = rendered(f"{heading}\n\n[x]({link})\n")
    assert f'id="{id_}"' in made
    assert "{" not in made


@pytest.mark.parametrize(
    "text",
    ["^[" * 5_000, "[^a] " * 10_000 + "\n\n[^a]: " + "x" * 1_000, "[^a]:\n" * 20_000, "# a {#" * 20_000],
    ids=["notes in notes", "many references", "many definitions", "many ids"],
)
def test_many_notes_are_read_in_reasonable_time(text: str) -> None:
    """Or refused; the size of what they become is bounded."""
    made, reason = to_html(text)
    assert reason is not None or len(made) < 2_000_000
