"""The reference of commands: what `--help` prints, as a page."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from aggregator.cli.main import COMMANDS, main

_MARKUP = re.compile(r"[\\*_\[\]<>|#]")


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command with its full name (`rules test`), in the order of `--help`; a group stands first."""
    with click.Context(main, info_name="aggregator") as context:
        yield from _commands(main, context, "")


def _commands(
    group: click.Group, context: click.Context, before: str
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, f"{name} is listed"
        inner = click.Context(command, info_name=name, parent=context)
        yield before + name, command, inner
        if isinstance(command, click.Group):
            yield from _commands(command, inner, f"{before}{name} ")


def markdown() -> str:
    """The page."""
    lines = [
        "# All commands",
        "",
        "What `aggregator COMMAND --help` prints.",
        "",
    ]
    lines += ["| command | what it does |", "| --- | --- |"]
    lines += [f"| [`{name}`](#{name}) | {line} |" for name, (_, line) in COMMANDS.items()]
    lines += ["", _prose(main.epilog or ""), ""]
    for name, command, context in commands():
        lines += ["", f"{'###' if ' ' in name else '##'} `{name}`", ""]
        usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
        lines += ["```text", usage, "```", "", *_text(command.help or "")]
        if rows := list(options(command, context)):
            lines += ["| option | meaning |", "| --- | --- |"]
            lines += [f"| `{names}` | {_prose(meaning)} |" for names, meaning in rows]
            lines.append("")
    return "\n".join([*lines, ""])


def options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """Its options with what they mean, as `--help` has them, but `--help` itself."""
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and "--help" not in parameter.opts:
            record = parameter.get_help_record(context)
            assert record is not None, f"{parameter.name} is not hidden"
            yield record


def _text(help_text: str) -> Iterator[str]:
    """Paragraphs; what click prints as it is, behind `\\b`, is a block of code."""
    for paragraph in inspect.cleandoc(help_text).split("\n\n"):
        if paragraph.startswith("\b"):
            yield from ("```console", *(f"$ {line}" for line in paragraph.splitlines()[1:]), "```", "")
        else:
            yield from (_prose(paragraph), "")


def _prose(text: str) -> str:
    """A text of one line in which nothing but `code` is Markdown."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(part if part.startswith("`") else _MARKUP.sub(r"\\\g<0>", part) for part in parts)
