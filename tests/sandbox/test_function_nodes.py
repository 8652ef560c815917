"""Nodes around plain functions: called field by field, typed, and held to a property by their own tests."""

from typing import Any

import pytest

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import Logic
from omniclaude_dagster.node.bundle import NodeBundle
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits
from tests.support.generated_nodes import blueprint_for

LIMITS = SandboxLimits(wall_s=60, cpu_s=60)


def bundle_of(prompt: str, body: str) -> NodeBundle:
    """The node of a prompt with a body as a model would write it."""
    blueprint = blueprint_for(prompt)
    return render_bundle(blueprint.with_logic(Logic("model", blueprint.logic.function, source=body)))


def answer(sandbox: BubblewrapSandbox, bundle: NodeBundle, task: str, **arguments: Any) -> Any:
    files = {f"{bundle.package_name}/{path}": content for path, content in bundle.files.items()}
    outcome = sandbox.run(SandboxJob(task, files, {"package": bundle.package_name, **arguments}, LIMITS))
    assert outcome.status == "ok", outcome.message
    return outcome.result


def results(sandbox: BubblewrapSandbox, bundle: NodeBundle, *samples: dict[str, Any]) -> list[Any]:
    executed = answer(sandbox, bundle, "execute_node", kind="COMPUTE", samples=list(samples))
    return [p["output"]["result"] if p["outcome"] == "returned" else p["error_type"] for p in executed["processed"]]


def type_errors(sandbox: BubblewrapSandbox, bundle: NodeBundle) -> Any:
    found = answer(sandbox, bundle, "typecheck")
    return found["errors"] if isinstance(found, dict) else found


CASES = {
    "whole numbers stay whole": (
        "def show(x: float) -> str: ...",
        "def show(x):\n    return repr(x)\n",
        {"x": 3},
        "3",
    ),
    "a tuple stays a tuple": (
        "def kind(x: tuple[int, ...], y: set[int], z: dict[int, str]) -> str: ...",
        "def kind(x, y, z):\n    return f'{x} {y} {z}'\n",
        {"x": [1, 2], "y": [3, 3], "z": {"4": "a"}},
        "(1, 2) {3} {4: 'a'}",
    ),
    "a name that no field can have": (
        "def take(dict: dict[str, int], N: int) -> int: ...",
        "def take(dict, N):\n    return dict['a'] * N\n",
        {"dict": {"a": 2}, "N": 4},
        8,
    ),
    "a default is kept": ("def f(a: int, b: int = 5) -> int: ...", "def f(a, b):\n    return a - b\n", {"a": 7}, 2),
    "a mutable default": (
        "def f(a: int, b: list[int] = [], c: int = 1) -> int: ...",
        "def f(a, b, c):\n    return a + len(b) + c\n",
        {"a": 7},
        8,
    ),
    "a set comes in order": (
        "def f(a: list[int]) -> set[int]: ...",
        "def f(a):\n    return set(a)\n",
        {"a": [9, 1, 9]},
        [1, 9],
    ),
    "a tuple where the request leaves the result open": (
        "def f(a: int): ...",
        "def f(a):\n    return (a, [a])\n",
        {"a": 1},
        [1, [1]],
    ),
    "only shown, and then another kind comes": (
        "COMPUTE node called Firsts; firsts([3, 1], 1) returns [3]",
        "from typing import List\n\ndef firsts(values: List, n):\n    return values[:n]\n",
        {"a": ["x", 1.5, None], "b": 2},
        ["x", 1.5],
    ),
    "the body's own names": (
        "a COMPUTE node called Power: f(2, 3) == 8",
        "def f(x, y):\n    return x**y\n",
        {"a": 2, "b": 4},
        16,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_function_gets_what_a_plain_call_would_give_it(case: str, sandbox: BubblewrapSandbox) -> None:
    prompt, body, sample, expected = CASES[case]
    bundle = bundle_of(prompt, body)
    found = results(sandbox, bundle, sample)
    assert found == [expected]
    assert repr(found) == repr([expected])
    in_node = [e for e in type_errors(sandbox, bundle) if not e["file"].endswith("logic.py")]
    assert not in_node


def test_a_value_of_another_type_is_refused_before_the_function_sees_it(sandbox: BubblewrapSandbox) -> None:
    bundle = bundle_of("def f(a: list[int]) -> int: ...", "def f(a):\n    return len(a)\n")
    assert results(sandbox, bundle, {"a": "text"}) == ["ValidationError"]


def failures(sandbox: BubblewrapSandbox, bundle: NodeBundle) -> str:
    return "\n".join(
        failure["test"] + failure["message"] for failure in answer(sandbox, bundle, "run_tests")["failures"]
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def f(a):\n    a.sort()\n    return a[0]\n", "left_alone"),
        ("import itertools\n\nCOUNTER = itertools.count()\n\ndef f(a):\n    return next(COUNTER)\n", "answered_alike"),
        ("def f(a):\n    return a[0] + 'x' if len(a) > 2 else a[0]\n", "TypeError"),
        ("def f(a):\n    return None if len(a) > 2 else a[0]\n", "ValidationError"),
    ],
)
def test_the_property_finds_what_the_examples_do_not(body: str, told: str, sandbox: BubblewrapSandbox) -> None:
    found = failures(sandbox, bundle_of('def f(a: list[int]) -> int:\n    """f([1, 2]) returns 1"""\n', body))
    assert "test_every_valid_input_is_answered_alike_and_left_alone" in found
    assert told in found


@pytest.mark.parametrize(
    "body",
    [
        "def f(a):\n    return min(a)\n",
        "def f(a):\n    if len(a) > 2:\n        raise ValueError('too many')\n    return min(a)\n",
        "def f(a):\n    return a[9] if len(a) > 3 else min(a)\n",
    ],
)
def test_a_right_function_may_refuse_a_value(body: str, sandbox: BubblewrapSandbox) -> None:
    assert failures(sandbox, bundle_of('def f(a: list[int]) -> int:\n    """f([1, 2]) returns 1"""\n', body)) == ""
