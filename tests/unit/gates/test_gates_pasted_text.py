"""G10 by the marks of pasted text: code that never runs, methods nobody can call, work done at import."""

import pytest

from omniclaude_dagster.gates.registry import run_post_generation
from omniclaude_dagster.gates.report import GateResult
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.request.model import NodeKind
from tests.support.reference_nodes import node_context, reference_bundle

EFFECT = reference_bundle(NodeKind.EFFECT)


def judged(bundle: NodeBundle) -> GateResult:
    return {r.gate: r for r in run_post_generation(node_context(bundle))}["G10"]


def logic(code: str, *, path: str = "logic.py") -> GateResult:
    return judged(EFFECT.with_files({path: f'"""Logic."""\n\n{code}\n'.encode()}))


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("def f() -> int:\n    return 1\n    print('x')", "logic.py:5: stands after return and never runs"),
        ("def f() -> int:\n    raise ValueError\n    return 1", "stands after raise"),
        ("def f() -> None:\n    for _ in ():\n        continue\n        print('x')", "stands after continue"),
        ("def f() -> None:\n    while f():\n        break\n        print('x')", "stands after break"),
        ("def f() -> None:\n    try:\n        return\n        print('x')\n    finally:\n        pass", "after return"),
        ("async def f() -> None:\n    if f:\n        pass\n    else:\n        return\n        print()", "after return"),
        (
            "class A:\n    def f(self) -> None:\n        def g(self) -> None: ...\n        print(g)",
            "the method g stands inside f, where nothing can call it",
        ),
        ("print('loaded')", "does something when the module is imported"),
        ("if 1:\n    print('loaded')", "does something when the module is imported"),
        ("while input():\n    pass", "does something when the module is imported"),
        ("with open('x') as f:\n    X = f", "does something when the module is imported"),
        ("X = {}\ndel X", "does something when the module is imported"),
    ],
)
def test_what_was_pasted_is_named(code: str, named: str) -> None:
    found = logic(code)
    assert (found.status, found.is_blocking) == ("fail", True)
    assert named in found.message


@pytest.mark.parametrize(
    "code",
    [
        "async def f():\n    return\n    yield",
        "def f() -> int:\n    if f:\n        return 1\n    return 2",
        "def f() -> int:\n    try:\n        return 1\n    except ValueError:\n        raise\n    finally:\n        f()",
        "def wrapped(function):\n    def wrapper(self):\n        return function(self)\n    return wrapper",
        "class A:\n    class B:\n        def f(self) -> None: ...\n    def f(self) -> None: ...",
        "from .models import ModelNoteInput\n\nModelNoteInput.model_rebuild()",
        "X = 1\n'''About X.'''",
        "...",
    ],
)
def test_what_is_usual_is_not(code: str) -> None:
    assert logic(code).status == "pass"


def test_the_start_script_may_work_when_it_is_started() -> None:
    assert logic("import sys\n\nsys.path.insert(0, '.')", path="start_node.py").status == "pass"
    assert logic("import sys\n\nsys.path.insert(0, '.')").status == "fail"


def test_the_node_s_tests_are_not_judged_by_it() -> None:
    assert logic("print('x')", path="tests/test_node.py").status == "pass"
