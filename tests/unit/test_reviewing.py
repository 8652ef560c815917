"""An accepted review is judged again and delivered; everything else leaves files and review as they are."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.artifact.manifest import generated_hashes
from omniclaude_dagster.artifact.store import NodeStore
from omniclaude_dagster.errors import (
    ConflictError,
    OmniClaudeError,
    RecordsUnavailableError,
    RequestError,
    SandboxUnavailableError,
    StorageError,
    UnsafePathError,
)
from omniclaude_dagster.gates.report import GateReport, GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.store import RequestStore
from omniclaude_dagster.reviewing.decisions import Reviews, find_decision
from omniclaude_dagster.reviewing.waiting import accepting_diff, bundle_of, examples_of
from omniclaude_dagster.sandbox.model import Sandbox, SandboxJob
from tests.support.cli import a_result
from tests.support.generated_nodes import blueprint_for, bundle_for
from tests.support.reference_nodes import NoSandbox
from tests.support.review_fakes import (
    DOUBLED,
    DOUBLING,
    NOON,
    REQUEST_ID,
    FakeReviewRecords,
    a_decision,
    doubler,
    doubling_sandbox,
    texts,
    waiting,
)

EDITED = "data.n + data.n"


class Desk:
    """A delivered node, a suggested edit of it, and a person who decides."""

    def __init__(self, folder: Path) -> None:
        self.home, self.output = folder / "home", folder / "out"
        self.root = self.output / "node_doubler_compute"
        self.records = FakeReviewRecords(waiting(doubler(EDITED), self.output))
        self.sandbox: Sandbox = doubling_sandbox()
        self.requests = RequestStore(self.home)

    @property
    def reviews(self) -> Reviews:
        return Reviews(self.records, self.requests, self.sandbox, state_dir=self.home)  # type: ignore[arg-type]

    @property
    def review(self) -> str:
        return str(self.decision.review)

    @property
    def decision(self) -> Any:
        return self.records.decisions[a_decision().correlation_id]

    def wait(self, bundle: NodeBundle, **changes: Any) -> None:
        self.put(waiting(bundle, self.output, **changes))

    def put(self, decision: Any) -> None:
        self.records.decisions[decision.correlation_id] = decision

    def deliver(self, bundle: NodeBundle) -> None:
        """As stages 4.5 and 5 do."""
        store = NodeStore(self.output, self.home)
        merged = store.merged(bundle)
        bundle, update = merged or (bundle, None)
        report = GateReport((GateResult("G9", "post_generation", True, "pass", ""),), bundle.sha256)
        store.publish(bundle, report, request_id=REQUEST_ID, update=update)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new, 1))

    def snapshot(self) -> dict[str, bytes]:
        return {str(p.relative_to(self.output)): p.read_bytes() for p in self.output.rglob("*") if p.is_file()}

    def assert_untouched_by(self, kind: type[OmniClaudeError], *, says: str) -> None:
        """Accepting raises this; nothing is written and the review stays as it is."""
        before, decision = self.snapshot(), self.decision
        with pytest.raises(kind) as caught:
            self.reviews.accept(REQUEST_ID)
        assert says in str(caught.value)
        assert (self.snapshot(), self.decision) == (before, decision)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.deliver(doubler())
    return desk


def test_an_accepted_edit_is_judged_delivered_and_closed_with_its_note(desk: Desk) -> None:
    outcome = desk.reviews.accept(REQUEST_ID, note="better")
    assert (outcome.review, outcome.path, outcome.kept) == ("accepted", desk.root, ())
    assert EDITED in (desk.root / "logic.py").read_text()
    assert (desk.review, desk.decision.review_note) == ("accepted", "better")
    assert {gate.status for gate in outcome.gates} <= {"pass", "warn"}
    assert {"G9", "G-SEC", "G14", "G-EXEC"} <= {gate.gate for gate in outcome.gates}


def test_a_gate_that_fails_leaves_everything_as_it_is_and_says_why(desk: Desk) -> None:
    desk.wait(doubler("eval('data.n * 2')"))
    before = desk.snapshot()
    outcome = desk.reviews.accept(REQUEST_ID)
    assert (outcome.review, desk.review) == ("open", "open")
    assert outcome.message.startswith("G-SEC: ")
    assert desk.snapshot() == before


def test_the_examples_of_the_request_are_run_again_and_block(desk: Desk) -> None:
    desk.wait(doubler("data.n * 3"))
    outcome = desk.reviews.accept(REQUEST_ID)
    assert (outcome.review, desk.review) == ("open", "open")
    assert "G-EXEC: example 1: output.doubled is 6 instead of 4" in outcome.message


def test_a_blocked_node_is_delivered_when_a_person_overrules(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.wait(doubler(), decision="block")
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"
    assert (desk.root / "node.py").is_file()


def test_without_a_sandbox_nothing_is_accepted(desk: Desk) -> None:
    desk.sandbox = NoSandbox()
    desk.assert_untouched_by(SandboxUnavailableError, says="run on Linux")


def test_a_sandbox_that_dies_while_it_judges_accepts_nothing(desk: Desk) -> None:
    class Dying(NoSandbox):
        asked = 0

        def unavailable_reason(self) -> str | None:
            self.asked += 1
            return None if self.asked == 1 else "no namespaces here"

    desk.sandbox = Dying()
    desk.assert_untouched_by(SandboxUnavailableError, says="no namespaces here")


def test_accepting_again_after_a_crash_before_the_closing_does_no_harm(desk: Desk) -> None:
    def crash() -> None:
        raise RecordsUnavailableError("the database does not answer.")

    desk.edit("README.md", "# ", "# My ")
    desk.records.before_closing = crash
    with pytest.raises(RecordsUnavailableError):
        desk.reviews.accept(REQUEST_ID)
    assert desk.review == "open"
    after_crash = desk.snapshot()
    desk.records.before_closing = lambda: None
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"
    assert desk.snapshot() == after_crash
    assert EDITED.encode() in after_crash["node_doubler_compute/logic.py"]


def test_a_node_that_a_killed_delivery_left_aside_keeps_its_edits(desk: Desk) -> None:
    """Killed between its two renames, a delivery leaves the old node and the new one in a temporary folder."""
    desk.edit("README.md", "# ", "# My ")
    staging = desk.output / ".omniclaude-tmp-killed"
    (staging / "node_doubler_compute").mkdir(parents=True)
    desk.root.rename(staging / ".old")
    assert desk.reviews.accept(REQUEST_ID).kept == ("README.md",)
    assert (desk.root / "README.md").read_text().startswith("# My ")
    assert not staging.exists()


def test_what_accepting_changes_can_be_seen_before(desk: Desk) -> None:
    desk.edit("README.md", "# ", "# My ")
    shown = accepting_diff(desk.decision, state_dir=desk.home)
    before = desk.snapshot()
    assert "-    return ModelDoublerOutput(doubled=data.n * 2)\n+    return" in shown
    assert "README.md" not in shown
    desk.reviews.accept(REQUEST_ID)
    after = desk.snapshot()
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {"node_doubler_compute/logic.py", "node_doubler_compute/node.manifest.yaml"}


def test_an_edit_made_meanwhile_lives_on(desk: Desk) -> None:
    desk.edit("README.md", "# ", "# My ")
    outcome = desk.reviews.accept(REQUEST_ID)
    assert outcome.kept == ("README.md",)
    assert (desk.root / "README.md").read_text().startswith("# My ")
    assert EDITED in (desk.root / "logic.py").read_text()


def test_an_edit_of_the_same_lines_is_a_conflict_and_stays(desk: Desk) -> None:
    desk.edit("logic.py", "data.n * 2", "data.n * 2 + 0")
    desk.assert_untouched_by(ConflictError, says="logic.py")
    with pytest.raises(ConflictError) as refused:
        desk.reviews.accept(REQUEST_ID)
    # Nothing was written, so no file beside it is named.
    assert ".conflict" not in str(refused.value)


def test_an_edit_that_was_merged_before_the_review_still_counts_as_an_edit_afterwards(desk: Desk) -> None:
    """It stands in the stored files; were it taken for generated text, the next generation would drop it."""
    desk.edit("README.md", "# ", "# My ")
    merged = NodeStore(desk.output, desk.home).merged(doubler(EDITED))
    assert merged is not None
    desk.deliver(doubler())
    desk.wait(merged[0])
    desk.edit("event_bus.py", '"""', '"""Mine. ')
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"
    manifest = (desk.root / "node.manifest.yaml").read_bytes()
    generated = generated_hashes(manifest)
    assert generated == generated_hashes(doubler(EDITED).files["node.manifest.yaml"])
    desk.deliver(doubler())
    assert (desk.root / "README.md").read_text().startswith("# My ")
    assert "Mine. " in (desk.root / "event_bus.py").read_text()


def test_a_node_that_was_moved_away_is_delivered_afresh(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"
    assert (desk.root / "logic.py").is_file()


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.root.mkdir(parents=True)
    (desk.root / "logic.py").write_text("mine")
    desk.assert_untouched_by(ConflictError, says="node.manifest.yaml")


def test_the_node_of_another_request_in_its_place_is_left_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.deliver(NodeBundle("node_doubler_compute", bundle_of_other_request().files))
    desk.assert_untouched_by(ConflictError, says="another request (other)")


def bundle_of_other_request() -> NodeBundle:
    bundle = doubler()
    manifest = bundle.files["node.manifest.yaml"].decode()
    other = manifest.replace(f"request_id: {REQUEST_ID}", "request_id: other")
    return bundle.with_files({"node.manifest.yaml": other.encode()})


def test_a_review_that_a_later_delivery_overtook_is_out_of_date(desk: Desk) -> None:
    newer = a_result(REQUEST_ID, correlation_id=str(uuid.uuid4()))
    desk.records.results[REQUEST_ID] = newer
    desk.assert_untouched_by(ConflictError, says="generated again and delivered since")
    undelivered = newer.model_copy(update={"node": {**newer.node, "path": None}})
    desk.records.results[REQUEST_ID] = undelivered
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"


def test_a_suggestion_without_an_edit_is_approved_as_it_stands(desk: Desk) -> None:
    desk.put(a_decision(output_dir=str(desk.output)))
    desk.sandbox = NoSandbox()
    before = desk.snapshot()
    outcome = desk.reviews.accept(REQUEST_ID)
    assert (outcome.review, outcome.path, outcome.files) == ("accepted", None, ())
    assert desk.snapshot() == before


def test_a_blocked_node_of_which_nothing_was_kept_cannot_be_accepted(desk: Desk) -> None:
    desk.put(a_decision(decision="block"))
    desk.assert_untouched_by(RequestError, says="nothing to accept")


def test_a_dry_run_left_no_node_that_could_be_approved(desk: Desk) -> None:
    desk.put(a_decision())
    result = a_result(REQUEST_ID, "needs_review", correlation_id=str(desk.decision.correlation_id))
    desk.records.results[REQUEST_ID] = result.model_copy(update={"node": {**result.node, "path": None}})
    desk.assert_untouched_by(RequestError, says="was not delivered")
    desk.records.results[REQUEST_ID] = result
    assert desk.reviews.accept(REQUEST_ID).review == "accepted"


def test_what_needed_no_person_cannot_be_decided(desk: Desk) -> None:
    desk.put(replace(desk.decision, decision="apply", review="none"))
    desk.assert_untouched_by(RequestError, says="the quorum decided apply")


@pytest.mark.parametrize("state", ["accepted", "refused"])
def test_the_second_is_told_how_the_first_decided(desk: Desk, state: str) -> None:
    desk.put(replace(desk.decision, review=state, review_note="by Ada", reviewed_at=NOON))
    desk.assert_untouched_by(ConflictError, says=f"was {state} already at 2026-03-01 12:00:00 UTC (by Ada)")
    with pytest.raises(ConflictError, match=f"was {state} already"):
        desk.reviews.refuse(REQUEST_ID)


def test_whoever_closes_second_is_told_that_the_files_are_there(desk: Desk) -> None:
    """Two homes with one database share no lock."""

    def other_refuses() -> None:
        desk.put(replace(desk.decision, review="refused", review_note="by Ada", reviewed_at=NOON))

    desk.records.before_closing = other_refuses
    with pytest.raises(ConflictError, match=r"was refused already.*\(by Ada\).*delivered to"):
        desk.reviews.accept(REQUEST_ID)


def test_a_refusal_during_the_judging_stops_the_delivery(desk: Desk) -> None:
    judge = doubling_sandbox()

    class Slow:
        def run(self, job: SandboxJob) -> Any:
            desk.records.close_review(desk.decision.correlation_id, accepted=False, note="")
            return judge.run(job)

        def unavailable_reason(self) -> str | None:
            return None

        def close(self) -> None:
            return None

    desk.sandbox = Slow()
    before = desk.snapshot()
    with pytest.raises(ConflictError, match="was refused already"):
        desk.reviews.accept(REQUEST_ID)
    assert desk.snapshot() == before


def test_nobody_decides_while_another_process_works_on_the_request(desk: Desk) -> None:
    with desk.requests.claim(REQUEST_ID):
        desk.assert_untouched_by(ConflictError, says="being worked on")


def test_refusing_changes_nothing_but_the_review(desk: Desk) -> None:
    before = desk.snapshot()
    outcome = desk.reviews.refuse(REQUEST_ID, note="not now")
    assert (outcome.review, desk.review, desk.decision.review_note) == ("refused", "refused", "not now")
    assert desk.snapshot() == before


def test_a_note_without_end_is_refused(desk: Desk) -> None:
    with pytest.raises(RequestError, match="at most 2000"):
        desk.reviews.refuse(REQUEST_ID, note="x" * 2001)
    assert desk.review == "open"


def without(path: str) -> dict[str, str]:
    return {name: text for name, text in texts(doubler()).items() if name != path}


HOSTILE: dict[str, tuple[dict[str, Any], type[OmniClaudeError], str]] = {
    "parent": ({"files": {**texts(doubler()), "../evil.py": ""}}, UnsafePathError, "evil.py"),
    "absolute": ({"files": {**texts(doubler()), "/etc/evil": ""}}, UnsafePathError, "evil"),
    "package": ({"package_name": "../node"}, UnsafePathError, "package name"),
    "too many": ({"files": {f"f{n}.py": "" for n in range(201)}}, UnsafePathError, "201 files"),
    "too long": ({"files": {**texts(doubler()), "big.py": "#" * 600_000}}, RequestError, "big.py"),
    "too much": ({"files": {f"f{n}.py": "#" * 500_000 for n in range(9)}}, RequestError, "larger than"),
    "no text": ({"files": {**texts(doubler()), "x.py": 7}}, RequestError, "x.py"),
    "no manifest": ({"files": without("node.manifest.yaml")}, RequestError, "node.manifest.yaml"),
    "no request": ({"files": without("request.json")}, RequestError, "request.json"),
    "broken request": ({"files": {**texts(doubler()), "request.json": "{"}}, RequestError, "not valid JSON"),
    "relative folder": ({"output_dir": "out"}, RequestError, "not absolute"),
    "another request": ({"files": texts(bundle_of_other_request())}, RequestError, "another node's"),
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_stored_files_that_are_no_node_of_the_request_are_refused(desk: Desk, case: str) -> None:
    changes, kind, says = HOSTILE[case]
    desk.put(replace(desk.decision, **changes))
    desk.assert_untouched_by(kind, says=says)


def test_a_file_that_was_changed_in_the_records_fails_its_manifest(desk: Desk) -> None:
    files = {**texts(doubler(EDITED)), "README.md": "# other\n"}
    desk.put(replace(desk.decision, files=files))
    outcome = desk.reviews.accept(REQUEST_ID)
    assert outcome.review == "open"
    assert "README.md is not the file whose hash is listed" in outcome.message


def test_a_disk_that_refuses_leaves_the_review_open(desk: Desk) -> None:
    (desk.home / "pristine").rename(desk.home / "aside")
    (desk.home / "pristine").write_text("no folder")
    desk.assert_untouched_by(StorageError, says="cannot be written")


PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "compute": (DOUBLING, {"examples": DOUBLED}),
    "reducer": (
        "REDUCER node called Totals that sums amounts",
        {"examples": [{"input": {"amount": 2}, "output": {"total": 2}}]},
    ),
    "function": (
        'Write a function.\n\ndef add(a: int, b: int) -> int:\n    """Adds.\n\n    >>> add(2, 3)\n    5\n    """',
        {},
    ),
    "spoken": ("COMPUTE node with a function add(a, b): add(2, 3) returns 5 and add(1, 1) returns 2", {}),
    "none": ("Create an EFFECT node that writes users to PostgreSQL", {}),
}


@pytest.mark.parametrize("case", PROMPTS, ids=str)
def test_the_examples_are_those_that_the_node_was_planned_with(case: str) -> None:
    prompt, more = PROMPTS[case]
    named = {"name": "Sample", "node_kind": "COMPUTE"} if case in {"function", "spoken"} else {}
    blueprint = blueprint_for(prompt, **more, **named)
    bundle = bundle_for(prompt, **more, **named)
    assert examples_of(bundle, kind=blueprint.kind, request_id="r") == blueprint.examples
    assert bool(blueprint.examples) == (case != "none")


def test_a_review_is_found_by_id_generation_and_unique_beginning() -> None:
    older, newer, other = a_decision(0), a_decision(1), a_decision(2, request_id="another-request")
    records: Any = FakeReviewRecords(older, newer, other)
    for named in (REQUEST_ID, "test-req", str(newer.correlation_id), str(newer.correlation_id)[:13]):
        assert find_decision(records, named) == newer, named
    assert find_decision(records, str(older.correlation_id)) == older
    assert find_decision(records, "a") in (other,)


def test_a_beginning_of_several_ids_names_them() -> None:
    records: Any = FakeReviewRecords(a_decision(0, request_id="same-1"), a_decision(1, request_id="same-2"))
    with pytest.raises(RequestError, match="same-1, same-2"):
        find_decision(records, "same")


@pytest.mark.parametrize("named", ["unknown", "", "../x", "x\n", "\x1b[2J", "x" * 64])
def test_an_unknown_review_is_a_message(named: str) -> None:
    records: Any = FakeReviewRecords(a_decision())
    with pytest.raises(RequestError, match="review"):
        find_decision(records, named)


def test_the_stored_node_is_the_same_bytes(tmp_path: Path) -> None:
    assert bundle_of(waiting(doubler(), tmp_path)).sha256 == doubler().sha256
