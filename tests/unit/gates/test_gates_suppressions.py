"""Comments that tell a judge to look away: G13 and G-SEC refuse them, and let named exceptions stand."""

import pytest

from omniclaude_dagster.gates.registry import run_compilation, run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import ScriptedSandbox, node_context, reference_bundle


def judged(gate: str, code: str, *, path: str = "logic.py") -> GateResult:
    bundle = reference_bundle(NodeKind.COMPUTE).with_files({path: f'"""Logic."""\n{code}\n'.encode()})
    ctx = node_context(bundle, ScriptedSandbox())
    return {r.gate: r for r in (*run_post_generation(ctx), *run_compilation(ctx))}[gate]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("# mypy: ignore-errors", "logic.py:2: sets the type checker's options by a comment"),
        ("X = 1  # mypy: disable-error-code=assignment", "sets the type checker's options"),
        ("# pyright: basic", "sets the type checker's options"),
        ("X: int = 'a'  # type: ignore", "ignores every type error of a line"),
        ("X: int = 'a'  # noqa: S1 # type:ignore", "ignores every type error"),
    ],
)
def test_g13_refuses_to_be_turned_off(code: str, named: str) -> None:
    found = judged("G13", code)
    assert found.status == "fail"
    assert named in found.message


def test_g13_is_not_turned_off_by_a_test_either() -> None:
    assert judged("G13", "# mypy: ignore-errors", path="tests/test_node.py").status == "fail"


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("X: int = 'a'  # type: ignore[assignment]", "logic.py"),
        ("X = 'mypy: # type: ignore'", "logic.py"),
        ("X: int = 'a'  # type: ignore", "tests/test_node.py"),
        ("# mypy is a type checker", "logic.py"),
    ],
)
def test_g13_lets_named_exceptions_stand(code: str, path: str) -> None:
    assert judged("G13", code, path=path).status == "pass"


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("# ruff: noqa", "turns the linter off by a comment"),
        ("# flake8: noqa", "turns the linter off by a comment"),
        ("X = 1  # noqa", "silences every rule of the linter"),
        ("X = 1  # NOQA", "silences every rule of the linter"),
        ("X = 1  # noqa: S608", "silences the security rule S608"),
        ("X = 1  # noqa: E501, S324", "silences the security rule S324"),
        ("X = 1  # noqa:s608", "silences the security rule S608"),
    ],
)
def test_g_sec_refuses_to_be_silenced(code: str, named: str) -> None:
    found = judged("G-SEC", code)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


@pytest.mark.parametrize("code", ["X = 1  # noqa: BLE001  (why)", "X = 1  # noqa: S101", "X = '# noqa'", "# no qa"])
def test_g_sec_lets_matters_of_style_be_silenced(code: str) -> None:
    assert judged("G-SEC", code).status == "pass"


def test_g_sec_does_not_judge_the_node_s_tests() -> None:
    assert judged("G-SEC", "X = 1  # noqa", path="tests/test_node.py").status == "pass"
