"""Options that several commands share."""

from typing import Annotated

import typer

from omniclaude_dagster.surfaces.cli.boundary import set_debug

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, and nothing else.")]
DebugOption = Annotated[
    bool,
    typer.Option("--debug", help="Show tracebacks and debug messages.", is_eager=True, callback=set_debug),
]
