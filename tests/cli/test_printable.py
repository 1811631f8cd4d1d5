"""Nothing that a stranger says makes a line of ours, acts on the terminal, or turns its direction."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from aggregator.cli.main import main
from aggregator.cli.printable import AsJson, AsLines, as_json, one_line
from tests.support.site import Site

FORGED = "ok      Forged: 1 new, 0 changed, 0 unchanged"
HOSTILE = {
    "a newline": f"x\n{FORGED}",
    "a return": f"x\r{FORGED}",
    "both": f"x\r\n{FORGED}",
    "a line separator": f"x\u2028{FORGED}",
    "a paragraph separator": f"x\u2029{FORGED}",
    "next line": f"x\x85{FORGED}",
    "a vertical tab": f"x\v{FORGED}",
    "a form feed": f"x\f{FORGED}",
    "separators of files and groups": f"x\x1c\x1d\x1e{FORGED}",
    "an escape sequence": "x\x1b[2K\x1b[1Ared\x1b[31m",
    "a title of the window": "x\x1b]0;owned\x07",
    "a link of the terminal": "x\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "an 8-bit escape": "x\x9b2J\x9d0;owned\x9c",
    "backspaces": "safe\b\b\b\bevil",
    "nul and del": "x\0\x7f",
    "right to left": "x\u202egpj.exe",
    "isolates": "x\u2066\u2067\u2068\u2069",
    "marks of direction": "x\u200e\u200f\u061c",
    "tags": "x\U000e0041\U000e0042",
    "a lone surrogate": "x\ud800",
    "markup of ours": "x[red]y[/red][link=https://evil.example/]z",
    "an emoji code": "x :skull: y",
}
ACTIVE = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0)) if chr(c) != "\n"] + [
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c\u200e\u200f\U000e0041\ud800"
]


def is_harmless(printed: str) -> bool:
    """No control but the line breaks that are ours, and none of them makes the forged line."""
    return not any(c in printed for c in ACTIVE) and not any(
        line.startswith(("ok      Forged", "failed  Forged")) for line in printed.splitlines()
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_text_from_outside_is_printed_on_one_line(text: str) -> None:
    """What is harmless stays as it is."""
    line = one_line(text)
    assert is_harmless(line)
    assert len(line.splitlines()) == 1
    assert line.encode("utf-8")


@pytest.mark.parametrize(
    "text",
    ["Grüße, 世界, שלום, مرحبا", "👩‍👩‍👧 and 🏳️‍🌈", "می‌خواهم", "a\xa0b\xadc", "ภาษา\u200bไทย", "[x] {y} \\z"],
)
def test_every_script_stays_as_it_is(text: str) -> None:
    """Joiners and soft breaks too."""
    assert one_line(text) == text


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_json_has_the_same_value_without_control_characters(text: str) -> None:
    """A script reads the value, a terminal shows its escapes."""
    for printed in (as_json({"text": text}), as_json([text], indent=2)):
        assert is_harmless(printed)
        assert printed.encode("utf-8")
    assert json.loads(as_json(text)) == text


@pytest.mark.parametrize("formatter", [AsLines("%(levelname)s %(message)s"), AsJson()], ids=["lines", "json"])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_log_record_is_one_line(text: str, formatter: logging.Formatter) -> None:
    """Message, facts and traceback; nothing in a traceback can be taken for a record."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    logger.warning("%s: %s", text, text, extra={"facts": {"source": text}})
    written = stream.getvalue()
    assert len(written.splitlines()) == 1
    assert is_harmless(written)
    logger.error("it failed", exc_info=ValueError(text))
    lines = stream.getvalue().splitlines()[1:]
    assert all(line.startswith(("ERROR", "  ", "{")) for line in lines)
    assert is_harmless(stream.getvalue())


def hostile_feeds(home: Path, number: int, text: str) -> list[dict[str, object]]:
    """One source of each format, with the text in every place that it may have."""
    item = {"id": text, "title": text, "url": text, "authors": [{"name": text}], "date_published": text}
    broken = {"id": 5, "title": text, "content_html": {"not": text}}
    (home / f"{number}a.json").write_text(
        json.dumps(
            {"version": "https://jsonfeed.org/version/1.1", "title": text, "items": [item, broken, item]}
        )
    )
    (home / f"{number}b.json").write_text(json.dumps({"error": text}))
    entities = "".join(f"&#x{ord(c):x};" if c.isprintable() or c in "\t\r\n" else "?" for c in text)
    (home / f"{number}c.xml").write_text(
        f"<rss version='2.0'><channel><title>{entities}</title><item><guid>{entities}</guid>"
        f"<title>{entities}</title><pubDate>{entities}</pubDate><link>{entities}</link></item></channel></rss>"
    )
    (home / f"{number}d.txt").write_text(text.encode("utf-8", "replace").decode())
    (home / "notes").mkdir(exist_ok=True)
    (home / "notes" / f"{number}.md").write_text(
        f"---\ntitle: {json.dumps(text)}\ndate: {json.dumps(text)}\n---\nBody"
    )
    return [
        {"name": f"{number}{file}", "url": f"file:{number}{file}", "categories": ["News"]}
        for file in ("a.json", "b.json", "c.xml", "d.txt")
    ]


def test_no_command_prints_control_characters_from_feeds(site: Site) -> None:
    """Each that shows what feeds say, for people and for scripts."""
    sources = [hostile_feeds(site.home, number, text) for number, text in enumerate(HOSTILE.values())]
    notes = {"name": "Notes", "kind": "articles", "path": "notes"}
    site.configure(*(source for each in sources for source in each), notes)
    by_text = [
        arguments
        for number, text in enumerate(HOSTILE.values())
        for arguments in (
            ("preview", str(site.home / f"{number}a.json")),
            ("preview", str(site.home / f"{number}c.xml"), "--json"),
            ("versions", text.replace("\0", "")),
            ("why", text.replace("\0", "")),
        )
    ]
    for arguments in (
        ("fetch",),
        ("fetch", "--refetch", "--json"),
        ("sources",),
        ("sources", "--json"),
        ("status",),
        *by_text,
        ("rules test",),
        ("search", "*"),
        ("rules test", "--query", "*", "--json"),
        ("export",),
    ):
        result = site.run(*arguments)
        assert is_harmless(result.output), (arguments, result.output)
        assert result.output


def test_names_and_options_from_the_config_are_made_safe_too(site: Site) -> None:
    """An OPML list that was imported brings the names of others."""
    lines = ["<opml version='2.0'><body>"]
    for number, text in enumerate(HOSTILE.values()):
        shown = "".join(f"&#x{ord(c):x};" for c in text if c.isprintable() or c in "\t\r\n\x85\u2028\u202e")
        lines.append(f"<outline type='rss' text='{shown}' xmlUrl='https://{number}.example/{shown}'/>")
    (site.home / "list.opml").write_text("\n".join([*lines, "</body></opml>"]))
    file = str(site.home / "list.opml")
    for command, *arguments in (("import", file, "--dry-run"), ("import", file), ("check",), ("sources",)):
        assert is_harmless(site.run(command, *arguments).output)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_usage_error_repeats_what_was_typed_on_one_line(text: str) -> None:
    """click's own messages too, and a command of a group's; usage, hint and exit code stay click's."""
    text = text.replace("\0", "").replace("\ud800", "\udcff")  # as arguments may be
    for arguments in (
        [text],
        [f"--{text}"],
        [f"--config={text}"],
        ["fetch", f"--{text}"],
        ["fetch", f"--json={text}"],
        ["preview", "--", "--kind", text, "--json"],
        ["search", "x", "--limit", text],
        ["serve", "--listen", text],
        ["rules", text],
        ["backup", text, text],
        ["init", f"{__file__}/../{Path(__file__).name}", text],
    ):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2, (arguments, result.output)
        assert is_harmless(result.output), (arguments, result.output)
        assert len(result.output.splitlines()) <= 4, (arguments, result.output)
        assert "Error: " in result.output


def test_help_in_place_of_a_missing_command_keeps_its_lines() -> None:
    """It is our own text."""
    for arguments in ([], ["rules"]):
        shown, asked = (CliRunner().invoke(main, [*arguments, *help_]) for help_ in ([], ["--help"]))
        assert (shown.exit_code, shown.output) == (2, asked.output)
