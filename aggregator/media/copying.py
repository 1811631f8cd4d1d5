"""Copies what articles show: records addresses, fetches at each publisher's pace, encodes again, removes old
copies.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aggregator.config.load import Config, MediaSettings, Source
from aggregator.errors import AggregatorError, SourceError, WriteError
from aggregator.media.copy_files import damaged_files, hash_of_file, remove_files, write_file
from aggregator.media.fetch_results import LONGEST_WAIT, CopyReport, FetchedFile, outcome_of
from aggregator.media.member_pictures import MemberPicture
from aggregator.media.references import shown_by
from aggregator.model.article import Article, Problem
from aggregator.model.media_copies import CopiedFile
from aggregator.processes import Stopped
from aggregator.store import CopyOutcome, Store, WantedFile

if TYPE_CHECKING:  # imported when something is fetched
    from aggregator.fetch import FileBounds, Hosts, Resource
    from aggregator.media.workers import PictureWorkers

__all__ = ["Copying"]

MAX_AT_ONCE = 8
"""How many are fetched at once, as each is completely in memory."""

PICTURE_DEADLINE = timedelta(seconds=20)
RECORDING_DEADLINE = timedelta(minutes=5)

_MAX_DUE = 2_000
_RECORDED_AT_ONCE = 20
_TIDIED = "media tidied"


class FetchesFiles(Protocol):
    """Fetches files; `hosts` says when an address may be requested."""

    hosts: Hosts

    def embedded(self, source: Source, url: str, now: datetime, bounds: FileBounds) -> Resource:
        """Fetches a file that an article of `source` shows. Raises FetchError."""
        ...


class Copying:
    """Keeps copies of what published articles show, as `publish.media` says; without it, removes all copies.

    `config` returns the present config, `fetcher` the fetcher, `faces` the pictures of members; none of them
    is called before it is needed.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        store: Store,
        fetcher: Callable[[], FetchesFiles],
        faces: Callable[[], Sequence[MemberPicture]] = tuple,
    ) -> None:
        self._config = config
        self._store = store
        self._fetcher = fetcher
        self._faces = faces
        self._files: Mapping[str, Path] = {}
        self._end = threading.Event()
        self._is_stopping = self._is_full = False
        self._making = threading.Lock()

    @cached_property
    def _workers(self) -> PictureWorkers:
        from aggregator.media.workers import PictureWorkers

        return PictureWorkers()

    def close(self) -> None:
        """Ends the worker processes."""
        if "_workers" in vars(self):
            self._workers.close()

    def stop(self) -> None:
        """Starts nothing more; what arrives within seconds is still recorded."""
        self._is_stopping = True
        self._end.set()

    def note(self, now: datetime) -> None:
        """Records what new and changed articles show; existing copies are used for them at once."""
        settings = self._config().publish.media
        if settings is None:
            return
        sources = {source.name: source for source in self._config().sources}
        choices = {name: _choice(source, settings) for name, source in sources.items()}
        site = self._config().site.url

        def finds(article: Article) -> dict[str, bool]:
            has_pictures, has_recordings = choices.get(article.source, (False, False))
            found = shown_by(article, settings.max_width, with_recordings=has_recordings)
            if not has_pictures:
                return {}
            return {address: what for address, what in found.items() if not address.startswith(site)}

        unusual = {name: choice for name, choice in choices.items() if choice != (True, settings.enclosures)}
        mark = hash_of_file(
            repr([settings.max_width, settings.enclosures, site, unusual]).encode("utf-8", "replace")
        )
        while self._store.media.note(finds, _since(settings, now), mark, now) and not self._is_stopping:
            pass

    def copy(self, now: datetime) -> CopyReport | None:
        """Fetches what is due, within the `time` of a run; None if nothing is due."""
        settings = self._config().publish.media
        if settings is None or self._is_stopping:
            return None
        self.note(now)
        self._note_faces(settings, now)
        found = (*self._store.media.due(_since(settings, now), now, _MAX_DUE), *self._store.faces.due(now))
        if not (due := [*{each.address: each for each in found}.values()]):
            return None
        report = self._copied(due, settings, now)
        if report is not None and report.has_changed:
            self._note_faces(settings, now)
        return report

    def _note_faces(self, settings: MediaSettings, now: datetime) -> None:
        """Records which pictures of members are wanted; copies that there are for them are shown."""
        sources = {source.name: source for source in self._config().sources}
        faces = [
            face
            for face in self._faces()
            if face.file or (face.source in sources and _choice(sources[face.source], settings)[0])
        ]
        self._files = {face.address: face.file for face in faces if face.file}
        self._store.faces.want({face.address: face.source for face in faces}, now)

    def _copied(self, due: Sequence[WantedFile], settings: MediaSettings, now: datetime) -> CopyReport | None:
        report = CopyReport()
        begun = time.monotonic()
        room = settings.max_bytes - self._store.media.counts().bytes
        if room <= 0:
            if self._is_full:
                return None
            self._is_full, report.waiting = True, len(due)
            why = f"copies have all {settings.max_bytes} bytes of publish.media.max_bytes: no more are made"
            report.problems.append(Problem(text=why))
            return report
        self._is_full = False
        sources = {source.name: source for source in self._config().sources}
        files = [each for each in due if each.address in self._files]
        done = [outcome_of(each, self._picture(sources, each, settings, now), report, now) for each in files]
        self._store.media.record([outcome for outcome in done if outcome is not None], now)
        remote = [each for each in due if not each.is_recording and each.address not in self._files]
        pictures = self._chosen(remote, settings)
        self._fetch(pictures, settings, report, now, room)
        for each in [each for each in due if each.is_recording]:
            left = settings.time.total_seconds() - (time.monotonic() - begun)
            if left <= 0 or self._end.is_set() or report.bytes >= room:
                break
            self._fetch_recording(each, settings, report, now)
        report.waiting = len(due) - report.copied - report.pixels - report.refused - report.failed
        return report

    def tidy(self, now: datetime, *, at_once: bool = False) -> None:
        """Removes copies that nothing shows any more, and finds lost and leftover files: once a day, or
        `at_once`.

        Raises StoreError. A file that cannot be removed is tried again next time.
        """
        config, store, today = self._config(), self._store.media, f"{now:%Y-%m-%d}"
        settings = config.publish.media
        try:
            if settings is None:
                remove_files(config.output, (), None, now)
                store.forget_all()
                self._store.faces.want({}, now)
                return
            if self._store.database.setting(_TIDIED) == today and not at_once:
                return
            gone = store.let_go(now, settings.keep, settings.max_bytes)
            if lost := damaged_files(config.output, store.files()):
                store.lost([file.hash for file in lost], now)
                gone |= {file.hash for file in lost}
            remove_files(config.output, {file.hash for file in store.files()}, gone, now)
            self._store.database.remember(_TIDIED, today)
        except WriteError:
            return

    def _chosen(self, due: Sequence[WantedFile], settings: MediaSettings) -> list[WantedFile]:
        """The files that can be fetched in this run, at the pace of their publishers."""
        hosts, moment = self._fetcher().hosts, time.monotonic()
        left: dict[str, int] = {}
        chosen = []
        for each in due:
            publisher = hosts.publisher(each.address)
            if publisher not in left:
                left[publisher] = hosts.places(each.address, moment, settings.time)
            if left[publisher] > 0:
                left[publisher] -= 1
                chosen.append(each)
        return chosen

    def _fetch(
        self,
        wanted: Sequence[WantedFile],
        settings: MediaSettings,
        report: CopyReport,
        now: datetime,
        room: int,
    ) -> None:
        from aggregator.polling.paced_threads import PacedThreads

        sources = {source.name: source for source in self._config().sources}
        timer = threading.Timer(settings.time.total_seconds(), self._end.set)
        timer.daemon = True
        timer.start()
        outcomes: list[CopyOutcome] = []
        try:
            turns = PacedThreads(
                self._fetcher().hosts,
                [each.address for each in wanted],
                workers=min(self._config().fetch.workers, MAX_AT_ONCE),
                work=lambda n: self._picture(sources, wanted[n], settings, now),
                postponed=lambda _, error: FetchedFile(wait=error.retry_after),
                stop=self._end,
            )
            for batch in turns:
                outcomes += [
                    outcome
                    for n, had in batch
                    if (outcome := outcome_of(wanted[n], had, report, now)) is not None
                ]
                if len(outcomes) >= _RECORDED_AT_ONCE:
                    self._store.media.record(outcomes, now)
                    outcomes = []
                if report.bytes >= room:
                    self._end.set()
        finally:
            timer.cancel()
            self._store.media.record(outcomes, now)
            if not self._is_stopping:
                self._end.clear()

    def _picture(
        self, sources: Mapping[str, Source], wanted: WantedFile, settings: MediaSettings, now: datetime
    ) -> FetchedFile:
        from aggregator.fetch import FileBounds
        from aggregator.media.pictures import PIXEL, PictureBounds, PictureRefused

        local, source = self._files.get(wanted.address), sources.get(wanted.source)
        if source is None:
            return FetchedFile(wait=LONGEST_WAIT)
        deadline = min(self._config().fetch.deadline, PICTURE_DEADLINE)
        bounds = FileBounds(settings.max_file_bytes, deadline)
        try:
            body = (
                self._fetcher().embedded(source, wanted.address, now, bounds).body
                if local is None
                else local.read_bytes()
            )
            with self._making:
                workers = self._workers
            found = workers.encoded(
                body,
                PictureBounds(
                    max_width=settings.max_width,
                    max_pixels=settings.max_pixels,
                    max_bytes=settings.max_file_bytes,
                ),
            )
            file = CopiedFile(
                hash=hash_of_file(found.body),
                type=found.type,
                bytes=len(found.body),
                width=found.width,
                height=found.height,
            )
            write_file(self._config().output, file, found.body)
        except SourceError as error:
            return FetchedFile(error=error)
        except Stopped:
            return FetchedFile(is_stopped=True)
        except PictureRefused as refused:
            return FetchedFile(is_pixel=True) if str(refused) == PIXEL else FetchedFile(refusal=str(refused))
        except WriteError as error:
            return FetchedFile(error=SourceError(str(error), url=wanted.address))
        except AggregatorError:
            raise
        except OSError as error:
            return FetchedFile(error=SourceError(f"it cannot be read: {error.strerror}", url=wanted.address))
        except Exception as error:  # noqa: BLE001 - a bug of ours fails one picture, never a run
            return FetchedFile(error=_mistake(error, wanted.address))
        return FetchedFile(file=file)

    def _fetch_recording(
        self, wanted: WantedFile, settings: MediaSettings, report: CopyReport, now: datetime
    ) -> None:
        from aggregator.fetch import FileBounds
        from aggregator.media.recordings import type_of_recording

        sources = {source.name: source for source in self._config().sources}
        if (source := sources.get(wanted.source)) is None:
            return
        bounds = FileBounds(settings.max_enclosure_bytes, RECORDING_DEADLINE)
        try:
            with self._fetcher().hosts.turn(wanted.address):
                body = self._fetcher().embedded(source, wanted.address, now, bounds).body
            if (kind := type_of_recording(body)) is None:
                had = FetchedFile(refusal="it is no recording of a known kind")
            else:
                file = CopiedFile(hash=hash_of_file(body), type=kind, bytes=len(body))
                write_file(self._config().output, file, body)
                had = FetchedFile(file=file)
        except SourceError as error:
            had = FetchedFile(error=error)
        except WriteError as error:
            had = FetchedFile(error=SourceError(str(error), url=wanted.address))
        except AggregatorError:
            raise
        except Exception as error:  # noqa: BLE001 - as for pictures
            had = FetchedFile(error=_mistake(error, wanted.address))
        if (outcome := outcome_of(wanted, had, report, now)) is not None:
            self._store.media.record([outcome], now)


def _mistake(error: Exception, address: str) -> SourceError:
    text = f"copying it failed because of a bug in aggregator: {type(error).__name__}"
    return SourceError(text, url=address)


def _choice(source: Source, settings: MediaSettings) -> tuple[bool, bool]:
    """Whether pictures, and recordings, of a source are copied."""
    if source.media is None:
        # The addresses in a newsletter are made for one reader, and tell the sender that it was read.
        has_pictures = source.kind != "mail"
        return has_pictures, has_pictures and settings.enclosures
    return bool(source.media), source.media == "all" or (source.media is True and settings.enclosures)


def _since(settings: MediaSettings, now: datetime) -> datetime | None:
    return None if settings.max_age is None else now - settings.max_age
