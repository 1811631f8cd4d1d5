"""Elements as text are what lxml would write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.normalise.xml_characters import legal
from aggregator.writers.markup import MarkupElement, attributes, escaped, nested, quoted
from tests.support.channels import TEXTS


@given(TEXTS.map(legal), TEXTS.map(legal))
def test_an_element_is_written_as_lxml_writes_it(text: str, value: str) -> None:
    """Byte for byte, line ends and quotes included."""
    made = etree.Element("x", a=value)
    made.text = text or None
    written = etree.tostring(made, encoding="UTF-8", xml_declaration=False)
    assert str(MarkupElement("x", text, {"a": value, "b": None})).encode() == written


@pytest.mark.parametrize("write", [escaped, quoted])
@given(text=st.text(st.sampled_from("&<>\"'\r\n\t ;#a\x85\u2028")))
def test_text_is_read_back_as_it_was(write: object, text: str) -> None:
    """A parser makes of it what it was made of."""
    assert callable(write)
    root = etree.fromstring(f"<x a='y'>{write(text)}</x>" if write is escaped else f'<x a="{write(text)}"/>')
    assert (root.text or "" if write is escaped else root.get("a")) == text


def test_nested_elements_are_on_separate_lines() -> None:
    """Laid out by depth, as lxml prints."""
    opened = "entry" + attributes({"xml:lang": "en", "other": None})
    assert nested(opened, ["<a/>", nested("b", ["<c/>"], 2)], 1) == (
        '<entry xml:lang="en">\n    <a/>\n    <b>\n      <c/>\n    </b>\n  </entry>'
    )


def test_elements_with_equal_attributes_are_equal() -> None:
    """Whatever the order of their attributes."""
    assert MarkupElement("a:b", "", {"x": "1", "y": "2"}) == MarkupElement("a:b", "", {"y": "2", "x": "1"})
