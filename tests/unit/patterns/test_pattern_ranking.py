"""The score, its parts, what is relevant, the reasons in words, and choosing among similar ones."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from omniclaude_dagster.patterns.catalogue import Candidates
from omniclaude_dagster.patterns.diversity import LAMBDA, NEAR_DUPLICATE, chosen_places
from omniclaude_dagster.patterns.model import PatternQuery, StoredPattern
from omniclaude_dagster.patterns.ranking import (
    MIN_KEYWORDS,
    MIN_RELEVANCE,
    RECENCY_HALF_LIFE_DAYS,
    WEIGHTS,
    Scored,
    is_same_task,
    reasons_for,
    scored,
)
from omniclaude_dagster.request.model import NodeKind
from tests.support.pattern_fakes import MOMENT, days_before, pattern_for


def scores_of(*, has_meaning: bool = True, **values: float) -> Scored:
    given = {"meaning": 0.5, "keywords": 0.5, "quality": 1.0, "success": 1.0, "age_days": 0.0} | values
    candidates = Candidates(
        ids=(uuid.UUID(int=1),),
        nearness=np.array([np.nan]),
        keywords=np.array([given["keywords"]]),
        quality=np.array([given["quality"]]),
        success=np.array([given["success"]]),
        fresh_s=np.array([days_before(given["age_days"]).timestamp()]),
        revisions=np.array([1]),
        fitting_count=1,
    )
    return scored(candidates, meaning=np.array([given["meaning"]]), has_meaning=np.array([has_meaning]), now=MOMENT)


def test_the_weights_are_those_agreed_on_and_sum_to_one() -> None:
    assert WEIGHTS == {"meaning": 0.40, "keywords": 0.25, "quality": 0.15, "success": 0.10, "recency": 0.10}
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_the_score_is_the_weighted_sum_of_its_parts() -> None:
    found = scores_of(meaning=0.8, keywords=0.4, quality=0.96, success=0.7, age_days=RECENCY_HALF_LIFE_DAYS)

    parts = found.parts_of(0)
    assert parts == {"meaning": 0.8, "keywords": 0.4, "quality": 0.96, "success": 0.7, "recency": 0.5}
    assert found.scores[0] == pytest.approx(sum(WEIGHTS[name] * part for name, part in parts.items()), abs=1e-4)


@pytest.mark.parametrize("name", WEIGHTS)
def test_every_part_counts(name: str) -> None:
    worse = {"age_days": 50.0} if name == "recency" else {name: 0.1}

    assert scores_of(**worse).scores[0] < scores_of().scores[0]


def test_no_part_leaves_its_bounds() -> None:
    found = scores_of(meaning=-0.7, age_days=-5.0)

    assert found.parts_of(0)["meaning"] == 0.0
    assert found.parts_of(0)["recency"] == 1.0


def test_without_a_vector_meaning_counts_nothing() -> None:
    assert scores_of(has_meaning=False, meaning=0.9).parts_of(0)["meaning"] == 0.0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"meaning": 1.0, "keywords": 0.0}, True),
        ({"meaning": 0.0, "keywords": 0.95}, True),
        ({"meaning": 0.0, "keywords": 0.8}, False),
        ({"meaning": MIN_RELEVANCE + 0.01, "keywords": MIN_RELEVANCE + 0.01}, True),
        ({"meaning": MIN_RELEVANCE - 0.01, "keywords": MIN_RELEVANCE - 0.01}, False),
        ({"has_meaning": False, "keywords": MIN_KEYWORDS}, True),
        ({"has_meaning": False, "keywords": MIN_KEYWORDS - 0.01}, False),
    ],
)
def test_relevance_asks_for_meaning_and_words_and_for_words_alone_where_there_is_no_more(
    values: dict[str, Any], expected: bool
) -> None:
    assert bool(scores_of(**values).is_relevant[0]) is expected


def test_quality_success_and_recency_make_nothing_relevant() -> None:
    assert not scores_of(meaning=0.1, keywords=0.1, quality=1.0, success=1.0).is_relevant[0]


QUERY = PatternQuery("x", NodeKind.COMPUTE, inputs={"a": "int", "b": "str"}, outputs={"c": "int"}, now=MOMENT)


@pytest.mark.parametrize(
    ("inputs", "outputs", "expected"),
    [
        ({"a": "int", "b": "str"}, {"c": "int"}, True),
        ({"b": "str", "a": "int"}, {"c": "int"}, True),
        ({"a": "float", "b": "str"}, {"c": "int"}, False),
        ({"a": "int"}, {"c": "int"}, False),
        ({"a": "int", "b": "str"}, {"d": "int"}, False),
    ],
)
def test_tasks_are_the_same_when_fields_and_types_are(
    inputs: dict[str, str], outputs: dict[str, str], expected: bool
) -> None:
    assert is_same_task(StoredPattern(pattern_for("x", inputs=inputs, outputs=outputs)), QUERY) is expected


def test_a_query_that_names_no_fields_has_no_same_task() -> None:
    stored = StoredPattern(pattern_for("x", inputs={}, outputs={}))

    assert not is_same_task(stored, PatternQuery("x", NodeKind.COMPUTE))


def test_reasons_say_in_words_why_a_pattern_is_offered() -> None:
    stored = StoredPattern(
        pattern_for("x", inputs=QUERY.inputs, outputs=QUERY.outputs, quality_score=0.97),
        usage_count=4,
        success_rate=0.75,
        last_used=days_before(1),
    )
    query = replace(QUERY, systems=("Redis", "Kafka"))

    assert reasons_for(stored, {"meaning": 0.812, "keywords": 0.5}, query) == (
        "the same fields with the same types",
        "similar in meaning (0.81)",
        "words in common (0.50)",
        "uses Redis, Kafka",
        "quality 0.97",
        "used 4 times, success 75%",
        "used 1 day ago",
    )


def test_reasons_leave_out_what_does_not_hold() -> None:
    stored = StoredPattern(pattern_for("x", created_at=MOMENT - timedelta(hours=3)))

    assert reasons_for(stored, {"meaning": 0.0, "keywords": 0.0}, QUERY) == ("quality 0.98", "made today")


def units(*angles: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.array([[np.cos(a), np.sin(a)] for a in angles], dtype=np.float32)


def test_the_first_is_the_best_and_the_next_differs() -> None:
    vectors = units(0.0, 0.45, 1.2)

    assert chosen_places(np.array([0.9, 0.88, 0.8]), vectors, limit=2) == [0, 2]


def test_the_formula_is_the_one_of_the_paper() -> None:
    scores, vectors = np.array([0.9, 0.7, 0.6, 0.55]), units(0.0, 0.6, 1.0, 1.4)
    chosen, waiting = [0], [1, 2, 3]
    while waiting:
        values = {
            place: LAMBDA * scores[place] - (1 - LAMBDA) * max(float(vectors[place] @ vectors[c]) for c in chosen)
            for place in waiting
        }
        best = max(values, key=lambda place: values[place])
        chosen.append(best)
        waiting.remove(best)

    assert chosen_places(scores, vectors, limit=4) == chosen


def test_near_duplicates_come_after_everything_that_differs() -> None:
    vectors = units(0.0, 0.01, 0.02, 1.5)

    assert vectors[0] @ vectors[2] > NEAR_DUPLICATE
    assert chosen_places(np.array([0.9, 0.9, 0.9, 0.3]), vectors, limit=2) == [0, 3]
    assert chosen_places(np.array([0.9, 0.9, 0.9, 0.3]), vectors, limit=4)[:2] == [0, 3]


def test_those_to_be_taken_always_are_taken_first() -> None:
    assert chosen_places(np.array([0.9, 0.89, 0.2]), units(0.0, 0.01, 0.02), limit=2, always=[2]) == [2, 0]


def test_without_vectors_the_scores_decide() -> None:
    assert chosen_places(np.array([0.9, 0.5, 0.4]), np.zeros((3, 2), dtype=np.float32), limit=2) == [0, 1]


@pytest.mark.parametrize(("count", "limit"), [(0, 5), (3, 0), (3, 10)])
def test_no_more_is_chosen_than_there_is_or_is_wanted(count: int, limit: int) -> None:
    found = chosen_places(np.linspace(1, 0.5, count), np.zeros((count, 2), dtype=np.float32), limit=limit)

    assert found == list(range(min(count, limit)))
