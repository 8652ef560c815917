"""Every contract is accepted by the core's own model, and what is broken is refused with the field's name."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from omniclaude_dagster.contracts.builder import ContractError, contract_document, contract_yaml, validate_contract
from omniclaude_dagster.contracts.profile import core_profile
from omniclaude_dagster.request.model import NodeKind
from tests.golden.cases import CASES, blueprint_of
from tests.support.generated_nodes import blueprint_for

PROMPTS = {
    NodeKind.EFFECT: "Create EFFECT node for PostgreSQL writes",
    NodeKind.COMPUTE: "COMPUTE node for pricing calculation",
    NodeKind.REDUCER: "REDUCER node for data aggregation",
    NodeKind.ORCHESTRATOR: "Create ORCHESTRATOR node for multi-step workflow coordination",
}


def document_of(kind: NodeKind) -> dict[str, Any]:
    return contract_document(blueprint_for(PROMPTS[kind]), profile=core_profile())


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_contract_validates_and_survives_its_yaml(case: str) -> None:
    blueprint = blueprint_of(case)
    loaded = yaml.safe_load(contract_yaml(blueprint))
    assert loaded == contract_document(blueprint, profile=core_profile())
    contract = validate_contract(loaded, blueprint.kind)
    assert type(contract).__name__ == f"ModelContract{blueprint.kind.value.capitalize()}"


@pytest.mark.parametrize("kind", list(NodeKind))
@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"node_type": "TEAPOT"}, "node_type"),
        ({"contract_version": "one"}, "contract_version"),
        ({"name": None}, "name"),
        ({"no_such_field": 1}, "no_such_field"),
        ({"performance": {"single_operation_max_ms": -1}}, "single_operation_max_ms"),
    ],
)
def test_a_broken_contract_is_refused_and_the_field_is_named(
    kind: NodeKind, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(ContractError, match=named) as failure:
        validate_contract({**document_of(kind), **change}, kind)
    assert f"ModelContract{kind.value.capitalize()}" in failure.value.message
    assert failure.value.exit_code == 1


@pytest.mark.parametrize("document", [None, [], "text", 7, {}])
def test_what_is_no_contract_at_all_is_refused(document: Any) -> None:
    with pytest.raises(ContractError):
        validate_contract(document, NodeKind.COMPUTE)


def test_a_contract_of_another_kind_is_refused() -> None:
    with pytest.raises(ContractError):
        validate_contract(document_of(NodeKind.COMPUTE), NodeKind.REDUCER)


def test_the_topics_of_stage_4_5_stand_in_the_contract() -> None:
    document = document_of(NodeKind.COMPUTE)
    assert document["event_bus"]["publish_topics"] == ["onex.evt.pricing-calculator.computed.v1"]
    blueprint = replace(blueprint_for(PROMPTS[NodeKind.COMPUTE]), event_bus=None)
    assert "event_bus" not in yaml.safe_load(contract_yaml(blueprint))


def test_a_compute_s_weights_sum_to_one_for_any_number_of_inputs() -> None:
    for count in (1, 3, 7, 40):
        example = {"input": {f"field_{n}": n for n in range(count)}, "output": {"b": 1}}
        blueprint = blueprint_for("COMPUTE node called Judge that judges", examples=[example])
        factors = contract_document(blueprint, profile=core_profile())["algorithm"]["factors"]
        assert len(factors) == count
        assert sum(f["weight"] for f in factors.values()) == pytest.approx(1.0, abs=1e-9)
        contract_yaml(blueprint)


def test_caching_is_declared_when_it_was_asked_for() -> None:
    blueprint = replace(blueprint_for(PROMPTS[NodeKind.COMPUTE]), features=("caching",))
    assert "caching" in yaml.safe_load(contract_yaml(blueprint))
