"""Bytes to text."""

from __future__ import annotations

import codecs

import pytest

from aggregator.normalise import encoding


def document(declared: str, text: str = "日本語の記事") -> str:
    """A small document that declares an encoding."""
    return f'<?xml version="1.0" encoding="{declared}"?><rss><title>{text}</title></rss>'


@pytest.mark.parametrize(
    ("body", "content_type", "name"),
    [
        (codecs.BOM_UTF8 + document("latin1").encode(), None, "utf-8"),
        (codecs.BOM_UTF8 * 2 + document("utf-8").encode(), None, "utf-8"),
        (document("utf-16").encode("utf-16"), "text/xml; charset=utf-8", "utf-16-le"),
        (document("utf-32").encode("utf-32"), None, "utf-32-le"),
        (document("utf-16").encode("utf-16-be"), None, "utf-16-be"),
        (document("utf-8").encode("euc_jp"), "text/xml; charset=EUC-JP", "euc_jp"),
        (document("shift_jis").encode("shift_jis"), None, "cp932"),
        (document("x-sjis").encode("cp932"), None, "cp932"),
        (document("iso-2022-jp").encode("iso2022_jp"), None, "iso2022_jp"),
        (document("gb2312").encode("gb18030"), None, "gb18030"),
        (document("euc-jp").encode("euc_jp"), "text/xml; charset=ISO-8859-1", "euc_jp"),
        (document("utf-8", "日本語の記事" * 4).encode("euc_jp"), None, "euc_jp"),
    ],
)
def test_the_encoding_is_found(body: bytes, content_type: str | None, name: str) -> None:
    """Mark, HTTP, declaration, detection; the text is the same and without marks."""
    found = encoding.decode(body, content_type)
    assert found.encoding == name
    assert found.text.startswith("<?xml")
    assert "<title>日本語の記事" in found.text


@pytest.mark.parametrize("declared", ["iso-8859-1", "gb2312", "utf-16", "windows-1251"])
def test_utf8_that_is_called_something_else_is_utf8(declared: str) -> None:
    """The bytes know better than the declaration."""
    found = encoding.decode(document(declared).encode())
    assert "日本語" in found.text
    assert found.encoding == "utf-8"


def test_a_wrong_declared_encoding_is_a_problem() -> None:
    """It says what was declared and what was read."""
    problem = encoding.decode(document("iso-8859-1").encode()).problems[0]
    assert "but its bytes are UTF-8" in problem.text


def test_a_few_stray_bytes_are_read_as_windows_1252() -> None:
    """The rest stays UTF-8, and the problem has the line of the first."""
    body = document("utf-8").encode() + b"\n caf\xe9 \x93so\x94"
    found = encoding.decode(body)
    assert found.text.endswith("café “so”")
    assert "日本語" in found.text
    assert str(found.problems[0]) == "line 2: 3 bytes are not UTF-8; read as windows-1252"


def test_western_text_is_not_decoded_as_baltic() -> None:
    """The detector alone calls this windows-1257."""
    text = "Últimas Notícias: simulações de eleição em São Paulo, às três da manhã, não são más"
    found = encoding.decode(f"<rss>{text}</rss>".encode("cp1252"))
    assert (found.encoding, text in found.text) == ("cp1252", True)


@pytest.mark.parametrize(
    "label", ["unicode_escape", "punycode", "rot13", "zlib", "idna", "utf-7", "no-such", "."]
)
def test_a_name_that_is_no_encoding_of_documents_is_ignored(label: str) -> None:
    """Python has codecs that a stranger must not choose."""
    body = rf'<?xml version="1.0" encoding="{label}"?><rss>\x41+AGE-</rss>'.encode()
    assert encoding.decode(body, f"text/xml; charset={label}").text == body.decode()


@pytest.mark.parametrize(
    ("body", "content_type", "direct"),
    [
        (b"<rss/>", None, True),
        (document("UTF-8").encode(), "text/xml; charset=iso-8859-1", True),
        (document("gb2312").encode(), None, False),
        (document("utf-8").encode("utf-16"), None, False),
        (b"<rss/>", "text/xml; charset=iso-2022-jp", False),
    ],
)
def test_only_utf8_documents_without_another_declaration_skip_decoding(
    body: bytes, content_type: str | None, direct: bool
) -> None:
    """Everything else is decoded first."""
    assert encoding.may_be_utf8(body, content_type) is direct


@pytest.mark.parametrize(
    ("head", "content_type", "name"),
    [
        (b"<meta charset='euc-kr'>", None, "cp949"),
        (b"<META HTTP-EQUIV=content-type CONTENT='text/html;CHARSET=euc-kr'>", None, "cp949"),
        (b"<meta charset=euc-kr>", "text/html; charset=ISO-8859-1", "cp949"),
        (b"<meta charset=big5>", "text/html; charset=euc-kr", "cp949"),
    ],
    ids=["charset", "http-equiv", "a server's default", "HTTP first"],
)
def test_a_page_may_declare_its_encoding_in_an_element(
    head: bytes, content_type: str | None, name: str
) -> None:
    """HTML §13.2.3.2; feeds have no such element."""
    decoded = encoding.decode_page(head + "한국어 소식".encode("cp949"), content_type)
    assert (decoded.encoding, decoded.text[-6:]) == (name, "한국어 소식")
