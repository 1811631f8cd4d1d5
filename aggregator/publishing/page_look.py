"""The look of the pages by the config: colours, logo, and the user's own templates."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aggregator.config.load import Config
from aggregator.config.pages import LIGHT, DarkColours
from aggregator.errors import WriteError
from aggregator.model.struct import replace
from aggregator.publishing.logo import logo_name, read_logo
from aggregator.writers.page_look import PageLook

__all__ = ["look_mistakes", "look_of"]

MAX_FILES, MAX_BYTES = 100, 1_000_000
"""A folder with more or larger files is refused: it cannot be meant for templates."""

_MAX_DEPTH = 5
_SUFFIXES = (".css", ".html")


class _NoTemplates(Exception):
    """A folder of templates cannot be used; the message says why, and what to change."""


def look_of(config: Config) -> PageLook:
    """Returns the look of a site's pages."""
    site, pages = config.site, config.publish.pages
    place = pages.templates
    templates: tuple[tuple[str, str], ...] = ()
    problem = ""
    try:
        templates = _templates(place) if place else ()
    except _NoTemplates as error:
        problem = f"publish.pages.templates: {error}"
    logo = ""
    if pages.logo:
        with suppress(WriteError):  # reported when the logo is published
            logo = logo_name(pages.logo, read_logo(pages.logo))
    look = PageLook(
        language=site.language,
        timezone=site.timezone,
        templates=templates,
        folder=place.name if place else "",
        problem=problem,
        logo=logo,
        members=pages.members,
        hide_read=pages.hide_read,
        calendar=pages.calendar,
        plays_http=site.is_plain,
        colours=_changed(pages.colours),
        dark_colours=_changed(pages.colours.dark),
    )
    facts = json.dumps({name: getattr(look, name) for name in look.__struct_fields__}).encode()
    is_usual = look == PageLook(language=site.language) and (site.language or "en").startswith("en")
    return look if is_usual else replace(look, mark=hashlib.blake2b(facts, digest_size=16).hexdigest())


def _changed(colours: DarkColours) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name in LIGHT if (value := getattr(colours, name)))


def look_mistakes(config: Config) -> Iterator[str]:
    """Yields mistakes in the logo and in the user's own templates, with file and line."""
    if config.publish.pages.logo is not None:
        try:
            read_logo(config.publish.pages.logo)
        except WriteError as error:
            yield str(error)
    if config.publish.pages.templates is not None:
        from aggregator.writers.html.template_trial import trial_mistakes
        from aggregator.writers.html.templates import mistakes

        look = look_of(config)
        found = [*mistakes(look)]
        yield from found
        # A template that cannot be rendered because of a mistake that was found already is not reported
        # twice.
        known = {_place_of(mistake) for mistake in found}
        if not look.problem:
            yield from (each for each in trial_mistakes(look) if _place_of(each) not in known)


def _place_of(mistake: str) -> str:
    """Returns the file and line that a mistake begins with."""
    return ":".join(mistake.split(":")[:2])


def _templates(place: Path) -> tuple[tuple[str, str], ...]:
    """Returns each template's name and text. Raises _NoTemplates."""
    from aggregator.fetch.confined_folder import Folder, RefusedFile

    found, name = [], ""
    try:
        with Folder(place) as folder:
            for name in _names(folder.path):
                with folder.open(name) as file:
                    body = file.read(MAX_BYTES + 1)
                if len(body) > MAX_BYTES:
                    raise _NoTemplates(f"{name} has more than {MAX_BYTES:,} bytes, too many for a template")
                found.append((name, body.decode()))
    except UnicodeDecodeError as error:
        raise _NoTemplates(f"{name} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
    except RefusedFile as error:
        raise _NoTemplates(f"{name} {error.reason}") from error
    except OSError as error:
        shown = place / name if name else place
        raise _NoTemplates(f"{shown} cannot be read ({error.strerror or error})") from error
    return tuple(found)


def _names(place: Path) -> list[str]:
    """Returns the paths of the templates in a folder and its subfolders, without hidden files."""
    names: list[str] = []
    for folder, inner, files in os.walk(place):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        below = Path(folder).relative_to(place)
        names += [
            (below / name).as_posix()
            for name in sorted(files)
            if name.endswith(_SUFFIXES) and not name.startswith(".")
        ]
        if len(names) > MAX_FILES or len(files) > 10 * MAX_FILES or len(below.parts) > _MAX_DEPTH:
            raise _NoTemplates(f"{place} has too many files to be a folder of templates; name one of its own")
    return names
