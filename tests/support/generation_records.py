"""Makes complete generation records for tests of the records, also from child processes."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.stages.model import (
    STAGES,
    BenchmarkOutcome,
    GenerationRecord,
    GenerationResult,
    StageRecord,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def make_record(number: int = 0, *, result: dict[str, Any] | None = None, **changes: Any) -> GenerationRecord:
    """A published generation with 9 stages, 2 gates and 1 model call; later `number`, later in time."""
    correlation_id = uuid.uuid5(uuid.NAMESPACE_OID, f"generation {number}")
    at = NOON + timedelta(seconds=number)
    stages = tuple(
        StageRecord(
            correlation_id=correlation_id,
            stage=stage,
            name=name,
            status="completed",
            model="smollm2-135m" if stage == "3" else None,
            tokens_input=100,
            tokens_output=20,
            latency_ms=1.5,
            cost_nanousd=1_250_000_001,
            quality_score=0.9512,
            stage_run_id=uuid.uuid5(correlation_id, stage),
            started_at=at,
        )
        for stage, name in STAGES
    )
    values: dict[str, Any] = {
        "request_id": f"request-{number}",
        "correlation_id": str(correlation_id),
        "mode": "balanced",
        "status": "published",
        "node": {
            "kind": "EFFECT",
            "name": "UserWriter",
            "class_name": "NodeUserWriterEffect",
            "domain": "users",
            "path": "/out/node_user_writer_effect",
        },
        "quality_score": 0.9512,
        "quality": {"imports": 1.0},
        "cost_usd": 1.25,
        "duration_ms": 1234.5,
        "stages": [s.as_json() for s in stages],
        "gates": [],
        "files": [],
    }
    fields: dict[str, Any] = {
        "result": GenerationResult(**{**values, **(result or {})}),
        "content_hash": f"{number:064x}",
        "prompt": f"Create EFFECT node number {number}",
        "started_at": at,
        "finished_at": at + timedelta(milliseconds=1234),
        "stage_records": stages,
        "gate_results": (
            GateResult("G9", "post_generation", is_blocking=True, status="pass", message="ok"),
            GateResult("G13", "compilation", is_blocking=False, status="warn", message="two notes", duration_ms=3.25),
        ),
        "model_calls": (
            ModelCall(
                correlation_id=correlation_id,
                stage="3",
                model="smollm2-135m",
                provider="openai_compatible",
                host="127.0.0.1",
                tokens_input=100,
                tokens_output=20,
                latency_ms=850.0,
                cost_nanousd=1_250_000_001,
                attempts=1,
                is_success=True,
                request_sha256=f"{number:064x}",
                reply_text=f"answer {number}",
                verdict="accepted",
                call_id=uuid.uuid5(correlation_id, "call"),
                started_at=at,
            ),
        ),
        "cost_nanousd": 1_250_000_001,
        "logic": {"description": "writes users", "body": "return row"},
    }
    return GenerationRecord(**{**fields, **changes})


def make_outcome(number: int = 0, **changes: Any) -> BenchmarkOutcome:
    """A passed sample 0 of task `task/<number>` of the run `run-1`."""
    fields: dict[str, Any] = {
        "benchmark_run": "run-1",
        "task_id": f"task/{number}",
        "sample": 0,
        "correlation_id": uuid.uuid5(uuid.NAMESPACE_OID, f"generation {number}"),
        "subject": "smollm2-135m",
        "status": "published",
        "is_passed": True,
        "quality_score": 0.875,
        "cost_nanousd": 1_250_000_001,
        "duration_ms": 850.5,
        "model_calls": 2,
        "detail": "all hidden tests passed",
        "finished_at": NOON + timedelta(seconds=number),
    }
    return BenchmarkOutcome(**{**fields, **changes})
