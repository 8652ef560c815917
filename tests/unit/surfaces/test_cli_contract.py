"""`omniclaude generate --contract`: what becomes of the file, what is said about it, and how a wrong one is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.request.model import NodeKind
from tests.support.cli import FakeRun
from tests.unit.surfaces.conftest import Cli

CONTRACTS = Path(__file__).parents[2] / "data" / "contracts"


def test_a_contract_alone_is_a_request(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", "--contract", str(CONTRACTS / "invoice.contract.yaml"))
    (accepted,) = run.requests
    assert done.exit_code == 0
    assert (accepted.request.node_kind, accepted.request.name) == (NodeKind.COMPUTE, "InvoiceTotal")
    assert accepted.request.contract is not None
    assert "Adds up the lines of an invoice." in accepted.request.prompt


def test_a_prompt_beside_it_says_what_the_node_does(cli: Cli, run: FakeRun) -> None:
    prompt = "COMPUTE node that adds up the amounts of all lines"
    cli("generate", prompt, "--contract", str(CONTRACTS / "invoice.contract.yaml"), "--name", "BillTotal")
    (accepted,) = run.requests
    assert (accepted.request.prompt, accepted.request.name) == (prompt, "BillTotal")


def test_what_the_models_will_not_check_is_said_before_the_run(cli: Cli, run: FakeRun) -> None:
    done = cli("generate", "--contract", str(CONTRACTS / "push_event.schema.yaml"), "--kind", "EFFECT")
    assert "note: contract: if is not checked" in done.stderr
    assert len(run.requests) == 1


def test_a_contract_without_fields_says_where_they_come_from(cli: Cli, run: FakeRun, tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text("name: node_tax_compute\nnode_type: COMPUTE\ndescription: Works out the tax.\n")
    done = cli("generate", "--contract", str(file))
    assert "it names no fields: they come from examples or the prompt" in done.stderr


def test_a_part_of_a_document_is_pointed_to(cli: Cli, run: FakeRun) -> None:
    cli("generate", "--contract", f"{CONTRACTS / 'petstore.openapi.yaml'}#/paths/~1pets/post")
    (accepted,) = run.requests
    assert (accepted.request.node_kind, accepted.request.name) == (NodeKind.EFFECT, "CreatePet")


WRONG: list[tuple[str, Any, tuple[str, ...], str]] = [
    ("a.json", "", (), "is empty"),
    ("a.json", "{]", (), "not valid JSON"),
    ("a.json", {"x": 1}, (), "neither a contract nor a schema"),
    ("a.json", {"properties": {"a": {"$ref": "https://x.example/y"}}}, (), "leads to the network"),
    ("a.json", {"properties": {"a": {"$ref": "#"}}, "required": ["a"]}, (), "no value could be made"),
    ("a.json", {"properties": {"a": {"type": "strin"}}}, (), "no valid JSON Schema"),
    ("a.json", {"node_type": "COMPUTE"}, ("--kind", "EFFECT"), "is of a node of kind COMPUTE"),
    ("a.json", {"properties": {}}, ("--request", "r.yaml"), "--contract goes with a prompt"),
]


@pytest.mark.parametrize(("name", "content", "options", "problem"), WRONG, ids=[row[3] for row in WRONG])
def test_a_wrong_contract_ends_with_code_2_cause_and_cure(
    cli: Cli, run: FakeRun, tmp_path: Path, name: str, content: Any, options: tuple[str, ...], problem: str
) -> None:
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    done = cli("generate", "--contract", str(file), *options)
    assert done.exit_code == 2
    assert problem in done.stderr
    assert "cure:" in done.stderr
    assert "Traceback" not in done.stderr
    assert run.requests == []


@pytest.mark.parametrize("argument", ["missing.json", "missing.json#/a", ".", "a.json#nopointer", "\x07.json"])
def test_a_file_that_is_none_ends_with_code_2(cli: Cli, run: FakeRun, argument: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    done = cli("generate", "--contract", str(tmp_path / argument))
    assert done.exit_code == 2
    assert run.requests == []
