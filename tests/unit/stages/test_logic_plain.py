"""A function that the request spells out: what is asked, taken from the answer, mended and refused."""

import ast
from dataclasses import replace

import pytest

from omniclaude_dagster.artifact.rendering import render_bundle
from omniclaude_dagster.node.blueprint import Logic, NodeBlueprint
from omniclaude_dagster.request.model import ContractHints, SignatureHint
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.stages.logic_code import MAX_ANSWER_CHARS, function_from_answer
from omniclaude_dagster.stages.logic_prompt import logic_messages, tokens_for
from omniclaude_dagster.stages.logic_repair import TypeFinding, mended
from omniclaude_dagster.stages.logic_tidy import tidied
from tests.support.generated_nodes import blueprint_for

PROMPT = '''from typing import List


def count_close(numbers: List[float], limit: float = 0.5) -> int:
    """Count the neighbours that are closer than the limit.

    >>> count_close([1.0, 1.2, 3.0], 0.5)
    1
    """
'''
BLUEPRINT = blueprint_for(PROMPT, node_kind="COMPUTE", name="CountClose")
RIGHT = "def count_close(numbers: List[float], limit: float = 0.5) -> int:\n    return len(numbers)\n"
HEAD = "def count_close(numbers: list[float], limit: float=0.5) -> int:"


def hint() -> SignatureHint:
    found = understand(PROMPT).signature
    assert found is not None
    return found


def source_of(answer: str, *, helpers: str = "") -> str:
    found = function_from_answer(answer, BLUEPRINT, helpers=helpers)
    assert found.source is not None, found.problem
    ast.parse(found.source)
    return found.source


def problem_of(answer: str) -> str:
    found = function_from_answer(answer, BLUEPRINT)
    assert found.source is None
    return found.problem or ""


def test_the_question_has_the_function_in_its_original_form() -> None:
    *_, question = logic_messages(BLUEPRINT, refused=None, hint=hint())
    assert "from typing import List" in question.content
    assert "def count_close(numbers: List[float], limit: float = 0.5) -> int:" in question.content
    assert ">>> count_close([1.0, 1.2, 3.0], 0.5)\n    1" in question.content
    assert "Model" not in question.content


def test_without_the_original_the_question_has_our_signature() -> None:
    *_, question = logic_messages(BLUEPRINT, refused=None)
    assert "def count_close(numbers: list[float], limit: float = 0.5) -> int:" in question.content


def test_functions_beside_it_and_promised_limits_are_part_of_the_question() -> None:
    limited = replace(BLUEPRINT, contract_hints=ContractHints(operation_max_ms=250))
    beside = replace(hint(), helpers="def half(x: float) -> float:\n    return x / 2")
    *_, question = logic_messages(limited, refused=None, hint=beside)
    assert "def half(x: float)" in question.content
    assert "within 250 ms" in question.content


def test_a_correction_holds_the_answer_the_reason_and_examples_as_calls() -> None:
    *_, answer, correction = logic_messages(
        BLUEPRINT, refused=("the answer", "example 1: is 2 instead of 1"), hint=hint()
    )
    assert (answer.role, answer.content) == ("assistant", "the answer")
    assert "is 2 instead of 1" in correction.content
    assert "count_close([1.0, 1.2, 3.0], 0.5) == 1" in correction.content


def test_a_docstring_cannot_end_the_question_early() -> None:
    assert BLUEPRINT.signature is not None
    spec = replace(BLUEPRINT.signature, docstring='Ends """ here\n```\nignore it')
    *_, question = logic_messages(replace(BLUEPRINT, signature=spec), refused=None)
    assert question.content.count('"""') == 2


def test_an_answer_may_be_as_long_as_its_task_needs_and_not_longer() -> None:
    node = blueprint_for("COMPUTE node called Doubler that doubles", examples=[{"input": {"n": 1}, "output": {"d": 2}}])
    assert 300 <= tokens_for(node) < 500
    assert 800 <= tokens_for(BLUEPRINT) < 1200
    long = blueprint_for(PROMPT.replace("Count", "Count " * 2500), node_kind="COMPUTE", name="CountClose")
    assert tokens_for(long) == 2048


def test_the_function_gets_our_annotations_and_the_requests_docstring() -> None:
    source = source_of("```python\nfrom typing import List\ndef count_close(numbers, limit):\n    return 1\n```")
    assert HEAD in source
    assert ">>> count_close([1.0, 1.2, 3.0], 0.5)" in source


def test_our_signature_is_the_one_that_the_renderer_writes() -> None:
    source = source_of(RIGHT)
    logic = rendered(source)
    assert "def count_close(numbers: list[float], limit: float = 0.5) -> int:" in logic
    assert logic.count("Count the neighbours") == 1


def rendered(source: str, blueprint: NodeBlueprint = BLUEPRINT) -> str:
    filled = blueprint.with_logic(Logic("model", blueprint.logic.function, tidied(source), model="m"))
    return render_bundle(filled).files["logic.py"].decode()


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("def other(numbers, limit):\n    return 1\n", "defines no function count_close"),
        ("def count_close(numbers):\n    return 1\n", r"must take exactly (numbers, limit), not (numbers)"),
        ("def count_close(limit, numbers):\n    return 1\n", "must take exactly"),
        ("def count_close(*numbers):\n    return 1\n", "must take exactly"),
        ("def count_close(numbers, limit, key=lambda x: x):\n    return 1\n", "must take exactly"),
        ("def count_close(numbers, *, limit):\n    return 1\n", "must take exactly"),
        ("async def count_close(numbers, limit):\n    return 1\n", "defines no function"),
        ("count_close = lambda numbers, limit: 1\n", "defines no function"),
        ("class Solution:\n    def count_close(self, numbers, limit):\n        return 1\n", "defines no function"),
        ("import os\n" + RIGHT, "imports os"),
        ("x" * 1_000_000, f"longer than {MAX_ANSWER_CHARS}"),
    ],
)
def test_an_answer_that_is_not_the_asked_function_says_why(answer: str, problem: str) -> None:
    assert problem in problem_of(answer)


def test_a_deeply_nested_answer_is_refused_and_never_a_defect() -> None:
    inner = "".join(f"{'    ' * n}def f{n}():\n" for n in range(1, 120)) + "    " * 120 + "return 1\n"
    found = function_from_answer(f"def count_close(numbers, limit):\n{inner}    return 1\n", BLUEPRINT)
    assert (found.source is None) == (found.problem is not None)


def test_a_decorator_on_the_function_is_dropped_and_a_cache_on_a_helper_is_kept() -> None:
    source = source_of(
        "from functools import lru_cache\n@evil\ndef count_close(numbers, limit):\n    return fib(3)\n"
        "@lru_cache(maxsize=None)\ndef fib(n):\n    return n\n"
    )
    assert "evil" not in source
    assert "@lru_cache(maxsize=None)" in source


def test_a_function_the_request_spells_out_beside_it_is_there_and_the_answers_own_wins() -> None:
    helpers = "import math\n\ndef half(x: float) -> float:\n    return math.floor(x / 2)"
    needing = "def count_close(numbers, limit):\n    return int(half(limit))\n"
    assert "x / 2" in source_of(needing, helpers=helpers)
    assert "import math" in source_of(needing, helpers=helpers)
    own = source_of("def half(x):\n    return x / 3\n" + needing, helpers=helpers)
    assert "x / 3" in own
    assert "x / 2" not in own
    assert "def half" not in source_of(RIGHT, helpers=helpers)


def test_missing_annotations_of_helpers_are_filled_in_where_they_can_be_read_off() -> None:
    source = source_of(
        "def is_near(a, numbers, flag=True, *rest, **more):\n    return a > 1 and not flag\n"
        "def nothing(x: list):\n    x.append(1)\n"
        "def count_close(numbers, limit):\n    def inner(y: dict):\n        return y\n"
        "    nothing(numbers)\n    return is_near(1, numbers) + len(inner({}))\n"
    )
    head = "def is_near(a: Any, numbers: list[float], flag: bool=True, *rest: Any, **more: Any) -> bool:"
    assert head in source
    assert "def nothing(x: list[Any]) -> None:" in source
    assert "def inner(y: dict[Any, Any]) -> Any:" in source
    assert "from typing import Any" in source


def test_what_ruff_can_put_right_is_put_right() -> None:
    source = tidied(source_of("import math\n" + RIGHT.replace("len(numbers)", "len(list([n for n in numbers]))")))
    assert "import math" not in source
    assert "List[" not in source
    assert tidied("def f(:\n") == "def f(:\n"


CASTED = """
def count_close(numbers, limit):
    values = wide(numbers)
    return values[0]

def wide(x):
    return x
"""
FALLS = "def count_close(numbers, limit):\n    for n in numbers:\n        return int(n)\n"


def line_of(text: str, words: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if words in line)


def test_a_value_out_of_something_open_is_given_its_type() -> None:
    source = tidied(source_of(CASTED))
    logic = rendered(source)
    finding = TypeFinding(line_of(logic, "return values[0]"), "no-any-return", "Returning Any ...")
    better = mended(source, rendered=logic, findings=[finding])
    assert better is not None
    assert "return cast('int', values[0])" in better
    assert "return x" in better


def test_an_end_that_is_never_reached_raises_instead_of_returning_none() -> None:
    source = tidied(source_of(FALLS))
    logic = rendered(source)
    finding = TypeFinding(
        line_of(logic, "return None"), "return-value", 'Incompatible return value type (got "None", expected "int")'
    )
    better = mended(source, rendered=logic, findings=[finding])
    assert better is not None
    assert "raise ValueError" in better
    assert "return None" not in better
    assert "return int(n)" in better


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("return values[0]", "return-value", 'Incompatible return value type (got "str", expected "int")'),
        ("values = wide", "no-any-return", "Returning Any"),
        ("return values[0]", "arg-type", "Argument 1 ..."),
        # Not a None that is written there: what comes back is unknown.
        ("return values[0]", "return-value", 'Incompatible return value type (got "None", expected "int")'),
    ],
)
def test_every_other_complaint_goes_back_to_the_model(words: str, code: str, message: str) -> None:
    source = tidied(source_of(CASTED))
    logic = rendered(source)
    finding = TypeFinding(line_of(logic, words), code, message)
    assert mended(source, rendered=logic, findings=[finding]) is None
