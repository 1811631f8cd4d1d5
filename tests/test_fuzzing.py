"""A hundred hostile inputs of every sort, the same ones each time; benchmarks/fuzz.py tries many more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.support.examples import examples
from tests.support.fuzzing import TARGETS

CASES = {"commands": 40, "stores": 20, "article-page": 40}
EACH = 100


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_fuzzing_case_finds_a_mistake(name: str, tmp_path: Path) -> None:
    """Read or refused, answered or closed: never a traceback, a script, or a file that is not to be seen."""
    outcomes: Counter[str] = Counter()
    with TARGETS[name](tmp_path) as case:
        for number in range(examples(CASES.get(name, EACH))):
            try:
                outcomes[case(Random(f"{name} {number}"))] += 1
            except Exception as error:
                error.add_note(f"case {number} of {name}")
                raise
    assert len(outcomes) > 1, outcomes  # or the cases do not get far enough to show anything
