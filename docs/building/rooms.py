"""Draws docs/rooms.svg: which room imports which, from the table in tests/test_house.py.

`python -m docs.building.rooms` writes it. A room stands below every room that imports it. An edge is left out
where a longer way says the same: `app` imports `store`, and so does `polling`, which `app` imports too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

DRAWING = Path(__file__).parents[1] / "rooms.svg"
WIDTH, MARGIN = 860, 20
ROW, BOX, LETTER, GAP, LANE = 74, 34, 8.4, 28, 16
_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d" \
font-family="system-ui, sans-serif" font-size="14">
  <title id="t">Which room imports which</title>
  <desc id="d">{description}</desc>
  <style>
    .box {{ fill: #fff; stroke: #4a5568; stroke-width: 1.5 }}
    .edge {{ fill: none; stroke: #64748b; stroke-width: 1.3 }}
    text {{ fill: #1a202c; text-anchor: middle }}
    @media (prefers-color-scheme: dark) {{
      .box {{ fill: #1f2937; stroke: #9ca3af }} .edge {{ stroke: #9ca3af }} text {{ fill: #f3f4f6 }}
    }}
  </style>
"""
_ROUNDS = 12
"""How often the rows are sorted anew by where their neighbours stand; they do not change after five."""

Node = tuple[str, str]
"""A room (with itself), or the place where an edge from one room to another passes a row."""


def drawing(allowed: Mapping[str, Iterable[str]]) -> str:
    """The SVG of a table room -> rooms that it imports; a room that is no key of the table is not drawn."""
    edges = {room: [other for other in others if other in allowed] for room, others in allowed.items()}

    @cache
    def reached(room: str) -> frozenset[str]:
        return frozenset(far for other in edges[room] for far in (other, *reached(other)))

    @cache
    def layer(room: str) -> int:
        users = [user for user, others in edges.items() if room in others]
        return 1 + max(map(layer, users), default=-1)

    direct = [
        (room, other)
        for room, others in edges.items()
        for other in others
        if not any(other in reached(between) for between in others)
    ]
    rows: list[list[Node]] = [[] for _ in range(1 + max(map(layer, edges)))]
    for room in edges:
        rows[layer(room)].append((room, room))
    ways = []
    for room, other in direct:
        passed = range(layer(room) + 1, layer(other))
        for row in passed:
            rows[row].append((room, other))
        ways.append([(room, room), *((room, other) for _ in passed), (other, other)])
    places = _placed(rows, ways, {room: layer(room) for room in edges})
    return _drawn(rows, ways, places, edges, {room: layer(room) for room in edges})


def _width(node: Node) -> float:
    return len(node[0]) * LETTER + 26 if node[0] == node[1] else LANE


def _placed(
    rows: list[list[Node]], ways: list[list[Node]], layers: Mapping[str, int]
) -> dict[tuple[int, Node], float]:
    """Where the middle of each node is, by its row: rows are sorted so that edges cross little."""
    near: dict[tuple[int, Node], list[tuple[int, Node]]] = {}
    for way in ways:
        top = layers[way[0][0]]
        steps = [(top + number, node) for number, node in enumerate(way)]
        for upper, lower in pairwise(steps):
            near.setdefault(upper, []).append(lower)
            near.setdefault(lower, []).append(upper)
    places: dict[tuple[int, Node], float] = {}
    for number, row in enumerate(rows):
        places.update(_spread(number, row))

    def wanted(key: tuple[int, Node]) -> float:
        around = [places[other] for other in near.get(key, [])]
        return sum(around) / len(around) if around else places[key]

    for turn in range(_ROUNDS):
        order = range(len(rows)) if turn % 2 == 0 else reversed(range(len(rows)))
        for number in order:
            rows[number].sort(key=lambda node, at=number: wanted((at, node)))  # type: ignore[misc]
            places.update(_spread(number, rows[number]))
    return places


def _spread(number: int, row: list[Node]) -> dict[tuple[int, Node], float]:
    """A row in the middle of the drawing, with equal gaps between its nodes."""
    free = WIDTH - 2 * MARGIN - sum(map(_width, row))
    gap = min(free / (len(row) + 1), 3 * GAP)
    left = (WIDTH - sum(map(_width, row)) - gap * (len(row) - 1)) / 2
    found = {}
    for node in row:
        found[number, node] = left + _width(node) / 2
        left += _width(node) + gap
    return found


def _drawn(
    rows: list[list[Node]],
    ways: list[list[Node]],
    places: Mapping[tuple[int, Node], float],
    edges: Mapping[str, list[str]],
    layers: Mapping[str, int],
) -> str:
    description = " ".join(f"{room} imports {', '.join(others)}." for room, others in edges.items() if others)
    parts = [_HEAD.format(width=WIDTH, height=ROW * len(rows), description=description)]
    for way in ways:
        top = layers[way[0][0]]
        path, before, start = "", 0.0, 0.0
        for step, node in enumerate(way):
            x, y = places[top + step, node], (top + step) * ROW + ROW / 2
            above, below = (y - BOX / 2, y + BOX / 2)
            if step == 0:
                path = f"M{x:.0f} {below:.0f}"
            else:
                path += f"C{before:.0f} {start + 22:.0f} {x:.0f} {above - 22:.0f} {x:.0f} {above:.0f}"
                path += f"V{below:.0f}" if step < len(way) - 1 else ""
            before, start = x, below
        parts.append(f'  <path class="edge" d="{path}"/>\n')
    for number, row in enumerate(rows):
        for node in row:
            if node[0] != node[1]:
                continue
            x, y, width = places[number, node], number * ROW + ROW / 2, _width(node)
            parts.append(
                f'  <rect class="box" x="{x - width / 2:.0f}" y="{y - BOX / 2:.0f}" width="{width:.0f}" '
                f'height="{BOX}" rx="6"/><text x="{x:.0f}" y="{y + 5:.0f}">{node[0]}</text>\n'
            )
    return "".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    from tests.test_house import ALLOWED

    DRAWING.write_text(drawing(ALLOWED), encoding="utf-8")
