"""Patterns, their use, votes, decisions and reported runs as table rows. `rows.py` makes their values storable.

What must come back to the character (a pattern's texts) is escaped here; its structured parts are JSON as text, so
that the order of keys and the spelling of numbers stay. Vectors are base64 of little-endian float32: JSON-able, exact.
"""

import base64
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from omniclaude_dagster.patterns.model import ROLES, Pattern, PatternReuse, Vectors
from omniclaude_dagster.providers.recorded import is_replayed
from omniclaude_dagster.quorum.model import Ballot, QuorumOutcome, TriedEdit
from omniclaude_dagster.records.columns import Row
from omniclaude_dagster.records.escapes import escaped
from omniclaude_dagster.records.learned import QuorumDecisionRow, ReportedRow, VoteRow
from omniclaude_dagster.stages.model import GenerationRecord

BENCHMARK_SOURCE = "benchmark"
# Columns of a pattern that hold JSON as text, and those that hold a text that must come back as it was.
JSON_TEXTS = ("inputs", "outputs", "models", "request", "examples")
PLAIN_TEXTS = (
    "pattern_type name description domain function code input_class output_class contract origin core_version source "
    "request_id content_hash code_fingerprint text"
).split()


def pattern_row(pattern: Pattern, *, vector: Vectors | None, embedding_model: str) -> Row:
    """A new pattern: active, never used, as good as its generation was. Its revision is given when it is inserted."""
    embedding = encoded_vector(vector)
    row = {f.name: getattr(pattern, f.name) for f in fields(Pattern)}
    row |= {name: json.dumps(row[name], ensure_ascii=True, default=dict) for name in JSON_TEXTS}
    row["text"] = pattern.text
    row |= {name: escaped(row[name]) for name in PLAIN_TEXTS}
    return row | {
        "node_kind": pattern.node_kind.value,
        "status": "active",
        "status_reason": "",
        "usage_count": 0,
        "success_rate": 1.0,
        "average_quality_score": pattern.quality_score,
        "consecutive_failures": 0,
        "last_used": None,
        "embedding_model": embedding_model if embedding else "",
        "embedding": embedding,
        "revision": 0,
    }


def encoded_vector(vector: Vectors | None) -> str | None:
    """The vector as text; None for none, and for one with no values or one that is no number."""
    if vector is None or not vector.size or not np.isfinite(vector).all():
        return None
    return base64.b64encode(np.asarray(vector, dtype="<f4").reshape(-1).tobytes()).decode("ascii")


def decoded_vector(text: str) -> Vectors:
    """What `encoded_vector` gave. Raises ValueError for anything else."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")


def reuse_row(generation: Mapping[str, Any], reuse: PatternReuse, *, model_calls: int) -> Row:
    """What came of one pattern. `generation`: the row of its generation, which says what came of that."""
    correlation_id: uuid.UUID = generation["correlation_id"]
    return {
        "id": uuid.uuid5(correlation_id, f"reuse:{reuse.pattern_id}"),
        "correlation_id": correlation_id,
        "pattern_id": reuse.pattern_id,
        "request_id": generation["request_id"],
        "role": reuse.role,
        "rank": reuse.rank,
        "score": reuse.score,
        "reasons": list(reuse.reasons),
        "detail": reuse.detail,
        "is_success": generation["status"] == "published",
        "quality_score": generation["quality_score"],
        "cost_nanousd": generation["cost_nanousd"],
        "model_calls": model_calls,
        "timestamp": generation["finished_at"],
    }


def strongest(reuses: Iterable[PatternReuse]) -> tuple[PatternReuse, ...]:
    """One a pattern, in order: of several roles the last of ROLES."""
    found: dict[uuid.UUID, PatternReuse] = {}
    for reuse in reuses:
        known = found.get(reuse.pattern_id)
        if known is None or ROLES.index(reuse.role) > ROLES.index(known.role):
            found[reuse.pattern_id] = reuse
    return tuple(found.values())


def votes_of(record: GenerationRecord) -> list[Row]:
    """One row a ballot, in the order of the seats."""
    if record.quorum is None:
        return []
    return [_ballot(record, record.quorum.panel, number, ballot) for number, ballot in enumerate(record.quorum.ballots)]


def decisions_of(record: GenerationRecord) -> list[Row]:
    """The quorum's decision with what a person may accept; no row where no quorum was asked."""
    outcome = record.quorum
    if outcome is None:
        return []
    chosen = outcome.applied or outcome.suggested
    is_open = outcome.needs_person and not record.is_preview
    waiting = record.waiting if is_open else None
    decision = QuorumDecisionRow(
        correlation_id=uuid.UUID(record.result.correlation_id),
        request_id=record.result.request_id,
        panel=outcome.panel,
        decision=outcome.tally.decision,
        score=outcome.tally.score,
        participation=outcome.tally.participation,
        dispersion=outcome.tally.dispersion,
        reason=outcome.tally.reason,
        edits=tuple(_edit(tried, outcome) for tried in outcome.tried),
        diff=chosen.diff if chosen else "",
        package_name=waiting.package_name if waiting else "",
        files={path: waiting.files[path].decode("utf-8", "replace") for path in sorted(waiting.files)}
        if waiting
        else {},
        output_dir=record.output_dir,
        review="open" if is_open else "none",
        review_note="",
        reviewed_at=None,
        timestamp=record.finished_at,
    )
    return [{f.name: getattr(decision, f.name) for f in fields(decision)}]


def vote_row(vote: VoteRow) -> Row:
    """A vote that is written on its own."""
    row = {f.name: getattr(vote, f.name) for f in fields(vote)}
    row["id"] = row.pop("vote_id")
    row["model_name"] = row.pop("model")
    return row


def reported_row(reported: ReportedRow) -> Row:
    """A run that another program measured."""
    row = {f.name: getattr(reported, f.name) for f in fields(reported)}
    row["id"] = row.pop("report_id")
    row["model_name"] = row.pop("model")
    row["success"] = row.pop("is_success")
    return row


def _ballot(record: GenerationRecord, panel: str, number: int, ballot: Ballot) -> Row:
    correlation_id = uuid.UUID(record.result.correlation_id)
    vote = VoteRow(
        correlation_id=correlation_id,
        panel=panel,
        seat=ballot.seat,
        model=ballot.model,
        weight=ballot.weight,
        score=ballot.score,
        verdict=ballot.verdict,
        abstained_because=ballot.abstained_because,
        deficiencies=tuple(asdict(deficiency) for deficiency in ballot.deficiencies),
        edit=ballot.edit.as_json() if ballot.edit else {},
        latency_ms=ballot.latency_ms,
        cost_nanousd=sum(call.cost_nanousd for call in ballot.calls if not is_replayed(call)),
        timestamp=record.finished_at,
        # A ballot has no id of its own; its place among the seats is one.
        vote_id=uuid.uuid5(correlation_id, f"vote:{number}"),
    )
    return vote_row(vote)


def _edit(tried: TriedEdit, outcome: QuorumOutcome) -> Row:
    return {
        "edit": tried.edit.as_json(),
        "seats": list(tried.seats),
        "support": tried.support,
        "is_better": tried.is_better,
        "is_worse": tried.is_worse,
        "is_applied": outcome.applied is not None and tried.edit == outcome.applied.edit,
        "is_suggested": outcome.suggested is not None and tried.edit == outcome.suggested.edit,
        "problem": tried.problem,
        "diff": tried.diff,
        "facts": asdict(tried.facts) if tried.facts else {},
    }
