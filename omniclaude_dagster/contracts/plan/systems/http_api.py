"""HTTP APIs: one JSON call, repeated only where a repetition cannot do the work twice."""

from collections.abc import Iterable
from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput, fields_from_examples
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.contracts.plan.systems.payload import payload_model
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint
from omniclaude_dagster.request.model import Example

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_KEY = FieldSpec(
    "idempotency_key",
    "str",
    "Makes a repeated call the same one, for an API that knows this header.",
    '""',
    {"max_length": 255},
)


def _could_do_twice(operations: Iterable[str]) -> bool:
    return bool({"POST", "PATCH"}.intersection(operations))


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    sent = _sent_model(plan, enum)
    given = _given_model(plan)
    body_type = f"{sent.class_name} | None" if sent else "JsonValue"
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One call of {plan.stem}.",
        (
            FieldSpec("path", "str", "Path below the base address.", constraints={"pattern": r"^/[^\s?#]*$"}),
            operation_field(enum),
            FieldSpec("query", "dict[str, str]", "Query parameters.", "dict"),
            FieldSpec("headers", "dict[str, str]", "Additional headers.", "dict"),
            FieldSpec("body", body_type, "JSON body, if the call has one.", "None"),
            *((_KEY,) if _could_do_twice(enum.values) else ()),
        ),
    )
    answer = (
        FieldSpec("body", given.class_name, "What the API is known to answer; other fields are left out.")
        if given
        else FieldSpec("body", "JsonValue", "Decoded JSON, or the text.", "None")
    )
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the API answered to {plan.stem}.",
        (
            FieldSpec("status_code", "int", "HTTP status.", constraints={"ge": 100, "le": 599}),
            answer,
            FieldSpec("attempts", "int", "Requests that were sent.", "1", {"ge": 1}),
        ),
    )
    extra = tuple(model for model in (sent, given) if model is not None)
    return SystemModels(input_model, output_model, {"path": "/items"}, extra_models=extra)


def _sent_model(plan: PlanInput, enum: EnumSpec) -> ModelSpec | None:
    """The body's fields where examples or the prompt name them."""
    if not _WITH_BODY.intersection(enum.values):
        return None
    control = frozenset({"path", "operation", "query", "headers", "body", "idempotency_key"})
    return payload_model(
        plan, "Body", f"JSON body of a call of {plan.stem}.", example_key="body", control_fields=control
    )


def _given_model(plan: PlanInput) -> ModelSpec | None:
    """The answer's fields where examples show them."""
    shown = _shown_answers(plan.examples)
    fields = fields_from_examples([body for _, body in shown])
    return ModelSpec(plan.model_class("Answer"), f"Answer to a call of {plan.stem}.", fields) if fields else None


def _shown_answers(examples: Iterable[Example]) -> list[tuple[str, dict[str, Any]]]:
    """(path, body) of every example that shows an answer's body."""
    bodies = [(str(e.input.get("path", "")), (e.output or {}).get("body")) for e in examples]
    return [(path, body) for path, body in bodies if isinstance(body, dict)]


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    names = [model.class_name for model in blueprint.extra_models]
    shown = _shown_answers(blueprint.examples)
    statuses = [(e.output or {}).get("status_code") for e in blueprint.examples]
    answer_class = next((name for name in names if name.endswith("Answer")), "")
    return {
        "has_key": _could_do_twice(blueprint.operation_values),
        "has_typed_body": any(name.endswith("Body") for name in names),
        "answer_class": answer_class,
        # What the test double answers: what the examples show, by path.
        "shown_answers": dict(shown) if answer_class else {},
        "usual_answer": shown[0][1] if answer_class else {},
        "usual_status": next((s for s in statuses if type(s) is int and 200 <= s < 400), 200),
    }


HTTP_API = System(
    name="HTTP API",
    flavour="http_api",
    effect_type="API_CALL",
    operation_prefix="api",
    operation_words={
        "GET": ("get", "gets", "fetch", "fetches", "read", "reads", "call", "calls", "query", "queries", "download",
                "downloads", "poll", "polls", "retrieve", "retrieves", "look", "lookup", "list", "lists"),
        "POST": ("post", "posts", "send", "sends", "create", "creates", "submit", "submits", "notify", "notifies",
                 "webhook", "push", "pushes", "call", "calls"),
        "PUT": ("put", "puts", "update", "updates", "replace", "replaces"),
        "PATCH": ("patch", "patches", "modify", "modifies"),
        "DELETE": ("delete", "deletes", "remove", "removes"),
    },
    models=_models,
    side_effect='f"{request.operation.value} {request.path}"',
    opener="open_client",
    requirements=("httpx>=0.28,<0.29",),
    environment={
        "HTTP_API_BASE_URL": "address of the API, for example https://api.example.com",
        "HTTP_API_TOKEN": "bearer token, if the API wants one",
    },
    client_imports=(("httpx", "AsyncClient"),),
    template_context=_context,
)  # fmt: skip
