"""Links as written become absolute http(s) URLs, verbatim where they can be."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import read
from aggregator.normalise.links import FOLLOWED, MAX_CHARACTERS, WEB, resolve, with_ascii_host, without_login
from aggregator.writers.xml_text import address


@pytest.mark.parametrize(
    ("href", "bases", "expected"),
    [
        ("http://a.example/x?y=1&z=%41#f", (), "http://a.example/x?y=1&z=%41#f"),
        ("HTTP://A.example/%zz", (), "HTTP://A.example/%zz"),
        ("/x", ("https://a.example/b/c",), "https://a.example/x"),
        ("x y", ("https://a.example/b/c",), "https://a.example/b/x%20y"),
        ("../x", ("https://a.example/b/c/",), "https://a.example/b/x"),
        ("../x", ("https://a.example/w/http://b.example/t/u/",), "https://a.example/w/http://b.example/t/x"),
        ("x//y", ("https://a.example/b//c",), "https://a.example/b//x//y"),
        ("?q", ("https://a.example/b",), "https://a.example/b?q"),
        ("#f", ("https://a.example/b",), "https://a.example/b#f"),
        ("//b.example/x", ("http://a.example/",), "http://b.example/x"),
        ("//b.example/x", (), "https://b.example/x"),
        ("x", ("/blog/", "", None, "https://a.example/feed"), "https://a.example/blog/x"),
        ("  http://a.ex\nample/x\t", (), "http://a.example/x"),
        ("http://a.example/é", (), "http://a.example/%C3%A9"),
        ("http://bücher.example/", (), "http://bücher.example/"),
        ("http://[::1]:8080/x", (), "http://[::1]:8080/x"),
    ],
    ids=str,
)
def test_links_to_web_pages_become_absolute(href: str, bases: tuple[str | None, ...], expected: str) -> None:
    """Relative to the innermost base that makes it absolute; legal URLs are not touched."""
    assert resolve(href, *bases) == expected


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "mailto:a@b.example",
        "magnet:?xt=1",
        "http:x",
        "http:///x",
        "http://[::1",
        "http://good.example\\@evil.example/",
        "http://a b.example/",
        "http://a.example/" + "x" * MAX_CHARACTERS,
        "x",
        "",
        " \n",
    ],
    ids=lambda href: repr(href[:30]),
)
def test_a_link_that_is_not_a_web_address_is_none(href: str) -> None:
    """Other schemes, no host, two possible hosts, endless, or relative to nothing."""
    assert resolve(href) is None


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("gemini://tea.example/log/1.gmi", "gemini://tea.example/log/1.gmi"),
        ("gopher://tea.example:70/0/tea", "gopher://tea.example:70/0/tea"),
        ("ftp://tea.example/a b.txt", "ftp://tea.example/a%20b.txt"),
        ("irc://irc.tea.example/#tea", "irc://irc.tea.example/#tea"),
        ("XMPP:tea@tea.example?join", "XMPP:tea@tea.example?join"),
        ("geo:48.2,16.3", "geo:48.2,16.3"),
        ("sms:+15551234", "sms:+15551234"),
        ("matrix:r/tea:tea.example", "matrix:r/tea:tea.example"),
        ("news:comp.lang.python", "news:comp.lang.python"),
        ("tel:+15551234", "tel:+15551234"),
        ("javascript:alert(1)", None),
        ("vbscript:x", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("ms-msdt:/id PCWDiagnostic", None),
        ("ssh://-oProxyCommand=x/", None),
        ("chrome://settings", None),
        ("blob:https://tea.example/1", None),
    ],
)
def test_links_with_harmless_other_schemes_are_kept(href: str, expected: str | None) -> None:
    """One list of schemes is used for reading and for writing."""
    assert resolve(href, schemes=FOLLOWED) == expected
    assert address(href) == expected


@pytest.mark.parametrize("href", ["ftp:///x", "gopher://a b/", "irc://good.example\\@evil.example/"])
def test_addresses_of_other_schemes_need_a_host(href: str) -> None:
    """One that everybody takes for the same."""
    assert resolve(href, schemes=FOLLOWED) is None


def test_addresses_of_other_schemes_are_bases_too() -> None:
    """RFC 3986 §5.2 joins all schemes alike; what names no place is no base."""
    assert (
        resolve("../2.gmi", "gemini://tea.example/log/1/", schemes=FOLLOWED)
        == "gemini://tea.example/log/2.gmi"
    )
    assert resolve("/x", "magnet:?xt=1", "https://tea.example/") == "https://tea.example/x"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://müller.example/ü", "https://xn--mller-kva.example/ü"),
        ("https://Straße.example:8443/?q=ä", "https://xn--strae-oqa.example:8443/?q=ä"),
        ("https://me@例え.テスト/", "https://me@xn--r8jz45g.xn--zckzah/"),
        ("http://пример。испытание", "http://xn--e1afmkfd.xn--80akhbyknj4f"),
        ("https://i❤.example/", "https://xn--i-7iq.example/"),
        ("https://tea.example/ü", "https://tea.example/ü"),
        ("https://xn--mller-kva.example/", "https://xn--mller-kva.example/"),
        ("mailto:jürgen@tea.example", "mailto:jürgen@tea.example"),
    ],
)
def test_a_host_is_written_in_ascii(url: str, expected: str) -> None:
    """As browsers do; all else is verbatim."""
    assert with_ascii_host(url) == expected


def test_published_international_hosts_are_read_again() -> None:
    """Punycode and percent-encoding; a host that others percent-encoded is read as well."""
    assert address("https://müller.example/ü") == "https://xn--mller-kva.example/%C3%BC"
    assert resolve("https://xn--mller-kva.example/%C3%BC") == "https://xn--mller-kva.example/%C3%BC"
    assert resolve("https://m%C3%BCller.example/x") == "https://müller.example/x"
    assert resolve("https://%74ea.example/x") is None
    assert resolve("https://good.example%2F.evil.example/") is None


@pytest.mark.parametrize("link", ["magnet:?xt=urn:btih:1", "gemini://tea.example/1", "ftp://tea.example/1"])
def test_an_entrys_link_may_have_another_scheme(link: str) -> None:
    """But a web page is preferred."""
    item = f"<link>{escape(link)}</link>"
    rss = "<rss version='2.0' xmlns:a='http://www.w3.org/2005/Atom'><channel><item><title>T</title>{}</item></channel></rss>"
    (article,) = read(rss.format(item).encode()).articles
    assert article.link == link
    (article,) = read(rss.format(item + "<a:link href='https://tea.example/1'/>").encode()).articles
    assert article.link == "https://tea.example/1"


def test_an_articles_host_is_in_ascii_and_its_id_is_as_it_was() -> None:
    """A link is an id where there is no guid, and ids never change."""
    rss = "<rss version='2.0'><channel><item><title>T</title><link>https://müller.example/ü</link></item></channel></rss>"
    (article,) = read(rss.encode()).articles
    assert article.link == "https://xn--mller-kva.example/%C3%BC"
    assert article.id == "https://müller.example/%C3%BC"


def test_other_schemes_are_accepted_when_they_are_named() -> None:
    """Enclosures may be magnet links."""
    assert resolve("magnet:?xt=urn:btih:1", schemes=WEB | {"magnet"}) == "magnet:?xt=urn:btih:1"


def test_an_invalid_base_is_ignored() -> None:
    """The next one is used instead."""
    assert resolve("x", "http://[::1", "http://a.example/") == "http://a.example/x"


def test_a_login_is_removed_from_an_address() -> None:
    """The rest stays."""
    assert without_login("https://me:secret@a.example:8443/x?y#z") == "https://a.example:8443/x?y#z"
    assert without_login("https://a.example/@me") == "https://a.example/@me"
    assert without_login("https://[") == ""


_NASTY = st.text(alphabet=st.sampled_from("hHtps:/\\?#[]@ .%a1é\n\x00\ud800&\"'<>,;"), max_size=30) | st.text(
    max_size=20
)


@given(_NASTY, _NASTY)
def test_any_text_gives_a_web_url_or_none(href: str, base: str) -> None:
    """Never an exception, white space, a quote or another scheme."""
    url = resolve(href, base, "http://a.example/")
    assert url is None or (
        url.lower().startswith(("http://", "https://")) and not set(url) & set(' \n\t"<>\\`{}|^\x00\ud800')
    )
