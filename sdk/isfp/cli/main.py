"""The command line, `isfp`."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version as distribution_version
from typing import Annotated

import typer

from isfp.cli import extras
from isfp.cli.bench import bench
from isfp.cli.doctor import doctor
from isfp.cli.explain import explain
from isfp.cli.extras import SHIP, USE
from isfp.cli.inspect import inspect
from isfp.cli.label import label
from isfp.cli.output import accept_any_text, messages, plain
from isfp.cli.record import record
from isfp.cli.run import run
from isfp.cli.serve import serve
from isfp.errors import IsfpError

app = typer.Typer(
    name="isfp",
    help="Find objects by description: an image and a phrase go in, the mask of the object comes out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_settings = {"debug": False}
#: Errors of standard output: no file of a name has them, because `WriteError` stands for those.
_OUTPUT_IS_FULL = (errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))


def _print_version(asked: bool) -> None:
    if asked:
        print(f"isfp {distribution_version('isfp')}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Find objects by description: an image and a phrase go in, the mask of the object comes out."""
    _settings["debug"] = debug


def _add_extra(name: str) -> None:
    # The command reads its own arguments once it is loaded: loading it now would import PyTorch to show --help.
    passing = {"allow_extra_args": True, "ignore_unknown_options": True}
    extra = extras.EXTRAS[name]

    @app.command(name, help=extra.help, rich_help_panel=extra.panel, context_settings=passing, add_help_option=False)
    def call(context: typer.Context) -> None:
        command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        with extras.asking_for(name):
            command.command(name)(extras.load(name))
            command(args=context.args, prog_name=f"isfp {name}")


# Help lists groups and commands in this order: Use, Train, Ship.
_USE: list[Callable[..., None]] = [run, serve, label, record, explain, doctor]
_SHIP: list[Callable[..., None]] = [inspect, bench]
for _command in _USE:
    app.command(rich_help_panel=USE)(_command)
for _name in extras.EXTRAS:
    _add_extra(_name)
for _command in _SHIP:
    app.command(rich_help_panel=SHIP)(_command)


def main() -> None:
    """Run the command line. An error becomes one message and exit code 1; with `--debug`, a traceback.

    SIGTERM, by which `docker stop`, systemd and `timeout` end a program, ends it as Ctrl+C does: recordings are kept, and
    temporary files are removed.
    """
    accept_any_text()
    before = None
    with suppress(ValueError):  # this is not the main thread
        before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        app()
    except BrokenPipeError:  # what reads the output has ended; Python would complain again as it flushes
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if _settings["debug"]:
            raise
        message = str(error)
        if isinstance(error, OSError) and error.filename is None and error.errno in _OUTPUT_IS_FULL:
            message = (
                f"The output cannot be written: {error.strerror}. Free some space where standard output goes, or send it elsewhere."
            )
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would complain again as it flushes
        elif not isinstance(error, IsfpError):
            message = f"{type(error).__name__}: {error} For the traceback: isfp --debug ..."
        messages.print(f"[bold red]isfp:[/] {plain(message)}", highlight=False, soft_wrap=True)
        sys.exit(1)
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
