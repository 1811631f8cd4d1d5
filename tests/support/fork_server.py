"""For the server that forks the readers of many commands: it goes on when one of them is killed."""

from __future__ import annotations

import errno
from multiprocessing import forkserver, reduction
from typing import Any


class _Reduction:
    """As it is, but who hangs up before it has sent anything is left, as by a network."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reduction, name)

    def recvfds(self, *arguments: Any) -> list[int]:
        try:
            return list(reduction.recvfds(*arguments))
        except EOFError:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the command is gone") from None


forkserver.reduction = _Reduction()  # type: ignore[attr-defined]
