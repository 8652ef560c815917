"""Asking the seats: all at once, each model for one vote, and whatever fails abstains."""

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from omniclaude_dagster.errors import ConfigurationError
from omniclaude_dagster.providers.errors import (
    AuthError,
    InvalidJsonError,
    ModelTimeoutError,
    NotRecordedError,
    ServerError,
)
from omniclaude_dagster.providers.replay import ReplayGateway
from omniclaude_dagster.quorum.ballot import ballot_messages, ballot_schema
from omniclaude_dagster.quorum.model import Ballot, Panel, Seat
from omniclaude_dagster.quorum.voting import ANSWER_TOKENS, BUDGET_SPENT, ask_panel
from tests.support.quorum_fakes import CALL_COST, OTHER_BODY, NamedModels, answer, panel_of, tax_candidate

TAX = tax_candidate()
CORRELATION_ID = uuid.UUID(int=7)


def asked(
    panel: Panel,
    models: NamedModels | ReplayGateway,
    *,
    deadline_s: float = 5.0,
    is_budget_spent: Callable[[int], bool] | None = None,
) -> tuple[Ballot, ...]:
    return asyncio.run(
        ask_panel(
            panel,
            TAX,
            models,
            correlation_id=CORRELATION_ID,
            deadline_s=deadline_s,
            is_budget_spent=is_budget_spent,
        )
    )


def down(message: str = "the host is down.") -> ServerError:
    return ServerError(message)


def test_every_seat_is_asked_about_the_candidate_at_the_same_time_and_votes_in_its_own_place() -> None:
    models = NamedModels(
        {"m": answer(0.9), "n": answer(0.2, "reject"), "o": answer(0.6, "revise")}, delays_s={"m": 0.05, "n": 0.02}
    )
    ballots = asked(panel_of(("a", 1.0, ["m"]), ("b", 2.0, ["n"]), ("c", 1.5, ["o"])), models)
    assert models.most_at_once == 3
    assert [(b.seat, b.model, b.score, b.verdict, b.weight) for b in ballots] == [
        ("a", "m", 0.9, "approve", 1.0),
        ("b", "n", 0.2, "reject", 2.0),
        ("c", "o", 0.6, "revise", 1.5),
    ]
    (limits,) = {(r.max_tokens, r.temperature, r.stage, r.correlation_id) for _, r in models.asked}
    assert limits == (ANSWER_TOKENS, 0.0, "5.5", CORRELATION_ID)
    assert all(request.json_schema == ballot_schema(TAX) for _, request in models.asked)
    assert [request.messages for _, request in models.asked] == [ballot_messages(TAX, seat=name) for name in "abc"]


def test_a_vote_carries_its_call_its_edit_and_who_proposed_it() -> None:
    edit = {"kind": "replace_logic", "source": OTHER_BODY, "reason": "r"}
    dropped = [{"file": "none.py", "line": 1, "message": "m"}]
    models = NamedModels({"m": answer(0.3, "reject", edit=edit, deficiencies=dropped)}, really={"m": "real-m"})
    (ballot,) = asked(panel_of(("a", 1.0, ["m"])), models)
    assert ballot.edit is not None
    assert (ballot.edit.proposed_by, ballot.model) == ("real-m", "real-m")
    assert [(call.model, call.is_success, call.correlation_id) for call in ballot.calls] == [
        ("real-m", True, CORRELATION_ID)
    ]
    assert str(ballot.calls[0].verdict).startswith("accepted; a deficiency in the unknown file")
    assert ballot.notes
    assert ballot.latency_ms == 5.0


def test_a_failed_model_is_followed_by_the_fallback_and_both_calls_are_kept() -> None:
    models = NamedModels({"m": down(), "n": answer(0.7, "revise")})
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), models)
    assert (ballot.score, ballot.model) == (0.7, "n")
    assert [(call.model, call.is_success) for call in ballot.calls] == [("m", False), ("n", True)]
    assert ballot.calls[0].verdict == "server_error: the host is down."


@pytest.mark.parametrize("error", [AuthError("no key."), InvalidJsonError("prose."), ModelTimeoutError("late.")])
def test_every_failure_of_a_provider_goes_on_to_the_fallback(error: Exception) -> None:
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), NamedModels({"m": error, "n": answer()}))
    assert ballot.is_vote


def test_a_seat_whose_models_all_fail_abstains_and_says_why() -> None:
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), NamedModels({"m": down(), "n": AuthError("the key is wrong.")}))
    assert not ballot.is_vote
    assert ballot.abstained_because == "m: server_error: the host is down.; n: auth: the key is wrong."
    assert (ballot.model, len(ballot.calls)) == ("n", 2)


@pytest.mark.parametrize("given", ["prose", answer(0.1), answer(2.0), {"score": 1.0}])
def test_a_malformed_answer_abstains_and_nobody_is_asked_again(given: Any) -> None:
    models = NamedModels({"m": given, "n": answer()})
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), models)
    assert not ballot.is_vote
    assert models.names_asked == ["m"]
    assert "malformed answer" in ballot.abstained_because
    assert "malformed answer" in str(ballot.calls[0].verdict)


def test_a_model_that_is_not_configured_is_not_called() -> None:
    panel = Panel("p", (Seat("a", 1.0, ("m", "n")), Seat("b", 1.0, ("o",))))
    models = NamedModels({"n": answer()}, usable=["n"])
    first, second = asked(panel, models)
    assert models.names_asked == ["n"]
    assert first.is_vote
    assert (second.model, second.calls) == ("", ())
    assert second.abstained_because == "o is left out: no key, no price in force, or not meant for this stage"


def test_default_is_asked_where_there_is_a_host_whatever_it_is_called_among_the_candidates() -> None:
    panel = Panel("p", (Seat("a", 1.0, ("default",)),), has_own_host=True)
    for usable in (["default"], ["served-model"]):
        models = NamedModels({"default": answer()}, usable=usable, really={"default": "served-model"})
        (ballot,) = asked(panel, models)
        assert (ballot.is_vote, ballot.model) == (True, "served-model")


def test_a_seat_that_answers_too_late_abstains_and_the_others_vote() -> None:
    models = NamedModels({"m": answer(), "n": answer()}, delays_s={"m": 30})
    started = time.monotonic()
    first, second = asked(panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"])), models, deadline_s=0.1)
    assert time.monotonic() - started < 10
    assert first.abstained_because == "no answer within 0.1 s"
    assert models.cancelled == ["m"]
    assert second.is_vote


def test_the_deadline_holds_for_a_seat_with_all_its_models() -> None:
    models = NamedModels({"m": down(), "n": answer()}, delays_s={"m": 0.2})
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), models, deadline_s=0.1)
    assert models.names_asked == ["m"]
    assert "no time left for n" in ballot.abstained_because


def test_a_fallback_is_given_the_time_that_is_left() -> None:
    models = NamedModels({"m": down(), "n": answer()}, delays_s={"m": 0.2})
    asked(panel_of(("a", 1.0, ["m", "n"])), models, deadline_s=5.0)
    (_, first), (_, second) = models.asked
    assert first.deadline_s == pytest.approx(5.0, abs=0.1)
    assert second.deadline_s < 4.85


def test_a_spent_budget_is_found_before_each_call() -> None:
    seen: list[int] = []

    def is_spent(more_nanousd: int) -> bool:
        seen.append(more_nanousd)
        return more_nanousd >= CALL_COST

    models = NamedModels({"m": down(), "n": answer()})
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), models, is_budget_spent=is_spent)
    assert models.names_asked == ["m"]
    assert seen == [0, CALL_COST]
    assert BUDGET_SPENT in ballot.abstained_because


def test_what_other_seats_have_spent_counts() -> None:
    models = NamedModels({"m": answer(), "n": down(), "o": answer()}, delays_s={"n": 0.05})
    panel = panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n", "o"]))
    asked(panel, models, is_budget_spent=lambda more: more >= 2 * CALL_COST)
    assert "o" not in models.names_asked


def test_a_defect_of_one_seat_does_not_lose_the_votes_of_the_others(caplog: pytest.LogCaptureFixture) -> None:
    models = NamedModels({"m": KeyError("oops"), "n": answer(), "o": ConfigurationError("wrong.", cure="mend it")})
    panel = panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"]), ("c", 1.0, ["o"]))
    first, second, third = asked(panel, models)
    assert first.abstained_because == "defect: KeyError: 'oops'"
    assert second.is_vote
    assert third.abstained_because == "wrong. Cure: mend it"
    assert "seat a has a defect" in caplog.text


def test_cancelling_cancels_every_call() -> None:
    models = NamedModels({"m": answer(), "n": answer()}, delays_s={"m": 30, "n": 30})
    panel = panel_of(("a", 1.0, ["m"]), ("b", 1.0, ["n"]))

    async def scenario() -> None:
        running = asyncio.create_task(ask_panel(panel, TAX, models, correlation_id=CORRELATION_ID, deadline_s=60))
        while len(models.asked) < 2:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(scenario())
    assert sorted(models.cancelled) == ["m", "n"]


def test_one_model_votes_once_for_the_heavier_seat() -> None:
    models = NamedModels({"m": answer()})
    first, second = asked(panel_of(("light", 1.0, ["m"]), ("heavy", 2.0, ["m"])), models)
    assert models.names_asked == ["m"]
    assert second.is_vote
    assert first.abstained_because == "m is asked for seat heavy"


def test_of_equal_weights_the_earlier_seat_has_the_model_and_the_other_its_fallback() -> None:
    models = NamedModels({"m": answer(0.9), "n": answer(0.6, "revise")})
    first, second = asked(panel_of(("a", 1.0, ["m", "n"]), ("b", 1.0, ["m", "n"])), models)
    assert (first.model, second.model) == ("m", "n")


def in_every_order(delays: tuple[str, ...]) -> list[dict[str, float]]:
    """Each model the quickest, the second and so on, once."""
    return [{name: 0.01 * place for place, name in enumerate(order)} for order in itertools.permutations(delays)]


@pytest.mark.parametrize("delays_s", in_every_order(("m", "n", "o")))
def test_a_fallback_that_two_seats_want_goes_to_the_heavier_one_whoever_fails_first(
    delays_s: dict[str, float],
) -> None:
    models = NamedModels({"m": down(), "n": down(), "o": answer()}, delays_s=delays_s)
    light, heavy = asked(panel_of(("light", 1.0, ["m", "o"]), ("heavy", 2.0, ["n", "o"])), models)
    assert (light.is_vote, heavy.model, heavy.is_vote) == (False, "o", True)
    assert "o is asked for seat heavy" in light.abstained_because


@pytest.mark.parametrize("delays_s", in_every_order(("m", "n")))
def test_a_fallback_that_the_heavier_seat_does_not_need_goes_to_the_lighter(delays_s: dict[str, float]) -> None:
    models = NamedModels({"m": down(), "n": answer(0.9), "o": answer(0.6, "revise")}, delays_s=delays_s)
    light, heavy = asked(panel_of(("light", 1.0, ["m", "o"]), ("heavy", 2.0, ["n", "o"])), models)
    assert (light.model, heavy.model) == ("o", "n")
    assert light.is_vote


@pytest.mark.parametrize("delays_s", in_every_order(("default", "real", "n")))
def test_a_model_under_two_names_votes_for_the_heavier_seat_and_the_other_goes_on(delays_s: dict[str, float]) -> None:
    models = NamedModels(
        {"default": answer(0.9), "real": answer(0.8), "n": answer(0.6, "revise")},
        delays_s=delays_s,
        really={"default": "real"},
    )
    light, heavy = asked(panel_of(("light", 1.0, ["real", "n"]), ("heavy", 2.0, ["default"])), models)
    assert (heavy.score, heavy.model) == (0.9, "real")
    assert (light.score, light.model) == (0.6, "n")
    assert [call.model for call in light.calls] == ["real", "n"]


def test_a_model_under_two_names_leaves_a_seat_without_fallback_abstaining() -> None:
    models = NamedModels({"default": answer(0.9), "real": answer(0.8)}, really={"default": "real"})
    light, heavy = asked(panel_of(("light", 1.0, ["default"]), ("heavy", 2.0, ["real"])), models)
    assert heavy.is_vote
    assert light.abstained_because == "real has voted already, for seat heavy"
    assert len(light.calls) == 1


def test_recorded_votes_replay_to_the_same_ballots() -> None:
    panel = panel_of(("a", 1.0, ["m", "o"]), ("b", 2.0, ["default"]), ("c", 1.0, ["x"]))
    models = NamedModels(
        {"m": down(), "default": answer(0.3, "reject"), "o": answer(0.9), "x": answer(0.2)}, really={"default": "real"}
    )
    live = asked(panel, models)
    replayed = asked(panel, ReplayGateway.of_calls(call for ballot in live for call in ballot.calls))
    assert [b.is_vote for b in live] == [True, True, False]
    assert [shown(b) for b in replayed] == [shown(b) for b in live]


def shown(ballot: Ballot) -> tuple[Any, ...]:
    calls = [(call.model, call.verdict, call.latency_ms) for call in ballot.calls]
    return (ballot.seat, ballot.model, ballot.score, ballot.verdict, ballot.abstained_because, ballot.latency_ms, calls)


def test_a_question_that_was_not_recorded_is_not_put_to_the_fallback() -> None:
    models = NamedModels({"m": NotRecordedError("nothing."), "n": answer()})
    (ballot,) = asked(panel_of(("a", 1.0, ["m", "n"])), models)
    assert (ballot.is_vote, models.names_asked) == (False, ["m"])


def test_a_panel_without_seats_asks_nobody() -> None:
    assert asked(Panel("p", ()), NamedModels({})) == ()
