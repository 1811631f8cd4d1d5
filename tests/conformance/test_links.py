"""The checker of feeds' heads: RFC 5005's chains and markers, and hubs, right and wrong."""

from __future__ import annotations

import pytest

from tests.conformance.documents import check_atom, check_rss

ATOM = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0">
<id>tag:tea.example,2026:f</id><title>Tea</title><updated>2026-01-02T03:04:05Z</updated>
<link rel="self" href="https://tea.example/archive/2/atom.xml"/><link rel="hub" href="https://hub.example/"/>
<link rel="current" href="https://tea.example/atom.xml"/>
<link rel="prev-archive" href="https://tea.example/archive/1/atom.xml"/>
<link rel="next-archive" href="https://tea.example/archive/3/atom.xml"/><fh:archive/>
<entry><id>https://tea.example/1</id><title>One</title><updated>2026-01-01T03:04:05Z</updated>
<author><name>Ann</name></author><link href="https://tea.example/1"/>
<source><id>tag:leaf.example,2026:f</id><title>Leaf</title><updated>2026-01-01T00:00:00Z</updated>
<link rel="self" href="https://leaf.example/f"/></source></entry></feed>"""

RSS = """<?xml version='1.0' encoding='UTF-8'?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:fh="http://purl.org/syndication/history/1.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">
<channel><title>Tea</title><link>https://tea.example/</link><description>About tea</description>
<image><url>https://tea.example/t.png</url><title>Tea</title><link>https://tea.example/</link></image>
<itunes:image href="https://tea.example/t.png"/>
<atom:link rel="self" href="https://tea.example/rss.xml" type="application/rss+xml"/>
<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="current" href="../../rss.xml"/>
<atom:link rel="prev-archive" href="../1/rss.xml"/><atom:link rel="next-archive" href="../3/rss.xml"/>
<fh:archive/><item><title>One</title><guid isPermaLink="false">tag:tea.example,2026:2</guid>
<dc:language>en-GB</dc:language></item></channel></rss>"""


def test_an_archive_in_its_chain_has_no_violations() -> None:
    """RFC 5005 §4, in Atom and, by its appendix, in RSS; with absolute addresses and with relative ones."""
    assert check_atom(ATOM.encode(), self_link=True) == []
    assert check_rss(RSS.encode(), self_link=True) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<fh:archive/>", "<fh:archive/><fh:complete/>", "2 of <fh:complete> and <fh:archive>"),
        ("<fh:archive/>", "<fh:archive/><fh:archive/>", "2 of <fh:complete>"),
        ("<fh:archive/>", "<fh:archive>yes</fh:archive>", "<fh:archive> is not empty"),
        ("<fh:archive/>", "<fh:complete/>", "complete, and yet in a chain"),
        ("</source>", "</source><fh:archive/>", "outside the feed's head"),
        ('rel="current"', 'rel="related"', "does not tell its feed"),
        ('rel="current"', 'rel="prev-archive"', "2 links rel='prev-archive'"),
        ('rel="hub"', 'rel="self"', "2 links rel='self'"),
        ("archive/3/", "archive/1/", "two are one document"),
        ("https://tea.example/archive/3/atom.xml", "/3/atom.xml", "link '/3/atom.xml'"),
        ("https://tea.example/archive/3/atom.xml", "../3 4/atom.xml", "link '../3 4/atom.xml'"),
        ('rel="hub" href="https://hub.example/"', 'rel="hub" href="ftp://hub/"', "none of http https"),
        ('rel="hub" href="https://hub.example/"', 'rel="hub" href="hub"', "link 'hub'"),
        ('<link rel="self" href="https://tea.example/archive/2/atom.xml"/>', "", "no self link to subscribe"),
        ("<entry>", '<link rel="hub" href="https://hub.example/"/><entry>', "named 2 times"),
        ("<entry>", '<link rel="next" href="https://tea.example/n"/><entry>', "both paged"),
        ("<source>", '<link rel="prev-archive" href="https://a/"/><source>', "belongs to a feed"),
        ("<source>", '<source><link rel="hub" href="https://a/"/>', "source: link rel 'hub' belongs"),
    ],
)
def test_each_violation_of_a_chain_is_found(old: str, new: str, message: str) -> None:
    """One change to the conformant archive gives the one message that names it."""
    assert old in ATOM
    found = check_atom(ATOM.replace(old, new, 1).encode())
    assert any(message in violation for violation in found), found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<fh:archive/>", "<fh:archive/><fh:complete/>", "2 of <fh:complete>"),
        ('rel="current"', 'rel="related"', "link '../../rss.xml'"),
        ("<url>https://tea.example/t.png</url>", "", "0 <url>"),
        ("<url>https://tea.example/t.png<", "<url>t.png<", "<url> 't.png'"),
        ("</image>", "<width>145</width></image>", "<width> '145'"),
        ("</image>", "<alt>x</alt></image>", "<alt> is not known"),
        ('href="https://tea.example/t.png"', 'src="https://tea.example/t.png"', "itunes:image href None"),
        ("en-GB", "English language", "<dc:language>"),
        ("<dc:language>", '<atom:link rel="hub" href="https://a/"/><dc:language>', "belongs to a feed"),
    ],
)
def test_each_violation_in_a_channel_is_found(old: str, new: str, message: str) -> None:
    """The same in RSS, and its image."""
    assert old in RSS
    found = check_rss(RSS.replace(old, new, 1).encode())
    assert any(message in violation for violation in found), found
