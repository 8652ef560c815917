"""From a vote to a person's decision: real records, a real sandbox, a real folder; only the model is scripted."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.errors import ConflictError
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.quorum.model import QuorumOutcome, Tally
from omniclaude_dagster.records.learned import QuorumDecisionRow
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.reviewing.decisions import ReviewOutcome, Reviews
from omniclaude_dagster.reviewing.waiting import bundle_of
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult
from tests.support.cli import objects_of, omniclaude
from tests.support.generation_records import make_record
from tests.support.misbehaving_server import ScriptedModelServer
from tests.support.review_fakes import REQUEST_ID, doubler

pytestmark = pytest.mark.sandbox
PROMPT = "COMPUTE node called Doubler that applies the zorbl rule to a reading"
EXAMPLES = [{"input": {"n": n}, "output": {"doubled": n * 2}} for n in (2, 5, -1)]
BODY = (
    "```python\ndef compute(data: ModelDoublerInput) -> ModelDoublerOutput:\n"
    "    return ModelDoublerOutput(doubled=data.n * 2)\n```"
)
WISH = "The reading before the rule."
EDIT = {"kind": "set_field_description", "field": "ModelDoublerInput.n", "text": WISH, "reason": "says nothing yet"}


def ballot(score: float, verdict: str, edit: dict[str, Any] | None = None) -> dict[str, Any]:
    """A seat's answer."""
    found = {"file": "logic.py", "line": 1, "message": "the rule is not named"}
    return {"deficiencies": [found], "verdict": verdict, "score": score, "edit": edit or {"kind": "none"}}


class Workplace:
    """One home with an output folder, generations in mode strict, and a person who decides."""

    def __init__(self, folder: Path, sandbox: BubblewrapSandbox) -> None:
        self.home, self.output, self.sandbox = folder / "home", folder / "out", sandbox
        self.root = self.output / "node_doubler_compute"

    def platform(self, base_url: str = "") -> Platform:
        settings = {"home": self.home, "model_base_url": base_url, "panel": "local"}
        return Platform(Settings.model_validate(settings), sandbox=self.sandbox)

    def generate(self, *answers: Any) -> GenerationResult:
        asked = {"prompt": PROMPT, "mode": "strict", "examples": EXAMPLES, "output_dir": str(self.output)}
        accepted = AcceptedRequest("doubling", GenerationRequest.model_validate(asked))
        with ScriptedModelServer(answers) as server, self.platform(server.base_url) as platform:
            return asyncio.run(platform.generate(accepted))

    def record(self, bundle: NodeBundle) -> None:
        """A blocked generation whose candidate is this node, as a run would leave it."""
        quorum = QuorumOutcome("local", Tally("block", 0.3, 1.0, 0.0, "0.30 is below 0.60"), ())
        node = {"kind": "COMPUTE", "name": "Doubler", "class_name": "NodeDoublerCompute", "domain": "d", "path": None}
        changes = {"request_id": REQUEST_ID, "status": "blocked", "node": node}
        record = make_record(result=changes, quorum=quorum, output_dir=str(self.output))
        with self.platform() as platform:
            platform.records.write(replace(record, waiting=bundle))

    def decision(self, named: str = "doubling") -> QuorumDecisionRow:
        with self.platform() as platform:
            found = platform.records.quorum_decision(named)
        assert found is not None
        return found

    def decide(self, named: str = "doubling", *, is_accepted: bool = True, note: str = "") -> ReviewOutcome:
        with self.platform() as platform:
            reviews = Reviews(platform.records, platform.requests, self.sandbox, state_dir=self.home)
            return reviews.accept(named, note=note) if is_accepted else reviews.refuse(named, note=note)

    def text(self, path: str) -> str:
        return (self.root / path).read_text()

    def snapshot(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.output.rglob("*") if path.is_file()}


@pytest.fixture
def place(tmp_path: Path, sandbox: BubblewrapSandbox) -> Workplace:
    return Workplace(tmp_path, sandbox)


@pytest.fixture
def suggested(place: Workplace) -> Workplace:
    """A node that was delivered for review, with an edit that waits."""
    result = place.generate(BODY, ballot(0.7, "revise", EDIT))
    assert (result.status, place.decision().review) == ("needs_review", "open"), result.error
    assert WISH not in place.text("models/model_doubler_input.py")
    return place


def test_a_suggested_edit_is_delivered_when_a_person_accepts_it(suggested: Workplace) -> None:
    waiting = bundle_of(suggested.decision())
    outcome = suggested.decide(note="clearer")
    assert outcome.review == "accepted", outcome.message
    assert WISH in suggested.text("models/model_doubler_input.py")
    assert {str(p.relative_to(suggested.root)): c for p, c in suggested.snapshot().items()} == waiting.files
    decided = suggested.decision()
    assert (decided.review, decided.review_note) == ("accepted", "clearer")
    assert {gate.gate: gate.status for gate in outcome.gates}["G-EXEC"] == "pass"
    with pytest.raises(ConflictError, match=r"was accepted already.*\(clearer\)"):
        suggested.decide()


def test_what_a_person_wrote_meanwhile_stays_also_over_the_next_generation(suggested: Workplace) -> None:
    readme = suggested.root / "README.md"
    readme.write_text(readme.read_text() + "\nWritten by a person.\n")
    assert suggested.decide().kept == ("README.md",)
    assert WISH in suggested.text("models/model_doubler_input.py")
    assert suggested.generate(BODY, ballot(0.9, "approve")).status == "published"
    assert "Written by a person." in readme.read_text()
    assert WISH not in suggested.text("models/model_doubler_input.py")


def test_a_refused_edit_changes_nothing(suggested: Workplace) -> None:
    before = suggested.snapshot()
    assert suggested.decide(is_accepted=False).review == "refused"
    assert suggested.snapshot() == before
    assert suggested.decision().review == "refused"


def test_a_person_overrules_a_block(place: Workplace) -> None:
    result = place.generate(BODY, ballot(0.2, "reject"))
    assert (result.status, place.output.exists()) == ("blocked", False)
    outcome = place.decide()
    assert outcome.review == "accepted", outcome.message
    assert "data.n * 2" in place.text("logic.py")


EXPRESSIONS = {
    "wrong result": ("data.n * 3", "G-EXEC: example 1"),
    "evil": ("eval('data.n * 2')", "G-SEC"),
    "dunder": ("__import__('math').prod([data.n, 2])", "G-SEC"),
}


@pytest.mark.parametrize("case", EXPRESSIONS, ids=str)
def test_nobody_can_accept_what_fails_a_gate(place: Workplace, case: str) -> None:
    expression, says = EXPRESSIONS[case]
    place.record(doubler(expression))
    outcome = place.decide(REQUEST_ID)
    assert outcome.review == "open"
    assert says in outcome.message
    assert not place.output.exists()
    assert place.decision(REQUEST_ID).review == "open"


def test_the_program_lists_shows_and_accepts_once(suggested: Workplace) -> None:
    home = suggested.home
    (listed,) = objects_of(omniclaude("review", "list", "--json", home=home).stdout)
    assert (listed["request_id"], listed["decision"], listed["review"]) == ("doubling", "suggest", "open")
    shown = omniclaude("review", "show", "doub", home=home)
    assert "logic.py:1: the rule is not named" in " ".join(shown.stdout.split())
    assert WISH in shown.stdout
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(omniclaude, "review", "accept", "doub", "--json", home=home) for _ in range(2)]
        first, second = sorted((one.result() for one in both), key=lambda done: done.returncode)
    assert (first.returncode, second.returncode) == (0, 2), (first.stderr, second.stderr)
    assert objects_of(first.stdout)[0]["review"] == "accepted"
    assert "being worked on" in second.stderr or "was accepted already" in second.stderr
    assert WISH in suggested.text("models/model_doubler_input.py")
    assert omniclaude("review", "list", home=home).stdout == ""
