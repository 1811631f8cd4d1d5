"""The door: strict first, repaired second, lenient third."""

from __future__ import annotations

import contextlib
import gzip
import random

import pytest

from aggregator.adapters.feed import document as feed
from aggregator.adapters.feed import lenient, strict
from aggregator.errors import NotAFeed, ReadError

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Köln</title>
<item><title>One</title><link>http://a/1</link><guid>1</guid><description><![CDATA[<p>é]]></description></item>
<item><title>Two</title><link>http://a/2</link><guid>2</guid></item>
</channel></rss>"""


def titles(body: bytes) -> list[str]:
    """The titles that were read."""
    return [entry.title.value for entry in feed.read(body).entries if entry.title]


def test_a_well_formed_feed_has_no_problems() -> None:
    """The usual case."""
    found = feed.read(RSS.encode(), url="http://a/f", content_type="text/xml; charset=utf-8")
    assert titles(RSS.encode()) == ["One", "Two"]
    assert found.problems == []


def test_a_feed_without_entries_is_a_feed() -> None:
    """A new blog has none."""
    assert feed.read(b"<rss version='2.0'><channel/></rss>").entries == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (RSS.replace("One", "One & &nbsp; x").encode(), "line 3: not well formed"),
        (b"\n" + RSS.encode(), "line 2: not well formed"),
        (RSS.encode() + b"<?php error", "left out"),
        (RSS.replace("é", "\x03é").encode(), "not allow"),
        (RSS.encode("cp1252"), "read as windows-1252"),
        (RSS.replace("utf-8", "latin1").encode(), "bytes are UTF-8"),
        (RSS.replace("</title>\n", "</titel>\n").encode(), "mismatch"),
        (RSS.replace("<guid>", "<x:guid>").replace("</guid>", "</x:guid>").encode(), "prefix x"),
    ],
    ids=["ampersand", "leading line", "trailing junk", "control", "not utf-8", "lie", "tags", "prefix"],
)
def test_a_broken_feed_gives_its_entries_and_a_problem(body: bytes, says: str) -> None:
    """Never silently."""
    found = feed.read(body)
    assert len(found.entries) == 2
    assert any(says in str(problem) for problem in found.problems)


def test_a_truncated_feed_gives_its_complete_entries() -> None:
    """The one it stops in would be an article that changes at the next poll."""
    body = RSS.encode()
    assert titles(body[: body.index(b"<guid>2")]) == ["One"]


RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel rdf:about="c"><title>R</title>
<items><rdf:Seq><rdf:li rdf:resource="1"/></rdf:Seq></items></channel>
<item rdf:about="1"><title>One</title><content:encoded>a</content:encoded><description>b</description></item>
<item rdf:about="2"><title>Two</title></item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><id>1</id><title>One</title>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>a</p></div></content></entry>
<entry><id>2</id><title>Two</title></entry></feed>"""


@pytest.mark.parametrize("text", [RSS, RDF, ATOM], ids=["RSS", "RDF", "Atom"])
def test_wherever_a_feed_is_cut_its_entries_are_those_of_the_whole(text: str) -> None:
    """Also in its first entry, and in the tags after its last one."""
    body = text.encode()
    whole = feed.read(body).entries
    counts = set()
    for end in range(1, len(body)):
        try:
            cut = feed.read(body[:end]).entries
        except NotAFeed:
            continue
        assert cut == whole[: len(cut)]
        counts.add(len(cut))
    assert counts == {0, 1, 2}


def test_a_feed_that_closes_none_of_its_entries_may_be_whole() -> None:
    """Nothing says that its last one is cut."""
    assert titles(b"<rss><channel><item><title>One</title><item><title>Two</title>")[:1] == ["One"]


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252"])
def test_every_encoding_gives_the_same_feed(codec: str) -> None:
    """The declaration is right or absent."""
    text = RSS.replace("utf-8", codec.removesuffix("-sig").removesuffix("-le"))
    found = feed.read(text.encode(codec))
    assert found.info.title is not None
    assert (found.info.title.value, len(found.entries)) == ("Köln", 2)
    assert found.problems == []


def test_entities_of_its_own_are_resolved_and_bombs_are_not() -> None:
    """Plain ones are text; one that names another stays what it is."""
    plain = RSS.replace("<rss", '<!DOCTYPE rss [<!ENTITY me "Ann">]>\n<rss').replace("One", "&me;")
    assert titles(plain.encode())[0] == "Ann"
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol" * 10}">' for n in range(9))
    bomb = RSS.replace("<rss", f"<!DOCTYPE rss [{laughs}]>\n<rss").replace("One", "&l8;")
    with pytest.raises(ReadError, match="over a limit"):
        feed.read(bomb.encode())


def test_a_file_named_by_an_entity_is_not_opened() -> None:
    """External entities stay what they are."""
    attack = RSS.replace("<rss", '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<rss')
    assert "root:" not in "".join(titles(attack.replace("One", "&x;").encode()))


def test_too_deep_a_document_is_refused() -> None:
    """With the line and the reason."""
    with pytest.raises(ReadError, match="over a limit"):
        feed.read(b"<rss>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</rss>")


@pytest.mark.parametrize("seed", range(8))
def test_a_mutated_document_raises_only_our_errors(seed: int) -> None:
    """A few hundred mutations: bytes changed, cut out, repeated, and the pieces that break parsers put in."""
    pieces = [
        b"&#xD800;",
        b"&#x110000;",
        b"&#99999999999;",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"&x;",
        b"\xff",
        b"<a:b>",
    ]
    pieces += [
        b"</item>",
        b"<item>",
        b"<!DOCTYPE a [",
        b"\x00",
        b'xml:base="http://["',
        b"<feed",
        b"&",
        b"<?xml ",
    ]
    chance = random.Random(seed)
    for _ in range(60):
        body = bytearray(RSS.encode())
        for _ in range(chance.randint(1, 6)):
            at, end = sorted((chance.randrange(len(body)), chance.randrange(len(body))))
            kind = chance.randrange(3)
            if kind == 0:
                body[at:at] = chance.choice(pieces)
            elif kind == 1:
                del body[at : min(end, at + 40)]
            else:
                body[at] = chance.randrange(256)
        with contextlib.suppress(ReadError):
            feed.read(bytes(body))


def test_a_feed_that_feedparser_loses_items_of_is_read_by_recovery() -> None:
    """feedparser swallows the first item when the channel's title is closed by another name."""
    assert titles(RSS.replace("</title>\n", "</titel>\n").encode()) == ["One", "Two"]


def test_a_feed_that_recovery_loses_items_of_is_read_by_feedparser() -> None:
    """libxml2 puts the second item inside the first, whose paragraph is never closed."""
    assert titles(RSS.replace("</guid><desc", "</guid><p><desc").encode()) == ["One", "Two"]


def test_at_most_two_thousand_entries_of_a_broken_feed_are_read() -> None:
    """feedparser takes a second for every 8,000 of them; the rest is said to be left out, with the line."""
    items = "".join(f"<item><title>{n}<b></title></item>\n" for n in range(feed.MAX_BROKEN_ENTRIES + 500))
    found = feed.read(f"<rss version='2.0'><channel>\n{items}</channel></rss>".encode())
    assert len(found.entries) == feed.MAX_BROKEN_ENTRIES
    assert [p.where for p in found.problems if "only the first 2000" in p.text] == ["line 2002"]


def test_a_gzipped_feed_is_decompressed_up_to_a_limit() -> None:
    """Some servers compress twice, or serve `feed.xml.gz` as it lies on disk; a bomb is refused."""
    document = b"<rss version='2.0'><channel><title>T</title><item><title>One</title></item></channel></rss>"
    assert len(feed.read(gzip.compress(document)).entries) == 1
    bomb = gzip.compress(b"<rss>" + b" " * (feed.MAX_UNPACKED_BYTES + 1))
    with pytest.raises(NotAFeed, match="too large to unpack"):
        feed.read(bomb)


ATOM_XHTML = (
    "<feed xmlns='http://www.w3.org/2005/Atom'><id>urn:x</id><entry><id>urn:x:1</id><title>T</title>"
    "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a<?php x ?><!-- c -->&unknown; b</div>"
    "</content></entry>&unknown;<link href='x'"
)
NAMED_AS_FEEDPARSER_NAMES = (
    "<rss version='2.0'><channel><title>T</title><links>x</links><tags>x</tags><authors>x</authors><item>"
    "<title>One</title><links>x</links><tags>x</tags><content>x</content><authors>x</authors>"
    "<title_detail>x</title_detail><media_content>x</media_content><source>x</source><image>x</image></item><b></rss>"
)


@pytest.mark.parametrize("document", [ATOM_XHTML, NAMED_AS_FEEDPARSER_NAMES, ATOM_XHTML + ">&x;</feed>"])
def test_element_names_that_feedparser_uses_itself_do_not_confuse_it(document: str) -> None:
    """Entities and instructions among elements, and elements called as feedparser calls its own lists."""
    for end in range(len(document) - 120, len(document) + 1):
        with contextlib.suppress(ReadError):
            assert len(feed.read(document[:end].encode()).entries) <= 1
    for reader in (lenient.read, lambda body: strict.read(body, recover=True)):
        assert len(reader(document.encode()).entries) <= 1


@pytest.mark.parametrize(
    "stray",
    [b"\x80", b"\xff", b"\xc3", b"\xe4\xb8", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"],
    ids=bytes.hex,
)
@pytest.mark.parametrize("where", ["text", "attribute", "comment", "CDATA", "instruction", "after the end"])
def test_invalid_utf8_is_noticed_anywhere_in_a_document(stray: bytes, where: str) -> None:
    """The parser alone looks at them: one that it let through would be read as something else."""
    head = b"<rss version='2.0'><channel><title>A</title>"
    places = {
        "text": head + b"<item><title>x" + stray + b" y</title></item></channel></rss>",
        "attribute": head + b"<item><title a='x" + stray + b" y'>x</title></item></channel></rss>",
        "comment": head + b"<!--x" + stray + b" y--><item><title>x</title></item></channel></rss>",
        "CDATA": head + b"<item><title><![CDATA[x" + stray + b" y]]></title></item></channel></rss>",
        "instruction": head + b"<?x " + stray + b" y?><item><title>x</title></item></channel></rss>",
        "after the end": head + b"<item><title>x</title></item></channel></rss><!--x" + stray + b" -->",
    }
    found = feed.read(places[where])
    assert "not UTF-8" in found.problems[0].text
    assert len(found.entries) == 1


def test_text_that_xml_cannot_hold_is_legal_only_where_a_parser_has_seen_it() -> None:
    """What was recovered, or mended after parsing, is looked at again."""
    item = b"<rss version='2.0'><channel><item><title>K\xc3\xb6ln</title></item></channel></rss>"
    assert feed.read(item).is_legal
    assert not feed.read(item.replace(b"\xc3\xb6", b"\xc3\x83\xc2\xb6")).is_legal
    assert not feed.read(b"<rss><channel><item><title>x</item></channel></rss>").is_legal
