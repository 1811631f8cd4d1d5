"""The templates of the pages: ours in `pages/`, and a site's own, each of which replaces ours of the same
name.

A site's template reaches the replaced one as `built-in/NAME`, and so can extend it.
"""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregator.errors import TemplateMistake
from aggregator.normalise.text import tidy
from aggregator.writers.html.locale import Locale, locale_of
from aggregator.writers.html.page_variables import MAX_QUERY
from aggregator.writers.page_look import PageLook

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["BUILT_IN", "COMMON", "TEMPLATES", "has_own", "macro", "mistakes", "render"]

BUILT_IN = "built-in/"
"""The prefix for the name of one of our templates that a site's own has replaced."""

COMMON = frozenset(
    (
        *(
            "accent",
            "direction",
            "generator",
            "logo",
            "language",
            "policy",
            "root",
            "say",
            "search",
            "site",
            "start",
        ),
        "max_query",
        "script",
    )
)
"""The variables that every page has."""

TEMPLATES: Mapping[str, frozenset[str]] = {
    "page.html": frozenset(),
    "parts.html": frozenset(),
    "category.html": frozenset(
        (
            *("archive", "canonical", "days", "description", "entries", "feeds", "image", "name", "newer"),
            *("newest", "older", "tag", "total", "updated"),
        )
    ),
    "entry.html": frozenset(("entry", "heading")),
    "start.html": frozenset(
        (
            *("canonical", "cards", "categories", "description", "feeds", "image", "index", "lists", "name"),
            *("calendar", "members", "status", "tag", "updated", "whole"),
        )
    ),
    "status.html": frozenset(("canonical", "further", "last_poll", "name", "sources", "states", "tag")),
    "article.html": frozenset(("entry", "original", "text")),
    "calendar.html": frozenset(("canonical", "name", "tag", "years")),
    "members.html": frozenset(("canonical", "members", "name", "tag")),
    "search.html": frozenset(("entries", "feeds", "is_complete", "name", "problem", "query", "tag")),
    "style.css": frozenset(("colours", "dark_colours", "search")),
}
"""Our templates, with the variables that each has besides the common ones."""

_OF_JINJA = frozenset(("joiner", "namespace", "range"))
_PACKAGE = files("aggregator.writers.html")


def render(name: str, look: PageLook, locale: Locale, /, **facts: Any) -> bytes:
    """Renders a template to UTF-8. Raises TemplateMistake."""
    if look.problem:
        raise TemplateMistake(look.problem)
    environment = _environment(look.templates, look.folder, locale.tag, look.timezone)
    if not look.templates:
        return environment.get_template(name).render(facts).encode()
    try:
        return _bounded(environment).get_template(name).render(facts).encode()
    except Exception as error:  # the user's own templates may raise anything
        raise TemplateMistake(_place_of(error, look)) from error


def macro(template: str, name: str, look: PageLook, locale: Locale) -> Callable[..., str]:
    """Returns a macro of one of our templates; its result is markup that other templates insert unchanged."""
    environment = _environment((), "", locale.tag, look.timezone)
    found: Callable[..., str] = getattr(environment.get_template(template).module, name)
    return found


def has_own(name: str, look: PageLook) -> bool:
    """Returns whether a site has its own template of this name."""
    return any(own == name for own, _ in look.templates)


def mistakes(look: PageLook) -> Iterator[str]:
    """Yields mistakes in a site's own templates, with file and line; nothing is rendered."""
    if look.problem:
        yield look.problem
        return
    from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

    locale = locale_of(look.language, look.timezone)
    environment = _environment(look.templates, look.folder, locale.tag, look.timezone)
    own, used = look.own, set(TEMPLATES)
    trees = {}
    for name, text in own.items():
        try:
            environment.get_template(name)
            trees[name] = environment.parse(text, name, f"{look.folder}/{name}")
        except TemplateSyntaxError as error:
            yield f"{error.filename or f'{look.folder}/{name}'}:{error.lineno}: {error.message}"
        except TemplateError as error:
            yield f"{look.folder}/{name}: {error}"
    for name, tree in trees.items():
        for other in filter(None, meta.find_referenced_templates(tree)):
            used.add(other)
            if other not in own and other.removeprefix(BUILT_IN) not in TEMPLATES:
                line = next((n.lineno for n in tree.find_all(nodes.Const) if n.value == other), 1)
                yield f"{look.folder}/{name}:{line}: there is no template {other!r}{_near(other, TEMPLATES)}"
        for call in tree.find_all(nodes.Call):
            key = call.args[0] if call.args and getattr(call.node, "name", "") == "say" else None
            if isinstance(key, nodes.Const) and not locale.knows(str(key.value)):
                yield f"{look.folder}/{name}:{call.lineno}: there are no words for {key.value!r}"
        if name in TEMPLATES:
            yield from _unknown(name, tree, environment, look)
    for name in own:
        if name not in used:
            near = _near(name, TEMPLATES)
            yield f"{look.folder}/{name}: replaces no page, and no template here includes it{near}"


def _unknown(name: str, tree: Any, environment: Environment, look: PageLook) -> Iterator[str]:
    """Yields variables and blocks that a page does not have."""
    from jinja2 import meta, nodes

    known = TEMPLATES[name] | COMMON
    if name == "page.html":  # every page extends it, so any page's variables may be used
        known = known.union(*TEMPLATES.values())
    own = {n.name for n in tree.find_all(nodes.Name) if n.ctx == "store"}
    own |= {n.target for n in tree.find_all(nodes.Import)} | {n.name for n in tree.find_all(nodes.Macro)}
    own |= {n if isinstance(n, str) else n[1] for each in tree.find_all(nodes.FromImport) for n in each.names}
    for variable in sorted(meta.find_undeclared_variables(tree) - known - own - _OF_JINJA):
        lines = [n.lineno for n in tree.find_all(nodes.Name) if n.name == variable]
        near = _near(variable, known)
        yield f"{look.folder}/{name}:{min(lines, default=1)}: there is no variable {variable!r}{near}"
    extended = _extended(tree)
    if extended in (f"{BUILT_IN}{name}", "page.html", f"{BUILT_IN}page.html"):
        there = _blocks(extended, environment)
        inner = {b.name for block in tree.find_all(nodes.Block) for b in block.find_all(nodes.Block)}
        for block in tree.find_all(nodes.Block):
            if block.name not in there | inner:
                near = _near(block.name, there)
                yield f"{look.folder}/{name}:{block.lineno}: {extended} has no block {block.name!r}{near}"


def _blocks(name: str, environment: Environment) -> frozenset[str]:
    """Returns the blocks of a template and of those that it extends."""
    from jinja2 import nodes

    found: set[str] = set()
    while name:
        assert environment.loader is not None, "it has ours"
        tree = environment.parse(environment.loader.get_source(environment, name)[0])
        found |= {block.name for block in tree.find_all(nodes.Block)}
        name = _extended(tree)
    return frozenset(found)


def _extended(tree: Any) -> str:
    """Returns the name of the template that this one extends; "" for none."""
    from jinja2 import nodes

    named = (each.template for each in tree.find_all(nodes.Extends))
    return next((str(name.value) for name in named if isinstance(name, nodes.Const)), "")


def _near(name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _place_of(error: Exception, look: PageLook) -> str:
    """Returns the file and line of a site's own template in which rendering failed, and why."""
    line, file = getattr(error, "lineno", None), getattr(error, "filename", None)
    if not (line and file):
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename.startswith(f"{look.folder}/"):
                file, line = frame.filename, frame.lineno
    return f"{file or look.folder}{f':{line}' if line and file else ''}: {_reason(error)}"


def _reason(error: Exception) -> str:
    from jinja2 import TemplateError

    if isinstance(error, RecursionError):
        return "templates or macros include each other without end"
    if isinstance(error, TemplateError):
        return str(getattr(error, "message", None) or error)
    return f"{type(error).__name__}: {error}"


@lru_cache(maxsize=16)
def _environment(templates: tuple[tuple[str, str], ...], folder: str, tag: str, timezone: str) -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    own = dict(templates)

    def load(name: str) -> tuple[str, str | None, Callable[[], bool]] | None:
        if name in own:
            return own[name], f"{folder}/{name}", _is_current
        plain = name.removeprefix(BUILT_IN)
        return (_built_in(plain), None, _is_current) if plain in TEMPLATES else None

    settings: dict[str, Any] = {
        "loader": FunctionLoader(load),
        "autoescape": True,
        "auto_reload": False,
        "undefined": StrictUndefined,
        "finalize": _shown,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "keep_trailing_newline": True,
    }
    if own:
        from aggregator.writers.html.sandbox import SandboxedTemplates

        environment: Environment = SandboxedTemplates(**settings)
    else:
        from aggregator.writers.html.compiled_templates import CompiledTemplates

        if isinstance(_PACKAGE, Path):  # not in a ZIP file
            # The language and time zone: filters of constants are applied when a template is compiled.
            settings["bytecode_cache"] = CompiledTemplates(_PACKAGE, tag, timezone)
        environment = Environment(**settings)  # noqa: S701 - autoescape is among them
    locale = locale_of(tag, timezone)
    environment.globals |= {"say": locale.say, "language": tag, "max_query": MAX_QUERY}
    environment.filters |= {"number": locale.number, "time": _time_of(locale), "month": locale.month}
    return environment


def _bounded(environment: Environment) -> Environment:
    """Returns the environment, after starting to count for a page."""
    from aggregator.writers.html.sandbox import SandboxedTemplates

    assert isinstance(environment, SandboxedTemplates), "there are own templates"
    environment.begin()
    return environment


def _time_of(locale: Locale) -> Callable[[Any], Any]:
    from aggregator.writers.html import entry_markup

    return lambda moment: entry_markup.time(moment, locale)


def _shown(value: Any) -> Any:
    return tidy(value) if type(value) is str else value


def _is_current() -> bool:
    return True


@cache
def _built_in(name: str) -> str:
    return (_PACKAGE / "pages" / name).read_text(encoding="utf-8")
