"""What rows amount to; and that no figure is given where none is determined."""

from typing import Any

from omniclaude_dagster.benchmark.ledger import RunHeader
from omniclaude_dagster.benchmark.row import UNUSABLE_TASK, SampleRow
from omniclaude_dagster.benchmark.summary import summary_of
from tests.support.benchmark_tasks import a_row, a_wrong_row


def summed(*rows: SampleRow) -> dict[str, Any]:
    return summary_of(rows, RunHeader("run-1", {"data": "x"}))


def test_pass_at_1_tells_published_delivered_and_refused_bodies_apart() -> None:
    found = summed(
        a_row("T/1"),
        a_row("T/2", status="needs_review", body="review", is_passed=False),
        a_row("T/3", status="needs_review", body="refused", is_passed=False, is_passed_if_delivered=False),
        a_wrong_row("T/4", is_body_right_on_base=True),
    )["pass_at_1"]
    shares = {name: figure["value"] for name, figure in found.items()}
    assert shares == {"published": 0.25, "if_delivered": 0.5, "any_body": 0.75, "any_body_base_tests": 1.0}
    assert found["published"]["low"] > 0.04
    assert found["published"]["of"] == 4


def test_an_auroc_that_is_not_determined_is_not_given() -> None:
    found = summed(a_row("T/1"), a_row("T/2"))["auroc"]
    assert found["all_bodies"]["value"] is None
    assert found["all_bodies"]["note"] == "not determined: no wrong body"
    assert found["without_visible_examples"]["note"] == "not determined: no bodies"


def test_aurocs_are_given_over_all_bodies_and_over_those_that_the_visible_examples_do_not_tell_apart() -> None:
    found = summed(
        a_row("T/1", quality_score=0.9),
        a_row("T/2", quality_score=0.8),
        a_wrong_row("T/3", quality_score=0.85),
        a_wrong_row("T/4", quality_score=0.1, quality={"examples": 0.5}),
        a_wrong_row("T/5", quality_score=0.5, visible_examples=0, quality={}),
        a_wrong_row("T/6", body="none", quality_score=0.0),
    )["auroc"]
    assert (found["all_bodies"]["right"], found["all_bodies"]["wrong"]) == (2, 3)
    assert found["all_bodies"]["value"] == round(5 / 6, 4)
    assert found["passing_visible_examples"]["value"] == 0.5
    assert found["passing_visible_examples"]["interval"] == "DeLong"
    assert found["without_visible_examples"]["value"] is None


def test_samples_of_a_task_give_pass_at_k_and_intervals_over_tasks() -> None:
    rows = [a_row("T/1", 0), a_wrong_row("T/1", 1), a_wrong_row("T/2", 0), a_wrong_row("T/2", 1)]
    found = summed(*rows)
    assert found["pass_at_1"]["published"]["value"] == 0.25
    assert found["pass_at_k"]["2"]["value"] == 0.5
    assert list(found["pass_at_k"]) == ["2"]
    assert found["auroc"]["all_bodies"]["interval"] == "bootstrap over tasks"


def test_mutants_count_for_the_auroc_and_not_for_pass_at_1() -> None:
    found = summed(
        a_row("T/1", 0, candidate="canonical"),
        a_wrong_row("T/1", 1, candidate="constant one up in line 2"),
        a_wrong_row("T/1", 2, candidate="early return in line 3", status="published", body="published"),
        a_row("T/1", 3, candidate="operator swapped in line 4"),
    )
    assert found["pass_at_1"]["published"]["value"] == 1.0
    assert found["mutants"] == {
        "count": 3, "equivalent": 1, "wrong": 2, "wrong_published": 1, "wrong_for_review": 0, "wrong_refused": 1,
    }  # fmt: skip
    assert (found["auroc"]["all_bodies"]["right"], found["auroc"]["all_bodies"]["wrong"]) == (2, 2)
    assert found["published_but_wrong"] == 1


def test_totals_add_up_and_reasons_are_counted_without_names_and_numbers() -> None:
    found = summed(
        a_row("T/1", cost_nanousd=10, calls={"small": 2}, tokens_input=5, escalations=0),
        a_wrong_row("T/2", cost_nanousd=5, calls={"small": 1, "big": 1}, escalations=1, reason="'a' gave 5 not 6"),
        a_wrong_row("T/3", reason="'bc' gave 1.5 not 70", unrecorded_calls=1),
    )
    totals = found["totals"]
    assert (totals["cost_usd"], totals["calls"], totals["tokens_input"]) == (1.5e-8, {"small": 3, "big": 1}, 5)
    assert (totals["escalated_samples"], totals["unrecorded_calls"]) == (1, 1)
    assert found["not_published"] == [{"what": "... gave N not N", "count": 2}]
    assert found["errors"] == [{"what": "wrong_answer", "count": 2}]


def test_a_task_that_does_not_work_here_is_named_and_not_counted() -> None:
    broken = a_wrong_row("T/2", body="none", error_class=UNUSABLE_TASK, detail="its solution fails")
    found = summed(a_row("T/1"), broken)
    assert (found["tasks"], found["pass_at_1"]["published"]["of"]) == (1, 1)
    assert found["unusable_tasks"] == ["T/2: its solution fails"]


def test_no_rows_give_no_figures() -> None:
    found = summed()
    assert found["pass_at_1"]["published"] is None
    assert found["auroc"]["all_bodies"]["value"] is None
