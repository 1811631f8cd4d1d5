"""Decodes pictures in confined processes that can be killed: a hostile file harms only itself."""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.confinement import confine
from aggregator.media.pictures import PIXEL, Picture, PictureBounds, PictureRefused, encoded
from aggregator.model.wire import Format
from aggregator.processes import Lost, Processes, Stopped, cores

__all__ = ["PictureWorkers"]

DEADLINE_SECONDS = 30.0
MEMORY_BYTES = 1024**3
PICTURES_PER_PROCESS = 500
MAX_AT_ONCE = 2
_BEGINS = {"image/jpeg": b"\xff\xd8\xff", "image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A picture, or the reason why there is none."""

    refusal: str = ""
    type: str = ""
    width: int = 0
    height: int = 0
    body: bytes = b""


class PictureWorkers(Processes[[bytes, PictureBounds], Picture]):
    """Processes that encode pictures again; none is started before the first picture, `close` stops them all.

    Each is confined, if the system allows it: it opens no socket, starts no program, and reads only the files
    of Python's packages (`aggregator.confinement`). `memory_bytes`: the address space of one process.
    """

    def __init__(self, count: int | None = None, *, memory_bytes: int = MEMORY_BYTES) -> None:
        super().__init__(
            _answer,
            Format(_Answer),
            count or min(cores(), MAX_AT_ONCE),
            take=_taken,
            memory_bytes=memory_bytes,
            tasks_each=PICTURES_PER_PROCESS,
            prepare=_prepare,
        )

    def encoded(self, body: bytes, bounds: PictureBounds) -> Picture:
        """`pictures.encoded` in a process; safe to call from several threads.

        Raises PictureRefused, also when the process was killed for its time, its memory or its answer, and
        Stopped when the processes are stopped.
        """
        try:
            return self.ask(DEADLINE_SECONDS, body, bounds)
        except Stopped:
            raise
        except Lost as lost:
            raise PictureRefused(f"decoding it {lost}") from None


def _prepare() -> str:
    """Loads every decoder first: a confined process can only read Python's own folders."""
    from PIL import Image

    Image.init()
    return confine()


def _answer(body: bytes, bounds: PictureBounds) -> _Answer:
    try:
        found = encoded(body, bounds)
    except PictureRefused as refused:
        return _Answer(refusal=str(refused))
    return _Answer(type=found.type, width=found.width, height=found.height, body=found.body)


def _taken(answer: _Answer, _: bytes, bounds: PictureBounds) -> Picture:
    """The picture of an answer, which may be hostile. Raises PictureRefused, ValueError."""
    if answer.refusal:
        raise PictureRefused(PIXEL if answer.refusal == PIXEL else " ".join(answer.refusal.split())[:300])
    begins = _BEGINS.get(answer.type)
    if begins is None or not answer.body.startswith(begins) or len(answer.body) > bounds.max_bytes:
        raise ValueError("no picture of a known kind")
    if not (0 < answer.width <= bounds.max_width and answer.height > 0):
        raise ValueError("no picture of a possible size")
    return Picture(type=answer.type, width=answer.width, height=answer.height, body=answer.body)
