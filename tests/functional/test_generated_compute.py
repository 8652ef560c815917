"""Every known computation, generated, imported and run."""

import asyncio
import math
from pathlib import Path
from typing import Any

import pytest
from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from omniclaude_dagster.contracts.plan.compute import known_computations
from tests.support.generated_nodes import blueprint_for, imported_node

# Catalog id -> a sentence that asks for it, and results for its sample that were worked out by hand.
EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "price": ("COMPUTE node for pricing calculation", {"net": 27.0, "tax": 5.4, "gross": 32.4}),
    "gross_from_net": ("COMPUTE node that adds VAT to an amount", {"gross": 120.0}),
    "percent_change": ("COMPUTE node for the percentage change of two values", {"percent": 25.0}),
    "statistics": (
        "COMPUTE node for descriptive statistics",
        {"count": 3, "total": 7.0, "median": 2.0, "minimum": 1.0, "maximum": 4.0, "stdev": math.sqrt(7 / 3)},
    ),
    "temperature": ("COMPUTE node for temperature conversion", {"fahrenheit": 68.0, "kelvin": 293.15}),
    "compound_interest": ("COMPUTE node for compound interest", {"balance": 1000 * (1 + 0.05 / 12) ** 24}),
    "currency": ("COMPUTE node for currency conversion", {"converted": 30.0}),
    "distance": ("COMPUTE node for the haversine distance", {"distance_km": 877.46}),
    "text_statistics": (
        "COMPUTE node that does a word count",
        {"characters": 11, "words": 3, "lines": 2, "unique_words": 2},
    ),
    "text_normalise": (
        "COMPUTE node for text normalization",
        {"normalized": "Café au lait", "lowered": "café au lait", "slug": "cafe-au-lait"},
    ),
    "json_transform": (
        "COMPUTE node for JSON data transformation",
        {"records": [{"id": 1, "source": "web"}], "count": 1},
    ),
    "record_validation": (
        "COMPUTE node for record validation",
        {"valid": [{"id": 1}], "errors": ["record 1: missing id"], "is_valid": False},
    ),
    "sort_records": ("COMPUTE node that sorts records", {"records": [{"n": 1}, {"n": 2}, {"m": 0}]}),
    "filter_records": ("COMPUTE node for filtering records", {"records": [{"n": 1}], "dropped": 1}),
    "csv_to_json": ("COMPUTE node that turns CSV into JSON", {"records": [{"a": "1", "b": "2"}], "count": 1}),
    "checksum": (
        "COMPUTE node for a SHA256 checksum",
        {"sha256": "50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c"},
    ),
    "date_difference": ("COMPUTE node that counts the days between two dates", {"days": 3}),
    "email_validation": (
        "COMPUTE node for email validation",
        {"is_valid": True, "local_part": "ada", "domain": "example.org"},
    ),
}


def run_compute(folder: Path, prompt: str, values: dict[str, Any] | None = None, **more: Any) -> Any:
    with imported_node(folder, prompt, **more) as imported:
        data = imported.model("Input").model_validate(values or dict(imported.blueprint.sample_input))

        async def scenario() -> Any:
            node = imported.node_class(ModelONEXContainer())
            await node.initialize()
            output = await node.process(ModelComputeInput(data=data))
            await node.cleanup()
            return output.result.model_dump(mode="json")

        return asyncio.run(scenario())


def test_every_known_computation_is_tested() -> None:
    assert {known.id for known in known_computations()} == set(EXPECTED)


@pytest.mark.parametrize("computation", sorted(EXPECTED))
def test_a_known_computation_gives_the_result_worked_out_by_hand(computation: str, tmp_path: Path) -> None:
    prompt, expected = EXPECTED[computation]
    assert blueprint_for(prompt).logic.detail == f"known computation: {computation}"
    result = run_compute(tmp_path, prompt)
    for name, value in expected.items():
        assert result[name] == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value), name


def test_a_change_from_zero_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no percentage"):
        run_compute(tmp_path, EXPECTED["percent_change"][0], {"before": 0, "after": 1})


def test_a_value_outside_its_limits_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="discount_rate"):
        run_compute(tmp_path, EXPECTED["price"][0], {"unit_price": 1, "quantity": 1, "discount_rate": 1.5})


def test_an_address_that_is_none_is_not_valid(tmp_path: Path) -> None:
    assert run_compute(tmp_path, EXPECTED["email_validation"][0], {"email": "ada@@example"})["is_valid"] is False


def test_a_known_computation_is_not_used_when_its_fields_do_not_fit_the_examples() -> None:
    blueprint = blueprint_for(
        "COMPUTE node for pricing calculation",
        examples=[{"input": {"weight": 2.0}, "output": {"shipping": 5.0}}],
    )
    assert blueprint.is_scaffold
    assert [f.name for f in blueprint.input_model.fields] == ["weight"]
    assert [(f.name, f.type) for f in blueprint.output_model.fields] == [("shipping", "float")]


@pytest.mark.parametrize(
    ("prompt", "examples", "values", "expected"),
    [
        ("COMPUTE node called Adder that adds two numbers", [({"a": 2, "b": 3}, 5)], {"a": 4, "b": 5}, 9),
        (
            "COMPUTE node called Profit that subtracts the cost from the revenue",
            [({"cost": 60, "revenue": 100}, 40)],
            {"cost": 1, "revenue": 0.5},
            -0.5,
        ),
        ("COMPUTE node called Divider that divides a by b", [({"a": 6, "b": 3}, 2)], {"a": 7, "b": 2}, 3.5),
        ("COMPUTE node called Pay that multiplies", [({"hours": 3, "wage": 2}, 6)], {"hours": 4, "wage": 5}, 20),
        ("COMPUTE node called Mean: the average of numbers", [({"xs": [1, 2, 3]}, 2)], {"xs": [1, 2]}, 1.5),
        ("COMPUTE node called Top: the largest of numbers", [({"xs": [1, 3, 2]}, 3)], {"xs": [5, 9]}, 9),
    ],
)
def test_arithmetic_that_the_request_names_is_filled_in(
    prompt: str, examples: list[Any], values: dict[str, Any], expected: float, tmp_path: Path
) -> None:
    shown = [{"input": given, "output": {"result": result}} for given, result in examples]
    assert run_compute(tmp_path, prompt, values, examples=shown) == {"result": pytest.approx(expected)}


@pytest.mark.parametrize(
    ("prompt", "output"),
    [
        ("COMPUTE node called Odd that adds two numbers", {"result": 7}),
        ("COMPUTE node called Both that adds and multiplies two numbers", {"result": 5}),
        ("COMPUTE node called Silent for two numbers", {"result": 5}),
    ],
)
def test_arithmetic_is_left_open_when_examples_disagree_or_the_words_leave_it_open(
    prompt: str, output: dict[str, Any]
) -> None:
    assert blueprint_for(prompt, examples=[{"input": {"a": 2, "b": 3}, "output": output}]).is_scaffold
