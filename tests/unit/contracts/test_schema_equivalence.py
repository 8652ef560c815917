"""Generated models accept exactly what `jsonschema` accepts, but for the differences that are meant.

Meant, and built into the oracle or the instances below:
- an optional property may also be null (Pydantic has no "absent");
- a whole number written as a fraction (1.0) is no integer;
- "10" may pass for 10 in an IntEnum, and 1 for true in a Literal;
- a field may be given by its Python name as well;
- `oneOf` is read as `anyOf`, and a format is checked where `jsonschema` only annotates it.
"""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from omniclaude_dagster.errors import RequestError
from tests.support.schema_models import imported_models

NAMES = ("name", "orderId", "class", "json", "_id", "model_x", "Größe", "a-b", "date", "list")
TEXTS = st.sampled_from(["", "a", "ab", "abc", "A-1", "zz", "é"])
PATTERNS = ("^a", "b$", "^[a-z]{2}$", "^(?=.*b).*$", "-")


def texts() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"type": st.just("string")},
        optional={
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(1, 4),
            "pattern": st.sampled_from(PATTERNS),
        },
    )


def numbers() -> st.SearchStrategy[dict[str, Any]]:
    bound = st.integers(-5, 5) | st.sampled_from([-2.5, 0.5, 2.5])
    return st.fixed_dictionaries(
        {"type": st.sampled_from(["integer", "number"])},
        optional={"minimum": bound, "exclusiveMinimum": bound, "maximum": bound, "exclusiveMaximum": bound},
    ) | st.builds(lambda step: {"type": "integer", "multipleOf": step}, st.integers(1, 4))


def value_sets() -> st.SearchStrategy[dict[str, Any]]:
    values = st.sampled_from(["", "a", "A", "ab", "-", "zz", 10, 20, -30, None, 2.5])
    sets = st.lists(values, min_size=1, max_size=4, unique_by=lambda v: (type(v), v))
    return st.builds(lambda v: {"enum": v}, sets) | st.builds(lambda v: {"const": v}, values)


def leaves() -> st.SearchStrategy[Any]:
    types = ["boolean", "null", ["string", "null"], ["integer", "string"]]
    references = [{"$ref": f"#/$defs/{name}"} for name in ("Shared", "Tree")]
    plain = st.sampled_from([True, {}, *({"type": kind} for kind in types), *references])
    return plain | texts() | numbers() | value_sets()


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    @st.composite
    def build(draw: st.DrawFn) -> dict[str, Any]:
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
        schema = {
            "type": "object",
            "properties": {name: draw(inner) for name in names},
            "required": [name for name in names if draw(st.booleans())],
        }
        return {**schema, "additionalProperties": False} if draw(st.booleans()) else schema

    return build()


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arrays = st.fixed_dictionaries(
        {"type": st.just("array"), "items": inner},
        optional={"minItems": st.integers(0, 2), "maxItems": st.integers(1, 3), "uniqueItems": st.booleans()},
    )
    tuples = st.lists(inner, min_size=1, max_size=3).map(
        lambda parts: {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts)}
    )
    maps = st.fixed_dictionaries(
        {"type": st.just("object"), "additionalProperties": inner}, optional={"minProperties": st.integers(0, 2)}
    )
    patterned = inner.map(
        lambda part: {"type": "object", "patternProperties": {"^a": part}, "additionalProperties": False}
    )
    choices = st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"anyOf": parts})
    merged = st.tuples(objects(leaves()), objects(leaves())).map(
        lambda pair: {"allOf": [{k: v for k, v in part.items() if k != "additionalProperties"} for part in pair]}
    )
    return objects(inner) | arrays | tuples | maps | patterned | choices | merged


SCHEMAS = objects(st.recursive(leaves(), nested, max_leaves=6))
DEFINITIONS = {
    "Shared": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    "Tree": {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}, "up": {"$ref": "#/$defs/Shared"}},
        "additionalProperties": False,
    },
}
SCALARS = st.none() | st.booleans() | st.integers(-6, 31) | st.sampled_from([0.5, 2.5, -2.5, 3.25]) | TEXTS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "n", "kids", "up", "a1", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def instances(draw: st.DrawFn, schema: Any) -> Any:
    """Mostly what the schema asks for, sometimes anything else."""
    if not isinstance(schema, dict) or draw(st.integers(0, 9)) == 0:
        return draw(ANYTHING)
    if "$ref" in schema:
        return draw(instances(DEFINITIONS[schema["$ref"].rpartition("/")[2]]))
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "anyOf" in schema:
        return draw(instances(draw(st.sampled_from(schema["anyOf"]))))
    if "allOf" in schema:
        parts = [draw(instances(part)) for part in schema["allOf"]]
        return {k: v for part in parts if isinstance(part, dict) for k, v in part.items()}
    return draw(_typed(schema))


def _typed(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    kind = schema.get("type")
    if isinstance(kind, list):
        return st.sampled_from(kind).flatmap(lambda one: _typed({"type": one}))
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return _array(schema)
    scalars = {"string": TEXTS, "integer": st.integers(-6, 31), "boolean": st.booleans(), "null": st.none()}
    return scalars.get(str(kind), SCALARS)


@st.composite
def _object(draw: st.DrawFn, schema: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, part in schema.get("properties", {}).items():
        if name in schema.get("required", ()) or draw(st.booleans()):
            made[name] = draw(instances(part))
    inner = schema.get("additionalProperties")
    for part in (inner, *schema.get("patternProperties", {}).values()):
        if isinstance(part, dict):
            made |= draw(st.dictionaries(st.sampled_from(["a1", "ax", "x"]), instances(part), max_size=2))
    return made | ({"x": 1} if draw(st.integers(0, 9)) == 0 else {})


@st.composite
def _array(draw: st.DrawFn, schema: dict[str, Any]) -> list[Any]:
    if "prefixItems" in schema:
        return [draw(instances(part)) for part in schema["prefixItems"]]
    return draw(st.lists(instances(schema["items"]), max_size=4))


def relaxed(schema: Any) -> Any:
    """The same schema, in which an optional property may be null."""
    if isinstance(schema, list):
        return [relaxed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {k: v if k in {"enum", "const"} else relaxed(v) for k, v in schema.items()}
    if isinstance(schema.get("properties"), dict):
        required = schema.get("required", ())
        changed["properties"] = {
            name: relaxed(part) if name in required else {"anyOf": [relaxed(part), {"type": "null"}]}
            for name, part in schema["properties"].items()
        }
    return changed


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_models_accept_what_their_schema_accepts(data: st.DataObject) -> None:
    schema = {**data.draw(SCHEMAS), "$defs": DEFINITIONS}
    oracle = Draft202012Validator(relaxed(schema))
    drawn = [data.draw(instances(schema)) for _ in range(12)]
    errors = [[e.message for e in oracle.iter_errors(instance)] for instance in drawn]
    try:
        with imported_models(schema) as models:
            # A schema that contradicts itself accepts nothing, and says so.
            if any("accepts no value" in note for note in models.given.notes):
                return
            for instance, wrong in zip(drawn, errors, strict=True):
                assert models.accepts(instance) == (not wrong), (instance, wrong, models.given.notes)
            assert models.accepts(models.given.sample)
    except RequestError as exc:
        problem = exc.message
        is_contradiction = "no value could be made" in problem and all(errors)
        if not is_contradiction:
            raise
