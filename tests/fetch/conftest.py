"""Servers whose bytes on the wire a test chooses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.wire import Manner, Serve, Wire


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes servers that are closed after the test."""
    running: list[Wire] = []

    def made(manner: Manner) -> Wire:
        running.append(Wire(manner))
        return running[-1]

    yield made
    for wire in running:
        wire.close()
