"""The daemon: polls sources when they are due, publishes what changed, stops gracefully; uses APScheduler."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import NoReturn

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator.app.app import App
from aggregator.app.log import LogWatcher, log_request, notify
from aggregator.app.main_job import publish, run_once
from aggregator.app.store_lock import lock_store, lock_work
from aggregator.config import load as configuration
from aggregator.config.load import Config
from aggregator.errors import ConfigError, StoreError, StoreInUse
from aggregator.polling.hub_callbacks import HubCallbacks
from aggregator.server import Server, ServiceHealth

TICK = timedelta(seconds=5)
UPKEEP = timedelta(hours=1)
ASLEEP = timedelta(minutes=1)
LISTENING = timedelta(minutes=1)
MAX_BATCH = 500
STOP_SECONDS = 30
ROUND_SECONDS = 30

_log = logging.getLogger("aggregator")


class Daemon:
    """Runs until SIGTERM or SIGINT; then finishes what is being saved, within 30 seconds, and exits with 0.

    Four jobs run in APScheduler: one polls due sources and publishes (the tick), one sends messages to hubs
    and other receivers, one asks hubs to report changes, and one does the upkeep. Due times are in the store,
    so that a stop, a restart or a kill does not change them. Only one daemon runs with a store; it and other
    commands take turns (see `app.store_lock`).

    - `serve_at`: `HOST:PORT`, where a thread of this process serves the output folder. None: it is not
      served.

    Raises ListenError.
    """

    def __init__(self, config_file: Path, config: Config, serve_at: str | None = None) -> None:
        self._vitals = ServiceHealth()
        self._watcher = LogWatcher(self._vitals, lambda: datetime.now(UTC))
        self._callbacks = HubCallbacks(config)
        self._listened: datetime | None = None
        self._server = (
            None
            if serve_at is None
            else Server(config, serve_at, lambda: datetime.now(UTC), self._vitals, self._callbacks)
        )
        self._file = config_file
        self._config = config
        self._stamp = _stamp(config_file)
        # Plain attributes: a signal's handler interrupts this thread, perhaps while it has the lock of an
        # Event, which the handler would then wait for without end.
        self._is_stopping = False
        self._must_reload = False
        self._app: App | None = None
        self._ended: datetime | None = None
        self._is_behind = False
        self._store_file: tuple[int, int] | None = None
        self._is_store_gone = False
        self._keep: Callable[[], bool] = lambda: True

    def run(self) -> NoReturn:
        """Polls until it is stopped, then exits with 0. Raises StoreError if the store is in use."""
        with lock_store(self._config.store, "run", datetime.now(UTC)) as self._keep:
            reader, writer = os.pipe()
            os.set_blocking(writer, False)
            # The system's own handler writes to it, in any thread. Python's handler runs between two steps of
            # this thread, and a signal that arrives as it begins to wait would have no next step.
            signal.set_wakeup_fd(writer)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_stop)
            signal.signal(signal.SIGHUP, self._on_reload)
            self._open(self._config)
            self._listen(datetime.now(UTC))
            scheduler = self._scheduler()
            scheduler.start()
            if self._server is not None:
                self._server.start()
                _log.info("serving at %s", self._server.url)
            _log.info("polling %d sources", len(self._config.select(())))
            notify("READY=1")
            while not self._is_stopping:
                os.read(reader, 1)
            notify("STOPPING=1")
            self._finish(scheduler)
            # The interpreter would wait for threads that wait for slow servers, longer than STOP_SECONDS;
            # they have nothing to save.
            logging.shutdown()
            os._exit(0)

    def _scheduler(self) -> BackgroundScheduler:
        # APScheduler would log every tick, and again what `_on_event` logs.
        logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
        # A few jobs for any number of sources: with one job for each source, most of 2,000 jobs that were
        # due at the same time were dropped or skipped (measured).
        scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        now = datetime.now(UTC)
        scheduler.add_job(self._tick, "interval", seconds=TICK.total_seconds(), id="tick", next_run_time=now)
        scheduler.add_job(
            self._upkeep, "interval", seconds=UPKEEP.total_seconds(), id="upkeep", next_run_time=now
        )
        scheduler.add_job(
            self._announce, "interval", seconds=TICK.total_seconds(), id="announce", next_run_time=now
        )
        scheduler.add_job(
            self._ask_hubs, "interval", seconds=TICK.total_seconds(), id="hubs", next_run_time=now
        )
        scheduler.add_listener(self._on_event, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
        return scheduler

    def _tick(self) -> None:
        if self._must_reload or _stamp(self._file) != self._stamp:
            self._must_reload = False
            self._load_again()
        notify("WATCHDOG=1")
        self._vitals.beat()
        try:
            # A database server that was restarted has released the lock, and another daemon may have taken
            # it; so it is when a lock file was deleted.
            if not self._finds_store():
                pass
            elif not self._keep():
                _log.error(
                    "another daemon has taken the lock of %s: this one does not poll", self._config.store
                )
            elif self._app is not None:
                self._wake(self._app)
                with suppress(StoreInUse):
                    self._poll(self._app)
        finally:
            self._ended = datetime.now(UTC)
            self._is_behind = False

    def _finds_store(self) -> bool:
        """Returns whether the store's file exists. Another in its place, such as a restored one, is opened.

        SQLite would go on with the file that it has open, even if that was moved away or deleted.
        """
        if not isinstance(self._config.store, Path) or self._app is None:
            return True
        if (found := _file(self._config.store)) is None:
            if not self._is_store_gone:
                _log.error("the store %s is gone: nothing is polled until it is back", self._config.store)
            self._is_store_gone = True
            return False
        self._is_store_gone = False
        if found != self._store_file:
            _log.warning("another file is in the place of the store %s: it is opened", self._config.store)
            self._open_again(self._config)
        return True

    def _wake(self, app: App) -> None:
        """Spreads polls that fell due while the machine was suspended, or because its clock was set."""
        now = datetime.now(UTC)
        if self._ended is not None and abs(now - self._ended) > ASLEEP:
            _log.info("nothing ran since %s UTC: due polls are spread", f"{self._ended:%Y-%m-%d %H:%M}")
            app.wake(now)

    def _poll(self, app: App) -> None:
        """Polls until nothing is due, completing and publishing after each batch."""
        is_busy = True
        while is_busy and not self._is_stopping:
            with self._lock_work():
                now = datetime.now(UTC)
                app.refresh(now)
                app.hubs.plan(now)
                is_busy = run_once(
                    app,
                    app.due_names(now, MAX_BATCH),
                    now,
                    self._watcher,
                    completing=app.config.select(()),
                    is_stopping=lambda: self._is_stopping,
                )
        if app.is_behind(datetime.now(UTC)) and not self._is_stopping:
            with self._lock_work():
                publish(app, datetime.now(UTC), self._watcher)

    def _lock_work(self) -> AbstractContextManager[object]:
        """Waits until no other command polls or publishes. Raises StoreInUse if the daemon is to stop."""
        return lock_work(
            self._config.store, "run", datetime.now(UTC), is_over=self._is_over, report=_log.info
        )

    def _is_over(self) -> bool:
        notify("WATCHDOG=1")
        self._vitals.beat()
        return self._is_stopping

    def _announce(self) -> None:
        app = self._app
        if app is None:
            return
        # Messages carry a date: what a round does not send in time is sent by the next one, with its own
        # time.
        until = time.monotonic() + ROUND_SECONDS
        for delivery in app.announce(
            datetime.now(UTC), lambda: self._is_stopping or time.monotonic() > until
        ):
            self._watcher.announced(delivery)

    def _ask_hubs(self) -> None:
        now = datetime.now(UTC)
        self._listen(now)
        if self._app is not None:
            for request in self._app.hubs.ask(now):
                log_request(request)

    def _listen(self, now: datetime) -> None:
        if self._server is not None and (self._listened is None or abs(now - self._listened) >= LISTENING):
            self._callbacks.listening(now)
            self._listened = now

    def _upkeep(self) -> None:
        if self._app is None:
            return
        pruned = 0
        for count in self._app.upkeep(datetime.now(UTC)):
            pruned += count
            self._watcher.pruned(count)
            if self._is_stopping:
                return
        self._app.tidy_media(datetime.now(UTC))
        if pruned:
            _log.info("%d articles were pruned, as the config's retention says", pruned)

    def _open(self, config: Config) -> None:
        now = datetime.now(UTC)
        self._config = config
        self._app = App(config, now)
        self._store_file = _file(config.store) if isinstance(config.store, Path) else None
        self._vitals.count_readers(lambda app=self._app: app.readers_killed)  # type: ignore[misc]
        self._app.wake(now)
        # A run that was stopped or killed may have saved articles without publishing them.
        with suppress(StoreInUse), self._lock_work():
            publish(self._app, now, self._watcher)

    def _load_again(self) -> None:
        """Loads a changed config. If it has mistakes, these are logged, and the old config stays in use."""
        self._stamp = _stamp(self._file)
        try:
            config = configuration.load(self._file)
        except ConfigError as error:
            for mistake in error.mistakes:
                _log.error("the new config is refused: %s", mistake)
            return
        if config.store != self._config.store:
            _log.error("the new config is refused: another store needs a restart")
            return
        self._open_again(config)
        if self._server is not None:
            self._server.adopt(config)
        _log.info("the config was read again: %d sources", len(config.select(())))

    def _open_again(self, config: Config) -> None:
        if self._app is not None:
            self._app.close()
        try:
            self._open(config)
        except StoreError:  # such as a database server that cannot be reached
            self._must_reload = True
            raise

    def _on_stop(self, number: int, _frame: FrameType | None) -> None:
        if self._is_stopping:
            os._exit(128 + number)
        self._is_stopping = True

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._must_reload = True

    def _on_event(self, event: JobEvent) -> None:
        if event.code != EVENT_JOB_MAX_INSTANCES:
            if isinstance(
                event.exception, StoreError
            ):  # such as a lock that another process has: the error says so
                _log.error("%s failed, and will be tried again: %s", event.job_id, event.exception)
            else:
                _log.error("%s failed", event.job_id, exc_info=event.exception)
        elif event.job_id == "tick" and not self._is_behind:
            self._is_behind = True
            _log.info(
                "this round of polls takes longer than %g s; sources due meanwhile are polled after it",
                TICK.total_seconds(),
            )

    def _finish(self, scheduler: BackgroundScheduler) -> None:
        if self._app is not None:
            self._app.stop()
        # Not `shutdown(wait=True)` in this thread: polls that take longer are abandoned, and what is not
        # saved is fetched again, because its validators were not saved either.
        closing = threading.Thread(target=scheduler.shutdown, kwargs={"wait": True}, daemon=True)
        closing.start()
        until = time.monotonic() + STOP_SECONDS
        while closing.is_alive() and time.monotonic() < until:
            closing.join(0.2)
        if self._server is not None:
            self._server.stop()
        if self._app is not None:
            self._app.close()
        _log.info("stopped")


def _file(store: Path) -> tuple[int, int] | None:
    try:
        found = store.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        info = file.stat()
    except OSError:
        return None
    return info.st_mtime_ns, info.st_size
