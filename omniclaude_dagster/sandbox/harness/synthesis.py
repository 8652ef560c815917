"""A minimal valid sample of a Pydantic model, made from its JSON schema: required fields only, smallest values."""

import re
from re import _parser  # the standard library's own regular expression parser: no public one exists

MAX_DEPTH = 12
_BY_FORMAT = {
    "uuid": "00000000-0000-4000-8000-000000000001",
    "date-time": "2024-01-02T03:04:05Z",
    "date": "2024-01-02",
    "time": "03:04:05Z",
    "duration": "PT1S",
    "email": "user@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "binary": "AA==",
    "base64": "AA==",
    "json-string": "{}",
}


class SynthesisError(ValueError):
    """No sample can be made from this schema."""


def synthesise(model):
    """A sample as a dict of JSON values that `model` accepts. Raises SynthesisError."""
    schema = model.model_json_schema(mode="validation")
    problem = None
    for is_complete in (False, True):
        try:
            sample = _object(schema, schema, 0, is_complete)
            model.model_validate(sample)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            problem = exc
        else:
            return sample
    raise SynthesisError(f"no valid sample of {model.__name__} could be made: {problem}"[:1000])


def _value(schema, root, depth, is_complete):
    if depth > MAX_DEPTH:
        raise SynthesisError("the schema is nested too deeply")
    if schema is True or schema == {}:
        return "x"
    given = _given(schema, is_complete)
    if given:
        return given[0]
    merged = _flattened(schema, root)
    if merged is not None:
        return _value(merged, root, depth + 1, is_complete)
    return _by_type(schema, root, depth, is_complete)


def _given(schema, is_complete):
    """A value that the schema itself names, in a list of one, else an empty list."""
    if "const" in schema:
        return [schema["const"]]
    if schema.get("enum"):
        return schema["enum"][:1]
    if is_complete and schema.get("default") is not None:
        return [schema["default"]]
    return schema.get("examples", [])[:1]


def _flattened(schema, root):
    """The schema behind a reference, a choice or a conjunction, or None when it is plain."""
    if "$ref" in schema:
        return _resolve(schema["$ref"], root)
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            choices = [choice for choice in schema[key] if choice.get("type") != "null"]
            return choices[0] if choices else {"const": None}
    if schema.get("allOf"):
        merged = {}
        for part in schema["allOf"]:
            merged.update(_resolve(part["$ref"], root) if "$ref" in part else part)
        return merged
    return None


def _by_type(schema, root, depth, is_complete):
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind in {"string", "integer", "number"}:
        return (_string if kind == "string" else _number)(schema)
    if kind in {"array", "object"} or "properties" in schema:
        return (_array if kind == "array" else _object)(schema, root, depth, is_complete)
    return {"boolean": True, "null": None}.get(kind, "x")


def _resolve(reference, root):
    found = root
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def _object(schema, root, depth, is_complete):
    properties = schema.get("properties", {})
    names = properties if is_complete else schema.get("required", [])
    return {name: _value(properties.get(name, {}), root, depth + 1, is_complete) for name in names}


def _array(schema, root, depth, is_complete):
    fixed = [_value(item, root, depth + 1, is_complete) for item in schema.get("prefixItems", [])]
    missing = max(0, schema.get("minItems", 0) - len(fixed))
    items = [_value(schema.get("items", {}), root, depth + 1, is_complete) for _ in range(missing)]
    if schema.get("uniqueItems"):
        items = [f"{item[: len(item) - 1]}{n}" if isinstance(item, str) else item + n for n, item in enumerate(items)]
    return fixed + items


def _string(schema):
    if schema.get("format") in _BY_FORMAT:
        return _BY_FORMAT[schema["format"]]
    if "pattern" in schema:
        return _matching(schema)
    length = max(1, schema.get("minLength", 1))
    return "x" * min(length, schema.get("maxLength", length))


def _matching(schema):
    pattern = schema["pattern"]
    wanted = schema.get("minLength", 0)
    for repeat in (0, 1, wanted):
        text = _generate(_parser.parse(pattern), repeat)
        if re.search(pattern, text) and wanted <= len(text) <= schema.get("maxLength", len(text)):
            return text
    raise SynthesisError(f"no text was found for the pattern {pattern[:100]}")


def _generate(parsed, repeat):
    return "".join(_generate_one(str(operation), argument, repeat) for operation, argument in parsed)


def _generate_one(operation, argument, repeat):
    if operation == "LITERAL":
        return chr(argument)
    if operation == "NOT_LITERAL":
        return "b" if argument == ord("a") else "a"
    if operation == "ANY":
        return "a"
    if operation == "IN":
        return _from_class(argument)
    if operation == "BRANCH":
        return _generate(argument[1][0], repeat)
    if operation == "SUBPATTERN":
        return _generate(argument[-1], repeat)
    if operation in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
        low, high, inner = argument
        return _generate(inner, repeat) * min(max(low, repeat), int(high))
    if operation == "AT":
        return ""
    raise SynthesisError(f"the pattern uses {operation.lower()}")


def _from_class(items):
    names = [(str(operation), argument) for operation, argument in items]
    if names[0][0] == "NEGATE":
        text = "".join(re.escape(chr(argument)) for operation, argument in names if operation == "LITERAL")
        return next(letter for letter in "a0-_ " if letter not in text)
    operation, argument = names[0]
    if operation == "LITERAL":
        return chr(argument)
    if operation == "RANGE":
        return chr(argument[0])
    return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " "}.get(str(argument), "a")


def _number(schema):
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    is_integer = schema.get("type") == "integer"
    multiple = schema.get("multipleOf")
    candidates = [1, 0, *(bound for bound in (low, high) if bound is not None)]
    candidates += [above + 1 if is_integer else above + 0.5] if above is not None else []
    candidates += [below - 1 if is_integer else below - 0.5] if below is not None else []
    if above is not None and below is not None:
        candidates.append((above + below) / 2)
    if multiple:
        candidates = [multiple * (candidate // multiple + n) for candidate in candidates for n in (0, 1)]
    for candidate in candidates:
        is_within = (low is None or candidate >= low) and (high is None or candidate <= high)
        is_inside = (above is None or candidate > above) and (below is None or candidate < below)
        if is_within and is_inside:
            return int(candidate) if is_integer else float(candidate)
    raise SynthesisError("no number fits the bounds")
