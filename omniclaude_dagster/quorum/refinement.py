"""Proposed edits prove themselves by execution. Votes only say which is tried first, and break ties.

    edits of the ballots -> the same ones joined -> applied to the typed node -> judged (gates, examples, quality)
        -> anything worse than the candidate: dropped, with the reason
        -> strictly better, or no different and wanted by half of the present weight: may be chosen
        -> the best by execution; of equals the one with more weight behind it; of these the first seat's

Nothing here renders, runs or publishes; `judge` does, and the caller decides by the tally whether the chosen edit is
applied or only suggested.
"""

import difflib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.gates.report import GateStatus
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.quorum.edits import EditError, ReadFunction, apply_edit, edit_key
from omniclaude_dagster.quorum.model import Ballot, Candidate, ExecutedFacts, ProposedEdit, Tally, TriedEdit
from omniclaude_dagster.quorum.tally import EPSILON, reaches

MAX_TRIED = 5
MAX_DIFF_CHARS = 20_000
# An edit that changes nothing that can be measured needs this share of the present weight behind it.
MIN_SUPPORT = 0.5
# Hashes of all other files: its part of a diff would only repeat them.
_NOT_COMPARED = "node.manifest.yaml"
_LOGIC = "logic.py"
_RANKS: dict[GateStatus, int] = {"pass": 2, "warn": 1, "fail": 0, "skipped": 0}

type Judge = Callable[[NodeBlueprint], Awaitable[tuple[NodeBundle, ExecutedFacts]]]


@dataclass(frozen=True)
class _Proposal:
    """One distinct edit: who proposed it, and the node with it, or why there is none."""

    edit: ProposedEdit
    seats: tuple[str, ...]
    support: float
    blueprint: NodeBlueprint | None
    problem: str


async def refine(
    candidate: Candidate, ballots: Sequence[Ballot], tally: Tally, *, judge: Judge, read_function: ReadFunction
) -> tuple[tuple[TriedEdit, ...], TriedEdit | None]:
    """Try the edits of all votes, at most MAX_TRIED, in order of support; give all of them, and the chosen one.

    Where the decision is to block nothing is chosen; what was tried is kept for the person who is asked.
    """
    tried: list[TriedEdit] = []
    left = MAX_TRIED
    for proposal in _proposals(candidate, ballots, read_function):
        if proposal.blueprint is None:
            tried.append(_untried(proposal, proposal.problem))
        elif left == 0:
            tried.append(_untried(proposal, f"not tried: at most {MAX_TRIED} edits are"))
        else:
            left -= 1
            tried.append(await _tried(candidate, proposal, proposal.blueprint, judge))
    chosen = None if tally.decision == "block" else _chosen(tried)
    return tuple(tried), chosen


def worsened(base: ExecutedFacts, new: ExecutedFacts) -> list[str]:
    """What is worse in the new facts, in words; empty for nothing."""
    gates = [
        f"{gate} {status} -> {new.gates.get(gate, 'skipped')}"
        for gate, status in base.gates.items()
        if _RANKS[new.gates.get(gate, "skipped")] < _RANKS[status]
    ]
    blocking = sorted(set(new.blocking_failures) - set(base.blocking_failures))
    return [
        *gates,
        *(f"{gate} now blocks" for gate in blocking),
        *([f"examples {base.examples_passed} -> {new.examples_passed}"] if _loses_examples(base, new) else []),
        *(
            [f"quality {base.quality_score:.4f} -> {new.quality_score:.4f}"]
            if new.quality_score < base.quality_score - EPSILON
            else []
        ),
    ]


def is_improved(base: ExecutedFacts, new: ExecutedFacts) -> bool:
    """Whether nothing is worse and something is strictly better."""
    has_better_gate = any(
        _RANKS[status] > _RANKS[base.gates.get(gate, "skipped")] for gate, status in new.gates.items()
    )
    return not worsened(base, new) and (
        has_better_gate
        or len(new.blocking_failures) < len(base.blocking_failures)
        or new.examples_passed > base.examples_passed
        or new.quality_score > base.quality_score + EPSILON
    )


def bundle_diff(base: NodeBundle, new: NodeBundle, *, max_chars: int = MAX_DIFF_CHARS) -> str:
    """What changes in the files, as a unified diff, the logic first; the manifest, which follows them, is left out."""
    parts: list[str] = []
    for path in sorted({*base.files, *new.files} - {_NOT_COMPARED}, key=lambda path: (path != _LOGIC, path)):
        before, after = base.files.get(path, b""), new.files.get(path, b"")
        if before != after:
            parts += difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
    text = "".join(line if line.endswith("\n") else f"{line}\n" for line in parts)
    if len(text) <= max_chars:
        return text
    note = f"... cut: {len(text)} characters in all\n"
    return text[: max(0, max_chars - len(note))] + note


def _proposals(candidate: Candidate, ballots: Sequence[Ballot], read_function: ReadFunction) -> list[_Proposal]:
    """The distinct edits, most supported first; of equals the one of the earlier seat."""
    present = math.fsum(ballot.weight for ballot in ballots if ballot.is_vote)
    found: dict[str, list[_Proposal]] = {}
    for ballot in ballots:
        if ballot.is_vote and ballot.edit is not None:
            blueprint, problem = _applied(candidate, ballot.edit, read_function)
            share = ballot.weight / present
            proposal = _Proposal(ballot.edit, (ballot.seat,), share, blueprint, problem)
            found.setdefault(_key(proposal), []).append(proposal)
    joined = [
        replace(
            same[0],
            seats=tuple(seat for p in same for seat in p.seats),
            support=min(1.0, math.fsum(p.support for p in same)),
        )
        for same in found.values()
    ]
    return sorted(joined, key=lambda p: -round(p.support, 9))


def _applied(candidate: Candidate, edit: ProposedEdit, read_function: ReadFunction) -> tuple[NodeBlueprint | None, str]:
    try:
        return apply_edit(candidate.blueprint, edit, read_function=read_function), ""
    except EditError as exc:
        return None, str(exc)


def _key(proposal: _Proposal) -> str:
    """Bodies are compared as they were read: fences and talk around them are no difference."""
    edit, applied = proposal.edit, proposal.blueprint
    if applied is None or edit.kind != "replace_logic":
        return edit_key(edit)
    return edit_key(replace(edit, source=applied.logic.source or ""))


async def _tried(candidate: Candidate, proposal: _Proposal, blueprint: NodeBlueprint, judge: Judge) -> TriedEdit:
    try:
        bundle, facts = await judge(blueprint)
    except (SyntaxError, OmniClaudeError) as exc:
        return _untried(proposal, f"it cannot be judged: {exc}")
    worse = worsened(candidate.facts, facts)
    return TriedEdit(
        edit=proposal.edit,
        seats=proposal.seats,
        support=proposal.support,
        is_better=is_improved(candidate.facts, facts),
        is_worse=bool(worse),
        problem=f"worse: {', '.join(worse)}" if worse else "",
        diff=bundle_diff(candidate.bundle, bundle),
        blueprint=blueprint,
        bundle=bundle,
        facts=facts,
    )


def _untried(proposal: _Proposal, problem: str) -> TriedEdit:
    return TriedEdit(edit=proposal.edit, seats=proposal.seats, support=proposal.support, problem=problem)


def _chosen(tried: Sequence[TriedEdit]) -> TriedEdit | None:
    """The best by execution; `tried` is in order of support and seats, which decides between equals."""
    fit = [t for t in tried if t.facts is not None and not t.is_worse]
    wanted = [t for t in fit if t.is_better or reaches(t.support, MIN_SUPPORT)]
    return min(wanted, key=_place, default=None)


def _place(tried: TriedEdit) -> tuple[int, int, int, float, bool]:
    facts = tried.facts
    if facts is None:
        raise LookupError("an edit that was not executed has no place")
    failed = sum(status == "fail" for status in facts.gates.values())
    quality = round(facts.quality_score, 9)
    return (len(facts.blocking_failures), failed, -facts.examples_passed, -quality, not tried.is_better)


def _loses_examples(base: ExecutedFacts, new: ExecutedFacts) -> bool:
    return new.examples_passed < base.examples_passed


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines(keepends=True)
