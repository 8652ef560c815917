"""Each keyword of a schema: the type it becomes, what that accepts and refuses, and what is said about the rest."""

from typing import Any

import pytest

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec
from tests.support.schema_models import given_models, imported_models, model_files

# Schema of one required property, its type, values it accepts, values it refuses.
TYPES: list[tuple[Any, str, list[Any], list[Any]]] = [
    ({"type": "string"}, "str", ["", "a"], [1, None, True, ["a"]]),
    ({"type": "integer"}, "StrictInt", [0, -5, 2**70], ["1", True, 1.5, None]),
    ({"type": "number"}, "StrictFloat", [0, 1.5], ["1", True, None]),
    ({"type": "boolean"}, "StrictBool", [True, False], [0, 1, "true", None]),
    ({"type": "null"}, "None", [None], [0, ""]),
    ({}, "JsonValue", [None, 1, "a", {"b": [1]}], []),
    (True, "JsonValue", [None, [1]], []),
    ({"type": ["string", "null"]}, "str | None", ["a", None], [1]),
    ({"type": "string", "nullable": True}, "str | None", ["a", None], [1]),
    ({"type": ["integer", "string"]}, "StrictInt | str", [1, "1"], [1.5, None]),
    ({"type": "string", "format": "uuid"}, "UUID", ["00000000-0000-4000-8000-000000000001"], ["x", 1]),
    ({"type": "string", "format": "date"}, "date", ["2024-02-29"], ["2023-02-29", "x"]),
    ({"type": "string", "format": "date-time"}, "AwareDatetime", ["2024-01-02T03:04:05Z"], ["2024-01-02T03:04:05"]),
    ({"type": "string", "format": "time"}, "time", ["03:04:05Z"], ["25:00:00"]),
    ({"type": "string", "format": "duration"}, "timedelta", ["P1DT2H"], ["x"]),
    ({"type": "string", "format": "ipv4"}, "IPv4Address", ["192.0.2.1"], ["192.0.2.256"]),
    ({"type": "string", "format": "ipv6"}, "IPv6Address", ["2001:db8::1"], ["1.2.3.4"]),
    ({"type": "string", "format": "decimal"}, "Decimal", ["1.50"], ["x"]),
    ({"type": "string", "format": "byte"}, "Base64Bytes", ["aGk="], ["a"]),
    ({"type": "string", "contentEncoding": "base64"}, "Base64Bytes", ["aGk="], ["a"]),
    ({"type": "string", "format": "email"}, "str", ["a@b.example"], ["a", "a b@c"]),
    ({"type": "string", "format": "uri"}, "str", ["https://A.example/%7E", "urn:x:y"], ["/a", "http://a b"]),
    ({"type": "string", "format": "hostname"}, "str", ["a.example"], ["-a", "a..b"]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, "str", ["ab", "abc"], ["a", "abcd"]),
    ({"type": "string", "pattern": "b"}, "str", ["abc"], ["ac"]),
    ({"type": "string", "pattern": "^(?!x).*$"}, "str", ["a"], ["xa"]),
    ({"type": "integer", "minimum": 1, "maximum": 3}, "StrictInt", [1, 3], [0, 4]),
    ({"type": "integer", "minimum": 1.5}, "StrictInt", [2], [1]),
    ({"type": "integer", "exclusiveMinimum": 1.5, "exclusiveMaximum": 4}, "StrictInt", [2, 3], [1, 4]),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, "StrictInt", [2], [1]),
    ({"type": "integer", "format": "int32"}, "StrictInt", [2**31 - 1], [2**31]),
    ({"type": "integer", "multipleOf": 5}, "StrictInt", [0, 10], [3]),
    ({"type": "integer", "multipleOf": 0.5}, "StrictInt", [3], [0.5]),
    ({"type": "number", "exclusiveMaximum": 0.5}, "StrictFloat", [0.25], [0.5]),
    ({"type": "array", "items": {"type": "integer"}}, "list[StrictInt]", [[], [1]], [[1.5], 1, {}]),
    ({"type": "array"}, "list[JsonValue]", [[1, "a"]], ["a"]),
    ({"type": "array", "minItems": 1, "maxItems": 2}, "list[JsonValue]", [[1]], [[], [1, 2, 3]]),
    (
        {"type": "array", "items": {"type": "number"}, "uniqueItems": True},
        "Annotated[list[StrictFloat], AfterValidator(unique_items)]",
        [[1, 2]],
        [[1, 1]],
    ),
    (
        {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
        "tuple[str, StrictInt]",
        [["a", 1]],
        [["a"], ["a", 1, 2], [1, "a"]],
    ),
    (
        {"type": "array", "items": [{"type": "string"}], "additionalItems": {"type": "integer"}, "minItems": 1},
        "list[str | StrictInt]",
        [["a"], ["a", 1, 2]],
        [[], [True]],
    ),
    ({"type": "object"}, "dict[str, JsonValue]", [{}, {"a": 1}], [[], 1]),
    ({"additionalProperties": {"type": "integer"}}, "dict[str, StrictInt]", [{"a": 1}], [{"a": "1"}]),
    ({"type": "object", "additionalProperties": False}, "dict[str, JsonValue]", [{}], [{"a": 1}]),
    ({"type": "object", "minProperties": 1, "maxProperties": 2}, "dict[str, JsonValue]", [{"a": 1}], [{}]),
    (
        {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False},
        "dict[Annotated[str, Field(pattern='^x-')], str]",
        [{"x-a": "b"}],
        [{"y": "b"}, {"x-a": 1}],
    ),
    (
        {"type": "object", "propertyNames": {"pattern": "^[a-z]+$", "maxLength": 3}},
        "dict[Annotated[str, Field(max_length=3, pattern='^[a-z]+$')], JsonValue]",
        [{"abc": 1}],
        [{"A": 1}, {"abcd": 1}],
    ),
    ({"const": "on"}, "Literal['on']", ["on"], ["off", None]),
    ({"const": None}, "None", [None], [0]),
    ({"enum": ["a", "b"]}, "EnumSampleValue", ["a"], ["c", None]),
    ({"enum": ["a", "b", None]}, "EnumSampleValue | None", ["a", None], ["c"]),
    ({"type": "string", "enum": ["a", "b", 3]}, "EnumSampleValue", ["a"], [3]),
    ({"enum": [10, -20]}, "EnumSampleValue", [10, -20], [0]),
    ({"enum": ["a", 5]}, "Literal['a', 5]", ["a", 5], ["5", "b"]),
    ({"enum": [True, False]}, "StrictBool", [True], [1, "true"]),
    ({"enum": [1.5, 2]}, "Annotated[StrictFloat, AfterValidator(one_of(1.5, 2.0))]", [1.5, 2], [3]),
    ({"enum": [{"a": 1}, [2]]}, "Annotated[JsonValue, AfterValidator(one_of({'a': 1}, [2]))]", [{"a": 1}], [{"a": 2}]),
    ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "str | StrictInt", ["a", 1], [1.5]),
    ({"oneOf": [{"type": "string", "maxLength": 1}, {"type": "null"}]}, "str | None", ["a", None], ["ab"]),
    (
        {"allOf": [{"type": "integer", "minimum": 1}, {"minimum": 3, "maximum": 9}, {"maximum": 5}]},
        "StrictInt",
        [3, 5],
        [2, 6],
    ),
    ({"allOf": [{"type": ["integer", "string"]}, {"type": "number"}]}, "StrictInt", [1], ["a", 1.5]),
    ({"$ref": "#/$defs/Short"}, "str", ["a"], ["abc"]),
    ({"$ref": "#/$defs/Short", "minLength": 1}, "str", ["a"], ["", "abc"]),
    ({"type": "string", "format": "password"}, "str", ["a"], [1]),
]


def of_property(schema: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"value": schema},
        "required": ["value"],
        "additionalProperties": False,
        "$defs": {"Short": {"type": "string", "maxLength": 2}},
        **more,
    }


def the_field(schema: dict[str, Any]) -> FieldSpec:
    model = given_models(schema).input_model
    assert model is not None
    return model.fields[0]


@pytest.mark.parametrize(("schema", "source", "accepted", "refused"), TYPES, ids=[str(row[0])[:70] for row in TYPES])
def test_a_schema_becomes_a_precise_type(schema: Any, source: str, accepted: list[Any], refused: list[Any]) -> None:
    with imported_models(of_property(schema)) as models:
        model = models.given.input_model
        assert model is not None
        assert model.fields[0].type == source
        assert "Any" not in "".join(model_files(models.given).values()).replace("AnyOf", "")
        for value in accepted:
            assert models.accepts({"value": value}), value
            assert models.echoed({"value": value})["value"] == value
        for value in refused:
            assert not models.accepts({"value": value}), value
        assert models.accepts(models.given.sample)


@pytest.mark.parametrize(
    ("schema", "default"),
    [
        ({"type": "string", "default": 'a"b'}, "'a\"b'"),
        ({"type": "integer", "default": 3}, "3"),
        ({"type": "number", "default": 3}, "3.0"),
        ({"type": "boolean", "default": False}, "False"),
        ({"type": ["string", "null"], "default": None}, "None"),
        ({"enum": ["a-b", "c"], "default": "a-b"}, "EnumSampleValue.A_B"),
        ({"enum": [10, 20], "default": 20}, "EnumSampleValue.VALUE_20"),
        ({"type": "array", "default": []}, "list"),
        ({"type": "object", "default": {}}, "dict"),
        ({"type": "array", "items": {"type": "integer"}, "default": [1]}, "lambda: [1]"),
        ({"type": "string", "format": "date", "default": "2024-01-02"}, "date.fromisoformat('2024-01-02')"),
        ({"type": "string", "format": "decimal", "default": "1.50"}, "Decimal('1.50')"),
        (
            {"type": "object", "properties": {"a": {"type": "integer"}}, "default": {"a": 1}},
            "lambda: ModelSampleValue.model_validate({'a': 1})",
        ),
    ],
)
def test_a_default_is_written_as_its_type(schema: Any, default: str) -> None:
    whole = {**of_property(schema), "required": []}
    assert the_field(whole).default == default
    with imported_models(whole) as models:
        assert models.input_model.model_validate({}).model_dump(mode="json") == {"value": schema["default"]}


def test_a_default_of_another_type_is_left_out_and_noted() -> None:
    given = given_models({**of_property({"type": "integer", "default": "many"}), "required": []})
    assert given.input_model is not None
    assert given.input_model.fields[0].default == "None"
    assert given.notes == (
        "value: the default does not fit its own schema ('many' is not of type 'integer'); it is left out",
    )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("orderId", "order_id"), ("class", "class_"), ("__init__", "init"), ("model_config", "config_of_model"),
        ("model_", "model"), ("a-b c", "a_b_c"), ("1st", "field_1st"), ("Größe", "grosse"), ("订单", "field"),
        ("json", "json_"), ("copy", "copy_"), ("list", "list_"), ("_private", "private"), ("$ref", "ref"),
        ("", "field"), ("HTTPStatus", "http_status"), ("x" * 90, "x" * 60),
    ],
)  # fmt: skip
def test_any_property_name_becomes_a_field_and_keeps_its_name_in_json(name: str, field: str) -> None:
    with imported_models({"type": "object", "properties": {name: {"type": "integer"}}, "required": [name]}) as models:
        model = models.given.input_model
        assert model is not None
        assert model.fields[0].name == field
        assert models.echoed({name: 7}) == {name: 7}
        assert models.input_model.model_validate({name: 7}).model_dump(mode="json") == {name: 7}


def test_names_that_become_alike_stay_apart() -> None:
    names = ["orderId", "order_id", "order-id", "OrderID"]
    schema = {"type": "object", "properties": {n: {"type": "integer"} for n in names}, "required": names}
    with imported_models(schema) as models:
        model = models.given.input_model
        assert model is not None
        assert [f.name for f in model.fields] == ["order_id_2", "order_id", "order_id_3", "order_id_4"]
        instance = {name: number for number, name in enumerate(names)}
        assert models.echoed(instance) == instance


def test_a_field_may_hide_the_name_of_its_own_type() -> None:
    schema = {
        "properties": {
            "date": {"type": "string", "format": "date"},
            "time": {"type": "string", "format": "time"},
            "due": {"type": "string", "format": "date"},
        }
    }
    with imported_models(schema) as models:
        instance = {"date": "2024-01-02", "due": "2024-01-03", "time": "03:04:05"}
        assert models.echoed(instance) == instance


@pytest.mark.parametrize(
    ("schema", "note"),
    [
        ({"not": {"type": "string"}}, "value: not is not checked"),
        ({"type": "string", "if": {"const": "a"}, "then": {"const": "a"}}, "value: if is not checked"),
        ({"type": "array", "contains": {"type": "integer"}}, "value: contains is not checked"),
        ({"type": "object", "dependentRequired": {"a": ["b"]}}, "value: dependentRequired is not checked"),
        ({"type": "object", "dependencies": {"a": {"required": ["b"]}}}, "value: dependentSchemas is not checked"),
        ({"type": "string", "format": "isbn"}, "value: the format 'isbn' is not checked"),
        ({"type": "string", "requird": True}, "value: the keyword 'requird' is unknown and has no effect"),
        (
            {"type": "string", "pattern": "(?<=a)b"},
            "value: the pattern needs Python's regular expressions, which can be slow on hostile text",
        ),
        (
            {"type": "string", "pattern": "[\\p{L}&&[^a]](?=x)"},
            "is no regular expression that Python or Rust can read; it is not checked",
        ),
        ({"minimum": 3}, "value: no type is given; read as number"),
        (
            {"oneOf": [{"type": "string", "maxLength": 2}, {"type": "string", "minLength": 1}]},
            "value: oneOf is checked as anyOf: a value that fits several choices is accepted",
        ),
        (
            {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
            "value: further properties are left out, and their schema is not checked",
        ),
        ({"type": "object", "properties": {"a": {}}, "minProperties": 1}, "minProperties is not checked beside"),
        ({"type": "array", "prefixItems": [{}, {}]}, "value: all 2 leading items are required"),
    ],
)
def test_what_no_model_checks_is_said(schema: Any, note: str) -> None:
    notes = given_models(of_property(schema)).notes
    assert any(note in said for said in notes), notes


def test_a_plain_schema_leaves_nothing_to_say() -> None:
    assert given_models(of_property({"type": "string"})).notes == ()


def test_patterns_of_two_engines_in_one_model_are_not_mixed_up() -> None:
    schema = {
        "properties": {
            "ahead": {"type": "string", "pattern": "^(?=a)"},
            "letter": {"type": "string", "pattern": "^\\p{Lu}$"},
        }
    }
    with imported_models(schema) as models:
        assert any("others need another engine" in note for note in models.given.notes)
        assert models.accepts({"ahead": "ab", "letter": "x"})
        assert not models.accepts({"ahead": "b"})


def test_unknown_keys_are_refused_or_left_out_as_the_schema_says() -> None:
    with imported_models({"properties": {"a": {"type": "integer"}}}) as open_models:
        assert open_models.echoed({"a": 1, "b": 2}) == {"a": 1}
    with imported_models({"properties": {"a": {}}, "unevaluatedProperties": False}) as closed:
        assert not closed.accepts({"b": 2})


def test_a_model_may_hold_itself_and_models_one_another() -> None:
    schema = {
        "properties": {"name": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#"}},
                       "owner": {"$ref": "#/$defs/Person"}},
        "additionalProperties": False,
        "$defs": {
            "Person": {"properties": {"team": {"$ref": "#/$defs/Team"}}},
            "Team": {"properties": {"lead": {"$ref": "#/$defs/Person"}, "tree": {"$ref": "#"}}},
        },
    }  # fmt: skip
    with imported_models(schema) as models:
        instance = {"name": "a", "kids": [{"kids": []}], "owner": {"team": {"lead": {"team": {}}, "tree": {}}}}
        assert models.echoed(instance) == instance
        assert not models.accepts({"owner": {"team": {"lead": {"team": {"tree": {"x": 1}}}}}})


def test_a_value_that_holds_itself_without_an_object_is_json() -> None:
    nested = {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/Nested"}}]}
    schema = of_property({"$ref": "#/$defs/Nested"}, **{"$defs": {"Nested": nested}})
    with imported_models(schema) as models:
        assert models.accepts({"value": [[1], 2]})
        assert any("holds itself without an object" in note for note in models.given.notes)


@pytest.mark.parametrize(
    "mapping", [None, {"cat": "#/$defs/Cat", "dog": "#/$defs/Dog"}], ids=["names of the schemas", "a mapping"]
)
def test_a_discriminator_chooses_the_model(mapping: dict[str, str] | None) -> None:
    names = ("cat", "dog") if mapping else ("Cat", "Dog")
    named = {"propertyName": "petType", **({"mapping": mapping} if mapping else {})}
    animal = {"type": "object", "required": ["petType"], "properties": {"petType": {"type": "string"}}}
    schema = of_property(
        {"oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}], "discriminator": named},
        **{"$defs": {
            "Animal": animal,
            "Cat": {"allOf": [{"$ref": "#/$defs/Animal"}, {"properties": {"lives": {"type": "integer"}}}]},
            "Dog": {"allOf": [{"$ref": "#/$defs/Animal"}, {"properties": {"barks": {"type": "boolean"}}}]},
        }},
    )  # fmt: skip
    with imported_models(schema) as models:
        assert the_field(schema).constraints == {"discriminator": "pet_type"}
        assert models.given.notes == ()
        assert models.echoed({"value": {"petType": names[0], "lives": 9}})["value"]["lives"] == 9
        assert not models.accepts({"value": {"petType": names[1], "barks": 3}})
        assert not models.accepts({"value": {"petType": "bird"}})


def test_choices_with_a_constant_of_their_own_need_no_discriminator() -> None:
    choice = [{"type": "object", "properties": {"kind": {"const": k}}, "required": ["kind"]} for k in ("a", "b")]
    assert the_field(of_property({"oneOf": choice})).constraints == {"discriminator": "kind"}


def test_an_input_that_is_no_object_is_the_value_of_one_field() -> None:
    with imported_models({"type": "array", "items": {"type": "integer"}}) as models:
        assert models.accepts({"value": [1]})
        assert models.accepts(models.given.sample)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"a": {"type": 5}}}, "no valid JSON Schema: /$defs/Input/properties/a/type"),
        ({"properties": {"a": {"$ref": "#/$defs/B"}}, "$defs": {"Bee": {}}}, "leads nowhere"),
        ({"properties": {"a": {"$ref": "http://x.example/y"}}}, "leaves the contract"),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}},
            },
            "references lead in a circle: A -> B -> A",
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}]}}},
            "references lead in a circle: A -> A",
        ),
        (
            {"properties": {"a": {"type": "integer", "minimum": 5, "maximum": 1}}, "required": ["a"]},
            "no value could be made that the input accepts",
        ),
        ({"properties": {f"p{n}": {} for n in range(501)}}, "has 501 properties; at most 500 are read"),
    ],
)  # fmt: skip
def test_a_wrong_schema_is_refused_with_its_place(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(RequestError) as refused:
        given_models(schema)
    assert problem in refused.value.message
    assert refused.value.cure


def test_a_missing_definition_names_its_neighbours() -> None:
    with pytest.raises(RequestError) as refused:
        given_models({"properties": {"a": {"$ref": "#/$defs/Adress"}}, "$defs": {"Address": {}}})
    assert "did you mean Address?" in refused.value.cure


def test_no_text_of_a_schema_becomes_code() -> None:
    hostile = '"""\nimport os; os.system("id")\n# \\'
    schema = {
        "title": hostile,
        "description": hostile,
        "properties": {
            hostile: {"type": "string", "description": hostile, "default": hostile, "pattern": '^"\\\\'},
            "e": {"enum": [hostile, "b"], "default": hostile},
            "l": {"enum": [hostile, 1]},
            "o": {"enum": [{hostile: hostile}]},
        },
    }
    with imported_models(schema) as models:
        text = "".join(model_files(models.given).values())
        assert not any(line.strip().startswith("import os") for line in text.splitlines())
        # The pattern does not fit the default, so the default is not used; the other values come back as they are.
        assert models.echoed({"e": hostile, "l": hostile, "o": {hostile: hostile}})["e"] == hostile
