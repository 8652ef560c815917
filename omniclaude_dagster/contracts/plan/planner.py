"""The one public door: a parsed request becomes the blueprint of a node."""

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.compute import plan_compute
from omniclaude_dagster.contracts.plan.effect import plan_effect
from omniclaude_dagster.contracts.plan.given import plan_given
from omniclaude_dagster.contracts.plan.orchestrator import plan_orchestrator
from omniclaude_dagster.contracts.plan.reducer import plan_reducer
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import AcceptedRequest, NodeKind, ParsedRequest

_PLANNERS = {
    NodeKind.EFFECT: plan_effect,
    NodeKind.COMPUTE: plan_compute,
    NodeKind.REDUCER: plan_reducer,
    NodeKind.ORCHESTRATOR: plan_orchestrator,
}


def plan_node(accepted: AcceptedRequest, parsed: ParsedRequest) -> NodeBlueprint:
    """Blueprint of the node that was asked for.

    Raises RequestError when kind or name is unknown, or a field name in the request cannot be used.
    """
    if parsed.node_kind is None or parsed.name is None:
        raise RequestError("the request leaves open what kind of node it is or what it is called.",
                           cure=" ".join(parsed.questions) or "name the kind and the node")  # fmt: skip
    plan = PlanInput(accepted, parsed, parsed.node_kind, parsed.name)
    planner = _PLANNERS[parsed.node_kind]
    return planner(plan) if accepted.request.contract is None else plan_given(plan, planner)
