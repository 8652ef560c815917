"""A person finishes a scaffold and generates it again: the edits stay, the gates judge them, the node is published."""

import asyncio
from pathlib import Path

import pytest

from omniclaude_dagster.pipeline import Platform
from omniclaude_dagster.request.model import AcceptedRequest, GenerationRequest
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.settings import Settings
from omniclaude_dagster.stages.model import GenerationResult

pytestmark = pytest.mark.sandbox
EXAMPLES = [{"input": {"n": 2}, "output": {"answer": 7}}, {"input": {"n": 40}, "output": {"answer": 45}}]


class Workplace:
    """One request, generated again and again into the same folder."""

    def __init__(self, folder: Path, sandbox: BubblewrapSandbox) -> None:
        self.settings = Settings.model_validate({"home": folder / "home", "model_base_url": ""})
        self.sandbox = sandbox
        asked = {"prompt": "COMPUTE node called Riddle that solves the riddle", "mode": "fast", "examples": EXAMPLES}
        request = GenerationRequest.model_validate({**asked, "output_dir": str(folder / "out")})
        self.accepted = AcceptedRequest("riddle", request)
        self.root = folder / "out" / "node_riddle_compute"

    def generate(self) -> GenerationResult:
        with Platform(self.settings, sandbox=self.sandbox) as platform:
            return asyncio.run(platform.generate(self.accepted))

    def finish_by_hand(self, body: str) -> None:
        logic = self.root / "logic.py"
        text = logic.read_text()
        start = text.index("    given = ")
        logic.write_text(f"{text[:start]}    {body}\n")
        (self.root / "REVIEW.md").unlink()
        tests = self.root / "tests" / "test_node.py"
        text = tests.read_text().replace("@operation_is_open\n", "")
        for start, end in (("# Remove this mark", "def compute"), ("def test_the_unfilled", "class RecordingBus")):
            text = text[: text.index(start)] + text[text.index(end) :]
        tests.write_text(text)


@pytest.fixture
def place(tmp_path: Path, sandbox: BubblewrapSandbox) -> Workplace:
    place = Workplace(tmp_path, sandbox)
    assert place.generate().status == "needs_review"
    return place


def test_a_scaffold_that_a_person_finished_is_published_with_the_edits(place: Workplace) -> None:
    place.finish_by_hand("return ModelRiddleOutput(answer=data.n + 5)")
    result = place.generate()
    assert result.error is None
    assert result.status == "published"
    assert "data.n + 5" in (place.root / "logic.py").read_text()
    assert not (place.root / "REVIEW.md").exists()


def test_edits_that_fail_the_examples_are_delivered_for_review_only(place: Workplace) -> None:
    place.finish_by_hand("return ModelRiddleOutput(answer=data.n + 6)")
    result = place.generate()
    assert result.status == "needs_review"
    assert "G-EXEC" in (result.error or "")
    assert "data.n + 6" in (place.root / "logic.py").read_text()


def test_edits_that_break_a_blocking_gate_leave_the_folder_as_it_is(place: Workplace) -> None:
    place.finish_by_hand("return ModelRiddleOutput(answer=eval('7'))")
    before = (place.root / "logic.py").read_bytes()
    result = place.generate()
    assert result.status == "blocked"
    assert (place.root / "logic.py").read_bytes() == before


def test_a_preview_judges_and_writes_nothing(place: Workplace) -> None:
    place.finish_by_hand("return ModelRiddleOutput(answer=data.n + 5)")
    before = {p: p.read_bytes() for p in place.root.rglob("*") if p.is_file()}
    with Platform(place.settings, sandbox=place.sandbox) as platform:
        state = asyncio.run(platform.preview(place.accepted))
        recorded = platform.records.latest(state.request_id)
    assert state.update is not None
    assert "logic.py" in state.update.kept
    assert {r.gate: r.status for r in state.gate_results}["G-EXEC"] == "pass"
    assert {p: p.read_bytes() for p in place.root.rglob("*") if p.is_file()} == before
    assert recorded is not None
