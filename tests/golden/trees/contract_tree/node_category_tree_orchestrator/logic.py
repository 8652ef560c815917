# Generated from request test-request by omniclaude 0.1.0, omnibase-core 0.47.57.
"""Business logic of NodeCategoryTreeOrchestrator: its steps and the order in which they run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from omnibase_core.enums.enum_core_error_code import EnumCoreErrorCode
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.contracts.model_workflow_step import ModelWorkflowStep
from pydantic import JsonValue

StepOutput = dict[str, JsonValue]
StepHandler = Callable[["StepContext"], Awaitable[StepOutput]]


@dataclass(frozen=True)
class StepContext:
    """What a handler is given: its step, the run's payload, and the outputs of completed steps."""

    step_name: str
    payload: Mapping[str, JsonValue]
    outputs: Mapping[str, StepOutput]


@dataclass
class StepReport:
    """What became of every step."""

    status: str = "completed"
    completed_steps: list[str] = field(default_factory=list)
    failed_steps: list[str] = field(default_factory=list)
    skipped_steps: list[str] = field(default_factory=list)
    outputs: dict[str, StepOutput] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def execution_order(steps: Sequence[ModelWorkflowStep]) -> list[list[ModelWorkflowStep]]:
    """Waves of steps; each wave waits for the ones before it. A cycle raises ModelOnexError naming its steps."""
    waves: list[list[ModelWorkflowStep]] = []
    placed: set[UUID] = set()
    waiting = list(steps)
    while waiting:
        wave = [step for step in waiting if placed.issuperset(step.depends_on)]
        if not wave:
            raise ModelOnexError(
                message=f"steps wait for one another: {sorted(step.step_name for step in waiting)}",
                error_code=EnumCoreErrorCode.ORCHESTRATOR_SEMANTIC_CYCLE_DETECTED,
            )
        waves.append(wave)
        placed.update(step.step_id for step in wave)
        waiting = [step for step in waiting if step.step_id not in placed]
    return waves


async def run_steps(
    steps: Sequence[ModelWorkflowStep], handlers: Mapping[str, StepHandler], payload: Mapping[str, JsonValue]
) -> StepReport:
    """Run every step once its dependencies have completed; steps of one wave run concurrently.

    Raises ModelOnexError before anything runs when a step has no handler.
    """
    missing = sorted(step.step_name for step in steps if step.step_name not in handlers)
    if missing:
        raise ModelOnexError(
            message=f"no handler is registered for {missing}; use register_step_handler",
            error_code=EnumCoreErrorCode.ITEM_NOT_REGISTERED,
        )
    report = StepReport()
    names = {step.step_id: step.step_name for step in steps}
    for wave in execution_order(steps):
        ready = [step for step in wave if all(names[needed] in report.outputs for needed in step.depends_on)]
        report.skipped_steps += [step.step_name for step in wave if step not in ready]
        await asyncio.gather(*(_run_step(step, handlers[step.step_name], payload, report) for step in ready))
    if report.failed_steps:
        report.status = "failed"
    return report


async def _run_step(
    step: ModelWorkflowStep, handler: StepHandler, payload: Mapping[str, JsonValue], report: StepReport
) -> None:
    context = StepContext(step.step_name, payload, dict(report.outputs))
    try:
        output = await asyncio.wait_for(handler(context), timeout=step.timeout_ms / 1000)
    except TimeoutError:
        report.failed_steps.append(step.step_name)
        report.errors[step.step_name] = f"took longer than {step.timeout_ms} ms"
    except Exception as exc:  # noqa: BLE001  (a handler may raise anything; its step fails, the run goes on)
        report.failed_steps.append(step.step_name)
        report.errors[step.step_name] = f"{type(exc).__name__}: {exc}"
    else:
        report.outputs[step.step_name] = output
        report.completed_steps.append(step.step_name)
