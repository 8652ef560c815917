"""After a kill: runs that nobody works on any more are ended, and their requests are resumed or marked failed.

A request whose generation had reached the records is finished from there, so that its cost is counted once. What a
person cancelled, or started in a terminal, is not resumed.
"""

import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import dagster as dg

from omniclaude_dagster.atomic_files import file_lock
from omniclaude_dagster.defs.ledger import MAX_ATTEMPTS, Launch, Ledger, correlation_of
from omniclaude_dagster.defs.partitions import BATCH_TAG, LAUNCHED_BY_COMMAND, LAUNCHED_BY_TAG
from omniclaude_dagster.defs.session import run_lock_path
from omniclaude_dagster.errors import OmniClaudeError, RecordsUnavailableError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult
from omniclaude_dagster.stages.state import decided, new_state

logger = logging.getLogger(__name__)

_STARTED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
_UNFINISHED = [*_STARTED, dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED]
_MAX_RUNS = 200
_INTERRUPTED = "interrupted: the process that worked on it was killed."


@dataclass(frozen=True)
class SweepReport:
    """Run ids that were marked failed, and request ids whose generation was marked failed."""

    ended_runs: tuple[str, ...] = ()
    failed_requests: tuple[str, ...] = ()


def sweep_runs(instance: dg.DagsterInstance, platform: Platform, *, is_server_gone: bool) -> SweepReport:
    """End the runs whose process is dead. `is_server_gone`: no Dagster server runs, so neither do its starting runs.

    A process that works on a run holds the run's lock; a run in a terminal has it before the run exists.
    """
    ended: list[str] = []
    failed: list[str] = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_STARTED), limit=_MAX_RUNS):
        is_ours = run.tags.get(LAUNCHED_BY_TAG) == LAUNCHED_BY_COMMAND
        if not (is_ours or is_server_gone) or is_locked(platform.settings, run.run_id):
            continue
        instance.report_run_failed(run, f"{_INTERRUPTED} Marked failed at the next start.")
        ended.append(run.run_id)
        if is_ours:
            failed += _end_requests(platform, run)
    if ended:
        logger.warning("%d interrupted runs were marked failed", len(ended))
    return SweepReport(tuple(ended), tuple(failed))


def settle(instance: dg.DagsterInstance, platform: Platform, launch: Launch) -> Launch | None:
    """Decide on an open launch: the launch that is due now, or None when it is under way or has come to its end."""
    accepted = _accepted(platform, launch)
    ledger = Ledger(platform.settings.home_path)
    if accepted is None or ledger.result(launch.request_id, launch.content_hash) is not None:
        ledger.close(launch)
        return None
    runs = runs_of(instance, launch)
    if not runs:
        return launch
    if any(run.status in _UNFINISHED for run in runs) or is_claimed(platform.settings, launch.request_id):
        return None
    if _finished_in_records(platform, accepted, runs):
        return None
    is_cancelled = runs[0].status is dg.DagsterRunStatus.CANCELED
    if launch.attempt < MAX_ATTEMPTS and not is_cancelled:
        return ledger.plan_again(launch)
    reason = "cancelled by a person." if is_cancelled else f"{_INTERRUPTED} It was tried {launch.attempt} times."
    mark_failed(platform, accepted, runs[0].run_id, reason)
    return None


def runs_of(instance: dg.DagsterInstance, launch: Launch) -> list[dg.DagsterRun]:
    """The runs that were started for a launch, newest first."""
    if launch.batch_id is None:
        return []
    return list(instance.get_runs(dg.RunsFilter(tags={BATCH_TAG: launch.batch_id}), limit=10))


def is_under_way(instance: dg.DagsterInstance, launch: Launch) -> bool:
    """Whether a run of the launch is queued or running."""
    return any(run.status in _UNFINISHED for run in runs_of(instance, launch))


def mark_failed(platform: Platform, accepted: AcceptedRequest, run_id: str, reason: str) -> GenerationResult:
    """Write a failed result and its record, once for each run and request. Raises StorageError."""
    state = new_state(accepted, artifacts_path=platform.settings.artifacts_path, run_id=run_id)
    state = replace(state, correlation_id=correlation_of(run_id, accepted.request_id))
    result = platform.finish(decided(state, "failed", reason))
    Ledger(platform.settings.home_path).keep_result(result, content_hash=accepted.content_hash)
    return result


def is_locked(settings: Settings, run_id: str) -> bool:
    """Whether a live process works on the run."""
    path = run_lock_path(settings, run_id)
    # Most runs have no lock file at all, and asking must not make one.
    if not path.exists():
        return False
    with file_lock(path) as was_free:
        return not was_free


def is_claimed(settings: Settings, request_id: str) -> bool:
    """Whether a live process works on the request."""
    path = settings.home_path / "locks" / f"{request_id}.lock"
    if not path.exists():
        return False
    with file_lock(path) as was_free:
        return not was_free


def _end_requests(platform: Platform, run: dg.DagsterRun) -> list[str]:
    ledger = Ledger(platform.settings.home_path)
    failed: list[str] = []
    for request_id, content_hash in (ledger.batch(run.tags.get(BATCH_TAG, "")) or {}).items():
        if ledger.result(request_id, content_hash) is not None or is_claimed(platform.settings, request_id):
            continue
        with suppress(OmniClaudeError):
            accepted = platform.requests.load(request_id)
            if accepted is None or accepted.content_hash != content_hash:
                continue
            if not _finished_in_records(platform, accepted, [run]):
                mark_failed(platform, accepted, run.run_id, f"{_INTERRUPTED} Ask again to generate it.")
                failed.append(request_id)
    return failed


def _finished_in_records(platform: Platform, accepted: AcceptedRequest, runs: Iterable[dg.DagsterRun]) -> bool:
    """Killed after its records were written and before its result was: the records have the result."""
    try:
        latest = platform.records.latest(accepted.request_id)
    except RecordsUnavailableError:
        return False
    expected = {str(correlation_of(run.run_id, accepted.request_id)) for run in runs}
    if latest is None or latest.correlation_id not in expected:
        return False
    Ledger(platform.settings.home_path).keep_result(latest, content_hash=accepted.content_hash)
    return True


def _accepted(platform: Platform, launch: Launch) -> AcceptedRequest | None:
    try:
        accepted = platform.requests.load(launch.request_id)
    except OmniClaudeError:
        return None
    return accepted if accepted is not None and accepted.content_hash == launch.content_hash else None
