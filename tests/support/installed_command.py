"""The command `aggregator` for scripts of tests, without the half second that each start takes."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.launching import Launched

# It asks the test to start the command, which writes where this would, and ends as that did.
_COMMAND = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asking:
    asking.connect({address!r})
    places = [f"/proc/{{os.getpid()}}/fd/{{number}}" for number in (1, 2)]
    asking.sendall(json.dumps([os.getcwd(), *places, *sys.argv[1:]]).encode() + b"\\n")
    sys.exit(int(asking.makefile().readline()))
"""


class _Starter(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        folder, output, log, *arguments = json.loads(self.rfile.readline())
        code = Launched(*arguments, folder=Path(folder), output=Path(output), log=Path(log)).wait()
        self.wfile.write(f"{code}\n".encode())


@contextmanager
def command_in(folder: Path) -> Iterator[None]:
    """While it lasts, `folder` has a command `aggregator`; one runs at a time."""
    folder.mkdir()
    address = str(folder / "socket")
    command = folder / "aggregator"
    command.write_text(_COMMAND.format(python=sys.executable, address=address))
    command.chmod(0o755)
    with socketserver.UnixStreamServer(address, _Starter) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
