"""Makes outcomes of a quorum for tests of the records."""

import uuid
from typing import Any

from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.providers.model import ModelCall
from omniclaude_dagster.quorum.model import (
    Ballot,
    Decision,
    Deficiency,
    ExecutedFacts,
    ProposedEdit,
    QuorumOutcome,
    Tally,
    TriedEdit,
)

BUNDLE = NodeBundle("node_user_writer_effect", {"node.py": b"X = 1\n", "models/__init__.py": "é\n".encode()})
EDIT = ProposedEdit("replace_logic", source="return row", reason="shorter")
OTHER_EDIT = ProposedEdit("set_field_constraint", model="ModelA", field="n", constraint="ge", value=0)


def make_call(correlation_id: uuid.UUID, *, cost_nanousd: int = 7, provider: str = "openai_compatible") -> ModelCall:
    """A successful call of a seat."""
    return ModelCall(
        correlation_id=correlation_id,
        stage="quorum",
        model="codestral",
        provider=provider,
        host="127.0.0.1",
        tokens_input=10,
        tokens_output=2,
        latency_ms=5.0,
        cost_nanousd=cost_nanousd,
        attempts=1,
        is_success=True,
    )


def make_outcome(decision: Decision = "suggest", **changes: Any) -> QuorumOutcome:
    """Two seats voted and one abstained; of two edits the first is suggested or applied."""
    facts = ExecutedFacts({"G9": "pass"}, (), examples_passed=2, examples_total=2, quality_score=0.97)
    better = TriedEdit(EDIT, ("codestral",), 0.5, is_better=True, diff="--- a\n+++ b\n", bundle=BUNDLE, facts=facts)
    worse = TriedEdit(OTHER_EDIT, ("llama-3.1",), 0.2, is_worse=True, problem="example 1 fails")
    ballots = (
        Ballot(
            "codestral",
            1.5,
            model="codestral",
            score=0.9,
            verdict="approve",
            edit=EDIT,
            latency_ms=12.5,
            calls=(make_call(uuid.UUID(int=1)), make_call(uuid.UUID(int=1), provider="replay")),
        ),
        Ballot(
            "llama-3.1",
            1.2,
            model="llama-3.1-8b",
            score=0.3,
            verdict="reject",
            deficiencies=(Deficiency("node.py", 3, "no check\0"),),
        ),
        Ballot("gemini-flash", 1.0, abstained_because="answered too late"),
    )
    values: dict[str, Any] = {
        "panel": "default",
        "tally": Tally(decision, 0.62, 0.73, 0.3, "2 of 3 seats voted"),
        "ballots": ballots,
        "tried": (better, worse),
        "applied": better if decision == "apply" else None,
        "suggested": better if decision == "suggest" else None,
    }
    return QuorumOutcome(**(values | changes))
