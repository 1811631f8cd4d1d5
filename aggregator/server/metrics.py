"""Metrics for Prometheus, written by prometheus-client: an extra, imported at the first request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from aggregator import __version__
from aggregator.server.metric_counts import Counts, Histogram, StoreFacts

__all__ = ["ProcessFacts", "exposition"]

_Values = dict[tuple[str, ...], float]
_TOTALS = {
    "articles_found": "Entries in the documents that were read, known ones included.",
    "articles_new": "Articles that were new.",
    "articles_edited": "Articles whose content changed.",
    "articles_pruned": "Articles that the retention let go.",
    "fetched_bytes": "Bytes of what polls fetched, once decompressed.",
    "feeds_written": "Feeds that were rendered.",
    "files_written": "Published files whose bytes changed.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """The facts of one process: `counts` None if it does not poll, `store` None if none can be read."""

    answered: Mapping[int, int]
    counts: Counts | None
    published: datetime | None
    readers_killed: int
    store: StoreFacts | None


def exposition(facts: ProcessFacts) -> bytes:
    """The metrics in Prometheus' text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(facts))
    return generate_latest(registry)


class _Collected(Collector):
    """The metrics at one moment."""

    def __init__(self, facts: ProcessFacts) -> None:
        self._facts = facts

    def describe(self) -> Iterable[Metric]:
        """Returns nothing: the registry need not look for duplicate names."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Each metric."""
        facts = self._facts
        yield InfoMetricFamily("aggregator", "The program's version.", {"version": __version__})
        answered: _Values = {(str(status),): count for status, count in facts.answered.items()}
        yield _counter("http_requests", "Requests answered, by status.", ("status",), answered)
        if facts.counts is not None:
            yield from _of_a_poller(facts.counts, facts.readers_killed)
        if facts.published is not None:
            yield _moment("last_publication", "When files were last written.", facts.published)
        if facts.store is not None:
            yield from _of_a_store(facts.store)


def _of_a_poller(counts: Counts, readers_killed: int) -> Iterator[Metric]:
    with counts.lock:
        polls: _Values = {(outcome,): count for outcome, count in counts.polls.items()}
        yield _counter("polls", "Polls since the start, by outcome.", ("outcome",), polls)
        yield _histogram("poll_lag", "How long after its due time a source was polled.", counts.lag)
        yield _histogram("publication", "How long a publication took.", counts.publications)
        for name, words in _TOTALS.items():
            yield CounterMetricFamily(f"aggregator_{name}", words, counts.totals[name])
        words = "Messages to hubs (channel websub) and other receivers, by outcome."
        sent: _Values = {key: count for key, count in counts.notifications.items()}  # noqa: C416
        yield _counter("notifications", words, ("channel", "outcome"), sent)
    words = "Processes that read documents and were killed, or crashed, and were replaced."
    yield CounterMetricFamily("aggregator_reader_restarts", words, readers_killed)


def _of_a_store(store: StoreFacts) -> Iterator[Metric]:
    sources = GaugeMetricFamily("aggregator_sources", "Sources by state of their polls.", labels=("state",))
    for state, count in store.states.items():
        sources.add_metric((state,), count)
    yield sources
    yield GaugeMetricFamily("aggregator_sources_due", "Sources that are to be polled now.", store.due)
    yield GaugeMetricFamily("aggregator_articles", "Articles kept.", store.articles)
    if store.changed is not None:
        yield _moment("last_change", "When an article last changed.", store.changed)


def _counter(name: str, words: str, labels: Sequence[str], values: _Values) -> Metric:
    found = CounterMetricFamily(f"aggregator_{name}", words, labels=labels)
    for value, count in sorted(values.items()):
        found.add_metric(value, count)
    return found


def _histogram(name: str, words: str, spread: Histogram) -> Metric:
    buckets = [
        ("+Inf" if bound == float("inf") else str(float(bound)), float(count))
        for bound, count in spread.cumulative()
    ]
    found = HistogramMetricFamily(f"aggregator_{name}_seconds", words)
    found.add_metric((), buckets, spread.seconds)
    return found


def _moment(name: str, words: str, moment: datetime) -> Metric:
    seconds = round(moment.timestamp(), 3)
    return GaugeMetricFamily(f"aggregator_{name}_timestamp_seconds", words, seconds)
