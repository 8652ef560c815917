"""What to ask when a prompt leaves something open: specific questions a person can answer in a few words."""

from collections.abc import Sequence

from omniclaude_dagster.request.model import NodeKind

ASK_BELOW = 0.75
FOREIGN_QUESTION = "I understand English best. Could you repeat the request in English, in one or two sentences?"
SEVERAL_KINDS_OPENING = "You name "
_KIND_MEANINGS = {
    NodeKind.EFFECT: "do I/O such as a database, an API or files (EFFECT)",
    NodeKind.COMPUTE: "compute a result from its input alone (COMPUTE)",
    NodeKind.REDUCER: "combine many items or events into one state (REDUCER)",
    NodeKind.ORCHESTRATOR: "run several steps in order (ORCHESTRATOR)",
}


def open_questions(
    *,
    kind: NodeKind | None,
    kind_confidence: float,
    said_kinds: Sequence[NodeKind],
    runner_up: NodeKind | None,
    name: str | None,
    name_confidence: float,
    operations: Sequence[str],
    is_english: bool,
    name_problem: str | None = None,
) -> tuple[str, ...]:
    """The questions, the most important first."""
    found: list[str] = []
    if not is_english:
        found.append(FOREIGN_QUESTION)
    if kind is None:
        found.append(
            "Should the node " + ", ".join(list(_KIND_MEANINGS.values())[:3]) + ", or " + _last_meaning() + "?"
        )
    elif len(said_kinds) > 1:
        found.append(
            f"{SEVERAL_KINDS_OPENING}{' and '.join(said_kinds)}. Is the node you want the {kind}, using the other?"
        )
    elif kind_confidence < ASK_BELOW:
        other = f" rather than {_KIND_MEANINGS[runner_up]}" if runner_up else ""
        found.append(f"I take it that the node should {_KIND_MEANINGS[kind]}{other}. Is that right?")
    if not operations:
        found.append("What should the node do: which input does it get, and what comes out or changes?")
    if name_problem is not None:
        found.append(f"The name {(name or '')[:80]!r} {name_problem}. What should the node be called instead?")
    elif name is None:
        found.append("What should the node be called (PascalCase, for example UserWriter)?")
    elif name_confidence < 0.6:
        found.append(f"Is {name} the right name for the node?")
    return tuple(found)


def _last_meaning() -> str:
    return _KIND_MEANINGS[NodeKind.ORCHESTRATOR]
