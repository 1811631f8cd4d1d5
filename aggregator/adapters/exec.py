"""Kind `exec`: what a command prints, read as a document of any other kind."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from aggregator.adapters import kinds
from aggregator.adapters.kinds import Kind
from aggregator.model.entry import ArticleDocument, Feed, SubscriptionList
from aggregator.model.resource import Resource
from aggregator.model.settings import Settings

_FETCHED = frozenset({"articles", "exec", "mail", "rsshub"})


class ExecOptions(Settings):
    """`command` is a program and its arguments, run without a shell; `kind` is what it prints.

    `options` are those of that kind. Further documents that it names are fetched as always.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    kind: str = "feed"
    options: dict[str, Any] = Field(default={})

    @model_validator(mode="after")
    def _is_readable(self) -> ExecOptions:
        if self.kind in _FETCHED:
            raise ValueError(f"a command cannot print a source of kind {self.kind!r}")
        if wrong := kinds.mistakes(self.kind, self.options):
            raise ValueError("; ".join(f"{'.'.join(map(str, where))}: {told}" for where, _, told in wrong))
        return self


def read(resource: Resource, options: ExecOptions) -> Feed | ArticleDocument | SubscriptionList:
    """The document as its kind reads it. Raises what that raises."""
    kind = kinds.named(options.kind)
    return kind.read(resource, kind.parse(options.options))


KIND = Kind(read=read, options=ExecOptions, place="none")
