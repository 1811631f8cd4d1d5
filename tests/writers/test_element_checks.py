"""Passed-through elements leave in the form that their specifications want."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.writers.extension_elements import extensions
from aggregator.writers.rss import Rss
from tests.conformance.rss import check_rss
from tests.support.channels import article_with, channel_of, item_of

GROUP = (
    '<media:group><media:content url="https://a/1"/><media:content url="https://a/2"/>'
    "<media:title>One</media:title></media:group>"
)


def written(extra: dict[str, Any]) -> str:
    """Returns what leaves of these elements."""
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
                "media:community": [{"children": [{"@element": "media:statistics", "views": "5"}]}],
                "media:statistics": [{"views": "6"}],
                "media:starRating": [{"average": "3"}],
            },
            "",
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
            {
                "media:group": [
                    {
                        "children": [
                            {"@element": "media:content", "url": "https://a/1", "title": "x"},
                            {"@element": "media:content", "url": "https://a/2"},
                            {"@element": "media:title", "text": "One"},
                            {"@element": "media:title", "text": "Two"},
                        ]
                    }
                ]
            },
            GROUP,
        ),
        (
            {"media:group": [{"children": [{"@element": "media:title", "text": "One"}]}]},
            "<media:title>One</media:title>",
        ),
        (
            {"media:title": ["One", {"text": "Two", "type": "html"}, "Three"]},
            "<media:title>One</media:title>",
        ),
        ({"media:title": [{"text": "One", "type": "rich"}]}, "<media:title>One</media:title>"),
        (
            {
                "media:content": [
                    {"url": "https://a.example/1", "fileSize": "0", "medium": "photo", "lang": "?"}
                ]
            },
            '<media:content url="https://a.example/1"/>',
        ),
        (
            {"media:content": [{"url": "https://a.example/1", "type": "image/png; x=y", "medium": "Image"}]},
            '<media:content medium="image" type="image/png" url="https://a.example/1"/>',
        ),
        ({"media:hash": [{"text": "abc"}, {"text": "0" * 32, "algo": "sha-1"}]}, ""),
        (
            {"media:rating": ["nonadult", {"text": "PG", "scheme": "urn:mpaa"}]},
            "<media:rating>nonadult</media:rating>",
        ),
        ({"media:restriction": [{"text": "au", "type": "country"}]}, ""),
        (
            {"media:credit": [{"text": "Ann", "role": "Author"}, {"text": "Bo", "role": "friend"}]},
            '<media:credit role="author">Ann</media:credit><media:credit>Bo</media:credit>',
        ),
        ({"media:preview": ["x"], "media:embed": [{"url": "https://a.example/"}]}, ""),
        ({"dc:rightsHolder": ["Ann"], "dc:link": ["https://a.example/"], "dc:audience": ["all"]}, ""),
        ({"dc:type": ["Text", "Image"]}, "<dc:type>Text</dc:type>"),
        (
            {"dc:publisher": ["Ann", {"text": "Bo", "role": "x"}]},
            "<dc:publisher>Ann</dc:publisher><dc:publisher>Bo</dc:publisher>",
        ),
        ({"itunes:length": ["5"], "itunes:order": ["5"], "itunes:category": [{"text": "Arts"}]}, ""),
        ({"itunes:author": ["Ann", "Bo"]}, "<itunes:author>Ann</itunes:author>"),
        ({"itunes:episode": ["0"], "itunes:season": ["2"]}, "<itunes:season>2</itunes:season>"),
        ({"itunes:duration": ["1:75:00"]}, "<itunes:duration>8100</itunes:duration>"),
        ({"itunes:duration": ["0:5"]}, "<itunes:duration>5</itunes:duration>"),
        ({"itunes:subtitle": ["tea " * 100]}, f"<itunes:subtitle>{('tea ' * 63).strip()}…</itunes:subtitle>"),
        ({"itunes:summary": ["t" * 4_001]}, f"<itunes:summary>{'t' * 3_999}…</itunes:summary>"),
        (
            {"itunes:keywords": [", ".join(["tea"] * 100)]},
            f"<itunes:keywords>{', '.join(['tea'] * 51)}</itunes:keywords>",
        ),
        (
            {"georss:box": ["1 1 2 2"], "georss:point": [{"text": "1 1", "x": "y"}]},
            "<georss:point>1 1</georss:point>",
        ),
        ({"thr:in-reply-to": [{"ref": "tag:tea"}]}, ""),
        (
            {"thr:in-reply-to": [{"ref": "tag:tea.example,2026:1", "x": "y"}]},
            '<thr:in-reply-to ref="tag:tea.example,2026:1"/>',
        ),
        ({"thr:in-reply-to": [{"href": "https://a.example/"}]}, ""),
    ],
)
def test_elements_have_what_they_need_and_nothing_else(extra: dict[str, Any], wanted: str) -> None:
    """No text where none may be, no address that is not absolute, no part outside its whole."""
    assert written(extra) == wanted
