"""Links that lead to one page have one key; those that lead to two have two."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.rules.stories.link_keys import canonical, fragment, host_labels, is_specific

SAME = "a.example/2026/story"


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example/2026/story",
        "http://www.a.example/2026/story/",
        "HTTPS://WWW.A.EXAMPLE:443/2026/story",
        "https://a.example:443/2026//story",
        "https://m.a.example/2026/story",
        "https://amp.a.example/2026/story",
        "https://a.example/2026/story/amp/",
        "https://a.example/2026/story.amp",
        "https://a.example/amp/2026/story",
        "https://a.example/2026/story?amp=1",
        "https://a.example/2026/story?outputType=amp&utm_source=x",
        "https://a.example/2026/story/index.html",
        "https://a.example/2026/story#comments",
        "https://a.example/2026/story?fbclid=1&amp;utm_medium=feed",
        "https://a.example/2026/%73tory",
        "https://user:secret@a.example./2026/story",
        "https://www.google.com/url?rct=j&url=https://a.example/2026/story%3Futm_source%3Dx&usg=1",
        "https://www.google.de/amp/s/www.a.example/2026/story/amp",
        "https://a-example.cdn.ampproject.org/c/s/a.example/2026/story",
        "https://web.archive.org/web/20261124000000id_/http://a.example/2026/story",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fa.example%2F2026%2Fstory%3Ffbclid%3D9&h=1",
    ],
)
def test_forms_of_one_page_have_one_key(link: str) -> None:
    """Scheme, www, ports, mobile and AMP forms, tracking, wrappers, escapes, a final slash."""
    assert canonical(link) == SAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.example/x?id=1", "https://a.example/x?id=2"),
        ("https://a.example/x?lang=de", "https://a.example/x?lang=en"),
        ("https://a.example/X", "https://a.example/x"),
        ("https://a.example/x", "https://b.example/x"),
        ("https://blog.a.example/x", "https://a.example/x"),
        ("https://a.example:8080/x", "https://a.example/x"),
        ("https://a.example/example", "https://a.example/ex"),
        ("https://a.example/amplifier", "https://a.example/lifier"),
        ("https://a.example/camp/x", "https://a.example/c/x"),
        ("https://youtu.be/a1b2c3d4e5F", "https://youtu.be/a1b2c3d4e5f"),
        (
            "https://www.google.com/url?url=https://a.example/1",
            "https://www.google.com/url?url=https://a.example/2",
        ),
    ],
)
def test_other_pages_have_other_keys(one: str, other: str) -> None:
    """What a page depends on stays in its key."""
    assert canonical(one) != canonical(other)


def test_known_addresses_of_one_page_have_one_key() -> None:
    """Videos, preprints, a site that changed its name; the order of parameters."""
    assert canonical("https://youtu.be/a1b2c3d4e5F?t=3") == canonical(
        "https://m.youtube.com/watch?v=a1b2c3d4e5F&list=P"
    )
    assert canonical("https://arxiv.org/pdf/2611.01234v3.pdf") == canonical("http://arxiv.org/abs/2611.01234")
    assert canonical("https://arxiv.org/abs/hep-th/9901001") == "arxiv.org/abs/hep-th/9901001"
    assert canonical("https://mobile.twitter.com/a/status/1?s=20") == canonical("https://x.com/a/status/1")
    assert canonical("https://a.example/x?b=2&a=1") == canonical("https://a.example/x?a=1&b=2")
    assert canonical("https://bücher.example/é") == canonical("https://xn--bcher-kva.example/%C3%A9")


@pytest.mark.parametrize(
    "link",
    [
        "",
        "mailto:a@b.example",
        "/relative",
        "https://",
        "https://[::1",
        "x" * 5_000,
        "https://a.example:99999/",
    ],
)
def test_links_that_are_not_web_addresses_have_no_key(link: str) -> None:
    """No exception is raised."""
    assert canonical(link) == ""


def test_deeply_nested_wrappers_are_limited() -> None:
    """A link may wrap itself as often as it likes."""
    link = "https://a.example/x"
    for _ in range(6):
        link = f"https://web.archive.org/web/2026/{link}"
    assert canonical(link)


@given(st.text(alphabet="abhmpstw:/?#&=.%@[]é数-1\ud800", max_size=60))
def test_equivalent_forms_of_any_link_have_one_key(text: str) -> None:
    """Strangers' links; http and https, www and none have one key."""
    assert canonical(f"https://a.example/{text}") == canonical(f"http://www.a.example/{text}")
    assert canonical(f"https://{text}") == canonical(f"HTTPS://{text}")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://a.example/", False),
        ("https://a.example/podcast", False),
        ("https://a.example/de-at", False),
        ("https://a.example/p/why-not", True),
        ("https://a.example/?p=12", True),
        ("https://a.example/why-we-left-the-cloud", True),
        ("https://a.example/12345", True),
    ],
)
def test_front_pages_and_sections_identify_no_story(link: str, expected: bool) -> None:
    """Many articles may link there."""
    assert is_specific(canonical(link)) is expected


def test_fragments_that_name_a_place_count() -> None:
    """`#v1.2` is another entry of one page, `#comments` is not."""
    assert fragment("https://a.example/x#v1.2") == "v1.2"
    assert fragment("https://a.example/x#comments") == fragment("https://a.example/x") == ""
    assert fragment("https://a.example/x#:~:text=so") == fragment("https://a.example/x#xtor=RSS-1") == ""


def test_a_site_may_call_itself_by_its_host() -> None:
    """With and without its ending."""
    assert host_labels("https://www.beacon.example/x") == ("beacon.example", "beacon")
    assert host_labels("https://news.beacon.co.uk/x")[-1] == "beacon"
    assert host_labels(None) == ()
