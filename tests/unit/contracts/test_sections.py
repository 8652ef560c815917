"""What a contract infers from the request, section by section; each subcontract is judged by its own model."""

from dataclasses import replace
from typing import Any

import pytest
import yaml

from omniclaude_dagster.contracts.builder import ContractError, contract_yaml, validate_contract
from omniclaude_dagster.contracts.profile import core_profile
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.request.model import NodeKind
from tests.support.generated_nodes import blueprint_for


def contract_of(prompt: str, **more: Any) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(contract_yaml(blueprint_for(prompt, **more)))
    return document


def test_an_effect_names_its_operations_service_client_and_variables() -> None:
    contract = contract_of(
        "EFFECT node called UserStore that upserts and reads users in PostgreSQL, timeout of 2 seconds"
    )
    operations = {o["operation_type"]: o["atomic"] for o in contract["io_operations"]}
    assert operations == {"database_upsert": True, "database_select": False}
    assert contract["external_services"][0]["service_type"] == "postgresql"
    named = {d["name"]: d["dependency_type"] for d in contract["dependencies"]}
    assert named == {"psycopg": "external", "POSTGRES_DSN": "environment"}
    assert contract["transaction_management"] == {"enabled": True}
    assert contract["performance"]["database_query_timeout_ms"] == 2_000
    assert contract["io_operations"][0]["timeout_seconds"] == 2


def test_an_effect_that_only_reads_has_no_transaction() -> None:
    contract = contract_of("EFFECT node called UserReader that reads users from PostgreSQL")
    assert contract["transaction_management"] == {"enabled": False}


def test_stated_limits_stand_in_the_performance_section() -> None:
    contract = contract_of(
        "COMPUTE node for pricing calculation within 20 ms, at least 500 calculations per second, below 128 MB memory"
    )
    assert contract["performance"] == {
        "single_operation_max_ms": 20,
        "memory_limit_mb": 128,
        "throughput_min_ops_per_second": 500.0,
    }


def test_stated_attempts_and_a_circuit_breaker_stand_in_the_retry_policy() -> None:
    contract = contract_of("EFFECT node called OrderApi that fetches orders over HTTP, 5 retries and a circuit breaker")
    assert contract["retry_policies"] == {"max_attempts": 6, "circuit_breaker_enabled": True}
    assert contract["routing"]["default_target"] == "http_api"


def test_stated_weights_are_the_algorithm_s_factors() -> None:
    example = {"input": {"price": 10.0, "rating": 4.0}, "output": {"score": 7.6}}
    contract = contract_of(
        "COMPUTE node called OfferScore that scores an offer from price (weight 0.6) and rating (weight 0.4)",
        examples=[example],
    )
    weights = {name: factor["weight"] for name, factor in contract["algorithm"]["factors"].items()}
    assert weights == {"price": 0.6, "rating": 0.4}


def test_a_reducer_s_outputs_decide_its_reductions_groups_and_window() -> None:
    contract = contract_of("REDUCER node called ClickStats that counts clicks per page (string) in 5-minute windows")
    assert contract["aggregation"]["windowing"]["window_size_ms"] == 300_000
    assert {o["reduction_function"] for o in contract["reduction_operations"]} >= {"count"}


def test_states_of_the_request_are_the_state_machine() -> None:
    contract = contract_of(
        "REDUCER node called OrderState for the order status: pending -> paid -> shipped, pending -> cancelled"
    )
    machine = contract["state_machine"]
    assert machine["initial_state"] == "pending"
    assert machine["terminal_states"] == ["shipped", "cancelled"]
    moves = {(t["from_state"], t["to_state"]) for t in machine["transitions"]}
    assert moves == {("pending", "paid"), ("paid", "shipped"), ("pending", "cancelled")}


def test_caching_is_keyed_by_the_input_and_lives_as_long_as_was_said() -> None:
    contract = contract_of("EFFECT node called RateApi that fetches rates over HTTP and caches them for 10 minutes")
    assert contract["caching"]["invalidation_policy"]["ttl_seconds"] == 600


def test_a_workflow_s_steps_and_their_order_stand_in_the_contract() -> None:
    contract = contract_of(
        "ORCHESTRATOR node called OrderFlow that coordinates validation, payment, and notification steps"
    )
    nodes = contract["workflow_coordination"]["workflow_definition"]["execution_graph"]["nodes"]
    assert [n["depends_on"] for n in nodes] == [[], [nodes[0]["node_id"]], [nodes[1]["node_id"]]]


def test_parallel_steps_have_a_branch_each() -> None:
    contract = contract_of(
        "ORCHESTRATOR node called FanOut that runs the steps resize, compress, and upload in parallel"
    )
    assert contract["workflow_coordination"]["execution_mode"] == "parallel"
    assert contract["workflow_coordination"]["max_parallel_branches"] == 3


def given(section: str, value: object, kind: str = "REDUCER node called Totals that sums amounts") -> NodeBlueprint:
    return replace(blueprint_for(kind), given_contract={section: value})


def test_what_a_person_gave_wins_over_what_is_inferred() -> None:
    document = yaml.safe_load(contract_yaml(given("description", "As I said.")))
    assert document["description"] == "As I said."
    assert document["aggregation"]["aggregation_functions"]


@pytest.mark.parametrize(
    ("section", "value", "model"),
    [
        ("state_machine", {"states": []}, "ModelFSMSubcontract"),
        ("event_type", {"primary_events": ["a"]}, "ModelEventTypeSubcontract"),
        ("aggregation", {"aggregation_functions": ["no_such_function"]}, "ModelAggregationSubcontract"),
        ("state_management", {"state_scope": "everywhere"}, "ModelStateManagementSubcontract"),
        ("caching", {"max_entries": -1}, "ModelCachingSubcontract"),
    ],
)
def test_a_wrong_subcontract_is_refused_by_its_own_model(section: str, value: object, model: str) -> None:
    with pytest.raises(ContractError, match=model):
        contract_yaml(given(section, value))


def test_a_wrong_routing_is_refused_by_its_own_model() -> None:
    blueprint = given("routing", {"routing_strategy": 7}, "EFFECT node called OrderApi that fetches orders over HTTP")
    with pytest.raises(ContractError, match="ModelRoutingSubcontract"):
        contract_yaml(blueprint)


def test_the_table_says_which_kinds_have_which_subcontract() -> None:
    """Proven against the core: a kind's contract has the field if, and only if, the table says so."""
    import importlib

    profile = core_profile()
    assert len(profile.subcontracts) == 6
    for kind in NodeKind:
        module, symbol = profile.contract_classes[kind]
        fields = getattr(importlib.import_module(module), symbol).model_fields
        for known in profile.subcontracts:
            assert (known.field in fields) == (kind in known.kinds), (kind, known.field)


def test_every_subcontract_is_emitted_somewhere() -> None:
    emitted = set(contract_of("REDUCER node called Totals that sums amounts and caches them"))
    emitted |= set(contract_of("EFFECT node called Gateway that routes requests over HTTP with load balancing"))
    assert {known.field for known in core_profile().subcontracts} <= emitted


def test_validation_judges_a_contract_without_subcontracts_too() -> None:
    with pytest.raises(ContractError, match="ModelContractCompute"):
        validate_contract({"name": "x"}, NodeKind.COMPUTE)
