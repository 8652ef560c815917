"""Whole runs of `bench quorum`: real gates, real hidden tests, recorded votes or a model on loopback."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from omniclaude_dagster.benchmark.ledger import read_rows_of
from omniclaude_dagster.benchmark.node_mutants.bases import has_golden
from omniclaude_dagster.benchmark.quorum_measure import Asked, measure
from omniclaude_dagster.benchmark.quorum_nodes import NodeCases
from omniclaude_dagster.benchmark.quorum_row import CaseRow
from omniclaude_dagster.records.repository import RecordsStore
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from tests.support.benchmark_tasks import DOUBLE, SQUARE, write_tasks
from tests.support.cli import objects_of, omniclaude
from tests.support.misbehaving_server import RecordedRequest, ScriptedModelServer
from tests.support.quorum_votes import NotedCases

pytestmark = [pytest.mark.sandbox, pytest.mark.integration]

RIGHT_BODY = "def square_of(n: int) -> int:\n    return n * n\n"


def settings_of(tmp_path: Path, server: ScriptedModelServer | None = None) -> Settings:
    values = {"home": tmp_path / "home", "panel": "local", "max_concurrency": 2, "sandbox_workers": 2}
    return Settings.model_validate({**values, "model_base_url": server.base_url if server else ""})


def perfect_votes(path: Path, slots: Sequence[str]) -> Path:
    """A file of votes in which the seat of the panel `local` knows the truth; right cases say so in their names."""
    scores = [(slot, 1.0 if slot.removeprefix("untested ").startswith("right/") else 0.0) for slot in slots]
    path.write_text("".join(json.dumps({"case": s, "seat": "local", "score": score}) + "\n" for s, score in scores))
    return path


def test_nodes_are_judged_by_every_gate_and_a_perfect_seat_sees_what_gates_cannot(
    tmp_path: Path, sandbox: BubblewrapSandbox
) -> None:
    votes = perfect_votes(tmp_path / "votes.jsonl", NodeCases(sandbox, 8).slots)
    summary = measure(Asked(8, votes=votes), settings_of(tmp_path), progress=NotedCases())
    assert (summary["cases"], summary["right"], summary["wrong"]) == (8, 4, 4)
    rows = read_rows_of(CaseRow, Path(summary["results"]))
    # What is wrong and tested fails a gate; what is right, or wrong and untested, passes them all.
    for row in rows:
        assert row.is_passed_by_gates == (row.is_right or row.family.startswith("untested")), row.case
    seen, unseen = (summary["groups"][name] for name in ("gates can tell", "gates cannot tell"))
    assert seen["baselines"]["gates only"]["accuracy"]["0.80"]["value"] == 1.0
    assert unseen["baselines"]["gates only"]["accuracy"]["0.80"]["value"] == 0.5
    assert unseen["panel"]["accuracy"]["0.80"]["value"] == 1.0
    assert summary["effect"]["without"]["right"] == 4
    assert summary["effect"]["with"]["published_right"]["value"] == 1.0
    assert summary["votes"] is None


def test_the_command_replays_votes_and_tells_lost_ones(tmp_path: Path, sandbox: BubblewrapSandbox) -> None:
    votes = perfect_votes(tmp_path / "votes.jsonl", NodeCases(sandbox, 4).slots)
    home = tmp_path / "home"
    command = ("bench", "quorum", "--panel", "local", "--cases", "4", "--votes", str(votes), "--json", "--quiet")
    whole = omniclaude(*command, home=home)
    assert whole.returncode == 0, whole.stderr
    assert objects_of(whole.stdout)[0]["groups"]["all cases"]["panel"]["auroc"]["value"] == 1.0
    votes.write_text("".join(votes.read_text().splitlines(keepends=True)[:3]))
    # Other votes are another run; it is not mixed with the first.
    refused = omniclaude(*command, home=home)
    assert refused.returncode == 2
    assert "--fresh" in refused.stderr
    less = omniclaude(*command, "--fresh", home=home)
    assert less.returncode == 1, less.stderr
    assert objects_of(less.stdout)[0]["without_votes"] == 1


def vote(request: RecordedRequest) -> str:
    """Sees that adding is no squaring, approves all the same, and proposes the right body."""
    asked = request.body["messages"][-1]["content"]
    is_right = "return n * n" in asked
    edit = {"kind": "none"} if is_right else {"kind": "replace_logic", "source": RIGHT_BODY, "reason": "it squares"}
    score = 1.0 if is_right else 0.85
    return json.dumps({"deficiencies": [], "verdict": "approve", "score": score, "edit": edit})


def refusing(request: RecordedRequest) -> str:
    """Rejects what does not multiply."""
    is_right = "return n * n" in request.body["messages"][-1]["content"]
    verdict, score = ("approve", 0.95) if is_right else ("reject", 0.1)
    return json.dumps({"deficiencies": [], "verdict": verdict, "score": score, "edit": {"kind": "none"}})


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    return write_tasks(tmp_path / "two.jsonl", [DOUBLE, SQUARE])


def test_functions_that_only_hidden_tests_tell_apart_are_told_apart_by_a_seat_that_reads(
    tmp_path: Path, tasks: Path
) -> None:
    with ScriptedModelServer(default=refusing) as server:
        summary = measure(Asked(10, data=tasks), settings_of(tmp_path, server), progress=NotedCases())
    rows = {row.case: row for row in read_rows_of(CaseRow, Path(summary["results"]))}
    # No mutant of the doubling survives its two examples.
    assert "no mutant passes every visible example" in rows.pop("HumanEval/0").unusable
    assert {case: (row.is_right, row.decision) for case, row in rows.items()} == {
        "HumanEval/1/right": (True, "apply"),
        "HumanEval/1/wrong": (False, "block"),
    }
    assert all(row.is_passed_by_gates and row.quality_score > 0.9 for row in rows.values())
    effect = summary["effect"]
    assert (effect["without"]["published_right"]["value"], effect["with"]["published_right"]["value"]) == (0.5, 1.0)
    # Two cases settle nothing, whatever they look like.
    assert effect["verdict"] == "no difference shown"


def test_an_edit_goes_through_the_real_refinement_and_before_the_hidden_tests(tmp_path: Path, tasks: Path) -> None:
    with ScriptedModelServer(default=vote) as server:
        settings = settings_of(tmp_path, server)
        live = measure(Asked(10, data=tasks), settings, progress=NotedCases())
        assert server.chat_count == 2
    wrong = next(row for row in read_rows_of(CaseRow, Path(live["results"])) if row.case == "HumanEval/1/wrong")
    assert (wrong.decision, wrong.edit, wrong.is_right, wrong.is_right_after) == ("apply", "applied", False, True)
    assert live["effect"]["edits"] == {"tried": 1, "applied": 1, "suggested": 0, "made_right": 1, "made_wrong": 0}
    with contextlib.closing(RecordsStore(settings.records_url, settings.home_path / "spool")) as records:
        known = records.known_votes()
    assert {(v.case_id, v.is_right, v.score) for v in known} == {
        ("HumanEval/1/right", True, 1.0),
        ("HumanEval/1/wrong", False, 0.85),
    }
    # The server is gone: the votes of the run are enough.
    replay = measure(Asked(10, data=tasks, votes=Path(live["votes"])), settings_of(tmp_path), progress=NotedCases())
    assert replay["effect"] == live["effect"]
    assert replay["groups"] == live["groups"]


def test_a_run_that_was_ended_goes_on_with_the_same_command(tmp_path: Path, tasks: Path) -> None:
    with ScriptedModelServer(default=refusing) as server:
        settings = settings_of(tmp_path, server)
        with pytest.raises(InterruptedError):
            measure(Asked(10, data=tasks), settings, progress=NotedCases(ends_after=1))
        progress, resumed = NotedCases(), list[int]()
        summary = measure(
            Asked(10, data=tasks), settings, progress=progress, on_resumed=lambda count, _: resumed.append(count)
        )
    assert resumed
    assert progress.begun is not None
    assert progress.begun[0] >= 1
    assert summary["cases"] == 2
    assert len(Path(summary["votes"]).read_text().splitlines()) == 2


@pytest.mark.skipif(not has_golden(), reason="../shared/golden is not here")
def test_golden_nodes_can_lie_elsewhere_and_without_them_there_are_fewer_cases(
    tmp_path: Path, golden: Path, sandbox: BubblewrapSandbox
) -> None:
    everywhere = NodeCases(sandbox, 10_000, golden=golden).slots
    nowhere = NodeCases(sandbox, 10_000, golden=tmp_path).slots
    assert set(nowhere) < set(everywhere)
