"""`omniclaude pre-commit`: a pre-commit configuration for a repository that keeps generated nodes.

It stands in the repository, not in the nodes: the framework reads every YAML file of a node as a contract.
"""

from pathlib import Path
from typing import Annotated

import typer

from omniclaude_dagster.errors import ConflictError, RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_DONE
from omniclaude_dagster.surfaces.cli.console import output, plain, say
from omniclaude_dagster.surfaces.cli.options import DebugOption

CONFIG_NAME = ".pre-commit-config.yaml"


def pre_commit(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="Root of the repository.")] = Path(),
    *,
    is_printed: Annotated[bool, typer.Option("--print", help="Print the configuration instead of writing it.")] = False,
    debug: DebugOption = False,
) -> int:
    """Write a pre-commit configuration that runs the gates on every changed node."""
    del debug
    from omniclaude_dagster.settings import project_data_path

    content = (project_data_path() / "templates" / "common" / "pre_commit.yaml").read_text(encoding="utf-8")
    if is_printed:
        output().print(content, end="", markup=False, highlight=False, soft_wrap=True)
        return EXIT_DONE
    if not directory.is_dir():
        raise RequestError(f"{plain(directory)} is not a folder.", cure="name the root of a repository")
    target = directory / CONFIG_NAME
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(content)
    except FileExistsError:
        raise ConflictError(
            f"{plain(target)} is there already.", cure="add the hooks that `omniclaude pre-commit --print` shows to it"
        ) from None
    except OSError as exc:
        raise RequestError(
            f"{plain(target)} cannot be written: {exc.strerror}.", cure="name a writable folder"
        ) from None
    say(f"wrote {target}; now run: pre-commit install")
    return EXIT_DONE
