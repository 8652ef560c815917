"""The figures against values from the literature and against brute force."""

import itertools
import random

import pytest

from omniclaude_dagster.statistics import (
    auroc,
    auroc_by_task,
    auroc_with_interval,
    histogram,
    mean_with_interval,
    pass_at_k,
    quantiles,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        # Newcombe 1998, table I, Wilson's score interval without continuity correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilsons_interval_is_the_published_one(successes: int, total: int, low: float, high: float) -> None:
    found = wilson(successes, total)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.value == successes / total


def test_there_is_no_share_of_nothing() -> None:
    assert wilson(0, 0) is None
    assert mean_with_interval([]) is None


@pytest.mark.parametrize(
    ("samples", "correct", "k"), [(5, 2, 1), (5, 2, 3), (6, 1, 2), (4, 0, 2), (7, 6, 2), (8, 3, 8)]
)
def test_pass_at_k_is_the_share_of_all_choices_of_k_samples_with_a_right_one(
    samples: int, correct: int, k: int
) -> None:
    outcomes = [True] * correct + [False] * (samples - correct)
    choices = list(itertools.combinations(outcomes, k))
    assert pass_at_k(samples, correct, k) == pytest.approx(sum(map(any, choices)) / len(choices))


def test_pass_at_k_is_not_given_for_more_than_there_are_samples() -> None:
    assert pass_at_k(3, 3, 4) is None
    assert pass_at_k(3, 1, 0) is None


def test_auroc_counts_every_pair_and_half_of_each_tie() -> None:
    right, wrong = [0.9, 0.5, 0.5], [0.5, 0.1]
    pairs = [(1.0 if r > w else 0.5 if r == w else 0.0) for r in right for w in wrong]
    assert auroc(right, wrong) == pytest.approx(sum(pairs) / len(pairs))
    assert auroc([1.0], [1.0]) == 0.5


@pytest.mark.parametrize(("right", "wrong"), [([], [0.5]), ([0.5], []), ([], [])])
def test_auroc_of_one_kind_alone_is_not_determined(right: list[float], wrong: list[float]) -> None:
    assert auroc(right, wrong) is None
    assert auroc_with_interval(right, wrong) is None
    assert auroc_by_task([(right, wrong)]) is None


def test_delongs_interval_covers_the_true_auroc_as_often_as_it_says() -> None:
    generator = random.Random(5)
    # Normal scores one standard deviation apart have an AUROC of 0.7602.
    truth, covered, runs = 0.7602, 0, 400
    for _ in range(runs):
        right = [generator.gauss(1, 1) for _ in range(40)]
        wrong = [generator.gauss(0, 1) for _ in range(40)]
        found = auroc_with_interval(right, wrong)
        assert found is not None
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / runs <= 0.98


def test_a_perfect_separation_of_few_scores_is_not_taken_for_certain() -> None:
    found = auroc_with_interval([0.9, 0.8], [0.1, 0.2])
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low < 0.5


def test_the_interval_over_tasks_is_wider_where_scores_of_a_task_resemble_each_other() -> None:
    generator = random.Random(1)
    groups = []
    for _ in range(30):
        level = generator.random()
        groups.append(([level + 0.1] * 5, [level] * 5))
    by_task = auroc_by_task(groups)
    apart = auroc_with_interval([s for r, _ in groups for s in r], [s for _, w in groups for s in w])
    assert by_task is not None
    assert apart is not None
    assert by_task.value == apart.value
    assert by_task.low < by_task.value < by_task.high


def test_bootstrap_intervals_cover_the_true_mean_and_are_the_same_every_time() -> None:
    generator = random.Random(3)
    covered = 0
    for _ in range(100):
        values = [float(generator.random() < 0.3) for _ in range(60)]
        found = mean_with_interval(values)
        assert found is not None
        assert found == mean_with_interval(values)
        covered += found.low <= 0.3 <= found.high
    assert covered >= 88


def test_quantiles_and_histogram_describe_scores() -> None:
    found = quantiles([0.0, 0.25, 0.5, 0.75, 1.0])
    assert (found["count"], found["p50"], found["p25"], found["mean"]) == (5, 0.5, 0.25, 0.5)
    assert quantiles([]) == {"count": 0}
    assert histogram([0.0, 0.05, 0.95, 1.0]) == [2, 0, 0, 0, 0, 0, 0, 0, 0, 2]
