"""Kind `mail`: what becomes of one message's bytes."""

from __future__ import annotations

import random
from email.message import EmailMessage
from typing import Any

import pytest

from aggregator.adapters import testing as contract
from aggregator.adapters.mail.message import KIND, MailOptions
from aggregator.errors import ReadError
from aggregator.model.entry import Entry, Feed
from aggregator.model.resource import Resource
from aggregator.normalise import entries as normalising
from tests.support.imap import message

FROM = "From: Tea Weekly <news@tea.example>\n"


def read(body: bytes | str, **options: Any) -> Feed:
    """The message as a feed."""
    raw = body if isinstance(body, bytes) else body.encode("utf-8", "surrogateescape")
    found = KIND.read(
        Resource(url="imaps://mail.example/INBOX", body=raw, name="1.1"), MailOptions(**options)
    )
    assert isinstance(found, Feed)
    return found


def entry(body: bytes | str) -> Entry:
    """Its one entry."""
    (only,) = read(body).entries
    return only


def content(body: bytes | str) -> str:
    """The entry's content as found."""
    found = entry(body).contents
    return found[0].value if found else ""


def newsletter() -> EmailMessage:
    """A newsletter as programs send them: plain, HTML and a picture."""
    made = EmailMessage()
    made["From"] = '"Tée, Weekly" <News@Tea.example>'
    made["To"] = "me@home.example"
    made["Subject"] = "Grüner Tee — 緑茶"
    made["Date"] = "Mon, 01 Jan 2024 10:00:00 +0100"
    made["Message-ID"] = "<abc/1@tea.example>"
    made["List-Id"] = "Tea for all <all.tea.example>"
    made["Archived-At"] = "<https://tea.example/archive/1>"
    made["List-Archive"] = "<https://tea.example/archive>"
    made["List-Unsubscribe"] = "<mailto:leave@tea.example?subject=me>, <https://tea.example/leave?me=1&x=2>"
    made.set_content("Grüß\n\nGott\n")
    html = (
        "<html><head><style>p{color:red}</style></head><body>"
        '<div style="display:none">Preview</div><p>Grüß <b>Gott</b></p><img src="cid:logo">'
        '<img src="https://tea.example/tea.jpg" width=600 height=400>'
        '<p>See <a href="https://tea.example/more">more</a> or '
        '<a href="https://tea.example/leave?me=1&amp;x=2">leave</a>: https://tea.example/leave?me=1&amp;x=2</p>'
        "</body></html>"
    )
    made.add_alternative(html, subtype="html", charset="iso-8859-1", cte="quoted-printable")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="logo.png")
    return made


def test_a_newsletter_becomes_an_article() -> None:
    """With all that its headers say of it."""
    feed = read(newsletter().as_bytes())
    (article,) = normalising.articles(feed, source="Tea").document.articles
    assert (article.id, article.title) == ("mid:abc%2F1@tea.example", "Grüner Tee — 緑茶")
    assert (article.link, article.authors) == ("https://tea.example/archive/1", ("Tée, Weekly",))
    assert article.published is not None
    assert article.published.isoformat() == "2024-01-01T09:00:00+00:00"
    assert (article.origin.title, article.origin.link) == ("Tea for all", "https://tea.example/archive")
    assert "<p>Grüß <b>Gott</b></p>" in article.content
    assert article.headimg == "https://tea.example/tea.jpg"
    assert [word for word in ("cid:", "Preview", "color:red") if word in article.content] == []
    assert feed.problems == []


def test_links_to_unsubscribe_do_not_leave_us() -> None:
    """Any reader of the feed could end the subscription; other links stay."""
    markup = content(newsletter().as_bytes())
    assert "leave?" not in markup
    assert 'href="https://tea.example/more"' in markup
    plain = FROM + "List-Unsubscribe: <https://t.example/leave?1>\n\nLeave: https://t.example/leave?1\n"
    assert content(plain) == "<p>Leave: </p>"
    short = FROM + "List-Unsubscribe: <a>, <p>, <mailto:>\n\nA plan\n"
    assert content(short) == "<p>A plan</p>"


def test_the_readers_own_address_does_not_leave_us() -> None:
    """As far as the mail server says which it is; footers and links repeat it."""
    head = FROM + "Delivered-To: me@home.example\nContent-Type: text/html\n\n"
    body = '<p>Sent to me@home.example. <a href="https://t.example/?to=me%40home.example&amp;n=1">Settings</a></p>'
    assert content(head + body) == '<p>Sent to . <a href="https://t.example/?to=&amp;n=1">Settings</a></p>'


@pytest.mark.parametrize(
    ("sender", "subject", "expected"),
    [
        ("news@tea.example", "", 1),
        ("NEWS@TEA.EXAMPLE", "", 1),
        ("@tea.example", "", 1),
        ("", "", 1),
        ("@example", "", 0),
        ("ews@tea.example", "", 0),
        ("news@tea.example", "TEA 1", 1),
        ("news@tea.example", "coffee", 0),
    ],
    ids=["address", "case", "domain", "anybody", "another domain", "a part", "subject", "another subject"],
)
def test_messages_of_others_have_no_entry(sender: str, subject: str, expected: int) -> None:
    """By the address in From; its name may say anything."""
    assert len(read(message(1), sender=sender, subject=subject).entries) == expected
    forged = message(1, '"news@tea.example" <x@cake.example>')
    assert read(forged, sender="news@tea.example").entries == []


def test_plain_text_becomes_paragraphs() -> None:
    """Quotes stay where they are."""
    text = "One\ntwo <b>\n \n> quoted\n\nhttps://tea.example/?a=1&b=2 and more\n"
    assert content(FROM + "\n" + text) == (
        "<p>One<br>\ntwo &lt;b&gt;</p>\n<p>&gt; quoted</p>\n"
        '<p><a href="https://tea.example/?a=1&amp;b=2">https://tea.example/?a=1&amp;b=2</a> and more</p>'
    )


def test_flowed_text_is_joined() -> None:
    """Lines that end with a space go on (RFC 3676)."""
    flowed = "Content-Type: text/plain; format=flowed\n\nOne \ntwo\n-- \nMe\n"
    assert content(FROM + flowed) == "<p>One two<br>\n-- <br>\nMe</p>"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("=?utf-8?q?Gr=C3=BCn?= =?utf-8?Q?er_Tee?=", "Grüner Tee"),
        ("=?UTF-8?B?57c=?= =?UTF-8?B?keiMtg==?=", "緑茶"),
        ("=?utf-8*de?q?Tee?= and =?iso-8859-1?q?caf=E9?=", "Tee and café"),
        ("=?no-such-charset?q?Tea?=", "Tea"),
        ("=?utf-8?b?!!!?= x", "x"),
        ("=?utf-8?b?A?=", "A"),
        ("Grüner Tee", "Grüner Tee"),
        ("Gr\udcfcner Tee", "Grüner Tee"),
        ("back\\u0041slash \\uZZ", "back\\u0041slash \\uZZ"),
        ("=?utf-8?q?a=0D=0AX:_b?=", "a X: b"),
    ],
)
def test_subjects_are_read_as_they_were_meant(written: str, expected: str) -> None:
    """RFC 2047, what breaks it, and raw bytes."""
    title = entry(f"{FROM}Subject: {written}\n\nx\n").title
    assert title is not None
    assert title.value == expected


def test_a_message_without_an_id_keeps_the_one_that_is_made() -> None:
    """From what was written, not from the way that it took here."""
    first = entry(f"Received: a\n{FROM}Subject: S\n\nx\n").id
    assert first == entry(f"Received: b\nX-Spam: no\n{FROM}Subject: S\n\nx\n").id
    assert first != entry(f"{FROM}Subject: S\n\ny\n").id


def multipart(depth: int, inside: str = "Content-Type: text/html\n\n<p>deep</p>") -> str:
    """A message of multiparts in multiparts."""
    for number in range(depth):
        inside = (
            f'Content-Type: multipart/mixed; boundary="b{number}"\n\n--b{number}\n{inside}\n--b{number}--\n'
        )
    return FROM + inside


HOSTILE: dict[str, bytes | str] = {
    "multiparts without end": multipart(2_000),
    "ten thousand parts": FROM + "Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nx\n" * 10_000,
    "a boundary that never comes": FROM + "Content-Type: multipart/mixed; boundary=b\n\nx\n",
    "no boundary": FROM + "Content-Type: multipart/mixed\n\nx\n",
    "an empty boundary": FROM + 'Content-Type: multipart/mixed; boundary=""\n\n--\nx\n',
    "a boundary of bytes": FROM.encode()
    + b"Content-Type: multipart/mixed; boundary=\xff\xfe\n\n--\xff\xfe\n\nx\n",
    "comments in From": "From: " + "(" * 5_000 + "\nSubject: S\n\nx\n",
    "quotes in From": "From: " + '"\\' * 3_000 + "\n\nx\n",
    "a header that never ends": FROM + "Subject: " + "x" * 1_000_000,
    "thousands of headers": FROM + "X: y\n" * 50_000 + "\nx\n",
    "parameters without end": FROM + "Content-Type: text/plain" + ';a*0="' * 4_000 + "\n\nx\n",
    "continuations": FROM
    + "Content-Type: text/plain; "
    + "".join(f"a*{n}*=x''%FF;" for n in range(500))
    + "\n\nx\n",
    "an odd charset": FROM + "Content-Type: text/plain; charset=unknown\n\nx\n",
    "a codec that is none for text": FROM + "Content-Type: text/plain; charset=zip\n\nx\n",
    "an encoded charset": FROM + "Content-Type: text/plain; charset*=x'y'%FF\n\nx\n",
    "base64 junk": FROM + "Content-Transfer-Encoding: base64\n\n!!!!A\n",
    "uuencode junk": FROM + "Content-Transfer-Encoding: x-uuencode\n\nbegin 666 x\n~~~\n",
    "quoted-printable junk": FROM + "Content-Transfer-Encoding: quoted-printable\n\n=\n=ZZ==\n=",
    "NULs": FROM.encode() + b"Subject: a\0b\n\n\0\0\0",
    "encoded words": FROM + "Subject: " + "=?utf-8?q?" * 10_000 + "\n\nx\n",
    "brackets": FROM + "List-Unsubscribe: " + "<http:" * 100_000 + "\n\nx\n",
    "empty lines": FROM + "\n" + "\n \t" * 200_000,
    "elements": FROM + "Content-Type: text/html\n\n" + "<a href=x>" * 100_000,
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_messages_are_read_or_refused(body: bytes | str) -> None:
    """With nothing but a ReadError, and soon."""
    try:
        feed = read(body, sender="@tea.example")
    except ReadError:
        return
    assert len(feed.entries) <= 1


def test_random_bytes_in_headers_raise_nothing_else() -> None:
    """Of each sort of header that is read."""
    chance = random.Random(1)
    alphabet = "=?utf-8qb<>()\"';:,@\\ \t\n\udcff%*0123abc./"
    names = ("From", "Subject", "Message-ID", "Content-Type", "Date", "List-Id", "Content-Transfer-Encoding")
    for _ in range(500):
        lines = [f"{name}: " + "".join(chance.choices(alphabet, k=chance.randrange(60))) for name in names]
        body = "\n".join(lines) + "\n\n" + "".join(chance.choices(alphabet, k=80))
        try:
            assert read(body).version == "mail"
        except ReadError:
            continue


def test_nested_parts_are_read_up_to_a_limit() -> None:
    """Ten multiparts in each other are more than any program sends."""
    assert content(multipart(9)) == "<p>deep</p>"
    feed = read(multipart(50))
    assert [problem.text for problem in feed.problems] == ["it has no text; attachments are not read"]


def test_a_boundary_that_is_a_prefix_of_another_is_distinguished() -> None:
    """A line is a boundary as a whole (RFC 2046 §5.1.1)."""
    parts = "--ab\n\nplain\n--ab\nContent-Type: text/html\n\n<i>h</i>\n--ab--\n"
    inner = f"Content-Type: multipart/alternative; boundary=ab\n\n{parts}"
    outer = f"{FROM}Content-Type: multipart/mixed; boundary=a\n\n--a\n{inner}--a\n\nfooter\n--a--\n"
    assert content(outer) == "<i>h</i>"


def test_an_attachment_is_no_text() -> None:
    """A file of HTML that somebody sends along."""
    attached = "Content-Type: text/html\nContent-Disposition: attachment; filename=x.html\n\n<p>file</p>"
    parts = f"--b\n{attached}\n--b\n\nHello\n--b--\n"
    assert content(f"{FROM}Content-Type: multipart/mixed; boundary=b\n\n{parts}") == "<p>Hello</p>"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["", "Hello"], "<p>Hello</p>"),
        (["Content-Disposition: attachment\n", "Hello"], "<p>Hello</p>"),
        (["Content-Type: text/html\nContent-Disposition: attachment\n", "<p>Hello"], "<p>Hello</p>"),
        (
            ["", "See below.", "Content-Type: text/html\nContent-Disposition: attachment\n", "<b>News</b>"],
            "<p>See below.</p>\n<b>News</b>",
        ),
        (
            ["Content-Type: text/html\n", "<b>Hi</b>", "Content-Disposition: attachment\n", "Bye"],
            "<b>Hi</b>\n<p>Bye</p>",
        ),
        (
            ["", "Hi", "Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment\n", "file"],
            "<p>Hi</p>",
        ),
        (["", "Hi", "Content-Type: text/html\n", "<b>Hi</b>", "", "Footer"], "<b>Hi</b>"),
    ],
    ids=["text", "attached text", "attached HTML", "both", "HTML first", "a file", "alternatives"],
)
def test_a_text_that_is_attached_without_a_name_is_kept(parts: list[str], expected: str) -> None:
    """Some programs send the letter itself so."""
    written = "".join(f"--b\n{head}\n{body}\n" for head, body in zip(parts[::2], parts[1::2], strict=True))
    found = content(f"{FROM}Content-Type: multipart/mixed; boundary=b\n\n{written}--b--\n")
    assert "".join(found.split()) == "".join(expected.split())


@pytest.mark.parametrize(
    ("image", "left"),
    [
        ('<img src="cid:1" alt="A cup of tea">', "<p>A cup of tea</p>"),
        (
            '<a href="https://tea.example/"><img alt="Read  on" src=" CID:1 "></a>',
            '<p><a href="https://tea.example/">Read on</a></p>',
        ),
        ('<img src="cid:1" alt="1 < 2 & <b>">', "<p>1 &lt; 2 &amp; &lt;b&gt;</p>"),
        ('<img src="cid:1" alt="">', "<p></p>"),
        ('<img src="cid:1">', "<p></p>"),
    ],
)
def test_the_alternative_text_of_an_attached_picture_stays(image: str, left: str) -> None:
    """The picture itself is in the message, which readers of the feed do not have."""
    assert content(f"{FROM}Content-Type: text/html\n\n<p>{image}</p>") == left


def test_the_kind_keeps_the_contract() -> None:
    """What every kind promises."""
    samples = [
        contract.Resource(url="imaps://m.example/", body=newsletter().as_bytes(), name="1"),
        contract.Resource(url="imaps://m.example/", body=message(1), name="2"),
    ]
    assert contract.broken_promises(KIND, samples) == []
    assert contract.broken_promises(KIND, samples, {"sender": "@tea.example"}) == []
