"""`omniclaude update`: generates a node again where it stands, keeping what a person changed in it; and dry runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE, EXIT_NOT_PUBLISHED, EXIT_OUTSIDE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import AcceptedRequest
    from omniclaude_dagster.stages.state import GenerationState

REQUEST_FILE = "request.json"
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Generate and judge, but write nothing: show the diff to what stands there.")
]


def update(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a generated node.")],
    *,
    is_dry_run: DryRunOption = False,
    mode: Annotated[
        str | None,
        typer.Option(
            click_type=click.Choice(["fast", "balanced", "strict"], case_sensitive=False),
            help="Another mode than the node was generated in.",
        ),
    ] = None,
    json_output: JsonOption = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; only outcome and path.")] = False,
    debug: DebugOption = False,
) -> int:
    """Generate a node again in its place. Edits are kept; where they conflict with what is new, both are shown."""
    del debug
    accepted = request_of(directory, mode=mode.lower() if mode else None)
    if is_dry_run:
        return show_dry_run(accepted, json_output=json_output, is_quiet=is_quiet)
    from omniclaude_dagster.surfaces.cli.generate import generate_one

    return generate_one(accepted, json_output=json_output, is_quiet=is_quiet)


def request_of(directory: Path, *, mode: str | None) -> "AcceptedRequest":
    """The request that the node's folder remembers, aimed at that folder. Raises RequestError."""
    from omniclaude_dagster.artifact.manifest import MANIFEST_NAME, identity_of
    from omniclaude_dagster.node.bundle import MAX_FILE_BYTES
    from omniclaude_dagster.request.intake import read_request_file
    from omniclaude_dagster.request.model import AcceptedRequest, Mode

    folder = directory.expanduser().absolute()
    cure = "name the folder of a node that omniclaude generated"
    try:
        with (folder / MANIFEST_NAME).open("rb") as stream:
            identity = identity_of(stream.read(MAX_FILE_BYTES))
    except OSError:
        identity = None
    if identity is None:
        raise RequestError(f"{plain(directory)} is not a node of ours: it has no readable {MANIFEST_NAME}.", cure=cure)
    if identity.package_name != folder.name:
        raise RequestError(
            f"the folder is called {folder.name}, but its node {identity.package_name}.", cure="give it its name back"
        )
    if not (folder / REQUEST_FILE).is_file():
        raise RequestError(
            f"{plain(directory)} has no {REQUEST_FILE}.", cure="generate it with its prompt and --output"
        )
    request = read_request_file(folder / REQUEST_FILE)
    changes = {"output_dir": str(folder.parent)} | ({"mode": Mode(mode)} if mode else {})
    return AcceptedRequest(identity.request_id, request.model_copy(update=changes), "cli")


def show_dry_run(accepted: "AcceptedRequest", *, json_output: bool, is_quiet: bool) -> int:
    """Run everything but the writing, and show what would change."""
    from omniclaude_dagster.artifact.update import present_tree, tree_diff

    state = _previewed(accepted, is_quiet=is_quiet)
    if state.bundle is None or state.is_decided:
        say(f"{state.status}: {state.error}", style="red")
        return EXIT_OUTSIDE if state.status == "failed" else EXIT_NOT_PUBLISHED
    present = present_tree(state.output_dir, state.bundle.package_name) or {}
    diff = tree_diff(present, state.bundle.files)
    conflicts = [str(conflict) for conflict in state.update.conflicts] if state.update else []
    if json_output:
        kept = list(state.update.kept) if state.update else []
        emit_json({"path": str(state.output_dir / state.bundle.package_name), "diff": diff, "kept": kept,
                   "conflicts": conflicts})  # fmt: skip
    else:
        output().print(diff, end="", markup=False, highlight=False, soft_wrap=True)
        if not diff:
            say("nothing would change")
        say(f"dry run: nothing was written to {state.output_dir / state.bundle.package_name}")
        for conflict in conflicts:
            say(f"conflict in {conflict}", style="yellow")
    failed = any(result.status == "fail" and result.is_blocking for result in state.gate_results)
    return EXIT_NOT_PUBLISHED if failed or conflicts else EXIT_DONE


def _previewed(accepted: "AcceptedRequest", *, is_quiet: bool) -> "GenerationState":
    import asyncio

    from omniclaude_dagster.pipeline import Platform
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.progress import StageProgress

    with Platform(load_settings()) as platform, StageProgress(request_count=1, is_quiet=is_quiet) as progress:
        return asyncio.run(platform.preview(accepted, on_stage=progress))
