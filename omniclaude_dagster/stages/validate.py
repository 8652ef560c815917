"""Stages 2, 4 and 6: the gates before, after, and by execution. The gates themselves live in `gates`."""

import asyncio
from dataclasses import replace

from omniclaude_dagster.artifact.rendering import has_templates
from omniclaude_dagster.artifact.store import check_writable
from omniclaude_dagster.contracts.plan.systems.registry import client_imports
from omniclaude_dagster.gates import registry
from omniclaude_dagster.gates.context import NodeContext, PreGenerationContext
from omniclaude_dagster.gates.facts import quality_facts
from omniclaude_dagster.gates.quality import quality_of
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome, decided


async def validate_request(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Stage 2: G1 to G8. A blocking failure decides the generation before anything is generated."""
    parsed = state.parsed
    if parsed is None:
        return StageOutcome(decided(state, "failed", "the prompt was not parsed"), status="failed")
    kind = parsed.node_kind
    required = gateways.profile.imports_for(kind) if kind else ()
    context = PreGenerationContext(
        parsed=parsed,
        request=state.request,
        output_dir=state.output_dir,
        has_templates=has_templates,
        required_imports=(*required, *client_imports(parsed.external_systems)),
        probe_writable=check_writable,
    )
    return _with_results(state, await asyncio.to_thread(registry.run_pre_generation, context))


async def validate_bundle(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Stage 4: G9 to G12 and G-SEC."""
    context = node_context(state, gateways)
    return _with_results(state, await asyncio.to_thread(registry.run_post_generation, context))


async def test_compilation(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Stage 6: G13, G14 and G-EXEC in the sandbox, and the quality they show."""
    context = node_context(state, gateways)

    def run() -> tuple[tuple[GateResult, ...], GenerationState]:
        results = registry.run_compilation(context)
        quality = quality_of(quality_facts(context, (*state.gate_results, *results)))
        return results, replace(state, quality=quality)

    results, judged = await asyncio.to_thread(run)
    outcome = _with_results(judged, results)
    score = judged.quality.score if judged.quality else None
    return replace(outcome, quality_score=score)


def node_context(state: GenerationState, gateways: Gateways) -> NodeContext:
    """What the gates look at. Raises LookupError when there is no node yet (a defect of the flow).

    A scaffold refuses its open operation by name; that is what REVIEW.md says, so it never blocks: it is delivered
    for review in mode strict too.
    """
    if state.blueprint is None or state.bundle is None:
        raise LookupError("no node has been generated")
    blueprint = state.blueprint
    return NodeContext(
        bundle=state.bundle,
        sandbox=gateways.sandbox,
        mode=Mode.BALANCED if blueprint.is_scaffold else state.request.mode,
        kind=blueprint.kind,
        class_name=blueprint.class_name,
        examples=blueprint.examples,
        samples=(dict(blueprint.sample_input),),
        shared=state.shared,
        is_as_generated=True,
    )


def _with_results(state: GenerationState, results: tuple[GateResult, ...]) -> StageOutcome:
    failed = [r for r in results if r.status == "fail"]
    blocking = [r for r in failed if r.is_blocking]
    judged = replace(state, gate_results=(*state.gate_results, *results))
    counts = ", ".join(f"{sum(r.status == s for r in results)} {s}" for s in ("pass", "warn", "fail", "skipped"))
    if blocking:
        reasons = "; ".join(f"{r.gate}: {r.message}" for r in blocking)
        return StageOutcome(decided(judged, "blocked", reasons), f"{counts}; {reasons}", status="failed")
    notes = "; ".join(f"{r.gate}: {r.message}" for r in failed)
    return StageOutcome(judged, f"{counts}; {notes}" if notes else counts)
