"""Files below one root folder, replaced atomically."""

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One file operation of {plan.stem}.",
        (
            FieldSpec("path", "str", "Path below the root folder.", constraints={"min_length": 1, "max_length": 1024}),
            operation_field(enum),
            *_input_fields(set(enum.values)),
        ),
    )
    output_model = ModelSpec(
        plan.model_class("Output"),
        f"What the file operation of {plan.stem} did.",
        (
            FieldSpec("path", "str", "Path below the root folder."),
            FieldSpec("size_bytes", "int", "Size of the file after the operation.", constraints={"ge": 0}),
            FieldSpec("sha256", "str", "Hash of the content, empty after a delete or list.", '""'),
            FieldSpec("content", "str", "Text that was read.", '""'),
            FieldSpec("entries", "list[str]", "Names in a listed folder.", "list"),
        ),
    )
    path = "." if enum.values[0] == "list" else "example.txt"
    sample = {"path": path}
    has_content = "write" in enum.values or "append" in enum.values
    return SystemModels(input_model, output_model, {**sample, "content": "example"} if has_content else sample)


def _input_fields(asked: set[str]) -> tuple[FieldSpec, ...]:
    fields: list[FieldSpec] = []
    if asked & {"write", "append"}:
        fields.append(FieldSpec("content", "str", "Text to write or append.", '""'))
    if "append" in asked:
        said = "Size the file must have before; makes a repeated append harmless."
        fields.append(FieldSpec("at_size_bytes", "int | None", said, "None", {"ge": 0}))
    return tuple(fields)


FILES = System(
    name="Files",
    flavour="files",
    effect_type="FILE_OPERATION",
    operation_prefix="file",
    operation_words={
        "write": ("write", "writes", "writer", "save", "saves", "store", "stores", "export", "exports"),
        "read": ("read", "reads", "reader", "load", "loads", "import", "imports", "parse"),
        "append": ("append", "appends", "log", "logs"),
        "delete": ("delete", "deletes", "remove", "removes"),
        "list": ("list", "lists", "scan", "scans"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.path}"',
    environment={"FILES_ROOT": "folder below which the node may read and write; default: ./data"},
    is_idempotent=True,
)
