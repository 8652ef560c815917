"""Stage 3: plan the node, fill in its logic, render its files.

Logic comes from a template, else from a pattern with the same task, else from a model, which sees patterns that
resemble the task; what none of them can fill stays a scaffold. A body with acceptance examples is used only when they
pass in the sandbox.

Without examples nothing can prove a body. A node function then stays a scaffold. A plain function that the request
spells out (signature and docstring) is asked for all the same, because a person who wrote it down wants it: a body
that passes every gate and processes a sample is delivered, always for review, never as published, and it is not
reused by later generations.
"""

import ast
import asyncio
import uuid
from dataclasses import dataclass, field, replace

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.contracts.builder import ContractError
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.patterns.model import Pattern, ReuseRole
from omniclaude_dagster.providers.cascade import Verdict
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.intelligence import field_types, same_task
from omniclaude_dagster.stages.logic_trial import Trial, try_body
from omniclaude_dagster.stages.logic_writer import LogicWriter
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome, decided

UNPROVEN = "no example says what the function must return, so nothing has shown that its body is right"
PURE_KINDS = frozenset({NodeKind.COMPUTE, NodeKind.REDUCER})


@dataclass
class _Filling:
    """What has been tried so far to fill one body."""

    notes: list[str] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    used: dict[uuid.UUID, tuple[ReuseRole, str]] = field(default_factory=dict)


async def generate_code(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.blueprint` and `state.bundle`."""
    if state.parsed is None:
        return StageOutcome(decided(state, "failed", "the prompt was not parsed"), status="failed")
    filling = _Filling()
    try:
        planned = plan_node(state.accepted, state.parsed)
        blueprint = await _filled(planned, state, gateways, filling)
        bundle = await asyncio.to_thread(render_bundle, blueprint, profile=gateways.profile)
    except (RequestError, ContractError) as exc:
        blocked = decided(replace(state, used=filling.used), "blocked", str(exc))
        return StageOutcome(blocked, str(exc), status="failed", calls=tuple(filling.calls))
    logic = blueprint.logic
    origin = logic.origin.replace("_", " ") + (f" {logic.model}" if logic.model else "")
    message = "; ".join([f"logic from {origin}: {logic.detail}", *filling.notes])
    return StageOutcome(
        state=replace(state.with_bundle(blueprint, bundle), used=filling.used),
        message=message,
        calls=tuple(filling.calls),
        attempts=max(1, len(filling.calls)),
    )


async def _filled(
    planned: NodeBlueprint, state: GenerationState, gateways: Gateways, filling: _Filling
) -> NodeBlueprint:
    if planned.kind not in PURE_KINDS or not (planned.examples or _is_unproven_allowed(planned)):
        return planned
    if gateways.sandbox.unavailable_reason():
        # A template's body is our own and stays; it is delivered for review, because its examples could not be run.
        filling.notes.append("without a sandbox no body can be tried")
        return planned
    if not planned.is_scaffold:
        problem = await _problem_of(planned, state, gateways)
        if problem is None:
            return planned
        filling.notes.append(f"{planned.logic.detail} does not satisfy the examples ({problem})")
        planned = planned.with_logic(Logic("scaffold", planned.logic.function, detail=filling.notes[-1]))
    reused = await _reused(planned, state, gateways, filling)
    if reused is not None:
        return reused
    return await _written_by_model(planned, state, gateways, filling)


def _is_unproven_allowed(planned: NodeBlueprint) -> bool:
    """A function that the request spells out is worth a body that only review can confirm; a node function is not."""
    return planned.signature is not None and planned.is_scaffold


async def _reused(
    planned: NodeBlueprint, state: GenerationState, gateways: Gateways, filling: _Filling
) -> NodeBlueprint | None:
    """The proven body of a pattern with the same fields, if it passes the gates and the examples here too.

    Taken over as source: a delivered node stands alone, and imports nothing of another node.
    """
    inputs, outputs = field_types(planned)
    for offer in state.offers:
        pattern = offer.pattern
        if not same_task(pattern, inputs=inputs, outputs=outputs):
            continue
        try:
            renamed = _renamed(pattern, planned)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            filling.used[pattern.pattern_id] = ("broken", "its code cannot be parsed")
            continue
        detail = f"proven in {pattern.request_id}"
        candidate = planned.with_logic(Logic("pattern", planned.logic.function, source=renamed, detail=detail))
        trial = await try_body(candidate, gateways, mode=state.request.mode)
        if trial.verdict.is_accepted or trial.verdict.is_usable:
            filling.used[pattern.pattern_id] = ("reused", "")
            return candidate
        filling.used[pattern.pattern_id] = (_role_of_refused(trial), trial.verdict.reason)
        filling.notes.append(f"pattern {pattern.name} is not reused: {trial.verdict.reason}")
    return None


def _role_of_refused(trial: Trial) -> ReuseRole:
    if trial.is_unjudged:
        return "offered"
    return "rejected" if trial.is_about_examples else "broken"


async def _written_by_model(
    planned: NodeBlueprint, state: GenerationState, gateways: Gateways, filling: _Filling
) -> NodeBlueprint:
    if not state.may_ask_models:
        filling.notes.append("mode fast asks no model")
        return planned

    async def try_logic(logic: Logic) -> tuple[Verdict, Logic]:
        trial = await try_body(planned.with_logic(logic), gateways, mode=state.request.mode)
        return trial.verdict, trial.candidate.logic

    written = await LogicWriter(planned, state, gateways).write(try_body=try_logic)
    filling.calls.extend(written.calls)
    filling.notes.extend(written.notes)
    for pattern in written.shown:
        filling.used.setdefault(pattern.pattern_id, ("shown", ""))
    if written.logic is None:
        why = f"{planned.logic.detail}; no model's answer was accepted (last: {written.problem})"
        return planned.with_logic(replace(planned.logic, detail=why))
    if written.problem:
        open_point = f"the body of {written.logic.model} has an open finding ({written.problem})"
        return planned.with_logic(replace(written.logic, detail=_tried_by(planned), open_point=open_point))
    open_point = "" if planned.examples else UNPROVEN
    return planned.with_logic(replace(written.logic, detail=_tried_by(planned), open_point=open_point))


def _tried_by(planned: NodeBlueprint) -> str:
    return "examples passed" if planned.examples else "a sample was processed"


async def _problem_of(candidate: NodeBlueprint, state: GenerationState, gateways: Gateways) -> str | None:
    """Why a body that costs nothing is not taken; an open finding about types is no reason against it."""
    verdict = (await try_body(candidate, gateways, mode=state.request.mode)).verdict
    return None if verdict.is_accepted or verdict.is_usable else verdict.reason


def _renamed(pattern: Pattern, planned: NodeBlueprint) -> str:
    """The code with the names of this node. Only names change: a field or a text that is spelled alike stays."""
    new_names = {
        pattern.input_class: planned.input_model.class_name,
        pattern.output_class: planned.output_model.class_name,
        pattern.function: planned.logic.function,
    }
    module = ast.parse(pattern.code)
    for node in ast.walk(module):
        if isinstance(node, ast.Name):
            node.id = new_names.get(node.id, node.id)
        elif isinstance(node, ast.FunctionDef):
            node.name = new_names.get(node.name, node.name)
    return "\n\n\n".join(ast.unparse(node) for node in module.body) + "\n"
