"""The checker of OPML finds nothing in a list that conforms, and each violation in one that does not."""

from __future__ import annotations

import pytest

from tests.conformance.documents import check_opml

OPML = """<?xml version='1.0' encoding='UTF-8'?>
<opml version="2.0"><head><title>Tea</title><dateModified>Fri, 02 Jan 2026 03:04:05 GMT</dateModified>
<ownerName>Ann</ownerName><ownerId>https://ann.example/</ownerId></head><body>
<outline text="Drinks"><outline text="Leaf &amp; cup" title="Leaf &amp; cup" type="rss" version="RSS"
 xmlUrl="https://leaf.example/f" htmlUrl="https://leaf.example/" description="Tea" language="en"
 category="/drinks/tea,hot"/><outline text="Bean" type="rss" xmlUrl="http://bean.example/"/></outline>
<outline text="More" type="link" url="https://more.example/o.opml" created="Fri, 02 Jan 2026 03:04:05 GMT"/>
</body></opml>"""


def test_a_conformant_list_has_no_violations() -> None:
    """Subscriptions in a folder, and a link to another list."""
    assert check_opml(OPML.encode()) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("</head>", "", "not well-formed"),
        ('version="2.0"', 'version="1.1"', "the root"),
        ("<head>", "<head/><head>", "2 <head>"),
        ("</opml>", "<foot/></opml>", "<foot> is not known"),
        ("<title>Tea</title>", "<title>Tea</title><title>x</title>", "2 <title>"),
        ("<title>Tea</title>", "<title/>", "<title> is empty"),
        ("<ownerName>", "<owner>x</owner><ownerName>", "<owner> is not known"),
        ("<ownerName>Ann<", "<ownerName><b>Ann</b><", "child elements"),
        ("https://ann.example/", "ann", "<ownerId> 'ann'"),
        ("Fri, 02 Jan 2026 03:04:05 GMT<", "2026-01-02T03:04:05Z<", "no RFC 822 date"),
        ('created="Fri', 'created="Thu', "wrong day"),
        ('<outline text="Bean"', "<outline", "without text"),
        ('text="Bean"', 'text=" "', "text is empty"),
        ('"rss" xmlUrl="http://bean.example/"', '"rss"', "xmlUrl None"),
        ("http://bean.example/", "feed://bean.example/", "none of http"),
        ("http://bean.example/", "https://leaf.example/f", "occurs 2 times"),
        ('text="Bean" type="rss"', 'text="Bean" type="atom"', "not 'rss'"),
        ('version="RSS"', 'version="Atom"', "version 'Atom'"),
        ('htmlUrl="https://leaf.example/"', 'htmlUrl="/"', "htmlUrl '/'"),
        ('language="en"', 'language="English!"', "no language tag"),
        (' url="https://more.example/o.opml"', "", "url None"),
        ('category="/drinks/tea,hot"', 'category="/drinks,,"', "category"),
        ('text="More"', 'text="More" isComment="yes"', "isComment 'yes'"),
        ('text="More"', 'text="More" icon="x"', "has an attribute icon"),
        ("</body>", "<p/></body>", "<p> is not known"),
    ],
)
def test_each_violation_of_opml_is_found(old: str, new: str, message: str) -> None:
    """One change to the conformant list gives the one message that names it."""
    assert old in OPML
    found = check_opml(OPML.replace(old, new, 1).encode())
    assert any(message in violation for violation in found), found


def test_a_body_without_outlines_is_found() -> None:
    """OPML 2.0: a body contains one or more outlines."""
    body = b"<?xml version='1.0' encoding='UTF-8'?><opml version='2.0'><head/><body/></opml>"
    assert check_opml(body) == ["body: no <outline>"]
