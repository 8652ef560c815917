"""Figures of pairs against values worked out elsewhere."""

import math

import pytest

from omniclaude_dagster.benchmark.patterns_statistics import PairedShares, paired_means


def test_pairs_are_counted_by_who_passed() -> None:
    counted = PairedShares.of([(True, True), (True, False), (True, False), (False, True), (False, False)])
    assert counted == PairedShares(both=1, only_with=2, only_without=1, neither=1)
    assert counted.total == 5


@pytest.mark.parametrize(
    ("only_with", "only_without", "p_value"),
    # binom.test(min, n, 0.5) of R.
    [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (8, 2, 0.109375), (2, 8, 0.109375), (15, 5, 0.0413895)],
)
def test_the_exact_mcnemar_test_agrees_with_r(only_with: int, only_without: int, p_value: float) -> None:
    assert PairedShares(10, only_with, only_without, 10).p_value == pytest.approx(p_value, abs=1e-6)


def test_the_interval_of_a_paired_difference_is_that_of_bonett_and_price() -> None:
    found = PairedShares(both=20, only_with=12, only_without=3, neither=15).difference
    assert found is not None
    more, less, n = 13 / 52, 4 / 52, 52
    half = 1.959964 * math.sqrt((more + less - (more - less) ** 2) / n)
    assert found.value == pytest.approx(9 / 50)
    assert (found.low, found.high) == pytest.approx((more - less - half, more - less + half), abs=1e-6)


def test_few_equal_pairs_prove_nothing() -> None:
    found = PairedShares(both=3, only_with=0, only_without=0, neither=0).difference
    assert found is not None
    assert found.value == 0
    assert found.low < -0.2
    assert found.high > 0.2


def test_the_estimate_lies_in_its_interval_even_where_every_pair_differs() -> None:
    found = PairedShares(both=0, only_with=4, only_without=0, neither=0).difference
    assert found is not None
    assert found.low <= found.value == found.high == 1.0


def test_of_no_pairs_there_is_no_difference() -> None:
    assert PairedShares(0, 0, 0, 0).difference is None
    assert PairedShares(0, 0, 0, 0).as_json()["with"] is None
    assert paired_means([]) == {"pairs": 0, "with": None, "without": None, "difference": None}


def test_means_of_pairs_differ_by_what_the_pairs_differ() -> None:
    found = paired_means([(3.0, 1.0), (5.0, 3.0), (4.0, 2.0)])
    assert (found["with"], found["without"]) == (4.0, 2.0)
    assert found["difference"] == {"value": 2.0, "low": 2.0, "high": 2.0}
