"""Explains a selector that matched nothing: how many elements match its beginnings."""

from __future__ import annotations

import re
from collections.abc import Sequence

from selectolax.lexbor import LexborHTMLParser, LexborNode

from aggregator.adapters.page.html_tree import is_selector, select

MAX_PREFIXES = 6

# One step of a selector: text in brackets or quotes belongs to the step.
_STEP = re.compile(r"\[[^\]]*\]|\([^)]*\)|[.#:]?:?[\w-]+|\*|\s*[>+~,]\s*|\s+|.", re.DOTALL)


def what_matches(within: Sequence[LexborHTMLParser | LexborNode], selector: str) -> str:
    """How many elements match each prefix of a selector: shows which step fails."""
    counts = {
        prefix: sum(len(select(each, prefix)) for each in within)
        for prefix in prefixes(selector, MAX_PREFIXES)
    }
    counted = ", ".join(f'{count} match "{prefix}"' for prefix, count in counts.items())
    return f"there {counted}" if counted else "there is nothing else to match"


def prefixes(selector: str, limit: int) -> list[str]:
    """The prefixes of a selector that are selectors themselves, the shortest first; at most `limit`."""
    found: list[str] = []
    written = ""
    for step in _STEP.findall(selector[:500]):
        written += step
        prefix = written.strip()
        if prefix != selector.strip() and prefix not in found and is_selector(prefix):
            found.append(prefix)
    return found[:limit]
