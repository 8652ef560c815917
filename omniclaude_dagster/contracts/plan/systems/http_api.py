"""HTTP APIs: one JSON call, repeated only where a repetition cannot do the work twice."""

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One call of {plan.stem}.",
        (
            FieldSpec("path", "str", "Path below the base address.", constraints={"pattern": r"^/[^\s?#]*$"}),
            operation_field(enum),
            FieldSpec("query", "dict[str, str]", "Query parameters.", "dict"),
            FieldSpec("headers", "dict[str, str]", "Additional headers.", "dict"),
            FieldSpec("body", "JsonValue", "JSON body, if the call has one.", "None"),
        ),
    )
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the API answered to {plan.stem}.",
        (
            FieldSpec("status_code", "int", "HTTP status.", constraints={"ge": 100, "le": 599}),
            FieldSpec("body", "JsonValue", "Decoded JSON, or the text.", "None"),
            FieldSpec("attempts", "int", "Requests that were sent.", "1", {"ge": 1}),
        ),
    )
    return SystemModels(input_model, output_model, {"path": "/items"})


HTTP_API = System(
    name="HTTP API",
    flavour="http_api",
    effect_type="API_CALL",
    operation_prefix="api",
    operation_words={
        "GET": ("get", "fetch", "fetches", "read", "reads", "call", "calls", "query", "download", "poll", "retrieve"),
        "POST": ("post", "send", "sends", "create", "submit", "submits", "notify", "webhook", "push", "call", "calls"),
        "PUT": ("put", "update", "updates", "replace"),
        "PATCH": ("patch", "modify"),
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
)
