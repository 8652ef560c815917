"""Generated ORCHESTRATORs run their steps in the order of their dependencies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.errors.model_onex_error import ModelOnexError
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from tests.support.generated_nodes import ImportedNode, imported_node

DECLARED = "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification steps"
DYNAMIC = "Create ORCHESTRATOR node for multi-step workflow coordination"


def run_flow(imported: ImportedNode, values: dict[str, Any], *, failing: str = "") -> tuple[Any, list[str]]:
    performed: list[str] = []

    async def perform(context: Any) -> dict[str, Any]:
        if context.step_name == failing:
            raise RuntimeError("away")
        performed.append(context.step_name)
        return {"payload": context.payload.get("order"), "before": sorted(context.outputs)}

    async def scenario() -> Any:
        node = imported.node_class(ModelONEXContainer())
        await node.initialize()
        for name in ("validation", "payment", "notification", "a", "b", "c"):
            node.register_step_handler(name, perform)
        return await node.run(imported.model("Input").model_validate(values))

    return asyncio.run(scenario()), performed


def test_declared_steps_run_one_after_the_other_and_see_earlier_outputs(tmp_path: Path) -> None:
    with imported_node(tmp_path, DECLARED) as imported:
        result, performed = run_flow(imported, {"payload": {"order": 7}})
    assert performed == ["validation", "payment", "notification"]
    assert (result.status, result.completed_steps) == ("completed", performed)
    assert result.outputs["notification"] == {"payload": 7, "before": ["payment", "validation"]}


def test_a_failing_step_skips_those_that_wait_for_it(tmp_path: Path) -> None:
    with imported_node(tmp_path, DECLARED) as imported:
        result, performed = run_flow(imported, {}, failing="payment")
    assert performed == ["validation"]
    assert (result.status, result.failed_steps, result.skipped_steps) == ("failed", ["payment"], ["notification"])


def test_steps_given_by_the_caller_follow_their_dependencies(tmp_path: Path) -> None:
    steps = [{"name": "c", "depends_on": ["a", "b"]}, {"name": "b", "depends_on": ["a"]}, {"name": "a"}]
    with imported_node(tmp_path, DYNAMIC) as imported:
        result, performed = run_flow(imported, {"steps": steps})
    assert performed == ["a", "b", "c"]
    assert result.status == "completed"


def test_steps_that_wait_for_one_another_are_refused(tmp_path: Path) -> None:
    steps = [{"name": "a", "depends_on": ["b"]}, {"name": "b", "depends_on": ["a"]}]
    with imported_node(tmp_path, DYNAMIC) as imported, pytest.raises(ModelOnexError):
        run_flow(imported, {"steps": steps})


def test_a_step_that_takes_too_long_fails(tmp_path: Path) -> None:
    async def dawdle(context: Any) -> dict[str, Any]:
        await asyncio.sleep(5)
        return {}

    with imported_node(tmp_path, DYNAMIC) as imported:

        async def scenario() -> Any:
            node = imported.node_class(ModelONEXContainer())
            node.register_step_handler("a", dawdle)
            return await node.run(imported.model("Input").model_validate({"steps": [{"name": "a", "timeout_ms": 100}]}))

        assert asyncio.run(scenario()).failed_steps == ["a"]
