"""`omniclaude review`: what a person sees of a decision, and the exit codes of deciding it."""

import contextlib
import json
import sys
import types
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
import typer
from click.testing import Result
from rich.console import Console
from typer.testing import CliRunner

from omniclaude_dagster.request.store import RequestStore
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.surfaces.cli import show
from omniclaude_dagster.surfaces.cli.boundary import BoundaryGroup
from omniclaude_dagster.surfaces.cli.render import generation_view
from omniclaude_dagster.surfaces.cli.review import review
from omniclaude_dagster.surfaces.cli.review_view import accepting, diff_view
from tests.support.cli import a_result, objects_of
from tests.support.generated_nodes import write_bundle
from tests.support.reference_nodes import NoSandbox
from tests.support.review_fakes import (
    NOON,
    REQUEST_ID,
    FakeReviewRecords,
    a_decision,
    a_vote,
    doubler,
    doubling_sandbox,
    waiting,
)

DIFF = "--- a/logic.py\n+++ b/logic.py\n@@ -1,2 +1,2 @@\n context\n-old line\n+new line\n"
EDIT = {
    "edit": {"kind": "set_field_constraint", "model": "ModelDoublerInput", "field": "n", "constraint": "ge",
             "value": 0, "reason": "numbers are counts"},
    "seats": ["codestral"], "support": 0.6, "is_better": True, "is_worse": False, "is_applied": False,
    "is_suggested": True, "problem": "", "diff": DIFF, "facts": {},
}  # fmt: skip
VOTES = (
    a_vote("codestral", deficiencies=({"file": "logic.py", "line": 12, "message": "negative numbers pass"},)),
    a_vote("llama-3.1", score=None, verdict=None, model="", abstained_because="answered too late"),
)
Cli = Callable[..., Result]


class Desk:
    """The records and the sandbox that the commands find."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.output = home.parent / "out"
        self.records = FakeReviewRecords(votes=VOTES)
        self.sandbox: Sandbox = doubling_sandbox()

    def put(self, *decisions: Any) -> None:
        self.records.decisions = {decision.correlation_id: decision for decision in decisions}

    @property
    def state(self) -> str:
        return next(iter(self.records.decisions.values())).review


@pytest.fixture
def desk(home: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(home)

    @contextlib.contextmanager
    def open_records(_settings: Settings) -> Iterator[FakeReviewRecords]:
        yield desk.records

    class FakePlatform:
        """What `Platform` gives to reviews."""

        def __init__(self, settings: Settings) -> None:
            self.requests = RequestStore(settings.home_path)
            self.records, self.sandbox = desk.records, desk.sandbox

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *exc_info: object) -> None:
            return None

    module = types.ModuleType("omniclaude_dagster.pipeline")
    module.Platform = FakePlatform  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "omniclaude_dagster.pipeline", module)
    monkeypatch.setattr(show, "open_records", open_records)
    return desk


@pytest.fixture
def run_review(desk: Desk) -> Cli:
    app = typer.Typer(cls=BoundaryGroup, pretty_exceptions_enable=False)
    app.add_typer(review)

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["review", *arguments])

    return invoke


def test_only_what_waits_is_listed_unless_all_is_asked_for(run_review: Cli, desk: Desk) -> None:
    desk.put(
        a_decision(0, request_id="first"),
        a_decision(1, request_id="second"),
        a_decision(2, request_id="third", review="refused", reviewed_at=NOON),
    )
    found = objects_of(run_review("list", "--json").stdout)
    assert [document["request_id"] for document in found] == ["second", "first"]
    everything = objects_of(run_review("list", "--all", "--json").stdout)
    assert [document["review"] for document in everything] == ["refused", "open", "open"]
    shown = run_review("list").stdout
    assert "second" in shown
    assert "third" not in shown


def test_nothing_that_waits_is_said_on_stderr(run_review: Cli) -> None:
    done = run_review("list")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing waits" in done.stderr


def test_a_person_sees_votes_abstentions_places_edits_and_what_accepting_does(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler(), desk.output, diff=DIFF, edits=(EDIT,)))
    done = run_review("show", REQUEST_ID)
    shown = " ".join(done.stdout.split())
    assert done.exit_code == 0
    for words in (
        "score 0.70",
        "present 100%",
        "dispersion 0.10",
        "abstained: answered too late",
        "codestral: logic.py:12: negative numbers pass",
        "ModelDoublerInput.n.ge = 0",
        "numbers are counts",
        "better suggested",
        "what accepting changes",
        f"delivers the node with the edit to {desk.output}/node_doubler_compute",
        f"omniclaude review accept {REQUEST_ID}",
    ):
        assert words in shown, words


def test_json_holds_everything_but_the_files(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler(), desk.output, diff=DIFF, edits=(EDIT,)))
    (found,) = objects_of(run_review("show", REQUEST_ID, "--json").stdout)
    assert found["decision"] == "suggest"
    assert found["diff"] == DIFF
    assert found["edits"] == [EDIT]
    assert [vote["abstained_because"] for vote in found["votes"]] == ["", "answered too late"]
    assert found["votes"][0]["deficiencies"][0]["line"] == 12
    assert found["files"] == sorted(doubler().files)


def test_what_is_shown_is_what_accepting_changes_in_the_folder_as_it_is(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler("data.n + data.n"), desk.output, diff=DIFF))
    fresh = run_review("show", REQUEST_ID, "--diff").stdout
    assert "+++ b/README.md" in fresh
    assert "node.manifest.yaml" not in fresh
    write_bundle(doubler(), desk.output)
    shown = run_review("show", REQUEST_ID, "--diff").stdout
    assert "-    return ModelDoublerOutput(doubled=data.n * 2)" in shown
    assert "+    return ModelDoublerOutput(doubled=data.n + data.n)" in shown
    assert "README.md" not in shown
    assert "what accepting changes" in run_review("show", REQUEST_ID).stdout
    assert "new line" not in run_review("show", REQUEST_ID).stdout


def test_edits_that_stand_in_the_way_are_named_before_anybody_accepts(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler("data.n + data.n"), desk.output, diff=DIFF))
    logic = write_bundle(doubler(), desk.output) / "logic.py"
    logic.write_text(logic.read_text().replace("data.n * 2", "data.n * 2 + 0"))
    done = run_review("show", REQUEST_ID)
    assert done.exit_code == 0
    assert "not as things stand: edits made by hand contradict" in " ".join(done.stdout.split())
    (found,) = objects_of(run_review("show", REQUEST_ID, "--json").stdout)
    assert found["accepting_diff"] == ""
    assert "logic.py" in found["accepting_problem"]


def test_a_review_that_a_later_delivery_overtook_is_shown_as_such(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler("data.n + data.n"), desk.output, diff=DIFF))
    desk.records.results[REQUEST_ID] = a_result(REQUEST_ID, correlation_id=str(uuid.uuid4()))
    shown = " ".join(run_review("show", REQUEST_ID).stdout.split())
    assert f"not as things stand: {REQUEST_ID} was generated again and delivered since" in shown


def test_a_blocked_node_is_shown_on_demand_only(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler(), desk.output, decision="block"))
    assert "data.n * 2" not in run_review("show", REQUEST_ID).stdout
    assert f"review show {REQUEST_ID} --diff" in run_review("show", REQUEST_ID).stdout
    assert "data.n * 2" in run_review("show", REQUEST_ID, "--diff").stdout


def test_the_whole_diff_alone_can_be_applied_as_it_is_printed(run_review: Cli, desk: Desk) -> None:
    lines = "".join(f"+line {number}\n" for number in range(100))
    desk.put(a_decision(diff=f"{DIFF}{lines}"))
    assert run_review("show", REQUEST_ID, "--diff").stdout == f"{DIFF}{lines}"
    shortened = run_review("show", REQUEST_ID).stdout
    assert "more lines" in shortened
    assert "line 99" not in shortened


def test_a_diff_is_coloured_on_a_terminal() -> None:
    console = Console(force_terminal=True, color_system="standard", width=80, markup=False, highlight=False)
    with console.capture() as captured:
        diff_view(console, DIFF)
    shown = captured.get()
    assert "\x1b[32m+new line" in shown
    assert "\x1b[31m-old line" in shown
    assert "\x1b[36m@@" in shown
    assert "\x1b[1m+++ b/logic.py" in shown


def test_nothing_of_a_model_reaches_the_terminal_as_it_is(run_review: Cli, desk: Desk) -> None:
    evil = "\x1b[2J\u202e[bold]x[/bold]"
    tried = {**EDIT, "edit": {"kind": evil, "reason": evil}, "seats": [evil], "problem": evil}
    bundle = doubler().with_files({"notes.md": evil.encode()})
    desk.put(waiting(bundle, desk.output, reason=evil, edits=(tried,), panel=evil))
    found = {"file": evil, "line": 1, "message": evil}
    desk.records.votes = (
        a_vote(evil, deficiencies=(found,), model=evil),
        a_vote("b", score=None, verdict=None, abstained_because=evil),
    )
    for arguments in (("show", REQUEST_ID), ("show", REQUEST_ID, "--diff"), ("list",)):
        shown = run_review(*arguments).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        if arguments[0] == "show":
            assert "[bold]x[/bold]" in shown


def test_accepting_delivers_and_ends_with_0(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler(), desk.output))
    done = run_review("accept", REQUEST_ID, "--note", "fine", "--json")
    (found,) = objects_of(done.stdout)
    assert (done.exit_code, desk.state) == (0, "accepted")
    assert found["review"] == "accepted"
    assert found["path"] == str(desk.output / "node_doubler_compute")
    assert (desk.output / "node_doubler_compute" / "node.py").is_file()
    assert {gate["status"] for gate in found["gates"]} <= {"pass", "warn"}


def test_a_gate_that_fails_ends_with_1_and_its_message(run_review: Cli, desk: Desk) -> None:
    desk.put(waiting(doubler("data.n * 3"), desk.output))
    done = run_review("accept", REQUEST_ID)
    assert (done.exit_code, desk.state) == (1, "open")
    assert "nothing was written: G-EXEC: example 1" in done.stdout
    (found,) = objects_of(run_review("accept", REQUEST_ID, "--json").stdout)
    assert found["review"] == "open"
    assert not desk.output.exists()


def test_without_a_sandbox_accepting_ends_with_3(run_review: Cli, desk: Desk) -> None:
    desk.sandbox = NoSandbox()
    desk.put(waiting(doubler(), desk.output))
    done = run_review("accept", REQUEST_ID, "--json")
    assert (done.exit_code, done.stdout, desk.state) == (3, "", "open")
    assert "run on Linux" in done.stderr


def test_refusing_ends_with_0_and_keeps_the_note(run_review: Cli, desk: Desk) -> None:
    desk.put(a_decision())
    done = run_review("refuse", REQUEST_ID, "--note", "not\x1b[2J now", "--json")
    assert (done.exit_code, desk.state) == (0, "refused")
    assert json.loads(done.stdout)["review"] == "refused"
    assert "\x1b" not in run_review("show", REQUEST_ID).stdout
    again = run_review("refuse", REQUEST_ID)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "was refused already" in again.stderr
    assert "\x1b" not in again.stderr


WRONG = {
    "unknown": ("show", "unknown"),
    "no id": ("show", "../../etc/passwd"),
    "escape": ("accept", "\x1b[2J"),
    "nothing named": ("accept",),
    "unknown verb": ("approve", REQUEST_ID),
    "several": ("refuse", "test-"),
    "note without end": ("accept", "test-a", "--note", "x" * 2001),
}


@pytest.mark.parametrize("arguments", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_command_line_ends_with_2_and_changes_nothing(
    run_review: Cli, desk: Desk, arguments: tuple[str, ...]
) -> None:
    desk.put(a_decision(0, request_id="test-a"), a_decision(1, request_id="test-b"))
    done = run_review(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "\x1b" not in done.stderr
    assert {decision.review for decision in desk.records.decisions.values()} == {"open"}


ACCEPTING = [
    ({"decision": "suggest", "files": ["a"]}, "delivers the node with the edit to /out/node_doubler_compute"),
    ({"decision": "block", "files": ["a"]}, "overrules the quorum"),
    ({"decision": "suggest", "files": []}, "approves the node as it stands"),
    ({"decision": "block", "files": []}, "is not possible"),
    ({"review": "none"}, "changes nothing: the review needed no decision"),
    ({"review": "refused"}, "changes nothing: the review was refused already"),
]


@pytest.mark.parametrize(("changes", "says"), ACCEPTING)
def test_what_accepting_does_is_said_for_every_state(changes: dict[str, Any], says: str) -> None:
    document = {
        "review": "open", "decision": "suggest", "files": [], "output_dir": "/out",
        "package_name": "node_doubler_compute", **changes,
    }  # fmt: skip
    assert accepting(document).startswith(says)


def shown_generation(**changes: Any) -> str:
    console = Console(width=100, markup=False, highlight=False)
    with console.capture() as captured:
        generation_view(console, a_result(**changes), ())
    return " ".join(captured.get().split())


def test_show_names_the_quorum_and_the_patterns_of_a_generation() -> None:
    vote = {"seat": "codestral", "model": "codestral", "weight": 1.5, "score": 0.7, "verdict": "revise",
            "abstained_because": "", "deficiencies": []}  # fmt: skip
    quorum = {
        "panel": "default", "decision": "suggest", "score": 0.7, "participation": 1.0, "dispersion": None,
        "reason": "0.70 is below 0.80", "votes": [vote], "applied_diff": "", "suggested_diff": DIFF,
        "review_command": "omniclaude review show a-request",
    }  # fmt: skip
    pattern = {"pattern_id": "1", "name": "Doubler\x1b[2J", "role": "reused", "rank": 1, "score": 0.9,
               "reasons": ["same fields"]}  # fmt: skip
    shown = shown_generation(status="needs_review", quorum=quorum, patterns=[pattern])
    for words in ("quorum suggest score 0.70", "revise", "+new line", "decide: omniclaude review show a-request"):
        assert words in shown, words
    assert "1. Doubler\\x1b[2J reused 0.90 same fields" in shown


def test_show_says_nothing_of_a_quorum_that_was_not_asked() -> None:
    assert "quorum" not in shown_generation()


def test_a_decided_review_shows_when_and_why(run_review: Cli, desk: Desk) -> None:
    desk.put(replace(a_decision(), review="accepted", review_note="by Ada", reviewed_at=NOON))
    shown = run_review("show", REQUEST_ID).stdout
    assert "accepted 2026-03-01 12:00: by Ada" in shown
    assert "review accept" not in shown
