"""The registry: every gate can pass and can fail, what blocks, what is skipped, what a folder's verdict says."""

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.gates import registry
from omniclaude_dagster.gates.registry import (
    GATES,
    Gate,
    context_of,
    gate,
    judge_folder,
    judge_node,
    report_of,
    run_compilation,
    run_post_generation,
    run_pre_generation,
)
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.gates.verdict import Verdict
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import GenerationRequest, Mode, NodeKind, ParsedRequest
from tests.support.reference_nodes import (
    NoSandbox,
    ScriptedSandbox,
    edited,
    executed,
    golden_folders,
    node_context,
    reference_bundle,
)

COMPUTE = reference_bundle(NodeKind.COMPUTE)
PARSED = ParsedRequest(
    NodeKind.EFFECT, "Note", "NodeNoteEffect", "notes", "Writes notes.", ("insert",), ("postgresql",)
)
# For each gate, something that it must refuse: changes of the request, or a bundle, or the sandbox's answers.
REFUSED_REQUESTS: dict[str, dict[str, Any]] = {
    "G1": {"parsed": dataclasses.replace(PARSED, description="")},
    "G2": {"parsed": dataclasses.replace(PARSED, node_kind=None)},
    "G3": {"parsed": dataclasses.replace(PARSED, name="../x")},
    "G4": {"required_imports": (("omnibase_core.core", "X"),)},
    "G5": {"has_templates": lambda kind, systems: False},
    "G6": {"probe_writable": lambda path: "read-only"},
    "G7": {"request": GenerationRequest(prompt="create effect")},
    "G8": {"parsed": dataclasses.replace(PARSED, operations=())},
}
REFUSED_BUNDLES: dict[str, NodeBundle] = {
    "G9": COMPUTE.with_files({"logic.py": b"x = (\n"}),
    "G10": edited(COMPUTE, "node.py", "class NodeTaxCompute", "class TaxCompute"),
    "G11": edited(COMPUTE, "node.py", "omnibase_core.enums.enum_core_error_code", "omnibase_core.errors.error_codes"),
    "G12": edited(COMPUTE, "contract.yaml", "description:", "bogus: 1\ndescription:"),
    "G-SEC": COMPUTE.with_files({"logic.py": b"eval('1')\n"}),
}
REFUSED_ANSWERS: dict[str, dict[str, Any]] = {
    "G11": {"resolve_imports": [{"module": "math", "symbol": "x", "reason": "no"}]},
    "G12": {"inspect_models": {"models": [], "errors": [{"error": "boom"}]}},
    "G-SEC": {"lint": [{"file": "node_tax_compute/node.py", "code": "S608", "message": "SQL"}]},
    "G13": {"typecheck": [{"file": "node_tax_compute/node.py", "line": 1, "message": "wrong"}]},
    "G14": {"execute_node": executed(instantiate={"ok": False, "error": "boom"})},
    "G-EXEC": {"run_tests": {"passed": 0, "failed": 1, "errors": 0}},
}


def pre_context(tmp_path: Path, **changes: Any) -> registry.PreGenerationContext:
    ctx = registry.PreGenerationContext(
        parsed=PARSED,
        request=GenerationRequest(prompt="Create a node that writes notes"),
        output_dir=tmp_path,
        has_templates=lambda kind, systems: True,
        required_imports=(("omnibase_core.nodes", "NodeEffect"),),
        probe_writable=lambda path: None,
    )
    return dataclasses.replace(ctx, **changes)


def run_gate(gate_id: str, tmp_path: Path, changes: dict[str, Any], bundle: NodeBundle, answers: Any) -> GateResult:
    ctx = node_context(bundle, ScriptedSandbox(answers))
    with_tests = node_context(
        bundle.with_files({"tests/test_node.py": b"def test_x() -> None: ...\n"}), ScriptedSandbox(answers)
    )
    results = [*run_pre_generation(pre_context(tmp_path, **changes)), *run_post_generation(ctx)]
    results += run_compilation(with_tests)
    return {r.gate: r for r in results}[gate_id]


@pytest.mark.parametrize("checked", GATES, ids=lambda g: g.id)
def test_every_gate_can_pass_and_can_refuse(checked: Gate, tmp_path: Path) -> None:
    """A gate that cannot fail is a defect. A new gate must bring what it refuses, or this test fails."""
    refusals = [d[checked.id] for d in (REFUSED_REQUESTS, REFUSED_BUNDLES, REFUSED_ANSWERS) if checked.id in d]
    assert refusals, f"{checked.id} has nothing that it refuses"
    expected = "warn" if checked.phase == "prompt" else "fail"
    assert run_gate(checked.id, tmp_path, {}, COMPUTE, {}).status == "pass"
    for refusal in refusals:
        is_bundle = isinstance(refusal, NodeBundle)
        is_request = refusal is REFUSED_REQUESTS.get(checked.id)
        changes = refusal if is_request else {}
        answers = {} if is_request or is_bundle else refusal
        found = run_gate(checked.id, tmp_path, changes, refusal if is_bundle else COMPUTE, answers)
        assert found.status == expected
        assert found.is_blocking is checked.is_blocking


@pytest.mark.parametrize("checked", [g for g in GATES if g.reads and g.executes], ids=lambda g: g.id)
def test_gates_that_read_and_execute_can_refuse_in_both_ways(checked: Gate) -> None:
    assert checked.id in REFUSED_BUNDLES
    assert checked.id in REFUSED_ANSWERS


def test_the_table_holds_the_gates_as_they_were_decided() -> None:
    blocking = {g.id for g in GATES if g.is_blocking}
    assert blocking == {"G1", "G2", "G3", "G4", "G5", "G6", "G9", "G10", "G11", "G12", "G-SEC"}
    assert {g.id for g in GATES if g.is_blocking_when_strict} == {"G13", "G14", "G-EXEC"}
    assert len({g.id for g in GATES}) == len(GATES) == 16
    assert all(g.judges or g.reads or g.executes for g in GATES)
    assert all((g.judges is not None) == (g.phase in {"pre_generation", "prompt"}) for g in GATES)
    assert gate("G14").phase == "compilation"
    with pytest.raises(KeyError):
        gate("G99")


@pytest.mark.parametrize(("mode", "is_blocking"), [(Mode.FAST, False), (Mode.BALANCED, False), (Mode.STRICT, True)])
def test_compilation_blocks_in_strict_mode_only(mode: Mode, *, is_blocking: bool) -> None:
    ctx = node_context(COMPUTE, ScriptedSandbox(REFUSED_ANSWERS["G14"]), mode=mode)
    results = run_compilation(ctx)
    assert {r.gate: r.is_blocking for r in results} == dict.fromkeys(("G13", "G14", "G-EXEC"), is_blocking)
    assert report_of(ctx, results).is_passed is not is_blocking


def test_the_report_is_tied_to_the_judged_bytes() -> None:
    ctx = node_context(COMPUTE, ScriptedSandbox())
    report = report_of(ctx, run_post_generation(ctx))
    assert report.bundle_sha256 == COMPUTE.sha256
    assert report.is_passed


def test_without_a_sandbox_nothing_is_executed_and_nothing_passes_that_needs_it() -> None:
    verdict = judge_node(node_context(COMPUTE, NoSandbox()))
    assert {g.gate: g.status for g in verdict.gates} == {
        "G9": "pass",
        "G10": "pass",
        **dict.fromkeys(("G11", "G12", "G-SEC", "G13", "G14", "G-EXEC"), "skipped"),
    }
    assert all("Cure: run on Linux" in g.message for g in verdict.gates if g.status == "skipped")
    assert not verdict.is_passed
    assert verdict.quality_score == 0.0


def test_nothing_is_executed_of_a_node_that_fails_by_its_text() -> None:
    for bundle in REFUSED_BUNDLES.values():
        sandbox = ScriptedSandbox()
        verdict = judge_node(node_context(bundle, sandbox))
        assert sandbox.jobs == []
        assert not verdict.is_passed
        assert {g.status for g in verdict.gates if g.phase == "compilation"} == {"skipped"}


def test_a_defective_gate_fails_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(ctx: object) -> Verdict:
        raise RecursionError("too deep")

    broken = tuple(dataclasses.replace(g, reads=defective) if g.id == "G10" else g for g in GATES)
    monkeypatch.setattr(registry, "GATES", broken)
    found = {r.gate: r for r in run_post_generation(node_context(COMPUTE, ScriptedSandbox()))}["G10"]
    assert found.status == "fail"
    assert "defective: RecursionError: too deep" in found.message


def test_a_sandbox_that_breaks_fails_the_node() -> None:
    class Broken(ScriptedSandbox):
        def run(self, job: Any) -> Any:
            raise OSError("worker is gone")

    results = run_post_generation(node_context(COMPUTE, Broken()))
    assert {r.gate: r.status for r in results if r.gate in {"G11", "G12", "G-SEC"}} == dict.fromkeys(
        ("G11", "G12", "G-SEC"), "fail"
    )


def test_the_sandbox_s_jobs_run_side_by_side() -> None:
    """Three jobs that each wait for the other two can only end when they run at the same time."""
    together = threading.Barrier(3, timeout=20)

    class Waiting(ScriptedSandbox):
        def run(self, job: Any) -> Any:
            together.wait()
            return super().run(job)

    results = run_post_generation(node_context(COMPUTE, Waiting()))
    assert {r.status for r in results} == {"pass"}


def test_a_folder_is_judged_from_disk(tmp_path: Path) -> None:
    for path, content in COMPUTE.files.items():
        target = tmp_path / COMPUTE.package_name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    verdict = judge_folder(tmp_path / COMPUTE.package_name, ScriptedSandbox())
    assert verdict.is_passed
    shown = verdict.as_json()
    assert set(shown) == {"gates", "quality_score", "quality", "is_passed"}
    assert set(shown["gates"][0]) == {"gate", "phase", "is_blocking", "status", "message", "duration_ms"}
    with pytest.raises(RequestError):
        judge_folder(tmp_path / "absent", ScriptedSandbox())


def test_a_folder_s_manifest_names_the_input_that_is_tried() -> None:
    """An input made from the model's types alone is not always one that makes sense, as with a table's columns."""
    bundle = COMPUTE.with_files({"node.manifest.yaml": b"node: {sample_input: {net: 2.0, rate: 0.5}}\n"})
    assert context_of(bundle, NoSandbox()).samples == ({"net": 2.0, "rate": 0.5},)


@pytest.mark.parametrize(
    "manifest", [b"", b"[1]", b"node: 3", b"node: {sample_input: 3}", b"node: {sample_input: {x: 2020-01-01}}", b"a: ["]
)
def test_a_manifest_without_a_usable_input_leaves_it_to_the_model(manifest: bytes) -> None:
    bundle = COMPUTE.with_files({"node.manifest.yaml": manifest})
    assert context_of(bundle, NoSandbox()).samples == ()


@pytest.mark.skipif(not golden_folders(), reason="../shared/golden is not here")
@pytest.mark.parametrize("folder", golden_folders(), ids=lambda p: p.name)
def test_golden_nodes_pass_by_their_text_in_time(folder: Path) -> None:
    """The bound is the bar for a loaded machine; some 5 ms are usual once the framework is imported."""
    judge_folder(folder, NoSandbox())
    started = time.perf_counter()
    verdict = judge_folder(folder, NoSandbox())
    assert (time.perf_counter() - started) * 1000 < 300
    assert {g.gate: g.status for g in verdict.gates if g.status != "skipped"} == {"G9": "pass", "G10": "pass"}
    assert all("no namespaces" in g.message for g in verdict.gates if g.status == "skipped")
