"""Renders the node of a sentence from rules and templates alone: no model, no records, no sandbox."""

from typing import Any

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.contracts.plan.planner import plan_node
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.stages.event_bus import topics_of


def blueprint_for(prompt: str, *, request_id: str = "benchmark-node", **more: Any) -> NodeBlueprint:
    """The complete blueprint of a sentence, with its topics; `more` are other fields of the request."""
    request = GenerationRequest.model_validate({"prompt": prompt, "mode": "fast", **more})
    parsed = understand(prompt, node_kind=request.node_kind, name=request.name, domain=request.domain)
    blueprint = plan_node(AcceptedRequest(request_id, request), parsed)
    return blueprint.with_event_bus(topics_of(blueprint))


def bundle_for(prompt: str, **more: Any) -> NodeBundle:
    """The rendered node of a sentence."""
    return render_bundle(blueprint_for(prompt, **more))
