"""A given contract becomes one object that needs nothing beside itself, or is refused with cause and cure."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.request.contract.given import contract_from_file, contract_from_value, facts_of, prompt_of
from omniclaude_dagster.request.intake import read_request_file, request_from_mapping
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.store import RequestStore
from omniclaude_dagster.surfaces.cli.given_contract import from_contract
from omniclaude_dagster.surfaces.cli.sources import Overrides

CONTRACTS = Path(__file__).parents[2] / "data" / "contracts"


def write(folder: Path, files: dict[str, Any]) -> Path:
    """Files as YAML or JSON; text as it is. The first one is returned."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
    return folder / next(iter(files))


def schema_of(reference: str, **more: Any) -> dict[str, Any]:
    return {"title": "Thing", "type": "object", "properties": {"a": {"$ref": reference}}, **more}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.json": schema_of("#/$defs/B", **{"$defs": {"B": {"type": "string"}}})}, {"type": "string"}),
        ({"a.json": schema_of("#/definitions/B", definitions={"B": {"type": "string"}})}, {"type": "string"}),
        ({"a.json": schema_of("#here", **{"$defs": {"B": {"$anchor": "here", "minLength": 1}}})}, {"minLength": 1}),
        ({"a.json": schema_of("b.yaml"), "b.yaml": "type: string"}, {"type": "string"}),
        ({"a.json": schema_of("b.json#/x/1"), "b.json": {"x": [1, {"type": "null"}]}}, {"type": "null"}),
        ({"a.json": schema_of("sub/b.json#/x"), "sub/b.json": {"x": {"type": "null"}}}, {"type": "null"}),
        ({"a.json": schema_of("b.yaml#n"), "b.yaml": "$defs: {B: {$anchor: n, type: integer}}"}, {"type": "integer"}),
        (
            {"a.json": schema_of("b#/$defs/~0x~1y", **{"$defs": {"B": {"$id": "b", "$defs": {"~x/y": {"const": 1}}}}})},
            {"const": 1},
        ),
        (
            {"a.json": schema_of("i", **{"$id": "https://x.example/s/a", "$defs": {"I": {"$id": "i", "const": 2}}})},
            {"const": 2},
        ),
        ({"a.json": schema_of("b%20c.json"), "b c.json": {"const": 3}}, {"const": 3}),
    ],
)  # fmt: skip
def test_a_reference_is_resolved(tmp_path: Path, files: dict[str, Any], expected: dict[str, Any]) -> None:
    contract = contract_from_file(str(write(tmp_path, files)))
    name = contract["properties"]["a"]["$ref"].removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
    assert contract["$defs"][name] == expected
    assert contract_from_value(contract) == contract


def test_recursion_across_files_stays_a_reference(tmp_path: Path) -> None:
    path = write(tmp_path, {
        "a.json": {"title": "A", "properties": {"b": {"$ref": "b.json"}, "me": {"$ref": "#"}}},
        "b.json": {"properties": {"a": {"$ref": "a.json"}, "b": {"$ref": "#"}}},
    })  # fmt: skip
    contract = contract_from_file(str(path))
    assert contract["properties"] == {"b": {"$ref": "#/$defs/b"}, "me": {"$ref": "#"}}
    assert contract["$defs"] == {"b": {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#/$defs/b"}}}}


def test_definitions_of_one_name_in_two_files_stay_apart(tmp_path: Path) -> None:
    path = write(tmp_path, {
        "a.json": schema_of("b.json#/$defs/X", **{"$defs": {"X": {"const": 1}}, "items": {"$ref": "#/$defs/X"}}),
        "b.json": {"$defs": {"X": {"const": 2}}},
    })  # fmt: skip
    assert contract_from_file(str(path))["$defs"] == {"X": {"const": 2}, "X_2": {"const": 1}}


def test_what_only_looks_like_a_reference_is_left_alone(tmp_path: Path) -> None:
    schema = {
        "title": "T",
        "properties": {
            "$ref": {"type": "string"},
            "b": {"enum": [{"$ref": "http://x.example"}], "default": {"$ref": "y"}},
        },
    }  # fmt: skip
    contract = contract_from_file(str(write(tmp_path, {"a.json": schema})))
    assert contract["properties"] == schema["properties"]


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\ntype: object\nproperties: *b\n"
DEEP = "[" * 5_000 + "]" * 5_000
FILES = {"b.json": {"const": 1}, "c.json": {"title": "C", "properties": {}}}
WRONG: list[tuple[str, Any, str]] = [
    ("a.json", "", "the file is empty"),
    ("a.json", "{", "not valid JSON"),
    ("a.yaml", "a: [", "not valid YAML"),
    ("a.json", "[1]", "neither a contract nor a schema"),
    ("a.yaml", "just text", "neither a contract nor a schema"),
    ("a.json", {"colour": "red"}, "neither a contract nor a schema"),
    ("a.yaml", BOMB, "anchors and aliases are not accepted"),
    ("a.json", DEEP, "nested deeper than"),
    ("a.json", '{"type": "object", "x": NaN}', "NaN is not a JSON number"),
    ("a.json", '{"type": "object", "type": "string"}', "occurs twice"),
    ("a.txt", "type: object", "is no contract file"),
    ("a.json", schema_of("https://x.example/s.json"), "leads to the network"),
    ("a.json", schema_of("//x.example/s.json"), "leads to the network"),
    ("a.json", schema_of("file:///etc/passwd"), "leads to the network"),
    ("a.json", schema_of("../b.json"), "leaves the folder"),
    ("a.json", schema_of("sub/../../b.json"), "leaves the folder"),
    ("a.json", schema_of("/etc/passwd"), "leaves the folder"),
    ("a.json", schema_of("..%2Fb.json"), "leaves the folder"),
    ("a.json", schema_of("missing.json"), "there is no file"),
    ("a.json", schema_of("b.json#/x"), "has nothing at '/x'"),
    ("a.json", schema_of("#/$defs/Addres", **{"$defs": {"Address": {}}}), "near: Address"),
    ("a.json", schema_of("#nowhere"), "names no anchor"),
    ("a.json", {"openapi": "3.0.0", "paths": {}}, "describes 0 operations and 0 schemas"),
    ("a.json", {"node_type": "COMPUTE", "definitions": {"X": {}}}, "name neither its input nor its output model"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "problem"), WRONG, ids=[row[2] + str(row[1])[:30] for row in WRONG])
def test_a_wrong_contract_is_refused_with_cause_and_cure(tmp_path: Path, name: str, content: Any, problem: str) -> None:
    write(tmp_path, FILES)
    with pytest.raises(RequestError) as refused:
        contract_from_file(str(write(tmp_path, {name: content})))
    assert problem in refused.value.message + refused.value.cure
    assert refused.value.cure
    assert refused.value.exit_code == 2


def test_a_reference_through_a_link_is_refused(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", {"b.json": {"const": 1}})
    folder = tmp_path / "inside"
    path = write(folder, {"a.json": schema_of("b.json"), "c.json": schema_of("sub/b.json")})
    (folder / "b.json").symlink_to(outside)
    (folder / "sub").symlink_to(outside.parent, target_is_directory=True)
    with pytest.raises(RequestError, match="symbolic link"):
        contract_from_file(str(path))
    with pytest.raises(RequestError, match="symbolic link"):
        contract_from_file(str(folder / "c.json"))
    (folder / "d.json").symlink_to(path)
    with pytest.raises(RequestError, match="symbolic link"):
        contract_from_file(str(folder / "d.json"))


def test_sizes_and_numbers_are_bounded(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    with big.open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)
    with pytest.raises(RequestError, match=r"too large \(413\)"):
        contract_from_file(str(big))
    many = {"title": "M", "properties": {f"p{n}": {"$ref": f"#/$defs/d{n}"} for n in range(1_200)},
            "$defs": {f"d{n}": {"const": n} for n in range(1_200)}}  # fmt: skip
    with pytest.raises(RequestError, match="more than 1,000 definitions"):
        contract_from_file(str(write(tmp_path, {"many.json": many})))
    again = {"title": "M", "allOf": [{"$ref": "#/$defs/d"}] * 25_000, "$defs": {"d": {"const": 1}}}
    with pytest.raises(RequestError, match="more than 20,000 references"):
        contract_from_file(str(write(tmp_path, {"again.json": again})))
    wide = {"title": "W", "properties": {}, "examples": ["x" * 1_100_000]}
    with pytest.raises(RequestError, match="with all it refers to is too large"):
        contract_from_file(str(write(tmp_path, {"wide.json": wide})))
    spread = {"title": "S", "allOf": [{"$ref": f"f{n}.json"} for n in range(70)]}
    path = write(tmp_path, {"s.json": spread, **{f"f{n}.json": {"const": n} for n in range(70)}})
    with pytest.raises(RequestError, match="more than 64 files"):
        contract_from_file(str(path))


def test_a_part_of_an_openapi_document_is_a_schema() -> None:
    contract = contract_from_file(f"{CONTRACTS / 'petstore.openapi.yaml'}#/components/schemas/Pet")
    assert contract["title"] == "Pet"
    assert set(contract["$defs"]) == {"NewPet", "Species", "Owner"}
    assert contract["$defs"]["NewPet"]["properties"]["weightKg"] == {"type": "number", "exclusiveMinimum": 0}
    assert contract["$defs"]["NewPet"]["properties"]["tag"] == {"type": ["string", "null"], "examples": ["house"]}


def test_an_operation_has_an_input_and_an_output() -> None:
    contract = contract_from_file(f"{CONTRACTS / 'petstore.openapi.yaml'}#/paths/~1pets/post")
    assert contract["x-operation"] == {
        "method": "POST", "path": "/pets",
        "parameters": [{"name": "X-Tenant", "in": "header", "property": "X-Tenant"}],
    }  # fmt: skip
    assert contract["$defs"]["Input"]["required"] == ["body"]
    assert contract["$defs"]["Output"] == {"$ref": "#/$defs/Pet"}
    assert facts_of(contract).kind is NodeKind.EFFECT
    assert facts_of(contract).name == "CreatePet"
    assert contract_from_value(contract) == contract


def test_a_whole_openapi_document_asks_which_part() -> None:
    with pytest.raises(RequestError) as refused:
        contract_from_file(str(CONTRACTS / "petstore.openapi.yaml"))
    assert "3 operations and 4 schemas" in refused.value.message
    assert "petstore.openapi.yaml#/paths/~1pets/get" in refused.value.cure


@pytest.mark.parametrize(
    ("contract", "kind", "name"),
    [
        ({"node_type": "EFFECT_GENERIC", "name": "node_user_writer_effect"}, NodeKind.EFFECT, "UserWriter"),
        ({"node_type": "reducer", "name": "score_reducer"}, NodeKind.REDUCER, "Score"),
        ({"node_type": "COMPUTE", "name": "NodeTaxCompute"}, NodeKind.COMPUTE, "Tax"),
        ({"title": "Order event (v2)", "type": "object"}, None, "OrderEventV2"),
        ({"title": "queue", "x-node-kind": "COMPUTE"}, NodeKind.COMPUTE, "QueueRecord"),
        ({"title": "订单", "type": "object"}, None, None),
        ({"type": "object"}, None, None),
    ],
)
def test_kind_and_name_are_read_where_they_are_said(contract: dict[str, Any], kind: Any, name: str | None) -> None:
    facts = facts_of(contract)
    assert (facts.kind, facts.name) == (kind, name)
    assert len(prompt_of(facts)) > 20


def test_a_request_may_hold_a_contract_and_no_prompt() -> None:
    request = request_from_mapping({"contract": {"title": "Order", "properties": {"a": {}}}, "node_kind": "COMPUTE"})
    assert request.name == "Order"
    assert request.prompt == "Node called Order built from the given contract: Order"
    again = request_from_mapping(request.model_dump(mode="json", exclude_none=True))
    assert again.content_hash() == request.content_hash()


def test_a_request_file_names_a_contract_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"s/order.json": {"title": "Order", "properties": {"a": {"default": None}}}})
    path = write(tmp_path, {"r.yaml": "node_kind: COMPUTE\ncontract_file: s/order.json\n"})
    request = read_request_file(path)
    assert request.contract == {"title": "Order", "properties": {"a": {"default": None}}}
    assert request.name == "Order"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"contract_file": "../x.json"}, "below the folder of the request"),
        ({"contract_file": "/x.json"}, "below the folder of the request"),
        ({"contract_file": 3}, "below the folder of the request"),
        ({"contract_file": "x.json"}, "there is no file"),
        ({"contract_file": "x.json", "contract": {}}, "only one of contract and contract_file"),
        ({"contract": []}, "neither a contract nor a schema"),
        ({"contract": {"properties": {"a": {"$ref": "b.json"}}}}, "given inline"),
        ({"contract": {"node_type": "EFFECT", "name": "x"}, "node_kind": "COMPUTE"}, "is of a node of kind EFFECT"),
    ],
)
def test_a_request_with_a_wrong_contract_is_refused(tmp_path: Path, data: dict[str, Any], problem: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_request_file(write(tmp_path, {"r.json": data}))
    assert problem in refused.value.message


def test_lines_and_launchpads_know_no_files() -> None:
    with pytest.raises(RequestError, match="for request files only"):
        request_from_mapping({"prompt": "COMPUTE node that adds", "contract_file": "x.json"})


@pytest.mark.parametrize(
    "file", sorted(p.name for p in CONTRACTS.iterdir() if p.is_file() and "petstore" not in p.name)
)
def test_a_request_with_a_contract_is_kept_and_read_again(tmp_path: Path, file: str) -> None:
    accepted = from_contract(str(CONTRACTS / file), None, Overrides(mode="fast"))
    store = RequestStore(tmp_path)
    store.save(accepted)
    assert store.load(accepted.request_id) == accepted


def test_a_contract_keeps_its_schemas_apart_from_its_sections() -> None:
    given = yaml.safe_load((CONTRACTS / "invoice.contract.yaml").read_text())
    contract = contract_from_file(str(CONTRACTS / "invoice.contract.yaml"))
    assert "definitions" not in contract
    assert set(contract["x-models"]["$defs"]) == {"Input", "Output", "Line"}
    assert {k: v for k, v in contract.items() if k != "x-models"} == {
        k: v for k, v in given.items() if k != "definitions"
    }
