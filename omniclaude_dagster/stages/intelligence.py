"""Stage 1.5: patterns of the library that resemble this request, ranked, with reasons.

A fixed share of requests is offered none, so that the worth of patterns can be measured (`patterns/uplift.py`); what
they would have been offered is recorded all the same.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from omniclaude_dagster.contracts.builder import ContractError
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.patterns.holdout import is_held_out
from omniclaude_dagster.patterns.model import Offer, Pattern, PatternQuery
from omniclaude_dagster.request.model import ParsedRequest
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome

_NAMED = 3


async def gather_intelligence(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.found`, best first. A library that is away leaves it empty, and the record says so."""
    parsed = state.parsed
    if parsed is None or parsed.node_kind is None:
        return StageOutcome(state, "kind unknown: nothing to compare with", status="skipped")
    inputs, outputs = _fields(state, parsed)
    query = PatternQuery(
        text=" ".join([parsed.description, parsed.name or ""]),
        node_kind=parsed.node_kind,
        systems=parsed.external_systems,
        inputs=inputs,
        outputs=outputs,
    )
    found = await asyncio.to_thread(gateways.patterns.find, query)
    held_out = is_held_out(state.request_id, share=gateways.holdout_share)
    message = f"{len(found.offers)} of {found.considered_count} patterns offered"
    if held_out:
        message = f"comparison group: {len(found.offers)} patterns found, none offered"
    notes = [*map(_described, found.offers[:_NAMED]), *(f"degraded: {reason}" for reason in found.degraded)]
    return StageOutcome(replace(state, found=found.offers, is_held_out=held_out), "; ".join([message, *notes]))


def same_task(pattern: Pattern, *, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> bool:
    """Whether a pattern has the same fields with the same types on both sides."""
    return dict(pattern.inputs) == dict(inputs) and dict(pattern.outputs) == dict(outputs)


def field_types(blueprint: NodeBlueprint) -> tuple[dict[str, str], dict[str, str]]:
    """Field name to type, of the input and of the output model: what makes two tasks the same."""
    inputs = {f.name: f.type for f in blueprint.input_model.fields}
    return inputs, {f.name: f.type for f in blueprint.output_model.fields}


def _fields(state: GenerationState, parsed: ParsedRequest) -> tuple[dict[str, str], dict[str, str]]:
    """The fields that stage 3 will plan, so that a pattern for the very same task is found, whatever its words."""
    try:
        return field_types(plan_node(state.accepted, parsed))
    except (RequestError, ContractError):
        # Stage 2 and 3 say what is wrong with the request.
        return {}, {}


def _described(offer: Offer) -> str:
    return f"{offer.pattern.name} {offer.score:.2f} ({', '.join(offer.reasons)})"
