"""Bytes -> text: byte order mark, HTTP charset, XML declaration, detection; also when these are wrong.

The order is that of RFC 7303 §3, with two exceptions from measurements of real feeds: bytes beyond ASCII that
are valid UTF-8 are UTF-8 whatever was declared (text in another encoding is valid UTF-8 only by chance, and
only if it has a few such bytes), and a server's Latin-1 (Apache's default) does not override the document's
own declaration.
"""

from __future__ import annotations

import codecs
import re

from aggregator.model.article import Problem
from aggregator.model.struct import Struct

DETECT_BYTES = 16_384
"""How many bytes of a document without a correct declaration are examined to detect its encoding."""
FEW_BYTES = 12
"""With fewer bytes beyond ASCII, detection is guessing: windows-1252, the most probable, is used."""
META_BYTES = 4_096
"""How far into a page a declaration is searched; browsers search 1,024 bytes, but pages write it later."""
_BEYOND_ASCII = bytes(range(0x80, 0x100))


class Decoded(Struct, frozen=True):
    """A document's text without byte order mark, the encoding it was in, and what was wrong with that."""

    text: str
    encoding: str
    problems: tuple[Problem, ...] = ()


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FIRST_BYTES = (  # XML 1.0 appendix F: "<" says what a document without a mark is in
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)

# The larger encodings that browsers use (WHATWG Encoding) for documents labelled with a smaller one.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_KNOWN = frozenset(
    {
        "utf-8",
        "gb18030",
        "hz",
        "big5hkscs",
        "cp932",
        "euc_jp",
        "iso2022_jp",
        "cp949",
        "johab",
        "koi8-r",
        "koi8-u",
    }
    | {"mac-roman", "mac-cyrillic", "cp874", "cp866", "cp437", "cp850"}
    | {f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)}
    | {f"cp{n}" for n in range(1250, 1259)}
    | {"utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"}
)
"""Encodings that a document may name; Python's other codecs include slow ones (punycode) and non-text ones.
"""
_ALIASES = {"x-sjis": "cp932", "windows-31j": "cp932", "x-gbk": "gb18030", "ks_c_5601-1987": "cp949"}
_SHIFTED = frozenset({"iso2022_jp", "hz"})
"""Encodings in ASCII bytes: they look like UTF-8 and are not."""

_LIKELY = ["gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1251", "koi8_r", "cp1252", "cp1250", "cp1253"]
_LIKELY += ["cp1254", "cp1255", "cp1256", "cp874"]

_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:+-]{1,40})", re.ASCII | re.IGNORECASE)
_META = re.compile(rb"<meta\s[^>]{0,200}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:+-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(
    rb"<\?xml\s[^>]{0,200}?encoding\s{0,9}=\s{0,9}[\"']\s{0,9}([\w.:+-]{1,40})", re.IGNORECASE
)


def may_be_utf8(body: bytes, content_type: str | None = None) -> bool:
    """Whether these bytes may be parsed as UTF-8 XML: nothing declares another encoding."""
    head = body[:4]
    if head.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        return False
    return _declared(body) in (None, "utf-8") and _charset(content_type) not in _SHIFTED


def is_utf8(body: bytes) -> bool:
    """Whether these bytes are UTF-8."""
    return body.isascii() or _strict(body, "utf-8") is not None


def decode(body: bytes, content_type: str | None = None) -> Decoded:
    """The document's text, and what had to be guessed or replaced. Never raises."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return _sure(body[len(mark) :], encoding)
    for first, encoding in _FIRST_BYTES:
        if body.lstrip(b" \t\r\n").startswith(first):
            return _sure(body, encoding)
    declared = [e for e in (_charset(content_type), _declared(body)) if e]
    if len(declared) == 2 and declared[0] == "cp1252":
        declared.reverse()
    if not _SHIFTED.intersection(declared) and (text := _strict(body, "utf-8")) is not None:
        lie = declared and declared[0] != "utf-8" and not body.isascii()
        reason = f"declared as {declared[0]}, but its bytes are UTF-8" if lie else ""
        return Decoded(text, "utf-8", (Problem(text=reason),) if reason else ())
    for encoding in declared:
        if encoding != "utf-8" and (text := _strict(body, encoding)) is not None:
            return Decoded(text, encoding)
    text, stray = _mended(body)
    beyond_ascii = len(body) - len(body.translate(None, _BEYOND_ASCII))
    if stray <= FEW_BYTES or stray * 4 < beyond_ascii:  # too few to detect by, or far more of it is UTF-8
        reason = f"{stray} bytes are not UTF-8; read as windows-1252"
        return Decoded(text, "utf-8", (Problem(text=reason, where=_line_of_first_fault(body)),))
    encoding = _detected(body)
    found = _strict(body, encoding)
    if found is None:
        encoding, found = "cp1252", body.decode("cp1252", "cp1252-stray")
    reason = f"declared as {declared[0]}, but its bytes are not" if declared else "declares no encoding"
    problem = Problem(text=f"{reason}; read as {encoding}", where=_line_of_first_fault(body))
    return Decoded(found, encoding, (problem,))


def decode_page(body: bytes, content_type: str | None = None) -> Decoded:
    """Like `decode`, for a web page, which may declare its encoding in a `<meta>` element (HTML §4.2.5.4)."""
    declared = _META.search(body, 0, META_BYTES)
    if declared is not None and _charset(content_type) in (None, "cp1252"):
        label = declared[1].decode("ascii", "ignore")
        # The declaration was read as ASCII, so a two-byte encoding is impossible (HTML §13.2.3.2).
        content_type = (
            None if label.lower().startswith(("utf-16", "utf-32")) else f"text/html; charset={label}"
        )
    return decode(body, content_type)


def _sure(body: bytes, encoding: str) -> Decoded:
    text = _strict(body, encoding)
    if text is not None:
        return Decoded(text.lstrip("\ufeff"), encoding)
    text = _mended(body)[0] if encoding == "utf-8" else body.decode(encoding, "replace")
    problem = Problem(text=f"some bytes are not {encoding}, although its byte order mark says so")
    return Decoded(text.lstrip("\ufeff"), encoding, (problem,))


def _strict(body: bytes, encoding: str) -> str | None:
    try:
        return body.decode(encoding)
    except UnicodeError:
        return None


def _known(label: str) -> str | None:
    """The codec of a label; None if documents may not use it."""
    label = label.lower()
    try:
        codec = _ALIASES.get(label) or codecs.lookup(label).name
    except (LookupError, ValueError):
        return None
    codec = _SUPERSETS.get(codec, codec)
    return codec if codec in _KNOWN else None


def _charset(content_type: str | None) -> str | None:
    found = _CHARSET.search(content_type or "")
    return _known(found.group(1)) if found else None


def _declared(body: bytes) -> str | None:
    """The encoding of the XML declaration; not a two-byte one, because the declaration was read as ASCII."""
    found = _DECLARATION.search(body, 0, 1000)
    encoding = _known(found.group(1).decode("ascii", "ignore")) if found else None
    return None if encoding and encoding.startswith(("utf-16", "utf-32")) else encoding


def _mended(body: bytes) -> tuple[str, int]:
    """The text with each byte that is not UTF-8 read as windows-1252, and the number of such bytes."""
    text = body.decode("utf-8", "cp1252-stray")
    return text, len(_STRAY.findall(body.decode("utf-8", "surrogateescape")))


def _stray(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(bytes([b]).decode("cp1252", "replace") for b in bad), error.end


codecs.register_error("cp1252-stray", _stray)
_STRAY = re.compile("[\udc80-\udcff]")


def _line_of_first_fault(body: bytes) -> str:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body.count(b"\n", 0, error.start)
        return f"line {before + 1}"
    return ""


def _detected(body: bytes) -> str:
    """The most probable encoding, judged by the part of the document with the first byte beyond ASCII."""
    first = re.search(rb"[\x80-\xff]", body)
    start = max(0, (first.start() if first else 0) - 200)
    # Imported here: few documents need detection.
    from charset_normalizer import from_bytes

    found = from_bytes(body[start : start + DETECT_BYTES], cp_isolation=_LIKELY)
    best = found.best()
    western = next((each for each in found if each.encoding == "cp1252"), None)
    if best is None or (
        western and western.chaos <= best.chaos and western.coherence > best.coherence - 0.05
    ):
        return "cp1252"  # the detector prefers any similar encoding that fits as well
    return _known(best.encoding) or "cp1252"
