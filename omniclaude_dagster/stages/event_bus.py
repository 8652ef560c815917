"""Stage 4.5: give the node its topics, its announcement, its start script and its tests.

The files are rendered again from the typed model; nothing is injected into finished text. Where a person has edited
the node in the output folder, the edits are merged in here, so that the gates judge what will be delivered.
"""

import asyncio
from dataclasses import replace

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import EventBusSpec, NodeBlueprint
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome

# Where a person fills in what a scaffold leaves open.
OPEN_FILES = frozenset({"logic.py", "adapter.py"})
INTROSPECTION_TOPIC = "onex.evt.platform.node-introspection.v1"
_DONE = {
    NodeKind.EFFECT: "performed",
    NodeKind.COMPUTE: "computed",
    NodeKind.REDUCER: "reduced",
    NodeKind.ORCHESTRATOR: "completed",
}


async def integrate_event_bus(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.blueprint.event_bus` and render the files that depend on it."""
    if state.blueprint is None:
        return StageOutcome(state, "no node", status="skipped")
    blueprint = state.blueprint.with_event_bus(topics_of(state.blueprint))
    state = await asyncio.to_thread(rendered, state, blueprint, gateways)
    count = len(state.bundle.files) if state.bundle else 0
    message = f"{count} files; the node works with and without a bus"
    return StageOutcome(state, f"{message}; {state.update.describe()}" if state.update else message)


def rendered(state: GenerationState, blueprint: NodeBlueprint, gateways: Gateways) -> GenerationState:
    """The state with the files of this blueprint, merged with what a person edited in the output folder."""
    bundle = render_bundle(blueprint, profile=gateways.profile)
    merged = gateways.store_for(state.output_dir).merged(bundle)
    if merged is None:
        return state.with_bundle(blueprint, bundle)
    bundle, update = merged
    if blueprint.is_scaffold and OPEN_FILES.intersection(update.kept):
        # A person has filled in what nobody else could; the gates judge it like any other logic.
        blueprint = blueprint.with_logic(replace(blueprint.logic, origin="person", detail="written by hand"))
    return replace(state.with_bundle(blueprint, bundle), update=update)


def topics_of(blueprint: NodeBlueprint) -> EventBusSpec:
    """Topics in the grammar `onex.(cmd|evt).<producer>.<event>.v1`; those of a given contract stay as they are."""
    given = (blueprint.given_contract or {}).get("event_bus")
    named = given if isinstance(given, dict) else {}
    producer = blueprint.snake.replace("_", "-")
    return EventBusSpec(
        publish_topics=_topics(named, "publish_topics") or (f"onex.evt.{producer}.{_DONE[blueprint.kind]}.v1",),
        subscribe_topics=_topics(named, "subscribe_topics") or (f"onex.cmd.{producer}.requested.v1",),
        introspection_topic=INTROSPECTION_TOPIC,
    )


def _topics(given: dict[str, object], key: str) -> tuple[str, ...]:
    topics = given.get(key)
    return tuple(t for t in topics if isinstance(t, str)) if isinstance(topics, list) else ()
