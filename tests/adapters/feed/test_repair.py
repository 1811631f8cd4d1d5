"""Resanitising of text that is not well formed."""

from __future__ import annotations

import pytest

from aggregator.adapters.feed.repair import repair


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("\ufeff<?xml version='1.0'?><rss/>", "<rss/>"),
        ("\n\n<?xml version='1.0'?>\n<rss/>", "\n\n\n<rss/>"),
        ("<!-- about <rss> -->\n<?xml version='1.0'?><rss/>", "\n<rss/>"),
        ("<br />\n<b>Warning</b>: x <rss a='1'></rss>", "\n<rss a='1'></rss>"),
        ("<!DOCTYPE rss SYSTEM 'x'><rss/>", "<rss/>"),
        ("<rss>a & b &c d</rss>", "<rss>a &amp; b &amp;c d</rss>"),
        ("<rss>&nbsp;&eacute;&amp;&#65;&#x41;</rss>", "<rss>\xa0é&amp;&#65;&#x41;</rss>"),
        ("<rss>&AMP;&LT;</rss>", "<rss>&amp;&lt;</rss>"),
        ("<rss>&#0;&#xD800;&#x110000;&#150;</rss>", "<rss>\ufffd\ufffd\ufffd–</rss>"),
        ("<rss>&none;</rss>", "<rss>&amp;none;</rss>"),
        ("<rss><![CDATA[a & b &nbsp; < ]]></rss>", "<rss><![CDATA[a & b &nbsp; < ]]></rss>"),
        ("<rss><![CDATA[a\x0b\x00]]></rss>", "<rss><![CDATA[a]]></rss>"),
        ("<rss>1 < 2</rss>", "<rss>1 &lt; 2</rss>"),
        ("<rss><!-- a -- b\n--></rss>", "<rss>\n</rss>"),
        ("<rss></rss>insert into x", "<rss></rss>"),
        ("<rss></rss", "<rss></rss>"),
        ("<rss><channel><item>a</item><item>b", "<rss><channel><item>a</item></channel></rss>"),
        ("<a:feed><a:entry>a</a:entry><a:entry><a:ti", "<a:feed><a:entry>a</a:entry></a:feed>"),
    ],
)
def test_the_most_frequent_faults_are_repaired(broken: str, mended: str) -> None:
    """Everything else stays."""
    assert repair(broken).text == mended


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        ("<rss>\na & b</rss>", "line 2: not a reference in XML: '& b</rss>'"),
        ("<rss>\n\n\x00</rss>", "line 3: 1 characters that XML does not allow were left out"),
        ("<rss></rss>\njunk", "line 1: something after the document was left out: 'junk'"),
        (
            "<rss><item></item>\n<item>",
            "line 2: the document stops before its end and the entry it stops in; those before are whole",
        ),
    ],
)
def test_a_problem_names_the_fault_and_its_line(broken: str, problem: str) -> None:
    """Lines are counted in the original document."""
    assert [str(each) for each in repair(broken).problems] == [problem]


def test_entities_of_its_own_become_text_unless_they_name_others() -> None:
    """Text is escaped; a bomb stays a reference to nothing."""
    declared = """<!DOCTYPE rss [<!ENTITY me "A > n"> <!ENTITY two '&me;&me;'>]>"""
    assert repair(f"{declared}<rss>&me; &two;</rss>").text == "<rss>A &gt; n &amp;two;</rss>"


@pytest.mark.parametrize(
    ("text", "root"), [("<html><rss/></html>", "html"), ("<foo><b/></foo>", "foo"), ("words", ""), ("", "")]
)
def test_another_document_is_not_a_feed(text: str, root: str) -> None:
    """Its root is named."""
    found = repair(text)
    assert (found.is_feed, found.root) == (False, root)


@pytest.mark.parametrize("piece", ["<![CDATA[", "<!--", "<!DOCTYPE[", "<?x", "&", "<", "<a ", "</item"])
def test_repeated_beginnings_take_linear_time(piece: str) -> None:
    """A quadratic search would take minutes for these; this passes at once or not at all."""
    assert repair(piece * 50_000).root in ("", "a")
    assert repair("<rss>" + piece * 50_000).root == "rss"
