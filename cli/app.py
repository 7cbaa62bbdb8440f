"""The application: its commands, and how every ending becomes an exit status and at most one line on stderr.

0 done, 1 failed, 2 wrong usage or bad input, 130 interrupted, 141 the reader of the output closed it. Each command has
a module of its own.
"""

from __future__ import annotations

import gc
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Annotated

import typer
from typer.main import get_command

from sharefind import __version__
from sharefind.cli.audit import audit
from sharefind.cli.console import usable_sizes
from sharefind.cli.discover import discover
from sharefind.cli.export import export
from sharefind.cli.groups import groups
from sharefind.cli.inspect import inspect
from sharefind.cli.interrupts import Status
from sharefind.cli.report import report
from sharefind.cli.reproduce import reproduce
from sharefind.cli.session import Session
from sharefind.cli.streams import Streams, forgiving_streams
from sharefind.cli.suggest import suggest
from sharefind.cli.train import train
from sharefind.cli.verify import verify
from sharefind.cli.wording import Options
from sharefind.errors import InputError, NotConvergedError, SharefindError, visible, worded
from sharefind.storage import DISK

PROGRAM = "sharefind"


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        print(f"{PROGRAM} {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
]
PlainDebug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]


def _start(
    context: typer.Context,
    version: Version = False,
    debug: PlainDebug = False,
) -> None:
    """Discover parameter-sharing schemes (equivariant architectures) from data.

    Begin with: sharefind discover --group C2
    """
    context.obj.debug = debug


def application() -> typer.Typer:
    """Return the typer application with all commands."""
    app = typer.Typer(
        name=PROGRAM, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )  # fmt: skip
    app.callback()(_start)
    for command in (suggest, discover, inspect, report, train, export, verify, audit, groups, reproduce):
        app.command()(command)
    return app


@cache
def _built() -> Callable[..., int | None]:
    """The parser of all commands, which takes a tenth of a second to build: once in a process."""
    return get_command(application())


def run(arguments: Sequence[str] | None, session: Session) -> int:
    """Run the command line.

    Args:
        arguments: The arguments after the program's name; None reads those of the process.
        session: The state of this call.

    Returns:
        The exit status.
    """
    with forgiving_streams() as streams, usable_sizes(), _rare_collection(), worded(Options()):
        try:
            status = _built()(arguments, prog_name=PROGRAM, standalone_mode=False, obj=session)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except Exception as error:
            status = _report(error, session)
        if status == Status.INTERRUPTED:
            _say(session.interruption)
        return _unless_lost(int(status or Status.DONE), streams, session)


def _unless_lost(status: int, streams: Streams, session: Session) -> int:
    """Return the exit status, unless what was printed may not have arrived.

    A reader that closes its pipe has seen enough; the call then ends silently, as if by SIGPIPE. Every other loss is
    reported on stderr.
    """
    streams.out.flush()
    lost = streams.out.lost
    if lost is None or status != Status.DONE:
        return status
    if isinstance(lost, BrokenPipeError):
        return Status.PIPE_CLOSED
    kept = "print it to a file or a terminal" if session.written is None else f"all is kept in {session.written}"
    _say(f"error: standard output cannot be written ({lost.strerror}), and what was to be printed is lost; {kept}")
    return Status.FAILED


@contextmanager
def _rare_collection(objects: int = 50_000) -> Iterator[None]:
    """Collect garbage rarely: loading modules creates none, and collecting takes a tenth of the start.

    Args:
        objects: Number of new objects after which Python collects; 700 by default.
    """
    before = gc.get_threshold()
    gc.set_threshold(objects, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _report(error: Exception, session: Session) -> int:
    """Print on one line what went wrong; return the exit status."""
    if isinstance(error, typer.Abort):
        return Status.INTERRUPTED
    if session.debug:
        traceback.print_exception(error)
    usage = _usage_message(error)
    if usage is not None:
        _say(usage)
        return Status.WRONG
    if isinstance(error, InputError):
        _say(f"error: {error}")
        return Status.WRONG
    if isinstance(error, OSError) and error.filename is not None and error.errno not in DISK:
        _say(f"error: {error.filename}: {error.strerror}; check the path and its permissions")
        return Status.WRONG
    what = str(error) if isinstance(error, SharefindError) else f"{type(error).__name__}: {error}".rstrip(": ")
    if not isinstance(error, SharefindError) and not session.debug:
        what += "; run again with --debug for the traceback"
    if session.resume_command is not None and not isinstance(error, NotConvergedError):
        what += f"; what is done is kept, go on with: {session.resume_command}"
    _say(f"error: {what}")
    return Status.FAILED


def _usage_message(error: Exception) -> str | None:
    """Return the line for an error of typer's parser, None for any other error.

    The error is recognised by its methods, because typer does not export its class.
    """
    formatted = getattr(error, "format_message", None)
    if formatted is None:
        return None
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", PROGRAM)
    if type(error).__name__ == "NoArgsIsHelpError":
        return f"error: no command given; {command} --help lists them"
    message = str(formatted()).rstrip(".")
    return f"error: {message[:1].lower()}{message[1:]}; see {command} --help"


def _say(message: str) -> None:
    """Print one line on stderr, even if the message contains line ends or control characters."""
    print(visible(" ".join(message.split())), file=sys.stderr)
