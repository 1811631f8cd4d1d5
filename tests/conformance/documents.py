"""Is a document what its specification says it must be? Knows nothing of the package under test.

Each checker returns one line for each violation, naming the item; none means conformant. RSS is held to its
specification and to the RSS Advisory Board's Best Practices Profile, Atom to every MUST of RFC 4287 that can
be seen in a document, both to RFC 5005; JSON Feed to a schema made from its specification; OPML to its own.
All are also held to what this project promises on top: absolute addresses and ids that do not repeat.
"""

from __future__ import annotations

from tests.conformance.atom import check_atom
from tests.conformance.json_feed import check_json_feed
from tests.conformance.opml import check_opml
from tests.conformance.rss import check_rss

__all__ = ["check_atom", "check_json_feed", "check_opml", "check_rss"]
