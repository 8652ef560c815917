"""Where every failure of a command becomes one message, with cause and cure, and an exit code.

    0 done   1 blocked or in need of review   2 wrong usage or configuration   3 an outside part failed
    130 interrupted   141 whoever read our output has gone

A traceback is shown with `--debug` only.
"""

import contextlib
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
from typer.core import TyperGroup

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.surfaces.cli.console import make_streams_tolerant, plain, say, silence_closed_streams

EXIT_DONE = 0
EXIT_NOT_PUBLISHED = 1
EXIT_USAGE = 2
EXIT_OUTSIDE = 3
EXIT_INTERRUPTED = 130
EXIT_PIPE_CLOSED = 141


@dataclass
class _Invocation:
    is_debug: bool = False


_invocation = _Invocation()


class OutputClosedError(Exception):
    """Nobody reads our output any more."""


class BoundaryGroup(TyperGroup):
    """The root command. Commands return their exit code; what they raise ends here."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run one command line. Exits unless `standalone_mode` is False; then returns the exit code."""
        run = partial(super().main, args, prog_name, complete_var, False, windows_expand_args, **extra)
        code = guarded(run)
        if standalone_mode:
            sys.exit(code)
        return code

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; Typer would end a closed pipe with code 1, as if a gate had blocked."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as exc:
            raise OutputClosedError from exc


def set_debug(value: bool) -> bool:
    """Callback of every `--debug`: on, wherever on the command line it stands."""
    _invocation.is_debug = _invocation.is_debug or value
    return value


def is_debug() -> bool:
    """Whether tracebacks and debug messages are wanted."""
    return _invocation.is_debug


def guarded(action: Callable[[], Any]) -> int:
    """The exit code of `action`, whatever it raises."""
    _invocation.is_debug = False
    make_streams_tolerant()
    with _log_to_stderr():
        try:
            code = _code_of(action)
            sys.stdout.flush()
        except (OutputClosedError, BrokenPipeError):
            silence_closed_streams()
            return EXIT_PIPE_CLOSED
    return code


def _code_of(action: Callable[[], Any]) -> int:
    try:
        value = action()
    except (OutputClosedError, BrokenPipeError):
        raise
    except OmniClaudeError as exc:
        _report(exc.message, cure=exc.cure, exc=exc)
        return exc.exit_code
    except click.ClickException as exc:
        _report(exc.format_message(), cure=_usage_cure(exc), exc=exc)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except Exception as exc:  # noqa: BLE001  (the last place where a person can be told what happened)
        more = "" if is_debug() else "run again with --debug to see where, and report it"
        _report(f"internal error: {type(exc).__name__}: {exc}", cure=more, exc=exc)
        return EXIT_OUTSIDE
    return _interrupted() if value == EXIT_INTERRUPTED else int(value or 0)


def _interrupted() -> int:
    say("interrupted.")
    return EXIT_INTERRUPTED


def _report(message: str, *, cure: str, exc: BaseException) -> None:
    if is_debug():
        say("".join(traceback.format_exception(exc)).rstrip())
    say(f"error: {plain(message)}", style="red")
    if cure:
        say(f"cure:  {plain(cure)}")


def _usage_cure(exc: click.ClickException) -> str:
    ctx = getattr(exc, "ctx", None)
    path = ctx.command_path if ctx is not None else "omniclaude"
    return f"see {path} --help"


class _StderrHandler(logging.Handler):
    """Log records as lines for a person: warnings and worse, everything with `--debug`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record; a traceback only with `--debug`."""
        if record.levelno < logging.WARNING and not is_debug():
            return
        text = f"{record.levelname.lower()}: {plain(record.getMessage())}"
        if record.exc_info and is_debug():
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        with contextlib.suppress(OSError, ValueError):
            say(text)


@contextlib.contextmanager
def _log_to_stderr() -> Iterator[None]:
    handler = _StderrHandler()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
