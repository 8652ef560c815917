"""`omniclaude generate`: from a sentence, a request file, many requests or a dialogue to nodes on disk."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click
import typer

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.surfaces.cli.boundary import EXIT_USAGE
from omniclaude_dagster.surfaces.cli.console import emit_json, output, say
from omniclaude_dagster.surfaces.cli.options import DebugOption, JsonOption, PromptArgument
from omniclaude_dagster.surfaces.cli.update import DryRunOption, show_dry_run

if TYPE_CHECKING:
    from omniclaude_dagster.request.model import AcceptedRequest
    from omniclaude_dagster.stages.model import GenerationResult
    from omniclaude_dagster.surfaces.cli.sources import Line, Overrides

_MODES = click.Choice(["fast", "balanced", "strict"], case_sensitive=False)
_KINDS = click.Choice(["EFFECT", "COMPUTE", "REDUCER", "ORCHESTRATOR"], case_sensitive=False)


def generate(
    prompt: PromptArgument = None,
    *,
    mode: Annotated[
        str | None,
        typer.Option(click_type=_MODES, help="fast asks no model; strict lets the execution gates block as well."),
    ] = None,
    output_dir: Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the node.")] = None,
    request_file: Annotated[
        Path | None, typer.Option("--request", help="A request as .yaml, .json, or a prompt as .txt.")
    ] = None,
    requests_file: Annotated[
        Path | None, typer.Option("--requests", help="Many requests, one JSON object a line; run concurrently.")
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(
            "--contract", metavar="FILE[#/POINTER]", help="A contract.yaml, a JSON Schema or a part of an OpenAPI file."
        ),
    ] = None,
    is_interactive: Annotated[
        bool, typer.Option("--interactive", "-i", help="Ask for what is missing; show and correct what is understood.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="Name of the node, for example UserWriter.")] = None,
    kind: Annotated[str | None, typer.Option(click_type=_KINDS, help="Kind of the node.")] = None,
    domain: Annotated[str | None, typer.Option(help="Domain of the node, for example user_services.")] = None,
    replayed_id: Annotated[
        str | None,
        typer.Option("--replay", metavar="REQUEST_ID", help="Generate again from recorded answers, and compare."),
    ] = None,
    is_dry_run: DryRunOption = False,
    json_output: JsonOption = False,
    is_quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress; only outcome and path.")] = False,
    debug: DebugOption = False,
) -> int:
    """Generate a node from a sentence, and run it before it is delivered."""
    del debug
    if replayed_id is not None:
        from omniclaude_dagster.surfaces.cli.replay import replay

        _refuse_beside_replay(prompt, mode, request_file, requests_file, name, kind, domain, is_interactive or None)
        return replay(replayed_id, output_dir=output_dir, json_output=json_output, is_quiet=is_quiet)
    _check_one_source(prompt, request_file, requests_file, contract, is_interactive=is_interactive)
    from omniclaude_dagster.surfaces.cli import sources

    overrides = sources.Overrides(
        mode=mode.lower() if mode else None,
        node_kind=kind.upper() if kind else None,
        name=name,
        domain=domain,
        output_dir=sources.checked_output(output_dir) if output_dir is not None else None,
    )
    if requests_file is not None and is_dry_run:
        raise RequestError("--dry-run is for one request.", cure="use it without --requests")
    if requests_file is not None:
        lines = sources.from_lines(requests_file, overrides)
        return _generate_many(lines, json_output=json_output, is_quiet=is_quiet)
    accepted = _accepted(prompt, request_file, contract, overrides, is_interactive=is_interactive)
    if is_dry_run:
        return show_dry_run(accepted, json_output=json_output, is_quiet=is_quiet)
    return generate_one(accepted, json_output=json_output, is_quiet=is_quiet)


def _check_one_source(
    prompt: str | None, request: Path | None, requests: Path | None, contract: str | None, *, is_interactive: bool
) -> None:
    given = [
        label
        for label, value in (("a prompt", prompt), ("--request", request), ("--requests", requests))
        if value is not None
    ]
    cure = 'omniclaude generate "Create an EFFECT node for PostgreSQL writes"'
    if len(given) > 1:
        raise RequestError(f"give only one of {' and '.join(given)}.", cure=cure)
    if contract is not None and (request is not None or requests is not None):
        raise RequestError("--contract goes with a prompt.", cure="name the contract in the request: contract_file")
    if not given and not is_interactive and contract is None:
        raise RequestError("there is nothing to generate: no prompt, no --request, no --requests.", cure=cure)
    if requests is not None and is_interactive:
        raise RequestError("--interactive is for one request.", cure="use it without --requests")


def _refuse_beside_replay(*given: object) -> None:
    if any(value is not None for value in given):
        raise RequestError(
            "--replay takes the request from the records: no prompt and no other option of the request beside it.",
            cure="omniclaude generate --replay REQUEST_ID [--output DIR]",
        )


def _accepted(
    prompt: str | None,
    request_file: Path | None,
    contract: str | None,
    overrides: "Overrides",
    *,
    is_interactive: bool,
) -> "AcceptedRequest":
    from omniclaude_dagster.surfaces.cli import sources
    from omniclaude_dagster.surfaces.cli.given_contract import check_contract, from_contract

    if is_interactive:
        from omniclaude_dagster.surfaces.cli.interactive import Dialogue

        dialogue = Dialogue.with_terminal()
        if contract is not None:
            draft = from_contract(contract, prompt, overrides).request
        elif request_file is not None:
            draft = sources.from_file(request_file, overrides).request
        else:
            draft = sources.from_prompt(prompt or dialogue.ask_prompt(), overrides).request
        return sources.from_request(dialogue.agree_on(draft))
    if contract is not None:
        return from_contract(contract, prompt, overrides)
    if request_file is not None:
        accepted = sources.from_file(request_file, overrides)
        check_contract(accepted.request)
        return accepted
    return sources.from_prompt(prompt or "", overrides)


def generate_one(accepted: "AcceptedRequest", *, json_output: bool, is_quiet: bool) -> int:
    """Generate one accepted request, and show what came of it."""
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.next_steps import next_steps
    from omniclaude_dagster.surfaces.cli.render import generation_view, headline
    from omniclaude_dagster.surfaces.cli.running import EXIT_CODES, run_requests

    results = run_requests([accepted], settings=load_settings(), is_quiet=is_quiet)
    result = results[accepted.request_id]
    if json_output:
        emit_json(result.model_dump(mode="json"))
    elif is_quiet:
        headline(output(), result)
    else:
        generation_view(output(), result, next_steps(result, accepted.request))
    return EXIT_CODES[result.status]


def _generate_many(lines: tuple["Line", ...], *, json_output: bool, is_quiet: bool) -> int:
    from omniclaude_dagster.settings import load_settings
    from omniclaude_dagster.surfaces.cli.running import EXIT_CODES, refused_line, run_requests

    settings = load_settings()
    distinct = {line.accepted.request_id: line.accepted for line in lines if line.accepted}
    _note_repeated(lines)
    results = run_requests(list(distinct.values()), settings=settings, is_quiet=is_quiet) if distinct else {}
    ordered = [
        results[line.accepted.request_id] if line.accepted else refused_line(line.number, line.problem)
        for line in lines
    ]
    if json_output:
        for result in ordered:
            emit_json(result.model_dump(mode="json"))
    else:
        _show_many(ordered, is_quiet=is_quiet)
    return max(
        EXIT_CODES[result.status] if line.accepted else EXIT_USAGE for line, result in zip(lines, ordered, strict=True)
    )


def _note_repeated(lines: tuple["Line", ...]) -> None:
    first: dict[str, int] = {}
    for line in lines:
        if line.accepted is None:
            continue
        number = first.setdefault(line.accepted.request_id, line.number)
        if number != line.number:
            say(f"line {line.number} repeats line {number}: it runs once, the result is given for both")


def _show_many(results: list["GenerationResult"], *, is_quiet: bool) -> None:
    from omniclaude_dagster.surfaces.cli.next_steps import next_steps
    from omniclaude_dagster.surfaces.cli.render import headline, many_view, next_view

    console = output()
    if is_quiet:
        for result in results:
            headline(console, result)
        return
    many_view(console, results)
    delivered = next((result for result in results if result.status == "published"), None)
    if delivered is not None:
        next_view(console, next_steps(delivered))
