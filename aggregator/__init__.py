"""Aggregator: many feeds in, a few clean feeds out.

>>> import aggregator
>>> document = aggregator.read(b"<rss version='2.0'><channel><title>News</title></channel></rss>")
>>> document.title, len(document.articles)
('News', 0)
"""

from importlib import import_module

__version__ = "0.1.0"
"""Not read from the package's metadata, which takes a fifth of a run that has nothing to do."""

DISTRIBUTION = "aggregator-republisher"
"""The name to install by; on the public index `aggregator` is another project."""

__all__ = ["Article", "Document", "Enclosure", "Origin", "Problem", "__version__", "errors", "read"]

_PLACES = {
    **dict.fromkeys(("Article", "Document", "Enclosure", "Origin", "Problem"), "aggregator.model.article"),
    "read": "aggregator.reading.document",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aggregator import errors
    from aggregator.model.article import Article, Document, Enclosure, Origin, Problem
    from aggregator.reading.document import read


def __getattr__(name: str) -> object:
    # Each when it is first asked for: reading needs lxml, nh3 and feedparser, `aggregator --help` nothing.
    if name == "errors":
        found: object = import_module("aggregator.errors")
    elif name in _PLACES:
        found = getattr(import_module(_PLACES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found
