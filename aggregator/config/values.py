"""The types of values in the config; each error says what to write."""

from __future__ import annotations

import ipaddress
import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr

from aggregator.adapters import kinds
from aggregator.config.local_path import local_path
from aggregator.config.store_address import DatabaseAddress, StoreAddress, store_address
from aggregator.normalise.embedded_players import place_of
from aggregator.normalise.time_zones import zone_of

_DURATION = re.compile(r"(\d{1,6})\s*(ms|s|m|h|d|w)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
MAX_DURATION = timedelta(days=36_500)
PICTURES = (".png", ".jpg", ".svg", ".webp")
"""How the names of pictures end that are published with pages."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]*[a-z_-][a-z0-9_-]*)*")
_PLACEHOLDER = re.compile(r"\{(\w{1,20})\}")
_POST_SEGMENT = re.compile(r"[\w-](?:[\w.-]*[\w-])?")
_OURS = {
    "authorization": "use auth",
    "cookie": "use cookie",
    "user-agent": "use user_agent",
    **dict.fromkeys(
        (
            *("accept-encoding", "connection", "content-length", "expect", "host", "if-modified-since"),
            *("if-none-match", "keep-alive", "proxy-authorization", "range", "te", "transfer-encoding"),
            *("trailer", "upgrade"),
        ),
        "it is part of the exchange itself",
    ),
}


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None:
        raise ValueError('write a number and a unit in quotes, such as "45s", "30m", "6h" or "1d"')
    found = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if found > MAX_DURATION:  # later moments are outside the range of datetime
        raise ValueError(f'write "{MAX_DURATION.days}d" or less')
    return found


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise ValueError('write a time above zero, such as "20s"')
    return value


def _http_url(value: object) -> str:
    if isinstance(value, str):
        if not value:
            return value
        try:
            parts = urlsplit(value)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme in ("http", "https") and parts.hostname and not re.search(r"\s", value):
            return value
    raise ValueError('write an absolute address, such as "https://example.org/feeds"')


def _picture_place(value: object) -> str:
    text = str(value) if isinstance(value, str | Path) else ""
    if text.lower().endswith(PICTURES) and "://" not in text:
        return text
    try:
        return _http_url(value)
    except ValueError:
        pass
    raise ValueError(
        'write an absolute address, such as "https://example.org/face.png", or the path of a picture '
        f"whose name ends in {', '.join(PICTURES)}"
    )


def _source_url(value: object) -> str:
    if isinstance(value, str):
        scheme, _, rest = value.partition(":")
        is_sound = rest.strip("/") and not _CONTROLS.search(value) and _is_splittable(value)
        if is_sound and scheme not in ("http", "https") and scheme in kinds.schemes():
            return value
    try:
        if value:
            return _http_url(value)
    except ValueError:
        pass
    raise ValueError('write an address, such as "https://example.org/feed.xml"')


def _is_splittable(address: str) -> bool:
    """Whether brackets in it are around an IPv6 address: `urlsplit` raises ValueError for others."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return True


def _time_zone(value: object) -> str:
    if isinstance(value, str):
        try:
            zone_of(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError('write a name of the IANA database, such as "Europe/Berlin" or "UTC"')


def _player(value: object) -> str:
    if isinstance(value, str):
        try:
            place_of(value)
        except ValueError:
            pass
        else:
            return value
    raise ValueError(
        'write the https address under which the players are, such as "https://video.example/embed/": '
        "an address that ends in / covers everything below it"
    )


def _category(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError('write a name in quotes, such as "news"')


def _path(value: object) -> Path:
    if isinstance(value, Path):
        return value
    return local_path(value if isinstance(value, str) else "")


def plain_secret(value: object) -> str:
    """A secret: the text itself, or the text of the environment variable that is named. Never printed."""
    if isinstance(value, dict) and value.keys() == {"env"} and isinstance(name := value["env"], str):
        if (value := os.environ.get(name)) is None:
            raise ValueError(f"the environment variable {name} is not set; set it before the start")
        value = value.strip()
    if isinstance(value, str) and value and not _CONTROLS.search(value):
        return value
    raise ValueError('write a text of one line, or { env = "NAME" } for an environment variable')


def _store(value: object) -> StoreAddress:
    """A path, an address, or the environment variable that contains one of these."""
    if isinstance(value, Path | DatabaseAddress):
        return value
    if isinstance(value, dict):
        return store_address(plain_secret(value), is_hidden=True)
    if isinstance(value, str):
        return store_address(value)
    raise ValueError('write a path or an address in quotes, or { env = "NAME" }')


def _plain_header(value: object) -> str:
    if isinstance(value, str) and value.isascii() and not _CONTROLS.search(value):
        return value
    raise ValueError("write it on one line in ASCII, as it goes into a header")


def _headers(value: object) -> tuple[tuple[str, SecretStr], ...]:
    if not isinstance(value, dict):
        raise ValueError('write a table, such as { Accept-Language = "de" }')  # noqa: TRY004 (pydantic's rule)
    for name in value:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a header's name")
        if better := _OURS.get(name.lower()):
            raise ValueError(f"{name} cannot be set here: {better}")
    try:
        return tuple((name, SecretStr(plain_secret(text))) for name, text in value.items())
    except ValueError as error:
        raise ValueError(f"each header: {error}") from None


def _proxy(value: object) -> str:
    if value == "":
        return ""
    text = plain_secret(value)
    try:
        parts = urlsplit(text)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return text
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.startswith("socks"):
        raise ValueError("SOCKS is not supported; set an HTTP proxy (most SOCKS proxies are one, too)")
    raise ValueError('write the proxy\'s address, such as "http://proxy.example:3128"')


def _place(value: object) -> str:
    """An address, a network, a host, or `*.` and a domain, normalised for comparison."""
    text = value.strip().lower().rstrip(".") if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_network(text.strip("[]")))
    except ValueError:
        pass
    if host := _host_in(text):
        return host
    raise ValueError('write addresses, networks or hosts, such as "192.168.0.0/16", "nas.lan" or "*.lan"')


def _host(value: object) -> str:
    """An address or a host without port, normalised for comparison."""
    text = value.strip().lower().rstrip(".") if isinstance(value, str) else ""
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    if (host := _host_in(text)) and not host.startswith("*"):
        return host
    raise ValueError('write a host, such as "example.com"; its subdomains are included')


def _host_in(text: str) -> str | None:
    try:
        host = text.encode("idna").decode()
    except UnicodeError:
        return None
    return host if _HOST.fullmatch(host) else None


PLACEHOLDERS = ("categories", "category", "source", "date", "year", "month", "day", "slug", "hash")


def _post_path(value: object) -> str:
    """The path of a post in its folder; no segment can lead out of it."""
    segments = value.split("/") if isinstance(value, str) and len(value) <= 200 else []
    found = {name for segment in segments for name in _PLACEHOLDER.findall(segment)}
    name = segments[-1] if segments else ""
    if unknown := sorted(found.difference(PLACEHOLDERS)):
        raise ValueError(f"{{{unknown[0]}}} is not a placeholder; there are {{{'}, {'.join(PLACEHOLDERS)}}}")
    if (
        all(_POST_SEGMENT.fullmatch(_PLACEHOLDER.sub("x", segment)) for segment in segments)
        and all("{categories}" not in segment or segment == "{categories}" for segment in segments)
        and name.lower().endswith((".html", ".htm", ".md", ".markdown"))
        and ("{slug}" in name or "{hash}" in name)
    ):
        return str(value)
    raise ValueError(
        'write a path inside the folder, such as "{categories}/{date}-{slug}.html": a name with {slug} or '
        "{hash} that ends in .html or .md, in folders of letters, digits, dots, dashes and placeholders"
    )


def absolute_file_url(url: str | None, home: Path) -> str | None:
    """Makes a relative `file:` URL absolute from the home folder (RFC 8089 knows only absolute paths)."""
    if url is None or not url.startswith("file:") or url.startswith("file:/"):
        return url
    return (home / url.removeprefix("file:")).absolute().as_uri()


Secret = Annotated[SecretStr, BeforeValidator(plain_secret)]
HeaderText = Annotated[str, BeforeValidator(_plain_header)]
Proxy = Annotated[SecretStr, BeforeValidator(_proxy)]
Duration = Annotated[timedelta, BeforeValidator(_duration), PlainSerializer(lambda d: d.total_seconds())]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Category = Annotated[str, BeforeValidator(_category)]
FilePath = Annotated[Path, BeforeValidator(_path)]
StorePlace = Annotated[StoreAddress, BeforeValidator(_store), PlainSerializer(str)]
Headers = Annotated[tuple[tuple[str, SecretStr], ...], BeforeValidator(_headers)]
TimeZone = Annotated[str, BeforeValidator(_time_zone)]
Player = Annotated[str, BeforeValidator(_player)]
PicturePlace = Annotated[str, BeforeValidator(_picture_place)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
Place = Annotated[str, BeforeValidator(_place)]
Host = Annotated[str, BeforeValidator(_host)]
SourceUrl = Annotated[str, BeforeValidator(_source_url)]
PostPath = Annotated[str, BeforeValidator(_post_path)]
