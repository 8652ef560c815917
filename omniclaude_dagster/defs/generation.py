"""The asset `generated_node`: one op a stage, one partition a request, many partitions in one run.

The ops pass a `Work` on in memory. Partitions that are good are materialised one by one at the end; the asset's own
output is never given, because Dagster would then materialise the bad ones as well.
"""

import dagster as dg

from omniclaude_dagster.defs.gates import gate_check_specs, gate_evaluations
from omniclaude_dagster.defs.partitions import (
    BATCH_TAG,
    JOB_NAME,
    LAUNCHED_BY_SENSOR,
    LAUNCHED_BY_TAG,
    NODE_ASSET,
    OWNERS,
    REQUESTS,
)
from omniclaude_dagster.defs.report import metadata_of, reasons_table
from omniclaude_dagster.defs.session import Done, GenerationSession, Work
from omniclaude_dagster.stages.model import STAGES

GATE_CHECKS = gate_check_specs()
GATE_OUTPUTS = tuple(spec.get_python_identifier() for spec in GATE_CHECKS)
Session = dg.ResourceParam[GenerationSession]


@dg.op(description="Claim the run's requests and load what was asked.", out=dg.Out(Work))
def accept_requests(context: dg.OpExecutionContext, platform: Session) -> Work:
    """Other runs' requests may lie in the range of partitions: a batch names the run's own."""
    keys = list(context.partition_keys)
    batch_id = context.run.tags.get(BATCH_TAG)
    if batch_id is not None:
        batch = platform.ledger.batch(batch_id)
        if batch is None:
            raise dg.Failure(f"the list of requests of batch {batch_id} is gone.", allow_retries=False)
        keys = [key for key in keys if key in batch]
    is_first_try = context.run.tags.get(LAUNCHED_BY_TAG) == LAUNCHED_BY_SENSOR and not context.run.parent_run_id
    work = platform.open(keys, run_id=context.run_id, is_once=is_first_try)
    for key, reason in {**work.skipped, **work.missing}.items():
        context.log.warning(f"{key} is not generated: {reason}")
    return work


def _stage_op(number: str, name: str) -> dg.OpDefinition:
    @dg.op(
        name=f"stage_{number.replace('.', '_')}_{name}",
        description=f"Stage {number}, {name.replace('_', ' ')}, of all requests of the run.",
        out=dg.Out(Work),
        tags={"omniclaude/stage": number},
    )
    def run_stage(context: dg.OpExecutionContext, platform: Session, work: Work) -> Work:
        after = platform.advance(number, work)
        for state in after.states:
            record = state.stage_records[-1]
            context.log.info(f"{state.request_id}: {record.status} {record.message}".rstrip())
        return after

    return run_stage


STAGE_OPS = tuple(_stage_op(number, name) for number, name in STAGES)


@dg.op(description="Write records and results; let go of the requests.", out=dg.Out(Done))
def finish_generations(platform: Session, work: Work) -> Done:
    """Records before reports: what the UI shows has been kept."""
    try:
        return platform.finish(work)
    finally:
        platform.close()


@dg.op(
    description="Materialise the delivered nodes, show their gates as checks, and fail the run if one is missing.",
    # Never given: see the module's docstring.
    out={name: dg.Out(is_required=False) for name in ("result", *GATE_OUTPUTS)},
)
def report_generations(context: dg.OpExecutionContext, done: Done):  # type: ignore[no-untyped-def]
    """One failure names all bad requests; the good ones stay materialised."""
    good = {result.request_id for result in done.good}
    for result in done.results:
        event = dg.AssetMaterialization if result.request_id in good else dg.AssetObservation
        context.log_event(event(NODE_ASSET, partition=result.request_id, metadata=metadata_of(result)))
        for evaluation in gate_evaluations(result):
            # Taken by Dagster 1.13, though its signature does not say so.
            context.log_event(evaluation)  # type: ignore[arg-type]
    if done.problems:
        raise dg.Failure(
            f"{len(done.problems)} of {len(done.results) + len(done.missing)} requests were not delivered: "
            + "; ".join(f"{key} ({reason[:200]})" for key, reason in done.problems.items()),
            metadata={"not_delivered": reasons_table(done.problems.items()), "delivered": sorted(good)},
            allow_retries=False,
        )
    yield from ()


@dg.graph_asset(
    key=NODE_ASSET,
    description="An ONEX node generated from a request: contract, code, tests and manifest, judged and delivered.",
    group_name="generation",
    owners=list(OWNERS),
    kinds={"python", "onex"},
    partitions_def=REQUESTS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=GATE_CHECKS,
    metadata={"stages": [f"{number} {name}" for number, name in STAGES]},
)
def generated_node():  # type: ignore[no-untyped-def]  # noqa: D103
    work = accept_requests()
    for stage_op in STAGE_OPS:
        work = stage_op(work)
    outputs = report_generations(finish_generations(work))
    return outputs._asdict()


generate_nodes = dg.define_asset_job(
    JOB_NAME,
    selection=dg.AssetSelection.assets(NODE_ASSET),
    description="Generate the nodes of one or many requests, in one process.",
    executor_def=dg.in_process_executor,
)
