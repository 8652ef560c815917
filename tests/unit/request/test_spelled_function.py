"""Functions that a prompt spells out, or shows by their calls, and what is no function at all."""

import pytest

from omniclaude_dagster.request.model import NodeKind, ParameterHint
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.request.understanding.asked_function import asked_function
from omniclaude_dagster.request.understanding.signature import spelled_function

BARE = '''from typing import List


def has_close_elements(numbers: List[float], threshold: float = 0.5) -> bool:
    """Check if two numbers are closer than the threshold.

    >>> has_close_elements([1.0, 2.0, 3.0], 0.5)
    False
    """
'''


def test_a_function_is_read_with_annotations_defaults_and_docstring() -> None:
    found = spelled_function(BARE)
    assert found is not None
    assert found.is_bare
    assert found.hint.function == "has_close_elements"
    assert found.hint.parameters == (
        ParameterHint("numbers", "List[float]"),
        ParameterHint("threshold", "float", "0.5"),
    )
    assert found.hint.returns == "bool"
    assert found.hint.docstring.startswith("Check if two numbers")


@pytest.mark.parametrize(
    ("prompt", "function", "parameters", "returns"),
    [
        ("def add(a: int, b: int) -> int: ...", "add", ["a", "b"], "int"),
        ("```python\ndef add(a, b):\n    pass\n```", "add", ["a", "b"], None),
        ("Create a COMPUTE node for `def mean(xs: list[float]) -> float`, please.", "mean", ["xs"], "float"),
        ("COMPUTE node: def pick(x: str | None) -> dict[str, int] which picks", "pick", ["x"], "dict[str, int]"),
        (
            "A node with\n\n    def f(\n        a: int,\n        b: str = ')',\n    ) -> bool:\n",
            "f",
            ["a", "b"],
            "bool",
        ),
        ("def g(x, *, y=1): raise NotImplementedError", "g", ["x", "y"], None),
    ],
)
def test_a_function_is_found_in_code_prose_and_fences(
    prompt: str, function: str, parameters: list[str], returns: str | None
) -> None:
    found = spelled_function(prompt)
    assert found is not None
    assert (found.hint.function, [p.name for p in found.hint.parameters], found.hint.returns) == (
        function,
        parameters,
        returns,
    )


def test_the_open_function_is_the_asked_one_and_the_others_are_its_helpers() -> None:
    found = spelled_function(
        'import math\n\ndef half(x: int):\n    return x // 2\n\ndef twice(x: int):\n    """Double."""\n'
    )
    assert found is not None
    assert found.hint.function == "twice"
    assert "def half" in found.hint.helpers
    assert "import math" in found.hint.helpers


def test_a_docstring_below_a_head_in_prose_is_read() -> None:
    found = spelled_function('Please build this node:\n\n  def f(a: int) -> int:\n    """Add one."""\n')
    assert found is not None
    assert not found.is_bare
    assert found.hint.docstring == "Add one."


@pytest.mark.parametrize(
    "prompt",
    [
        "EFFECT node that writes orders",
        "the default value of x (3)",
        "def broken(a:",
        "class A:\n    def f(self, x): ...",
        "def f(*args): ...",
        "def f(**options): ...",
        "Please write: async def fetch(url: str) -> str",
        "def __init__(self): ...",
        "def " + "f(" * 3000,
    ],
)
def test_what_is_no_plain_function_is_left_alone(prompt: str) -> None:
    assert spelled_function(prompt) is None


def test_a_bare_function_is_a_compute_request_without_questions() -> None:
    parsed = understand(BARE)
    assert parsed.node_kind is NodeKind.COMPUTE
    assert (parsed.name, parsed.class_name) == ("HasCloseElements", "NodeHasCloseElementsCompute")
    assert parsed.kind_confidence >= 0.95
    assert parsed.confidence >= 0.95
    assert parsed.questions == ()
    assert parsed.operations == ("has_close_elements",)
    assert parsed.description == "Check if two numbers are closer than the threshold."
    assert [e.output for e in parsed.examples] == [{"result": False}]


@pytest.mark.parametrize(("function", "name"), [("statistics", "StatisticsFunction"), ("_x", "X"), ("_1", "Function1")])
def test_a_function_whose_name_no_node_can_have_gets_another(function: str, name: str) -> None:
    assert understand(f"def {function}(a: int) -> int: ...").name == name


def test_a_hint_wins_over_the_function() -> None:
    assert understand(BARE, name="Closeness", domain="maths").name == "Closeness"
    effect = understand(BARE, node_kind=NodeKind.EFFECT)
    assert effect.node_kind is NodeKind.EFFECT
    assert effect.signature is None
    assert effect.examples == ()


def test_a_name_that_is_said_stays() -> None:
    parsed = understand("Create a COMPUTE node called Adder: def add(a: int, b: int) -> int")
    assert parsed.name == "Adder"
    assert parsed.signature is not None


def test_a_function_without_a_kind_makes_a_compute_node_named_like_it() -> None:
    parsed = understand("I need this one: def clamp_value(x: float, low: float) -> float\nthat limits x.")
    assert parsed.node_kind is NodeKind.COMPUTE
    assert parsed.name == "ClampValue"


def test_calls_name_the_parameters_by_the_fields_that_fit_in_number() -> None:
    asked = asked_function("a COMPUTE node that adds two numbers; add(2,3) returns 5")
    assert asked is not None
    assert [(p.name, p.annotation) for p in asked.signature.parameters] == [("a", "int"), ("b", "int")]
    parsed = understand("COMPUTE node that takes width and height; area(2, 3) returns 6")
    assert parsed.signature is not None
    assert [p.name for p in parsed.signature.parameters] == ["width", "height"]
    named = asked_function("COMPUTE node: scale(value=2, factor=3) == 6")
    assert named is not None
    assert named.examples[0].input == {"value": 2, "factor": 3}


def test_an_assert_names_function_and_parameters() -> None:
    parsed = understand('"""\nWrite a function to find shared elements.\nassert shared((3, 4),(5,)) == {4}\n"""\n')
    assert parsed.node_kind is NodeKind.COMPUTE
    assert parsed.name == "Shared"
    assert parsed.signature is not None
    assert [(p.name, p.annotation) for p in parsed.signature.parameters] == [
        ("arg_1", "tuple[int, ...]"),
        ("arg_2", "tuple[int, ...]"),
    ]
    assert parsed.signature.returns == "set[int]"
    assert parsed.signature.docstring == "Write a function to find shared elements."


@pytest.mark.parametrize(
    "prompt",
    [
        "EFFECT node that reads users(1) returns 200 from the API",
        "REDUCER node that sums scores; sum_scores([1, 2]) returns 3",
        "COMPUTE node called Tax for f(x) = x + 1",
    ],
)
def test_other_kinds_and_formulas_have_no_signature(prompt: str) -> None:
    parsed = understand(prompt)
    assert parsed.signature is None
    assert parsed.examples == ()
