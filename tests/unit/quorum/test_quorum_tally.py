"""What ballots add up to."""

import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniclaude_dagster.providers.catalog import load_catalog
from omniclaude_dagster.quorum.model import Ballot, Panel
from omniclaude_dagster.quorum.panel import load_panel
from omniclaude_dagster.quorum.tally import tally
from omniclaude_dagster.settings import project_data_path
from tests.support.quorum_fakes import abstention, panel_of, vote

FOLDER = project_data_path() / "model_configs"
SHIPPED = load_panel(FOLDER, catalog=load_catalog(FOLDER))
# Score, or None for an abstention, and weight of each seat.
SEATS = st.lists(st.tuples(st.none() | st.floats(0, 1), st.floats(0.001, 100)), min_size=1, max_size=8)


def two_seats(first: float | None, second: float | None, *, weights: tuple[float, float] = (1.0, 1.0)) -> str:
    panel = panel_of(("a", weights[0], ["m"]), ("b", weights[1], ["n"]))
    return tally(ballots_of(panel, [first, second]), panel).decision


def ballots_of(panel: Panel, scores: Sequence[float | None]) -> list[Ballot]:
    pairs = zip(panel.seats, scores, strict=True)
    return [abstention(seat.name) if score is None else vote(seat.name, score) for seat, score in pairs]


def drawn(seats: Sequence[tuple[float | None, float]], *, scale: float = 1.0) -> tuple[Panel, list[Ballot]]:
    panel = panel_of(*((f"s{n}", weight * scale, [f"m{n}"]) for n, (_, weight) in enumerate(seats)))
    return panel, ballots_of(panel, [score for score, _ in seats])


@pytest.mark.parametrize(
    ("score", "decision"),
    [(1.0, "apply"), (0.8, "apply"), (0.7999, "suggest"), (0.6, "suggest"), (0.5999, "block"), (0.0, "block")],
)
def test_each_bound_belongs_to_the_better_side(score: float, decision: str) -> None:
    assert two_seats(score, score) == decision


def test_a_bound_is_reached_where_the_sum_of_floats_misses_it_by_a_hair() -> None:
    assert 0.1 + 0.7 < 0.8
    assert two_seats(0.1 + 0.7, 0.1 + 0.7) == "apply"
    # (0.1 x 1.0 + 0.2 x 0.7) / 0.3 is 0.8 on paper.
    assert two_seats(1.0, 0.7, weights=(0.1, 0.2)) == "apply"


def test_participation_of_exactly_sixty_percent_is_enough_and_less_is_not() -> None:
    enough = panel_of(("a", 0.1, ["m"]), ("b", 0.2, ["n"]), ("c", 0.2, ["o"]))
    assert 0.1 + 0.2 != 0.3
    assert tally(ballots_of(enough, [0.9, 0.9, None]), enough).decision == "apply"
    less = panel_of(("a", 0.59, ["m"]), ("b", 0.41, ["n"]))
    assert tally(ballots_of(less, [1.0, None]), less).decision == "block"
    assert [
        tally(ballots_of(p, [0.1, *rest]), p).has_quorum for p, rest in ((enough, [0.1, None]), (less, [None]))
    ] == [
        True,
        False,
    ]


def test_the_weights_of_the_shipped_panel_decide() -> None:
    # deepseek-lite and deepseek-full alone hold 3.8 of 7.5: no consensus, however sure they are.
    alone = tally(ballots_of(SHIPPED, [None, None, 1.0, None, 1.0]), SHIPPED)
    assert (alone.decision, round(alone.participation, 4)) == ("block", 0.5067)
    scores = [0.2, 0.9, 0.9, 0.4, 0.8]
    found = tally(ballots_of(SHIPPED, scores), SHIPPED)
    assert found.score == pytest.approx((0.2 + 1.5 * 0.9 + 2 * 0.9 + 1.2 * 0.4 + 1.8 * 0.8) / 7.5)
    assert found.decision == "suggest"


def test_dispersion_is_the_weighted_standard_deviation() -> None:
    panel = panel_of(("a", 3.0, ["m"]), ("b", 1.0, ["n"]))
    found = tally(ballots_of(panel, [1.0, 0.0]), panel)
    assert found.score == pytest.approx(0.75)
    assert found.dispersion == pytest.approx(math.sqrt(0.75 * 0.25))


def test_no_votes_are_no_approval() -> None:
    for ballots in ([], [abstention("a"), abstention("b")]):
        found = tally(ballots, panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"])))
        assert (found.decision, found.score, found.dispersion, found.participation) == ("block", None, None, 0.0)
        assert "no votes are no approval" in found.reason
        assert not found.has_quorum


def test_the_panel_says_what_a_seat_weighs_not_its_ballot() -> None:
    panel = panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"]))
    assert tally([vote("a", 1.0, weight=1000), vote("b", 0.0)], panel).score == pytest.approx(0.5)


def test_a_ballot_that_is_not_the_panels_is_a_defect() -> None:
    panel = panel_of(("a", 1.0, ["m"]))
    for ballots in ([vote("z", 1.0)], [vote("a", 1.0), vote("a", 1.0)], [vote("a", math.nan)], [vote("a", 1.5)]):
        with pytest.raises(ValueError, match="seat"):
            tally(ballots, panel)


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ([0.9, 0.9], "2 of 2 seats voted and gave 0.90 of 1, at or above the 0.80 of a consensus"),
        ([0.7, 0.7], "2 of 2 seats voted and gave 0.70 of 1, below 0.80: a person must look"),
        ([0.79999, 0.79999], "2 of 2 seats voted and gave 0.79999 of 1, below 0.80: a person must look"),
        ([0.1, 0.1], "2 of 2 seats voted and gave 0.10 of 1, below 0.60: it is not delivered"),
        ([1.0, None], "1 of 2 seats voted, 50% of the weight; below 60% there is no consensus"),
    ],
)
def test_the_reason_is_a_sentence_that_does_not_contradict_itself(scores: list[float | None], said: str) -> None:
    panel = panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"]))
    assert tally(ballots_of(panel, scores), panel).reason == said


@given(SEATS)
def test_the_score_lies_between_the_lowest_and_the_highest_vote(seats: list[tuple[float | None, float]]) -> None:
    panel, ballots = drawn(seats)
    found = tally(ballots, panel)
    scores = [score for score, _ in seats if score is not None]
    assert (found.score is None) == (not scores)
    if found.score is not None:
        assert min(scores) <= found.score <= max(scores)
        assert found.dispersion is not None
        assert 0 <= found.dispersion <= 0.5 + 1e-9
    assert 0 <= found.participation <= 1


@given(SEATS, st.randoms(use_true_random=False))
def test_the_order_of_the_ballots_decides_nothing(
    seats: list[tuple[float | None, float]], shuffler: random.Random
) -> None:
    panel, ballots = drawn(seats)
    shuffled = list(ballots)
    shuffler.shuffle(shuffled)
    assert tally(shuffled, panel) == tally(ballots, panel)


@given(SEATS, st.integers(0, 7))
def test_an_abstention_never_raises_participation(seats: list[tuple[float | None, float]], which: int) -> None:
    panel, ballots = drawn(seats)
    place = which % len(ballots)
    fewer = [*ballots[:place], abstention(ballots[place].seat), *ballots[place + 1 :]]
    before, after = tally(ballots, panel), tally(fewer, panel)
    assert after.participation <= before.participation
    assert after == tally([*ballots[:place], *ballots[place + 1 :]], panel)


@given(SEATS, st.floats(0.01, 100))
def test_scaling_all_weights_changes_nothing(seats: list[tuple[float | None, float]], scale: float) -> None:
    (panel, ballots), (scaled, _) = drawn(seats), drawn(seats, scale=scale)
    before, after = tally(ballots, panel), tally(ballots, scaled)
    assert after.participation == pytest.approx(before.participation)
    assert after.score == pytest.approx(before.score)
    assert after.dispersion == pytest.approx(before.dispersion, abs=1e-7)
    assert after.decision == before.decision
