"""Folders written by several real processes: the same bytes, nothing lost when one of them dies."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from aggregator.config.load import Source
from aggregator.config.rules import RuleSettings
from aggregator.errors import StoreError, WriteError
from aggregator.model.article import Origin
from aggregator.processes import Lost, Processes, Stopped
from aggregator.publishing import parallel as sharing
from aggregator.publishing import writing_processes
from aggregator.publishing.feed_folders import FeedPlan, RenderContext, plan_of
from aggregator.publishing.outputs import FeedOutput, outputs
from aggregator.publishing.public_addresses import PublicAddresses
from aggregator.publishing.publication_result import Published
from aggregator.publishing.publish import publish
from aggregator.store.sources_outside_config import NewSource, SourceOutsideConfig
from aggregator.writers import SITE_WRITERS, WRITERS
from aggregator.writers.channel import Channel, Writer
from aggregator.writers.rss import Rss
from tests.support.planet import BASIC, Planet, article

CATEGORIES = 18


class Deadly(Rss):
    """Kills the process that it is used in over its third document, unless that is the one that publishes."""

    def __init__(self) -> None:
        self.count = 0

    def render(self, channel: Channel) -> bytes:
        """Comes back twice in a child."""
        if multiprocessing.parent_process() is not None:
            self.count += 1
            if self.count == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().render(channel)


class Killing(Rss):
    """Kills each other process that renders a feed whose title begins so, and notes it."""

    def __init__(self, start: str, noted: Path) -> None:
        self.start = start
        self.noted = noted

    def render(self, channel: Channel) -> bytes:
        """Does not come back in a child."""
        if multiprocessing.parent_process() is not None and channel.title.startswith(self.start):
            with self.noted.open("a") as file:
                file.write(f"{channel.title.split()[0]} ")
            os.kill(os.getpid(), signal.SIGKILL)
        return super().render(channel)


class Slow(Rss):
    """Takes seconds for each feed in other processes."""

    def render(self, channel: Channel) -> bytes:
        """The feed, late."""
        if multiprocessing.parent_process() is not None:
            time.sleep(5)
        return super().render(channel)


class OwnError(WriteError):
    """As another package may define it: pickle cannot make it again."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(f"{where}: {why}")


class Refusing(Rss):
    """Writes no feed whose title has a 7."""

    def render(self, channel: Channel) -> bytes:
        """The feed, or WriteError."""
        if "7" in channel.title:
            raise OwnError(channel.title, "no")
        return super().render(channel)


class Unsendable(Rss):
    """Holds what no other process can be given."""

    def __init__(self) -> None:
        self.held = lambda: None


@pytest.fixture
def planet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planet:
    """A store of 18 categories, each with an archive; sharing pays from 10, three feeds are a share."""
    monkeypatch.setattr(sharing, "PAYS_FROM", 10)
    monkeypatch.setattr(sharing, "_AT_ONCE", 3)
    planet = Planet(tmp_path / "home", entries_per_feed=2)
    planet.add(*(article(n, categories=(f"c{n % CATEGORIES}",)) for n in range(5 * CATEGORIES)))
    return planet


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes are ready before the first feed is planned."""
    own_start = sharing._Sharing.start

    def start(self: sharing._Sharing, documents: int) -> None:
        own_start(self, documents)
        for each in self._starting:
            each.result()

    monkeypatch.setattr(sharing._Sharing, "start", start)


def follow_in_store(planet: Planet) -> None:
    """A source that the store follows, and an article of it in each category."""
    url = "https://far.example/feed"
    row = SourceOutsideConfig("Far", {"url": url}, enabled=True)
    new = NewSource(row=row, source=Source(name="Far", url=url), key="far.example/feed", is_special=False)
    planet.store.sources_outside_config.add([new])
    origin = Origin(id="urn:x:far", title="Far", self_link=url)
    planet.add(
        *(article(1000 + n, source="Far", categories=(f"c{n}",), origin=origin) for n in range(CATEGORIES))
    )


def published(planet: Planet, processes: int, writers: Mapping[str, Writer] = WRITERS) -> Published:
    """One publication by so many processes."""
    return publish(
        store=planet.store,
        config=planet.config,
        writers=writers,
        site_writers=SITE_WRITERS,
        version="1",
        processes=processes,
    )


def files(planet: Planet) -> dict[str, bytes]:
    """Returns what was published."""
    root = planet.config.output
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("processes", "is_known", "expected"), [(2, False, 1), (1, False, 0), (2, True, 0)])
def test_the_site_is_written_while_others_write_archives_once_all_feeds_are_there(
    planet: Planet, processes: int, is_known: bool, expected: int
) -> None:
    """If one process writes everything, or a feed is still to be written, the site follows at the end."""
    if is_known:
        published(planet, 1)
        planet.add(*(article(500 + n, categories=(f"c{n % CATEGORIES}",)) for n in range(5 * CATEGORIES)))
    disclosure = PublicAddresses(planet.config, {})
    due = outputs(planet.store, planet.config, WRITERS, disclosure)
    context = RenderContext(config=planet.config, writers=WRITERS, version="1", everything=False)
    feeds = [planet.config.output / each.folder / "atom.xml" for each in due]
    there: list[bool] = []
    sharing.write(
        due,
        planet.store,
        context,
        processes,
        beside=lambda: there.append(all(feed.exists() for feed in feeds)),
    )
    assert there == [True] * expected


def test_three_processes_write_what_one_writes(planet: Planet, tmp_path: Path) -> None:
    """Feeds, archives and the site's own documents, reported in the same order; and nothing is left stale."""
    alone = Planet(tmp_path / "alone", entries_per_feed=2)
    alone.add(*(article(n, categories=(f"c{n % CATEGORIES}",)) for n in range(5 * CATEGORIES)))
    for each in (alone, planet):
        follow_in_store(each)
    one, three = published(alone, 1), published(planet, 3)
    assert b"https://far.example/feed" in files(alone)["c1/atom.xml"]
    assert len(files(alone)) > 4 * 2 * CATEGORIES
    assert files(planet) == files(alone)
    assert one.rendered == three.rendered == CATEGORIES + 1
    names = [
        [file.relative_to(p.config.output) for file in done.written]
        for p, done in ((alone, one), (planet, three))
    ]
    assert names[0] == names[1]
    assert published(planet, 3) == Published(feeds=CATEGORIES + 1)


def test_rules_are_sent_to_other_processes(planet: Planet) -> None:
    """Their actions are functions, which cannot be sent."""
    rule = RuleSettings(name="All", when="*", then={"tag": ["found"], "file-under": ["c1"]})
    planet.config = planet.config.model_copy(update={"rules": (rule,)})
    done = published(planet, 2)
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())


def test_other_processes_take_part(planet: Planet, monkeypatch: pytest.MonkeyPatch) -> None:
    """This one waits for a share of theirs: a run in which all others slept would prove nothing."""
    theirs: list[Any] = []

    class Noting(Processes[[RenderContext, Sequence[Any]], Any]):
        def ask(self, seconds: float | None, /, *task: Any, **named: Any) -> Any:
            theirs.append(super().ask(seconds, *task, **named))
            return theirs[-1]

    def write(shares: Any, *how: Any) -> None:
        for _ in range(12_000):
            if any(sum(answer.rendered) for answer in theirs):
                break
            time.sleep(0.01)
        own(shares, *how)

    own = sharing._Sharing.write_here
    monkeypatch.setattr(writing_processes, "Processes", Noting)
    monkeypatch.setattr(sharing._Sharing, "write_here", write)
    assert not published(planet, 2).errors
    assert sum(sum(answer.rendered) for answer in theirs) > 0


def test_a_new_feed_is_written_while_others_are_planned(
    planet: Planet, ready: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as its own plan is made, once another process is ready; the result is the same."""
    planned: list[Path] = []

    def plan(output: FeedOutput, *more: Any) -> FeedPlan:
        for _ in range(12_000):
            if all(file.exists() for file in planned):
                break
            time.sleep(0.01)
        assert all(file.exists() for file in planned)
        planned.append(planet.config.output / output.folder / "atom.xml")
        return plan_of(output, *more)

    monkeypatch.setattr(sharing, "plan_of", plan)
    done = published(planet, 2)
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())
    assert len(planned) == len({*done.written}.intersection(planned)) == CATEGORIES + 1


def test_the_share_of_a_killed_process_is_written_by_this_one(planet: Planet) -> None:
    """Every process but this one dies of its first share; what it wrote of that is reported all the same."""
    done = published(planet, 3, {**BASIC, "rss": Deadly()})
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())
    assert len({*done.written}) == len(done.written)
    assert {str(file.relative_to(planet.config.output)) for file in done.written} >= {
        name for name in files(planet) if name.endswith((".xml", ".json"))
    }


def test_few_processes_are_lost_to_a_feed_that_kills_them(
    planet: Planet, ready: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while feeds are planned: it is written by this process, and tried by no other."""
    noted = planet.home / "killed"
    planned: list[str] = []

    def plan(output: FeedOutput, *more: Any) -> FeedPlan:
        for _ in range(12_000 if "c0" in planned else 0):
            if noted.exists():
                break
            time.sleep(0.01)
        planned.append(output.folder)
        return plan_of(output, *more)

    monkeypatch.setattr(sharing, "plan_of", plan)
    done = published(planet, 2, {**BASIC, "rss": Killing("c0", noted)})
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())
    assert noted.read_text() == "c0 "


def test_few_processes_are_started_where_all_are_killed(planet: Planet, ready: None) -> None:
    """What kills them may be a limit of the machine."""
    noted = planet.home / "killed"
    done = published(planet, 2, {**BASIC, "rss": Killing("", noted)})
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())
    assert len(noted.read_text().split()) <= 3  # once in each step


@pytest.mark.parametrize("error", [StoreError, KeyboardInterrupt])
def test_feeds_that_were_begun_are_not_waited_for_after_an_error(
    planet: Planet, ready: None, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """The other process is stopped; none of the feeds that it would have written are there."""
    planned: list[FeedPlan] = []

    def plan(*how: Any) -> FeedPlan:
        if len(planned) == 5:
            raise error("planning")
        planned.append(plan_of(*how))
        return planned[-1]

    monkeypatch.setattr(sharing, "plan_of", plan)
    with pytest.raises(error, match="planning"):
        published(planet, 2, {**BASIC, "rss": Slow()})
    assert not [name for name in files(planet) if name.endswith("rss.xml")]


def test_what_a_killed_process_has_not_begun_is_written_too(
    planet: Planet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It put half of its last share back when this process had found nothing left."""
    alone = Planet(tmp_path / "alone", entries_per_feed=2)
    alone.add(*(article(n, categories=(f"c{n % CATEGORIES}",)) for n in range(5 * CATEGORIES)))
    published(alone, 1)

    class Lossy(Processes[[RenderContext, Sequence[Any]], Any]):
        def ask(self, seconds: float | None, /, *task: Any, **named: Any) -> Any:
            if task[1]:
                raise Lost("was killed")
            return super().ask(seconds, *task, **named)

    def write(self: sharing._Sharing) -> None:
        if self._asking:
            wait(self._asking)
        else:
            own(self)

    own = sharing._Sharing.write_here
    monkeypatch.setattr(writing_processes, "Processes", Lossy)
    monkeypatch.setattr(sharing._Sharing, "write_here", write)
    done = published(planet, 2)
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())
    assert files(planet) == files(alone)


def test_a_feed_that_cannot_be_written_is_reported_wherever_it_was_tried(planet: Planet) -> None:
    """c7 and c17; they stay stale, and are tried again, and no others."""
    writers = {**BASIC, "rss": Refusing()}
    for whole in (CATEGORIES - 1, 0):
        done = published(planet, 2, writers)
        assert [str(error).partition(" ")[0] for error in done.errors] == ["c7", "c17"]
        assert done.rendered == whole


def test_a_writer_that_cannot_be_sent_to_a_process_is_used_in_this_one(planet: Planet) -> None:
    """A format of another package need not be fit for other processes."""
    done = published(planet, 2, {**BASIC, "rss": Unsendable()})
    assert (done.rendered, done.errors) == (CATEGORIES + 1, ())


def test_a_store_that_another_process_cannot_open_is_reported(
    planet: Planet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of StoreError's messages, not as a lost share."""
    planet.config = planet.config.model_copy(update={"store": planet.home})
    monkeypatch.setattr(sharing._Sharing, "write_here", lambda *how: None)
    with pytest.raises(StoreError, match="is a folder"):
        published(planet, 2)


@pytest.mark.parametrize(("entries", "sizes"), [(2, [3, 3, 1]), (5, [2, 2, 2, 1]), (5000, [1] * 7)])
def test_a_share_has_a_limited_number_of_documents_and_entries(
    planet: Planet, monkeypatch: pytest.MonkeyPatch, entries: int, sizes: list[int]
) -> None:
    """The articles of a share are in memory at once; those of one document always are."""
    monkeypatch.setattr(sharing, "_ENTRIES_AT_ONCE", 10)
    config = planet.config.model_copy(update={"entries_per_feed": entries})
    feed, *_ = outputs(planet.store, config, WRITERS, PublicAddresses(config, {}))
    tasks = [(FeedPlan(output=feed), number) for number in range(7)]
    shares = [*sharing._shares(tasks, sharing._AT_ONCE)]
    assert [len(share) for share in shares] == sizes
    assert [task for share in shares for task in share] == tasks


@pytest.mark.parametrize(("is_shared", "sizes"), [(True, [3, 12, 6, 3, 3]), (False, [3, 24])])
def test_the_last_share_is_divided_so_that_no_process_waits_for_another(
    planet: Planet, is_shared: bool, sizes: list[int]
) -> None:
    """The process that is ready first takes a half of what is left."""
    feed, *_ = outputs(planet.store, planet.config, WRITERS, PublicAddresses(planet.config, {}))
    context = RenderContext(config=planet.config, writers=WRITERS, version="1", everything=False)
    tasks = [(FeedPlan(output=feed), number) for number in range(27)]
    with ExitStack() as stack:
        shared = sharing._Sharing(planet.store, context, 1, stack)
        shared.start(sharing.PAYS_FROM if is_shared else 0)
        shared._left.extend([tasks[:3], tasks[3:]])
        shares = [*shared._each(shared._left.popleft)]
    assert [len(share) for share in shares] == sizes
    assert [task for share in shares for task in share] == tasks


def test_forked_processes_write_and_are_stopped(planet: Planet, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are started before the store is open; with one core there are none."""
    monkeypatch.setattr(writing_processes, "cores", lambda: 1)
    assert writing_processes.forked_writers() is None
    monkeypatch.setattr(writing_processes, "cores", lambda: 2)
    forked = writing_processes.forked_writers()
    assert forked is not None
    monkeypatch.setattr(sharing, "writing_processes", None)  # no others are started
    context = RenderContext(config=planet.config, writers=WRITERS, version="1", everything=False)
    due = outputs(planet.store, planet.config, WRITERS, PublicAddresses(planet.config, {}))
    monkeypatch.setattr(sharing._Sharing, "write_here", lambda _: None)
    done = sharing.write(due, planet.store, context, forked=forked)
    assert (done.rendered, done.errors) == (CATEGORIES + 1, [])
    with pytest.raises(Stopped):
        forked.ask(None, context, ())


def test_few_feeds_are_written_by_this_process(planet: Planet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting others takes longer."""
    monkeypatch.setattr(sharing, "PAYS_FROM", 10_000)
    monkeypatch.setattr(sharing, "writing_processes", None)
    assert published(planet, 3).rendered == CATEGORIES + 1
