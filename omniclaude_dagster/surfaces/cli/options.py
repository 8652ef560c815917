"""Arguments and options that several commands share."""

import os
from typing import Annotated

import typer

from omniclaude_dagster.surfaces.cli.boundary import set_debug


def _as_utf8(text: str | None) -> str | None:
    """UTF-8 that the locale could not decode; what is no UTF-8 either stays as it is and is refused later."""
    if text is None or not any("\udc80" <= character <= "\udcff" for character in text):
        return text
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


PromptArgument = Annotated[
    str | None, typer.Argument(help="What the node does, in a sentence or two.", callback=_as_utf8)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Show tracebacks and debug messages.", is_eager=True, callback=set_debug),
]
