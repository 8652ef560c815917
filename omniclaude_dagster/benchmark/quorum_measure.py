"""The assembly of `bench quorum`: what was asked for in, the figures out. Prints nothing."""

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.judge import HiddenTestJudge
from omniclaude_dagster.benchmark.ledger import Ledger, open_ledger_of, read_header
from omniclaude_dagster.benchmark.platform import BenchmarkPlatform
from omniclaude_dagster.benchmark.quorum_case import CaseSource
from omniclaude_dagster.benchmark.quorum_functions import FunctionCases
from omniclaude_dagster.benchmark.quorum_nodes import NodeCases
from omniclaude_dagster.benchmark.quorum_records import RECORDS, cases_from_votes, vote_rows
from omniclaude_dagster.benchmark.quorum_row import CaseRow
from omniclaude_dagster.benchmark.quorum_run import NODES, CaseProgress, QuorumPlan, QuorumRun
from omniclaude_dagster.benchmark.quorum_summary import summary_of
from omniclaude_dagster.benchmark.quorum_votes import LivePanel, RecordedVotes, Voter, read_votes, write_votes_file
from omniclaude_dagster.benchmark.run import BenchmarkFolders
from omniclaude_dagster.benchmark.solution_gateway import SOLUTION_MODEL, SolutionGateway
from omniclaude_dagster.benchmark.tasks import DataSet, read_data_set
from omniclaude_dagster.errors import RequestError, SandboxUnavailableError
from omniclaude_dagster.providers.chains import Chains
from omniclaude_dagster.providers.gateway import build_gateway
from omniclaude_dagster.providers.model import ModelGateway
from omniclaude_dagster.quorum.panel import build_panel
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings

VOTES_FILE = "votes.jsonl"
KNOWN_FIRST = "run `omniclaude bench quorum` or `omniclaude bench code` first, with the same records"

# Told that results are there already: how many, and where.
OnResumed = Callable[[int, Path], None]


@dataclass(frozen=True)
class Asked:
    """What a person asked to be measured. `data` None means nodes; `votes` replays a file and asks no model."""

    cases: int
    data: Path | None = None
    votes: Path | None = None
    golden: Path | None = None
    results: Path | None = None
    seed: int = 0
    has_facts: bool = True
    is_fresh: bool = False


def measure(
    asked: Asked, settings: Settings, *, progress: CaseProgress, on_resumed: OnResumed = lambda *_: None
) -> dict[str, Any]:
    """Carry it out; the figures. Raises RequestError, ConfigurationError or OutsideError with a cure."""
    panel = build_panel(settings)
    votes = read_votes(asked.votes, panel) if asked.votes else None
    data = read_data_set(asked.data) if asked.data else None
    with BubblewrapSandbox(settings.sandbox_workers, cache_path=settings.cache_path) as sandbox:
        reason = sandbox.unavailable_reason()
        if reason is not None:
            raise SandboxUnavailableError(reason, cure="cases are executed in the sandbox; see omniclaude doctor")
        nodes = NodeCases(sandbox, asked.cases, asked.seed, asked.golden)
        plan = QuorumPlan(
            data=data.name if data else NODES,
            data_sha256=data.sha256 if data else _sha256(nodes.slots),
            panel=panel,
            cases=asked.cases,
            seed=asked.seed,
            has_facts=asked.has_facts,
            votes_sha256=votes.sha256 if votes else "",
        )
        path = (asked.results or plan.results(BenchmarkFolders.of(settings).root)).expanduser().absolute()
        is_fresh = asked.is_fresh or (votes is not None and _holds(path, plan))
        with contextlib.ExitStack() as stack:
            ledger = stack.enter_context(open_ledger_of(CaseRow, path, plan.new_header(), is_fresh=is_fresh))
            if ledger.rows:
                on_resumed(len(ledger.rows), path)
            source = nodes if data is None else stack.enter_context(_functions(data, plan, settings, sandbox, ledger))
            voting = stack.enter_context(_voting(plan, votes, ledger, settings))
            run = QuorumRun(plan, source, voting.voter, ledger, voting.keep, settings.max_concurrency)
            rows = asyncio.run(_ended(run, progress, voting, sandbox))
            return {**_named(plan, ledger), **summary_of(rows, panel)}


def figures_from_records(settings: Settings) -> dict[str, Any]:
    """The figures of the votes in the records whose truth is known. Raises RequestError when there are none."""
    panel = build_panel(settings)
    with contextlib.closing(RecordsStore(settings.records_url, settings.home_path / "spool")) as records:
        rows = cases_from_votes(records.known_votes(), panel)
    if not rows:
        raise RequestError(f"the records hold no votes of the panel {panel.name} with known truth.", cure=KNOWN_FIRST)
    return {"settings": {"data": RECORDS, "panel": panel.name}, **summary_of(rows, panel, has_gates=False)}


@contextlib.contextmanager
def _functions(
    data: DataSet, plan: QuorumPlan, settings: Settings, sandbox: Sandbox, ledger: Ledger[CaseRow]
) -> Iterator[CaseSource]:
    gateway = SolutionGateway()
    chains = Chains().only(SOLUTION_MODEL)
    with BenchmarkPlatform(
        settings, chains=chains, is_recorded=False, models=gateway, sandbox=sandbox, on_start=gateway.begin
    ) as platform:
        yield FunctionCases(
            data=data,
            platform=platform,
            solutions=gateway,
            judge=HiddenTestJudge(sandbox, BenchmarkFolders.of(settings).expected),
            run_id=ledger.header.run_id,
            nodes_path=ledger.path.parent / "nodes",
            seed=plan.seed,
        )


@dataclass(frozen=True)
class _Voting:
    """Who votes, where usable rows are kept, and what to close inside the event loop."""

    voter: Voter
    keep: Callable[[Sequence[CaseRow]], None] = lambda _: None
    models: ModelGateway | None = None


@contextlib.contextmanager
def _voting(
    plan: QuorumPlan, votes: RecordedVotes | None, ledger: Ledger[CaseRow], settings: Settings
) -> Iterator[_Voting]:
    """Votes of a live panel go into the records and, whatever happens, into a file beside the results."""
    if votes is not None:
        yield _Voting(votes)
        return
    models = build_gateway(settings)
    voter = LivePanel(plan.panel, models, settings.stage_deadline_s, plan.has_facts)
    with contextlib.closing(RecordsStore(settings.records_url, settings.home_path / "spool")) as records:

        def keep(rows: Sequence[CaseRow]) -> None:
            records.write_votes(vote_rows(rows, run_id=ledger.header.run_id, panel=plan.panel))

        try:
            yield _Voting(voter, keep, models)
        finally:
            write_votes_file(ledger.path.with_name(VOTES_FILE), ledger.rows)


async def _ended(run: QuorumRun, progress: CaseProgress, voting: _Voting, sandbox: BubblewrapSandbox) -> list[CaseRow]:
    try:
        return await run.carry_out(progress)
    finally:
        # After an interrupt threads still wait for the sandbox; this lets them go at once.
        sandbox.close()
        if voting.models is not None:
            await voting.models.close()


def _named(plan: QuorumPlan, ledger: Ledger[CaseRow]) -> dict[str, Any]:
    return {
        "run_id": ledger.header.run_id,
        "settings": plan.settings,
        "results": str(ledger.path),
        "votes": None if plan.votes_sha256 else str(ledger.path.with_name(VOTES_FILE)),
    }


def _holds(path: Path, plan: QuorumPlan) -> bool:
    """Whether a replay would replace a replay of the same votes: it costs nothing, so it always begins again."""
    header = read_header(path)
    return header is not None and header.settings == plan.settings


def _sha256(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
