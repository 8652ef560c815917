"""Growing columns, filters, and the best rows with equal scores in order of their ids."""

import uuid

import numpy as np
import pytest

from omniclaude_dagster.patterns.columns import Column
from omniclaude_dagster.patterns.rows import Rows


def test_a_column_keeps_its_values_while_it_grows() -> None:
    column = Column(np.float32, width=3)
    for number in range(1_000):
        column.append([number, 0, 1])

    assert column.view[:, 0].tolist() == list(range(1_000))
    assert column.view.flags.c_contiguous


def test_a_view_taken_before_an_append_stays_as_it_was() -> None:
    column = Column(np.int32)
    column.append(1)
    view = column.view
    for number in range(1_000):
        column.append(number)

    assert view.tolist() == [1]


def test_a_row_that_is_not_there_cannot_be_written() -> None:
    column = Column(np.int32)

    with pytest.raises(IndexError):
        column[0] = 1


def rows_of(*systems: tuple[str, ...]) -> Rows:
    rows = Rows()
    for number, used in enumerate(systems):
        rows.append(uuid.UUID(int=number), used)
    return rows


def test_rows_fit_when_they_use_all_systems_and_are_active() -> None:
    rows = rows_of(("Redis",), ("Redis", "Kafka"), ("Kafka",), (), ("Kafka", "Redis", "Kafka"))
    rows.set_active(4, False)

    assert rows.fitting(()).tolist() == [True, True, True, True, False]
    assert rows.fitting(("Redis",)).tolist() == [True, True, False, False, False]
    assert rows.fitting(("Kafka", "Redis")).tolist() == [False, True, False, False, False]
    assert not rows.fitting(("S3",)).any()


def test_the_mask_of_fitting_rows_is_a_copy() -> None:
    rows = rows_of((), ())
    rows.fitting(())[0] = False

    assert rows.fitting(()).all()


@pytest.mark.parametrize("limit", [1, 3, 5, 10, 100])
def test_the_best_are_those_of_a_full_sort_also_when_most_scores_are_equal(limit: int) -> None:
    chance = np.random.default_rng(3)
    rows, ids = Rows(), [uuid.UUID(int=int(n)) for n in chance.permutation(60)]
    for one in ids:
        rows.append(one, ())
    scores = chance.integers(0, 3, size=60).astype(np.float64)
    asked = np.flatnonzero(chance.random(60) < 0.8)

    found = asked[rows.best(asked, scores[asked], limit=limit)]

    expected = sorted(asked.tolist(), key=lambda row: (-scores[row], ids[row]))[:limit]
    assert found.tolist() == expected


def test_ids_that_differ_only_in_their_second_half_are_ordered() -> None:
    rows = Rows()
    for low in (7, 3, 5):
        rows.append(uuid.UUID(int=(1 << 100) + low), ())

    found = rows.best(np.arange(3), np.ones(3), limit=2)

    assert [one.int - (1 << 100) for one in rows.ids(found)] == [3, 5]


def test_nothing_is_best_of_nothing() -> None:
    assert rows_of(()).best(np.zeros(0, dtype=np.intp), np.zeros(0), limit=5).tolist() == []
