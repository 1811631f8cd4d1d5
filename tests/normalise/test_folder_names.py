"""Category names -> folders: safe, readable, stable, and never shared."""

from __future__ import annotations

from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.normalise.folder_names import RESERVED, folder_key, folder_name
from aggregator.writers.output_files import write_if_changed
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("category", "folder"),
    [
        ("Tech", "Tech"),
        ("tea and  cake", "tea-and-cake"),
        (" Tea ", "Tea"),
        ("tea - cake", "tea-cake"),
        ("C++", "C++"),
        ("R&D", "R&D"),
        ("Node.js", "Node.js"),
        ("科技", "科技"),
        ("人工智能 新闻", "人工智能-新闻"),
        ("Новости", "Новости"),
        ("cafe\u0301", "caf\u00e9"),
        ("हिन्दी", "हिन्दी"),
        ("❤️", "❤️"),
    ],
)
def test_a_harmless_name_stays_readable(category: str, folder: str) -> None:
    """No hash where nothing was lost but white space."""
    assert folder_name(category) == folder


@pytest.mark.parametrize(
    ("category", "folder"),
    [
        ("AI/ML", "AI-ML-e80d89da"),
        ("..", "category-5ec1f7e7"),
        ("../../etc", "etc-74ccf3c5"),
        ("CON", "CON-a3dbc4b6"),
        ("con.txt", "con-txt-d3bde286"),
        ("all", "all-5ef5ef03"),
        ("index.html", "index-html-0eb54730"),
        (".NET", "NET-357e7188"),
        ("", "category-e3b0c442"),
    ],
)
def test_a_lossy_name_has_a_hash_of_the_exact_category(category: str, folder: str) -> None:
    """These are in the public addresses of feeds: they must never change."""
    assert folder_name(category) == folder


@pytest.mark.parametrize(
    ("category", "taken"),
    [("tech", "Tech"), ("a-b", "a b"), ("cafe\u0301", "caf\u00e9"), ("STRASSE", "straße"), ("ﬁn", "fin")],
    ids=["case", "space and dash", "NFD and NFC", "sharp s", "ligature"],
)
def test_a_folder_name_in_use_gets_a_hash(category: str, taken: str) -> None:
    """Also where only some file systems would take the two for one."""
    other = folder_name(taken)
    folder = folder_name(category, [other])
    assert folder_key(folder) != folder_key(other)
    assert folder == folder_name(category, {other, "cake"})


def test_a_hash_in_use_is_replaced_by_another() -> None:
    """Somebody may name a category after the folder that another one would get."""
    folder = folder_name("AI/ML")
    assert folder_name(folder) == folder
    second = folder_name("AI/ML", [folder])
    assert folder_key(second) != folder_key(folder)
    assert len({folder, second, folder_name("AI/ML", [folder, second])}) == 3


@pytest.mark.parametrize("max_part", ["a", "é", "科", "e\u0323\u0301", "😀", "한"], ids=ascii)
def test_a_long_name_is_cut_between_characters(max_part: str) -> None:
    """At most 100 bytes, still valid UTF-8, and a letter keeps its marks."""
    folder = folder_name(max_part * 300)
    stem = folder.rpartition("-")[0]
    assert len(folder.encode()) <= 100
    assert normalize("NFKC", max_part * 300).startswith(stem)
    assert len(stem) % len(normalize("NFKC", max_part)) == 0


HOSTILE = [
    *(
        ".",
        "..",
        "...",
        "../x",
        "/etc/passwd",
        "//server/share",
        "\\\\server\\share",
        "C:\\x",
        "C:",
        "~",
        "~root",
    ),
    *(
        "a/b",
        "a\\b",
        "a/../../b",
        "a/./b",
        "..\\..\\x",
        "%2e%2e%2f",
        "%00",
        "\0",
        "a\0b",
        "\n",
        "\r\n",
        "\t",
        " ",
    ),
    *(
        "",
        "  ",
        ".hidden",
        ".git",
        ".htaccess",
        "-rf",
        "--help",
        "-",
        "a.",
        "a ",
        "a...",
        "a . . ",
        "*",
        "?",
        "a*b",
    ),
    *(
        "<script>",
        '"',
        "'",
        "a|b",
        "a:b",
        "a;b",
        "$(id)",
        "`id`",
        "${HOME}",
        "a\u2028b",
        "a\u0085b",
        "\u200b",
        "\ufeff",
    ),
    *(
        "\u202etxt.exe",
        "\u2066a\u2069",
        "\u061c",
        "\ud800",
        "a\udfffb",
        "\uffff",
        "\ufffe",
        "\U0010ffff",
        "\ue000",
    ),
    *(
        "CON",
        "con",
        "PRN",
        "AUX",
        "NUL",
        "nul.txt",
        "COM1",
        "com9.log",
        "LPT1",
        "COM¹",
        "lpt³.x",
        "CONIN$",
        "CONOUT$",
    ),
    *(
        "NUL ",
        "NUL.",
        "aux.tar.gz",
        "Con .txt",
        "all",
        "ALL",
        "Ａｌｌ",
        "articles",
        "assets",
        "status",
        "index.html",
        "INDEX.HTML",
    ),
    *(
        "feeds.opml",
        "sources.opml",
        "robots.txt",
        "favicon.ico",
        "rss.xml",
        "feed.json",
        "．．",
        "／etc",
        "․․",
        "a＼b",
    ),
    *(
        "\u0301",
        "\u0301/",
        "a" * 300,
        "科" * 300,
        "/" * 300,
        "." * 300,
        "a\u0301" * 300,
        "x" + "\u0301" * 5000,
        "#",
        "a?b#c",
    ),
    *(
        "a\x1bb",
        "\x7f",
        "\x9b",
        "\u3164",
        "\u00ad",
        "ß" * 60,
        "İ" * 80,
        "ﷺ" * 60,
        "desktop.ini",
        "Thumbs.db",
        "$MFT",
    ),
]


@pytest.mark.parametrize("category", HOSTILE, ids=lambda name: ascii(name)[1:25] or "empty")
def test_a_hostile_name_writes_nothing_outside_the_output_folder(tmp_path: Path, category: str) -> None:
    """A file in its folder is exactly two levels below the output folder, and nowhere else."""
    output = tmp_path / "output"
    folder = folder_name(category)
    write_if_changed(output / folder / "rss.xml", b"<rss/>")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [output / folder / "rss.xml"]
    assert [p.name for p in output.iterdir()] == [folder]
    check_folder(folder)


def check_folder(folder: str) -> None:
    assert folder.encode().decode() == folder
    assert 0 < len(folder.encode()) <= 100
    assert not set(folder) & set('/\\<>:"|?*%#$`;~\0')
    assert folder.isprintable()
    assert not any(c.isspace() for c in folder)
    assert folder[0] not in ".-"
    assert folder[-1] not in ".-"
    stem = folder_key(folder).partition(".")[0]
    assert stem not in {"con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt3"}
    assert folder_key(folder) not in RESERVED
    assert not folder.endswith((".html", ".xml", ".opml", ".txt", ".json"))


NAMES = st.one_of(
    st.text(max_size=40),
    st.text(st.sampled_from("aA.-/\\ :éE\u0301\u0300ßsSıİﬁi科\0\ud800\u202e%~"), max_size=8),
    st.sampled_from(HOSTILE),
    st.sampled_from(sorted(RESERVED)),
)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(NAMES, max_size=12, unique=True))
def test_two_categories_never_share_a_folder(categories: list[str]) -> None:
    """However they are written, and also where case or normal form makes no difference."""
    folders: list[str] = []
    for category in categories:
        folder = folder_name(category, folders)
        check_folder(folder)
        folders.append(folder)
    assert len(set(map(folder_key, folders))) == len(folders)
    assert len({normalize("NFD", folder).lower() for folder in folders}) == len(folders)


@settings(max_examples=examples(40), deadline=None)
@given(NAMES)
def test_a_key_is_the_same_for_each_way_of_writing_a_folder(category: str) -> None:
    """NFC, NFD, upper and lower case of one name have one key."""
    folder = folder_name(category)
    forms = {folder, normalize("NFD", folder), normalize("NFC", folder), folder.lower(), folder.casefold()}
    assert len(set(map(folder_key, forms))) == 1
    assert folder_key(folder_key(folder)) == folder_key(folder)
