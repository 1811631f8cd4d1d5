"""Damaged stored positions are ignored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Config
from aggregator.notify.digests import Digests
from aggregator.store import Store
from tests.conftest import NOW

RIGHT = {"number": 0, "due": "2024-01-01T07:00:00+00:00"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"due": "2024-01-01"},
        {"due": 1},
        {"number": -(10**30)},
        {"number": 10**30},
        {"number": None},
        {"number": float("inf")},
    ],
)
def test_impossible_stored_positions_are_ignored(tmp_path: Path, wrong: dict[str, Any]) -> None:
    """A damaged setting begins anew, and ends no run."""
    config = Config.model_validate({"digest": [{"name": "tea", "every": "day"}]})
    store = Store(tmp_path / "store.db")
    try:
        store.database.remember("digests", json.dumps({"tea": {**RIGHT, **wrong}}))
        digests = Digests(lambda: config, store)
        digests.begin(NOW)
        assert not digests.is_due(NOW)
        assert digests.make(NOW) == 0
    finally:
        store.close()
