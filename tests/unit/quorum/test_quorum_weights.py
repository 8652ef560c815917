"""Weights from outcomes: what seats were worth, on simulated seats whose worth is known."""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from omniclaude_dagster.providers.catalog import load_catalog
from omniclaude_dagster.quorum.model import Panel
from omniclaude_dagster.quorum.panel import load_panel
from omniclaude_dagster.quorum.weights import MIN_OUTCOMES, SeatOutcome, SeatWeight, learned_weights
from omniclaude_dagster.settings import project_data_path
from tests.support.quorum_fakes import panel_of

FOLDER = project_data_path() / "model_configs"
SHIPPED = load_panel(FOLDER, catalog=load_catalog(FOLDER))
SEATS = [seat.name for seat in SHIPPED.seats]
# Probability that the seat stands on the right side of 0.6, for a good and for a bad node.
GOOD, MEDIOCRE, CHANCE, WRONG, APPROVER = (0.95, 0.9), (0.75, 0.65), (0.5, 0.5), (0.05, 0.1), (1.0, 0.0)
SKILLS = dict(zip(SEATS, [GOOD, MEDIOCRE, CHANCE, WRONG, APPROVER], strict=True))

type Skill = tuple[float, float]


def simulated(skills: Mapping[str, Skill], *, nodes: int, seed: int, right_share: float = 0.5) -> list[SeatOutcome]:
    """Votes of independent seats on the same nodes; each scores 0.6 to 1 for `deliver`, 0 to 0.6 for `do not`."""
    generator = random.Random(seed)
    votes = []
    for _ in range(nodes):
        is_right = generator.random() < right_share
        for seat, (on_right, on_wrong) in skills.items():
            approves = generator.random() < on_right if is_right else generator.random() >= on_wrong
            score = generator.uniform(0.6, 1.0) if approves else generator.uniform(0.0, 0.59)
            votes.append(SeatOutcome(seat, score, is_right))
    return votes


def by_seat(found: Sequence[SeatWeight]) -> dict[str, SeatWeight]:
    return {weight.seat: weight for weight in found}


def learned(
    skills: Mapping[str, Skill] = SKILLS, *, nodes: int = 400, seed: int = 1, **more: float
) -> dict[str, SeatWeight]:
    return by_seat(learned_weights(simulated(skills, nodes=nodes, seed=seed, **more), SHIPPED))


@pytest.mark.parametrize("seed", range(10))
def test_a_seat_is_worth_what_it_knows(seed: int) -> None:
    good, mediocre, chance, wrong, approver = (learned(seed=seed)[seat].proposed_weight for seat in SEATS)
    total = SHIPPED.total_weight
    assert good > mediocre > chance
    assert chance < 0.1 * total
    assert wrong == 0.0
    assert approver == 0.0
    assert math.fsum([good, mediocre, chance, wrong, approver]) == pytest.approx(total)


def test_chance_rarely_looks_like_skill() -> None:
    shares = [learned(seed=seed)[SEATS[2]].proposed_weight / SHIPPED.total_weight for seed in range(60)]
    assert sum(share > 0 for share in shares) <= 8
    assert max(shares) < 0.1


def test_a_seat_that_approves_of_everything_is_worth_nothing_where_most_nodes_are_good() -> None:
    approver = learned(nodes=1500, right_share=0.95)[SEATS[4]]
    assert approver.accuracy is not None
    assert approver.accuracy > 0.9
    assert approver.balanced_accuracy == 0.5
    assert approver.proposed_weight == 0.0
    assert "no better than chance" in approver.note


def test_figures_are_what_they_are_called() -> None:
    scores = [(0.9, True), (0.6, True), (0.5, True), (0.7, False), (0.1, False)]
    votes = [SeatOutcome(SEATS[0], score, is_right) for score, is_right in scores]
    found = by_seat(learned_weights([*votes, SeatOutcome("nobody", 0.5, True)], SHIPPED))[SEATS[0]]
    assert (found.outcomes, found.right, found.wrong) == (5, 3, 2)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found.brier == pytest.approx((0.01 + 0.16 + 0.25 + 0.49 + 0.01) / 5)
    assert found.auroc == pytest.approx(4 / 6)
    assert found.lower_bound is not None
    assert found.lower_bound < 0.5


def test_the_threshold_is_the_panels_own_and_belongs_to_the_better_side() -> None:
    strict = replace(SHIPPED, thresholds=replace(SHIPPED.thresholds, suggest=0.8))
    votes = [SeatOutcome(SEATS[0], 0.1 + 0.7, True)]
    assert by_seat(learned_weights(votes, strict))[SEATS[0]].accuracy == 1.0
    lower = [SeatOutcome(SEATS[0], 0.7, True)]
    assert by_seat(learned_weights(lower, strict))[SEATS[0]].accuracy == 0.0


@pytest.mark.parametrize(("right", "wrong"), [(MIN_OUTCOMES - 1, 500), (500, MIN_OUTCOMES - 1), (0, 0)])
def test_a_seat_with_too_few_outcomes_of_a_kind_keeps_its_weight(right: int, wrong: int) -> None:
    votes = [SeatOutcome(SEATS[0], 0.9, True)] * right + [SeatOutcome(SEATS[0], 0.1, False)] * wrong
    others = [vote for vote in simulated(SKILLS, nodes=400, seed=3) if vote.seat != SEATS[0]]
    found = by_seat(learned_weights([*votes, *others], SHIPPED))
    kept = found[SEATS[0]]
    assert (kept.proposed_weight, kept.is_learned) == (1.0, False)
    assert "keeps its weight" in kept.note
    assert math.fsum(weight.proposed_weight for weight in found.values()) == pytest.approx(7.5)


def test_thirty_of_each_are_enough() -> None:
    votes = [SeatOutcome(SEATS[0], 0.9, True)] * MIN_OUTCOMES + [SeatOutcome(SEATS[0], 0.1, False)] * MIN_OUTCOMES
    assert by_seat(learned_weights(votes, SHIPPED))[SEATS[0]].is_learned


def test_where_no_seat_knows_anything_nothing_is_shared_out() -> None:
    found = learned(dict.fromkeys(SEATS, WRONG))
    assert [weight.proposed_weight for weight in found.values()] == [0.0] * 5
    # No figure is invented where there is no vote.
    silent = learned_weights([], SHIPPED)[0]
    assert (silent.accuracy, silent.balanced_accuracy, silent.lower_bound, silent.brier, silent.auroc) == (None,) * 5


def test_the_bound_is_that_of_the_formula() -> None:
    # 45 of 50 and 40 of 50 were judged right.
    z = 1.6448536269514722
    lows = [(p + z * z / 100 - z * math.sqrt(p * (1 - p) / 50 + z * z / 10_000)) / (1 + z * z / 50) for p in (0.9, 0.8)]
    votes = [SeatOutcome("a", 0.9, True)] * 45 + [SeatOutcome("a", 0.1, True)] * 5
    votes += [SeatOutcome("a", 0.1, False)] * 40 + [SeatOutcome("a", 0.9, False)] * 10
    (found,) = learned_weights(votes, panel_of(("a", 1.0, ["m"])))
    assert found.lower_bound == pytest.approx(0.85 - math.hypot(0.9 - lows[0], 0.8 - lows[1]) / 2)


def scored(votes: Sequence[SeatOutcome], weights: Mapping[str, float]) -> tuple[float, float]:
    """Brier score and accuracy (at 0.6) of the weighted panel."""
    nodes = [votes[start : start + len(SEATS)] for start in range(0, len(votes), len(SEATS))]
    total = math.fsum(weights.values())
    pairs = [(math.fsum(weights[v.seat] * v.score for v in node) / total, node[0].is_right) for node in nodes]
    brier = math.fsum((score - is_right) ** 2 for score, is_right in pairs) / len(pairs)
    return brier, sum((score >= 0.6) == is_right for score, is_right in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(5))
def test_learned_weights_judge_fresh_nodes_better_than_equal_ones(seed: int) -> None:
    skills = dict(zip(SEATS, [(0.9, 0.85), (0.75, 0.65), (0.55, 0.5), (0.95, 0.2), (0.6, 0.6)], strict=True))
    found = learned(skills, nodes=300, seed=100 + seed)
    fresh = simulated(skills, nodes=2000, seed=200 + seed)
    brier, accuracy = scored(fresh, {seat: weight.proposed_weight for seat, weight in found.items()})
    equal_brier, equal_accuracy = scored(fresh, dict.fromkeys(SEATS, 1.0))
    assert brier < equal_brier - 0.02
    assert accuracy > equal_accuracy + 0.05


def test_the_result_is_in_the_order_of_the_seats_whatever_the_order_of_the_votes() -> None:
    votes = simulated(SKILLS, nodes=200, seed=5)
    shuffled = random.Random(1).sample(votes, len(votes))
    assert [w.seat for w in learned_weights(shuffled, SHIPPED)] == SEATS
    for first, second in zip(learned_weights(votes, SHIPPED), learned_weights(shuffled, SHIPPED), strict=True):
        assert first.proposed_weight == pytest.approx(second.proposed_weight)


def test_a_panel_without_seats_has_no_weights() -> None:
    assert learned_weights([SeatOutcome("a", 0.5, True)], Panel("p", ())) == ()
