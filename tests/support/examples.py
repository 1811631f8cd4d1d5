"""How many generated cases the tests with hypothesis try."""

from __future__ import annotations

import os

_EFFORT = float(os.environ.get("AGGREGATOR_EXAMPLES", "1"))


def examples(usual: int) -> int:
    """So many cases at each run; `AGGREGATOR_EXAMPLES=10 pytest tests/rules` tries ten times as many."""
    return max(1, round(usual * _EFFORT))
