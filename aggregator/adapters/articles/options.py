"""The options of a source of kind `articles`."""

from __future__ import annotations

from aggregator.model.settings import Settings


class Options(Settings):
    """What of a folder is published.

    - `drafts`: also drafts and other files that their generator would not publish.
    - `future`: also articles whose date has not come yet, at once; else they wait for it.
    """

    drafts: bool = False
    future: bool = False
