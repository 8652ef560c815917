"""Looks at the instance from outside: which stage the newest run is in. For progress only; changes nothing."""

import dagster as dg

from omniclaude_dagster.defs.generation import STAGE_OPS
from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.settings import Settings

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_STAGE_OF_OP = {op.name: op.tags["omniclaude/stage"] for op in STAGE_OPS}


def running_stage(settings: Settings) -> str | None:
    """Number of the stage that the newest unfinished run works on, or None."""
    with open_instance(settings) as instance:
        started = instance.get_run_records(
            dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]), limit=1, ascending=False
        )
        if not started:
            return None
        steps = instance.get_run_step_stats(started[0].dagster_run.run_id)
    running = [_STAGE_OF_OP.get(s.step_key.rpartition(".")[2]) for s in steps if s.start_time and not s.end_time]
    return next((number for number in running if number), None)


def has_unfinished_runs(settings: Settings) -> bool:
    """Whether a run is queued or under way. Results exist a moment before their run has reported them."""
    with open_instance(settings) as instance:
        return bool(instance.get_run_ids(dg.RunsFilter(statuses=_UNFINISHED), limit=1))
