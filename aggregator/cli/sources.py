"""The commands that show the health of sources: `sources` and `status`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.cli.options import (
    EXIT_CODES,
    EXIT_DONE,
    config_option,
    json_option,
    load_config,
    reports_errors,
    source_names,
)
from aggregator.cli.terminal import OUT, counted, new_table, plain, print_json, shown, when

if TYPE_CHECKING:
    from aggregator.app.status import PollingStatus
    from aggregator.config.load import Config
    from aggregator.schedule.health import HubHealth, SourceHealth

MOST_NAMED = 10
"""How many sources of one state `status` names; further ones are counted."""

_SHORT_REASONS = {
    "publication rate": "rate",
    "sy:updatePeriod": "period",
    "retry-after": "asked to",
    "skip hours": "skipHours",
    "skip days": "skipDays",
}
"""Reasons longer than ten characters, and their short forms for a line of 80 columns."""


@click.command(epilog=EXIT_CODES)
@click.argument("names", metavar="[SOURCE|STATE]...", nargs=-1, shell_complete=source_names)
@click.option("--long", "is_long", is_flag=True, help="Show all details of each source.")
@json_option
@config_option
@reports_errors
def sources(names: tuple[str, ...], is_long: bool, as_json: bool, config_file: Path) -> int:
    """Lists each source: its state, its articles, its last success, its next poll and what decides it.

    States are healthy, new, waiting, failing, broken, silent and gone. The last error of each source, and
    what to do about it, is below the list.

    \b
    aggregator sources
    aggregator sources failing broken         only those in these states
    aggregator sources "Planet Debian" --long
    aggregator sources --json                 for a script
    """
    now = datetime.now(UTC)
    facts = _chosen([*_health(load_config(config_file), now)], names)
    if as_json:
        print_json({"sources": plain(facts)})
    elif is_long:
        for each in facts:
            _print_whole(each)
    else:
        _print_lines(facts, now)
    return EXIT_DONE


@click.command(epilog=EXIT_CODES)
@json_option
@config_option
@reports_errors
def status(as_json: bool, config_file: Path) -> int:
    """Prints a short summary: sources, articles, the last poll, what is broken or silent, and the lag.

    The lag is how late polls are: half of the due sources are late by at most p50, 95 % by at most p95.
    Workers are the processes that poll.

    \b
    aggregator status
    aggregator status --json
    """
    from aggregator.schedule.health import STATES

    now = datetime.now(UTC)
    config = load_config(config_file)
    keeping, summary = _keeping_up(config, now), _Summary({name: [] for name in STATES})
    for each in _health(config, now):
        summary.add(each)
    if as_json:
        output = {"output": {"failure": _failure(config) or None}} if config.bucket else {}
        facts = {"states": summary.by_state, "articles": summary.articles, "websub": dict(summary.hubs)}
        print_json({**facts, **plain(keeping), **output})
    else:
        _print_summary(summary)
        _print_keeping(keeping)
        if failure := _failure(config):
            OUT.print(shown(f"output    {failure}"))
    return EXIT_DONE


def _failure(config: Config) -> str:
    """Why the last publication did not reach the bucket; "" if it did."""
    if config.bucket is None:
        return ""
    from aggregator.app.bucket_output import bucket_failure

    return bucket_failure(config)


def _health(config: Config, now: datetime) -> Iterator[SourceHealth]:
    from aggregator.app.status import source_health

    return source_health(config, now)


def _keeping_up(config: Config, now: datetime) -> PollingStatus:
    from aggregator.app.status import polling_status

    return polling_status(config, now)


@dataclass(slots=True)
class _Summary:
    """The numbers that `status` prints about sources; only the name of each is kept."""

    by_state: dict[str, list[str]]
    articles: int = 0
    newest: datetime | None = None
    polled: datetime | None = None
    hubs: Counter[str] = field(default_factory=Counter)

    def add(self, each: SourceHealth) -> None:
        """Counts one source."""
        self.by_state[each.state].append(each.name)
        self.articles += each.articles
        self.newest = max(filter(None, (self.newest, each.newest)), default=None)
        self.polled = max(filter(None, (self.polled, each.polled)), default=None)
        self.hubs.update([each.websub.state] if each.websub else [])


def _chosen(facts: Sequence[SourceHealth], names: Sequence[str]) -> Sequence[SourceHealth]:
    """The sources with these names or in these states. Raises ConfigError for a word that is neither."""
    from aggregator.config.load import named
    from aggregator.schedule.health import STATES

    known = [each.name for each in facts]
    named([name for name in names if name not in STATES], known)
    return [each for each in facts if not names or each.name in names or each.state in names]


def _print_lines(facts: Sequence[SourceHealth], now: datetime) -> None:
    table = new_table(padding=(0, 2, 0, 0))
    table.add_column("source", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    table.add_column("articles", no_wrap=True, justify="right")
    for heading in ("last success", "next poll", "because"):
        table.add_column(heading, no_wrap=True)
    for each in facts:
        reason = _SHORT_REASONS.get(each.reason, each.reason)
        row = (
            each.name,
            each.state,
            str(each.articles),
            _ago(each.succeeded, now),
            _until(each, now),
            reason,
        )
        table.add_row(*(shown(cell) for cell in row))
    OUT.print(table, soft_wrap=False)
    for each in facts:
        for line in _remarks(each):
            OUT.print(shown(f"{each.name}: {line}"), style="yellow")


def _remarks(each: SourceHealth) -> list[str]:
    remarks = []
    if each.moved_to:
        remarks.append(f"it has moved permanently to {each.moved_to} and is polled there; change its url")
    if each.error:
        remarks.append(each.error + (f"; {each.advice}" if each.advice else ""))
    if each.websub and each.websub.state in ("denied", "failed"):
        remarks.append(f"no hub reports its changes (WebSub): {each.websub.error}")
    return remarks


def _print_whole(each: SourceHealth) -> None:
    newest = f", the newest {when(each.newest)} UTC" if each.newest else ""
    failures = f", {counted(each.failures, 'failure')} in a row" if each.failures else ""
    facts = {
        "address": each.address,
        "title": each.title,
        "state": each.state + failures,
        "articles": f"{each.articles}{newest}",
        "publishes": each.rhythm,
        "polled": f"{when(each.polled)}, with success {when(each.succeeded)} (UTC)",
        "next poll": each.next_poll,
        "websub": _hub(each.websub) if each.websub else "",
        "moved to": each.moved_to or "",
        "error": each.error or "",
        "advice": each.advice or "",
    }
    OUT.print(shown(each.name), style="bold")
    for name, value in facts.items():
        if value:
            OUT.print(f"  {name:<11}{shown(value)}")


def _hub(health: HubHealth) -> str:
    until = f" until {when(health.expires)} UTC" if health.state == "active" else ""
    last = f", the last {when(health.pinged)} UTC" if health.pinged else ""
    forged = f", {health.forged} more with a wrong signature" if health.forged else ""
    silent = " (not relied on)" if health.state == "active" and not health.is_relied_on else ""
    error = f"; {health.error}" if health.error else ""
    pings = f"{counted(health.pings, 'ping')}{last}{forged}"
    return f"{health.state}{until}{silent} at {health.hub}: {pings}{error}"


def _print_summary(summary: _Summary) -> None:
    by_state = summary.by_state
    states = ", ".join(f"{len(names)} {state}" for state, names in by_state.items() if names)
    OUT.print(f"sources   {sum(map(len, by_state.values()))}: {states}")
    OUT.print(f"articles  {summary.articles}, the newest {when(summary.newest)}")
    polled = summary.polled
    OUT.print(f"polled    last at {when(polled)}" if polled else "polled    never")
    if summary.hubs:
        hubs = ", ".join(f"{count} {state}" for state, count in sorted(summary.hubs.items()))
        OUT.print(f"websub    {hubs}")
    for state in ("broken", "silent"):
        names = by_state[state]
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        OUT.print(shown(f"{state:<9} " + (", ".join(names[:MOST_NAMED]) or "none") + more))


def _print_keeping(keeping: PollingStatus) -> None:
    lag = keeping.lag
    late = ", ".join(
        f"{name} {_span(value.total_seconds())}"
        for name, value in (("p50", lag.p50), ("p95", lag.p95), ("p99", lag.p99))
    )
    OUT.print(f"lag       {late}; {lag.due} of {lag.sources} are due")
    for each in keeping.workers:
        since = f" since {when(each.since)} UTC" if each.since else ""
        who = f"aggregator {each.command} on {each.machine} (process {each.process}){since}"
        OUT.print(shown(f"worker    {who}"))
    if not keeping.workers:
        OUT.print("worker    none runs")
    if (media := keeping.media) is not None:
        states = f"{media.waiting} to be fetched, {media.given_up} given up"
        OUT.print(f"pictures  {media.copied} copied ({media.bytes / 1e6:,.1f} MB), {states}")


def _until(each: SourceHealth, now: datetime) -> str:
    if each.next_poll_at is None:
        return "never" if each.state == "gone" else "now"
    return "now" if each.next_poll_at <= now else f"in {_span((each.next_poll_at - now).total_seconds())}"


def _ago(moment: datetime | None, now: datetime) -> str:
    return f"{_span((now - moment).total_seconds())} ago" if moment else "never"


def _span(seconds: float) -> str:
    """A duration in its largest unit, rounded: "5 min", "3 h", "12 d"."""
    minutes = max(0, round(seconds / 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} d"
