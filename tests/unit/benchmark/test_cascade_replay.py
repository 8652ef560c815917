"""Replaying recorded outcomes: the exact expectation, the simulation beside it, and the figures of the public data."""

import asyncio
from collections.abc import Sequence
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.cascade_outcomes import Outcomes, read_outcomes
from omniclaude_dagster.benchmark.cascade_replay import Interval, Replay, Verifier, wilson
from omniclaude_dagster.benchmark.cascade_report import CascadeReport, cascade_report, prices_of
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.providers.catalog import load_catalog
from omniclaude_dagster.settings import project_data_path

REAL = Path(__file__).parents[4] / "shared" / "data" / "evalperf_pass1_by_task_model.csv"
CATALOG = load_catalog(project_data_path() / "model_configs")
DAY = date(2026, 1, 1)
DEEPSEEK_THEN_FLASH = ("DeepSeek-Coder-V2-Lite", "Gemini-1.5-Flash")
LLAMA_THEN_GPT = ("Llama-3.1-8B", "gpt-4o-2024")

needs_data = pytest.mark.skipif(not REAL.is_file(), reason="the shared data is not here")


def outcomes(**rates: Sequence[float]) -> Outcomes:
    width = len(next(iter(rates.values())))
    return Outcomes(tuple(f"t{n}" for n in range(width)), {name: tuple(values) for name, values in rates.items()})


def report_for(recorded: Outcomes, names: Sequence[str], verifier: Verifier, *, runs: int = 50) -> CascadeReport:
    replay = Replay(recorded, recorded.chain(names), verifier)
    return asyncio.run(cascade_report(replay, seed=7, runs_per_task=runs, catalog=CATALOG, today=DAY))


def formula(cheap: float, dear: float, verifier: Verifier) -> tuple[float, float]:
    """Pass rate and share of calls to the second model, by hand: the oracle of the enumeration."""
    refused = cheap * verifier.false_reject + (1 - cheap) * verifier.sensitivity
    return cheap * (1 - verifier.false_reject) + refused * dear, refused


@pytest.mark.parametrize(
    ("cheap", "dear", "sensitivity", "false_reject"),
    list(product((0.0, 0.3, 1.0), (0.0, 0.6, 1.0), (0.0, 0.8, 1.0), (0.0, 0.02, 1.0))),
)
def test_the_enumeration_is_what_the_formula_says(
    cheap: float, dear: float, sensitivity: float, false_reject: float
) -> None:
    verifier = Verifier(sensitivity, false_reject)
    expected = asyncio.run(Replay(outcomes(a=[cheap], b=[dear]), ("a", "b"), verifier).expected())
    passed, asked = formula(cheap, dear, verifier)
    assert expected.tally.passed == pytest.approx(passed)
    assert expected.tally.asked_last == pytest.approx(asked)
    assert expected.gain == pytest.approx(passed - dear)


def test_several_tries_of_a_model_are_independent_samples() -> None:
    replay = Replay(outcomes(a=[0.5], b=[0.0]), ("a", "b"), tries_per_model=3)
    expected = asyncio.run(replay.expected()).tally
    assert expected.passed == pytest.approx(1 - 0.5**3)
    assert expected.calls["a"] == pytest.approx(1 + 0.5 + 0.25)
    assert expected.calls["b"] == pytest.approx(3 * 0.5**3)


def test_the_last_answer_is_delivered_though_refused_and_not_counted_as_accepted() -> None:
    replay = Replay(outcomes(a=[0.0], b=[1.0]), ("a", "b"), Verifier(sensitivity=1.0, false_reject=1.0))
    expected = asyncio.run(replay.expected()).tally
    assert (expected.passed, expected.accepted) == (1.0, 0.0)


def test_the_simulation_agrees_repeats_with_its_seed_and_would_notice_another_truth() -> None:
    recorded = outcomes(a=[0.2, 0.5, 0.9], b=[0.7, 0.8, 0.4])
    replay = Replay(recorded, ("a", "b"), Verifier(0.8, 0.02))

    def simulated(seed: int) -> object:
        return asyncio.run(replay.simulated(seed=seed, runs_per_task=400))

    first = asyncio.run(replay.simulated(seed=3, runs_per_task=400))
    assert first.agrees_with(asyncio.run(replay.expected()).tally)
    assert simulated(3) == first
    assert simulated(4) != first
    blind = Replay(recorded, ("a", "b"), Verifier(0.0, 0.0))
    assert not first.agrees_with(asyncio.run(blind.expected()).tally)


def test_a_cascade_that_gains_wins_and_one_whose_verifier_is_blind_loses() -> None:
    recorded = outcomes(a=[0.5, 0.4, 0.6], b=[0.9, 0.8, 0.9])
    assert report_for(recorded, ("a", "b"), Verifier()).outcome == "wins"
    losing = report_for(recorded, ("a", "b"), Verifier(sensitivity=0.0))
    assert (losing.outcome, losing.is_clear) == ("loses", True)
    assert report_for(outcomes(a=[0.0], b=[0.5]), ("a", "b"), Verifier()).outcome == "ties"


def test_a_single_task_settles_nothing() -> None:
    report = report_for(outcomes(a=[0.9], b=[0.1]), ("a", "b"), Verifier())
    assert not report.is_clear
    assert report.as_json()["against_expensive_alone"]["gain_interval_95_over_tasks"] is None


def test_the_cost_ratio_needs_the_prices_that_count() -> None:
    free, cheap, dear = "meta-llama--Llama-3.1-8B-Instruct_vllm_temp_1.0", "gemini-2.5-flash", "gemini-2.5-pro"
    recorded = Outcomes(("t",), {free: (0.5,), cheap: (0.5,), dear: (1.0,), "unheard-of": (1.0,)})
    assert report_for(recorded, (free, dear), Verifier()).cost_ratio == pytest.approx(0.5)
    # A free model before it: only calls of the last count, whatever they cost.
    assert report_for(recorded, (free, "unheard-of"), Verifier()).cost_ratio == pytest.approx(0.5)
    assert report_for(recorded, ("unheard-of", dear), Verifier()).cost_ratio is None
    prices = prices_of((cheap, dear), catalog=CATALOG, today=DAY)
    ratio = float((prices[cheap] or 0) / (prices[dear] or 1))
    assert report_for(recorded, (cheap, dear), Verifier()).cost_ratio == pytest.approx(0.5 + ratio)
    assert prices_of((dear,), catalog=CATALOG, today=date(2000, 1, 1)) == {dear: None}


def test_an_interval_holds_its_ends_and_nothing_beyond() -> None:
    interval = wilson(0.5, 100)
    assert interval.low < 0.5 < interval.high
    assert Interval(0.1, 0.2).holds(0.2)
    assert not Interval(0.1, 0.2).holds(0.21)
    assert wilson(0.0, 10).high > 0.3


def test_models_are_found_by_a_part_of_their_name_that_only_one_has() -> None:
    recorded = outcomes(**{"gpt-4o-2024": [1.0], "gpt-4o-mini": [0.5], "llama": [0.1]})
    assert recorded.chain(["LLAMA", "4o-2024"]) == ("llama", "gpt-4o-2024")
    with pytest.raises(RequestError, match=r"fits 2 models: gpt-4o-2024, gpt-4o-mini"):
        recorded.find("gpt-4o")
    with pytest.raises(RequestError, match=r"fits no model of the outcomes: gpt-4o-2024"):
        recorded.find("claude")
    with pytest.raises(RequestError, match="fits no model"):
        recorded.find(" ")
    with pytest.raises(RequestError, match="at least two"):
        recorded.chain(["llama"])
    with pytest.raises(RequestError, match="twice"):
        recorded.chain(["llama", "lama"])


def test_an_exact_name_wins_over_names_that_contain_it() -> None:
    assert outcomes(**{"gpt-4o": [1.0], "gpt-4o-mini": [0.5]}).find("gpt-4o") == "gpt-4o"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "no header"),
        ("task,a\nt,1\n", "no header"),
        ("task_id,a,a\nt,1,2\n", "twice"),
        ("task_id,a\n", "holds no task"),
        ("task_id,a,b\nt,1\n", "line 2 has 2 cells"),
        ("task_id,a\nt,x\n", "line 2: 'x' is no share"),
        ("task_id,a\nt,101\n", "no share"),
        ("task_id,a\nt,nan\n", "no share"),
        ("task_id,a\nt,-1\n", "no share"),
    ],
)
def test_a_wrong_file_is_refused_by_line(text: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "outcomes.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError, match=problem):
        read_outcomes(path)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="is not there"):
        read_outcomes(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RequestError, match="is not UTF-8: byte 0xff at position 0"):
        read_outcomes(tmp_path / "bytes.csv")


@needs_data
def test_a_cheap_coder_before_flash_wins_with_a_fifth_of_the_calls() -> None:
    """statistics.md: 91.2 % with 21 % of the Flash calls at a perfect verifier; Flash alone 77.6 %."""
    report = report_for(read_outcomes(REAL), DEEPSEEK_THEN_FLASH, Verifier())
    tally = report.expected.tally
    assert tally.passed == pytest.approx(0.912, abs=0.0005)
    assert tally.passed >= 0.91
    assert tally.asked_last == pytest.approx(0.21, abs=0.0005)
    assert tally.asked_last <= 0.22
    assert report.replay.alone(report.replay.chain[-1]) == pytest.approx(0.776, abs=0.0005)
    assert (report.outcome, report.is_clear, report.is_agreeing) == ("wins", True, True)


@needs_data
def test_an_imperfect_verifier_still_wins_with_less_of_both() -> None:
    report = report_for(read_outcomes(REAL), DEEPSEEK_THEN_FLASH, Verifier(0.8, 0.02))
    assert report.expected.tally.passed == pytest.approx(0.885, abs=0.0005)
    assert round(report.expected.tally.asked_last, 2) == 0.18
    assert (report.outcome, report.is_agreeing) == ("wins", True)


@needs_data
def test_a_weak_verifier_with_a_weak_model_loses() -> None:
    report = report_for(read_outcomes(REAL), LLAMA_THEN_GPT, Verifier(0.8, 0.02))
    assert report.expected.tally.passed == pytest.approx(0.859, abs=0.0005)
    assert report.replay.alone(report.replay.chain[-1]) == pytest.approx(0.867, abs=0.0005)
    assert (report.outcome, report.is_agreeing) == ("loses", True)
