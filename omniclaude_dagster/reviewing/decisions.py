"""What a person decided becomes files: an accepted review is judged by every gate once more, then published.

Asks no model, renders nothing and prints nothing. What waits is read by `waiting.py`.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from omniclaude_dagster.artifact.store import NodeStore, PublishedFile, sweep
from omniclaude_dagster.errors import ConflictError, RequestError, SandboxUnavailableError
from omniclaude_dagster.gates.registry import FolderVerdict, judge_node
from omniclaude_dagster.gates.report import GateReport, GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import REQUEST_ID_PATTERN
from omniclaude_dagster.request.store import RequestStore
from omniclaude_dagster.reviewing.waiting import bundle_of, output_dir_of, review_context, with_edits
from omniclaude_dagster.sandbox.model import Sandbox
from omniclaude_dagster.stages.model import GenerationResult

if TYPE_CHECKING:
    from omniclaude_dagster.records.learned import QuorumDecisionRow
    from omniclaude_dagster.records.repository import RecordsStore

MAX_NOTE_CHARS = 2_000
# Reviews that are looked through for one whose id begins as a person wrote.
_SEARCHED = 1_000
_NAMED = 5


@dataclass(frozen=True)
class ReviewOutcome:
    """What became of a review. Still `open` when a gate failed: nothing was written then, and `message` says why.

    `kept`: files in which edits that a person had made in the output folder live on.
    """

    request_id: str
    correlation_id: uuid.UUID
    review: Literal["open", "accepted", "refused"]
    message: str
    path: Path | None = None
    files: tuple[PublishedFile, ...] = ()
    kept: tuple[str, ...] = ()
    gates: tuple[GateResult, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The object that `omniclaude review accept --json` prints."""
        return {
            "request_id": self.request_id,
            "correlation_id": str(self.correlation_id),
            "review": self.review,
            "message": self.message,
            "path": str(self.path) if self.path else None,
            "files": [file.as_json() for file in self.files],
            "kept": list(self.kept),
            "gates": [gate.as_json() for gate in self.gates],
        }


def find_decision(records: "RecordsStore", named: str) -> "QuorumDecisionRow":
    """The decision that a request id, a correlation id or the unique beginning of either names.

    Of several about one request it is the newest. Raises RequestError and RecordsUnavailableError.
    """
    cure = "omniclaude review list --all shows what there is"
    if not REQUEST_ID_PATTERN.match(named):
        raise RequestError(f"{named[:80]!r} is no id of a review.", cure=cure)
    exact = records.quorum_decision(named)
    if exact is not None:
        return exact
    found: dict[str, QuorumDecisionRow] = {}
    for decision in records.quorum_decisions(review=None, limit=_SEARCHED):
        for name in (decision.request_id, str(decision.correlation_id)):
            if name.startswith(named):
                found.setdefault(name, decision)
    if not found:
        raise RequestError(f"there is no review of {named!r}.", cure=cure)
    if len({decision.correlation_id for decision in found.values()}) > 1:
        more = ", …" if len(found) > _NAMED else ""
        raise RequestError(
            f"{named!r} is the beginning of {len(found)} ids: {', '.join(sorted(found)[:_NAMED])}{more}.",
            cure="write more of the id",
        )
    return next(iter(found.values()))


class Reviews:
    """Carries out what a person decided. Nobody else works on the same request of this home meanwhile.

    `state_dir`: the home folder, with the locks and the texts that earlier nodes were generated with.
    """

    def __init__(self, records: "RecordsStore", requests: RequestStore, sandbox: Sandbox, *, state_dir: Path) -> None:
        self._records = records
        self._requests = requests
        self._sandbox = sandbox
        self._state_dir = state_dir

    def refuse(self, named: str, *, note: str = "") -> ReviewOutcome:
        """Close the review; nothing else changes. Raises RequestError, ConflictError for one that is decided."""
        _check_note(note)
        decision = find_decision(self._records, named)
        with self._requests.claim(decision.request_id):
            self._still_open(decision.correlation_id)
            self._close(decision, is_accepted=False, note=note)
        return ReviewOutcome(decision.request_id, decision.correlation_id, "refused", "refused; no file was changed")

    def accept(self, named: str, *, note: str = "") -> ReviewOutcome:
        """Judge the node that waits, publish it, and only then close the review: doing it twice does no harm.

        Raises RequestError, ConflictError (decided already, overtaken by a later generation, or edits in the output
        folder contradict), UnsafePathError, SandboxUnavailableError, StorageError, RecordsUnavailableError.
        """
        _check_note(note)
        decision = find_decision(self._records, named)
        with self._requests.claim(decision.request_id):
            decision = self._still_open(decision.correlation_id)
            latest = self._records.latest(decision.request_id)
            demand_not_overtaken(decision, latest)
            if not decision.files:
                _demand_delivered(decision, latest)
                self._close(decision, is_accepted=True, note=note)
                message = "approved as it stands; no file was changed"
                return ReviewOutcome(decision.request_id, decision.correlation_id, "accepted", message)
            outcome = self._published(decision)
            if outcome.review == "accepted":
                self._close(decision, is_accepted=True, note=note, path=outcome.path)
            return outcome

    def _published(self, decision: "QuorumDecisionRow") -> ReviewOutcome:
        stored = bundle_of(decision)
        output_dir = output_dir_of(decision)
        # After a kill in the middle of a delivery the old node stands aside.
        sweep(output_dir)
        store = NodeStore(output_dir, self._state_dir)
        bundle, update = with_edits(store, stored, decision)
        verdict = self._judged(bundle, stored=stored, request_id=decision.request_id)
        about = (decision.request_id, decision.correlation_id)
        report = GateReport(verdict.gates, bundle.sha256)
        if report.blocking_failures:
            reasons = "; ".join(f"{result.gate}: {result.message}" for result in report.blocking_failures)
            return ReviewOutcome(*about, "open", reasons, gates=verdict.gates)
        # Judging takes seconds, and somebody with another home may have decided meanwhile.
        self._still_open(decision.correlation_id)
        published = store.publish(bundle, report, request_id=decision.request_id, update=update)
        kept = update.kept if update else ()
        message = f"{len(published.files)} files delivered to {published.path}"
        return ReviewOutcome(*about, "accepted", message, published.path, published.files, kept, verdict.gates)

    def _judged(self, bundle: NodeBundle, *, stored: NodeBundle, request_id: str) -> FolderVerdict:
        """What all gates from G9 on say. Raises SandboxUnavailableError where they cannot execute."""
        _demand(self._sandbox.unavailable_reason())
        verdict = judge_node(review_context(bundle, self._sandbox, stored=stored, request_id=request_id))
        failed = any(result.status == "fail" for result in verdict.gates)
        skipped = [result for result in verdict.gates if result.status == "skipped"]
        if skipped and not failed:
            _demand(f"{skipped[0].gate}: {skipped[0].message}")
        return verdict

    def _still_open(self, correlation_id: uuid.UUID) -> "QuorumDecisionRow":
        decision = self._records.quorum_decision(str(correlation_id))
        if decision is None:
            raise RequestError("the review is gone from the records.", cure="generate the node again")
        if decision.review == "none":
            raise RequestError(
                f"nothing of {decision.request_id} waits for a person: the quorum decided {decision.decision}.",
                cure="omniclaude review list shows what waits",
            )
        if decision.review != "open":
            raise ConflictError(decided_line(decision), cure="omniclaude review list shows what waits")
        return decision

    def _close(self, decision: "QuorumDecisionRow", *, is_accepted: bool, note: str, path: Path | None = None) -> None:
        if self._records.close_review(decision.correlation_id, accepted=is_accepted, note=note):
            return
        first = self._records.quorum_decision(str(decision.correlation_id))
        told = decided_line(first) if first else f"the review of {decision.request_id} is gone."
        written = f" Its files had been delivered to {path} before that was known." if path else ""
        raise ConflictError(told + written, cure="omniclaude review list shows what waits")


def decided_line(decision: "QuorumDecisionRow") -> str:
    """Who was first: how a review was decided, when, and with which note."""
    at = f" at {decision.reviewed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if decision.reviewed_at else ""
    note = f" ({decision.review_note})" if decision.review_note else ""
    return f"the review of {decision.request_id} was {decision.review} already{at}{note}."


def demand_not_overtaken(decision: "QuorumDecisionRow", latest: GenerationResult | None) -> None:
    """Raises ConflictError where the request was generated and delivered again since."""
    if latest is None or latest.correlation_id == str(decision.correlation_id) or not latest.node.get("path"):
        return
    raise ConflictError(
        f"{decision.request_id} was generated again and delivered since; this review is about an earlier node.",
        cure=f"omniclaude show {decision.request_id}, and refuse this review",
    )


def _demand_delivered(decision: "QuorumDecisionRow", latest: GenerationResult | None) -> None:
    """Without files to deliver only a node that stands there can be approved: not a blocked one, not a dry run's."""
    is_own = latest is not None and latest.correlation_id == str(decision.correlation_id)
    if decision.decision == "block" or (latest is not None and is_own and not latest.node.get("path")):
        raise RequestError(
            f"there is nothing to accept: {decision.request_id} was not delivered, and no files were kept.",
            cure="generate it again, or refuse the review",
        )


def _check_note(note: str) -> None:
    if len(note) > MAX_NOTE_CHARS:
        raise RequestError(f"the note has {len(note)} characters.", cure=f"write at most {MAX_NOTE_CHARS}")


def _demand(reason: str | None) -> None:
    if reason:
        message, _, cure = reason.partition(" Cure: ")
        raise SandboxUnavailableError(
            f"nothing was accepted, because the node cannot be run here: {message.rstrip('.')}.",
            cure=cure or "see omniclaude doctor",
        )
