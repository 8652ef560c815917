"""`omniclaude contract check`: every error has its line and a cure, and none hides another."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from omniclaude_dagster.contracts.builder import contract_yaml
from omniclaude_dagster.contracts.check.check import ContractReport, check_contract
from omniclaude_dagster.contracts.check.located import MAX_TEXT_BYTES
from tests.golden.cases import CASES, blueprint_of

V = "{major: 1, minor: 0, patch: 0}"
REDUCER = f"""\
name: node_totals_reducer
contract_version: {V}
node_type: REDUCER_GENERIC
description: Sums amounts.
input_model: node_totals_reducer.models.ModelIn
output_model: node_totals_reducer.models.ModelOut
state_machine:
  version: {V}
  state_machine_name: totals
  state_machine_version: {V}
  description: d
  initial_state: idle
  states:
    - {{version: {V}, state_name: idle, state_type: operational, description: waiting}}
    - {{version: {V}, state_name: done, state_type: operational, description: done}}
  transitions:
    - {{version: {V}, transition_name: go, from_state: idle, to_state: done, trigger: go}}
"""

# Nine aliases of nine aliases of nine ...: half a kilobyte that would grow to a billion values.
ALIASES = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in pairwise("abcdefghi")
)


def checked(text: str) -> ContractReport:
    return check_contract(text.encode())


def lines_of(text: str) -> dict[int, tuple[str, str]]:
    return {f.line: (f.message, f.cure) for f in checked(text).findings}


def test_a_right_contract_has_no_findings() -> None:
    report = checked(REDUCER)
    assert report.is_valid
    assert report.kind is not None


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_contract_we_write_is_right(case: str) -> None:
    assert checked(contract_yaml(blueprint_of(case))).findings == ()


def test_every_reference_contract_is_right() -> None:
    folder = Path(__file__).parents[3].parent / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip("../shared/golden is not there")
    for path in folder.glob("*/contract.yaml"):
        assert check_contract(path.read_bytes()).findings == (), path


@pytest.mark.parametrize(
    ("wrong", "right", "line", "message", "cure"),
    [
        (f"contract_version: {V}", "contract_version: 1.0.0", 2, "a version is a mapping", "{major: 1"),
        (f"contract_version: {V}", f"version: {V}", 2, "no field version", "it is called contract_version now"),
        ("description: Sums", "descripton: Sums", 4, "no field descripton", "did you mean description?"),
        ("node_type: REDUCER_GENERIC", "node_type: TEAPOT", 3, "'TEAPOT' is no kind of node", "COMPUTE_GENERIC"),
        ("description: Sums amounts.", "description: 7", 4, "string", "write text"),
        ("initial_state: idle", "initial_state: asleep", 12, "'asleep' not found in states", "add the state"),
        ("to_state: done", "to_state: gone", 17, "'gone' not found in states", "add the state"),
        ("  description: d", "  descr: d", 7, "description is missing", "add `description:`"),
        (
            "name: node_totals",
            "io_operations: []\nname: node_totals",
            1,
            "no field io_operations",
            "reduction_operations",
        ),
    ],
)
def test_an_error_is_shown_at_its_line_with_a_cure(wrong: str, right: str, line: int, message: str, cure: str) -> None:
    assert REDUCER.count(wrong) >= 1
    found = lines_of(REDUCER.replace(wrong, right, 1))
    assert line in found, found
    assert message in found[line][0]
    assert cure in found[line][1]


def test_one_error_does_not_hide_the_next() -> None:
    text = REDUCER.replace(f"contract_version: {V}", "contract_version: one").replace(
        "initial_state: idle", "initial_state: x"
    )
    text += "dependencies:\n  - {name: x}\n  - {name: database}\nperformance: {single_operation_max_ms: fast}\n"
    assert len(checked(text).findings) == 5


def test_a_subcontract_in_the_wrong_kind_says_which_kinds_have_it() -> None:
    text = REDUCER.replace("REDUCER_GENERIC", "COMPUTE_GENERIC")
    found = lines_of(text)
    assert "only REDUCER contracts have it" in found[7][1]


def test_weights_that_do_not_sum_to_one_are_shown() -> None:
    text = f"""\
name: node_a_compute
contract_version: {V}
node_type: compute
description: A.
input_model: a.B
output_model: a.C
performance: {{single_operation_max_ms: 5}}
algorithm:
  algorithm_type: x
  factors:
    net: {{weight: 0.5, calculation_method: linear}}
"""
    ((message, cure),) = lines_of(text).values()
    assert "sum to 1.0" in message
    assert "sum to 1.0" in cure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("- a\n- b\n", "mapping"),
        ("a: [1\n", "not YAML"),
        ("a: !!python/object/apply:os.system [ls]\n", "node_type is missing"),
        ("handler: {name: x}\ndescriptor: {}\n", "run-time handler dialect"),
        ('{"type": "object", "properties": {}}', "JSON Schema"),
        ("openapi: 3.1.0\npaths: {}\n", "OpenAPI"),
        ("name: a\nname: b\n", "twice"),
        ("x: " + "[" * 200 + "]" * 200, "nested"),
        (ALIASES, "aliases"),
        ("x: " + "y" * MAX_TEXT_BYTES, "larger"),
    ],
)  # fmt: skip
def test_what_is_no_contract_at_all_is_explained(text: str, message: str) -> None:
    assert any(message in finding.message for finding in checked(text).findings)


def test_bytes_that_are_no_text_are_explained() -> None:
    (finding,) = check_contract(b"\xff\xfe\x00").findings
    assert "UTF-8" in finding.message


def test_json_is_yaml_and_is_checked_too() -> None:
    assert check_contract(json.dumps(yaml.safe_load(REDUCER)).encode()).is_valid
