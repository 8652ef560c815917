"""Stage 5.5: the place of the quorum in the flow. Until it is built, the stage says that nothing was reviewed."""

from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome


async def refine_by_quorum(state: GenerationState, gateways: Gateways) -> StageOutcome:  # noqa: ARG001
    """Skipped: no panel has voted, and nothing downstream counts it as approval."""
    return StageOutcome(state, "no quorum in this version: nothing was reviewed by models", status="skipped")
