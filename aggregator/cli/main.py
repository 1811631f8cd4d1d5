"""The table of commands. Results go to standard output, everything else to standard error.

A command's module is imported when that command runs, and it imports other rooms inside its function:
`--help` then takes a tenth of a second, while importing the whole program takes more than one.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import logging
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from aggregator.cli.exit_codes import EXIT_CODES

COMMANDS: Mapping[str, tuple[str, str]] = {
    "add": ("add:add", "Finds the feeds of an address, and adds one to the config."),
    "backup": ("backup:backup", "Saves the config and the store in one file."),
    "check": ("check:check", "Checks the config and reports every mistake at once."),
    "disable": ("changing_sources:disable", "Stops polling sources; their articles stay in the feeds."),
    "doctor": ("doctor:doctor", "Reports the set-up for a bug report, and what is wrong with it."),
    "enable": ("changing_sources:enable", "Polls sources again that were disabled."),
    "export": ("subscription_lists:export", "Writes the followed feeds as OPML."),
    "fetch": ("fetch:fetch", "Polls what is due, and publishes the feeds that changed."),
    "forget": ("forget:forget", "Erases an article permanently, everywhere: for takedowns."),
    "import": ("subscription_lists:import_", "Adds the feeds of an OPML list to the config."),
    "init": ("add:init", "Makes a site folder: a config and a first article."),
    "move": ("changing_sources:move", "Replaces the categories of a source."),
    "notify": ("notify:notify", "Lists messages that wait to be sent, and tries notices."),
    "preview": ("preview:preview", "Shows the articles of a URL, file or folder, storing nothing."),
    "publish": ("publish:publish", "Writes feeds from the store, without network."),
    "rebuild": ("backup:rebuild", "Makes a new store from published files."),
    "remove": ("changing_sources:remove", "Removes sources from the config."),
    "rename": ("changing_sources:rename", "Renames a source; its ids and history stay."),
    "restore": ("backup:restore", "Restores a backup into an empty folder."),
    "rules": ("why:rules", "Tries rules and saved feeds, without changing anything."),
    "run": ("serving:run", "Polls sources when they are due and publishes, until stopped."),
    "search": ("search:search", "Finds stored articles by a query."),
    "serve": ("serving:serve", "Serves the published files, until stopped."),
    "sources": ("sources:sources", "Lists each source: its state, its articles, and its next poll."),
    "status": ("sources:status", "Prints a short summary."),
    "store": ("store:store", "Copies the store between a file and PostgreSQL."),
    "stories": ("stories:stories", "Lists the stories that several sources reported."),
    "verify": ("verify:verify", "Looks for damage in the store and in published files."),
    "versions": ("versions:versions", "Shows the edits of an article, the newest first."),
    "why": ("why:why", "Shows which rules match an article, and which feeds have it."),
    "worker": ("worker:worker", "Polls and publishes together with other workers, on any machine."),
}
"""Command name -> (`module:function` in this room, its line in `--help`)."""


_OBJECTS_BEFORE_SEARCH = 100_000
"""How many objects are created before Python's garbage collector looks for cycles."""

# The system frees the memory: to look for cycles in everything that was imported took a quarter of a command.
atexit.register(gc.freeze)


class CommandTable(click.Group):
    """A group with the commands of `COMMANDS`; a command's module is imported when the command runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, in the order of `COMMANDS`."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name; None when it does not exist."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        found = getattr(import_module(f"aggregator.cli.{module}"), name)
        assert isinstance(found, click.Command), f"{name} is a command"
        return found

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Reads the options before the command. Raises UsageError."""
        with _printable_usage_errors("Options of a command are written after its name."):
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Reads the command's arguments and runs it. Raises UsageError."""
        with _printable_usage_errors():
            return super().invoke(ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Completes commands, without importing their modules, and options."""
        commands = [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the commands' names and lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@contextlib.contextmanager
def _printable_usage_errors(advice: str = "") -> Iterator[None]:
    """Escapes what click repeats from the command line: `No such command '\x1b[2J'` would act on the
    terminal.

    `advice` is added to errors about unknown options.
    """
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:
        raise  # its message is the help of a command: many lines, all of them ours
    except click.UsageError as error:
        from aggregator.cli.printable import one_line

        message = one_line(error.format_message())
        if advice and isinstance(error, click.NoSuchOption):
            message = message.rstrip(".") + f". {advice}"
        raise click.UsageError(message, error.ctx) from error


def _print_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from aggregator import __version__

        click.echo(f"aggregator, version {__version__}")
        context.exit()


@click.group(cls=CommandTable, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_CODES)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Follows many feeds and folders of articles, and publishes a few clean feeds.

    \b
    aggregator init planet                           make a site folder
    aggregator add https://example.org/              follow a site
    aggregator preview https://example.org/blog/     which articles would that give?
    aggregator check                                 is the config right?
    aggregator fetch                                 poll, store and publish
    aggregator search 'tea OR coffee'                which stored articles match?
    aggregator rules test --changed                  what would changed rules change?
    aggregator serve                                 let readers subscribe
    """
    # What is imported stays: looking for cycles in it took a tenth of a start, even once in 10,000 objects.
    gc.set_threshold(_OBJECTS_BEFORE_SEARCH)
    from aggregator.cli.printable import AsLines
    from aggregator.cli.terminal import log_to_stderr

    log_to_stderr(level=logging.WARNING, formatter=AsLines("%(levelname)s %(name)s: %(message)s"))
