"""Logs the steps of a run, and reports the daemon's state to systemd."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime

from aggregator.app.main_job import RunWatcher
from aggregator.media.fetch_results import CopyReport
from aggregator.notify.delivery import Delivery
from aggregator.polling.full_text import Completed
from aggregator.polling.hub_subscribing import HubRequest
from aggregator.polling.poll_result import PollResult
from aggregator.publishing.publication_result import Published
from aggregator.server import ServiceHealth

_log = logging.getLogger("aggregator")


class LogWatcher(RunWatcher):
    """Logs a run, a line for each poll; counts it for the metrics, and sends systemd's watchdog a sign of
    life.
    """

    def __init__(self, vitals: ServiceHealth, clock: Callable[[], datetime]) -> None:
        self._vitals = vitals
        self._clock = clock

    def polled(self, poll: PollResult) -> None:
        """Logs a line for the poll and one for each problem, with facts for scripts (`facts`)."""
        facts: dict[str, object] = {
            "source": poll.source.name,
            "next": poll.next_poll,
            "seconds": round(poll.seconds, 3),
            "problems": len(poll.problems),
        }
        if poll.notice:
            _log.warning("%s", poll.notice)
        if poll.error is not None:
            outcome = poll.error.label
            facts |= {"outcome": outcome, "error": poll.error.reason, "kind": outcome}
            facts |= {"advice": poll.error.advice}
            level = logging.INFO if poll.is_offline else logging.WARNING
            line = f"{poll.source.name}: {poll.error.message}; next {poll.next_poll}"
            _log.log(level, "%s", line, extra={"facts": facts})
        else:
            outcome = "read" if poll.was_read else "unchanged"
            saved = poll.saved
            found = f"{saved.new} new, {saved.changed} changed" if poll.was_read else "nothing new"
            facts |= {"outcome": outcome, "new": saved.new, "changed": saved.changed}
            facts |= {"unchanged": saved.unchanged}
            # Most polls find nothing new, and would fill the log.
            level = logging.INFO if saved.new or saved.changed or poll.problems else logging.DEBUG
            line = f"{poll.source.name}: {found}; next {poll.next_poll}"
            _log.log(level, "%s", line, extra={"facts": facts})
        for problem in poll.problems:
            _log.info("%s: %s", poll.source.name, problem)
        if poll.move:
            _log.warning("%s: %s", poll.source.name, poll.move)
        self._vitals.polled(outcome, poll.size, poll.lag)
        self._vitals.saved(poll.saved)
        notify("WATCHDOG=1")

    def completed(self, completed: Completed) -> None:
        """Logs a line for the pages of a source."""
        facts = {"source": completed.source.name, "pages": completed.read, "later": completed.later}
        _log.info("%s: %s", completed.source.name, completed.summary, extra={"facts": facts})
        for problem in completed.problems:
            _log.info("%s: %s", completed.source.name, problem)
        notify("WATCHDOG=1")

    def copied(self, report: CopyReport) -> None:
        """Logs a line for the pictures that were copied, and one for each that was given up."""
        facts = {"copied": report.copied, "refused": report.refused, "failed": report.failed}
        if report.has_changed:
            _log.info("pictures: %s", report.summary, extra={"facts": {**facts, "later": report.waiting}})
        for problem in report.problems:
            _log.info("pictures: %s", problem)
        notify("WATCHDOG=1")

    def pruned(self, count: int) -> None:
        """Counts the articles that a step of upkeep pruned."""
        self._vitals.pruned(count)

    def published(self, published: Published) -> None:
        """Logs errors, and how many feeds and files were written."""
        for error in published.errors:
            _log.error("%s", error)
        for note in published.notes:
            _log.warning("%s", note)
        self._vitals.published(self._clock(), published)
        if published.written:
            _log.info("published %d feeds, %d files", published.rendered, len(published.written))
        notify("WATCHDOG=1")

    def announced(self, delivery: Delivery) -> None:
        """Logs a line for each message to a hub or another receiver."""
        self._vitals.announced(delivery.channel, is_done=delivery.error is None)
        if delivery.error is None:
            _log.info("%s was notified of %s", delivery.place, delivery.subject)
            return
        again = f"again at {delivery.again:%Y-%m-%d %H:%M} UTC" if delivery.again else "not tried again"
        _log.warning(
            "%s was not notified of %s: %s; %s", delivery.place, delivery.subject, delivery.error, again
        )


def log_request(request: HubRequest) -> None:
    """Logs a line for each request to a hub."""
    what = "to report changes of" if request.mode == "subscribe" else "to stop reporting changes of"
    if request.error is None:
        _log.info("%s was asked %s %s", request.hub, what, request.source)
        return
    again = f"again at {request.again:%Y-%m-%d %H:%M} UTC" if request.again else "not asked again"
    _log.warning(
        "%s could not be asked %s %s: %s; %s", request.hub, what, request.source, request.error.reason, again
    )


def notify(state: str) -> None:
    """Reports a state to systemd (sd_notify(3)); does nothing if systemd did not start this process."""
    place = os.environ.get("NOTIFY_SOCKET")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as speaking:
            speaking.sendto(state.encode(), address)
    except OSError as error:
        _log.warning("systemd cannot be reached: %s", error)
