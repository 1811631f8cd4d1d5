"""Passed-through elements leave in the form that their specifications want."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.writers.passed_through import extensions
from aggregator.writers.rss import Rss
from tests.conformance.rss import check_rss
from tests.support.channels import article_with, channel_of, item_of


def written(extra: dict[str, Any]) -> str:
    """What leaves of these elements."""
    article = article_with(extra=extra, headimg=None, enclosures=())
    body = Rss().render(channel_of(item_of(article), files=("rss.xml",)))
    assert check_rss(body) == []
    return "".join(map(str, extensions(article)))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *((text, "true") for text in ("yes", "Yes", "true", "TRUE", "explicit")),
        *((text, "false") for text in ("no", "clean", "Clean", "false")),
        *((text, None) for text in ("maybe", "", "yes, partly")),
    ],
)
def test_explicit_is_true_or_false(text: str, wanted: str | None) -> None:
    """Apple's tag of today."""
    made = written({"itunes:explicit": [{"text": text}]})
    assert made == (f"<itunes:explicit>{wanted}</itunes:explicit>" if wanted else "")


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("itunes:duration", "1:02:03", True),
        ("itunes:duration", "3723", True),
        ("itunes:duration", "one hour", False),
        ("itunes:episodeType", "Bonus", True),
        ("itunes:episodeType", "extra", False),
        ("itunes:season", "two", False),
        ("geo:lat", "52.5", True),
        ("geo:lat", "152.5", False),
        ("geo:long", "13.4 E", False),
        ("georss:point", "52.5 13.4", True),
        ("georss:point", "52.5, 13.4", True),
        ("georss:point", "52.5", False),
        ("georss:polygon", "1 1 2 2 3 3 1 1", True),
        ("georss:polygon", "1 1 2 2 3 3", False),
        ("slash:comments", "12", True),
        ("slash:comments", "a dozen", False),
        ("thr:total", "-1", False),
        ("wfw:commentRss", "https://tea.example/comments", True),
        ("wfw:commentRss", "comments", False),
        ("creativeCommons:license", "https://cc.example/by", True),
        ("creativeCommons:license", "by", False),
    ],
)
def test_texts_that_have_a_form_have_it_or_are_left_out(name: str, value: str, wanted: bool) -> None:
    """Each of its own specification."""
    assert (f"<{name}>" in written({name: [{"text": value}]})) is wanted


@pytest.mark.parametrize(
    ("extra", "wanted"),
    [
        (
            {"itunes:image": [{"href": "https://a.example/i.jpg", "text": "x"}]},
            '<itunes:image href="https://a.example/i.jpg"/>',
        ),
        ({"itunes:image": [{"text": "https://a.example/i.jpg"}]}, ""),
        ({"media:thumbnail": [{"url": "i.jpg"}]}, ""),
        ({"media:content": [{"url": "/a.mp3", "type": "audio/mpeg"}]}, ""),
        (
            {"media:content": [{"url": "https://a.example/a b|c.mp3", "height": "tall", "text": "\n"}]},
            '<media:content url="https://a.example/a%20b%7Cc.mp3"/>',
        ),
        (
            {
                "media:statistics": [{"views": "5", "favorites": "many"}],
                "media:starRating": [{"average": "3"}],
            },
            '<media:community><media:starRating average="3"/><media:statistics views="5"/></media:community>',
        ),
        (
            {
                "media:community": [{"children": [{"@element": "media:statistics", "views": "5"}]}],
                "media:statistics": [{"views": "6"}],
            },
            '<media:community><media:statistics views="5"/></media:community>',
        ),
        ({"geo:Point": [{"text": "52 13"}]}, ""),
        ({"geo:Point": [{"children": [{"@element": "geo:lat", "text": "52"}]}]}, ""),
        (
            {
                "geo:Point": [
                    {
                        "text": "here",
                        "children": [
                            {"@element": "geo:lat", "text": "52"},
                            {"@element": "geo:long", "text": "13"},
                        ],
                    }
                ]
            },
            "<geo:Point><geo:lat>52</geo:lat><geo:long>13</geo:long></geo:Point>",
        ),
        (
            {"media:group": [{"children": [{"@element": "media:starRating", "count": "2"}]}]},
            '<media:group><media:community><media:starRating count="2"/></media:community></media:group>',
        ),
        ({"thr:in-reply-to": [{"href": "https://a.example/"}]}, ""),
    ],
)
def test_elements_have_what_they_need_and_nothing_else(extra: dict[str, Any], wanted: str) -> None:
    """No text where none may be, no address that is not absolute, no part outside its whole."""
    assert written(extra) == wanted
