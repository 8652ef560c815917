"""The gate-verified cascade: who is asked, in which order, told what, and when it ends."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import pytest

from omniclaude_dagster.providers.cascade import Answer, Cascade, CascadeResult, Tried, Verdict

GOOD = "good"
Said = str | Verdict


class Scripted:
    """Models that answer from a list each; a Verdict in the list is a refusal to answer. "good" is accepted."""

    def __init__(self, answers: Mapping[str, Sequence[Said]], *, cost_nanousd: int = 10) -> None:
        self._answers = {model: list(said) for model, said in answers.items()}
        self._cost_nanousd = cost_nanousd
        self.asked: list[tuple[str, int, str | None]] = []
        self.verified: list[str] = []

    async def attempt(self, model: str, number: int, last: Tried[str] | None) -> Answer[str]:
        self.asked.append((model, number, last.verdict.reason if last else None))
        said = self._answers[model].pop(0)
        return (
            Answer(None, said, self._cost_nanousd)
            if isinstance(said, Verdict)
            else Answer(said, cost_nanousd=self._cost_nanousd)
        )

    async def verify(self, candidate: str) -> Verdict:
        self.verified.append(candidate)
        if candidate == GOOD:
            return Verdict.accepted()
        return Verdict.refused(f"{candidate} fails", is_usable=candidate.startswith("usable"))

    def run(
        self, models: Sequence[str], tries: int = 1, *, is_spent: Callable[[int], bool] | None = None
    ) -> CascadeResult[str]:
        cascade = Cascade(models, tries, is_spent) if is_spent else Cascade(models, tries)
        return asyncio.run(cascade.run(attempt=self.attempt, verify=self.verify))


def test_the_first_accepted_answer_ends_it_and_nobody_dearer_is_asked() -> None:
    models = Scripted({"cheap": [GOOD], "dear": [GOOD]})
    result = models.run(("cheap", "dear"), tries=3)
    assert models.asked == [("cheap", 0, None)]
    assert result.end == "accepted"
    assert result.accepted is not None
    assert result.accepted.answer.candidate == GOOD


def test_the_next_model_is_asked_only_when_the_tries_of_the_one_before_are_used_up() -> None:
    models = Scripted({"cheap": ["a", "b"], "dear": ["c", GOOD]})
    result = models.run(("cheap", "dear"), tries=2)
    assert [(model, number) for model, number, _ in models.asked] == [
        ("cheap", 0),
        ("cheap", 1),
        ("dear", 0),
        ("dear", 1),
    ]
    assert result.models_asked == ("cheap", "dear")
    assert result.end == "accepted"


def test_each_try_is_told_why_the_last_one_of_the_same_model_failed_and_a_new_model_starts_afresh() -> None:
    models = Scripted({"cheap": ["a", "b"], "dear": [GOOD]})
    models.run(("cheap", "dear"), tries=2)
    assert models.asked == [("cheap", 0, None), ("cheap", 1, "a fails"), ("dear", 0, None)]


def test_a_refusal_beyond_repair_goes_on_to_the_next_model_at_once() -> None:
    gone = Verdict.refused("the host is gone", is_repairable=False)
    models = Scripted({"cheap": [gone], "dear": [GOOD]})
    result = models.run(("cheap", "dear"), tries=3)
    assert [model for model, _, _ in models.asked] == ["cheap", "dear"]
    assert models.verified == [GOOD]
    assert result.tried[0].verdict is gone


def test_a_refusal_that_can_be_repaired_is_tried_again() -> None:
    models = Scripted({"cheap": [Verdict.refused("cut"), GOOD]})
    assert models.run(("cheap",), tries=2).end == "accepted"


def test_when_nobody_is_accepted_everything_tried_is_on_record() -> None:
    models = Scripted({"cheap": ["a", "b"], "dear": ["c", Verdict.refused("empty")]})
    result = models.run(("cheap", "dear"), tries=2)
    assert (result.end, result.accepted) == ("exhausted", None)
    assert [(t.model, t.number, t.answer.candidate, t.verdict.reason) for t in result.tried] == [
        ("cheap", 0, "a", "a fails"),
        ("cheap", 1, "b", "b fails"),
        ("dear", 0, "c", "c fails"),
        ("dear", 1, None, "empty"),
    ]
    assert result.cost_nanousd == 40


def test_a_spent_budget_ends_it_before_the_next_call_and_what_was_tried_stays_on_record() -> None:
    models = Scripted({"cheap": ["a", "b", "c"], "dear": [GOOD]})
    result = models.run(("cheap", "dear"), tries=3, is_spent=lambda spent: spent >= 20)
    assert result.end == "budget_spent"
    assert len(models.asked) == len(result.tried) == 2


def test_a_budget_spent_beforehand_asks_nobody() -> None:
    models = Scripted({"cheap": [GOOD]})
    result = models.run(("cheap",), is_spent=lambda _: True)
    assert (models.asked, result.tried, result.end) == ([], (), "budget_spent")


def test_an_empty_chain_says_so() -> None:
    assert Scripted({}).run(()).end == "no_models"


def test_the_second_best_is_the_latest_usable_one_and_never_hides_an_accepted_one() -> None:
    models = Scripted({"cheap": ["usable 1"], "middle": ["usable 2"], "dear": ["wrong"]})
    result = models.run(("cheap", "middle", "dear"))
    assert result.second_best is not None
    assert result.second_best.answer.candidate == "usable 2"
    assert Scripted({"cheap": ["wrong"]}).run(("cheap",)).second_best is None


def test_what_an_attempt_raises_is_not_swallowed() -> None:
    async def attempt(model: str, number: int, last: Tried[str] | None) -> Answer[str]:
        raise LookupError("defect")

    with pytest.raises(LookupError):
        asyncio.run(Cascade(("a", "b")).run(attempt=attempt, verify=Scripted({}).verify))


def test_a_model_is_tried_at_least_once() -> None:
    with pytest.raises(ValueError, match="at least once"):
        Cascade(("a",), 0)


@pytest.mark.parametrize("arguments", [(None, None), ("x", Verdict.refused("y"))])
def test_an_answer_is_a_candidate_or_a_refusal_and_never_both(arguments: tuple[str | None, Verdict | None]) -> None:
    with pytest.raises(ValueError, match="either"):
        Answer(*arguments)
