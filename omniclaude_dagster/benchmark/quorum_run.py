"""Runs `bench quorum`: prepares cases one after another, lets the panel vote about several at a time, keeps each row.

Results reach the disk one by one, so a run can be ended at any moment and goes on later.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from omniclaude_dagster.benchmark.ledger import Ledger, RunHeader
from omniclaude_dagster.benchmark.quorum_case import CaseSource, QuorumCase
from omniclaude_dagster.benchmark.quorum_row import CaseRow, EditFate
from omniclaude_dagster.benchmark.quorum_summary import panel_as_json
from omniclaude_dagster.benchmark.quorum_votes import Voter, ballots_of
from omniclaude_dagster.quorum.model import Panel
from omniclaude_dagster.quorum.tally import tally

NODES = "nodes"


@dataclass(frozen=True)
class QuorumPlan:
    """What a run is to do. `votes_sha256`: of the file that is replayed; empty for a live run."""

    data: str
    data_sha256: str
    panel: Panel
    cases: int
    seed: int = 0
    has_facts: bool = True
    votes_sha256: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the results depend on; two runs with other settings are never mixed."""
        return {
            "data": self.data,
            "data_sha256": self.data_sha256,
            "panel": panel_as_json(self.panel),
            "cases": self.cases,
            "seed": self.seed,
            "facts": self.has_facts,
            "votes_sha256": self.votes_sha256,
            "release": version("omniclaude-dagster"),
        }

    def results(self, bench_folder: Path) -> Path:
        """Where the results go unless a person names another file."""
        # A replay is compared with the run it repeats, so it lies beside it; a new release continues no old run.
        keyed = {k: v for k, v in self.settings.items() if k not in {"votes_sha256", "release"}}
        key = hashlib.sha256(json.dumps(keyed, sort_keys=True).encode()).hexdigest()[:8]
        words = "".join(c if c.isalnum() or c in ".-" else "-" for c in f"quorum-{self.data}-{self.panel.name}".lower())
        return bench_folder / f"{words[:60]}-{key}" / ("replay.jsonl" if self.votes_sha256 else "results.jsonl")

    def new_header(self) -> RunHeader:
        """A run that begins now."""
        return RunHeader(f"quorum-{self.data}-{secrets.token_hex(4)}", self.settings)


class CaseProgress(Protocol):
    """Told how far a run is. Called from the event loop's thread."""

    def begin(self, rows: Sequence[CaseRow], *, total: int) -> None:
        """The run goes on after these rows."""
        ...

    def advance(self, row: CaseRow) -> None:
        """One more case was voted about."""
        ...


@dataclass(frozen=True)
class QuorumRun:
    """One run: where cases and ballots come from, where results go. `keep` is told of each row with votes."""

    plan: QuorumPlan
    source: CaseSource
    voter: Voter
    ledger: Ledger[CaseRow]
    keep: Callable[[Sequence[CaseRow]], None] = lambda _: None
    at_once: int = 4

    async def carry_out(self, progress: CaseProgress) -> list[CaseRow]:
        """Take what is missing; all rows in the order of their slots, of at most so many cases as are wanted.

        Raises the first failure outside; what was taken until then is kept.
        """
        progress.begin([row for row in self.ledger.rows if not row.unusable], total=self.plan.cases)
        await asyncio.to_thread(self.keep, [row for row in self.ledger.rows if row.is_usable])
        # Few wait: what is prepared when the run is ended is prepared again.
        queue: asyncio.Queue[tuple[str, int, QuorumCase] | None] = asyncio.Queue(maxsize=self.at_once)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._prepare(queue))
                for _ in range(self.at_once):
                    group.create_task(self._vote(queue, progress))
        except BaseExceptionGroup as failures:
            # The workers do the same work: the first failure stands for all.
            raise failures.exceptions[0] from None
        return self.ordered()

    def ordered(self) -> list[CaseRow]:
        """The rows so far, by slot and case, however they came; those of cases beyond the wanted are left out."""
        places = {slot: place for place, slot in enumerate(self.source.slots)}
        rows = sorted((r for r in self.ledger.rows if r.slot in places), key=lambda r: (places[r.slot], r.case))
        kept, count = [], 0
        for row in rows:
            count += not row.unusable
            if count <= self.plan.cases:
                kept.append(row)
        return kept

    async def _prepare(self, queue: "asyncio.Queue[tuple[str, int, QuorumCase] | None]") -> None:
        done: dict[str, list[CaseRow]] = {}
        for row in self.ledger.rows:
            done.setdefault(row.slot, []).append(row)
        count = 0
        for slot in self.source.slots:
            if count >= self.plan.cases:
                break
            kept = done.get(slot, [])
            if kept and (kept[0].unusable or len(kept) == kept[0].slot_cases):
                count += sum(not row.unusable for row in kept)
                continue
            prepared = await self.source.prepare(slot)
            if prepared.unusable:
                self.ledger.append(CaseRow(case=slot, slot=slot, slot_cases=0, unusable=prepared.unusable))
            known = {row.case for row in kept}
            for case in prepared.cases:
                if case.case_id not in known:
                    await queue.put((slot, len(prepared.cases), case))
            count += len(prepared.cases)
        for _ in range(self.at_once):
            await queue.put(None)

    async def _vote(self, queue: "asyncio.Queue[tuple[str, int, QuorumCase] | None]", progress: CaseProgress) -> None:
        while (waiting := await queue.get()) is not None:
            slot, slot_cases, case = waiting
            row = await self._row(case, slot=slot, slot_cases=slot_cases)
            self.ledger.append(row)
            progress.advance(row)
            if row.is_usable:
                await asyncio.to_thread(self.keep, [row])

    async def _row(self, case: QuorumCase, *, slot: str, slot_cases: int) -> CaseRow:
        row = CaseRow(
            case=case.case_id,
            slot=slot,
            slot_cases=slot_cases,
            group=case.group,
            family=case.family,
            is_right=case.is_right,
            is_right_after=case.is_right,
            is_passed_by_gates=case.is_passed_by_gates,
            quality_score=case.quality_score,
        )
        recorded = await self.voter.ballots(case, row.correlation_id)
        if recorded is None:
            return row.model_copy(update={"has_votes": False})
        return await _judged(row.model_copy(update={"ballots": recorded}), case, self.plan.panel)


async def _judged(row: CaseRow, case: QuorumCase, panel: Panel) -> CaseRow:
    """The row with what its ballots add up to and what refinement made of the case."""
    ballots = ballots_of(row.ballots, panel)
    counted = tally(ballots, panel)
    tried, chosen = ((), None) if case.trial is None else await case.trial.refine(case.candidate, ballots, counted)
    fate: EditFate = "none"
    is_right_after = case.is_right
    if chosen is not None and chosen.bundle is not None and case.trial is not None:
        fate = "applied" if counted.decision == "apply" else "suggested"
        is_right_after = await case.trial.is_right(chosen.bundle)
    voted = {
        "score": counted.score,
        "participation": counted.participation,
        "decision": counted.decision,
        "reason": counted.reason,
        "edits_tried": len(tried),
        "edit": fate,
        "is_right_after": is_right_after,
    }
    return row.model_copy(update=voted)
