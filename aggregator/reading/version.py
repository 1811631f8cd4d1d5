"""The version of the reader; apart from it, so that comparing versions does not import it."""

READER_VERSION = 4
"""Version of the reader, raised when the same document may give different articles than before. Each source
is then read again once, at its next poll, and differences are stored without being counted as edits."""
