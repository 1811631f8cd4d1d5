"""The metrics as Prometheus reads them: by prometheus-client's own parser, and its rules for names."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strictly
from prometheus_client.parser import text_string_to_metric_families as parsed

from aggregator import errors
from aggregator.config.load import Config, Source
from aggregator.publishing.publication_result import Published
from aggregator.schedule.state import PollState
from aggregator.server import ServiceHealth
from aggregator.server.metric_counts import Histogram
from aggregator.store import Saved, Store
from tests.support.serving import NOW, serving

DOCS = Path(__file__).parents[2] / "docs" / "serving.md"
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    """Every metric of a busy daemon, by name, as it is read."""
    home = tmp_path_factory.mktemp("metrics")
    config = Config(store=home / "store.db", output=home)
    store = Store(config.store)
    store.sources.adopt([Source(name=f"s{n}", url=f"https://e.example/{n}") for n in range(3)], NOW)
    store.sources.plan({"s0": PollState(next_poll=NOW - HOUR), "s1": PollState(next_poll=NOW + HOUR)})
    store.close()
    state = ServiceHealth()
    state.polled("read", 1_000, timedelta(seconds=30))
    state.polled("unchanged", 0, 2 * HOUR)
    state.polled("timeout")
    state.saved(Saved(new=2, changed=1, unchanged=4))
    state.pruned(5)
    state.published(NOW, Published(rendered=3, written=(home / "a", home / "b"), seconds=0.3))
    state.announced("websub", is_done=True)
    state.announced("websub", is_done=False)
    state.count_readers(lambda: 7)
    text = state.metrics(config, {200: 4, 404: 1}, NOW)
    state.close()
    assert text is not None
    return {family.name: family for family in parsed(text.decode())}


def values(families: dict[str, Metric], name: str) -> dict[str, float]:
    """The samples of a metric: the value of its label, or the end of its name, -> the number."""
    family = families[name]
    return {
        "".join(sample.labels.values()) or sample.name.removeprefix(name): sample.value
        for sample in family.samples
    }


def test_metrics_count_polls_and_publications(families: dict[str, Metric]) -> None:
    """Polls, what they brought and how late they were; publications, hubs, and readers that were killed."""
    assert values(families, "aggregator_polls") == {"read": 1, "timeout": 1, "unchanged": 1}
    assert values(families, "aggregator_fetched_bytes") == {"_total": 1_000}
    counted = {name: values(families, f"aggregator_articles_{name}")["_total"] for name in COUNTED}
    assert counted == {"found": 7, "new": 2, "edited": 1, "pruned": 5}
    lag = values(families, "aggregator_poll_lag_seconds")
    assert (lag["15.0"], lag["60.0"], lag["14400.0"], lag["_count"], lag["_sum"]) == (0, 1, 2, 2, 7_230)
    publication = values(families, "aggregator_publication_seconds")
    assert (publication["0.25"], publication["0.5"], publication["+Inf"]) == (0, 1, 1)
    assert values(families, "aggregator_feeds_written") == {"_total": 3}
    assert values(families, "aggregator_files_written") == {"_total": 2}
    assert values(families, "aggregator_notifications") == {"websubaccepted": 1, "websubfailed": 1}
    assert values(families, "aggregator_reader_restarts") == {"_total": 7}
    assert values(families, "aggregator_last_publication_timestamp_seconds") == {"": NOW.timestamp()}


COUNTED = ("found", "new", "edited", "pruned")


def test_metrics_count_sources_and_articles(families: dict[str, Metric]) -> None:
    """The queue's depth too; a new source is due."""
    assert values(families, "aggregator_sources_due") == {"": 2}
    assert values(families, "aggregator_sources")["new"] == 3
    assert values(families, "aggregator_articles") == {"": 0}
    assert values(families, "aggregator_http_requests") == {"200": 4, "404": 1}


def test_names_and_labels_follow_prometheus_rules(families: dict[str, Metric]) -> None:
    """Counters end in _total, units are whole ones and stand last, every metric is explained."""
    for name, family in families.items():
        assert re.fullmatch(r"aggregator(_[a-z]+)+", name)
        assert family.documentation.endswith(".")
        assert family.type in ("counter", "gauge", "histogram"), name
        assert not re.search(r"_(ms|milliseconds|minutes|kb|count|sum|bucket|info_total)$", name)
        for sample in family.samples:
            if family.type == "counter":
                assert sample.name == f"{name}_total"
            assert re.fullmatch(r"[a-z_]+", sample.name)
            assert set(sample.labels) <= {"channel", "outcome", "status", "state", "version", "le"}
        if family.type == "histogram":
            assert name.endswith("_seconds")


def test_metric_labels_do_not_grow_with_the_sources(families: dict[str, Metric]) -> None:
    """Neither names nor addresses stand anywhere; every value of a label is one of a few."""
    shown = {value for family in families.values() for one in family.samples for value in one.labels.values()}
    assert not any("example" in value or "s0" in value for value in shown)
    outcomes = [one.labels["outcome"] for one in families["aggregator_polls"].samples]
    labels = {kind.label for kind in vars(errors).values() if hasattr(kind, "label")}
    assert set(outcomes) <= labels | {"read", "unchanged"}


def test_every_metric_is_in_the_document(families: dict[str, Metric]) -> None:
    """And the document has no other."""
    written = set(re.findall(r"`(aggregator_\w+)", DOCS.read_text(encoding="utf-8")))
    names = {f"{name}_total" if family.type == "counter" else name for name, family in families.items()}
    assert written == names | {"aggregator_last_change_timestamp_seconds"}


def test_the_strict_parser_reads_it_too(tmp_path: Path) -> None:
    """OpenMetrics', which refuses doubtful forms, once the end has its mark."""
    state = ServiceHealth()
    state.polled("read", 10, timedelta(seconds=1))
    text = state.metrics(Config(store=tmp_path / "none.db", output=tmp_path), {200: 1}, NOW)
    state.close()
    assert text is not None
    histograms = [
        line for line in text.decode().splitlines(keepends=True) if "aggregator_poll_lag_seconds" in line
    ]
    (family,) = strictly("".join((*histograms, "# EOF\n")))  # type: ignore[no-untyped-call]
    assert family.type == "histogram"


def test_without_the_library_metrics_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything else works."""
    monkeypatch.setattr("aggregator.server.service_health.find_spec", lambda _: None)
    with serving(tmp_path) as served:
        reply = served.ask("/metrics")
        assert reply.status == 501
        assert b"pip install 'prometheus-client>=" in reply.body
        assert served.ask("/healthz").status == 200


def test_a_process_that_does_not_poll_has_no_numbers_of_polls(tmp_path: Path) -> None:
    """Zeros would look like a poller that does nothing."""
    text = ServiceHealth().metrics(Config(store=tmp_path / "none.db", output=tmp_path), {}, NOW)
    assert text is not None
    assert {family.name for family in parsed(text.decode())} == {
        "aggregator_info",
        "aggregator_http_requests",
    }


def test_the_store_is_not_asked_at_each_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a million sources it takes seconds: then it rests for twenty times as long."""
    config = Config(store=tmp_path / "store.db", output=tmp_path)
    Store(config.store).close()
    seconds = iter([0.0, 2.0, 41.9, 42.1, 43.0])
    monkeypatch.setattr("aggregator.server.service_health.time.monotonic", lambda: next(seconds))
    asked: list[Path] = []
    real = ServiceHealth._opened

    def opened(self: ServiceHealth, path: Path) -> Store:
        asked.append(path)
        return real(self, path)

    monkeypatch.setattr(ServiceHealth, "_opened", opened)
    state = ServiceHealth()
    for times in (1, 1, 2):
        state.metrics(config, {}, NOW)
        assert len(asked) == times
    state.close()


def test_a_value_equal_to_a_histogram_bound_is_below_it() -> None:
    """As `le` says: less or equal."""
    spread = Histogram((1, 5))
    for seconds in (0, 1, 1.5, 5, 6):
        spread.observe(seconds)
    assert spread.cumulative() == [(1, 2), (5, 4), (float("inf"), 5)]
    assert spread.seconds == 13.5
