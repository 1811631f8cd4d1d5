"""A small IMAP server on loopback (RFC 3501): records each command, and misbehaves as it is reported."""

from __future__ import annotations

import contextlib
import re
import socketserver
import ssl
import threading
from collections.abc import Callable

PASSWORD = "s3cret-password"
_LITERAL_AT = 20


def message(
    number: int, sender: str = "Tea Weekly <news@tea.example>", body: str = "Hot", **headers: str
) -> bytes:
    """A numbered message."""
    said = {
        "From": sender,
        "Subject": f"Tea {number}",
        "Date": f"Mon, {number:02} Jan 2024 10:00:00 +0000",
        "Message-ID": f"<{number}@tea.example>",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    return f"{head}\r\n{body} {number}\r\n".encode()


class Imap:
    """A mailbox INBOX of `messages` by their UID; `faults` maps a command's name to what is sent instead.

    `commands` are the commands as they came, without tags and without the password.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, has_starttls: bool = False) -> None:
        self.messages: dict[int, bytes] = {}
        self.seen: set[int] = set()
        self.validity = 7
        self.commands: list[str] = []
        self.faults: dict[str, bytes | Callable[[socketserver.StreamRequestHandler, str], object]] = {}
        self.greeting = b"* OK ready\r\n"
        imap = self

        class Handler(socketserver.StreamRequestHandler):
            is_secure = bool(tls) and not has_starttls

            def setup(self) -> None:
                if self.is_secure:
                    assert tls is not None
                    self.request = tls.wrap_socket(self.request, server_side=True)
                super().setup()

            def handle(self) -> None:
                with contextlib.suppress(OSError, ssl.SSLError):
                    self.wfile.write(imap.greeting)
                    while line := self.rfile.readline():
                        tag, _, command = line.decode().strip().partition(" ")
                        imap.commands.append(command.replace(PASSWORD, "***"))
                        name = command.split()[1 if command.startswith("UID ") else 0].upper()
                        fault = imap.faults.get(name)
                        if callable(fault):
                            fault(self, tag)
                        elif fault is not None:
                            self.wfile.write(fault.replace(b"TAG", tag.encode()))
                        elif name == "STARTTLS":
                            assert tls is not None
                            self.wfile.write(f"{tag} OK go on\r\n".encode())
                            self.request = tls.wrap_socket(self.request, server_side=True)
                            self.rfile, self.wfile = (
                                self.request.makefile("rb"),
                                self.request.makefile("wb", 0),
                            )
                            self.is_secure = True
                        else:
                            capable = has_starttls and not self.is_secure
                            self.wfile.write(imap.answer(name, command, capable=capable))
                            self.wfile.write(f"{tag} {imap.verdict(name, command)}\r\n".encode())
                        if name == "LOGOUT" or fault == b"":
                            return

            def finish(self) -> None:
                with contextlib.suppress(OSError):
                    super().finish()
                self.request.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that will not have our certificate is no matter of this server's."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.port: int = self._server.server_address[1]
        scheme = "imaps" if tls and not has_starttls else "imap"
        self.url = f"{scheme}://127.0.0.1:{self.port}/INBOX"

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def verdict(self, name: str, command: str) -> str:
        """The tagged answer."""
        if name == "LOGIN" and f'"{PASSWORD}"' not in command:
            return "NO [AUTHENTICATIONFAILED] Invalid credentials"
        if name in ("SELECT", "EXAMINE") and '"INBOX"' not in command:
            return "NO no such mailbox"
        return "OK done"

    def answer(self, name: str, command: str, *, capable: bool) -> bytes:
        """The untagged answers."""
        if name == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1" + (b" STARTTLS" if capable else b"") + b"\r\n"
        if name in ("SELECT", "EXAMINE"):
            said = f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] valid\r\n"
            return said.encode()
        if name == "LOGOUT":
            return b"* BYE\r\n"
        if name == "SEARCH":
            wanted = re.search(r'FROM "([^"]*)"', command)
            found = [uid for uid, body in self.messages.items() if not wanted or wanted[1] in _sender(body)]
            return f"* SEARCH {' '.join(map(str, found))}\r\n".encode()
        if name == "FETCH":
            return b"".join(self._fetched(int(uid), command) for uid in command.split()[2].split(","))
        if name == "STORE":
            self.seen.add(int(command.split()[2]))
        return b""

    def _fetched(self, uid: int, command: str) -> bytes:
        body = self.messages.get(uid)
        if body is None:
            return b""
        if "RFC822.SIZE" in command:
            return f"* 1 FETCH (RFC822.SIZE {len(body)} UID {uid})\r\n".encode()
        if "BODY.PEEK[]" not in command:
            self.seen.add(uid)
        return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(body), body)


def _sender(body: bytes) -> str:
    return next(line for line in body.decode("utf-8", "replace").splitlines() if line.startswith("From:"))
