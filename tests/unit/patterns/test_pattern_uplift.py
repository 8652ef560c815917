"""What patterns are worth: the comparison is between what was randomised, and its intervals hold what they promise."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy import stats

from omniclaude_dagster.patterns.differences import (
    _student_quantile,
    binomial_p_value,
    mean_difference,
    share_difference,
)
from omniclaude_dagster.patterns.holdout import is_held_out
from omniclaude_dagster.patterns.uplift import MIN_PER_SIDE, Contrast, TrialRow, uplift

START = datetime(2026, 3, 1, tzinfo=UTC)


def a_row(number: int, role: str = "offered", **changes: Any) -> TrialRow:
    """One generation of one request with one pattern; `number` decides ids and time."""
    values: dict[str, Any] = {
        "correlation_id": uuid.UUID(int=number),
        "request_id": f"request-{number}",
        "role": role,
        "is_success": True,
        "quality_score": 0.9 + (number % 7) / 100,
        "cost_nanousd": 1000 * (number % 5),
        "model_calls": number % 3,
        "timestamp": START + timedelta(minutes=number),
        "node_kind": "COMPUTE",
    }
    return TrialRow(**(values | changes))


def by_measure(rows: list[TrialRow], share: float = 0.5) -> dict[str, Contrast]:
    return {contrast.measure: contrast for contrast in uplift(rows, share=share).overall.contrasts}


# The intervals themselves.


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        # Newcombe 1998, table II, method 10.
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_the_interval_of_two_shares_is_the_published_one(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    found = share_difference(*counts)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_two_means_is_welchs() -> None:
    generator = np.random.default_rng(1)
    one, other = generator.normal(1, 1, 40), generator.normal(0, 3, 200)
    found = mean_difference(one.tolist(), other.tolist())
    oracle = stats.ttest_ind(one, other, equal_var=False).confidence_interval()
    assert found is not None
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), rel=1e-6)


@pytest.mark.parametrize("freedom", [10, 29, 30.5, 100, 10_000])
def test_the_quantile_is_students(freedom: float) -> None:
    assert _student_quantile(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=1e-5)


@pytest.mark.parametrize(("count", "total", "share"), [(7, 20, 0.1), (0, 50, 0.1), (50, 500, 0.1), (499, 1000, 0.5)])
def test_the_exact_binomial_test_is_scipys(count: int, total: int, share: float) -> None:
    oracle = stats.binomtest(count, total, share).pvalue
    assert binomial_p_value(count, total, share=share) == pytest.approx(oracle, rel=1e-6)


def test_a_share_of_nothing_allows_no_one() -> None:
    assert binomial_p_value(0, 10, share=0) == 1.0
    assert binomial_p_value(1, 10, share=0) == 0.0


def test_of_nothing_or_of_equal_values_there_is_no_interval() -> None:
    assert share_difference(0, 0, 1, 2) is None
    assert mean_difference([1.0], [1.0, 2.0]) is None
    assert mean_difference([1.0] * 40, [1.0] * 40) is None


@pytest.mark.parametrize(("held_out", "offered"), [(0.8, 0.8), (0.8, 0.9), (0.6, 0.5), (0.9, 0.9)])
def test_the_interval_of_shares_covers_the_truth_in_93_to_97_of_100(held_out: float, offered: float) -> None:
    generator = np.random.default_rng(11)
    ones, others = generator.binomial(540, offered, 4000), generator.binomial(60, held_out, 4000)
    found = [share_difference(int(a), 540, int(b), 60) for a, b in zip(ones, others, strict=True)]
    covered = sum(i is not None and i.low <= offered - held_out <= i.high for i in found)
    assert 0.93 <= covered / len(found) <= 0.97


@pytest.mark.parametrize("effect", [0.0, 0.02])
def test_the_interval_of_means_covers_the_truth_in_93_to_97_of_100(effect: float) -> None:
    generator = np.random.default_rng(12)
    covered, rounds = 0, 3000
    for _ in range(rounds):
        # Quality as it is: most nodes at the top, a tail below.
        others = 1 - 0.3 * generator.beta(1, 4, 60)
        ones = 1 - 0.3 * generator.beta(1, 4, 300) - effect
        found = mean_difference(ones.tolist(), others.tolist())
        covered += found is not None and found.low <= -effect <= found.high
    assert 0.93 <= covered / rounds <= 0.97


# The comparison.


def simulated(generator: np.random.Generator, *, effect: float, count: int = 300) -> Iterator[TrialRow]:
    """Requests on the sides that the hold-out puts them on; what is offered succeeds more often by `effect`."""
    prefix = int(generator.integers(2**32))
    luck = generator.random(count)
    for number in range(count):
        request_id = f"{prefix}-{number}"
        held = is_held_out(request_id, share=0.3)
        is_success = bool(luck[number] < 0.7 + (0 if held else effect))
        yield a_row(number, "held_out" if held else "reused", request_id=request_id, is_success=is_success)


@pytest.mark.parametrize("effect", [0.0, 0.15])
def test_the_whole_report_covers_no_effect_and_a_real_one(effect: float) -> None:
    generator = np.random.default_rng(13)
    covered, excludes_nothing, rounds = 0, 0, 600
    for _ in range(rounds):
        report = uplift(simulated(generator, effect=effect), share=0.3)
        difference = report.overall.contrasts[0].difference
        assert difference is not None
        covered += difference.low <= effect <= difference.high
        excludes_nothing += difference.low > 0
    assert 0.93 <= covered / rounds <= 0.97
    # And it tells the two apart.
    assert excludes_nothing / rounds > 0.7 if effect else excludes_nothing / rounds < 0.05


def test_one_held_out_row_puts_the_whole_generation_on_that_side() -> None:
    rows = [a_row(1, "held_out"), a_row(1, "offered"), a_row(2, "offered")]
    overall = uplift(rows, share=0.5).overall
    assert (overall.offered_count, overall.held_out_count) == (1, 1)


def test_what_was_offered_and_not_used_still_counts_as_offered() -> None:
    rows = [a_row(n, role) for n, role in enumerate(["offered", "shown", "rejected", "broken", "reused", "repeated"])]
    assert uplift(rows, share=0.5).overall.offered_count == 6


def test_rows_of_one_generation_count_once() -> None:
    rows = [a_row(1, "offered", cost_nanousd=7 * 10**9)] * 5 + [a_row(2, "offered", cost_nanousd=10**9)]
    assert by_measure(rows)["cost_usd"].offered == 4.0


def test_generations_for_which_nothing_was_found_are_not_compared() -> None:
    rows = [a_row(1), a_row(2, "repeated", is_found=False), a_row(3, "held_out"), a_row(3, "repeated", is_found=False)]
    report = uplift(rows, share=0.5)
    assert (report.overall.offered_count, report.overall.held_out_count) == (1, 1)


def test_only_the_first_generation_of_a_request_counts() -> None:
    again = [a_row(10 + n, "held_out", request_id="request-1", is_success=False) for n in range(3)]
    report = uplift([*again, a_row(1, "held_out", is_success=True)], share=0.5)
    assert (report.generation_count, report.overall.held_out_count) == (4, 1)
    assert report.overall.contrasts[0].held_out == 1.0


def test_below_thirty_a_side_no_interval_is_given() -> None:
    rows = [a_row(n, "held_out" if n < MIN_PER_SIDE - 1 else "offered") for n in range(200)]
    for contrast in by_measure(rows).values():
        assert contrast.difference is None
        assert contrast.note == "too few: 171 offered, 29 held out; 30 of each are needed"
    one_more = [*rows, a_row(200, "held_out")]
    assert by_measure(one_more)["success"].difference is not None


def test_measures_without_spread_say_so() -> None:
    rows = [a_row(n, "held_out" if n % 2 else "offered", model_calls=0) for n in range(80)]
    calls = by_measure(rows)["model_calls"]
    assert (calls.offered, calls.held_out, calls.difference) == (0, 0, None)
    assert calls.note.startswith("no spread")


def test_kinds_are_compared_apart() -> None:
    rows = [a_row(n, "held_out" if n % 2 else "offered", node_kind="EFFECT" if n < 30 else "") for n in range(100)]
    report = uplift(rows, share=0.5)
    assert list(report.by_kind) == ["EFFECT"]
    assert (report.by_kind["EFFECT"].offered_count, report.overall.offered_count) == (15, 50)


def test_a_split_as_it_should_be_is_not_suspicious() -> None:
    rows = [a_row(n, "held_out" if is_held_out(f"request-{n}", share=0.1) else "offered") for n in range(2000)]
    ratio = uplift(rows, share=0.1).ratio
    assert ratio.observed_share == pytest.approx(0.1, abs=0.02)
    assert (ratio.is_suspicious, ratio.moved_count) == (False, 0)


def test_rows_that_were_lost_on_one_side_are_noticed() -> None:
    held = [n for n in range(2000) if is_held_out(f"request-{n}", share=0.1)]
    lost = set(held[: len(held) // 2])
    rows = [a_row(n, "held_out" if n in held else "offered") for n in range(2000) if n not in lost]
    ratio = uplift(rows, share=0.1).ratio
    assert (ratio.is_suspicious, ratio.moved_count) == (True, 0)


def test_a_share_that_was_changed_is_noticed() -> None:
    rows = [a_row(n, "held_out" if is_held_out(f"request-{n}", share=0.3) else "offered") for n in range(500)]
    ratio = uplift(rows, share=0.1).ratio
    assert ratio.is_suspicious
    assert ratio.moved_count == pytest.approx(100, abs=30)


def test_nothing_at_all_is_a_report_too() -> None:
    report = uplift([], share=0.1)
    assert report.ratio.p_value is None
    assert not report.ratio.is_suspicious
    assert all(c.offered is None and c.difference is None for c in report.overall.contrasts)
    assert json.loads(json.dumps(report.as_json(), allow_nan=False))["generation_count"] == 0


def test_the_report_is_plain_data() -> None:
    rows = [a_row(n, "held_out" if n % 2 else "offered") for n in range(100)]
    found = json.loads(json.dumps(uplift(rows, share=0.5).as_json(), allow_nan=False))
    assert set(found["overall"]["measures"]) == {"success", "quality", "cost_usd", "model_calls"}
    assert set(found["overall"]["measures"]["quality"]["difference"]) == {"value", "low", "high"}
