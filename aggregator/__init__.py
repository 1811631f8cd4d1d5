"""Aggregator: many feeds in, a few clean feeds out.

>>> import aggregator
>>> document = aggregator.read(b"<rss version='2.0'><channel><title>News</title></channel></rss>")
>>> document.title, len(document.articles)
('News', 0)
"""

from importlib.metadata import version as _version

from aggregator import errors
from aggregator.model.article import Article, Document, Enclosure, Origin, Problem

DISTRIBUTION = "aggregator-republisher"
"""The name to install by; on the public index `aggregator` is another project."""

__version__ = _version(DISTRIBUTION)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from aggregator.reading.document import read

__all__ = ["Article", "Document", "Enclosure", "Origin", "Problem", "__version__", "errors", "read"]


def __getattr__(name: str) -> object:
    # Reading needs lxml, nh3 and feedparser: half of the start-up time of a command that reads nothing.
    if name == "read":
        from aggregator.reading.document import read

        return read
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
