"""MongoDB: documents of a collection, selected by equality; no operator of the query language comes from outside."""

from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint

_WRITING = frozenset({"insert", "upsert", "update"})
_COLLECTION_PATTERN = r"^[A-Za-z_][A-Za-z0-9_.-]{0,119}$"


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    asked = set(enum.values)
    fields = [
        FieldSpec("collection", "str", "Collection to work on.", constraints={"pattern": _COLLECTION_PATTERN}),
        operation_field(enum),
    ]
    if asked & _WRITING:
        fields.append(FieldSpec("document", "dict[str, JsonValue]", "Document, or the fields an update sets.", "dict"))
    if asked - {"insert"}:
        fields.append(FieldSpec("match", "dict[str, JsonValue]", "Fields that select documents, by equality.", "dict"))
    if "find" in asked:
        fields.append(FieldSpec("limit", "int", "Most documents a find returns.", "100", {"ge": 1, "le": 10_000}))
    input_model = ModelSpec(plan.model_class("Input"), f"One database operation of {plan.stem}.", tuple(fields))
    output = [
        FieldSpec("operation", enum.class_name, "What was done."),
        FieldSpec("count", "int", "Documents written, matched, deleted or found.", constraints={"ge": 0}),
    ]
    if asked & {"insert", "upsert"}:
        output.append(FieldSpec("document_id", "str", "Id of the document that was written.", '""'))
    if "find" in asked:
        output.append(FieldSpec("documents", "list[dict[str, JsonValue]]", "Documents that were found.", "list"))
    output.append(FieldSpec("attempts", "int", "Times the operation was tried.", "1", {"ge": 1}))
    output_model = ModelSpec(
        plan.model_class("Output"), f"What the database operation of {plan.stem} did.", tuple(output)
    )
    return SystemModels(input_model, output_model, _sample(enum))


def _sample(enum: EnumSpec) -> dict[str, Any]:
    sample: dict[str, Any] = {"collection": "records"}
    first = enum.values[0]
    if first in _WRITING:
        sample["document"] = {"_id": "1", "name": "example"}
    if first in {"update", "delete"}:
        sample["match"] = {"_id": "1"}
    return sample


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    del blueprint
    return {"support_names": ["MemorySession", "prepare"], "tested_logic": ["Document"]}


MONGODB = System(
    name="MongoDB",
    flavour="mongodb",
    effect_type="DATABASE_OPERATION",
    operation_prefix="document",
    operation_words={
        "insert": ("insert", "inserts", "write", "writes", "writer", "store", "stores", "storing", "save", "saves",
                   "create", "creates", "add", "adds", "persist", "persists", "append"),
        "upsert": ("upsert", "upserts", "merge", "merges", "replace", "replaces", "sync", "syncs"),
        "update": ("update", "updates", "modify", "modifies", "change", "changes"),
        "delete": ("delete", "deletes", "remove", "removes", "purge", "purges"),
        "find": ("find", "finds", "read", "reads", "reader", "query", "queries", "fetch", "fetches", "load", "loads",
                 "lookup", "search", "searches", "get", "gets", "retrieve", "retrieves", "list", "lists", "select"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.collection}"',
    opener="open_session",
    requirements=("pymongo>=4.15,<5",),
    environment={
        "MONGODB_URI": "connection string, for example mongodb://user:password@host:27017",
        "MONGODB_DATABASE": "name of the database",
    },
    client_imports=(("pymongo", "AsyncMongoClient"), ("bson.json_util", "dumps")),
    is_idempotent=True,
    template_context=_context,
)  # fmt: skip
