"""The quality score: each part moves it, nothing unexecuted counts, and comparing outputs is strict."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.gates.comparison import differences
from omniclaude_dagster.gates.quality import _EXECUTION_SHARES, WEIGHTS, QualityFacts, quality_of
from omniclaude_dagster.gates.registry import judge_node
from omniclaude_dagster.request.model import Example, NodeKind
from tests.support.reference_nodes import ScriptedSandbox, executed, node_context, reference_bundle

PERFECT = QualityFacts(
    is_contract_valid=True,
    unresolved_imports=0,
    type_errors=0,
    lint_issues=0,
    onex_messages=0,
    is_imported=True,
    is_instantiated=True,
    is_initialized=True,
    samples_processed=2,
    samples_total=2,
    examples_passed=4,
    examples_total=4,
    tests_passed=3,
    tests_total=3,
    security_findings=0,
)


def score(**changes: Any) -> float:
    return quality_of(dataclasses.replace(PERFECT, **changes)).score


def test_the_weights_sum_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0, abs=1e-12)
    assert sum(_EXECUTION_SHARES.values()) == pytest.approx(1.0, abs=1e-12)
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_a_perfect_node_scores_one_and_an_unexecuted_one_zero() -> None:
    assert score() == 1.0
    nothing = quality_of(QualityFacts())
    assert nothing.score == 0.0
    assert set(nothing.parts) == set(WEIGHTS) - {"examples", "tests"}


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("contract_valid", {"is_contract_valid": False}),
        ("contract_valid", {"is_contract_valid": None}),
        ("imports", {"unresolved_imports": 1}),
        ("imports", {"unresolved_imports": None}),
        ("types", {"type_errors": 1}),
        ("types", {"type_errors": None}),
        ("lint", {"lint_issues": 1}),
        ("onex_validate", {"onex_messages": 1}),
        ("execution", {"is_imported": False}),
        ("execution", {"is_instantiated": False}),
        ("execution", {"is_initialized": False}),
        ("execution", {"samples_processed": 1}),
        ("execution", {"samples_total": 0, "samples_processed": 0}),
        ("examples", {"examples_passed": 3}),
        ("tests", {"tests_passed": 2}),
        ("tests", {"tests_passed": 0, "tests_total": 0}),
        ("tests", {"are_tests_proven": False}),
        ("security", {"security_findings": 1}),
    ],
)
def test_each_part_moves_the_score_by_its_own_weight(part: str, changes: dict[str, Any]) -> None:
    quality = quality_of(dataclasses.replace(PERFECT, **changes))
    assert quality.parts[part] < 1.0
    assert all(value == 1.0 for name, value in quality.parts.items() if name != part)
    assert quality.score == pytest.approx(1.0 - WEIGHTS[part] * (1.0 - quality.parts[part]), abs=1e-5)


@pytest.mark.parametrize("name", ["unresolved_imports", "type_errors", "lint_issues", "onex_messages"])
def test_more_findings_score_less(name: str) -> None:
    scores = [score(**{name: count}) for count in (0, 1, 2, 5, 20)]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == len(scores)


def test_one_wrong_answer_costs_more_than_half_of_the_examples_part() -> None:
    parts = [
        quality_of(dataclasses.replace(PERFECT, examples_passed=passed, examples_total=10)).parts["examples"]
        for passed in range(11)
    ]
    assert parts == sorted(set(parts))
    assert (parts[0], parts[5], parts[9], parts[10]) == (0.0, 0.25, 0.45, 1.0)


def test_a_node_that_answers_wrongly_scores_below_a_right_one_with_any_other_single_fault() -> None:
    """Whatever is wrong with its types, lint, tests or style: a node that answers rightly is the better one."""
    wrong_once = score(examples_passed=9, examples_total=10)
    for fault in (
        {"type_errors": 20},
        {"lint_issues": 99},
        {"onex_messages": 9},
        {"unresolved_imports": 9},
        {"are_tests_proven": False},
        {"security_findings": 9},
    ):
        assert wrong_once < score(**fault), fault


def test_without_examples_one_failed_test_shows_clearly() -> None:
    without = dataclasses.replace(PERFECT, examples_total=None, examples_passed=0, tests_total=9, tests_passed=9)
    assert quality_of(without).score == 1.0
    assert quality_of(dataclasses.replace(without, tests_passed=8)).score < 0.89


def test_the_table_of_weights_in_the_document_is_the_one_in_use() -> None:
    text = (Path(__file__).parents[3] / "docs" / "quality.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \|", text, flags=re.MULTILINE)
    assert {name: float(weight) for name, weight in rows} == dict(WEIGHTS)


def test_parts_that_do_not_apply_leave_their_weight_to_the_others() -> None:
    without = dataclasses.replace(PERFECT, examples_total=None, examples_passed=0, tests_total=None, tests_passed=0)
    assert quality_of(without).score == 1.0
    faulty = quality_of(dataclasses.replace(without, type_errors=None))
    expected = 1 - WEIGHTS["types"] / (1 - WEIGHTS["examples"] - WEIGHTS["tests"])
    assert faulty.score == pytest.approx(expected, abs=1e-5)


def test_wrong_logic_scores_visibly_lower() -> None:
    bundle = reference_bundle(NodeKind.COMPUTE)
    example = Example(input={"net": 100.0, "rate": 0.2}, output={"gross": 120.0})
    right = judge_node(node_context(bundle, ScriptedSandbox(), examples=(example,)))
    wrong = judge_node(
        node_context(bundle, ScriptedSandbox({"execute_node": executed(output={"gross": 80.0})}), examples=(example,))
    )
    assert right.quality_score == 1.0
    assert wrong.quality_score < 0.67
    assert wrong.quality["examples"] == 0.0
    assert not wrong.is_passed


@pytest.mark.parametrize(
    ("part", "answers"),
    [
        ("types", {"typecheck": [{"message": "wrong"}]}),
        ("lint", {"lint": [{"code": "F401"}]}),
        ("onex_validate", {"onex_validate": {"is_clean": False, "validations": {"contracts": {"is_valid": False}}}}),
        ("execution", {"execute_node": executed(initialize={"ok": False})}),
        ("contract_valid", {"execute_node": executed(contract={"ok": False})}),
        ("tests", {"run_tests": {"passed": 1, "failed": 1}}),
        ("tests", {"run_tests_sabotaged": {"passed": 3}}),
        ("imports", {"resolve_imports": [{"module": "x"}]}),
        ("security", {"lint": [{"code": "S608", "file": "node_tax_compute/node.py"}]}),
    ],
)
def test_what_the_sandbox_says_reaches_the_score(part: str, answers: dict[str, Any]) -> None:
    bundle = reference_bundle(NodeKind.COMPUTE).with_files({"tests/test_node.py": b"def test_x() -> None: ...\n"})
    verdict = judge_node(node_context(bundle, ScriptedSandbox(answers)))
    assert verdict.quality[part] < 1.0
    assert verdict.quality_score < 1.0


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 0.1 + 0.2}, {"a": 0.3}),
        ({"a": 1e300}, {"a": 1e300 * (1 + 1e-12)}),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        ({"a": True}, {"a": True}),
        ({}, {"a": 1}),
    ],
)
def test_outputs_that_fulfil_an_example(expected: Any, actual: Any) -> None:
    assert differences(expected, actual) == []


@pytest.mark.parametrize(
    ("expected", "actual", "named"),
    [
        ({"a": 1}, {}, "has no 'a'"),
        ({"a": 1}, {"a": True}, "output.a is True instead of 1"),
        ({"a": True}, {"a": 1}, "is 1 instead of True"),
        ({"a": 0}, {"a": False}, "is False"),
        ({"a": 1.0}, {"a": 1.0 + 1e-6}, "output.a"),
        ({"a": 10**17}, {"a": 10**17 + 1}, "output.a"),
        ({"a": 10**400}, {"a": 1.0}, "output.a"),
        ({"a": "1"}, {"a": 1}, "instead of '1'"),
        ({"a": None}, {"a": 0}, "instead of None"),
        ({"a": [1, 2]}, {"a": [1]}, "has 1 items instead of 2"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "output.a[0]"),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, "unexpected 'c'"),
        ({"a": {}}, {"a": []}, "output.a"),
        ({"a": 1}, None, "output is None"),
        ({"a": "x" * 500}, {"a": "y"}, "..."),
    ],
)
def test_outputs_that_do_not(expected: Any, actual: Any, named: str) -> None:
    (difference, *_) = differences(expected, actual)
    assert named in difference


def test_only_the_first_differences_are_told() -> None:
    assert len(differences({str(n): n for n in range(50)}, {})) == 3
