"""Test doubles of NodeCategoryTreeOrchestrator: what stands in for the outside while it is tested."""

from __future__ import annotations

from omnibase_core.models.orchestrator.model_orchestrator_input import ModelOrchestratorInput
from pydantic import JsonValue

from ..logic import StepContext
from ..models import ModelCategoryTreeInput
from ..node import NodeCategoryTreeOrchestrator

STEP_NAMES = (
    "prepare",
    "perform",
)


def prepare(node: NodeCategoryTreeOrchestrator) -> list[str]:
    """Register a recording handler for every step; the list fills with the steps in the order they ran."""
    performed: list[str] = []

    async def perform(context: StepContext) -> dict[str, JsonValue]:
        performed.append(context.step_name)
        seen: list[JsonValue] = [*sorted(context.outputs)]
        return {"done": context.step_name, "seen": seen}

    for name in STEP_NAMES:
        node.register_step_handler(name, perform)
    return performed


def prepare_input(node: NodeCategoryTreeOrchestrator, sample: dict[str, JsonValue]) -> ModelOrchestratorInput:
    """The framework's input for a sample of the node's own input model."""
    return node.build_input(ModelCategoryTreeInput.model_validate(sample))
