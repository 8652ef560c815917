"""`omniclaude gates DIR`: judges any node folder with the gates from G9 on, in the sandbox."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED, EXIT_OUTSIDE
from omniclaude_dagster.surfaces.cli.console import emit_json, notes, output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.gates.registry import FolderVerdict
    from omniclaude_dagster.sandbox.model import Sandbox

# A folder with neither is not a broken node but something else, perhaps a whole disk.
_SIGNS_OF_A_NODE = ("node.py", "contract.yaml")


def gates(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of one node.")],
    *,
    json_output: JsonOption = False,
    debug: DebugOption = False,
) -> int:
    """Judge a node folder: syntax, naming, imports, models, security, types, and whether the node really runs."""
    del debug
    check_is_node_folder(directory)
    from omniclaude_dagster.gates.registry import judge_folder
    from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
    from omniclaude_dagster.settings import load_settings

    settings = load_settings()
    with (
        BubblewrapSandbox(settings.sandbox_workers, cache_path=settings.cache_path) as sandbox,
        notes().status("judging the node ..."),
    ):
        verdict = judge_folder(directory, sandbox)
        code = exit_code_of(verdict, sandbox)
    if json_output:
        emit_json(verdict.as_json())
    else:
        from omniclaude_dagster.surfaces.cli.render import verdict_view

        verdict_view(output(), verdict.as_json())
    if code == EXIT_OUTSIDE:
        say("the gates that execute were skipped: no working sandbox. See omniclaude doctor", style="yellow")
    return code


def check_is_node_folder(directory: Path) -> None:
    """Raise RequestError unless the folder could be that of a node."""
    try:
        is_folder = directory.is_dir()
        has_sign = is_folder and any((directory / name).exists() for name in _SIGNS_OF_A_NODE)
    except (OSError, ValueError) as exc:
        raise RequestError(f"{plain(directory)[:200]} cannot be read: {exc}.", cure="name a readable folder") from None
    if not is_folder:
        raise RequestError(f"{plain(directory)[:200]} is not a folder.", cure="name the folder of one node")
    if not has_sign:
        raise RequestError(
            f"{plain(directory)} is not the folder of a node: it holds neither {' nor '.join(_SIGNS_OF_A_NODE)}.",
            cure="name the folder that holds node.py, for example node_user_writer_effect",
        )


def exit_code_of(verdict: "FolderVerdict", sandbox: "Sandbox") -> int:
    """A failed gate is certain even without a sandbox; only then does a missing sandbox count."""
    if any(result.status == "fail" for result in verdict.gates):
        return EXIT_NOT_PUBLISHED
    is_skipped = any(result.status == "skipped" for result in verdict.gates)
    if is_skipped and sandbox.unavailable_reason():
        return EXIT_OUTSIDE
    return EXIT_DONE if verdict.is_passed else EXIT_NOT_PUBLISHED
