"""S3-compatible storage: objects of one bucket, on AWS, MinIO or any other server of that protocol."""

from typing import Any

from omniclaude_dagster.contracts.plan.common import PlanInput
from omniclaude_dagster.contracts.plan.systems.model import System, SystemModels, operation_field
from omniclaude_dagster.node.blueprint import EnumSpec, FieldSpec, ModelSpec, NodeBlueprint

_KEY_LENGTH = 1024


def _models(plan: PlanInput, enum: EnumSpec) -> SystemModels:
    asked = set(enum.values)
    can_list = "list" in asked
    key = FieldSpec(
        "key",
        "str",
        "Name of the object; for a list, what the names begin with." if can_list else "Name of the object.",
        '""' if can_list else None,
        {"max_length": _KEY_LENGTH} if can_list else {"min_length": 1, "max_length": _KEY_LENGTH},
    )
    input_model = ModelSpec(
        plan.model_class("Input"),
        f"One storage operation of {plan.stem}.",
        (key, operation_field(enum), *_input_fields(asked)),
    )
    output_model = ModelSpec(
        plan.model_class("Output"), f"What the storage operation of {plan.stem} did.", _output_fields(asked)
    )
    sample = {"key": "example.txt"}
    return SystemModels(input_model, output_model, {**sample, "content": "example"} if "put" in asked else sample)


def _input_fields(asked: set[str]) -> tuple[FieldSpec, ...]:
    fields: list[FieldSpec] = []
    if "put" in asked:
        fields.append(FieldSpec("content", "str", "What to store: text, or base64 of bytes.", '""'))
    if asked & {"put", "get"}:
        fields.append(FieldSpec("is_base64", "bool", "Whether content is base64 of bytes, not text.", "False"))
    if "put" in asked:
        fields.append(FieldSpec("content_type", "str", "Media type.", '"application/octet-stream"',
                                {"pattern": r"^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+(; ?[A-Za-z0-9=._-]+)*$"}))  # fmt: skip
        fields.append(FieldSpec("only_if_absent", "bool", "Never replace an object with other content.", "False"))
    if "list" in asked:
        fields.append(FieldSpec("start_after", "str", "The last name of the list before this one.", '""',
                                {"max_length": _KEY_LENGTH}))  # fmt: skip
        fields.append(FieldSpec("limit", "int", "Most names a list returns.", "100", {"ge": 1, "le": 1000}))
    if "presign" in asked:
        fields.append(FieldSpec("expires_s", "int", "Seconds for which the address works.", "900",
                                {"ge": 1, "le": 604_800}))  # fmt: skip
    return tuple(fields)


def _output_fields(asked: set[str]) -> tuple[FieldSpec, ...]:
    fields = [
        FieldSpec("key", "str", "Name of the object."),
        FieldSpec("size_bytes", "int", "Size of the object.", "0", {"ge": 0}),
        FieldSpec("etag", "str", "The server's tag of this content.", '""'),
        FieldSpec("sha256", "str", "Hash of the content, as far as it is known.", '""'),
    ]
    if "get" in asked:
        fields.append(FieldSpec("content", "str", "Text, or base64 of bytes.", '""'))
        fields.append(FieldSpec("is_base64", "bool", "Whether content is base64 of bytes.", "False"))
    if asked & {"get", "head"}:
        fields.append(FieldSpec("content_type", "str", "Media type.", '""'))
    if "list" in asked:
        fields.append(FieldSpec("keys", "list[str]", "Names that were listed, sorted.", "list"))
        fields.append(FieldSpec("is_truncated", "bool", "Whether there are more names.", "False"))
    if "presign" in asked:
        fields.append(FieldSpec("url", "str", "Address that gives the object to whoever knows it.", '""'))
    fields.append(FieldSpec("attempts", "int", "Times the operation was tried.", "1", {"ge": 1}))
    return tuple(fields)


def _context(blueprint: NodeBlueprint) -> dict[str, Any]:
    del blueprint
    return {"support_names": ["MemoryBucket", "prepare"]}


S3 = System(
    name="S3",
    flavour="s3",
    effect_type="FILE_OPERATION",
    operation_prefix="object",
    operation_words={
        "put": ("put", "puts", "upload", "uploads", "uploader", "uploading", "store", "stores", "storing", "save",
                "saves", "write", "writes", "writer", "archive", "archives", "backup", "export", "exports",
                "push", "pushes", "copy", "copies"),
        "get": ("get", "gets", "download", "downloads", "downloader", "downloading", "read", "reads", "reader",
                "fetch", "fetches", "load", "loads", "retrieve", "retrieves", "import", "imports"),
        "head": ("head", "stat", "stats", "inspect", "inspects", "check", "checks", "exists"),
        "delete": ("delete", "deletes", "remove", "removes", "purge", "purges"),
        "list": ("list", "lists", "listing", "scan", "scans", "browse", "browses"),
        "presign": ("presign", "presigns", "presigned", "share", "shares", "sign", "signs", "signed"),
    },
    models=_models,
    side_effect='f"{request.operation.value}:{request.key}"',
    opener="open_bucket",
    requirements=("boto3>=1.42,<2",),
    environment={
        "S3_BUCKET": "name of the bucket",
        "S3_ENDPOINT_URL": "address of a server that is not AWS, for example http://localhost:9000",
        "S3_REGION": "region of the bucket; default: us-east-1",
        "S3_ACCESS_KEY_ID": "access key; without it, boto3 looks for credentials where it always does",
        "S3_SECRET_ACCESS_KEY": "secret of the access key",
    },
    client_imports=(("boto3", "client"), ("botocore.exceptions", "ClientError"), ("types_boto3_s3", "S3Client")),
    is_idempotent=True,
    template_context=_context,
)  # fmt: skip
