"""Rows of the records as the objects they were made from: calls, outcomes, patterns, votes, decisions.

Asks no database; others do, and hand the rows in.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omniclaude_dagster.errors import RequestError, StorageError
from omniclaude_dagster.patterns.making import make_pattern
from omniclaude_dagster.patterns.model import Pattern, StoredPattern
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.records.escapes import unescaped
from omniclaude_dagster.records.learned import QuorumDecisionRow, ReuseRow, VoteRow
from omniclaude_dagster.records.learned_rows import JSON_TEXTS, PLAIN_TEXTS
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.stages.model import BenchmarkOutcome
from omniclaude_dagster.stages.recipe import recipe_from_text

type StoredRow = Mapping[str, Any]

# Where a body came from, in the words of older releases.
_ORIGINS = {"earlier_generation": "pattern"}


def model_call(row: StoredRow) -> ModelCall:
    """The call of a row of `model_calls`."""
    reply = row.get("reply_text")
    return ModelCall(
        correlation_id=row["correlation_id"],
        stage=row["stage"],
        model=row["model_name"],
        provider=row["provider"],
        host=row["host"],
        tokens_input=row["tokens_input"],
        tokens_output=row["tokens_output"],
        latency_ms=row["latency_ms"],
        cost_nanousd=row["cost_nanousd"],
        attempts=row["attempts"],
        is_success=row["success"],
        is_usage_estimated=row["is_usage_estimated"],
        error_kind=row["error_kind"],
        error_message=row["error_message"],
        request_sha256=row.get("request_sha256"),
        reply_text=None if reply is None else unescaped(reply),
        verdict=row.get("verdict"),
        call_id=row["id"],
        started_at=row["timestamp"],
    )


def benchmark_outcome(row: StoredRow) -> BenchmarkOutcome:
    """The outcome of a row of `benchmark_outcomes`."""
    names = BenchmarkOutcome.__dataclass_fields__
    return BenchmarkOutcome(**{name: row[name] for name in names})


def stored_pattern(row: StoredRow) -> StoredPattern:
    """The pattern of a row of `patterns`, with what became of it."""
    content = {f.name: row[f.name] for f in fields(Pattern)}
    content |= {name: unescaped(content[name]) for name in PLAIN_TEXTS if name in content}
    content |= {name: json.loads(content[name]) for name in JSON_TEXTS}
    content |= {name: tuple(content[name]) for name in ("systems", "examples", "models_used", "reuse_conditions")}
    content["node_kind"] = NodeKind(content["node_kind"])
    state = {f.name: row[f.name] for f in fields(StoredPattern) if f.name != "pattern"}
    return StoredPattern(Pattern(**content), **state)


def pattern_of_generation(row: StoredRow) -> Pattern | None:
    """The pattern that a generation of a release without a library would have given; None where it left no body.

    Those releases kept neither contract nor models nor systems, so it has none; reuse needs only its code and fields.
    """
    logic = dict(row["logic"] or {})
    if row["status"] != "published" or not logic.get("source"):
        return None
    request = _request_of(row)
    try:
        return make_pattern(
            name=row["node_name"] or "",
            description=str(logic.get("description") or row["prompt"]),
            node_kind=NodeKind(row["node_kind"]),
            domain=row["domain"] or "",
            systems=(),
            function=logic["function"],
            code=logic["source"],
            inputs=logic["inputs"],
            outputs=logic["outputs"],
            input_class=logic["input_class"],
            output_class=logic["output_class"],
            contract="",
            models={},
            request=request,
            examples=request.get("examples") or (),
            origin=_ORIGINS.get(logic["origin"], str(logic["origin"])),
            quality_score=row["quality_score"],
            models_used=tuple(filter(None, [logic.get("model")])),
            core_version="",
            source="generation",
            request_id=row["request_id"],
            correlation_id=row["correlation_id"],
            created_at=row["finished_at"],
        )
    except (KeyError, TypeError, ValueError, RequestError):
        return None


def reuse(row: StoredRow) -> ReuseRow:
    """What a row of `pattern_reuse_stats` says, joined with the kind of the generation's node."""
    values = {f.name: row[f.name] for f in fields(ReuseRow)}
    return ReuseRow(**{**values, "reasons": tuple(row["reasons"]), "node_kind": row["node_kind"] or ""})


def vote(row: StoredRow) -> VoteRow:
    """The vote of a row of `quorum_votes`."""
    renamed = {"vote_id": row["id"], "model": row["model_name"], "deficiencies": tuple(row["deficiencies"])}
    return VoteRow(**{f.name: row[f.name] for f in fields(VoteRow) if f.name not in renamed}, **renamed)


def quorum_decision(row: StoredRow) -> QuorumDecisionRow:
    """The decision of a row of `quorum_decisions`."""
    values = {f.name: row[f.name] for f in fields(QuorumDecisionRow)}
    return QuorumDecisionRow(**{**values, "edits": tuple(row["edits"])})


def _request_of(row: StoredRow) -> dict[str, Any]:
    """The request as its recipe holds it; empty where none was kept, or a damaged one."""
    try:
        return recipe_from_text(row["recipe"] or "").accepted.request.model_dump(mode="json")
    except StorageError:
        return {}
