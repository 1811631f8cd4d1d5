"""Which hubs a document names: Link headers (RFC 8288) and links of feeds (W3C WebSub §4)."""

from __future__ import annotations

import json

import pytest

from aggregator.model.hub_links import HubLinks
from aggregator.model.resource import Resource
from aggregator.normalise.hub_links import MAX_HUBS, in_header
from aggregator.reading.document import Context, read_resource

URL = "https://a.example/x/feed?p=1"
HUB = "https://hub.example/"


@pytest.mark.parametrize(
    ("header", "hubs", "topic"),
    [
        pytest.param(f'<{HUB}>; rel="hub", <{URL}>; rel="self"', (HUB,), URL, id="one line"),
        pytest.param(f"<{HUB}>;rel=hub,<{URL}>;rel=self", (HUB,), URL, id="without quotes and spaces"),
        pytest.param(f"<{HUB}>; REL=HUB", (HUB,), "", id="any case, no self"),
        pytest.param(f'<{HUB}>; rel="next hub"', (HUB,), "", id="several relations"),
        pytest.param(f'<{HUB}>; title="a, b; rel=self"; rel="hub"', (HUB,), "", id="a comma in quotes"),
        pytest.param(
            '<feed.xml>; rel="self", </hub>; rel=hub',
            ("https://a.example/hub",),
            "https://a.example/x/feed.xml",
            id="relative",
        ),
        pytest.param(f"<{HUB}>; rel=hub; rel=self", (HUB,), "", id="the first rel counts"),
        pytest.param(
            f"<{HUB}>; rel=hub, <https://b.example/>; rel=hub", (HUB, "https://b.example/"), "", id="two"
        ),
        pytest.param(f"<{HUB}#here>; rel=hub", (HUB,), "", id="no fragment is asked for"),
    ],
)
def test_link_headers(header: str, hubs: tuple[str, ...], topic: str) -> None:
    """As RFC 8288 has them."""
    assert in_header(header, URL) == HubLinks(hubs=hubs, topic=topic)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param(f"<{URL}>; rel=self", id="no hub"),
        pytest.param(f'<{HUB}>; rel=hub; anchor="#other"', id="of another document"),
        pytest.param("<mailto:a@hub.example>; rel=hub", id="no web address"),
        pytest.param("<https://me:secret@hub.example/>; rel=hub", id="with a login"),
        pytest.param(f"<https://hub.example/{'a' * 3000}>; rel=hub", id="longer than any"),
        pytest.param("<" * 20_000, id="hostile"),
        pytest.param('<a>; x="' + "\\" * 16_000, id="hostile quotes"),
    ],
)
def test_headers_that_name_no_hub(header: str | None) -> None:
    """Then the document is looked at."""
    assert in_header(header, URL) is None


def test_only_a_few_hubs_are_used() -> None:
    """Each costs requests."""
    found = in_header(", ".join(f"<https://h{n}.example/>; rel=hub" for n in range(50)), URL)
    assert found is not None
    assert len(found.hubs) == MAX_HUBS


def test_hubs_of_feeds() -> None:
    """atom:link in RSS and Atom, `hubs` in JSON Feed; those of an entry do not count."""
    atom = "xmlns='http://www.w3.org/2005/Atom'"
    links = f"<link {atom} rel='hub' href='{HUB}'/><link {atom} rel='self' href='{URL}'/>"
    json_links = {"feed_url": URL, "hubs": [{"type": "WebSub", "url": HUB}]}
    documents = (
        f"<rss version='2.0'><channel><title>T</title>{links}</channel></rss>",
        f"<feed {atom}><title>T</title>{links}<entry><link rel='hub' href='https://e.example/'/></entry></feed>",
        json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [], **json_links}),
    )
    expected = HubLinks(hubs=(HUB,), topic=URL)
    for document in documents:
        read = read_resource(Resource(url=URL, body=document.encode()), Context())
        assert read.hub_links == expected, document
