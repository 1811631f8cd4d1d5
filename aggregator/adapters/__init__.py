"""One file per source kind: bytes -> entries; pure, no input or output.

A new kind is one file with a `KIND` in it, and one line in the entry-point group `aggregator.adapters`
(pyproject.toml).
"""
