"""`omniclaude gate-files FILES`: judges the node folders that files belong to; made for pre-commit."""

from pathlib import Path
from typing import Annotated

import typer

from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import plain, say
from omniclaude_dagster.surfaces.cli.gates import exit_code_of
from omniclaude_dagster.surfaces.cli.options import DebugOption


def gate_files(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="Files of generated nodes.")],
    *,
    debug: DebugOption = False,
) -> int:
    """Judge every node folder that one of the files belongs to. The hook in .pre-commit-hooks.yaml calls this."""
    del debug
    folders = node_folders(files)
    if not folders:
        say("none of the files belongs to a node folder", style="yellow")
        return EXIT_DONE
    from omniclaude_dagster.gates.registry import judge_folder
    from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
    from omniclaude_dagster.settings import load_settings

    settings = load_settings()
    codes = []
    with BubblewrapSandbox(settings.sandbox_workers, cache_path=settings.cache_path) as sandbox:
        for folder in folders:
            verdict = judge_folder(folder, sandbox)
            codes.append(exit_code_of(verdict, sandbox))
            problems = [f"  {r.gate} {r.status}: {r.message}" for r in verdict.gates if r.status in {"fail", "skipped"}]
            outcome = "passed" if not problems else "not passed"
            say(
                plain(
                    "\n".join([f"{folder}: {outcome}, quality {verdict.quality_score:.2f}", *problems]), keep_lines=True
                )
            )
    return max(codes)


def node_folders(files: list[Path]) -> list[Path]:
    """The nearest folder above each file that holds both node.py and contract.yaml, each once, sorted."""
    found = set()
    for file in files:
        for folder in file.resolve().parents:
            if (folder / "node.py").is_file() and (folder / "contract.yaml").is_file():
                found.add(folder)
                break
    return sorted(found)
