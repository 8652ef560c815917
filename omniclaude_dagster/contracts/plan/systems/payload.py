"""The typed content of messages and stored values: a model of its own where a request names the fields."""

import re

from omniclaude_dagster.contracts.plan.common import PlanInput, fields_from_examples, fields_from_hints
from omniclaude_dagster.node.blueprint import ModelSpec

_DURATION = re.compile(
    r"(?:ttl|expir\w*|time[- ]to[- ]live|for|after|within)\D{0,20}?(\d{1,9})\s*"
    r"(seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)\b",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def payload_model(
    plan: PlanInput, role: str, description: str, *, example_key: str, control_fields: frozenset[str]
) -> ModelSpec | None:
    """The model of what is stored or sent, from examples' `example_key` or the fields the prompt names; None if none.

    `control_fields` are fields of the operation itself (`key`, `topic`), which are no part of the content.
    """
    values = [e.input.get(example_key) for e in plan.examples]
    shown = [value for value in values if isinstance(value, dict)]
    candidates = (*fields_from_examples(shown), *fields_from_hints(plan.parsed))
    named = {f.name: f for f in reversed(candidates) if f.name not in control_fields}
    if not named:
        return None
    return ModelSpec(plan.model_class(role), description, tuple(reversed(named.values())))


def asked_duration_s(plan: PlanInput) -> int | None:
    """How long something is to be kept, in seconds (`expires after 5 minutes` -> 300), or None."""
    found = _DURATION.search(plan.request.prompt)
    return int(found[1]) * _SECONDS[found[2][0].lower()] if found else None
