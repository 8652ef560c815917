"""Reading a function out of a model's answer: what is found, dropped and refused (fault rows 25-27 and 32)."""

import ast

import pytest

from omniclaude_dagster.stages.logic_code import MAX_ANSWER_CHARS, function_from_answer
from tests.support.generated_nodes import blueprint_for

BLUEPRINT = blueprint_for(
    "COMPUTE node called Doubler that doubles a number", examples=[{"input": {"n": 2}, "output": {"doubled": 4}}]
)
NAME = BLUEPRINT.logic.function
BODY = f"def {NAME}(data):\n    return ModelDoublerOutput(doubled=data.n * 2)\n"
HEAD = f"def {NAME}(data: ModelDoublerInput) -> ModelDoublerOutput:"


def source_of(answer: str) -> str:
    found = function_from_answer(answer, BLUEPRINT)
    assert found.source is not None, found.problem
    ast.parse(found.source)
    return found.source


def problem_of(answer: str) -> str:
    found = function_from_answer(answer, BLUEPRINT)
    assert found.source is None
    assert found.problem
    return found.problem


@pytest.mark.parametrize(
    "answer",
    [
        BODY,
        f"```python\n{BODY}```",
        f"```py\n{BODY}\n```",
        f"```\n{BODY}```",
        f"Certainly! Here it is:\n\n```python\n{BODY}```\nHope this helps.",
        f"```python\n{BODY}",
        f"Here is the function:\n\n{BODY}",
        f"{BODY}\nThis doubles the number.",
        f"Sure.\n{BODY}\nExplanation: it doubles.",
        f"```python\nprint('a usage')\n```\n```python\n{BODY}```",
        f"from .models import ModelDoublerInput\nfrom __future__ import annotations\n{BODY}",
        f"{BODY}\nprint({NAME}(3))\nif __name__ == '__main__':\n    main()\n",
        f"\r\n{BODY}".replace("\n", "\r\n"),
        BODY.replace(NAME, "some_other_name"),
    ],
)
def test_the_function_is_found_whatever_stands_around_it(answer: str) -> None:
    source = source_of(answer)
    assert HEAD in source
    assert "data.n * 2" in source
    assert "print" not in source
    assert "__main__" not in source


def test_the_signature_is_ours_and_decorators_are_dropped() -> None:
    source = source_of(
        f"@lru_cache\ndef {NAME}(data: str = '', *args, **kwargs) -> int:\n    return ModelDoublerOutput(doubled=1)\n"
    )
    assert HEAD in source
    assert "lru_cache" not in source


def test_helpers_constants_and_allowed_imports_come_along() -> None:
    needing = BODY.replace("data.n * 2", "helper(data.n)")
    source = source_of(f"import math\nFACTOR = 2\n\ndef helper(x):\n    return math.floor(x) * FACTOR\n\n{needing}")
    assert [type(n).__name__ for n in ast.parse(source).body] == [
        "ImportFrom",
        "Import",
        "Assign",
        "FunctionDef",
        "FunctionDef",
    ]
    assert source.index("def helper") < source.index(f"def {NAME}")


def test_what_the_function_does_not_need_is_dropped_however_harmful() -> None:
    source = source_of(
        f"print('hello')\nRESULT = exec('x')\n\ndef main():\n    {NAME}(3)\n\n@evil\ndef unused(x):\n    return x\n\n"
        f"class Extra:\n    pass\n\n{BODY}\nfor i in range(10**9):\n    {NAME}(i)\nmain()\n"
    )
    assert [type(n).__name__ for n in ast.parse(source).body] == ["FunctionDef"]


def test_a_node_function_of_another_name_that_calls_itself_is_renamed_throughout() -> None:
    source = source_of("def compute(data):\n    return compute(data) if data.n > 9 else data.n * 2\n")
    assert "compute(" not in source
    assert source.count(f"{NAME}(") == 2


@pytest.mark.parametrize(
    ("prelude", "expression", "problem"),
    [
        ("X = open('/etc/passwd').read()", "len(X)", "runs open('/etc/passwd')"),
        ("X = exec('import os')", "X", "runs exec"),
        ("X = [y := eval('1')]", "X", "when it is imported"),
        ("A = helper()\ndef helper(): return 1", "A", "runs helper()"),
        ("K = random.random()", "K", "runs random.random()"),
        ("def h(x=open('/etc/passwd').read()): return x", "h()", "when it is defined"),
        ("def h(x=lambda y=exec('1'): y): return x", "h()", "when it is defined"),
        ("@app.route('/')\ndef h(x): return x", "h(1)", "decorated with app.route"),
        ("class Stack:\n    pass", "Stack()", "its own class Stack"),
        ("async def h(x): return x", "h(1)", "its own async function h"),
        ("from math import *", "floor(1.0)", "with a star"),
        ("def h(x):\n    import os\n    return os.environ", "h(1)", "imports os"),
        ("def h(x):\n    from subprocess import run\n    return run", "h(1)", "imports subprocess"),
    ],
)
def test_what_it_needs_and_must_not_have_is_refused_with_the_reason(
    prelude: str, expression: str, problem: str
) -> None:
    answer = f"{prelude}\n\ndef {NAME}(data):\n    return ModelDoublerOutput(doubled={expression})\n"
    assert problem in problem_of(answer)


@pytest.mark.parametrize(
    "constant",
    ["TABLE = {'a': 1, 'b': [2, 3]}", "TABLE = frozenset('abc')", "TABLE = re.compile('a+')", "TABLE = 'a b'.split()",
     "TABLE: list[int] = [n * n for n in range(10)]", "TABLE = lambda x: open(x)", "TABLE, OTHER = 1, 2"],
)  # fmt: skip
def test_a_constant_that_only_writes_a_value_down_is_kept(constant: str) -> None:
    answer = f"{constant}\n\ndef {NAME}(data):\n    return ModelDoublerOutput(doubled=TABLE)\n"
    assert "TABLE" in source_of(answer).split("def ")[0]


def test_imports_that_everybody_takes_for_granted_are_added_and_names_in_use_are_left_alone() -> None:
    source = source_of(
        f"def helper(math: List[int]) -> Optional[int]:\n    return math[0]\n\n"
        f"def {NAME}(data):\n    return ModelDoublerOutput(doubled=re.escape(helper(data.n)))\n"
    )
    assert "import re\n" in source
    assert "List" in source.split("def ")[0]
    assert "import math" not in source


def test_of_two_functions_with_the_name_the_later_one_counts() -> None:
    """As in Python; small models write a draft and then the correction."""
    source = source_of(f"def {NAME}(data):\n    return None\n\n{BODY}")
    assert source.count("def ") == 1
    assert "data.n * 2" in source


def test_fields_taken_as_parameters_are_read_from_the_one_parameter() -> None:
    source = source_of(f"def {NAME}(n):\n    return n * 2\n")
    assert HEAD in source
    assert "n = data.n" in source
    assert "ModelDoublerOutput(doubled=n * 2)" in source


def test_a_field_called_like_the_parameter_is_not_unpacked_over_it() -> None:
    blueprint = blueprint_for(
        "COMPUTE node called Echo that echoes", examples=[{"input": {"data": "a"}, "output": {"echo": "a"}}]
    )
    answer = f"def {blueprint.logic.function}(data):\n    return ModelEchoOutput(echo=data.data)\n"
    source = function_from_answer(answer, blueprint).source or ""
    assert "data = data.data" not in source


def test_a_returned_value_of_a_nested_function_is_left_alone() -> None:
    source = source_of(f"def {NAME}(data):\n    def inner(x):\n        return x * 2\n    return inner(data.n)\n")
    assert "return x * 2" in source
    assert "return ModelDoublerOutput(doubled=inner(data.n))" in source


@pytest.mark.parametrize(
    "module", ["os", "sys", "subprocess", "socket", "requests", "pathlib", "builtins", "importlib", "numpy", "ctypes"]
)
def test_an_import_that_is_not_allowed_is_refused_by_name(module: str) -> None:
    assert module in problem_of(f"import {module}\n{BODY}")
    assert module in problem_of(f"from {module} import x\n{BODY}")


def test_an_import_the_model_made_up_is_refused() -> None:
    assert "omnibase_core.helpers" in problem_of(f"from omnibase_core.helpers import doubler\n{BODY}")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "empty"),
        ("  \n\t ", "empty"),
        ("I am sorry, I cannot do that.", "no Python"),
        ("<html><body>Please sign in</body></html>", "no Python"),
        ('{"name": "Ledger", "kind": ', "no Python"),
        (f"def {NAME}(data:\n    return", "no Python"),
        (f"def {NAME}(data):\n    return ModelDoublerOutput(doubled=data.n * ", "no Python"),
        ("```python\n```", "no Python"),
        ("x = 1", "defines no function"),
        ("def one(a):\n    return 1\n\ndef two(a):\n    return 2\n", "defines no function"),
        (f"class Doubler:\n    def {NAME}(self):\n        return 2\n", "defines no function"),
        (f"async def {NAME}(data):\n    return 2\n", "defines no function"),
        (f"def {NAME}(data):\n    return '\x00'\n", "no Python"),
        ("x" * (MAX_ANSWER_CHARS + 1), "longer than"),
        ("#" * 50_000_000, "longer than"),
    ],
)
def test_what_holds_no_function_says_why(answer: str, problem: str) -> None:
    assert problem in problem_of(answer)


@pytest.mark.parametrize(
    "expression",
    ["(" * 150 + "1" + ")" * 150, "+".join(["1"] * 1500), "-" * 1500 + "1", "(" * 5000 + ")" * 5000,
     "a" + ".b" * 2000, "[" * 1000, "not " * 3000 + "x", "lambda: " * 2000 + "1"],
    ids=["parentheses", "sum", "minus", "deep", "attributes", "open", "not", "lambda"],
)  # fmt: skip
def test_a_deeply_nested_answer_is_refused_or_read_and_never_a_defect(expression: str) -> None:
    found = function_from_answer(f"def {NAME}(data):\n    return {expression}\n", BLUEPRINT)
    assert (found.source is None) == (found.problem is not None)


@pytest.mark.parametrize(
    "answer", ["```python\n" * 2000, "def " * 4000, "`" * 19_000, "\n" * 19_000, "```python" + " " * 19_000]
)
def test_a_pathological_answer_is_read_quickly(answer: str) -> None:
    import time

    started = time.perf_counter()
    function_from_answer(answer, BLUEPRINT)
    assert time.perf_counter() - started < 2.0


def test_text_in_the_answer_stays_text() -> None:
    source = source_of(
        f'def {NAME}(data):\n    """{{{{ 7 * 7 }}}} {{% raw %}}"""\n    return ModelDoublerOutput(doubled=data.n * 2)\n'
    )
    assert "{{ 7 * 7 }} {% raw %}" in source
