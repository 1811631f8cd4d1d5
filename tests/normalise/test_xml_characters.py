"""The characters that XML cannot hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from aggregator.normalise.xml_characters import XML_FORBIDDEN, legal, legal_utf8


@given(st.text(st.characters()))
def test_clean_text_is_what_xml_allows_and_nothing_else_is_lost(text: str) -> None:
    """XML 1.0 §2.2, character by character."""
    cleaned = legal(text)
    kept = [
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    ]
    assert cleaned == "".join(kept)
    element = etree.Element("x")
    element.text = cleaned
    assert (etree.fromstring(etree.tostring(element)).text or "") == cleaned
    assert XML_FORBIDDEN.search(cleaned) is None
    assert legal_utf8(text) == cleaned.encode()
