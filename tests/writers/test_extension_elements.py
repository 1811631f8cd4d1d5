"""Further elements of a feed are written again as they came, if they can be written."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from aggregator.writers import WRITERS, Writer
from aggregator.writers.extension_elements import MAX_ELEMENTS, extensions
from aggregator.writers.feedgen_repair import NAMESPACES
from tests.support.channels import article_with, channel_of, item_of

FEEDS = [WRITERS["rss"], WRITERS["atom"]]
each_writer = pytest.mark.parametrize("writer", FEEDS, ids=lambda writer: writer.file_name)


@each_writer
@pytest.mark.parametrize("prefix", ["podcast", "yt"])
def test_known_namespaces_go_out_under_their_names(writer: Writer, prefix: str) -> None:
    """Repeats, texts and attributes included; in RSS and Atom alike."""
    extra = {f"{prefix}:thing": ["one", {"text": "two", "href": "https://a/?b&c"}, {"role": "x"}]}
    root = etree.fromstring(writer.render(channel_of(item_of(article_with(extra=extra)))))
    assert [(n.text, dict(n.attrib)) for n in root.iter(f"{{{NAMESPACES[prefix]}}}thing")] == [
        ("one", {}),
        ("two", {"href": "https://a/?b&c"}),
        (None, {"role": "x"}),
    ]


@each_writer
@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("itunes:title", "x"), ("media:credit", "x"), ("geo:lat", "5"), ("georss:point", "5 6")),
        *(("thr:total", "5"), ("slash:comments", "5"), ("wfw:commentRss", "https://a.example/")),
        *(("dc:publisher", "x"), ("creativeCommons:license", "https://a.example/")),
    ],
)
def test_elements_of_listed_namespaces_go_out_with_the_attributes_that_they_have(
    writer: Writer, name: str, text: str
) -> None:
    """Others of these namespaces are left out, and attributes that are not defined."""
    prefix, _, local = name.partition(":")
    extra = {name: [{"text": text, "thing": "x"}], f"{prefix}:thing": ["one"]}
    root = etree.fromstring(writer.render(channel_of(item_of(article_with(extra=extra)))))
    made = [n for n in root.iter(f"{{{NAMESPACES[prefix]}}}*") if "thing" in n.tag or n.tag.endswith(local)]
    assert [(n.text, dict(n.attrib)) for n in made] == [(text, {})]


@pytest.mark.parametrize(
    "extra",
    [
        {"evil:x": ["1"]},
        {"xml:lang": ["de"]},
        {"itunes:": ["1"]},
        {"itunes:a b": ["1"]},
        {"itunes:a:b": ["1"]},
        {"itunes:1st": ["1"]},
        {"itunes:ünter": ["1"]},
        {"itunes:xmlfoo": ["1"]},
        {"itunes:x><y": ["1"]},
        {"itunes:x": [None, 1, [], {}, "", " ", {"text": ""}, {"text": 1}]},
        {"itunes:x": 5},
        {"itunes:x": [{"xmlns": "urn:x"}, {"a:b": "1"}, {"a b": "1"}, {"": "1"}, {"XMLNS": "1"}]},
        {"dc:date": ["2020-01-01"], "dc:creator": ["Eve"], "dc:title": ["Other"]},
        {"title": "x", "weight": 3},
    ],
    ids=str,
)
def test_elements_that_cannot_or_must_not_be_written_are_left_out(extra: dict[str, Any]) -> None:
    """Names that XML forbids, shapes we do not know, and second answers to what we say ourselves."""
    assert extensions(article_with(extra=extra, headimg=None, enclosures=())) == []


def test_repeated_elements_are_dropped_and_the_rest_is_limited() -> None:
    """A stranger's feed does not decide how long ours gets."""
    same = article_with(extra={"podcast:person": ["Ann", "Ann"]}, headimg=None, enclosures=())
    assert len(extensions(same)) == 1
    many = article_with(extra={"podcast:person": [str(n) for n in range(5_000)]}, headimg=None, enclosures=())
    assert len(extensions(many)) == MAX_ELEMENTS


def test_lead_image_and_duration_are_written_once() -> None:
    """What the feed said itself comes first."""
    extra = {
        "media:thumbnail": [{"url": "https://tea.example/1.jpg", "width": "9"}],
        "itunes:duration": ["1:01"],
    }
    assert [e.name for e in extensions(article_with(extra=extra))] == ["itunes:duration", "media:thumbnail"]
    assert [e.name for e in extensions(article_with(extra={}))] == ["media:thumbnail", "itunes:duration"]
