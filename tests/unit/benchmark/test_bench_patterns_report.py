"""The figures of pairs of rows, and how they look."""

import io
import uuid
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from omniclaude_dagster.benchmark.ledger import RunHeader
from omniclaude_dagster.benchmark.patterns_report import report_of
from omniclaude_dagster.benchmark.patterns_row import ARMS, Arm, ArmRow, PatternNote
from omniclaude_dagster.surfaces.cli.bench_patterns_view import report_view

HEADER = RunHeader("run-1", {"subject": "model small", "data": "Tiny", "seed": 0})


def a_row(task: str, arm: Arm, *, is_right: bool, **changes: Any) -> ArmRow:
    values: dict[str, Any] = {
        "task": task,
        "sample": ARMS.index(arm),
        "status": "published" if is_right else "needs_review",
        "body": "published" if is_right else "refused",
        "is_passed": is_right,
        "is_passed_if_delivered": is_right,
        "is_body_right": is_right,
        "is_body_right_on_base": is_right,
        "quality_score": 1.0 if is_right else 0.4,
        "quality": {"examples": 1.0 if is_right else 0.0},
        "visible_examples": 1,
        "calls": {"small": 1 if is_right else 3},
        "tokens_input": 100,
        "cost_nanousd": 1000,
        "duration_ms": 500.0,
        "correlation_id": uuid.uuid4(),
        "finished_at": datetime.now(UTC),
        "nearest": 0.75,
        "origin": "model",
    }
    return ArmRow.model_validate(values | changes)


def note(role: str = "shown", meaning: float = 0.6) -> PatternNote:
    return PatternNote.model_validate(
        {"store_task": "T/s", "role": role, "rank": 1, "score": 0.5, "meaning": meaning, "is_shown": role == "shown"}
    )


def rows() -> list[ArmRow]:
    """The library helps with 1 and 2, hurts 3, changes nothing for 4; 5 has only one arm; 6 cannot be measured."""
    return [
        a_row("T/1", "with", is_right=True, origin="pattern", patterns=(note("reused", 0.9),), nearest=0.92, calls={}),
        a_row("T/1", "without", is_right=False, nearest=0.92),
        a_row("T/2", "with", is_right=True, patterns=(note(), note("offered", 0.3)), nearest=0.6),
        a_row("T/2", "without", is_right=False, nearest=0.6),
        a_row("T/3", "with", is_right=False, patterns=(note("reused"),), status="published", body="published"),
        a_row("T/3", "without", is_right=True),
        a_row("T/4", "with", is_right=True, failed_calls=1),
        a_row("T/4", "without", is_right=True),
        a_row("T/5", "with", is_right=True),
        *(a_row("T/6", arm, is_right=False, error_class="unusable_task", detail="raises") for arm in ARMS),
    ]


def test_only_tasks_with_both_arms_are_compared() -> None:
    report = report_of(rows(), HEADER)
    assert report["pairs"] == 4
    assert report["unusable_tasks"] == ["T/6: raises"]
    found = report["passed"]["hidden_tests_published"]
    assert (found["with"], found["without"]) == (0.75, 0.5)
    assert (found["only_with"], found["only_without"], found["p_value"]) == (2, 1, 1.0)
    assert found["difference"]["value"] == 0.25
    assert found["difference"]["low"] < 0 < found["difference"]["high"]


def test_costs_are_compared_task_by_task() -> None:
    measured = report_of(rows(), HEADER)["measured"]
    assert (measured["model_calls"]["with"], measured["model_calls"]["without"]) == (1.25, 2.0)
    assert measured["cost_usd"]["difference"]["value"] == 0.0


def test_the_gain_by_near_copies_can_be_seen() -> None:
    sweep = {found["nearest_below"]: found for found in report_of(rows(), HEADER)["by_similarity"]}
    assert list(sweep) == [None, 0.9, 0.8, 0.7]
    assert [found["pairs"] for found in sweep.values()] == [4, 3, 3, 1]
    # Without the near copy of task 1 nothing is left of the gain.
    assert [found["difference"]["value"] for found in sweep.values()] == [0.25, 0.0, 0.0, 1.0]


def test_reused_bodies_that_are_published_and_wrong_are_counted() -> None:
    by_use = report_of(rows(), HEADER)["by_use"]
    assert by_use["reused"]["pairs"] == 2
    assert by_use["reused"]["published_but_wrong_with"] == 1
    assert (by_use["shown"]["pairs"], by_use["neither"]["pairs"]) == (1, 1)


def test_what_came_of_patterns_is_counted_by_role_with_their_similarity() -> None:
    patterns = report_of(rows(), HEADER)["patterns"]
    assert patterns["roles"] == {"offered": 1, "shown": 1, "reused": 2}
    assert patterns["tasks_with_offers"] == 3
    assert patterns["similarity"]["reused"]["mean"] == 0.75


def test_no_rows_give_no_figures() -> None:
    report = report_of([], HEADER)
    assert report["pairs"] == 0
    assert report["passed"]["published"]["difference"] is None


def shown(report: dict[str, Any]) -> str:
    more = {
        "split": {"store": 5, "query": 5, "left_out": 1, "left_out_by_reason": {"same_words": 1}},
        "library": {
            "tasks": 5,
            "patterns": 4,
            "status": {"published": 4, "needs_review": 1},
            "published_of_high_quality": 4,
            "same_code_as_another": 0,
            "patterns_failing_their_own_hidden_tests": 1,
        },
        "leak_check": {
            "is_clean": True,
            "found": {},
            "looked_at": {
                "patterns": 4,
                "texts": 40,
                "characters": 9000,
                "solutions": 4,
                "hidden_calls": 30,
                "expected_values": 12,
                "expected_values_too_short": 9,
                "prompt_pairs": 16,
            },
            "values_shown_by_the_own_task": 2,
        },
        "results": "results.jsonl",
    }
    file = io.StringIO()
    report_view(Console(file=file, width=200), {**report, **more})
    return " ".join(file.getvalue().split())


def test_a_person_sees_the_comparison_the_leak_check_and_what_was_left_out() -> None:
    text = shown(report_of(rows(), HEADER))
    assert "4 tasks, each in both arms" in text
    assert "hidden tests passed, published nodes 75.0 % 50.0 % +25.0" in text
    assert "2/1 1.000" in text
    assert "1 left out as too close: 1 same words" in text
    assert "leak check: nothing found; looked through 40 texts (9000 characters)" in text
    assert "similarity below 0.7 1 100.0 % 0.0 %" in text
    assert "reused, published and wrong: 1" in text
    assert "calls of models: with 6 (1 failed), without 8 (0 failed)" in text
    assert "not measured: T/6: raises" in text


def test_a_report_without_a_single_pair_can_be_shown() -> None:
    assert "0 tasks, each in both arms" in shown(report_of([], HEADER))


def test_questions_without_a_recorded_answer_are_said_aloud() -> None:
    report = report_of([a_row("T/1", arm, is_right=True, unrecorded_calls=1) for arm in ARMS], HEADER)
    assert report["unrecorded_calls"] == 2
    assert "2 questions had no recorded answer" in shown(report)
