"""The figures of seats and panels on votes whose worth is known exactly, and what stage 5.5 changes."""

import math

import pytest

from omniclaude_dagster.benchmark.quorum_effect import BETTER, NOT_SHOWN, NOTHING, WORSE, effect_of
from omniclaude_dagster.benchmark.quorum_figures import Opinion, figures_of, reliability
from omniclaude_dagster.benchmark.quorum_row import CaseRow, RecordedBallot
from omniclaude_dagster.benchmark.quorum_summary import abstention_kind, summary_of
from omniclaude_dagster.quorum.model import Panel
from tests.support.quorum_votes import absent, always_high, by_turns, cases_of, inverted, panel_of, perfect

RULES = {"perfect": perfect, "chance": by_turns, "inverted": inverted, "high": always_high, "absent": absent}


def seats_of(rows: list[CaseRow], panel: Panel) -> dict[str, dict[str, object]]:
    return summary_of(rows, panel)["groups"]["all cases"]["seats"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("seat", "accuracy_60", "accuracy_80", "brier", "auroc", "ece"),
    [
        ("perfect", 1.0, 1.0, 0.0, 1.0, 0.0),
        ("chance", 0.5, 0.5, 0.5, 0.5, 0.5),
        ("inverted", 0.0, 0.0, 1.0, 0.0, 1.0),
        ("high", 0.5, 0.5, 0.41, 0.5, 0.4),
    ],
)
def test_a_seat_of_known_worth_gets_exactly_its_figures(
    seat: str, accuracy_60: float, accuracy_80: float, brier: float, auroc: float, ece: float
) -> None:
    found = seats_of(*cases_of(RULES))[seat]
    assert found["votes"] == 40
    assert found["abstentions"] == 0
    assert found["accuracy"]["0.60"]["value"] == accuracy_60  # type: ignore[index]
    assert found["accuracy"]["0.80"]["value"] == accuracy_80  # type: ignore[index]
    assert found["brier"]["value"] == pytest.approx(brier)  # type: ignore[index]
    assert found["auroc"]["value"] == auroc  # type: ignore[index]
    assert found["ece"] == pytest.approx(ece)
    assert found["mean_latency_ms"] == 100.0
    assert found["mean_cost_usd"] == 1e-6


def test_a_seat_that_never_votes_has_abstentions_and_no_figures() -> None:
    found = seats_of(*cases_of(RULES))["absent"]
    assert (found["votes"], found["abstentions"]) == (0, 40)
    assert found["abstained_because"] == [{"what": "timed out", "count": 40}]
    assert found["brier"] is found["auroc"] is found["ece"] is found["mean_latency_ms"] is None
    assert found["reliability"] == []


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("m: malformed answer: the verdict reject contradicts the score 0.8", "its verdict contradicts its score"),
        ("m: malformed answer: score is no number from 0 to 1", "the answer is no ballot"),
        ("m: invalid_json: no JSON at character 3", "the answer is no ballot"),
        ("no answer within 120 s", "too late"),
        ("m: timeout: no complete answer within 119.7 s", "too late"),
        ("m is asked for seat b", "its model votes for another seat"),
        ("m is left out: no host", "its model is not configured"),
        ("something new", "something new"),
    ],
)
def test_reasons_to_abstain_are_counted_by_kind(reason: str, kind: str) -> None:
    assert abstention_kind(reason) == kind


def test_every_interval_holds_its_value_and_is_no_point_where_the_data_is_finite() -> None:
    for seat in ("perfect", "inverted"):
        found = seats_of(*cases_of(RULES))[seat]
        for interval in (found["auroc"], found["accuracy"]["0.80"]):  # type: ignore[index]
            assert interval["low"] <= interval["value"] <= interval["high"]
            assert interval["low"] < interval["high"]


def test_the_baselines_say_what_knowing_nothing_is_worth() -> None:
    rows, panel = cases_of({"perfect": perfect})
    baselines = summary_of(rows, panel)["groups"]["all cases"]["baselines"]
    assert baselines["always approve"]["accuracy"]["0.80"]["value"] == 0.5
    assert baselines["always approve"]["auroc"]["value"] == 0.5
    assert baselines["gates only"]["accuracy"]["0.80"]["value"] == 0.5
    assert 0.2 < baselines["coin"]["accuracy"]["0.80"]["value"] < 0.8
    assert baselines["coin"]["brier"]["value"] == pytest.approx(
        1 - baselines["coin"]["accuracy"]["0.80"]["value"], abs=1e-4
    )


def test_reliability_says_for_each_tenth_how_often_it_was_right() -> None:
    opinions = [Opinion("a", 0.3, True), Opinion("b", 0.35, False), Opinion("c", 1.0, True), Opinion("d", 0.0, False)]
    assert [(r["low"], r["cases"], r["share_right"]) for r in reliability(opinions)] == [
        (0.0, 1, 0.0),
        (0.3, 2, 0.5),
        (0.9, 1, 1.0),
    ]
    assert figures_of(opinions, thresholds=())["ece"] == pytest.approx((0.35) / 4)


def test_a_score_on_the_threshold_belongs_to_the_better_side() -> None:
    just = math.fsum([0.1] * 8)
    found = figures_of([Opinion("a", just, True), Opinion("b", 0.8 - 1e-6, False)], thresholds=(0.8,))
    assert found["accuracy"]["0.80"]["value"] == 1.0


def test_one_kind_of_truth_alone_gives_no_auroc() -> None:
    found = figures_of([Opinion("a", 0.8, True), Opinion("b", 0.1, True)], thresholds=(0.8,))
    assert found["auroc"] is None
    assert found["accuracy"]["0.80"]["value"] == 0.5


def test_a_good_panel_improves_what_is_published_and_the_report_says_so() -> None:
    rows, _ = cases_of({"perfect": perfect})
    effect = effect_of(rows)
    assert effect["verdict"] == BETTER
    assert effect["without"]["published_right"]["value"] == 0.5
    assert effect["with"]["published_right"]["value"] == 1.0
    assert effect["published_right_difference"]["value"] == 0.5
    assert effect["published_right_difference"]["low"] > 0
    assert effect["delivered_right_difference"]["value"] == 0.0
    assert (effect["wrong_blocked"], effect["wrong_let_through"], effect["right_blocked"]) == (20, 0, 0)


def test_a_panel_at_chance_improves_nothing_and_the_report_says_so() -> None:
    rows, _ = cases_of({"chance": by_turns})
    effect = effect_of(rows)
    assert effect["verdict"] == NOT_SHOWN
    assert effect["published_right_difference"]["value"] == 0.0
    assert (effect["right_blocked"], effect["wrong_let_through"]) == (10, 10)
    assert effect["delivered_right_difference"]["value"] == -0.25


def test_an_inverted_panel_is_worse_than_none() -> None:
    rows, _ = cases_of({"inverted": inverted})
    effect = effect_of(rows)
    assert effect["verdict"] == WORSE
    assert effect["with"]["published_right"]["value"] == 0.0


def test_a_panel_that_approves_everything_changes_nothing() -> None:
    rows, _ = cases_of({"high": always_high})
    effect = effect_of(rows)
    assert effect["verdict"] == NOT_SHOWN
    assert effect["published_right_difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert effect["with"]["published"] == 40


def test_an_absent_panel_publishes_nothing_and_shows_no_improvement() -> None:
    rows, _ = cases_of({"absent": absent})
    effect = effect_of(rows)
    assert effect["verdict"] == NOTHING
    assert effect["with"]["published"] == 0
    assert effect["delivered_right_difference"]["value"] == -0.5


def test_one_lucky_case_is_no_evidence() -> None:
    rows, _ = cases_of({"perfect": lambda number, _: 1.0 if number == 0 else 0.0})
    effect = effect_of(rows)
    assert effect["with"]["published_right"]["value"] == 1.0
    assert effect["published_right_difference"]["value"] == 0.5
    assert effect["verdict"] == NOT_SHOWN


def test_an_applied_edit_counts_by_what_it_made_of_the_case() -> None:
    rows, _ = cases_of({"high": always_high}, count=4)
    spoilt = rows[0].model_copy(update={"edit": "applied", "edits_tried": 1, "is_right_after": False})
    mended = rows[1].model_copy(update={"edit": "applied", "edits_tried": 2, "is_right_after": True})
    effect = effect_of([spoilt, mended, *rows[2:]])
    assert effect["edits"] == {"tried": 3, "applied": 2, "suggested": 0, "made_right": 1, "made_wrong": 1}
    assert effect["with"]["right"] == effect["without"]["right"] == 2
    assert effect["wrong_let_through"] == 2


def test_a_suggested_edit_changes_nothing_that_is_published() -> None:
    rows, _ = cases_of({"middling": lambda *_: 0.7}, count=4)
    mended = rows[1].model_copy(update={"edit": "suggested", "is_right_after": True})
    effect = effect_of([rows[0], mended, *rows[2:]])
    assert effect["with"]["published"] == 0
    assert (effect["right_for_review"], effect["wrong_for_review"]) == (2, 2)


def test_what_the_gates_refuse_was_not_published_without_the_panel_either() -> None:
    rows, _ = cases_of({"high": always_high})
    caught = [r if r.is_right else r.model_copy(update={"is_passed_by_gates": False}) for r in rows]
    effect = effect_of(caught)
    assert effect["without"]["published_right"]["value"] == effect["with"]["published_right"]["value"] == 1.0
    assert effect["verdict"] == NOT_SHOWN


def test_cases_that_gates_cannot_tell_are_shown_apart() -> None:
    rows, panel = cases_of({"perfect": perfect}, count=8)
    tested = [r.model_copy(update={"is_passed_by_gates": r.is_right}) for r in rows[:4]]
    untested = [r.model_copy(update={"family": f"untested {r.family}"}) for r in rows[4:]]
    groups = summary_of([*tested, *untested], panel)["groups"]
    assert {name: group["cases"] for name, group in groups.items()} == {
        "all cases": 8, "gates can tell": 4, "gates cannot tell": 4,
    }  # fmt: skip
    assert groups["gates can tell"]["baselines"]["gates only"]["accuracy"]["0.80"]["value"] == 1.0
    assert groups["gates cannot tell"]["baselines"]["gates only"]["accuracy"]["0.80"]["value"] == 0.5
    assert groups["gates cannot tell"]["panel"]["accuracy"]["0.80"]["value"] == 1.0


def test_a_heavy_good_seat_carries_the_panel_and_light_noise_does_not_sink_it() -> None:
    panel = panel_of("perfect", "chance", weights=[9.0, 1.0])
    rows, _ = cases_of({"perfect": perfect, "chance": by_turns}, panel=panel)
    summary = summary_of(rows, panel)
    assert summary["groups"]["all cases"]["panel"]["auroc"]["value"] == 1.0
    assert summary["effect"]["verdict"] == BETTER


def test_too_little_participation_blocks_even_what_a_perfect_seat_approves() -> None:
    panel = panel_of("perfect", "absent", weights=[1.0, 1.0])
    rows, _ = cases_of({"perfect": perfect, "absent": absent}, panel=panel)
    summary = summary_of(rows, panel)
    assert summary["decisions"]["block"] == {"right": 20, "wrong": 20}
    assert summary["groups"]["all cases"]["panel"]["participation"] == 0.5
    assert summary["effect"]["verdict"] == NOTHING


def test_unusable_cases_and_cases_without_votes_are_counted_and_left_out() -> None:
    rows, panel = cases_of({"perfect": perfect}, count=4)
    unusable = CaseRow(case="task/9", slot="task/9", slot_cases=0, unusable="no mutant survives the examples")
    summary = summary_of([*rows[:3], rows[3].model_copy(update={"has_votes": False}), unusable], panel)
    assert (summary["cases"], summary["without_votes"]) == (3, 1)
    assert summary["unusable"] == [{"what": "no mutant survives the examples", "count": 1}]


def test_nothing_at_all_gives_a_summary_without_figures() -> None:
    summary = summary_of([], panel_of("a"))
    assert summary["cases"] == 0
    assert summary["groups"] == {}
    assert summary["effect"]["verdict"] == NOTHING


@pytest.mark.parametrize("fields", [{"score": None}, {"score": 0.5, "abstained_because": "late"}, {"score": 1.5}])
def test_a_recorded_ballot_is_a_vote_or_an_abstention_and_nothing_else(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"abstained_because|less than or equal"):
        RecordedBallot.model_validate({"seat": "a", **fields})
