"""Cases from nodes: four kinds in equal parts, seeded, and untested ones without anything that shows the fault."""

from collections import Counter
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.node_mutants.bases import GOLDEN_BASES, has_golden
from omniclaude_dagster.benchmark.quorum_nodes import NodeCase, _blueprint, node_cases, sampled
from omniclaude_dagster.benchmark.quorum_summary import UNTESTED

NOWHERE = Path("no-such-folder")


def kind_of(case: NodeCase) -> tuple[bool, bool]:
    return case.is_right, case.family.startswith(UNTESTED)


@pytest.fixture(scope="module")
def generated() -> tuple[NodeCase, ...]:
    return node_cases(NOWHERE)


def test_every_case_has_its_own_name_and_both_truths_are_there(generated: tuple[NodeCase, ...]) -> None:
    assert len({case.case_id for case in generated}) == len(generated)
    counts = Counter(map(kind_of, generated))
    assert min(counts.values()) >= 10
    assert len(counts) == 4


def test_without_the_golden_folder_there_are_no_golden_cases(generated: tuple[NodeCase, ...]) -> None:
    assert not any("golden" in case.case_id for case in generated)


def test_a_sample_holds_the_four_kinds_in_equal_parts_and_many_families(generated: tuple[NodeCase, ...]) -> None:
    chosen = sampled(generated, count=40, seed=0)
    assert set(Counter(map(kind_of, chosen)).values()) == {10}
    wrong = [case.family for case in chosen if kind_of(case) == (False, False)]
    assert len(set(wrong)) == len(wrong)


def test_the_same_seed_chooses_the_same_cases_and_another_one_others(generated: tuple[NodeCase, ...]) -> None:
    names = [[case.case_id for case in sampled(generated, count=40, seed=seed)] for seed in (0, 0, 1)]
    assert names[0] == names[1]
    assert set(names[0]) != set(names[2])


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(generated: tuple[NodeCase, ...]) -> None:
    few, many = (sampled(generated, count=count, seed=0) for count in (12, 40))
    assert many[:12] == few


def test_more_cases_than_there_are_gives_all_of_them(generated: tuple[NodeCase, ...]) -> None:
    assert len(sampled(generated, count=10_000, seed=0)) == len(generated)


def test_an_untested_case_has_neither_tests_nor_examples_and_wrong_ones_differ_from_right_ones(
    generated: tuple[NodeCase, ...],
) -> None:
    untested = [case for case in generated if kind_of(case)[1]]
    for case in untested:
        assert case.examples == ()
        assert not any(path.startswith("tests/") for path in case.bundle().files)
    right = {case.group: case.bundle().files for case in untested if case.is_right}
    compared = [case for case in untested if not case.is_right and case.group in right]
    assert compared
    assert all(case.bundle().files["logic.py"] != right[case.group]["logic.py"] for case in compared)


@pytest.mark.skipif(not has_golden(), reason="../shared/golden is not here")
def test_a_golden_node_is_shown_with_the_fields_that_its_files_have() -> None:
    case = next(c for c in node_cases() if c.group == GOLDEN_BASES["golden-compute"] and c.is_right)
    blueprint = _blueprint(case.request, case.bundle())
    assert [(f.name, f.type) for f in blueprint.input_model.fields] == [("net", "float"), ("rate", "float")]
    assert [f.name for f in blueprint.output_model.fields] == ["gross"]
    assert blueprint.package_name == case.bundle().package_name
