"""How far apart in time two articles about one story may be."""

from __future__ import annotations

from datetime import timedelta

# Apart from what compares texts: a run needs the second one for each new article, and mostly compares none.
TITLE_WINDOW = timedelta(days=3)
"""With the same title."""

TEXT_WINDOW = timedelta(days=30)
"""With nearly the same text."""
