"""What was measured as tables and as a chart: no figure of them is typed by hand."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from peers import OURS

from feeds import ENTRIES

PHASES = ("first", "unchanged", "changed", "dated", "bodies", "publish", "nothing due", "sources")
EXPLAINED = {
    "first": "first poll",
    "unchanged": "all unchanged",
    "changed": "5 % changed",
    "dated": "other date, same entries",
    "bodies": "other bytes, same entries",
    "publish": "published again",
    "nothing due": "nothing due",
    "sources": "`sources`",
}
OF_STORES = f"{OURS}, without archives"
"""Ours, where the size of the store is what differs."""
_FACTS = ("seconds", "cpu_seconds", "peak_mb", "written_mb")
_MARKS = ("<!-- measured by make bench -->", "<!-- end of what make bench wrote -->")
_COLOURS = ("#1a7f64", "#63b39b", "#b5562b", "#5b6abf", "#8a8f98", "#c9a227")


@dataclass(frozen=True, slots=True)
class Cell:
    """What one program took in one phase over so many feeds, with so many articles held: medians of rounds."""

    feeds: int
    held: int
    phase: str
    peer: str
    rounds: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    written_mb: float

    @property
    def articles(self) -> int:
        """Articles of its feeds a second."""
        return round(self.feeds * ENTRIES / self.seconds)


def cells(runs: Iterable[Mapping[str, Any]]) -> list[Cell]:
    """The medians of what was measured, in order."""
    grouped: dict[tuple[int, int, str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        grouped.setdefault((run["feeds"], run["held"], run["phase"], run["peer"]), []).append(run)
    found = [
        Cell(*key, len(of_cell), *(statistics.median(run[fact] for run in of_cell) for fact in _FACTS))
        for key, of_cell in grouped.items()
    ]
    return sorted(
        found,
        key=lambda cell: (_is_of_store(cell), cell.feeds, PHASES.index(cell.phase), cell.held, cell.peer),
    )


def _is_of_store(cell: Cell) -> bool:
    return cell.peer == OF_STORES


def table(kept: Mapping[str, Any]) -> str:
    """All of it in Markdown: each with its ratio to the fastest program that is not ours, or to an empty store."""
    found = cells(kept["runs"])
    lines = [_said(kept, found), ""]
    lines += ["| feeds | held | | program | s | ratio | CPU s | peak MB | MB written | articles/s |"]
    lines += ["| ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for cell in found:
        ratio = _ratio(cell, found)
        values = (
            *(f"{cell.feeds:,}", f"{cell.held:,}", EXPLAINED[cell.phase], cell.peer),
            *(f"{cell.seconds:.2f}", "" if ratio is None else f"{ratio:.2f}", f"{cell.cpu_seconds:.1f}"),
            *(f"{cell.peak_mb:.0f}", f"{cell.written_mb:.0f}", f"{cell.articles:,}"),
        )
        lines.append(f"| {' | '.join(values)} |")
    if failed := kept.get("failed"):
        lines += ["", *(f"- {name} was left out: {reason}" for name, reason in failed.items())]
    return "\n".join(lines) + "\n"


def short_table(kept: Mapping[str, Any]) -> str:
    """Seconds of each program in each phase, over the most feeds that were measured with all of them."""
    found = [cell for cell in cells(kept["runs"]) if not _is_of_store(cell)]
    shown = _most(found)
    phases = [phase for phase in PHASES if any(cell.phase == phase for cell in shown)]
    lines = [
        "## Speed",
        "",
        f"Seconds for {shown[0].feeds:,} feeds of {ENTRIES} entries. {_said(kept, found)}",
        "",
    ]
    lines += [f"| | {' | '.join(EXPLAINED[phase] for phase in phases)} | peak MB |"]
    lines += [f"| --- |{' ---: |' * (len(phases) + 1)}"]
    for peer in dict.fromkeys(cell.peer for cell in shown):
        of_peer = {cell.phase: cell for cell in shown if cell.peer == peer}
        values = [f"{of_peer[phase].seconds:.2f}" if phase in of_peer else "–" for phase in phases]
        peak = max(cell.peak_mb for cell in of_peer.values())
        lines.append(f"| {peer} | {' | '.join(values)} | {peak:.0f} |")
    return "\n".join(lines) + "\n"


def _said(kept: Mapping[str, Any], found: Sequence[Cell]) -> str:
    rounds = {cell.rounds for cell in found}
    many = f"{min(rounds)} to {max(rounds)}" if len(rounds) > 1 else f"{max(rounds)}"
    versions = f"; {kept['versions']}" if kept.get("versions") else ""
    taken = "One round" if many == "1" else f"Medians of {many} rounds"
    return f"{taken} on {kept['machine']}, {kept['date']}{versions}."


def _ratio(cell: Cell, found: Sequence[Cell]) -> float | None:
    same = [c for c in found if (c.feeds, c.phase) == (cell.feeds, cell.phase)]
    if _is_of_store(cell):
        empty = [c.seconds for c in same if _is_of_store(c) and c.held == 0]
        return cell.seconds / empty[0] if empty else None
    others = [c.seconds for c in same if not c.peer.startswith(OURS)]
    return cell.seconds / min(others) if others else None


def _most(found: Sequence[Cell]) -> list[Cell]:
    if not found:
        return []
    peers = {feeds: {c.peer for c in found if c.feeds == feeds} for feeds in {c.feeds for c in found}}
    most = max(peers, key=lambda feeds: (len(peers[feeds]), feeds))
    return [cell for cell in found if cell.feeds == most]


def chart(kept: Mapping[str, Any]) -> str:
    """Bars of the seconds of each program, phase by phase, each phase on a scale of its own; SVG."""
    shown = _most([cell for cell in cells(kept["runs"]) if not _is_of_store(cell)])
    peers = [*dict.fromkeys(cell.peer for cell in shown)]
    colours = {peer: _COLOURS[n % len(_COLOURS)] for n, peer in enumerate(peers)}
    parts, top = [], 52
    for phase in PHASES:
        of_phase = [cell for cell in shown if cell.phase == phase]
        if not of_phase:
            continue
        longest = max(cell.seconds for cell in of_phase)
        parts.append(f'<text x="16" y="{top}" class="phase">{escape(EXPLAINED[phase].strip("`"))}</text>')
        for cell in of_phase:
            top += 20
            width = max(cell.seconds / longest * 380, 1)
            parts.append(f'<text x="200" y="{top + 4}" text-anchor="end">{escape(cell.peer)}</text>')
            bar = f'x="208" y="{top - 7}" width="{width:.1f}" height="14" fill="{colours[cell.peer]}"'
            parts.append(
                f'<rect {bar}/><text x="{212 + width:.1f}" y="{top + 4}">{cell.seconds:.2f} s</text>'
            )
        top += 34
    title = f"{shown[0].feeds if shown else 0:,} feeds of {ENTRIES} entries: seconds, less is better"
    said = f"{kept['machine']}, {kept['date']}"
    style = (
        "text{font:13px sans-serif;fill:#222}.title{font-weight:bold;font-size:15px}.phase{font-weight:bold}"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="680" height="{top + 10}" role="img">'
        f"<title>{escape(title)}</title><style>{style}</style>"
        f'<rect width="680" height="{top + 10}" fill="#fff"/>'
        f'<text x="16" y="24" class="title">{escape(title)}</text>{"".join(parts)}'
        f'<text x="16" y="{top}">{escape(said)}</text></svg>\n'
    )


def put(file: Path, text: str) -> None:
    """Puts a text between the marks of a Markdown file. Raises ValueError for a file without them."""
    before, start, rest = file.read_text(encoding="utf-8").partition(_MARKS[0])
    _, end, after = rest.partition(_MARKS[1])
    if not start or not end:
        raise ValueError(f"{file} has no place for it: {_MARKS[0]} and {_MARKS[1]}")
    file.write_text(f"{before}{start}\n\n{text}\n{end}{after}", encoding="utf-8")
