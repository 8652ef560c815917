"""The same job in the caller's process."""

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import create_engine, text

from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.in_process import run_in_process
from omniclaude_dagster.defs.instance import DAGSTER_YAML, open_instance
from omniclaude_dagster.defs.partitions import NODE_ASSET, REQUESTS
from omniclaude_dagster.defs.session import GenerationSession
from omniclaude_dagster.errors import OutsideError, StorageError
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.settings import Settings
from tests.defs.requests import accepted

_OPENS = """
import sys
from pathlib import Path
from omniclaude_dagster.defs.instance import open_instance
from omniclaude_dagster.settings import Settings

print("ready", flush=True)
sys.stdin.readline()
with open_instance(Settings(home=Path(sys.argv[1]))) as instance:
    instance.get_runs_count()
"""


def test_processes_that_open_a_fresh_home_at_once_leave_it_usable(settings: Settings) -> None:
    """Without the lock each of them marks the databases as new, and none can ever be opened again."""
    command = [sys.executable, "-W", "error::DeprecationWarning:omniclaude_dagster", "-c", _OPENS, str(settings.home)]
    openers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    with ThreadPoolExecutor(len(openers)) as pool:
        said = list(pool.map(lambda opener: opener.communicate("go\n", timeout=120)[1], openers))
    assert [opener.returncode for opener in openers] == [0] * len(openers), said
    with open_instance(settings) as instance:
        assert instance.get_runs_count() == 0


def test_damaged_databases_of_dagster_are_told_with_a_cure(settings: Settings) -> None:
    with open_instance(settings):
        pass
    engine = create_engine(f"sqlite:///{settings.dagster_home_path / 'history' / 'runs.db'}")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version VALUES ('another')"))
    engine.dispose()
    with pytest.raises(OutsideError, match="are damaged") as told, open_instance(settings):
        pass
    assert "history and schedules" in told.value.cure


def test_no_request_is_no_run(settings: Settings) -> None:
    assert run_in_process([], settings=settings) == []
    assert not settings.home_path.exists()


def test_nothing_is_written_to_the_terminal(
    settings: Settings, platform: Platform, capfd: pytest.CaptureFixture[str]
) -> None:
    requests = [accepted("good"), accepted("bad", output_dir="/proc/nowhere")]
    good, bad = run_in_process(requests, settings=settings, platform=platform)
    assert (good.status, bad.status) == ("needs_review", "blocked")
    assert capfd.readouterr().out == ""
    assert "bad" in (settings.home_path / "logs" / "dagster.log").read_text()


def test_results_are_kept_with_the_hash_of_what_was_asked(settings: Settings, platform: Platform) -> None:
    asked = accepted("kept")
    (result,) = run_in_process([asked], settings=settings, platform=platform)
    document = json.loads((settings.home_path / "results" / "kept.json").read_text())
    assert document["content_hash"] == asked.content_hash
    assert document["result"] == result.model_dump(mode="json")


def test_the_records_name_the_dagster_run(settings: Settings, platform: Platform) -> None:
    run_in_process([accepted("kept")], settings=settings, platform=platform)
    with open_instance(settings) as instance:
        (run,) = instance.get_runs()
    assert platform.records.latest("kept") is not None
    engine = create_engine(settings.records_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT run_id FROM generations")).scalars().all() == [run.run_id]
    engine.dispose()


def test_a_request_under_way_elsewhere_gives_a_conflict_and_the_others_are_generated(
    settings: Settings, platform: Platform
) -> None:
    with platform.requests.claim("busy"):
        busy, free = run_in_process([accepted("busy"), accepted("free")], settings=settings, platform=platform)
    assert busy.status == "failed"
    assert "another process" in (busy.error or "")
    assert free.status == "needs_review"
    with open_instance(settings) as instance:
        assert instance.get_materialized_partitions(NODE_ASSET) == {"free"}
        assert instance.get_runs()[0].status is dg.DagsterRunStatus.SUCCESS


def test_old_and_new_requests_together_come_back_in_order(settings: Settings, platform: Platform) -> None:
    for key in ("a", "b", "c"):
        run_in_process([accepted(key)], settings=settings, platform=platform)
    results = run_in_process([accepted(k) for k in ("d", "c", "a")], settings=settings, platform=platform)
    assert [result.request_id for result in results] == ["d", "c", "a"]
    assert {result.status for result in results} == {"needs_review"}


def test_a_person_can_materialise_a_partition_again_from_the_ui(settings: Settings, platform: Platform) -> None:
    (first,) = run_in_process([accepted("one")], settings=settings, platform=platform)
    with open_instance(settings) as instance, closing(GenerationSession(platform)) as session:
        instance.add_dynamic_partitions(REQUESTS.name or "", ["somebody-else"])
        overrides = {"platform": dg.ResourceDefinition.hardcoded_resource(session)}
        # What the UI's button launches: the implicit job, the partition's name in a tag, none of our own tags.
        job = build_defs(settings=settings, resource_overrides=overrides).resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(instance=instance, partition_key="one").success
        assert len(instance.fetch_materializations(NODE_ASSET, limit=10).records) == 2
    assert session.results["one"].correlation_id != first.correlation_id


def test_it_also_runs_where_an_event_loop_is_running(settings: Settings, platform: Platform) -> None:
    async def in_a_notebook() -> str:
        (result,) = run_in_process([accepted("one")], settings=settings, platform=platform)
        return result.status

    assert asyncio.run(in_a_notebook()) == "needs_review"


def test_dagster_yaml_is_written_once_and_then_belongs_to_the_person(settings: Settings) -> None:
    with open_instance(settings):
        path = settings.dagster_home_path / "dagster.yaml"
    assert path.read_text() == DAGSTER_YAML
    path.write_text("telemetry: {enabled: false}\n")
    with open_instance(settings) as instance:
        assert not instance.telemetry_enabled
    assert path.read_text() == "telemetry: {enabled: false}\n"


def test_a_broken_dagster_yaml_is_named_with_a_cure(settings: Settings) -> None:
    settings.dagster_home_path.mkdir(parents=True)
    (settings.dagster_home_path / "dagster.yaml").write_text("nonsense: [")
    with pytest.raises(OutsideError, match=r"dagster.yaml"), open_instance(settings):
        pass


def test_a_home_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="home folder"), open_instance(Settings(home=tmp_path / "file" / "home")):
        pass
