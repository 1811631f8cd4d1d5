"""The common part of all commands: options, exit codes, and errors without a traceback."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aggregator.cli.ctrl_c import end
from aggregator.cli.exit_codes import EXIT_CODES, EXIT_DONE, EXIT_NOTHING, EXIT_USAGE
from aggregator.cli.printable import one_line
from aggregator.cli.terminal import ERR, shown
from aggregator.config.local_path import local_path
from aggregator.errors import AggregatorError, ConfigError

if TYPE_CHECKING:
    from aggregator.config.load import Config

__all__ = [
    "DEFAULT_CONFIG",
    "EXIT_CODES",
    "EXIT_DONE",
    "EXIT_NOTHING",
    "EXIT_USAGE",
    "LocalPath",
    "config_option",
    "json_option",
    "load_config",
    "reports_errors",
    "source_names",
]

DEFAULT_CONFIG = Path("config/aggregator.toml")


def reports_errors(command: Callable[..., int]) -> Callable[..., None]:
    """Turns a command's result or exception into an exit code and a message without a traceback."""

    @functools.wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except ConfigError as error:
            for mistake in error.mistakes:
                ERR.print(f"[red]error:[/red] {shown(mistake)}")
            code = EXIT_USAGE
        except AggregatorError as error:
            ERR.print(f"[red]error:[/red] {shown(str(error))}")
            code = EXIT_NOTHING
        except (KeyboardInterrupt, click.Abort) as error:
            if isinstance(error, click.Abort) and isinstance(error.__context__, EOFError):
                raise  # the input ended at a question
            end("stopped: what is saved stays saved, and no file is incomplete")
        except (BrokenPipeError, click.ClickException):
            raise  # click ends quietly when the reader of its output is gone, and prints usage errors
        except OSError as error:
            if error.filename is None:  # our own output: standard output is a file on a full disk
                _give_up_stdout()
                what = "the output cannot be written"
            else:  # a path from the user: too long, unreadable, or on a disk that is gone
                what = str(error.filename)
            ERR.print(f"[red]error:[/red] {shown(what)}: {shown(error.strerror or str(error))}")
            code = EXIT_NOTHING
        except Exception:
            # A store with values of wrong types fails wherever one is used. It is checked only now, as checks
            # of each value that is read would cost every run.
            if (damage := _damage_of_store(kwargs.get("config_file"))) is None:
                raise
            ERR.print(f"[red]error:[/red] {shown(damage)}")
            code = EXIT_NOTHING
        sys.exit(code)

    return wrapped


def _damage_of_store(config_file: Path | None) -> str | None:
    if config_file is None:
        return None
    from aggregator.app.verifying import damage_of_store

    ERR.print("it failed unexpectedly; the store is checked for damage (a minute for a million articles)")
    try:
        damage = damage_of_store(load_config(config_file))
    except AggregatorError:
        return None
    return None if damage is None else str(damage)


def _give_up_stdout() -> None:
    """Discards what is still buffered for standard output: the interpreter would fail on it when it exits."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


_MOST_COMPLETED = 100


def source_names(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Completes the names of sources for a shell: of the config, and the first hundred of the store.

    Nothing if either is broken.

    Names that cannot be printed are left out: click writes one completion a line, and shells show it as it
    is.
    """
    file = Path(context.params.get("config_file") or DEFAULT_CONFIG)
    try:
        data = tomllib.loads(file.read_text("utf-8-sig"))
        names = [str(source["name"]) for source in data.get("sources", [])]
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return []
    beginning = incomplete.casefold()
    names = [name for name in names if name.casefold().startswith(beginning)]
    with contextlib.suppress(AggregatorError):
        from aggregator.app.changing_sources import stored_names

        names += stored_names(load_config(file), incomplete, _MOST_COMPLETED)
    return [name for name in names if one_line(name) == name]


class LocalPath(click.Path):
    """A path that an owner writes (see `config.local_path`)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the path. Raises UsageError."""
        try:
            return local_path(str(super().convert(value, param, ctx)))
        except ValueError as error:
            self.fail(str(error), param, ctx)


config_option = click.option(
    "--config",
    "config_file",
    type=LocalPath(dir_okay=False),
    default=DEFAULT_CONFIG,
    show_default=True,
    help="The config to use. Relative paths in it count from the folder that holds config/.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document for a script.")


def load_config(file: Path) -> Config:
    """Reads and checks a config file. Raises ConfigError."""
    # Imported here, like everything that only commands need: `--help` needs neither pydantic nor the store.
    from aggregator.config.load import load

    return load(file)
