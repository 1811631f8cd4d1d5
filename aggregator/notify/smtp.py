"""Sends mail to a server (RFC 5321, RFC 8314); the only module that uses smtplib."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage

from aggregator.config.load import Smtp
from aggregator.errors import DeliveryError

__all__ = ["send_mail"]

_SILENCE_SECONDS = 15
_DEADLINE_SECONDS = 60


def send_mail(settings: Smtp, message: EmailMessage) -> None:
    """Sends a message to the server of the config. Raises DeliveryError.

    Only the config names the server, no feed can: so it may be on this machine or network.
    """
    try:
        with _connected(settings) as connection:
            if settings.security == "starttls":
                connection.starttls(context=_tls(settings))
            if settings.user is not None and settings.password is not None:
                connection.login(settings.user.get_secret_value(), settings.password.get_secret_value())
            connection.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _refused(code, said, "does not accept mail for this address") from error
    except smtplib.SMTPAuthenticationError as error:
        raise _refused(error.smtp_code, error.smtp_error, "does not accept user and password") from error
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, error.smtp_error, "does not accept the message") from error
    except smtplib.SMTPNotSupportedError as error:
        raise DeliveryError(f"the mail server lacks an extension ({error}); see smtp.security") from error
    except ssl.SSLError as error:
        raise DeliveryError(
            f"the mail server's TLS was refused ({error.reason or error}); see smtp.security and smtp.tls_ca"
        ) from error
    except (smtplib.SMTPException, OSError) as error:
        raise DeliveryError(
            f"the mail server cannot be reached ({error or type(error).__name__}); see [smtp]"
        ) from error


@contextlib.contextmanager
def _connected(settings: Smtp) -> Iterator[smtplib.SMTP]:
    """A connection that is closed after a minute, even if the server keeps sending."""
    host, port = settings.host, settings.port_or_default
    if settings.security == "tls":
        made: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SILENCE_SECONDS, context=_tls(settings))
    else:
        made = smtplib.SMTP(host, port, timeout=_SILENCE_SECONDS)
    watchdog = threading.Timer(_DEADLINE_SECONDS, _cut_off, (made,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield made
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the message was accepted already
            made.quit()
    finally:
        watchdog.cancel()
        made.close()


def _cut_off(connection: smtplib.SMTP) -> None:
    if (found := connection.sock) is not None:
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)


def _tls(settings: Smtp) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.tls_ca)


def _refused(code: int, said: bytes | str, what: str) -> DeliveryError:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return DeliveryError(
        f"the mail server {what} ({code} {' '.join(text.split())[:200]})", is_refusal=500 <= code < 600
    )
