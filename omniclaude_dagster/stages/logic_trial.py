"""Tries one body: from the cheapest question to the dearest, and stops at the first that fails.

    renders and parses -> gates G9-G12 and G-SEC by reading, then in the sandbox (imports, models, ruff)
    -> examples, the same input twice -> strict types

Lint that is only style never refuses a body: what ruff can fix has been fixed (`logic_tidy.py`), the rest lowers the
node's quality in G13.

Types come last, because they take longest and say least about what the body computes. A body that does what the
examples ask and only has typing findings is mended once where that is mechanical (`logic_repair.py`), else refused
with `is_usable`: the model gets the finding back, stronger models are asked; if nobody does better, the body is
delivered for review rather than thrown away. In mode strict G13 blocks, so there it is thrown away, and a person gets
the scaffold instead.
"""

import asyncio
from dataclasses import dataclass, replace

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.contracts.builder import ContractError
from omniclaude_dagster.gates import executed_gates, execution, registry
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.execution import Place
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.providers.cascade import Verdict
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.stages.logic_repair import TypeFinding, mended
from omniclaude_dagster.stages.logic_tidy import tidied
from omniclaude_dagster.stages.state import Gateways

# A body that is only tried gets less time than a node that is judged: there may be nine tries.
TRIAL_LIMIT_S = 8.0
LOGIC_FILE = "logic.py"
_MAX_FINDINGS = 5


@dataclass(frozen=True)
class Trial:
    """What a trial found, and the node as it was tried last: its body may have been mended on the way.

    `is_about_examples`: the body runs and answers, and only its answers are not what was asked for.
    `is_unjudged`: a tool or the sandbox gave no answer, which says nothing about the body.
    """

    verdict: Verdict
    candidate: NodeBlueprint
    is_about_examples: bool = False
    is_unjudged: bool = False


async def try_body(candidate: NodeBlueprint, gateways: Gateways, *, mode: Mode) -> Trial:
    """Judge the node with its body. The sandbox's work runs in a thread."""
    return await asyncio.to_thread(_tried, candidate, gateways, mode)


def _tried(candidate: NodeBlueprint, gateways: Gateways, mode: Mode, *, may_mend: bool = True) -> Trial:
    try:
        context = _context(candidate, gateways)
    except (SyntaxError, ContractError) as exc:
        return Trial(Verdict.refused(str(exc)), candidate)
    refusal = _refusal(context, candidate)
    if refusal is not None:
        executed = execution.known(context, "execute_node", execution.Executed)
        is_running = executed is not None and executed.imported.ok and executed.instantiate.ok
        is_about_examples = is_running and bool(candidate.examples)
        return Trial(refusal, candidate, is_about_examples, is_unjudged=_was_sandbox_away(context))
    reply = execution.typecheck(context)
    if reply.value is None:
        return Trial(Verdict.refused(reply.problem), candidate, is_unjudged=True)
    # What is wrong with other files is not the model's.
    findings = [e for e in reply.value.errors if e.file.rpartition("/")[2] == LOGIC_FILE]
    if not findings:
        return Trial(Verdict.accepted(), candidate)
    better = _mended(candidate, context, findings) if may_mend else None
    second = _tried(better, gateways, mode, may_mend=False) if better is not None else None
    if second is not None and second.verdict.is_accepted:
        return second
    shown = "; ".join(f"types: {e.shown(context.package)}" for e in findings[:_MAX_FINDINGS])
    return Trial(Verdict.refused(shown, is_usable=mode is not Mode.STRICT), candidate)


def _context(candidate: NodeBlueprint, gateways: Gateways) -> NodeContext:
    return NodeContext(
        bundle=render_bundle(candidate, profile=gateways.profile),
        sandbox=gateways.sandbox,
        kind=candidate.kind,
        class_name=candidate.class_name,
        examples=candidate.examples,
        samples=() if candidate.examples else (dict(candidate.sample_input),),
        execution_limit_s=TRIAL_LIMIT_S,
    )


def _was_sandbox_away(context: NodeContext) -> bool:
    """Whether something was asked of the sandbox and could not be executed; what was not asked is not asked here."""
    asked = (context.shared.known(f"task:{task}") for task in ("resolve_imports", "inspect_models", "execute_node"))
    return any(isinstance(reply, execution.Reply) and reply.is_unavailable for reply in asked)


def _refusal(context: NodeContext, candidate: NodeBlueprint) -> Verdict | None:
    """Why the body is not what was asked for, by reading and running it; None when it is."""
    failed = [r.message for r in registry.run_post_generation(context) if r.status == "fail"]
    if failed:
        return Verdict.refused(failed[0])
    executed = (executed_gates.accept_node if candidate.examples else executed_gates.run_node)(context)
    if executed.status == "pass":
        return None
    # Nobody said what the result of a sample must be, so a body that refuses it may well be right.
    return Verdict.refused(executed.message, is_usable=not candidate.examples and executed.status != "skipped")


def _mended(candidate: NodeBlueprint, context: NodeContext, findings: list[Place]) -> NodeBlueprint | None:
    """The node with a body without these findings, where that can be had without asking anybody."""
    logic = candidate.logic
    if logic.source is None or logic.origin != "model":
        return None
    rendered = context.bundle.files[LOGIC_FILE].decode()
    found = [TypeFinding(place.line, place.code or "", place.message) for place in findings]
    source = mended(logic.source, rendered=rendered, findings=found)
    return candidate.with_logic(replace(logic, source=tidied(source))) if source is not None else None
