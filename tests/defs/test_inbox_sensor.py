"""Ticks of the sensor on files of every sort."""

import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from omniclaude_dagster.defs.assembly import build_defs
from omniclaude_dagster.defs.instance import prepare_home
from omniclaude_dagster.defs.partitions import BATCH_TAG, REQUESTS
from omniclaude_dagster.defs.session import GenerationSession, failed_result
from tests.defs.requests import accepted

Tick = Callable[[], dg.SensorResult]
PROMPT = "prompt: Create EFFECT node for PostgreSQL writes\nmode: fast\n"


@pytest.fixture
def tick(session: GenerationSession, instance: dg.DagsterInstance) -> Tick:
    prepare_home(session.platform.settings)
    overrides = {"platform": dg.ResourceDefinition.hardcoded_resource(session)}
    repository = build_defs(settings=session.platform.settings, resource_overrides=overrides).get_repository_def()

    def evaluate() -> dg.SensorResult:
        context = dg.build_sensor_context(instance=instance, repository_def=repository, resources={"platform": session})
        result = repository.get_sensor_def("request_inbox")(context)
        assert isinstance(result, dg.SensorResult)
        for wanted in result.dynamic_partitions_requests or []:
            instance.add_dynamic_partitions(REQUESTS.name or "", list(wanted.partition_keys))
        return result

    return evaluate


def drop(session: GenerationSession, name: str, text: str, *, age_s: float = 30.0) -> Path:
    path = session.platform.settings.inbox_path / name
    path.write_text(text)
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def note_run(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> dg.DagsterRun:
    """What the daemon does with a run request."""
    run = dg.DagsterRun(job_name="generate_nodes", run_id=str(uuid.uuid4()), status=status, tags=dict(request.tags))
    return instance.add_run(run)


def finish(session: GenerationSession, request_id: str) -> None:
    kept = session.platform.requests.load(request_id)
    assert kept is not None
    session.ledger.keep_result(failed_result(session.platform, kept, "blocked"), content_hash=kept.content_hash)


def test_many_files_become_one_run_and_their_partitions_are_registered(tick: Tick, session: GenerationSession) -> None:
    for name in ("one", "two", "three"):
        drop(session, f"{name}.yaml", PROMPT)
    result = tick()
    assert result.run_requests is not None
    (request,) = result.run_requests
    assert request.tags["dagster/asset_partition_range_start"] == "one"
    assert request.tags["dagster/asset_partition_range_end"] == "two"
    assert session.ledger.batch(request.tags[BATCH_TAG]).keys() == {"one", "two", "three"}  # type: ignore[union-attr]
    assert request.run_key is not None
    assert request.run_key.startswith("batch:")


def test_one_file_has_a_run_key_of_its_id_and_content(tick: Tick, session: GenerationSession) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    kept = session.platform.requests.load("one")
    assert kept is not None
    assert request.run_key == f"one:{kept.content_hash}"


def test_nothing_is_launched_twice_while_its_run_is_starting(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    note_run(instance, request, dg.DagsterRunStatus.STARTING)
    assert not tick().run_requests


def test_a_run_that_was_asked_for_and_never_made_is_asked_for_again_with_the_same_key(
    tick: Tick, session: GenerationSession
) -> None:
    drop(session, "one.yaml", PROMPT)
    (first,) = tick().run_requests or []
    (second,) = tick().run_requests or []
    assert second.run_key == first.run_key
    assert second.tags == first.tags


def test_a_half_written_file_waits_and_is_taken_when_complete(tick: Tick, session: GenerationSession) -> None:
    path = drop(session, "half.json", '{"prompt": "Create EFFECT', age_s=3)
    waiting = tick()
    assert not waiting.run_requests
    assert "half.json is still being written" in str(waiting.skip_reason)
    assert path.exists()
    drop(session, "half.json", '{"prompt": "Create EFFECT node for PostgreSQL writes"}')
    assert len(tick().run_requests or []) == 1


def test_a_wrong_file_is_rejected_with_its_reason_and_the_tick_goes_on(tick: Tick, session: GenerationSession) -> None:
    drop(session, "bad.yaml", "prompt: [1")
    drop(session, "good.yaml", PROMPT)
    (request,) = tick().run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == "good"
    rejected = session.platform.settings.inbox_path / "rejected"
    assert (rejected / "bad.yaml.reason.txt").read_text()


def test_a_rejected_file_alone_is_the_reason_why_a_tick_is_skipped(tick: Tick, session: GenerationSession) -> None:
    drop(session, "bad.yaml", "prompt: ''\n")
    assert "rejected bad.yaml" in str(tick().skip_reason)


def test_the_same_file_again_is_a_duplicate(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    note_run(instance, request, dg.DagsterRunStatus.SUCCESS)
    finish(session, "one")
    drop(session, "one.yaml", PROMPT)
    again = tick()
    assert not again.run_requests
    assert "duplicate of one" in str(again.skip_reason)


def test_a_corrected_file_runs_again_and_so_does_the_first_content_after_it(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    keys = []
    for text in (PROMPT, PROMPT.replace("writes", "reads"), PROMPT):
        drop(session, "one.yaml", text)
        (request,) = tick().run_requests or []
        keys.append(request.run_key)
        note_run(instance, request, dg.DagsterRunStatus.SUCCESS)
        finish(session, "one")
    assert len(set(keys)) == 3


def test_other_content_under_the_same_name_is_a_conflict_while_the_first_is_under_way(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    note_run(instance, request, dg.DagsterRunStatus.STARTED)
    drop(session, "one.yaml", PROMPT.replace("writes", "reads"))
    conflict = tick()
    assert not conflict.run_requests
    assert "409" in str(conflict.skip_reason)


def test_a_registered_partition_and_a_new_one_that_do_not_touch_get_a_run_each(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    instance.add_dynamic_partitions(REQUESTS.name or "", ["old", "somebody-else"])
    drop(session, "old.yaml", PROMPT)
    drop(session, "new.yaml", PROMPT)
    ranges = [
        (r.tags["dagster/asset_partition_range_start"], r.tags["dagster/asset_partition_range_end"])
        for r in tick().run_requests or []
    ]
    assert sorted(ranges) == [("new", "new"), ("old", "old")]


def test_an_interrupted_run_is_resumed_once_and_then_marked_failed(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    drop(session, "one.yaml", PROMPT)
    (first,) = tick().run_requests or []
    note_run(instance, first, dg.DagsterRunStatus.FAILURE)
    (second,) = tick().run_requests or []
    assert second.run_key == f"{first.run_key}:2"
    note_run(instance, second, dg.DagsterRunStatus.FAILURE)
    assert not tick().run_requests
    result = session.platform.records.latest("one")
    assert result is not None
    assert result.status == "failed"
    assert "interrupted" in (result.error or "")
    assert not list(session.ledger.open_launches())


def test_a_cancelled_run_is_not_resumed(tick: Tick, session: GenerationSession, instance: dg.DagsterInstance) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    note_run(instance, request, dg.DagsterRunStatus.CANCELED)
    assert not tick().run_requests
    kept = session.platform.requests.load("one")
    assert kept is not None
    result = session.ledger.result("one", kept.content_hash)
    assert result is not None
    assert "cancelled" in (result.error or "")


def test_a_request_that_a_live_process_works_on_is_not_resumed(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    drop(session, "one.yaml", PROMPT)
    (request,) = tick().run_requests or []
    note_run(instance, request, dg.DagsterRunStatus.FAILURE)
    with session.platform.requests.claim("one"):
        assert not tick().run_requests
    assert len(tick().run_requests or []) == 1


def test_a_missing_inbox_is_a_skip_reason(tick: Tick, session: GenerationSession) -> None:
    session.platform.settings.inbox_path.rmdir()
    assert "does not exist" in str(tick().skip_reason)


def test_the_launchpad_hands_a_request_to_the_sensor(
    tick: Tick, session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    done = submit(session, instance, prompt="Create EFFECT node for PostgreSQL writes", mode="fast")
    assert done.success
    (key,) = instance.get_dynamic_partitions(REQUESTS.name or "")
    (request,) = tick().run_requests or []
    assert request.tags["dagster/asset_partition_range_start"] == key
    kept = session.platform.requests.load(key)
    assert kept is not None
    assert kept.source == "launchpad"


def test_a_wrong_launchpad_request_says_what_is_wrong_and_registers_nothing(
    session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    done = submit(session, instance, prompt="Create EFFECT node for PostgreSQL writes", mode="reckless")
    assert not done.success
    (failure,) = [e for e in done.all_events if e.is_step_failure]
    assert "mode" in str(failure.step_failure_data.user_failure_data)
    assert not instance.get_dynamic_partitions(REQUESTS.name or "")


def test_an_example_in_the_launchpad_reaches_the_request(
    session: GenerationSession, instance: dg.DagsterInstance
) -> None:
    example = {"input": {"price": 1.0}, "output": {"total": 1.2}}
    assert submit(session, instance, prompt="Create COMPUTE node that adds tax to a price", examples=[example]).success
    (launch,) = session.ledger.open_launches()
    kept = session.platform.requests.load(launch.request_id)
    assert kept is not None
    assert kept.request.examples[0].output == {"total": 1.2}


def test_what_was_generated_is_not_submitted_again(session: GenerationSession, instance: dg.DagsterInstance) -> None:
    prompt = "Create EFFECT node for PostgreSQL writes"
    submit(session, instance, prompt=prompt)
    (launch,) = session.ledger.open_launches()
    finish(session, launch.request_id)
    assert submit(session, instance, prompt=prompt).success
    assert not list(session.ledger.open_launches())


def submit(session: GenerationSession, instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    overrides = {"platform": dg.ResourceDefinition.hardcoded_resource(session)}
    defs = build_defs(settings=session.platform.settings, resource_overrides=overrides)
    return defs.resolve_job_def("submit_request").execute_in_process(
        instance=instance,
        run_config={"ops": {"accept_launchpad_request": {"config": config}}},
        raise_on_error=False,
    )


def test_the_claim_of_another_skips_a_request_and_does_not_fail_the_run(session: GenerationSession) -> None:
    session.platform.requests.save(accepted("one"))
    with session.platform.requests.claim("one"):
        work = session.open(["one"], run_id="r")
    assert not work.states
    assert "another process" in work.skipped["one"]


def test_a_finished_content_is_skipped_by_the_sensors_run_and_not_by_a_persons(session: GenerationSession) -> None:
    session.platform.requests.save(accepted("one"))
    finish(session, "one")
    assert "duplicate" in session.open(["one"], run_id="r", is_once=True).skipped["one"]
    session.close()
    assert session.open(["one"], run_id="r").states


def test_a_partition_without_a_request_is_named_and_its_neighbour_is_worked_on(session: GenerationSession) -> None:
    session.platform.requests.save(accepted("one"))
    work = session.open(["gone", "one"], run_id="r")
    assert [state.request_id for state in work.states] == ["one"]
    assert "no request" in work.missing["gone"]


def test_a_disk_that_refuses_is_a_reason_to_skip_and_the_request_is_kept_for_the_next_tick(
    tick: Tick, session: GenerationSession
) -> None:
    drop(session, "one.yaml", PROMPT)
    blocked = session.platform.settings.home_path / "launches"
    blocked.write_text("a file where the folder should be")
    assert "cannot be kept" in str(tick().skip_reason)
    blocked.unlink()
    assert len(tick().run_requests or []) == 1
