"""Whole benchmark runs on two hand-made tasks: real pipeline, real sandbox, solutions or a model on loopback."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.benchmark.ledger import open_ledger, read_rows
from omniclaude_dagster.benchmark.row import SampleRow
from omniclaude_dagster.benchmark.run import (
    BenchmarkFolders,
    Plan,
    new_header,
    recording,
    remember_recording,
    run,
)
from omniclaude_dagster.benchmark.subject import Measured, Subject, given_solutions, live, replayed
from omniclaude_dagster.benchmark.tasks import DataSet, read_data_set
from omniclaude_dagster.errors import ConfigurationError, OutsideError, RequestError
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from tests.support.benchmark_tasks import DOUBLE, SQUARE, write_tasks
from tests.support.cli import PROGRAM, environment, objects_of, omniclaude
from tests.support.misbehaving_server import MODEL_ID, RecordedRequest, ScriptedModelServer

pytestmark = [pytest.mark.sandbox, pytest.mark.integration]


class Noted:
    """Remembers what a run says, and can end it."""

    def __init__(self, *, ends_after: int | None = None) -> None:
        self.begun: tuple[int, int] | None = None
        self.rows: list[SampleRow] = []
        self._ends_after = ends_after

    def begin(self, rows: Sequence[SampleRow], *, total: int) -> None:
        self.begun = (len(rows), total)

    def advance(self, row: SampleRow) -> None:
        self.rows.append(row)
        if len(self.rows) == self._ends_after:
            raise InterruptedError("enough")


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    return read_data_set(write_tasks(tmp_path / "two.jsonl", [DOUBLE, SQUARE]))


def settings_of(tmp_path: Path, server: ScriptedModelServer | None = None) -> Settings:
    address = server.base_url if server else ""
    return Settings.model_validate({"home": tmp_path / "home", "model_base_url": address, "max_concurrency": 2})


def carried_out(plan: Plan, measured: Measured, settings: Settings, progress: Noted | None = None) -> list[SampleRow]:
    folders = BenchmarkFolders.of(settings)
    with measured.platform, open_ledger(folders.results(plan), new_header(plan), is_fresh=False) as ledger:
        if measured.asked and not plan.is_replay:
            remember_recording(folders, plan, ledger.header.run_id, measured)
        return asyncio.run(run(plan, measured, ledger, folders, progress=progress or Noted()))


def solutions_plan(data: DataSet, *, mutants: int = 0) -> Plan:
    return Plan(data, Subject("solutions", "canonical-and-mutants"), mutants=mutants)


def test_solutions_and_their_mutants_go_through_the_pipeline_and_before_the_hidden_tests(
    data: DataSet, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path)
    plan = solutions_plan(data, mutants=2)
    rows = {row.key: row for row in carried_out(plan, given_solutions(settings, sandbox=sandbox), settings)}
    for task in ("HumanEval/0", "HumanEval/1"):
        row = rows[(task, 0)]
        assert (row.status, row.body, row.is_passed, row.candidate) == ("published", "published", True, "canonical")
        assert row.quality["examples"] == 1.0
        assert row.quality_score > 0.9
    wrong = [row for row in rows.values() if row.is_mutant and not row.is_body_right]
    assert wrong
    assert all(row.error_class and not row.is_passed for row in wrong)
    refused = [row for row in wrong if row.body == "refused"]
    assert refused
    # A refused body has a score of its own, and the reason why it was refused.
    assert all(0 < row.quality_score < rows[(row.task, 0)].quality_score for row in refused)
    assert all("example" in row.reason for row in refused)
    with RecordsStoreOf(settings) as records:
        run_id = _run_id(settings, plan)
        assert len(records.benchmark_outcomes(run_id)) == len(rows)
        # A mutant must never be found as a proven body.
        assert records.recent(10) == ()


def test_a_run_that_was_ended_goes_on_where_it_stopped(
    data: DataSet, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path)
    plan = solutions_plan(data, mutants=1)
    with pytest.raises(InterruptedError):
        carried_out(plan, given_solutions(settings, sandbox=sandbox), settings, Noted(ends_after=1))
    path = BenchmarkFolders.of(settings).results(plan)
    first = path.read_bytes()
    kept = len(read_rows(path))
    assert 1 <= kept < 4
    path.write_bytes(first + b'{"task": "torn')
    progress = Noted()
    rows = carried_out(plan, given_solutions(settings, sandbox=sandbox), settings, progress)
    assert progress.begun == (kept, len(rows))
    assert len(progress.rows) == len(rows) - kept
    assert path.read_bytes().startswith(first)
    assert len(read_rows(path)) == len(rows)
    with RecordsStoreOf(settings) as records:
        assert len(records.benchmark_outcomes(_run_id(settings, plan))) == len(rows)


def answer(request: RecordedRequest) -> str:
    """Doubles rightly, and takes doubling for squaring: the one visible example does not tell them apart."""
    asked = request.body["messages"][-1]["content"]
    name = "square_of" if "square_of" in asked else "double_it"
    return f"```python\ndef {name}(n: int) -> int:\n    return n * 2\n```"


def test_a_model_is_measured_and_its_recorded_answers_give_the_same_figures_without_it(
    data: DataSet, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    subject = Subject("model", MODEL_ID)
    with ScriptedModelServer(default=answer) as server:
        settings = settings_of(tmp_path, server)
        measured = asyncio.run(live(subject, settings, sandbox=sandbox))
        rows = carried_out(Plan(data, subject), measured, settings)
        asked = server.chat_count
    double, square = sorted(rows, key=lambda row: row.task)
    assert (double.status, double.is_passed) == ("published", True)
    # Published, because nothing visible is wrong; the hidden tests know better.
    assert (square.status, square.is_passed, square.error_class) == ("published", False, "wrong_answer")
    assert (square.calls, square.visible_examples, asked) == ({MODEL_ID: 1}, 1, 2)

    # The server is gone.
    plan = Plan(data, subject, is_replay=True)
    with RecordsStoreOf(settings) as records:
        recorded_run, chains = recording(BenchmarkFolders.of(settings), plan)
        again = replayed(subject, settings, records, recorded_run=recorded_run, asked=chains, sandbox=sandbox)
        replays = sorted(carried_out(plan, again, settings), key=lambda row: row.task)
    same = {"task", "status", "is_passed", "quality_score", "calls", "tokens_input", "tokens_output", "error_class"}
    assert [r.model_dump(include=same) for r in replays] == [r.model_dump(include=same) for r in (double, square)]
    assert all(row.unrecorded_calls == 0 for row in replays)


def test_several_samples_are_drawn_at_one_temperature_and_each_gets_its_own_answers_back(
    data: DataSet, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    subject = Subject("model", MODEL_ID, temperature=0.7)
    given: list[int] = []

    def wavering(request: RecordedRequest) -> str:
        """The same question gets a right answer every third time."""
        given.append(1)
        return answer(request) if len(given) % 3 == 0 else "```python\ndef double_it(n: int) -> int:\n    return 7\n```"

    doubles = replace(data, tasks=data.tasks[:1])
    with ScriptedModelServer(default=wavering) as server:
        settings = settings_of(tmp_path, server)
        measured = asyncio.run(live(subject, settings, sandbox=sandbox))
        rows = carried_out(Plan(doubles, subject, samples=3), measured, settings)
        assert {request.body["temperature"] for request in server.chat_requests} == {0.7}
        # No sample was handed the body of an earlier one without asking.
        assert all(sum(row.calls.values()) >= 1 for row in rows)
    plan = Plan(doubles, subject, samples=3, is_replay=True)
    with RecordsStoreOf(settings) as records:
        recorded_run, chains = recording(BenchmarkFolders.of(settings), plan)
        again = replayed(subject, settings, records, recorded_run=recorded_run, asked=chains, sandbox=sandbox)
        replays = carried_out(plan, again, settings)
    same = {"sample", "status", "is_passed", "calls", "failed_calls", "unrecorded_calls", "quality_score"}
    by_sample = [
        sorted((r.model_dump(include=same) for r in some), key=lambda r: r["sample"]) for some in (rows, replays)
    ]
    assert by_sample[0] == by_sample[1]
    assert sum(sum(row.calls.values()) for row in rows) == len(given)


def test_a_host_that_goes_away_ends_the_run_instead_of_counting_against_the_model(
    data: DataSet, sandbox: BubblewrapSandbox, tmp_path: Path
) -> None:
    subject = Subject("model", MODEL_ID)
    with ScriptedModelServer(default=answer) as server:
        settings = settings_of(tmp_path, server)
        measured = asyncio.run(live(subject, settings, sandbox=sandbox))
    with pytest.raises(OutsideError, match="no model could be asked"):
        carried_out(Plan(data, subject), measured, settings)
    assert read_rows(BenchmarkFolders.of(settings).results(Plan(data, subject))) == []


def test_unknown_names_and_silent_hosts_are_told_before_anything_runs(data: DataSet, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no model 'gpt-0'; known models: .*smollm2-135m"):
        asyncio.run(live(Subject("model", "gpt-0"), settings_of(tmp_path)))
    with pytest.raises(ConfigurationError, match="no chain 'none'"):
        asyncio.run(live(Subject("chain", "none"), settings_of(tmp_path)))
    with pytest.raises(OutsideError, match="smollm2-135m cannot be asked"):
        asyncio.run(live(Subject("model", "smollm2-135m"), settings_of(tmp_path)))
    with pytest.raises(RequestError, match="no recorded run"):
        recording(BenchmarkFolders.of(settings_of(tmp_path)), Plan(data, Subject("model", "gpt-0"), is_replay=True))


def test_a_killed_command_goes_on_and_a_different_one_is_refused(tmp_path: Path, sandbox: BubblewrapSandbox) -> None:
    path, results, home = write_tasks(tmp_path / "two.jsonl.gz", [DOUBLE, SQUARE]), tmp_path / "r.jsonl", tmp_path / "h"
    command = ("bench", "code", "--data", str(path), "--solutions", "canonical", "--output", str(results))
    started = subprocess.Popen(
        [*PROGRAM, *command],
        env=environment(home, OMNICLAUDE_MAX_CONCURRENCY="1", OMNICLAUDE_SANDBOX_WORKERS="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until(lambda: (results.exists() and results.stat().st_size > 0) or started.poll() is not None)
    finally:
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
    before = read_rows(results)
    assert len(before) >= 1

    refused = omniclaude(*command, "--seed", "4", home=home)
    assert refused.returncode == 2
    assert "seed 0 (now 4)" in refused.stderr
    assert "--fresh" in refused.stderr

    done = omniclaude(*command, "--json", home=home)
    assert done.returncode == 0, done.stderr
    (summary,) = objects_of(done.stdout)
    assert summary["pass_at_1"]["published"]["passed"] == 2
    assert summary["auroc"]["all_bodies"]["value"] is None
    after = read_rows(results)
    assert after[: len(before)] == before
    assert len(after) == 2

    shown = omniclaude(*command, home=home)
    assert shown.returncode == 0
    assert "not determined: no wrong body" in " ".join(shown.stdout.split())


def _wait_until(condition: Callable[[], Any], *, timeout_s: float = 240) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.05)


def _run_id(settings: Settings, plan: Plan) -> str:
    from omniclaude_dagster.benchmark.ledger import read_header

    header = read_header(BenchmarkFolders.of(settings).results(plan))
    assert header is not None
    return header.run_id


class RecordsStoreOf:
    """The records of a home, closed in the end."""

    def __init__(self, settings: Settings) -> None:
        self._store = RecordsStore(settings.records_url, settings.home_path / "spool")

    def __enter__(self) -> RecordsStore:
        return self._store

    def __exit__(self, *exc_info: object) -> None:
        self._store.close()
