"""`omniclaude generate --contract FILE`: a request from a contract, judged before anything is generated from it."""

from typing import Any

from omniclaude_dagster.contracts.plan.given import contract_notes
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.given import contract_from_file
from omniclaude_dagster.request.intake import request_from_mapping, request_id_for_prompt
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.request.text_rules import check_prompt, text_problem
from omniclaude_dagster.surfaces.cli.console import say
from omniclaude_dagster.surfaces.cli.sources import Overrides

_MAX_SHOWN = 12


def from_contract(argument: str, prompt: str | None, overrides: Overrides) -> AcceptedRequest:
    """The request of `FILE` or `FILE#/pointer`; a prompt beside it says what the node does. Raises RequestError."""
    problem = text_problem(argument)
    if problem:
        raise RequestError(f"--contract {problem}.", cure="remove that character")
    data: dict[str, Any] = {"contract": contract_from_file(argument)}
    if prompt is not None:
        check_prompt(prompt)
        data["prompt"] = prompt
    request = request_from_mapping({**data, **overrides.given()})
    check_contract(request)
    return AcceptedRequest(request_id_for_prompt(request), request, "cli")


def check_contract(request: GenerationRequest) -> None:
    """Say what the models of the request's contract will not check. Raises RequestError for a wrong contract."""
    if request.contract is None:
        return
    notes = contract_notes(request.contract)
    for note in notes[:_MAX_SHOWN]:
        say(f"note: {note}")
    if len(notes) > _MAX_SHOWN:
        say(f"note: {len(notes) - _MAX_SHOWN} more; the README of the node lists them")
