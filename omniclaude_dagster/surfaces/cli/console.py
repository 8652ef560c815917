"""What the commands print with: two consoles, text made harmless for a terminal, exact JSON. Knows no command.

Nothing is ever printed as Rich markup, so a prompt cannot bring markup in; control characters and marks that turn
the direction of text are shown as escapes, so it cannot bring terminal sequences in either.
"""

import contextlib
import json
import os
import re
import sys
from typing import Any, NoReturn, TextIO

from rich.console import Console

_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_BREAKS = re.compile(r"[\t\n ]+")


class PlainConsole(Console):
    """A console without markup, emoji and guessed highlights; a closed pipe is an exception like any other."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file=file, markup=False, emoji=False, highlight=False)

    def on_broken_pipe(self) -> NoReturn:
        """Let the error boundary decide."""
        self.quiet = True
        raise BrokenPipeError


def output() -> Console:
    """The console for results (stdout)."""
    return PlainConsole(sys.stdout)


def notes() -> Console:
    """The console for progress, questions and errors (stderr)."""
    return PlainConsole(sys.stderr)


def plain(value: object, *, keep_lines: bool = False) -> str:
    """Text that does to a terminal only what it says; on one line unless `keep_lines`."""
    text = str(value)
    if not keep_lines:
        text = _BREAKS.sub(" ", text)
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def say(text: str, *, style: str | None = None) -> None:
    """One unwrapped line, or several, to a person, on stderr."""
    notes().print(plain(text, keep_lines=True), style=style, soft_wrap=True)


def emit_json(document: Any) -> None:
    """One JSON document on one line of stdout. ASCII only: exact in every locale, harmless on every terminal."""
    sys.stdout.write(json.dumps(document, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def make_streams_tolerant() -> None:
    """Let no character be an error, whatever the locale says about stdout and stderr."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def silence_closed_streams() -> None:
    """After a closed pipe: what is still buffered goes nowhere, so that the interpreter ends quietly."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
