"""Judges values against schemas, and makes a smallest value that a schema accepts.

The judge is `jsonschema`, not our own mapper, so a mistake of the mapper cannot confirm itself. Nothing is fetched.
"""

import re
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
from referencing import Registry

from omniclaude_dagster.contracts.pattern_texts import NoSampleError, text_matching
from omniclaude_dagster.contracts.patterns import is_python_pattern, is_rust_pattern, rust_finds
from omniclaude_dagster.contracts.references import References
from omniclaude_dagster.contracts.schema_merge import merged, types_of
from omniclaude_dagster.errors import RequestError

MAX_DEPTH = 24
_BY_FORMAT = {
    "date-time": "2026-01-02T03:04:05Z", "date": "2026-01-02", "time": "03:04:05Z", "duration": "PT1S",
    "uuid": "00000000-0000-4000-8000-000000000001", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "AA==",
    "decimal": "1.50", "email": "user@example.com", "idn-email": "user@example.com", "uri": "https://example.com/",
    "url": "https://example.com/", "iri": "https://example.com/", "hostname": "example.com",
}  # fmt: skip


# Tried for a pattern that cannot be taken apart here.
_WORDS = ("Example", "example", "A", "a", "É", "é", "0", "2026", "-", " ", "")
_OTHERS: tuple[Any, ...] = ("example", "", 1, 0, True, [], {}, None)


class SchemaValues:
    """Values of the schemas of one document."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._references = References(document)
        self._validator = Draft202012Validator(document, registry=Registry())

    def problem(self, schema: Any, value: Any) -> str | None:
        """Why a schema does not accept a value, or None."""
        try:
            error = next(self._validator.evolve(schema=schema).iter_errors(value), None)
        except re.error:
            # A pattern that only Pydantic's engine can read: what was given stands.
            return None
        except (RecursionError, OverflowError, TypeError, ValueError) as exc:
            return f"it cannot be judged: {type(exc).__name__}"
        return None if error is None else error.message[:160]

    def sample(self, schema: Any, *, name: str = "") -> Any:
        """A value that the schema accepts, as small as can be. Raises RequestError when none is found."""
        for given in _given(schema) if isinstance(schema, dict) else ():
            if self.problem(schema, given) is None:
                return given
        problem = ""
        for is_complete in (False, True):
            try:
                made = self._made(schema, 0, is_complete)
            except (NoSampleError, RecursionError, ValueError) as exc:
                problem = str(exc)
                continue
            problem = self.problem(schema, made) or ""
            if not problem:
                return made
        raise RequestError(
            f"no value could be made that {name or 'the contract'} accepts: {problem[:200]}.",
            cure="add an `examples` entry to the schema, or examples to the request",
        )

    def _made(self, schema: Any, depth: int, is_complete: bool) -> Any:
        if depth > MAX_DEPTH:
            raise NoSampleError("the schema demands a value inside a value without end")
        plain = merged(schema, self._references, lambda _: None)
        if not isinstance(plain, dict) or not plain:
            return "example"
        for given in _given(plain):
            if self.problem(plain, given) is None:
                return given
        for keyword in ("anyOf", "oneOf"):
            if isinstance(plain.get(keyword), list):
                return self._of_choice(plain, keyword, depth, is_complete)
        made = self._by_type(plain, depth, is_complete)
        if "not" in plain and self.problem(plain, made) is not None:
            return next((other for other in _OTHERS if self.problem(plain, other) is None), made)
        return made

    def _of_choice(self, plain: dict[str, Any], keyword: str, depth: int, is_complete: bool) -> Any:
        rest = {k: v for k, v in plain.items() if k != keyword}
        problem: Exception = NoSampleError(f"no choice of {keyword} has a value")
        for choice in plain[keyword]:
            try:
                made = self._made({"allOf": [choice, rest]} if rest else choice, depth + 1, is_complete)
            except (NoSampleError, RecursionError) as exc:
                problem = exc
                continue
            if self.problem(plain, made) is None:
                return made
        raise problem

    def _by_type(self, schema: dict[str, Any], depth: int, is_complete: bool) -> Any:
        kind = inferred_types(schema)
        if "object" in kind:
            return self._object(schema, depth, is_complete)
        if "array" in kind:
            return self._array(schema, depth, is_complete)
        if "string" in kind:
            return _text(schema)
        if "integer" in kind or "number" in kind:
            return _number(schema, is_integer="number" not in kind)
        return {"boolean": True, "null": None}.get(kind[0] if kind else "", "example")

    def _object(self, schema: dict[str, Any], depth: int, is_complete: bool) -> dict[str, Any]:
        properties = schema.get("properties", {})
        # Optional properties only near the top: below, a schema may hold itself.
        optional = [n for n, part in properties.items() if part is not False] if is_complete and depth < 2 else ()
        names = [*optional, *schema.get("required", ())]
        made = {n: self._made(properties.get(n, True), depth + 1, is_complete) for n in dict.fromkeys(names)}
        patterns = schema.get("patternProperties") or {}
        inner, name = next(
            ((v, text_matching(k)) for k, v in patterns.items()), (schema.get("additionalProperties"), "key")
        )
        missing = schema.get("minProperties", 0) - len(made)
        for number in range(missing):
            made[f"{name}{number}"] = self._made(inner if inner is not None else True, depth + 1, is_complete)
        return made

    def _array(self, schema: dict[str, Any], depth: int, is_complete: bool) -> list[Any]:
        made = [self._made(part, depth + 1, is_complete) for part in schema.get("prefixItems", ())]
        inner = schema.get("items", True)
        if isinstance(schema.get("contains"), dict):
            made += [self._made(schema["contains"], depth + 1, is_complete)] * schema.get("minContains", 1)
        for number in range(max(0, min(schema.get("minItems", 0), 1000) - len(made))):
            item = self._made(inner, depth + 1, is_complete)
            made.append(_unlike(item, number) if schema.get("uniqueItems") and item in made else item)
        return made


def inferred_types(schema: dict[str, Any]) -> tuple[str, ...]:
    """The types a schema names, or the one its other keywords are about."""
    named = types_of(schema)
    if named is not None:
        return named
    for kind, keywords in _ABOUT.items():
        if keywords & schema.keys():
            return (kind,)
    return ()


_ABOUT: dict[str, frozenset[str]] = {
    "object": frozenset(
        "properties required additionalProperties patternProperties propertyNames minProperties maxProperties "
        "unevaluatedProperties".split()
    ),
    "array": frozenset("items prefixItems minItems maxItems uniqueItems contains".split()),
    "string": frozenset("minLength maxLength pattern format contentEncoding".split()),
    "number": frozenset("minimum maximum exclusiveMinimum exclusiveMaximum multipleOf".split()),
}


def schema_problem(document: Any) -> str | None:
    """Why a document is no JSON Schema, with the place, or None."""
    try:
        # Patterns are judged where they are used: Python's engine is not the only one.
        Draft202012Validator.check_schema(document, format_checker=FormatChecker(()))
    except SchemaError as exc:
        place = "/".join(str(part) for part in exc.absolute_path)
        return f"/{place}: {exc.message[:200]}"
    except (RecursionError, ValueError, TypeError) as exc:
        return f"it cannot be read as a schema: {exc}"[:200]
    return None


def _given(schema: dict[str, Any]) -> Iterator[Any]:
    if "const" in schema:
        yield schema["const"]
    yield from schema.get("examples", ()) if isinstance(schema.get("examples"), list) else ()
    if isinstance(schema.get("enum"), list):
        yield from (value for value in schema["enum"] if value is not None)
        yield from schema["enum"][:1]
    if schema.get("default") is not None:
        yield schema["default"]


def _text(schema: dict[str, Any]) -> str:
    kind = "byte" if schema.get("contentEncoding") == "base64" else str(schema.get("format", ""))
    if isinstance(schema.get("pattern"), str):
        pattern = schema["pattern"]
        if not is_python_pattern(pattern):
            is_readable = is_rust_pattern(pattern)
            return next((text for text in _WORDS if not is_readable or rust_finds(pattern, text)), "")
        return text_matching(pattern, low=schema.get("minLength", 0), high=schema.get("maxLength"))
    if kind in _BY_FORMAT:
        return _BY_FORMAT[kind]
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    text = "example" if low <= len("example") else "x" * min(int(low), 100_000)
    return text[: int(high)] if high is not None else text


def _number(schema: dict[str, Any], *, is_integer: bool) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    step = schema.get("multipleOf", 1)
    candidates: list[float] = [1, 2, 0, *(bound for bound in (low, high) if bound is not None)]
    candidates += [bound + add for bound in (low, high) if bound is not None for add in (1, -1, 0.5, -0.5)]
    if low is not None and high is not None:
        candidates.append((low + high) / 2)
    candidates += [step * ((low or 0) // step + n) for n in (0, 1, 2)]
    for value in candidates:
        plain = int(value) if float(value).is_integer() else value
        if (not is_integer or isinstance(plain, int)) and Draft202012Validator(
            {k: schema[k] for k in schema.keys() & _ABOUT["number"]}
        ).is_valid(plain):
            return plain
    raise NoSampleError("no number fits its bounds")


def _unlike(item: Any, number: int) -> Any:
    if isinstance(item, str):
        return f"{item}{number}"
    if isinstance(item, int | float) and not isinstance(item, bool):
        return item + number
    if isinstance(item, dict):
        name = next((k for k, v in item.items() if isinstance(v, str | int) and not isinstance(v, bool)), None)
        if name is not None:
            return {**item, name: _unlike(item[name], number)}
    raise NoSampleError("the items must differ")
