"""The kinds of sources: bytes -> entries; pure, no input or output.

A new kind is one module (or package) with a `KIND`, and one line in the entry-point group
`aggregator.adapters` (pyproject.toml).
"""
