"""G11 to G14, G-SEC and G-EXEC on what the sandbox answers, by a sandbox that answers as told."""

from collections.abc import Callable
from typing import Any

import pytest

from omniclaude_dagster.gates.registry import judge_node, run_compilation, run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import Example, NodeKind
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxOutcome
from tests.support.reference_nodes import (
    ScriptedSandbox,
    executed,
    node_context,
    raised,
    reference_bundle,
    returned,
)

COMPUTE = reference_bundle(NodeKind.COMPUTE)
WITH_TESTS = COMPUTE.with_files({"tests/test_node.py": b"def test_x() -> None:\n    assert 1\n"})
EXAMPLE = Example(input={"net": 100.0, "rate": 0.2}, output={"gross": 120.0})
RAISES = Example(input={"net": -1.0, "rate": 0.2}, raises="VALIDATION_ERROR")


def judged(
    gate: str, answers: dict[str, Any] | None = None, *, bundle: NodeBundle = COMPUTE, **changes: Any
) -> GateResult:
    ctx = node_context(bundle, ScriptedSandbox(answers), **changes)
    results = (*run_post_generation(ctx), *run_compilation(ctx))
    return {r.gate: r for r in results}[gate]


def processing(*answers: Callable[[Any], dict[str, Any]]) -> Callable[[SandboxJob], dict[str, Any]]:
    """`execute_node` that treats the samples, in turn, as the given functions say; the last one for the rest."""

    def answer(job: SandboxJob) -> dict[str, Any]:
        samples = job.arguments["samples"]
        entries = [answers[min(n, len(answers) - 1)](sample) for n, sample in enumerate(samples)]
        return executed(processed=entries)(job)

    return answer


def test_a_perfect_node_passes_all() -> None:
    verdict = judge_node(node_context(WITH_TESTS, ScriptedSandbox(), examples=(EXAMPLE,)))
    assert [(g.gate, g.status) for g in verdict.gates] == [
        (g, "pass") for g in ("G9", "G10", "G11", "G12", "G-SEC", "G13", "G14", "G-EXEC")
    ]
    assert verdict.is_passed
    assert verdict.quality_score == 1.0


@pytest.mark.parametrize(
    ("gate", "task"),
    [
        ("G11", "resolve_imports"),
        ("G12", "inspect_models"),
        ("G-SEC", "lint"),
        ("G13", "typecheck"),
        ("G14", "execute_node"),
        ("G-EXEC", "execute_node"),
        ("G-EXEC", "run_tests"),
    ],
)
@pytest.mark.parametrize("status", ["error", "timeout", "memory_limit", "output_limit", "crashed", "forged"])
def test_every_way_in_which_execution_can_go_wrong_fails_and_is_named(gate: str, task: str, status: Any) -> None:
    outcome = SandboxOutcome(status, message="what happened")
    found = judged(gate, {task: outcome}, bundle=WITH_TESTS)
    assert found.status == "fail"
    assert status in found.message
    assert "what happened" in found.message


@pytest.mark.parametrize("answer", [None, "passed", {"import": {"ok": True}}, {"import": {"ok": "maybe"}}, 7])
def test_an_answer_without_its_shape_is_a_failure(answer: Any) -> None:
    assert judged("G14", {"execute_node": answer}).status == "fail"
    assert judged("G13", {"typecheck": answer}).status == "fail"
    assert judged("G11", {"resolve_imports": answer}).status == "fail"


def test_a_sandbox_that_becomes_unavailable_skips_with_the_cure() -> None:
    gone = SandboxOutcome("unavailable", message="no namespaces. Cure: run on Linux")
    found = judged("G14", {"execute_node": gone})
    assert found.status == "skipped"
    assert "Cure: run on Linux" in found.message


def test_g11_asks_for_every_outside_import_and_names_what_fails() -> None:
    sandbox = ScriptedSandbox(
        {
            "resolve_imports": [
                {"module": "math", "symbol": "tau2", "file": "node.py", "line": 9, "reason": "math has no tau2"}
            ]
        }
    )
    found = {r.gate: r for r in run_post_generation(node_context(COMPUTE, sandbox))}["G11"]
    assert found.status == "fail"
    assert "node.py:9: math.tau2 does not import: math has no tau2" in found.message
    (job,) = [j for j in sandbox.jobs if j.task == "resolve_imports"]
    wanted = [entry[:3] for entry in job.arguments["imports"]]
    assert ["omnibase_core.nodes.node_compute", "NodeCompute", "node.py"] in wanted
    assert ["pydantic", "BaseModel", "models/model_tax_input.py"] in wanted
    assert not any(module.startswith(".") or module == "models" for module, *_ in wanted)
    assert set(job.files) == {f"node_tax_compute/{path}" for path in COMPUTE.files}


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (
            {"models": [], "errors": [{"file": "node_tax_compute/models/m.py", "line": 3, "error": "boom"}]},
            "models/m.py:3: boom",
        ),
        ({"models": [], "errors": []}, "no model was found"),
        ({"models": [{"name": "ModelX", "is_json_schema_ok": False, "json_schema_error": "no"}]}, "no JSON schema"),
        (
            {"models": [{"name": "ModelX", "is_json_schema_ok": True, "fields": [{"name": "a", "is_any": True}]}]},
            "ModelX.a is typed Any",
        ),
        (
            {
                "models": [
                    {"name": "ModelX", "is_json_schema_ok": True, "fields": [{"name": "a", "is_mutable_default": True}]}
                ]
            },
            "ModelX.a has a mutable default",
        ),
    ],
)
def test_g12_reports_what_building_the_models_shows(answer: Any, named: str) -> None:
    found = judged("G12", {"inspect_models": answer})
    assert found.status == "fail"
    assert named in found.message


def test_g13_fails_on_a_type_error_with_its_place() -> None:
    error = {"file": "node_tax_compute/node.py", "line": 20, "message": "Incompatible return", "code": "return-value"}
    found = judged("G13", {"typecheck": [error]})
    assert found.status == "fail"
    assert "node.py:20: Incompatible return [return-value]" in found.message


def test_g13_only_warns_of_lint_and_of_the_framework_s_hints() -> None:
    issue = {"file": "node_tax_compute/node.py", "line": 2, "code": "F401", "message": "unused"}
    assert "F401" in judged("G13", {"lint": [issue]}).message
    assert judged("G13", {"lint": [issue]}).status == "warn"
    hints = {"is_clean": False, "validations": {"patterns": {"is_valid": False, "messages": ["id should be a UUID"]}}}
    found = judged("G13", {"onex_validate": hints})
    assert (found.status, "id should be a UUID" in found.message) == ("warn", True)
    assert judged("G13", {"onex_validate": SandboxOutcome("timeout", message="slow")}).status == "warn"


@pytest.mark.parametrize("code", ["B006", "RUF012", "RUF006", "B023", "F821"])
def test_g13_fails_on_lint_that_is_a_defect(code: str) -> None:
    issue = {"file": "node_tax_compute/node.py", "line": 2, "code": code, "message": "shared"}
    found = judged("G13", {"lint": [issue]})
    assert found.status == "fail"
    assert f"node.py:2: shared [{code}]" in found.message
    in_tests = judged("G13", {"lint": [{**issue, "file": "node_tax_compute/tests/test_node.py"}]})
    assert in_tests.status == "warn"


def test_g13_lets_the_start_script_print_but_nothing_else() -> None:
    printing = {"file": "node_tax_compute/start_node.py", "line": 2, "code": "T201", "message": "print"}
    assert judged("G13", {"lint": [printing]}).status == "pass"
    assert judged("G13", {"lint": [{**printing, "file": "node_tax_compute/node.py"}]}).status == "warn"


@pytest.mark.parametrize(
    "step", ["import", "instantiate", "initialize", "introspection", "contract", "sample", "cleanup"]
)
def test_g14_fails_at_each_step_of_a_node_s_life(step: str) -> None:
    found = judged("G14", {"execute_node": executed(**{step: {"ok": False, "error": "boom"}})})
    assert found.status == "fail"
    assert f"{step}: boom" in found.message


def test_g14_fails_when_a_sample_raises_or_is_not_processed() -> None:
    def fails(sample: Any) -> dict[str, Any]:
        return raised(sample, "ModelOnexError", "ONEX_CORE_087_OPERATION_FAILED", "not filled in")

    found = judged("G14", {"execute_node": processing(fails)})
    assert found.status == "fail"
    assert "ModelOnexError (ONEX_CORE_087_OPERATION_FAILED): not filled in" in found.message
    assert judged("G14", {"execute_node": executed(processed=[])}).status == "fail"


def test_g14_lets_an_example_raise_that_says_so() -> None:
    answer = processing(lambda s: raised(s, "ModelOnexError", "ONEX_CORE_006_VALIDATION_ERROR"))
    assert judged("G14", {"execute_node": answer}, examples=(RAISES,)).status == "pass"
    assert judged("G-EXEC", {"execute_node": answer}, examples=(RAISES,)).status == "pass"


@pytest.mark.parametrize(
    ("output", "named"),
    [
        ({"gros": 1.0}, "lacks the output model's field 'gross'"),
        ({"gross": 1.0, "net": 2.0}, "'net', which the output model does not know"),
        ("a text", "is str"),
        (None, "is NoneType"),
    ],
)
def test_g14_holds_results_to_the_output_model(output: Any, named: str) -> None:
    found = judged("G14", {"execute_node": processing(lambda s: returned(s, output))})
    assert found.status == "fail"
    assert named in found.message


def test_g14_fails_when_the_output_model_refuses_the_result() -> None:
    refused = processing(lambda s: {**returned(s, {"gross": "much"}), "output_error": "gross: not a number"})
    found = judged("G14", {"execute_node": refused})
    assert found.status == "fail"
    assert "the output model refuses the result: gross: not a number" in found.message


def test_g14_notices_a_changed_input() -> None:
    changed = processing(lambda s: returned({**s, "net": 0.0}, {"gross": 120.0}))
    found = judged("G14", {"execute_node": changed}, samples=({"net": 1.0, "rate": 0.1},))
    assert found.status == "fail"
    assert "was changed" in found.message


def test_a_compute_node_must_answer_the_same_twice() -> None:
    outputs = iter(range(100))
    fickle = processing(lambda s: returned(s, {"gross": float(next(outputs))}))
    assert "two different answers" in judged("G14", {"execute_node": fickle}).message
    found = judged("G-EXEC", {"execute_node": fickle}, examples=(EXAMPLE,))
    assert "two different answers" in found.message


def test_inputs_are_sent_twice_only_to_compute_nodes() -> None:
    for kind, count in ((NodeKind.COMPUTE, 4), (NodeKind.REDUCER, 2)):
        sandbox = ScriptedSandbox()
        ctx = node_context(reference_bundle(kind), sandbox, examples=(EXAMPLE,), samples=({"net": 1.0},))
        run_compilation(ctx)
        (job,) = [j for j in sandbox.jobs if j.task == "execute_node"]
        assert len(job.arguments["samples"]) == count
        assert job.arguments["kind"] == kind.value
        assert "output" not in str(job.arguments["samples"])


@pytest.mark.parametrize(
    ("example", "answer", "status"),
    [
        (EXAMPLE, lambda s: returned(s, {"gross": 120.0}), "pass"),
        (EXAMPLE, lambda s: returned(s, {"gross": 120.0 + 1e-10}), "pass"),
        (EXAMPLE, lambda s: returned(s, {"gross": 121.0}), "fail"),
        (EXAMPLE, lambda s: returned(s, {}), "fail"),
        (EXAMPLE, lambda s: raised(s, "ValueError"), "fail"),
        (RAISES, lambda s: returned(s, {"gross": 1.0}), "fail"),
        (RAISES, lambda s: raised(s, "ValueError"), "fail"),
        (RAISES, lambda s: raised(s, "ModelOnexError", "VALIDATION_ERROR"), "pass"),
        (RAISES, lambda s: raised(s, "ModelOnexError", "EnumCoreErrorCode.VALIDATION_ERROR"), "pass"),
        (RAISES, lambda s: raised(s, "ModelOnexError", "ONEX_CORE_001_INVALID_PARAMETER"), "fail"),
        (
            Example(input={}, raises="ONEX_CORE_006_VALIDATION_ERROR"),
            lambda s: raised(s, "E", "ONEX_CORE_006_VALIDATION_ERROR"),
            "pass",
        ),
        (Example(input={}, raises="ModelOnexError"), lambda s: raised(s, "ModelOnexError", "X"), "pass"),
        (Example(input={}, raises="ModelOnexError"), lambda s: raised(s, "a.b.ModelOnexError", "X"), "pass"),
        (Example(input={}, raises="Error"), lambda s: raised(s, "ModelOnexError", "X"), "fail"),
    ],
)
def test_g_exec_compares_examples(example: Example, answer: Any, status: str) -> None:
    found = judged("G-EXEC", {"execute_node": processing(answer)}, examples=(example,))
    assert found.status == status
    if status == "fail":
        assert "example 1" in found.message


def test_g_exec_fails_when_an_example_was_not_processed() -> None:
    found = judged("G-EXEC", {"execute_node": executed(processed=[])}, examples=(EXAMPLE,))
    assert "example 1: was not processed" in found.message


@pytest.mark.parametrize(
    ("answer", "status", "named"),
    [
        ({"passed": 2, "failed": 0, "errors": 0, "skipped": 1}, "pass", "2 tests"),
        (
            {"passed": 2, "failed": 1, "errors": 0, "failures": [{"test": "test_a", "message": "wrong"}]},
            "fail",
            "test_a",
        ),
        ({"passed": 2, "failed": 0, "errors": 1}, "fail", "1 could not run"),
        ({"passed": 0, "failed": 0, "errors": 0}, "fail", "no tests"),
        ({"passed": -1, "failed": 0, "errors": 0}, "fail", "shape"),
    ],
)
def test_g_exec_runs_the_node_s_own_tests(answer: Any, status: str, named: str) -> None:
    found = judged("G-EXEC", {"run_tests": answer}, bundle=WITH_TESTS)
    assert found.status == status
    assert named in found.message


@pytest.mark.parametrize(
    ("files", "given", "used"),
    [
        ({}, None, None),
        ({"tests/support.py": b""}, None, "node_tax_compute.tests.support"),
        ({"tests/support.py": b""}, "other.support", "other.support"),
    ],
)
def test_a_node_s_own_stand_ins_are_used_unless_others_are_named(
    files: dict[str, bytes], given: str | None, used: str | None
) -> None:
    sandbox = ScriptedSandbox()
    ctx = node_context(COMPUTE.with_files(files), sandbox, support_module=given, execution_limit_s=3.5)
    run_compilation(ctx)
    (job,) = [j for j in sandbox.jobs if j.task == "execute_node"]
    assert job.arguments["support_module"] == used
    assert (job.limits.wall_s, job.limits.cpu_s) == (3.5, 4)


def test_a_node_without_tests_is_not_asked_for_them() -> None:
    sandbox = ScriptedSandbox()
    run_compilation(node_context(COMPUTE, sandbox))
    assert "run_tests" not in sandbox.tasks


def test_each_question_is_asked_once() -> None:
    sandbox = ScriptedSandbox()
    judge_node(node_context(WITH_TESTS, sandbox, examples=(EXAMPLE,)))
    assert sorted(sandbox.tasks) == sorted(set(sandbox.tasks))
    assert len(sandbox.tasks) == 8
