"""Elasticsearch and OpenSearch: documents of an index, over the part of the REST API that both share.

The client is httpx: the products' own clients refuse each other's servers, hide Retry-After and read answers of any
size; the five addresses used here have been the same in every version of both.
"""

from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint

_INDEX_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,199}$"
_DOCUMENT = "dict[str, JsonValue]"


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    asked = set(enum.values)
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One operation of {plan.stem} on an index.",
        (
            FieldSpec("index", "str", "Index to work on.", constraints={"pattern": _INDEX_PATTERN}),
            operation_field(enum),
            *_input_fields(asked),
        ),
    )
    output_model = ModelSpec(
        plan.model_class("Output"), f"What the operation of {plan.stem} did.", _output_fields(enum, asked)
    )
    return SystemModels(input_model, output_model, _sample(enum))


def _input_fields(asked: set[str]) -> tuple[FieldSpec, ...]:
    fields: list[FieldSpec] = []
    if asked & {"index", "get", "delete"}:
        fields.append(FieldSpec("document_id", "str", "Id of the document; an index operation makes one up.", '""',
                                {"max_length": 512}))  # fmt: skip
    if "index" in asked:
        fields.append(FieldSpec("document", _DOCUMENT, "Document to store.", "dict"))
        fields.append(FieldSpec("only_if_absent", "bool", "Never replace a document with another.", "False"))
    if "bulk" in asked:
        fields.append(FieldSpec("documents", f"dict[str, {_DOCUMENT}]", "Documents to store, by id.", "dict",
                                {"max_length": 10_000}))  # fmt: skip
    if asked & {"index", "bulk", "delete"}:
        fields.append(FieldSpec("is_searchable_at_once", "bool", "Wait until searches see the change.", "False"))
    if "search" in asked:
        fields.append(FieldSpec("match", "dict[str, str]", "Words to look for, by field.", "dict"))
        fields.append(FieldSpec("term", "dict[str, str | int | float | bool]", "Exact values, by field.", "dict"))
        fields.append(FieldSpec("limit", "int", "Most documents a search returns.", "10", {"ge": 1, "le": 1000}))
    return tuple(fields)


def _output_fields(enum: EnumSpec, asked: set[str]) -> tuple[FieldSpec, ...]:
    fields = [
        FieldSpec("operation", enum.class_name, "What was done."),
        FieldSpec("count", "int", "Documents written, deleted or found.", constraints={"ge": 0}),
    ]
    if asked & {"index", "get", "delete"}:
        fields.append(FieldSpec("document_id", "str", "Id of the document.", '""'))
    if "get" in asked:
        fields.append(FieldSpec("document", _DOCUMENT, "Document that was read.", "dict"))
    if "search" in asked:
        fields.append(FieldSpec("documents", f"dict[str, {_DOCUMENT}]", "Found documents by id, best first.", "dict"))
        fields.append(FieldSpec("total", "int", "Documents the search matches.", "0", {"ge": 0}))
    if "bulk" in asked:
        fields.append(FieldSpec("failures", "dict[str, str]", "Documents that were not stored, and why.", "dict"))
    fields.append(FieldSpec("attempts", "int", "Requests that were sent.", "1", {"ge": 1}))
    return tuple(fields)


def _sample(enum: EnumSpec) -> dict[str, Any]:
    document = {"name": "example"}
    more: dict[str, dict[str, Any]] = {
        "index": {"document_id": "1", "document": document},
        "bulk": {"documents": {"1": document}},
        "search": {"match": {"name": "example"}},
    }
    return {"index": "records", **more.get(enum.values[0], {"document_id": "1"})}


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    return {
        "support_names": ["ANSWER", "ScriptedServer", "prepare"],
        "needs_quote": bool({"index", "get", "delete"}.intersection(blueprint.operation_values)),
    }


ELASTICSEARCH = System(
    name="Elasticsearch",
    flavour="elasticsearch",
    effect_type="DATABASE_OPERATION",
    operation_prefix="index",
    operation_words={
        "index": ("index", "indexes", "indexing", "indexer", "store", "stores", "storing", "save", "saves", "write",
                  "writes", "writer", "insert", "inserts", "add", "adds", "put", "update", "updates", "upsert",
                  "upserts"),
        "get": ("get", "gets", "read", "reads", "reader", "fetch", "fetches", "load", "loads", "retrieve",
                "retrieves"),
        "search": ("search", "searches", "searching", "searcher", "query", "queries", "find", "finds", "lookup"),
        "delete": ("delete", "deletes", "remove", "removes", "purge", "purges"),
        "bulk": ("bulk", "batch", "batches", "import", "imports", "sync", "syncs"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.index}"',
    opener="open_client",
    requirements=("httpx>=0.28,<0.29",),
    environment={
        "ELASTICSEARCH_URL": "address of an Elasticsearch or OpenSearch server, for example https://localhost:9200",
        "ELASTICSEARCH_API_KEY": "API key, if the server wants one",
        "ELASTICSEARCH_USERNAME": "account, if the server wants one",
        "ELASTICSEARCH_PASSWORD": "password of the account",
        "ELASTICSEARCH_CA_FILE": "certificates to trust instead of the system's",
    },
    client_imports=(("httpx", "AsyncClient"),),
    is_idempotent=True,
    template_context=_context,
)  # fmt: skip
