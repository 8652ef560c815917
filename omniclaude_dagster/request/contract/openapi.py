"""An operation of an OpenAPI 3 document as one schema pair: what a call takes, and what it answers.

The input has a property a parameter, and `body`; the output is the first success. Method and path are kept beside
them under `x-operation`.
"""

import re
from collections.abc import Iterator
from typing import Any

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.bundle import Bundle
from omniclaude_dagster.request.contract.dialect import in_2020
from omniclaude_dagster.request.contract.documents import Document, DocumentFolder, Location
from omniclaude_dagster.request.contract.pointers import followed, pointer_of

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_MAX_SHOWN = 8
_JSON_MEDIA = re.compile(r"application/(?:[\w.+-]+\+)?json\b|\*/\*", re.IGNORECASE)


def is_openapi(data: Any) -> bool:
    """Whether a document is an OpenAPI or Swagger description."""
    return isinstance(data, dict) and isinstance(data.get("openapi") or data.get("swagger"), str | float)


def operation_places(data: dict[str, Any]) -> list[tuple[str, ...]]:
    """Tokens of every operation."""
    paths = data.get("paths")
    return [
        ("paths", path, method)
        for path, item in (paths.items() if isinstance(paths, dict) else ())
        for method in METHODS
        if isinstance(item, dict) and isinstance(item.get(method), dict)
    ]


def chosen_place(document: Document) -> tuple[str, ...]:
    """The one operation, or else the one schema, of a document. Raises RequestError that lists what to point to."""
    operations = operation_places(document.data)
    components = document.data.get("components")
    schemas = components.get("schemas") if isinstance(components, dict) else None
    named = [("components", "schemas", name) for name in schemas] if isinstance(schemas, dict) else []
    if len(operations) == 1:
        return operations[0]
    if not operations and len(named) == 1:
        return named[0]
    places = [f"{document.name}#{pointer_of(tokens)}" for tokens in (*operations, *named)]
    shown = ", ".join(places[:_MAX_SHOWN]) + (f" and {len(places) - _MAX_SHOWN} more" if places[_MAX_SHOWN:] else "")
    raise RequestError(
        f"{document.name or 'the contract'} describes {len(operations)} operations and {len(named)} schemas.",
        cure=f"point to one: {shown}" if shown else "add a schema under components/schemas",
    )


def operation_schema(folder: DocumentFolder, document: Document, tokens: tuple[str, ...]) -> dict[str, Any]:
    """Input and output of the operation at `/paths/<path>/<method>`. Raises RequestError."""
    if "openapi" not in document.data:
        raise RequestError(
            "operations of Swagger 2 documents are not read.",
            cure="convert the document to OpenAPI 3, or point to #/definitions/NAME",
        )
    bundle = Bundle(folder)
    place = Location(document.name, tokens)
    try:
        operation = followed(document.data, tokens)
    except LookupError as exc:
        raise RequestError(
            f"{document.name} has no such operation: {exc.args[0]}.", cure="correct the pointer"
        ) from None
    _, path, method = tokens
    reader = _Reader(folder, bundle, place)
    parameters = list(reader.parameters(document.data["paths"][path], operation))
    taken = _input(parameters, reader.body(operation))
    title = operation.get("operationId") or f"{method} {path}"
    schema = {
        "title": str(title)[:200],
        "description": str(operation.get("description") or operation.get("summary") or title)[:2000],
        "x-operation": {
            "method": method.upper(),
            "path": path,
            "parameters": [{"name": p["name"], "in": p["in"], "property": n} for n, p, _ in parameters],
        },
    }
    definitions: dict[str, Any] = {"Input": taken}
    answer = reader.answer(operation)
    if answer is not None:
        definitions["Output"] = answer
    others = bundle.definitions().get("$defs", {})
    return {**schema, "$defs": {**_apart(others), **definitions}}


def _apart(definitions: dict[str, Any]) -> dict[str, Any]:
    """Definitions of the document; two names are the operation's own."""
    clash = {"Input", "Output"}.intersection(definitions)
    if clash:
        raise RequestError(
            f"a schema of this operation is called {sorted(clash)[0]}, which means the node's own model here.",
            cure="rename it in the document",
        )
    return definitions


def _input(parameters: list[tuple[str, dict[str, Any], Any]], body: tuple[Any, bool] | None) -> dict[str, Any]:
    properties = {name: schema for name, _, schema in parameters}
    required = [name for name, parameter, _ in parameters if parameter.get("required") is True]
    if body is not None:
        properties["body"] = body[0]
        required += ["body"] if body[1] else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


class _Reader:
    """Reads the parts of one operation; parameters, bodies and responses may be references themselves."""

    def __init__(self, folder: DocumentFolder, bundle: Bundle, place: Location) -> None:
        self._folder = folder
        self._bundle = bundle
        self._place = place

    def parameters(self, *holders: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], Any]]:
        """Name in the input, the parameter, and its schema; what an operation says wins over its path."""
        found: dict[tuple[str, str], tuple[dict[str, Any], Location]] = {}
        for holder in holders:
            given = holder.get("parameters")
            for raw in given if isinstance(given, list) else ():
                parameter, place = self._resolved(raw)
                if isinstance(parameter.get("name"), str) and parameter.get("in") in {"path", "query", "header"}:
                    found[parameter["in"], parameter["name"]] = (parameter, place)
        taken: set[str] = {"body"}
        for parameter, place in found.values():
            name = parameter["name"] if parameter["name"] not in taken else f"{parameter['in']}_{parameter['name']}"
            taken.add(name)
            schema = self._bundle.rewritten(parameter.get("schema", {"type": "string"}), place)
            if isinstance(schema, dict) and "$ref" not in schema and parameter.get("description"):
                schema = {"description": parameter["description"], **schema}
            yield name, parameter, in_2020(schema)

    def body(self, operation: dict[str, Any]) -> tuple[Any, bool] | None:
        """Schema of the JSON body and whether it is required."""
        if "requestBody" not in operation:
            return None
        body, place = self._resolved(operation["requestBody"])
        schema = self._json_schema(body, place)
        if schema is None:
            media = ", ".join(list(body.get("content") or {})[:4]) or "nothing"
            raise RequestError(
                f"the request body of this operation is {media}; only JSON is read.", cure="point to its schema instead"
            )
        return schema, body.get("required") is True

    def answer(self, operation: dict[str, Any]) -> Any:
        """Schema of the first success that has JSON, or None."""
        responses = operation.get("responses")
        given = responses if isinstance(responses, dict) else {}
        for status in sorted(s for s in given if str(s).startswith("2") or s == "default"):
            response, place = self._resolved(given[status])
            schema = self._json_schema(response, place)
            if schema is not None:
                return schema
        return None

    def _json_schema(self, holder: dict[str, Any], place: Location) -> Any:
        content = holder.get("content")
        for media, described in content.items() if isinstance(content, dict) else ():
            if _JSON_MEDIA.match(media) and isinstance(described, dict) and "schema" in described:
                return in_2020(self._bundle.rewritten(described["schema"], place))
        return None

    def _resolved(self, value: Any) -> tuple[dict[str, Any], Location]:
        place = self._place
        for _ in range(16):
            reference = value.get("$ref") if isinstance(value, dict) else None
            if not isinstance(reference, str):
                return (value if isinstance(value, dict) else {}), place
            value, place = self._bundle.looked_up(reference, place)
        raise RequestError("a parameter, body or response refers to itself.", cure="correct the references")


def is_operation(tokens: tuple[str, ...]) -> bool:
    """`/paths/<path>/<method>`."""
    return len(tokens) == 3 and tokens[0] == "paths" and tokens[2] in METHODS
