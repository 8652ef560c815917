"""Records that hold decisions of the quorum in memory, and nodes that wait for review. Has no opinion of its own."""

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import Logic
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.records.learned import QuorumDecisionRow, VoteRow
from omniclaude_dagster.sandbox.model import SandboxJob
from omniclaude_dagster.stages.model import GenerationResult
from tests.support.generated_nodes import blueprint_for
from tests.support.reference_nodes import ScriptedSandbox, executed, returned

DOUBLING = "COMPUTE node called Doubler that doubles a number"
DOUBLED = [{"input": {"n": 2}, "output": {"doubled": 4}}, {"input": {"n": 5}, "output": {"doubled": 10}}]
REQUEST_ID = "test-request"
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeReviewRecords:
    """Implements what reviews ask of RecordsStore, as one process sees it."""

    def __init__(self, *decisions: QuorumDecisionRow, votes: Iterable[VoteRow] = ()) -> None:
        self.decisions = {decision.correlation_id: decision for decision in decisions}
        self.votes = tuple(votes)
        self.results: dict[str, GenerationResult] = {}
        self.before_closing: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def quorum_decisions(self, *, review: str | None = None, limit: int = 50) -> tuple[QuorumDecisionRow, ...]:
        newest = sorted(self.decisions.values(), key=lambda d: d.timestamp, reverse=True)
        return tuple(d for d in newest if review is None or d.review == review)[:limit]

    def quorum_decision(self, request_id_or_correlation_id: str) -> QuorumDecisionRow | None:
        named = request_id_or_correlation_id
        found = [d for d in self.quorum_decisions(limit=1_000) if named in (d.request_id, str(d.correlation_id))]
        return found[0] if found else None

    def quorum_votes_of(self, correlation_id: uuid.UUID) -> tuple[VoteRow, ...]:
        return tuple(vote for vote in self.votes if vote.correlation_id == correlation_id)

    def close_review(self, correlation_id: uuid.UUID, *, accepted: bool, note: str) -> bool:
        self.before_closing()
        with self._lock:
            decision = self.decisions.get(correlation_id)
            if decision is None or decision.review != "open":
                return False
            state = "accepted" if accepted else "refused"
            self.decisions[correlation_id] = replace(decision, review=state, review_note=note, reviewed_at=NOON)
            return True

    def latest(self, request_id: str) -> GenerationResult | None:
        return self.results.get(request_id)

    def close(self) -> None:
        return None


def a_decision(number: int = 0, **changes: Any) -> QuorumDecisionRow:
    """An open suggestion without files; later `number`, later in time."""
    fields: dict[str, Any] = {
        "correlation_id": uuid.uuid5(uuid.NAMESPACE_OID, f"decision {number}"),
        "request_id": REQUEST_ID,
        "panel": "default",
        "decision": "suggest",
        "score": 0.7,
        "participation": 1.0,
        "dispersion": 0.1,
        "reason": "0.70 is below 0.80",
        "edits": (),
        "diff": "",
        "package_name": "node_doubler_compute",
        "files": {},
        "output_dir": "/out",
        "review": "open",
        "review_note": "",
        "reviewed_at": None,
        "timestamp": NOON + timedelta(seconds=number),
    }
    return QuorumDecisionRow(**{**fields, **changes})


def a_vote(seat: str, **changes: Any) -> VoteRow:
    """A vote about the decision of number 0."""
    fields: dict[str, Any] = {
        "correlation_id": a_decision().correlation_id,
        "panel": "default",
        "seat": seat,
        "model": f"model-of-{seat}",
        "weight": 1.5,
        "score": 0.7,
        "verdict": "revise",
        "timestamp": NOON,
    }
    return VoteRow(**{**fields, **changes})


def doubler(expression: str = "data.n * 2", **more: Any) -> NodeBundle:
    """A rendered node that doubles by this expression."""
    blueprint = blueprint_for(DOUBLING, examples=DOUBLED, **more)
    source = (
        f"def {blueprint.logic.function}(data: ModelDoublerInput) -> ModelDoublerOutput:\n"
        f"    return ModelDoublerOutput(doubled={expression})\n"
    )
    return render_bundle(blueprint.with_logic(Logic("model", blueprint.logic.function, source=source)))


def texts(bundle: NodeBundle) -> dict[str, str]:
    """A node as the records keep it."""
    return {path: content.decode() for path, content in bundle.files.items()}


def waiting(bundle: NodeBundle, output: Path, **changes: Any) -> QuorumDecisionRow:
    """A decision with this node's files."""
    own = {"package_name": bundle.package_name, "files": texts(bundle), "output_dir": str(output)}
    return a_decision(**(own | changes))


def doubling_sandbox() -> ScriptedSandbox:
    """Executes nothing: what logic.py multiplies with decides whether the examples hold; all else is perfect."""

    def execute(job: SandboxJob) -> dict[str, Any]:
        (logic,) = [text.decode() for path, text in job.files.items() if path.endswith("/logic.py")]
        factor = 3 if "* 3" in logic else 2
        samples = [s if s is not None else {"n": 1} for s in job.arguments["samples"]]
        return executed(processed=[returned(s, {"doubled": s.get("n", 0) * factor}) for s in samples])(job)

    return ScriptedSandbox({"execute_node": execute})
