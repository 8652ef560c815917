"""G1 to G8: each rule with good and with bad input."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.contracts.profile import core_profile
from omniclaude_dagster.gates.context import PreGenerationContext
from omniclaude_dagster.gates.registry import run_pre_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.request.model import Example, FieldHint, GenerationRequest, Mode, NodeKind, ParsedRequest

PARSED = ParsedRequest(
    node_kind=NodeKind.EFFECT,
    name="UserWriter",
    class_name="NodeUserWriterEffect",
    domain="user_data",
    description="Writes users to PostgreSQL.",
    operations=("insert",),
    external_systems=("postgresql",),
    confidence=0.95,
)
PROMPT = "Create an EFFECT node that writes users to PostgreSQL"


def context(tmp_path: Path, *, prompt: str = PROMPT, request: dict[str, Any] | None = None, **parsed: Any) -> Any:
    return PreGenerationContext(
        parsed=dataclasses.replace(PARSED, **parsed),
        request=GenerationRequest(prompt=prompt, **(request or {})),
        output_dir=tmp_path,
        has_templates=lambda kind, systems: systems in {("postgresql",), ()},
        required_imports=core_profile().imports_for(NodeKind.EFFECT),
        probe_writable=probe,
    )


def probe(directory: Path) -> str | None:
    try:
        (directory / ".probe").write_bytes(b"x")
        (directory / ".probe").unlink()
    except OSError as exc:
        return str(exc.strerror)
    return None


def result(ctx: PreGenerationContext, gate: str) -> GateResult:
    return {r.gate: r for r in run_pre_generation(ctx)}[gate]


def test_a_complete_request_passes_every_gate(tmp_path: Path) -> None:
    results = run_pre_generation(context(tmp_path))
    assert [(r.gate, r.status) for r in results] == [(f"G{n}", "pass") for n in range(1, 9)]
    assert [r.is_blocking for r in results] == [True] * 6 + [False] * 2
    assert [r.phase for r in results] == ["pre_generation"] * 6 + ["prompt"] * 2
    assert all(r.duration_ms >= 0 for r in results)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ({"node_kind": None}, "node kind"),
        ({"name": None}, "name"),
        ({"name": "  "}, "name"),
        ({"domain": ""}, "domain"),
        ({"description": " \n"}, "description"),
    ],
)
def test_g1_names_what_was_not_understood_and_asks(tmp_path: Path, missing: dict[str, Any], named: str) -> None:
    found = result(context(tmp_path, questions=("What should it be called?",), **missing), "G1")
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message
    assert "What should it be called?" in found.message


def test_g1_refuses_a_domain_that_is_no_plain_name(tmp_path: Path) -> None:
    assert result(context(tmp_path, domain="../etc"), "G1").status == "fail"


def test_g2_refuses_a_missing_or_unknown_kind(tmp_path: Path) -> None:
    assert result(context(tmp_path, node_kind=None), "G2").status == "fail"
    assert result(context(tmp_path, node_kind="GATEWAY"), "G2").status == "fail"


def test_g2_refuses_another_kind_than_the_request_names(tmp_path: Path) -> None:
    found = result(context(tmp_path, request={"node_kind": "COMPUTE"}), "G2")
    assert found.status == "fail"
    assert "COMPUTE" in found.message


@pytest.mark.parametrize("kind", list(NodeKind))
def test_g2_passes_each_of_the_four_kinds(tmp_path: Path, kind: NodeKind) -> None:
    assert result(context(tmp_path, node_kind=kind), "G2").status == "pass"


@pytest.mark.parametrize(
    "name",
    ["../../x", "/etc/x", "X\n", "X\0", "A" * 300, "Class", "Json", "Ｅval", "user_writer", "😀", "", "match"],
)
def test_g3_refuses_names_that_are_no_safe_class_names(tmp_path: Path, name: str) -> None:
    assert result(context(tmp_path, name=name), "G3").status == "fail"


def test_g4_names_a_symbol_that_does_not_import(tmp_path: Path) -> None:
    broken = (("omnibase_core.core.node_effect", "NodeEffect"), ("omnibase_core.nodes", "NodeNothing"))
    found = result(dataclasses.replace(context(tmp_path), required_imports=broken), "G4")
    assert found.status == "fail"
    assert "omnibase_core.core.node_effect" in found.message
    assert "NodeNothing" in found.message


def test_g4_refuses_an_empty_table(tmp_path: Path) -> None:
    assert result(dataclasses.replace(context(tmp_path), required_imports=()), "G4").status == "fail"


def test_g5_names_the_systems_without_templates(tmp_path: Path) -> None:
    found = result(context(tmp_path, external_systems=("mainframe",)), "G5")
    assert found.status == "fail"
    assert "mainframe" in found.message


def test_g6_really_writes_and_says_why_it_cannot(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    assert result(dataclasses.replace(ctx, output_dir=tmp_path / "absent"), "G6").status == "fail"
    assert result(ctx, "G6").status == "pass"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ("create effect node", "3 words"),
        ("please create a new node for me", "nothing to work on"),
        ("the users of PostgreSQL and their many addresses", "what to do"),
    ],
)
def test_g7_warns_of_a_prompt_that_says_too_little(tmp_path: Path, prompt: str, named: str) -> None:
    found = result(context(tmp_path, prompt=prompt, operations=()), "G7")
    assert (found.status, found.is_blocking) == ("warn", False)
    assert named in found.message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"operations": ()}, "operations"),
        ({"operations": ("  ",)}, "operations"),
        ({"external_systems": ()}, "external system"),
        ({"node_kind": NodeKind.COMPUTE}, "fields"),
        ({"node_kind": NodeKind.REDUCER}, "fields"),
        ({"node_kind": NodeKind.ORCHESTRATOR, "steps": ("fetch",)}, "steps"),
    ],
)
def test_g8_names_the_content_that_is_missing(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    found = result(context(tmp_path, **changes), "G8")
    assert (found.status, found.is_blocking) == ("warn", False)
    assert named in found.message


def test_g8_is_content_with_fields_or_examples_or_steps(tmp_path: Path) -> None:
    example = Example(input={"net": 1}, output={"gross": 1})
    compute = {"node_kind": NodeKind.COMPUTE, "external_systems": ()}
    assert result(context(tmp_path, fields=(FieldHint("net"),), **compute), "G8").status == "pass"
    assert result(context(tmp_path, request={"examples": (example,)}, **compute), "G8").status == "pass"
    flow = {"node_kind": NodeKind.ORCHESTRATOR, "steps": ("fetch", "price")}
    assert result(context(tmp_path, **flow), "G8").status == "pass"


def test_a_gate_that_raises_fails_and_names_the_defect(tmp_path: Path) -> None:
    def broken(directory: Path) -> str | None:
        raise ZeroDivisionError("probe is broken")

    found = result(dataclasses.replace(context(tmp_path), probe_writable=broken), "G6")
    assert found.status == "fail"
    assert "ZeroDivisionError: probe is broken" in found.message


def test_pre_generation_blocks_in_every_mode(tmp_path: Path) -> None:
    for mode in Mode:
        assert result(context(tmp_path, name="class", request={"mode": mode}), "G3").is_blocking
