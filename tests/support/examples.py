"""How many cases are tried by tests that could go on for long."""

from __future__ import annotations

import os

_EFFORT = float(os.environ.get("AGGREGATOR_EXAMPLES", "1"))


def examples(usual: int) -> int:
    """So many cases at each run; `AGGREGATOR_EXAMPLES=10 pytest tests/rules` tries ten times as many."""
    return max(1, round(usual * _EFFORT))


def one_in(usual: int) -> int:
    """Of many documents that are alike, one in so many; `AGGREGATOR_EXAMPLES=4` takes four times as many."""
    return max(1, round(usual / _EFFORT))
