"""A simulated year of polling: requests made, and how long after its publication each entry is found.

    python benchmarks/polling_year.py --sources 1000 --days 365

Compares `aggregator.schedule` with a fixed hourly poll of everything, over the same entries, outages,
removals and redirects. No network and no clock: the whole year is arithmetic, and the seed fixes it.
Publishers follow a day and a week, and publish nothing while their server is down. Those too fast to draw
each entry (a mean gap under three minutes) count by expected numbers. `--mix log-uniform` draws mean gaps
evenly over the decades from 15 seconds to a year; `--mix observed` as in 151 feeds from the wild.
5% fail for periods of an hour to two weeks, 1% go for good (410), 3% move (301), 1% answer 429 to who
comes twice in half an hour; hints are as in those 151 feeds, and 30% send a max-age of up to half an hour.
An entry that fell out of its document before a poll counts with its delay, and is reported as lost besides.
"""

from __future__ import annotations

import argparse
import math
import random
import resource
import statistics
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate

from aggregator.schedule.decide import Policy, PollState, Result, chance_of, decide
from aggregator.schedule.hints import FeedHints

START = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday
MINUTE, HOUR, DAY, WEEK, YEAR = 60.0, 3600.0, 86_400.0, 604_800.0, 31_557_600.0
NIGHT, WEEKEND = 0.25, 0.6  # of the rate by day, and of the rate from Monday to Friday
DOCUMENT = 50  # entries that a document holds; older ones are lost to a poll that comes too late
EACH_ENTRY_FROM = 3 * MINUTE
LONGEST_MINUTES = 60 * 24 * 30

CLASSES = (("over 1 an hour", HOUR), ("over 1 a day", DAY), ("over 1 a week", WEEK), ("rarer", math.inf))
OBSERVED = (  # share of 151 feeds whose mean gap lies between these bounds
    (4, 15.0, 360.0),
    (20, 360.0, HOUR),
    (22, HOUR, 6 * HOUR),
    (16, 6 * HOUR, DAY),
    (24, DAY, WEEK),
    (28, WEEK, 30 * DAY),
    (37, 30 * DAY, YEAR),
)
HINTS = (  # what as many of the same feeds ask for
    (102, FeedHints()),
    (22, FeedHints(period=timedelta(hours=1))),
    (3, FeedHints(period=timedelta(minutes=30))),
    (2, FeedHints(period=timedelta(minutes=10))),
    (8, FeedHints(ttl=timedelta(minutes=5))),
    (4, FeedHints(ttl=timedelta(minutes=15))),
    (2, FeedHints(ttl=timedelta(minutes=30))),
    (6, FeedHints(ttl=timedelta(minutes=60))),
    (1, FeedHints(ttl=timedelta(minutes=120))),
    (1, FeedHints(skip_hours=frozenset(range(7)))),
)


def weight(at: float, zone: float) -> float:
    """How much busier than on average a publisher is at this moment; `at` in seconds since START."""
    local = at + zone
    night = (local % DAY) / HOUR < 7
    weekend = int(local // DAY + 3) % 7 >= 5
    mean = (7 * NIGHT + 17) / 24 * (5 + 2 * WEEKEND) / 7
    return (NIGHT if night else 1.0) * (WEEKEND if weekend else 1.0) / mean


@dataclass(frozen=True)
class Source:
    """One publisher: times in seconds since START, `outages` as (from, to)."""

    name: str
    gap: float
    zone: float
    host: str
    outages: tuple[tuple[float, float], ...]
    gone: float
    moved: float
    limit: float
    hints: FeedHints
    max_age: timedelta | None

    @property
    def rate_class(self) -> int:
        """Its place in CLASSES."""
        return next(n for n, (_, bound) in enumerate(CLASSES) if self.gap <= bound)

    def entries(self, until: float) -> Iterator[float]:
        """When it publishes, from well before START, so that every feed has a past."""
        dice = random.Random(self.name)
        at, left = -max(2 * WEEK, min(YEAR, 30 * self.gap)), dice.expovariate(1.0)
        while at < until:
            end = (at // HOUR + 1) * HOUR
            rate = weight(at, self.zone) / self.gap
            if left <= (end - at) * rate:
                at += left / rate
                left = dice.expovariate(1.0)
                if not any(down <= at < up for down, up in self.outages):
                    yield at
            else:
                left -= (end - at) * rate
                at = end
        yield math.inf


def make_source(number: int, seed: int, seconds: float, mix: str) -> Source:
    """The source of this number: the same for a seed, however many there are."""
    dice = random.Random(f"{seed} {number}")
    low, high = 15.0, YEAR
    if mix == "observed":
        _, low, high = dice.choices(OBSERVED, [share for share, _, _ in OBSERVED])[0]
    gap = math.exp(dice.uniform(math.log(low), math.log(high)))
    outages = []
    if dice.random() < 0.05:
        at = dice.uniform(0, 30 * DAY)
        while at < seconds:
            end = at + math.exp(dice.uniform(math.log(HOUR), math.log(14 * DAY)))
            outages.append((at, end))
            at = end + dice.expovariate(1 / (30 * DAY))
    gone = dice.uniform(0, seconds) if dice.random() < 0.01 else math.inf
    moved = dice.uniform(0, seconds) if dice.random() < 0.03 else math.inf
    limit = HOUR / 2 if dice.random() < 0.01 else 0.0
    hints = dice.choices(HINTS, [share for share, _ in HINTS])[0][1]
    max_age = timedelta(minutes=dice.choice((1, 5, 5, 10, 15, 30))) if dice.random() < 0.3 else None
    host = f"host {number}" if dice.random() < 0.6 else f"platform {int(dice.paretovariate(1.0)) % 20}"
    return Source(
        name=f"source {seed} {number}",
        gap=gap,
        zone=dice.choice((-8, -5, 0, 1, 1, 2, 3, 5.5, 8, 9)) * HOUR,
        host=host,
        outages=tuple(outages),
        gone=gone,
        moved=moved,
        limit=limit,
        hints=hints,
        max_age=max_age,
    )


@dataclass
class Tally:
    """Requests and delays of one way to poll; delays by whole minutes, for each class of sources."""

    requests: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    sources: list[int] = field(default_factory=lambda: [0] * len(CLASSES))
    entries: list[float] = field(default_factory=lambda: [0.0] * len(CLASSES))
    delay: list[float] = field(default_factory=lambda: [0.0] * len(CLASSES))
    lost: float = 0.0
    source_means: list[list[float]] = field(default_factory=lambda: [[] for _ in CLASSES])
    exact: list[array[float]] = field(
        default_factory=lambda: [array("d", bytes(8 * LONGEST_MINUTES)) for _ in CLASSES]
    )
    # Entries evenly spread from 0 to so many minutes, per minute: what expected numbers give.
    spread: list[array[float]] = field(
        default_factory=lambda: [array("d", bytes(8 * LONGEST_MINUTES)) for _ in CLASSES]
    )
    hosts: dict[str, int] = field(default_factory=dict)
    minutes: array[int] = field(default_factory=lambda: array("L"))

    def add(self, other: Tally) -> None:
        """Takes in what another process counted."""
        for n in range(len(CLASSES)):
            self.requests[n] += other.requests[n]
            self.sources[n] += other.sources[n]
            self.entries[n] += other.entries[n]
            self.delay[n] += other.delay[n]
            self.source_means[n] += other.source_means[n]
            for mine, others in ((self.exact[n], other.exact[n]), (self.spread[n], other.spread[n])):
                for minute, count in enumerate(others):
                    if count:
                        mine[minute] += count
        self.lost += other.lost
        for host, count in other.hosts.items():
            self.hosts[host] = self.hosts.get(host, 0) + count
        self.minutes = array("L", map(sum, zip(self.minutes, other.minutes, strict=True)))

    def percentile(self, share: float, classes: range) -> float:
        """The delay in seconds that this share of the entries does not exceed."""
        bins = [0.0] * LONGEST_MINUTES
        for n in classes:
            above = 0.0
            for minute in range(LONGEST_MINUTES - 1, -1, -1):
                above += self.spread[n][minute]
                bins[minute] += self.exact[n][minute] + above
        wanted = share * sum(bins)
        for minute, count in enumerate(bins):
            wanted -= count
            if wanted <= 0:
                return (minute + 1) * MINUTE
        return 0.0


Newest = Callable[[], Iterable[float]]
Poll = Callable[[float, int | None, Newest | None, bool], float | None]
"""(now, status, dates of the newest entries if a document was read, was redirected) -> next poll or None."""


def hourly() -> Poll:
    """Every hour, come what may."""
    return lambda now, _status, _newest, _is_moved: now + HOUR


def scheduled(source: Source, policy: Policy) -> Poll:
    """As `aggregator.schedule` decides."""
    state = PollState()
    is_adopted = False

    def poll(now: float, status: int | None, newest: Newest | None, is_moved: bool) -> float | None:
        nonlocal state, is_adopted
        result = Result(
            status=status,
            hints=source.hints if newest else None,
            fresh_for=source.max_age if status in (200, 304) else None,
            published=tuple([START + timedelta(seconds=at) for at in newest()]) if newest else None,
            moved_to="elsewhere" if is_moved and not is_adopted else None,
        )
        moment = START + timedelta(seconds=now)
        decision = decide(state, result, moment, policy, chance_of(source.name, state.polls))
        state = decision.state
        is_adopted = is_adopted or decision.adopt is not None
        return (state.next_poll - START).total_seconds() if state.next_poll else None

    poll.adopted = lambda: is_adopted  # type: ignore[attr-defined]
    return poll


def draw(now: float, rate: float, dice: random.Random) -> Iterable[float]:
    """When the newest entries of a fast publisher were published: eight tell its rate well enough."""
    return accumulate((-dice.expovariate(rate) for _ in range(7)), initial=now - dice.expovariate(rate))


def simulate(source: Source, poll: Poll, first: float, seconds: float, tally: Tally) -> None:
    """Polls one source from `first` on; sources do not touch each other, so each has its own loop."""
    n = source.rate_class
    dice = random.Random(f"{source.name} fast")
    draws_each = source.gap >= EACH_ENTRY_FROM
    entries = source.entries(seconds) if draws_each else iter(())
    newest: deque[float] = deque(maxlen=16)
    following = next(entries, math.inf)
    exact, spread = tally.exact[n], tally.spread[n]
    requests, count, delays, lost = 0, 0.0, 0.0, 0.0
    outages = deque(source.outages)
    now: float | None = first
    last_read, last_asked = 0.0, -math.inf
    while now is not None and now < seconds:
        while outages and outages[0][1] <= now:
            last_read = max(last_read, outages.popleft()[1])
        is_moved = now >= source.moved
        is_adopted = is_moved and hasattr(poll, "adopted") and poll.adopted()
        asked = 2 if is_moved and not is_adopted else 1
        requests += asked
        tally.minutes[int(now / MINUTE)] += asked
        status: int | None = 200
        dates: Newest | None = None
        if now >= source.gone:
            status = 410
        elif outages and outages[0][0] <= now:
            status = 500
        elif now - last_asked < source.limit:
            status = 429
        elif draws_each:
            found = 0
            while following <= now:
                newest.append(following)
                if following >= 0:
                    delay = now - following
                    delays += delay
                    found += 1
                    exact[min(int(delay / MINUTE), LONGEST_MINUTES - 1)] += 1
                following = next(entries)
            count += found
            lost += max(0, found - DOCUMENT)
            dates = newest.copy if found or requests <= 2 else None
            status = 304 if dates is None else 200
        else:
            wait = now - last_read
            rate = weight(now - wait / 2, source.zone) / source.gap
            expected = rate * wait
            count += expected
            delays += expected * wait / 2
            whole = min(int(wait / MINUTE), LONGEST_MINUTES - 1)
            spread[whole] += expected / (whole + 1)
            lost += max(0.0, expected - DOCUMENT)
            dates = partial(draw, now, rate, dice)
        if status in (200, 304):
            last_read = now
        last_asked = now
        now = poll(now, status, dates, is_moved)
    tally.sources[n] += 1
    tally.requests[n] += requests
    tally.entries[n] += count
    tally.delay[n] += delays
    tally.lost += lost
    tally.hosts[source.host] = tally.hosts.get(source.host, 0) + requests
    if count:
        tally.source_means[n].append(delays / count)


def run(numbers: range, seed: int, days: float, mix: str, policy: Policy) -> tuple[Tally, Tally]:
    """Both ways to poll over these sources: hourly, and as scheduled."""
    seconds = days * DAY
    plain, ours = Tally(), Tally()
    for tally in (plain, ours):
        tally.minutes.extend([0] * (int(seconds / MINUTE) + 1))
    for number in numbers:
        source = make_source(number, seed, seconds, mix)
        offset = random.Random(f"{seed} {number} offset").uniform(0, HOUR)
        simulate(source, hourly(), offset, seconds, plain)
        simulate(source, scheduled(source, policy), offset, seconds, ours)
    return plain, ours


def span(seconds: float) -> str:
    """Seconds as a person says them."""
    return f"{seconds / MINUTE:.1f} min" if seconds < 2 * HOUR else f"{seconds / HOUR:.1f} h"


def report(plain: Tally, ours: Tally, days: float) -> None:
    """The tables; each pair of figures is the hourly poll's, then ours."""
    print(f"{'':14}{'sources':>8}{'entries':>15}{'requests':>27}{'mean delay':>22}{'p95 delay':>20}")
    every = range(len(CLASSES))
    for name, classes in [*((name, range(n, n + 1)) for n, (name, _) in enumerate(CLASSES)), ("all", every)]:
        sources, entries = (sum(values[n] for n in classes) for values in (ours.sources, ours.entries))
        requests = [sum(tally.requests[n] for n in classes) for tally in (plain, ours)]
        means = [
            span(sum(t.delay[n] for n in classes) / (sum(t.entries[n] for n in classes) or 1))
            for t in (plain, ours)
        ]
        tails = [span(tally.percentile(0.95, classes)) for tally in (plain, ours)]
        share = requests[1] / (requests[0] or 1)
        print(
            f"{name:14}{sources:>8,}{entries:>15,.0f}{requests[0]:>12,}{requests[1]:>11,}{share:>5.0%}"
            f"{means[0]:>11}{means[1]:>11}{tails[0]:>10}{tails[1]:>10}"
        )
    print("each source's own mean delay (hourly, ours): ", end="")
    own = [sorted(mean for n in every for mean in tally.source_means[n]) for tally in (plain, ours)]
    print(
        *(
            f"{what} {', '.join(values)}"
            for what, values in (
                ("mean", [span(statistics.fmean(means)) for means in own]),
                ("median", [span(statistics.median(means)) for means in own]),
                ("p95", [span(means[int(0.95 * len(means))]) for means in own]),
            )
        ),
        sep="; ",
    )
    for name, tally in (("hourly", plain), ("ours", ours)):
        per_day = sorted(count / days for count in tally.hosts.values())
        later = tally.minutes[int(DAY / MINUTE) :] or tally.minutes
        print(
            f"{name + ':':7} requests a day and host: mean {statistics.fmean(per_day):.1f}, "
            f"median {statistics.median(per_day):.1f}, busiest {per_day[-1]:,.0f}; "
            f"a minute, after the first day: mean {statistics.fmean(later):.1f}, most {max(later)}; "
            f"lost from documents of {DOCUMENT}: {tally.lost / (sum(tally.entries) or 1):.0%}"
        )


def main() -> None:
    """Runs the year and prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sources", type=int, default=1_000)
    parser.add_argument("--days", type=float, default=365)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--mix", choices=("log-uniform", "observed"), default="log-uniform")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--pivot-minutes", type=float, default=Policy().pivot.total_seconds() / MINUTE)
    options = parser.parse_args()
    began = time.perf_counter()
    policy = Policy(pivot=timedelta(minutes=options.pivot_minutes))
    count = min(2 * options.jobs, options.sources)
    shares = [range(start, options.sources, count) for start in range(count)]
    plain = ours = None
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = [pool.submit(run, s, options.seed, options.days, options.mix, policy) for s in shares]
        for job in jobs:
            a, b = job.result()
            if plain is None or ours is None:
                plain, ours = a, b
            else:
                plain.add(a)
                ours.add(b)
    assert plain is not None
    assert ours is not None
    print(f"{options.sources:,} sources, {options.days:g} days, {options.mix}, seed {options.seed}")
    report(plain, ours, options.days)
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    print(f"took {time.perf_counter() - began:.0f} s with {options.jobs} job(s), {used:.0f} s of CPU")


if __name__ == "__main__":
    main()
