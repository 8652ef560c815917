"""The same job, run here and now: what `omniclaude generate` calls. The run is in the UI like any other."""

import asyncio
import contextlib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import dagster as dg

from omniclaude_dagster.atomic_files import file_lock, storage_error
from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.instance import file_logger, open_instance
from omniclaude_dagster.defs.partitions import (
    BATCH_TAG,
    JOB_NAME,
    LAUNCHED_BY_COMMAND,
    LAUNCHED_BY_TAG,
    REQUESTS,
    range_tags,
    stretches,
)
from omniclaude_dagster.defs.session import GenerationSession, failed_result, run_lock_path
from omniclaude_dagster.defs.sweep import sweep_runs
from omniclaude_dagster.errors import OutsideError
from omniclaude_dagster.pipeline import OnStage, Platform
from omniclaude_dagster.request.model import AcceptedRequest
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult

# Loggers take part only when the run's configuration names them.
_QUIET: Mapping[str, object] = {"loggers": {"console": {}}}


def run_in_process(
    requests: Sequence[AcceptedRequest],
    *,
    settings: Settings,
    on_stage: OnStage | None = None,
    platform: Platform | None = None,
) -> list[GenerationResult]:
    """Generate, and give one result a request in the order of `requests`, whatever became of each.

    `platform` is used and left open when given. Requests that are new to Dagster go into one run. Raises
    OmniClaudeError when the home folder or Dagster itself does not work.
    """
    work = partial(_generate, requests, settings=settings, on_stage=on_stage, platform=platform)
    if not _is_in_event_loop():
        return work()
    # Dagster runs an event loop of its own in this thread, which a notebook's thread has already.
    with ThreadPoolExecutor(1, thread_name_prefix="generate") as pool:
        return pool.submit(work).result()


def _is_in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _generate(
    requests: Sequence[AcceptedRequest],
    *,
    settings: Settings,
    on_stage: OnStage | None,
    platform: Platform | None,
) -> list[GenerationResult]:
    wanted = {accepted.request_id: accepted for accepted in requests}
    if not wanted:
        return []
    with contextlib.ExitStack() as stack:
        platform = platform or stack.enter_context(Platform(settings))
        instance = stack.enter_context(open_instance(settings))
        sweep_runs(instance, platform, is_server_gone=False)
        session = stack.enter_context(contextlib.closing(GenerationSession(platform, on_stage=on_stage)))
        for accepted in wanted.values():
            platform.requests.save(accepted)
        registered = instance.get_dynamic_partitions(REQUESTS.name or "")
        runs = stretches(wanted, registered=registered)
        instance.add_dynamic_partitions(REQUESTS.name or "", [k for k in wanted if k not in set(registered)])
        for keys in runs:
            _run_one(instance, session, [wanted[key] for key in keys])
        return [session.results.get(a.request_id) or _not_run(session, a) for a in requests]


def _run_one(instance: dg.DagsterInstance, session: GenerationSession, requests: Sequence[AcceptedRequest]) -> None:
    """One run on partitions that follow one another. What became of the requests is in the session."""
    run_id = str(uuid.uuid4())
    batch_id = f"here-{run_id}"
    session.ledger.note_batch(batch_id, requests)
    tags = {
        **range_tags([accepted.request_id for accepted in requests]),
        BATCH_TAG: batch_id,
        LAUNCHED_BY_TAG: LAUNCHED_BY_COMMAND,
    }
    with _run_lock(session, run_id), file_logger(session.platform.settings) as logger:
        try:
            ended = _job(session, logger).execute_in_process(
                instance=instance, run_id=run_id, tags=tags, run_config=_QUIET, raise_on_error=False
            )
        except dg.DagsterError as exc:
            raise OutsideError(f"Dagster could not run the generation: {exc}", cure="omniclaude doctor") from exc
        finally:
            session.close()
    if not ended.success:
        early = f"the Dagster run {run_id} ended early; see it in the UI (make dev)."
        for accepted in requests:
            session.reasons.setdefault(accepted.request_id, early)


@contextlib.contextmanager
def _run_lock(session: GenerationSession, run_id: str) -> Iterator[None]:
    """Held before the run exists, so that no sweep takes it for one whose process is dead."""
    try:
        with file_lock(run_lock_path(session.platform.settings, run_id)):
            yield
    except OSError as exc:
        raise storage_error("the run cannot be locked", exc) from exc


def _job(session: GenerationSession, logger: dg.LoggerDefinition) -> dg.JobDefinition:
    overrides: Mapping[str, object] = {"platform": dg.ResourceDefinition.hardcoded_resource(session)}
    settings = session.platform.settings
    defs = build_defs(settings=settings, resource_overrides=overrides, loggers={"console": logger})
    return defs.resolve_job_def(JOB_NAME)


def _not_run(session: GenerationSession, accepted: AcceptedRequest) -> GenerationResult:
    reason = session.reasons.get(accepted.request_id, "the generation did not start.")
    return failed_result(session.platform, accepted, reason)
