"""Contract -> node -> the contract that the running node tells of itself: nothing of what was given is lost.

What the node tells is made from the node, not from its contract.yaml: its class, its base class, the models its
`process` is declared with, and beside that the contract the framework loaded when the node was initialised.
"""

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from omniclaude_dagster.contracts.builder import validate_contract
from omniclaude_dagster.request.contract.given import contract_from_value
from omniclaude_dagster.request.intake import request_from_mapping
from omniclaude_dagster.request.model import NodeKind
from tests.support.generated_nodes import ImportedNode, imported_node

PROMPTS = {
    NodeKind.EFFECT: "EFFECT node called OrderApi that fetches and posts orders over an HTTP API",
    NodeKind.COMPUTE: "COMPUTE node for pricing calculation",
    NodeKind.REDUCER: "REDUCER node called OrderState that keeps the order status: pending -> paid -> shipped",
    NodeKind.ORCHESTRATOR: "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification",
}
GOLDEN = Path(__file__).parents[2].parent / "shared" / "golden"
# Made anew each time a contract is read.
FRESH = {"correlation_id", "execution_id", "routing_id"}


def told_by(node: ImportedNode) -> dict[str, Any]:
    """Name, kind and models, read off the imported package, and the contract that the framework loaded."""
    instance = node.node_class(ModelONEXContainer())
    asyncio.run(instance.initialize())
    bases = [base.__name__ for base in node.node_class.__mro__]
    kind = next(k for k in NodeKind if f"Node{k.value.capitalize()}" in bases)
    contract = dict(instance.contract_data)
    for role in ("input_model", "output_model"):
        module, _, name = contract[role].rpartition(".")
        found = getattr(importlib.import_module(module), name)
        contract[role] = f"{found.__module__}.{found.__qualname__}"
    return {**contract, "name": node.node_class.__module__.split(".")[0], "node_type": f"{kind.value}_GENERIC"}


def without_fresh(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_fresh(item) for key, item in value.items() if key not in FRESH}
    return [without_fresh(item) for item in value] if isinstance(value, list) else value


def as_core_sees(contract: dict[str, Any], kind: NodeKind) -> Any:
    return without_fresh(json.loads(validate_contract(contract, kind).model_dump_json()))


@pytest.mark.parametrize("kind", list(NodeKind))
def test_a_contract_we_wrote_comes_back_equal_through_a_node_built_from_it(tmp_path: Path, kind: NodeKind) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    with imported_node(first, PROMPTS[kind]) as node:
        given = told_by(node)
    request = request_from_mapping({"contract": contract_from_value(given)}).model_dump(exclude_unset=True)
    request.pop("mode", None)
    with imported_node(second, request.pop("prompt"), **request) as node:
        assert told_by(node) == given


@pytest.mark.parametrize(
    "name", ["node_tax_compute", "node_score_reducer", "node_user_writer_effect", "node_order_flow_orchestrator"]
)
def test_a_reference_contract_comes_back_as_the_core_sees_it(tmp_path: Path, name: str) -> None:
    if not GOLDEN.is_dir():
        pytest.skip("../shared/golden is not there")
    given = yaml.safe_load((GOLDEN / name / "contract.yaml").read_text())
    request = request_from_mapping({"contract": contract_from_value(given)}).model_dump(exclude_unset=True)
    request.pop("mode", None)
    with imported_node(tmp_path, request.pop("prompt"), **request) as node:
        told = told_by(node)
        kind = node.blueprint.kind
    seen, expected = as_core_sees(told, kind), as_core_sees(given, kind)
    for section in given:
        assert seen[section] == expected[section], section


def test_a_section_that_was_changed_is_noticed(tmp_path: Path) -> None:
    """Of this test's own measure: it would see a contract that came back different."""
    with imported_node(tmp_path, PROMPTS[NodeKind.COMPUTE]) as node:
        path = node.root / "contract.yaml"
        before = told_by(node)
        path.write_text(path.read_text().replace("single_operation_max_ms: 1000", "single_operation_max_ms: 7"))
        assert told_by(node) != before
