"""A contract that a person gives: from `FILE#pointer`, or a value in a request, to one self-contained object.

Three forms come out: a contract in the framework's dialect (with its schemas under `x-models`), a JSON Schema, and a
schema pair of an OpenAPI operation. What node they make is decided in `contracts/`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.contract.bundle import Bundle
from omniclaude_dagster.request.contract.documents import SUFFIXES, Document, DocumentFolder, Location
from omniclaude_dagster.request.contract.openapi import chosen_place, is_openapi, is_operation, operation_schema
from omniclaude_dagster.request.contract.pointers import tokens_of
from omniclaude_dagster.request.model import NODE_NAME_PATTERN, NodeKind

MAX_CONTRACT_BYTES = 1024 * 1024
# Keys of the framework's contracts that no schema has.
_CONTRACT_KEYS = frozenset({"node_type", "input_model", "output_model", "contract_version", "node_version"})
_SCHEMA_KEYS = frozenset(
    "$schema $ref $defs definitions type properties patternProperties additionalProperties allOf anyOf oneOf enum "
    "const items prefixItems required input output".split()
)
# Where a contract keeps the schemas of its models: the framework has no such field, so they are taken out of it.
_MODEL_KEYS = ("definitions", "$defs", "schemas", "input_schema", "output_schema")
MODELS_KEY = "x-models"
_MAX_PROMPT_CHARS = 2_000


@dataclass(frozen=True)
class ContractFacts:
    """What a contract says about its node; None where it does not say."""

    kind: NodeKind | None
    name: str | None
    description: str


def contract_from_file(argument: str, *, base: Path | None = None) -> dict[str, Any]:
    """The contract at `FILE` or `FILE#/pointer`. Raises RequestError with cause and cure."""
    path, pointer = _split(argument)
    if base is not None:
        path = base / path
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{path} is no contract file.", cure=f"name it *{', *'.join(sorted(SUFFIXES))}")
    folder = DocumentFolder(path.parent)
    document = folder.load(path.name)
    try:
        tokens = tokens_of(pointer)
    except ValueError:
        raise RequestError(
            f"{pointer[:120]!r} is no JSON pointer.", cure="write FILE#/components/schemas/NAME"
        ) from None
    return _bounded(_named(_contract(folder, document, tokens), path, tokens))


def contract_from_value(value: object) -> dict[str, Any]:
    """A contract written into a request, which cannot refer to files. Raises RequestError."""
    folder = DocumentFolder(None)
    document = folder.add("", value)
    return _bounded(_contract(folder, document, ()))


def is_dialect_a(contract: dict[str, Any]) -> bool:
    """Whether it is a contract of the framework, not a schema."""
    return len(_CONTRACT_KEYS.intersection(contract)) >= 2 or "node_type" in contract


def facts_of(contract: dict[str, Any]) -> ContractFacts:
    """Kind, name and description, as far as the contract says them."""
    kind = _kind(contract)
    raw = contract.get("name") if is_dialect_a(contract) else contract.get("x-node-name") or contract.get("title")
    return ContractFacts(kind, _name(raw, kind), _text(contract.get("description") or contract.get("title")))


def prompt_of(facts: ContractFacts) -> str:
    """A sentence that asks for the node, for a request that gives nothing but a contract."""
    kind = f"{facts.kind.value} node" if facts.kind else "Node"
    called = f" called {facts.name}" if facts.name else ""
    about = facts.description or "as its contract says"
    return f"{kind}{called} built from the given contract: {about}"[:_MAX_PROMPT_CHARS]


def _split(argument: str) -> tuple[Path, str]:
    if "#" not in argument or Path(argument).exists():
        return Path(argument), ""
    path, _, pointer = argument.partition("#")
    return Path(path), pointer


def _contract(folder: DocumentFolder, document: Document, tokens: tuple[str, ...]) -> dict[str, Any]:
    data = document.data
    if not isinstance(data, dict):
        raise _not_a_contract(document)
    if is_openapi(data) and not tokens:
        tokens = chosen_place(document)
    if is_openapi(data) and is_operation(tokens):
        return operation_schema(folder, document, tokens)
    if not tokens and is_dialect_a(data):
        return _dialect_a(folder, document)
    if not tokens and not _SCHEMA_KEYS.intersection(data):
        raise _not_a_contract(document)
    if not tokens and isinstance(data.get("input"), dict) and "properties" not in data and "type" not in data:
        return _pair(folder, document)
    return Bundle(folder).rooted(Location(document.name, tokens))


def _pair(folder: DocumentFolder, document: Document) -> dict[str, Any]:
    """`{input: schema, output: schema}`."""
    places = {"Input": ("input",), "Output": ("output",)}
    present = {n: Location(document.name, t) for n, t in places.items() if isinstance(document.data.get(t[0]), dict)}
    said = {k: v for k, v in document.data.items() if k in {"title", "description"} or k.startswith("x-")}
    return {**said, **Bundle(folder).definitions(present)}


def _dialect_a(folder: DocumentFolder, document: Document) -> dict[str, Any]:
    data = document.data
    contract = {k: v for k, v in data.items() if k not in _MODEL_KEYS and k != MODELS_KEY}
    if isinstance(data.get(MODELS_KEY), dict):
        # Bundled before: a document of its own, whose references start at its own top.
        own = DocumentFolder(None)
        own.add("", data[MODELS_KEY])
        return {**contract, MODELS_KEY: Bundle(own).rooted(Location(""))}
    places = _model_places(data)
    if not places and any(k in data for k in _MODEL_KEYS):
        raise RequestError(
            "the definitions of the contract name neither its input nor its output model.",
            cure="call them Input and Output, or as input_model and output_model do",
        )
    if places:
        found = {name: Location(document.name, tokens) for name, tokens in places.items()}
        return {**contract, MODELS_KEY: Bundle(folder).definitions(found)}
    return contract


def _model_places(data: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """`Input` and `Output` -> where their schemas stand in a contract."""
    places: dict[str, tuple[str, ...]] = {}
    for role in ("Input", "Output"):
        own = str(data.get(f"{role.lower()}_model", "")).rpartition(".")[2]
        if isinstance(data.get(f"{role.lower()}_schema"), dict):
            places[role] = (f"{role.lower()}_schema",)
        for holder in ("definitions", "$defs", "schemas"):
            for name in (own, role, role.lower()):
                if name and isinstance(data.get(holder), dict) and name in data[holder]:
                    places.setdefault(role, (holder, name))
    return places


def _named(contract: dict[str, Any], path: Path, tokens: tuple[str, ...]) -> dict[str, Any]:
    """A schema without a title is called as its place in the document, or as its file."""
    if is_dialect_a(contract) or isinstance(contract.get("title"), str):
        return contract
    generic = {"schema", "schemas", "contract", "input", "openapi", "index"}
    stem = path.name.partition(".")[0]
    name = tokens[-1] if tokens else "" if stem.lower() in generic else stem
    return {"title": name, **contract} if naming.pascal_case(name) else contract


def _bounded(contract: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(contract, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    if size > MAX_CONTRACT_BYTES:
        raise RequestError(
            f"the contract with all it refers to is too large (413): {size:,} bytes; at most {MAX_CONTRACT_BYTES:,}.",
            cure="point to a smaller part of it: FILE#/components/schemas/NAME",
        )
    return contract


def _not_a_contract(document: Document) -> RequestError:
    return RequestError(
        f"{document.name or 'the given contract'} is neither a contract nor a schema.",
        cure="give a contract.yaml (node_type, ...), a JSON Schema (properties, ...) or an OpenAPI document",
    )


def _kind(contract: dict[str, Any]) -> NodeKind | None:
    if "x-operation" in contract:
        return NodeKind.EFFECT
    said = contract.get("node_type") or contract.get("x-node-kind")
    word = str(said or "").upper().removesuffix("_GENERIC")
    return NodeKind(word) if word in NodeKind.__members__ else None


def _name(raw: object, kind: NodeKind | None) -> str | None:
    """`node_user_writer_effect` -> `UserWriter`; None for a text no name can be made of."""
    if not isinstance(raw, str):
        return None
    words = re.sub(r"^node[_-]", "", raw.strip())
    words = re.sub(r"[_-](effect|compute|reducer|orchestrator)$", "", words)
    name = naming.pascal_case(words.encode("ascii", "ignore").decode())[:48]
    name = name.removeprefix("Node") if len(name) > len("Node") and name[4:5].isupper() else name
    name = naming.stem(name, kind) if kind else name
    if not NODE_NAME_PATTERN.match(name):
        return None
    return f"{name}Record" if naming.name_problem(name) else name


def _text(value: object) -> str:
    return " ".join(str(value).split()) if isinstance(value, str) else ""
