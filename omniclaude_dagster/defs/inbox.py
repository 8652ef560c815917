"""The sensor `request_inbox`: files, launchpad requests and interrupted generations become runs.

What is accepted, rejected or a duplicate is decided by `request.inbox`; what is due again by `sweep`.
"""

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import dagster as dg

from omniclaude_dagster.defs.generation import generate_nodes
from omniclaude_dagster.defs.ledger import Batch, Launch, Ledger
from omniclaude_dagster.defs.partitions import (
    BATCH_TAG,
    JOB_NAME,
    LAUNCHED_BY_SENSOR,
    LAUNCHED_BY_TAG,
    REQUESTS,
    range_tags,
    stretches,
)
from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.defs.sweep import is_claimed, is_under_way, settle
from omniclaude_dagster.errors import OmniClaudeError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.inbox import Inbox, InboxScan, RequestState

MAX_REQUESTS_PER_TICK = 50
# Between two ticks the daemon waits five seconds: a file that is only too young is looked at again at once.
_SECOND_LOOK_S = 1.1


@dg.sensor(
    name="request_inbox",
    job=generate_nodes,
    minimum_interval_seconds=2,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Watches the inbox folder and starts a generation for each request file, once for each content.",
)
def request_inbox(
    context: dg.SensorEvaluationContext, platform: dg.ResourceParam[GenerationSession]
) -> dg.SensorResult:
    """One tick. A wrong file is filed away with its reason, a full disk is a reason to skip; the tick stays green."""
    try:
        scan = _look(context.instance, platform.platform, platform.ledger)
        for accepted in scan.accepted:
            platform.ledger.plan(accepted)
        due = _due(context.instance, platform.platform, platform.ledger)
        return _asked_for(context.instance, platform.ledger, due) if due else dg.SensorResult(skip_reason=_why(scan))
    except OmniClaudeError as exc:
        return dg.SensorResult(skip_reason=str(exc))


def _asked_for(instance: dg.DagsterInstance, ledger: Ledger, due: Sequence[Launch]) -> dg.SensorResult:
    by_id = {launch.request_id: launch for launch in due}
    registered = instance.get_dynamic_partitions(REQUESTS.name or "")
    known = set(registered)
    new = [key for key in by_id if key not in known]
    batches = [ledger.start_batch([by_id[key] for key in keys]) for keys in stretches(by_id, registered=registered)]
    return dg.SensorResult(
        run_requests=[run_request(batch) for batch in batches],
        dynamic_partitions_requests=[REQUESTS.build_add_request(new)] if new else [],
    )


def run_request(batch: Batch) -> dg.RunRequest:
    """One run for all requests of a batch; the same batch gives the same run key."""
    keys = [launch.request_id for launch in batch.launches]
    tags = {**range_tags(keys), BATCH_TAG: batch.batch_id, LAUNCHED_BY_TAG: LAUNCHED_BY_SENSOR}
    return dg.RunRequest(run_key=batch.run_key, job_name=JOB_NAME, tags=tags)


@lru_cache(maxsize=4)
def _inbox(folder: Path, home: Path) -> Inbox:
    """One a process: it remembers which files are still growing."""
    return Inbox(folder, home)


def _look(instance: dg.DagsterInstance, platform: Platform, ledger: Ledger) -> InboxScan:
    def state_of(request_id: str, content_hash: str) -> RequestState:
        if ledger.result(request_id, content_hash) is not None:
            return "finished"
        launch = ledger.launch(request_id)
        is_launched = launch is not None and launch.content_hash == content_hash and is_under_way(instance, launch)
        return "running" if is_launched or is_claimed(platform.settings, request_id) else "unknown"

    inbox = _inbox(platform.settings.inbox_path, platform.settings.home_path)
    scan = inbox.scan(MAX_REQUESTS_PER_TICK, state_of=state_of)
    if scan.waiting and not scan.accepted:
        time.sleep(_SECOND_LOOK_S)
        scan = inbox.scan(MAX_REQUESTS_PER_TICK, state_of=state_of)
    return scan


def _due(instance: dg.DagsterInstance, platform: Platform, ledger: Ledger) -> Sequence[Launch]:
    due: list[Launch] = []
    for launch in ledger.open_launches():
        try:
            settled = settle(instance, platform, launch)
        except OmniClaudeError:
            continue
        if settled is not None:
            due.append(settled)
    return due[:MAX_REQUESTS_PER_TICK]


def _why(scan: InboxScan) -> str:
    said = [f"rejected {away.name}: {away.reason}" for away in scan.rejected]
    said += [f"{away.name}: {away.reason}" for away in scan.duplicates]
    said += [f"{name} is still being written" for name in scan.waiting[:5]]
    return "; ".join([*([scan.skip_reason] if scan.skip_reason else []), *said])[:2_000] or "no new request"
