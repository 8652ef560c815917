"""Edits prove themselves by execution first; votes only order them and break ties."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.contracts.builder import ContractError
from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Ballot, Candidate, Decision, ExecutedFacts, ProposedEdit, Tally, TriedEdit
from omniclaude_dagster.quorum.refinement import bundle_diff, is_improved, refine, worsened
from tests.support.quorum_fakes import TAX_INPUT, abstention, facts_with, read_as_given, tax_candidate, vote

BASE = facts_with(0.9, examples=(1, 2), G9="pass", G13="warn", G14="fail")
TAX = tax_candidate(facts=BASE)
SAME, BETTER, WORSE = BASE, replace(BASE, quality_score=0.95), replace(BASE, quality_score=0.8)


def body(value: float, *, comment: str = "") -> ProposedEdit:
    """A body that returns a number; two with the same number propose the same."""
    lines = [f"# {comment}", "def add_tax(data: ModelTaxAdderInput) -> ModelTaxAdderOutput:",
             f"    return ModelTaxAdderOutput(gross={value})", ""]  # fmt: skip
    return ProposedEdit("replace_logic", source="\n".join(lines))


class Judge:
    """Really renders each node; says of its body what the test says, and remembers what it was asked."""

    def __init__(self, facts: Mapping[str, ExecutedFacts | Exception]) -> None:
        self.facts = facts
        self.asked: list[str] = []

    async def __call__(self, blueprint: NodeBlueprint) -> tuple[NodeBundle, ExecutedFacts]:
        source = blueprint.logic.source or ""
        key = next(key for key in self.facts if f"gross={key}" in source)
        self.asked.append(key)
        found = self.facts[key]
        if isinstance(found, Exception):
            raise found
        return render_bundle(blueprint), found


def tally_of(decision: Decision = "apply") -> Tally:
    return Tally(decision, 0.9, 1.0, 0.0, "")


def refined(
    ballots: Sequence[Ballot], judge: Judge, *, decision: Decision = "apply", candidate: Candidate = TAX, **more: Any
) -> tuple[tuple[TriedEdit, ...], TriedEdit | None]:
    read = more.get("read_function", read_as_given)
    return asyncio.run(refine(candidate, ballots, tally_of(decision), judge=judge, read_function=read))


def test_an_edit_that_is_better_is_chosen_with_its_files_and_its_diff() -> None:
    ballots = [vote("a", 0.9, edit=body(1.0)), vote("b", 0.9), vote("c", 0.9), vote("d", 0.9)]
    (tried,), chosen = refined(ballots, Judge({"1.0": BETTER}))
    assert chosen is tried
    assert (tried.is_better, tried.is_worse, tried.problem, tried.support) == (True, False, "", 0.25)
    assert tried.bundle is not None
    assert b"gross=1.0" in tried.bundle.files["logic.py"]
    assert tried.diff.startswith("--- a/logic.py\n+++ b/logic.py\n")
    assert "+    return ModelTaxAdderOutput(gross=1.0)\n" in tried.diff
    assert "node.manifest.yaml" not in tried.diff


def test_an_edit_that_is_worse_is_dropped_with_the_reason_and_its_diff() -> None:
    ballots = [vote("a", 0.9, edit=body(1.0)), vote("b", 0.9, edit=body(1.0))]
    (tried,), chosen = refined(ballots, Judge({"1.0": WORSE}))
    assert chosen is None
    assert (tried.is_worse, tried.is_better, tried.problem) == (True, False, "worse: quality 0.9000 -> 0.8000")
    assert tried.diff


def test_execution_comes_before_votes() -> None:
    ballots = [vote("a", 0.9, weight=9, edit=body(1.0)), vote("b", 0.9, weight=1, edit=body(2.0))]
    tried, chosen = refined(ballots, Judge({"1.0": SAME, "2.0": BETTER}))
    assert [t.support for t in tried] == [0.9, 0.1]
    assert chosen is tried[1]


def test_of_equals_the_one_with_more_weight_behind_it_is_chosen_and_then_the_first_seats() -> None:
    ballots = [vote("a", 0.9, weight=1, edit=body(1.0)), vote("b", 0.9, weight=2, edit=body(2.0))]
    _, chosen = refined(ballots, Judge({"1.0": BETTER, "2.0": BETTER}))
    assert chosen is not None
    assert chosen.seats == ("b",)
    _, chosen = refined([replace(b, weight=1.0) for b in ballots], Judge({"1.0": BETTER, "2.0": BETTER}))
    assert chosen is not None
    assert chosen.seats == ("a",)


def test_a_better_gate_counts_where_the_figures_are_equal() -> None:
    ballots = [vote("a", 0.9, weight=3, edit=body(1.0)), vote("b", 0.9, weight=2, edit=body(2.0))]
    better_gate = replace(BASE, gates={**BASE.gates, "G13": "pass"})
    _, chosen = refined(ballots, Judge({"1.0": SAME, "2.0": better_gate}))
    assert chosen is not None
    assert chosen.seats == ("b",)


@pytest.mark.parametrize(("weight", "is_chosen"), [(1.0, True), (0.99, False)])
def test_an_edit_without_measurable_effect_needs_half_of_the_present_weight(weight: float, is_chosen: bool) -> None:
    # The absent seat counts on neither side.
    ballots = [vote("a", 0.9, weight=weight, edit=body(1.0)), vote("b", 0.9), abstention("c", weight=5.0)]
    (tried,), chosen = refined(ballots, Judge({"1.0": SAME}))
    assert (tried.is_better, tried.is_worse, tried.problem) == (False, False, "")
    assert (chosen is tried) is is_chosen


def test_the_same_proposal_of_two_seats_is_one_with_the_support_of_both() -> None:
    ballots = [
        vote("a", 0.9, weight=1.0, edit=body(1.0)),
        vote("b", 0.9, weight=1.5, edit=body(2.0)),
        vote("c", 0.9, weight=1.5, edit=body(1.0, comment="in other clothes")),
    ]
    judge = Judge({"1.0": SAME, "2.0": SAME})
    tried, _ = refined(ballots, judge)
    assert [(t.seats, t.support) for t in tried] == [(("a", "c"), 0.625), (("b",), 0.375)]
    assert judge.asked == ["1.0", "2.0"]


def test_bodies_are_compared_as_they_were_read() -> None:
    def unfenced(source: str, blueprint: NodeBlueprint) -> str:
        return source.replace("```python\n", "").replace("```", "")

    fenced = replace(body(1.0), source=f"```python\n{body(1.0).source}```")
    ballots = [vote("a", 0.9, edit=fenced), vote("b", 0.9, edit=body(1.0))]
    (tried,), _ = refined(ballots, Judge({"1.0": SAME}), read_function=unfenced)
    assert tried.seats == ("a", "b")


def test_at_most_five_are_tried_in_order_of_support_and_the_others_say_so() -> None:
    ballots = [vote(f"s{n}", 0.9, weight=float(n), edit=body(float(n))) for n in range(1, 8)]
    useless = vote("z", 0.9, weight=99.0, edit=replace(body(0.0), model="x", kind="set_field_description"))
    judge = Judge({f"{n}.0": WORSE for n in range(1, 8)})
    tried, _ = refined([*ballots, useless], judge)
    assert judge.asked == ["7.0", "6.0", "5.0", "4.0", "3.0"]
    assert [t.problem for t in tried if t.problem.startswith("not tried")] == ["not tried: at most 5 edits are"] * 2
    # What cannot be applied costs no trial.
    assert "no field" in tried[0].problem


def test_where_the_decision_is_to_block_nothing_is_chosen_and_all_is_kept() -> None:
    tried, chosen = refined([vote("a", 0.1, edit=body(1.0))], Judge({"1.0": BETTER}), decision="block")
    assert chosen is None
    assert tried[0].is_better
    assert tried[0].diff


def test_where_the_decision_is_to_suggest_the_same_edit_is_chosen() -> None:
    tried, chosen = refined([vote("a", 0.7, edit=body(1.0))], Judge({"1.0": BETTER}), decision="suggest")
    assert chosen is tried[0]


@pytest.mark.parametrize(
    "error", [SyntaxError("bad"), ContractError("bad"), SandboxUnavailableError("bad", cure="mend it")]
)
def test_an_edit_that_cannot_be_judged_has_a_problem_and_the_others_go_on(error: Exception) -> None:
    ballots = [vote("a", 0.9, edit=body(1.0)), vote("b", 0.9, edit=body(2.0))]
    (first, second), chosen = refined(ballots, Judge({"1.0": error, "2.0": BETTER}))
    assert first.problem.startswith("it cannot be judged: bad")
    assert (first.bundle, first.facts, first.is_worse) == (None, None, False)
    assert chosen is second


def test_a_defect_of_the_judge_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        refined([vote("a", 0.9, edit=body(1.0))], Judge({"1.0": ZeroDivisionError()}))


def test_field_edits_are_tried_too() -> None:
    edit = ProposedEdit("set_field_constraint", model=TAX_INPUT, field="net", constraint="ge", value=0)

    class SameFacts(Judge):
        async def __call__(self, blueprint: NodeBlueprint) -> tuple[NodeBundle, ExecutedFacts]:
            return render_bundle(blueprint), SAME

    (tried,), chosen = refined([vote("a", 0.9, edit=edit)], SameFacts({}))
    assert chosen is tried
    assert 'Field(ge=0, description="Amount before tax.")' in tried.diff


def test_without_votes_or_edits_nothing_is_tried() -> None:
    silent = replace(abstention("a"), edit=body(1.0))
    for ballots in ([], [silent], [vote("a", 0.9)]):
        assert refined(ballots, Judge({})) == ((), None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gates": {"G9": "warn", "G13": "warn", "G14": "fail"}}, "G9 pass -> warn"),
        ({"gates": {"G9": "pass", "G13": "skipped", "G14": "fail"}}, "G13 warn -> skipped"),
        ({"gates": {"G13": "warn", "G14": "fail"}}, "G9 pass -> skipped"),
        ({"blocking_failures": ("G14",)}, "G14 now blocks"),
        ({"examples_passed": 0}, "examples 1 -> 0"),
        ({"quality_score": 0.9 - 1e-8}, "quality"),
        # Better in one thing does not make up for worse in another.
        ({"examples_passed": 2, "quality_score": 0.5}, "quality 0.9000 -> 0.5000"),
    ],
)
def test_anything_worse_is_worse(change: dict[str, Any], said: str) -> None:
    after = replace(BASE, **change)
    assert any(said in reason for reason in worsened(BASE, after))
    assert not is_improved(BASE, after)


@pytest.mark.parametrize(
    ("base", "after"),
    [
        (BASE, replace(BASE, gates={**BASE.gates, "G13": "pass"})),
        (BASE, replace(BASE, gates={**BASE.gates, "G14": "warn"})),
        (BASE, replace(BASE, gates={**BASE.gates, "G-EXEC": "pass"})),
        (replace(BASE, blocking_failures=("G13", "G14")), replace(BASE, blocking_failures=("G14",))),
        (BASE, replace(BASE, examples_passed=2)),
        (BASE, replace(BASE, quality_score=0.91)),
    ],
)
def test_nothing_worse_and_something_better_is_better(base: ExecutedFacts, after: ExecutedFacts) -> None:
    assert is_improved(base, after)


@pytest.mark.parametrize(
    "after",
    [
        BASE,
        replace(BASE, quality_score=0.9 + 1e-12),
        replace(BASE, quality_score=0.9 - 1e-12),
        # That a gate was not reached is no improvement over its failure.
        replace(BASE, gates={**BASE.gates, "G14": "skipped"}),
    ],
)
def test_no_difference_is_neither(after: ExecutedFacts) -> None:
    assert (worsened(BASE, after), is_improved(BASE, after)) == ([], False)


def test_a_diff_is_cut_and_says_so_and_shows_files_that_come_and_go() -> None:
    base = NodeBundle("node_x_compute", {"a.py": b"x = 1\n", "gone.py": b"y = 1", "node.manifest.yaml": b"a"})
    new = NodeBundle("node_x_compute", {"a.py": b"x = 2\n" * 5000, "new.py": b"z = 1\n", "node.manifest.yaml": b"b"})
    whole = bundle_diff(base, new, max_chars=10**6)
    assert "-y = 1\n" in whole
    assert "+z = 1\n" in whole
    assert "manifest" not in whole
    cut = bundle_diff(base, new, max_chars=1000)
    assert len(cut) == 1000
    assert cut.endswith(f"... cut: {len(whole)} characters in all\n")
    assert bundle_diff(base, base) == ""
