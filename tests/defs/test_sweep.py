"""kill -9 in each stage: the next start cleans up, nothing half is in the output folder, nothing counts twice."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, text

from omniclaude_dagster.atomic_files import file_lock
from omniclaude_dagster.defs.in_process import run_in_process
from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.defs.session import run_lock_path
from omniclaude_dagster.defs.sweep import sweep_runs
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import STAGES
from tests.defs.requests import accepted

ROOT = Path(__file__).parents[2]


def killed(settings: Settings, moment: str, output: Path) -> None:
    """Run a generation in a process that is killed at this moment."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.defs.killed_run", str(settings.home_path), moment, str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -9, done.stdout + done.stderr


def recorded(settings: Settings) -> list[tuple[str, str]]:
    engine = create_engine(settings.records_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT request_id, status FROM generations ORDER BY finished_at")).all()
    engine.dispose()
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize("stage", [number for number, _ in STAGES])
def test_after_a_kill_in_a_stage_the_run_is_marked_failed_and_the_request_can_be_asked_for_again(
    stage: str, settings: Settings, platform: Platform, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    killed(settings, stage, output)
    assert not list(output.glob(".omniclaude-tmp-*"))
    with open_instance(settings) as instance:
        (before,) = instance.get_runs()
        assert before.status is dg.DagsterRunStatus.STARTED
        report = sweep_runs(instance, platform, is_server_gone=False)
        after = instance.get_run_by_id(before.run_id)
    assert report.ended_runs == (before.run_id,)
    assert after is not None
    assert after.status is dg.DagsterRunStatus.FAILURE
    assert report.failed_requests == ("killed",)
    assert recorded(settings) == [("killed", "failed")]
    (again,) = run_in_process([accepted("killed", output_dir=str(output))], settings=settings, platform=platform)
    assert again.status == "needs_review", again.error
    assert recorded(settings) == [("killed", "failed"), ("killed", "needs_review")]
    (node,) = output.iterdir()
    assert (node / "node.manifest.yaml").is_file()


def test_a_generation_that_had_reached_the_records_is_finished_from_there_and_counted_once(
    settings: Settings, platform: Platform, tmp_path: Path
) -> None:
    killed(settings, "records", tmp_path / "out")
    with open_instance(settings) as instance:
        assert sweep_runs(instance, platform, is_server_gone=False).failed_requests == ()
    assert recorded(settings) == [("killed", "needs_review")]
    kept = list((settings.home_path / "results").iterdir())
    assert [path.name for path in kept] == ["killed.json"]


def test_the_next_generation_in_a_terminal_sweeps_by_itself(
    settings: Settings, platform: Platform, tmp_path: Path
) -> None:
    killed(settings, "1", tmp_path / "out")
    run_in_process([accepted("another")], settings=settings, platform=platform)
    with open_instance(settings) as instance:
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS}


@pytest.fixture
def started(instance: dg.DagsterInstance) -> dg.DagsterRun:
    run = dg.DagsterRun(job_name="generate_nodes", run_id="a-run", status=dg.DagsterRunStatus.STARTED)
    return instance.add_run(run)


def test_a_run_that_a_live_process_works_on_is_left_alone(
    instance: dg.DagsterInstance, started: dg.DagsterRun, platform: Platform
) -> None:
    with file_lock(run_lock_path(platform.settings, started.run_id)):
        assert sweep_runs(instance, platform, is_server_gone=True).ended_runs == ()


def test_a_servers_run_is_left_alone_while_the_server_may_live(
    instance: dg.DagsterInstance, started: dg.DagsterRun, platform: Platform
) -> None:
    assert sweep_runs(instance, platform, is_server_gone=False).ended_runs == ()
    assert sweep_runs(instance, platform, is_server_gone=True).ended_runs == (started.run_id,)
