# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Runs the steps resize, compress, and upload in parallel."""

from __future__ import annotations

from time import perf_counter
from uuid import UUID, uuid4

from omnibase_core.enums.enum_workflow_execution import EnumExecutionMode
from omnibase_core.mixins.mixin_health_check import MixinHealthCheck
from omnibase_core.models.common.model_schema_value import ModelSchemaValue
from omnibase_core.models.container.model_onex_container import ModelONEXContainer
from omnibase_core.models.contracts.model_workflow_step import ModelWorkflowStep
from omnibase_core.models.contracts.subcontracts.model_workflow_definition import ModelWorkflowDefinition
from omnibase_core.models.orchestrator.model_orchestrator_input import ModelOrchestratorInput
from omnibase_core.models.orchestrator.model_orchestrator_output import ModelOrchestratorOutput
from omnibase_core.nodes.node_orchestrator import NodeOrchestrator
from pydantic_core import to_jsonable_python

from .event_bus import NodeAnnouncer
from .logic import STEPS, StepHandler, run_steps
from .models import ModelMediaFanOutInput, ModelMediaFanOutOutput

_VERSION = {"major": 1, "minor": 0, "patch": 0}
WORKFLOW = ModelWorkflowDefinition.model_validate(
    {
        "version": _VERSION,
        "workflow_metadata": {
            "version": _VERSION,
            "workflow_name": "media_fan_out",
            "workflow_version": _VERSION,
            "execution_mode": "sequential",
            "description": "ORCHESTRATOR node called MediaFanOut that runs the steps resize, compress, and upload...",
        },
        "execution_graph": {"version": _VERSION, "nodes": []},
        "coordination_rules": {"version": _VERSION},
    }
)


class NodeMediaFanOutOrchestrator(NodeOrchestrator, MixinHealthCheck):
    """Runs steps in the order of their dependencies, through handlers that its owner registers."""

    def __init__(self, container: ModelONEXContainer) -> None:
        super().__init__(container)
        self.workflow_definition = WORKFLOW
        self.step_handlers: dict[str, StepHandler] = {}
        self._runs: dict[UUID, ModelMediaFanOutInput] = {}
        self.announcer = NodeAnnouncer()

    async def initialize(self) -> None:
        """Load the contract, then announce the node if a publisher is bound."""
        await super().initialize()
        await self.announcer.announce(self.node_id)

    async def cleanup(self) -> None:
        """Release resources and let go of the publisher."""
        self.announcer.unbind()
        await super().cleanup()

    def register_step_handler(self, step_name: str, handler: StepHandler) -> None:
        """Let `handler` perform the step. A step without a handler fails the run before anything is done."""
        self.step_handlers[step_name] = handler

    def build_input(self, data: ModelMediaFanOutInput) -> ModelOrchestratorInput:
        """The framework's input for one run."""
        ids = {step.name: uuid4() for step in STEPS}
        steps = [
            ModelWorkflowStep(
                step_id=ids[step.name],
                step_name=step.name,
                step_type=step.step_type,
                depends_on=[ids[name] for name in step.depends_on],
            )
            for step in STEPS
        ]
        workflow_id = uuid4()
        self._runs[workflow_id] = data
        return ModelOrchestratorInput(workflow_id=workflow_id, steps=steps, execution_mode=EnumExecutionMode.SEQUENTIAL)

    async def process(self, input_data: ModelOrchestratorInput) -> ModelOrchestratorOutput:
        """Let the framework plan the steps, then run them and report every step's outcome."""
        data = self._runs.pop(input_data.workflow_id, None)
        plan = await super().process(input_data)
        started = perf_counter()
        report = await run_steps(input_data.steps, self.step_handlers, data.payload if data else {})
        return plan.model_copy(
            update={
                "execution_status": report.status,
                "execution_time_ms": int((perf_counter() - started) * 1000),
                "completed_steps": report.completed_steps,
                "failed_steps": report.failed_steps,
                "skipped_steps": report.skipped_steps,
                "step_outputs": {
                    name: {key: ModelSchemaValue.from_value(value) for key, value in output.items()}
                    for name, output in report.outputs.items()
                },
                "errors": [{"step": name, "error": text} for name, text in report.errors.items()],
            }
        )

    async def run(self, data: ModelMediaFanOutInput) -> ModelMediaFanOutOutput:
        """Run the whole workflow and give its result as the node's own model."""
        output = await self.process(self.build_input(data))
        return ModelMediaFanOutOutput(
            status=output.execution_status,
            completed_steps=output.completed_steps,
            failed_steps=output.failed_steps,
            skipped_steps=output.skipped_steps,
            outputs={
                name: {key: to_jsonable_python(value.to_value()) for key, value in values.items()}
                for name, values in output.step_outputs.items()
            },
        )
