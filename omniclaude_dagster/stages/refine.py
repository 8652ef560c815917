"""Stage 5.5, in mode strict: a panel of models reviews the candidate, and its edits prove themselves by execution.

The panel sees the node and what its gates and its execution showed. An edit changes the typed node, never its text;
it goes through stages 4 and 6, and is dropped if anything got worse. What the votes add up to decides what happens:

    apply     the node goes on, with the edit that proved itself
    suggest   the node goes on and is delivered for review; the edit waits for a person
    block     nothing is delivered; a person is asked, and may overrule (`omniclaude review`)
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from omniclaude_dagster.gates import registry
from omniclaude_dagster.gates.acceptance import example_problems
from omniclaude_dagster.gates.execution import Executed, known
from omniclaude_dagster.gates.facts import quality_facts
from omniclaude_dagster.gates.quality import quality_of
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.model import Ballot, Candidate, ExecutedFacts, Panel, QuorumOutcome, TriedEdit
from omniclaude_dagster.quorum.refinement import refine
from omniclaude_dagster.quorum.tally import tally
from omniclaude_dagster.quorum.voting import ask_panel
from omniclaude_dagster.request.model import Mode
from omniclaude_dagster.stages.event_bus import rendered
from omniclaude_dagster.stages.logic_writer import read_answer
from omniclaude_dagster.stages.model import StageStatus
from omniclaude_dagster.stages.state import Gateways, GenerationState, StageOutcome, decided
from omniclaude_dagster.stages.validate import node_context

_STAGE_4 = frozenset(gate.id for gate in registry.gates_of("post_generation"))
_MAX_NAMED = 5
_MAX_REASON_CHARS = 200


@dataclass(frozen=True)
class _Judged:
    """A node that went through stages 4 and 6: the state with its files, and what was found."""

    state: GenerationState
    results: tuple[GateResult, ...]
    facts: ExecutedFacts


@dataclass
class _Judge:
    """Renders and judges candidates; remembers each, so that the chosen one is not judged twice."""

    state: GenerationState
    gateways: Gateways
    judged: dict[str, _Judged] = field(default_factory=dict)

    async def __call__(self, blueprint: NodeBlueprint) -> tuple[NodeBundle, ExecutedFacts]:
        """The files of the node, and what really running it showed."""
        judged = await asyncio.to_thread(self._judged, blueprint)
        bundle = judged.state.bundle
        if bundle is None:
            raise LookupError("a candidate without files")
        self.judged[bundle.sha256] = judged
        return bundle, judged.facts

    def _judged(self, blueprint: NodeBlueprint) -> _Judged:
        return judged_by_gates(rendered(self.state, blueprint, self.gateways), self.gateways)


async def refine_by_quorum(state: GenerationState, gateways: Gateways) -> StageOutcome:
    """Fill `state.quorum`. No votes never means approval: without enough of them the node is blocked."""
    if state.request.mode is not Mode.STRICT:
        return StageOutcome(state, f"mode {state.request.mode.value} asks no quorum", status="skipped")
    if state.blueprint is None or state.bundle is None:
        return StageOutcome(state, "no node", status="skipped")
    if state.blueprint.is_scaffold:
        return StageOutcome(state, "a scaffold goes to a person anyway: no quorum is asked", status="skipped")
    if gateways.panel is None:
        reason = "there is no panel to ask"
        return StageOutcome(decided(state, "blocked", reason), reason, status="failed")
    judge = _Judge(state, gateways)
    base = await asyncio.to_thread(judged_by_gates, state, gateways)
    candidate = Candidate(state.blueprint, state.bundle, state.request.prompt, state.gate_results, base.facts)
    outcome = await _asked(gateways.panel, replace(candidate, gate_results=base.results), state, gateways, judge)
    return _outcome(state, outcome, judge)


def judged_by_gates(state: GenerationState, gateways: Gateways) -> _Judged:
    """Run the gates of stages 4 and 6. What the sandbox answers stays with the state: stage 6 asks nothing twice."""
    context = node_context(state, gateways)
    post = registry.run_post_generation(context)
    is_blocked = any(r.is_blocking and r.status == "fail" for r in post)
    compiled = () if is_blocked else registry.run_compilation(context)
    before = tuple(r for r in state.gate_results if r.gate not in _STAGE_4)
    results = (*before, *post, *compiled)
    executed = known(context, "execute_node", Executed)
    outcomes = example_problems(context, executed) if executed else ()
    quality = quality_of(quality_facts(context, results))
    facts = ExecutedFacts(
        gates={r.gate: r.status for r in results},
        blocking_failures=tuple(r.gate for r in results if r.is_blocking and r.status == "fail"),
        examples_passed=sum(not outcome.problems for outcome in outcomes),
        examples_total=len(context.examples),
        quality_score=quality.score,
    )
    return _Judged(replace(state, gate_results=(*before, *post)), results, facts)


async def _asked(
    panel: Panel, candidate: Candidate, state: GenerationState, gateways: Gateways, judge: _Judge
) -> QuorumOutcome:
    ballots = await ask_panel(
        panel,
        candidate,
        gateways.models,
        correlation_id=state.correlation_id,
        deadline_s=gateways.model_deadline_s,
        is_budget_spent=state.is_budget_spent,
    )
    counted = tally(ballots, panel)

    def read_function(source: str, blueprint: NodeBlueprint) -> str:
        found = read_answer(source, blueprint, state)
        if found.source is None:
            raise ValueError(found.problem or "it holds no function")
        return found.source

    tried, chosen = await refine(candidate, ballots, counted, judge=judge, read_function=read_function)
    return QuorumOutcome(
        panel=panel.name,
        tally=counted,
        ballots=ballots,
        tried=tried,
        applied=chosen if counted.decision == "apply" else None,
        suggested=chosen if counted.decision == "suggest" else None,
    )


def _outcome(state: GenerationState, outcome: QuorumOutcome, judge: _Judge) -> StageOutcome:
    calls = tuple(call for ballot in outcome.ballots for call in ballot.calls)
    after = _with_edit(outcome.applied, judge) if outcome.applied else state
    after = replace(after, quorum=outcome)
    notes = [outcome.tally.reason, *map(_edit_note, outcome.tried)]
    if outcome.tally.decision == "block":
        asked = "; ".join([outcome.tally.reason, *_absent(outcome), *_deficiencies(outcome.ballots)])
        after = decided(after, "blocked", f"{asked}. Cure: {_cure(outcome, state)}")
    status: StageStatus = "failed" if after.is_decided else "completed"
    score = outcome.tally.score
    attempts = max(1, len(calls))
    return StageOutcome(after, "; ".join(notes), status, calls, quality_score=score, attempts=attempts)


def _with_edit(edit: TriedEdit, judge: _Judge) -> GenerationState:
    """The state with the files of the edit and what stage 4 says of them."""
    if edit.bundle is None:
        raise LookupError("an edit without files was chosen")
    return judge.judged[edit.bundle.sha256].state


def _edit_note(tried: TriedEdit) -> str:
    found = "better" if tried.is_better else "no different"
    return f"{tried.edit.kind} by {', '.join(tried.seats)}: {tried.problem or found}"


def _absent(outcome: QuorumOutcome) -> list[str]:
    """Who did not vote, where that is why there is no consensus; of the heaviest also the reason."""
    absent = sorted((b for b in outcome.ballots if not b.is_vote), key=lambda b: -b.weight)
    if outcome.tally.has_quorum or not absent:
        return []
    first, others = absent[0], [ballot.seat for ballot in absent[1:]]
    reason = first.abstained_because.rstrip(". ")
    named = f"{first.seat} ({reason[:_MAX_REASON_CHARS]}{'...' if len(reason) > _MAX_REASON_CHARS else ''})"
    return [f"without a vote: {', '.join([named, *others])}"]


def _cure(outcome: QuorumOutcome, state: GenerationState) -> str:
    decide = f"omniclaude review show {state.request_id} shows the votes; a person may accept or refuse"
    if outcome.tally.has_quorum:
        return decide
    seats = "omniclaude quorum panel tells what each seat needs; OMNICLAUDE_PANEL names another panel"
    return f"{seats}; {decide}"


def _deficiencies(ballots: tuple[Ballot, ...]) -> list[str]:
    found = [(b.seat, d) for b in sorted(ballots, key=lambda b: -b.weight) for d in b.deficiencies]
    return [f"{seat}: {d.file}:{d.line} {d.message}" for seat, d in found[:_MAX_NAMED]]


def waiting_for_person(state: GenerationState) -> NodeBundle | None:
    """The node that a person may accept: with the suggested edit, or the one that was blocked; None for neither."""
    if state.quorum is None:
        return None
    if state.quorum.tally.decision == "block":
        return state.bundle
    return state.quorum.suggested.bundle if state.quorum.suggested else None


def quorum_as_json(state: GenerationState) -> dict[str, Any] | None:
    """The quorum as `generate --json` and the run's metadata show it; None where none was asked."""
    outcome = state.quorum
    if outcome is None:
        return None
    tally_ = outcome.tally
    is_open = outcome.needs_person and not state.is_preview
    return {
        "panel": outcome.panel,
        "decision": tally_.decision,
        "score": tally_.score,
        "participation": round(tally_.participation, 4),
        "dispersion": tally_.dispersion,
        "reason": tally_.reason,
        "votes": [
            {
                "seat": ballot.seat,
                "model": ballot.model,
                "weight": ballot.weight,
                "score": ballot.score,
                "verdict": ballot.verdict,
                "abstained_because": ballot.abstained_because,
                "deficiencies": [vars(d) for d in ballot.deficiencies],
            }
            for ballot in outcome.ballots
        ],
        "applied_diff": outcome.applied.diff if outcome.applied else "",
        "suggested_diff": outcome.suggested.diff if outcome.suggested else "",
        "review_command": f"omniclaude review show {state.request_id}" if is_open else "",
    }
