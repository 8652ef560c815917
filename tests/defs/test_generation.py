"""One real run with every outcome in it, and a partition of somebody else's between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_spec import AssetCheckKey
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord

from omniclaude_dagster.defs.gates import check_name
from omniclaude_dagster.defs.in_process import run_in_process
from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.defs.partitions import NODE_ASSET, REQUESTS
from omniclaude_dagster.gates.registry import GATES
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import STAGES, GenerationResult
from tests.defs.requests import accepted

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("defs_run")]

BLOCKED = "cannot-write"
REVIEW = "nobody-knows-how"
KINDS = {
    "writes-rows": ("EFFECT", "Create EFFECT node for PostgreSQL writes"),
    "makes-slugs": ("COMPUTE", "Create a COMPUTE node that turns a title into a URL slug"),
    "counts-orders": ("REDUCER", "Create a REDUCER node that counts orders per customer"),
    "runs-steps": (
        "ORCHESTRATOR",
        "Create an ORCHESTRATOR node that validates an order, then charges it, then ships it",
    ),
}


@dataclass
class Run:
    """What one run left."""

    results: list[GenerationResult]
    stages_seen: list[str]
    run: dg.DagsterRun
    events: Sequence[dg.EventLogEntry]
    materialized: dict[str, dict[str, object]]
    checks: dict[str, list[AssetCheckExecutionRecord]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, warm_sandbox: BubblewrapSandbox) -> Iterator[Run]:
    settings = Settings(home=tmp_path_factory.mktemp("run") / "home")
    requests = [accepted(key, prompt) for key, (_, prompt) in KINDS.items()]
    requests.insert(1, accepted(BLOCKED, output_dir="/proc/nowhere"))
    requests.append(accepted(REVIEW, "Create a COMPUTE node that scores how trustworthy a supplier is"))
    seen: list[str] = []
    with open_instance(settings) as instance:
        instance.add_dynamic_partitions(REQUESTS.name or "", ["somebody-else"])
    platform = Platform(settings, sandbox=warm_sandbox)
    results = run_in_process(
        requests, settings=settings, platform=platform, on_stage=lambda s: seen.append(s.stage_records[-1].stage)
    )
    platform.records.close()
    with open_instance(settings) as instance:
        record = instance.get_run_records(limit=1)[0]
        found = instance.fetch_materializations(NODE_ASSET, limit=100).records
        yield Run(
            results=results,
            stages_seen=seen,
            run=record.dagster_run,
            events=instance.all_logs(record.dagster_run.run_id),
            materialized={
                m.partition_key or "": dict(m.asset_materialization.metadata) for m in found if m.asset_materialization
            },
            checks={
                gate.id: list(
                    instance.event_log_storage.get_asset_check_execution_history(
                        AssetCheckKey(NODE_ASSET, check_name(gate.id)), limit=50
                    )
                )
                for gate in GATES
            },
        )


def test_results_come_in_the_order_of_the_requests_also_when_the_run_failed(run: Run) -> None:
    ids = [result.request_id for result in run.results]
    assert ids == ["writes-rows", BLOCKED, "makes-slugs", "counts-orders", "runs-steps", REVIEW]


@pytest.mark.parametrize(("key", "kind"), [(key, kind) for key, (kind, _) in KINDS.items()])
def test_each_kind_is_delivered_and_materialised(run: Run, key: str, kind: str) -> None:
    result = next(r for r in run.results if r.request_id == key)
    assert result.node["kind"] == kind
    assert result.status in {"published", "needs_review"}, result.error
    assert Path(result.node["path"], "contract.yaml").is_file()
    assert key in run.materialized


def test_a_published_node_has_passed_every_gate(run: Run) -> None:
    result = next(r for r in run.results if r.request_id == "writes-rows")
    assert result.status == "published", result.error
    assert {gate["status"] for gate in result.gates} == {"pass"}


def test_an_unfilled_operation_needs_review_and_is_materialised_as_such(run: Run) -> None:
    result = next(r for r in run.results if r.request_id == REVIEW)
    assert result.status == "needs_review"
    assert run.materialized[REVIEW]["status"].value == "needs_review"  # type: ignore[attr-defined]


def test_a_blocked_request_is_not_materialised_and_its_neighbours_are(run: Run) -> None:
    assert set(run.materialized) == {*KINDS, REVIEW}


def test_each_partition_is_materialised_once(run: Run) -> None:
    told = [
        e.dagster_event.partition for e in run.events if e.dagster_event and e.dagster_event.is_step_materialization
    ]
    assert sorted(told) == sorted({*KINDS, REVIEW})


def test_the_run_is_red_and_its_failure_names_the_blocked_request_alone(run: Run) -> None:
    assert run.run.status is dg.DagsterRunStatus.FAILURE
    failures = [
        e.dagster_event.step_failure_data for e in run.events if e.dagster_event and e.dagster_event.is_step_failure
    ]
    assert len(failures) == 1
    told = failures[0].user_failure_data
    assert told is not None
    assert told.description is not None
    assert BLOCKED in told.description
    assert not [key for key in KINDS if key in told.description]
    assert "not_delivered" in told.metadata


def test_the_blocked_request_leaves_an_observation_with_its_reason(run: Run) -> None:
    seen = [e.dagster_event for e in run.events if e.dagster_event and e.dagster_event.is_asset_observation]
    assert [event.partition for event in seen] == [BLOCKED]
    metadata = seen[0].asset_observation_data.asset_observation.metadata
    assert "G6" in str(metadata["reason"].value)


def test_a_materialisation_says_what_a_person_asks(run: Run) -> None:
    told = run.materialized["writes-rows"]
    assert {"files", "stages", "gates", "quality", "quality_score", "cost_usd", "duration_ms", "path"} <= set(told)
    assert "contract.yaml" in str(told["files"].value)  # type: ignore[attr-defined]
    assert "file\\_writing" in str(told["stages"].value)  # type: ignore[attr-defined]


@pytest.mark.parametrize("gate_id", [gate.id for gate in GATES])
def test_each_gate_is_a_check_of_each_partition(run: Run, gate_id: str) -> None:
    said = {
        (record.partition, record.status.value) for record in run.checks[gate_id] if record.partition == "writes-rows"
    }
    assert said == {("writes-rows", "SUCCEEDED")}


def test_a_failed_gate_is_a_failed_check_of_its_own_partition_only(run: Run) -> None:
    failed = {record.partition for record in run.checks["G6"] if record.status.value == "FAILED"}
    assert failed == {BLOCKED}


def test_a_gate_that_was_not_reached_has_not_passed(run: Run) -> None:
    said = {record.partition: record.status.value for record in run.checks["G14"]}
    assert said[BLOCKED] == "FAILED"


def test_no_check_is_left_open_and_strangers_have_none(run: Run) -> None:
    records = [record for records in run.checks.values() for record in records]
    assert {record.status.value for record in records} <= {"SUCCEEDED", "FAILED"}
    assert "somebody-else" not in {record.partition for record in records}


def test_progress_is_told_after_each_stage_of_each_request(run: Run) -> None:
    assert sorted(run.stages_seen) == sorted(number for number, _ in STAGES for _ in run.results)


def test_the_run_carries_its_requests_in_its_tags(run: Run) -> None:
    assert run.run.tags["omniclaude/launched_by"] == "command_line"
    assert run.run.tags["dagster/asset_partition_range_start"] == "writes-rows"
