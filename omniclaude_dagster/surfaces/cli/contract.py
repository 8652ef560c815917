"""`omniclaude contract`: what is wrong with a contract, line by line, and what to do about it."""

from pathlib import Path
from typing import Annotated

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED
from omniclaude_dagster.surfaces.cli.console import emit_json, output
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

contract = typer.Typer(
    name="contract",
    help="Work with the contracts of nodes.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@contract.callback()
def group() -> None:
    """Work with the contracts of nodes."""


@contract.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="contract.yaml, or the folder of a node.")],
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Explain every error of a contract, with its line and the cure. Exit code 1 when there is one."""
    del debug
    from omniclaude_dagster.contracts.check.check import check_contract

    is_valid = True
    for file in files:
        path = file / "contract.yaml" if file.is_dir() else file
        report = check_contract(_content(path))
        is_valid = is_valid and report.is_valid
        kind = report.kind.value if report.kind else None
        if json_output:
            findings = [finding.as_json() for finding in report.findings]
            emit_json({"file": str(path), "kind": kind, "is_valid": report.is_valid, "findings": findings})
            continue
        console = output()
        if report.is_valid:
            console.print(f"{path}: a valid {kind} contract", markup=False, highlight=False, soft_wrap=True)
        for found in report.findings:
            where = f"{path}:{found.line}:{found.column}"
            place = f" {found.path}:" if found.path else ""
            console.print(f"{where}:{place} {found.message}", markup=False, highlight=False, soft_wrap=True)
            if found.cure:
                console.print(f"    {found.cure}", markup=False, highlight=False, soft_wrap=True)
    return EXIT_DONE if is_valid else EXIT_NOT_PUBLISHED


def _content(path: Path) -> bytes:
    from omniclaude_dagster.contracts.check.located import MAX_TEXT_BYTES

    try:
        with path.open("rb") as stream:
            return stream.read(MAX_TEXT_BYTES + 1)
    except FileNotFoundError:
        raise RequestError(f"there is no file {path}.", cure="name a contract.yaml or the folder of a node") from None
    except OSError as exc:
        raise RequestError(f"{path} cannot be read: {exc.strerror}.", cure="name a readable file") from None
