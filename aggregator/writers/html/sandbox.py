"""A sandbox for templates of a site's owner, or of a theme's author: they can show values, and do nothing
else.

Everything is escaped, whatever a file's name is: there is neither `safe` nor `autoescape`, and no method that
makes markup of text. Rendering is limited by loop rounds and characters, not by time, so that the result does
not depend on how busy the machine is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from jinja2 import Environment, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateRuntimeError, TemplateSyntaxError
from jinja2.filters import make_attrgetter
from jinja2.runtime import markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from markupsafe import Markup, escape

from aggregator.writers.html.insertion_checks import misplaced

__all__ = ["FILTERS", "MAX_CHARACTERS", "MAX_ROUNDS", "EndlessTemplate", "SandboxedTemplates", "refuse"]

MAX_ROUNDS = 1_000_000
"""The largest number of loop rounds and of calls of macros and blocks for one page."""

MAX_CHARACTERS = 32_000_000
"""The largest size of a page, or of any text in it. The status page of 10,000 sources has 7 million."""

_MAX_REPEATED = 10_000
_MAX_POWER = 64

FILTERS = frozenset(
    (
        *("abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float"),
        *("groupby", "int", "items", "join", "last", "length", "list", "lower", "map", "max", "min"),
        *("reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "striptags"),
        *("string", "sum", "title", "trim", "truncate", "unique", "upper", "urlencode", "wordcount"),
    )
)
"""Jinja's filters that are allowed; the others are random, make markup, or are unlimited."""

_TEXT_METHODS = frozenset(("endswith", "lower", "split", "startswith", "strip", "upper"))
_GIVEN = ("varargs", "kwargs")
_MAX_PRECISION = 100
_CHARACTERS_A_ROUND = 32
_UNUSED_GLOBALS = ("cycler", "dict", "lipsum")
_state = threading.local()


class _Bounded(CodeGenerator):
    """Compiles templates so that each round of a loop, each macro, block and joined text is counted."""

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:  # noqa: N802 - Jinja's
        if self.filename is not None:  # our own templates have no file name
            refuse(node, self.environment, self.name, self.filename)
        parts: list[Any] = [node]
        for kind in (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block):
            parts += node.find_all(kind)
        for part in parts:
            part.body.insert(0, nodes.ExprStmt(_call("count_round", part.lineno), lineno=part.lineno))
        super().visit_Template(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self._weighed(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self._weighed(super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx == "load":
            self._weighed(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: N802
        if node.ctx == "load" and node.name in _GIVEN:
            self._weighed(super().visit_Name, node, frame)
        else:
            super().visit_Name(node, frame)

    def _weighed(self, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        self.write("environment.weighed(")
        visit(node, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class EndlessTemplate(TemplateRuntimeError):
    """A page needs more rounds than allowed."""


class SandboxedTemplates(ImmutableSandboxedEnvironment):
    """The Jinja environment of the owner's templates and ours."""

    code_generator_class = _Bounded
    intercepted_binops = frozenset(("*", "**", "%", "+"))

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.filters = {name: found for name, found in self.filters.items() if name in FILTERS}
        for name in _UNUSED_GLOBALS:
            del self.globals[name]
        self.globals["namespace"] = _Named
        self.filters |= {"join": _join, "round": _rounded(self.filters["round"]), "sum": self._sum}
        self.filters["groupby"] = self._grouped(self.filters["groupby"])
        self.filters = {name: self._checked(found) for name, found in self.filters.items()}

    def begin(self) -> None:
        """Starts counting for a page, in this thread."""
        _state.rounds = 0

    def count_round(self, rounds: int = 1) -> None:
        """Counts a round, or more. Raises TemplateRuntimeError."""
        _state.rounds += rounds
        if _state.rounds > MAX_ROUNDS:
            raise EndlessTemplate(f"more than {MAX_ROUNDS:,} rounds of loops; does it ever end?")

    def weighed(self, made: Any) -> Any:
        """Counts a list, tuple or dict that a template makes: each of its elements is one round.

        Writing or comparing nested lists, each containing another twice, takes time that doubles with each
        level.
        """
        waiting = [made]
        while waiting:
            each = waiting.pop()
            inner = [*each, *each.values()] if isinstance(each, dict) else each
            if isinstance(inner, list | tuple):
                self.count_round(len(inner))
                waiting += inner
        return made

    def _checked(self, found: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps a filter: limits the length of its result, and counts it, because many filters make texts
        longer.
        """

        @wraps(found)
        def checked(*arguments: Any, **named: Any) -> Any:
            made = found(*arguments, **named)
            if isinstance(made, str | list | tuple):
                _check(len(made))
                self.count_round(len(made) // _CHARACTERS_A_ROUND)
            return made

        return checked

    def _grouped(self, group: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(group)
        def grouped(*arguments: Any, **named: Any) -> Any:
            return self.weighed(group(*arguments, **named))

        return grouped

    def _sum(self, value: Iterable[Any], attribute: str | int | None = None, start: Any = 0) -> Any:
        """Sums values, limited like `+`."""
        get = make_attrgetter(self, attribute)
        for each in value:
            start = self.call_binop(None, "+", start, get(each))
            self.count_round(len(start) if isinstance(start, list | tuple) else 1)
        return start

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805 - Jinja's
        """Calls a function or method, and counts a list that it returns: `split` may return a long one."""
        made = super().call(__context, __obj, *args, **kwargs)
        if isinstance(made, list):
            __self.count_round(len(made))
        return made

    @staticmethod
    def joined(parts: Iterable[Any]) -> str:
        """Joins texts for the operator `~`. Raises TemplateRuntimeError."""
        return markup_join(_bounded(parts))

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        """Joins the text of a block, a macro or a page. Raises TemplateRuntimeError."""
        return "".join(_bounded(parts))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Limits operators that can make large results from small values. Raises TemplateRuntimeError."""
        if operator == "%" and isinstance(left, str):
            raise TemplateRuntimeError("join texts with ~, not with %")
        if operator == "**" and not (abs(left) <= _MAX_REPEATED and abs(right) <= _MAX_POWER):
            raise TemplateRuntimeError(f"a power of more than {_MAX_POWER}")
        if operator == "*" and not (isinstance(left, int | float) and isinstance(right, int | float)):
            times, repeated = (left, right) if isinstance(left, int) else (right, left)
            if isinstance(times, int) and times * max(len(repeated), 1) > _MAX_REPEATED:
                raise TemplateRuntimeError(f"something is repeated to more than {_MAX_REPEATED:,}")
        if operator == "*" and isinstance(left, int) and isinstance(right, int):
            _check(left.bit_length() * right.bit_length())
        made = super().call_binop(context, operator, left, right)
        if isinstance(made, str | list | tuple):
            _check(len(made))
        return made

    def wrap_str_format(self, value: Any) -> None:
        """Returns None: `format` has no special treatment."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Returns whether an attribute may be used. Texts have few methods: `translate` could make markup,
        `center` a text of a gigabyte.
        """
        if isinstance(obj, str | bytes):
            return attr in _TEXT_METHODS
        return super().is_safe_attribute(obj, attr, value)


def refuse(tree: nodes.Template, environment: Environment, name: str | None, file: str) -> None:
    """Checks a template for what is not allowed. Raises TemplateSyntaxError."""
    for scope in tree.find_all(nodes.ScopedEvalContextModifier):
        raise TemplateSyntaxError("autoescape cannot be turned off", scope.lineno, name, file)
    for found in tree.find_all(nodes.Filter):
        if found.name not in environment.filters:
            why = "it does not exist: text is always escaped, and markup of ours is inserted as it is"
            why = why if found.name == "safe" else f"there are {', '.join(sorted(environment.filters))}"
            raise TemplateSyntaxError(f"the filter {found.name!r}: {why}", found.lineno, name, file)
    if not file.endswith(".css"):
        for line, why in misplaced(tree):
            raise TemplateSyntaxError(why, line, name, file)


def _check(characters: int) -> None:
    if characters > MAX_CHARACTERS:
        raise TemplateRuntimeError(f"a text of more than {MAX_CHARACTERS:,} characters")


def _bounded(parts: Iterable[Any]) -> list[Any]:
    """Returns the parts of a text, those that are neither text nor markup converted to text."""
    known: list[Any] = []
    length = 0
    for part in parts:
        found = part if isinstance(part, str) or hasattr(part, "__html__") else str(part)
        length += len(found) if isinstance(found, str) else 0
        _check(length)
        known.append(found)
    return known


class _Named(Namespace):
    """A namespace whose text form does not include its content, which may contain itself."""

    def __repr__(self) -> str:
        return "<Namespace>"


def _rounded(found: Callable[..., Any]) -> Callable[..., Any]:
    def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
        if not abs(precision) <= _MAX_PRECISION:
            raise TemplateRuntimeError(f"a precision of more than {_MAX_PRECISION}")
        return found(value, precision, method)

    return rounded


def _join(value: Iterable[Any], separator: str = "") -> Markup:
    """Joins values, escaped unless they are markup."""
    parts = _bounded(value)
    _check(len(separator) * len(parts))
    return escape(separator).join(parts)


def _call(name: str, line: int) -> nodes.Call:
    called = nodes.EnvironmentAttribute(name, lineno=line)
    return nodes.Call(called, [], [], None, None, lineno=line)
