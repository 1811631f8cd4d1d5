"""The common part of an item in RSS and Atom."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.model.article import Origin
from aggregator.writers.cleaned_items import Cleaned, cleaned
from aggregator.writers.markup import escaped
from aggregator.writers.xml_text import body
from tests.support.channels import article_with, item_of


def one(**changes: Any) -> Cleaned:
    return cleaned(item_of(article_with(**changes)))


def test_an_item_is_cleaned_once() -> None:
    """The second format takes what the first made; an equal item is another."""
    first, equal = item_of(), item_of()
    assert cleaned(first) is cleaned(first)
    assert first == equal
    assert cleaned(equal) is not cleaned(first)


@pytest.mark.parametrize(
    ("extra", "origin", "language"),
    [
        ({"language": "fr", "dc:language": ["de"]}, "en", "fr"),
        ({"dc:language": ["no tag", 5, "de"]}, "en", "de"),
        ({"dc:language": {"text": "de"}}, "en", "en"),
        ({"language": "no tag"}, None, None),
    ],
    ids=["its own", "Dublin Core's", "another shape", "none"],
)
def test_the_language_nearest_to_the_entry_counts(
    extra: dict[str, Any], origin: str | None, language: str | None
) -> None:
    """Only tags that are tags."""
    assert one(extra=extra, origin=Origin(language=origin)).language == language


@pytest.mark.parametrize(
    ("contributors", "expected"),
    [(["Cy", " Cy ", "", 5, "Di\0"], ["Cy", "Di"]), ("Cy", []), (None, [])],
    ids=["names", "not a list", "none"],
)
def test_contributors_are_names(contributors: object, expected: list[str]) -> None:
    """Each once."""
    assert one(extra={"contributors": contributors}).contributors == expected


def test_bodies_are_escaped() -> None:
    """Once for both formats."""
    assert one(content="<p>a&b</p>\r").content == b"&lt;p&gt;a&amp;b&lt;/p&gt;&#13;"
    assert one(summary="<p>a&b</p>\r").summary == "&lt;p&gt;a&amp;b&lt;/p&gt;&#13;"


@given(st.text() | st.text("<>&;#13]![CDAT \r\n\t\x00\x0b\x1f\ud800\ufffe\uffff\xa0\x85p/-"))
def test_any_content_is_well_formed_and_read_unchanged(html: str) -> None:
    """It is not parsed again in a document, and is equal to what was made of text."""
    made = one(content=html).content
    assert made == escaped(body(html)).encode()
    assert b"<" not in made
    read: list[str] = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = read.append
    parser.Parse(b"<a>" + made + b"</a>", True)
    assert "".join(read) == body(html)
