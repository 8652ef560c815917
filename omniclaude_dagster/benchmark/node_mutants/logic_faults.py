"""Nodes that run well and answer wrongly, and tests that would not notice."""

from pydantic import JsonValue

from omniclaude_dagster.benchmark.node_mutants.bases import FREE, GROSS, NOTHING, ROUNDED, TOTALS
from omniclaude_dagster.benchmark.node_mutants.editing import in_work, only_test, replaced
from omniclaude_dagster.benchmark.node_mutants.model import Edit, Fault
from omniclaude_dagster.request.model import Example

VAT = (GROSS, ROUNDED, FREE)
SUMS = (TOTALS, NOTHING)
SCORES = (
    Example(input={"items": [{"score": 1.5}, {"score": -2.0}, {"score": 4.0}]}, output={"total": 3.5, "count": 3}),
    Example(input={"items": []}, output={"total": 0.0, "count": 0}),
)
USER: dict[str, JsonValue] = {"user_id": "00000000-0000-4000-8000-000000000001", "name": "Ada"}
ROWS = (
    Example(input=USER, output={"rows_written": 1}),
    Example(input={**USER, "age": 3}, raises="VALIDATION_ERROR"),
)


def _vat(name: str, breaks: str, edit: Edit) -> Fault:
    return Fault(name, breaks, "G-EXEC", ("golden-compute", "vat"), edit, examples=VAT)


def _sums(name: str, breaks: str, pattern: str, replacement: str) -> Fault:
    return Fault(name, breaks, "G-EXEC", ("sums",), in_work(pattern, replacement), examples=SUMS)


def _scores(name: str, breaks: str, pattern: str, replacement: str) -> Fault:
    return Fault(name, breaks, "G-EXEC", ("golden-reducer",), in_work(pattern, replacement), examples=SCORES)


LOGIC = (
    _vat("sign", "the tax is taken off", in_work(r"\(1 \+ (\w)", r"(1 - \1")),
    _vat("off by one", "a factor of 2 instead of 1", in_work(r"\(1 \+ (\w)", r"(2 + \1")),
    _vat("wrong field", "the price is multiplied with itself", in_work(r"\.rate\b", ".net")),
    _vat(
        "rounded",
        "the result is rounded to whole numbers",
        in_work(r"gross=([^\n]*?)\)(?=\n)", r"gross=float(round(\1)))"),
    ),
    _vat("constant", "always the answer to the first example", in_work(r"gross=([^\n]*)\)(?=\n)", "gross=120.0)")),
    _vat(
        "returns the input", "the net price is the answer", in_work(r"gross=(\S*\.net)\b[^\n]*\)(?=\n)", r"gross=\1)")
    ),
    _vat("extra cent", "a cent too much", in_work(r"gross=", "gross=0.01 + ")),
    _sums("first item lost", "the first item is left out", r"for (\w+) in items\b", r"for \1 in items[1:]"),
    _sums("count off by one", "one item too many is counted", r"count=len\(items\)", "count=len(items) + 1"),
    _sums("absolute", "negative", r"total=", "total=-"),
    _scores(
        "maximum",
        "the largest instead of the sum",
        r"sum\((i\.score for i in input_data\.data)\)",
        r"max((\1), default=0.0)",
    ),
    _scores(
        "each once",
        "equal scores are added once; negative ones not at all",
        r"sum\(i\.score for i in input_data\.data\)",
        "sum({max(i.score, 0.0) for i in input_data.data})",
    ),
    _scores(
        "count off by one",
        "one score too few is counted",
        r"count=len\(input_data\.data\)",
        "count=max(0, len(input_data.data) - 1)",
    ),
    Fault(
        "no rows",
        "an effect reports that it wrote nothing",
        "G-EXEC",
        ("golden-effect",),
        replaced("node.py", r"rows_written=1", "rows_written=0"),
        examples=ROWS,
    ),
    Fault(
        "accepts anything",
        "an effect that should refuse an input takes it",
        "G-EXEC",
        ("golden-effect",),
        replaced(
            "node.py",
            r"(\w+)\.model_validate\(raw if isinstance\(raw, dict\) else raw\.model_dump\(\)\)",
            r'\1.model_validate({k: v for k, v in dict(raw).items() if k != "age"})',
        ),
        examples=ROWS,
    ),
    Fault(
        "wrong error code",
        "the right refusal with another error code",
        "G-EXEC",
        ("golden-effect",),
        replaced("node.py", r"EnumCoreErrorCode\.VALIDATION_ERROR", "EnumCoreErrorCode.OPERATION_FAILED"),
        examples=ROWS,
    ),
    Fault(
        "broken write",
        "a file is written empty",
        "G-EXEC",
        ("files",),
        in_work(r"content = request\.content\.encode\(\)", "content = request.content.encode()[:0]"),
    ),
    Fault(
        "path not checked",
        "paths that lead out of the root are followed",
        "G-EXEC",
        ("files",),
        in_work(r"if [^\n]*target\.is_relative_to\(base\):", "if not target.is_absolute():"),
    ),
    Fault(
        "order of steps",
        "dependent steps run before what they wait for",
        "G-EXEC",
        ("flow",),
        in_work(r"\n    return waves\n", "\n    return waves[::-1]\n"),
    ),
    Fault(
        "failure ignored",
        "a failed step does not fail the run",
        "G-EXEC",
        ("flow",),
        in_work(r'report\.status = "failed"', 'report.status = "completed"'),
    ),
)


_RUN_VAT = """\
import asyncio

from omnibase_core.models.compute.model_compute_input import ModelComputeInput
from omnibase_core.models.container.model_onex_container import ModelONEXContainer

from ..models import ModelVatInput
from ..node import NodeVatCompute


def compute(net: float, rate: float) -> float:
    node = NodeVatCompute(ModelONEXContainer())
    data = ModelVatInput(net=net, rate=rate)
    return asyncio.run(node.process(ModelComputeInput(data=data))).result.gross
"""


def _lying(name: str, breaks: str, bases: tuple[str, ...], body: str, *, examples: tuple[Example, ...] = ()) -> Fault:
    return Fault(name, breaks, "G-EXEC", bases, only_test(body), examples=examples)


TESTS = (
    _lying(
        "assert True",
        "tests that assert only what is always true",
        ("golden-compute", "pricing", "sums"),
        "def test_it_works() -> None:\n    assert True",
    ),
    _lying(
        "skips everything",
        "every test is skipped",
        ("golden-reducer", "vat"),
        "import pytest\n\npytestmark = pytest.mark.skip(reason='later')\n\n\n"
        "def test_it_works() -> None:\n    assert False",
    ),
    _lying(
        "skips in the test",
        "tests that skip themselves when they fail",
        ("files",),
        "import pytest\n\n\ndef test_it_works() -> None:\n    pytest.skip('not here')",
    ),
    _lying(
        "expected to fail",
        "tests marked as expected failures",
        ("golden-effect", "pricing"),
        "import pytest\n\n\n@pytest.mark.xfail\ndef test_it_works() -> None:\n    assert 1 == 2",
    ),
    _lying(
        "node not imported",
        "a test module that never imports the node",
        ("golden-effect", "flow"),
        "import math\n\n\ndef test_it_works() -> None:\n    assert math.isclose(0.1 + 0.2, 0.3)",
    ),
    _lying(
        "own copy",
        "tests of a copy of the logic inside the test",
        ("golden-compute", "vat"),
        "def gross(net: float, rate: float) -> float:\n    return net * (1 + rate)\n\n\n"
        "def test_it_works() -> None:\n    assert gross(100.0, 0.2) == 120.0",
    ),
    _lying(
        "errors swallowed",
        "tests that pass whatever is raised",
        ("vat",),
        _RUN_VAT + "\n\ndef test_it_works() -> None:\n    try:\n        assert compute(100.0, 0.2) == 120.0\n"
        "    except Exception:\n        pass",
    ),
    _lying(
        "only models",
        "tests of the models alone",
        ("vat",),
        "from ..models import ModelVatInput\n\n\ndef test_it_works() -> None:\n"
        "    assert ModelVatInput(net=1.0, rate=0.2).net == 1.0",
    ),
    _lying(
        "only that it runs",
        "tests that call the node and look at nothing",
        ("vat",),
        _RUN_VAT + "\n\ndef test_it_works() -> None:\n    assert compute(100.0, 0.2) is not None",
        examples=VAT,
    ),
    _lying(
        "compared with itself",
        "tests that compare the answer with itself",
        ("vat",),
        _RUN_VAT + "\n\ndef test_it_works() -> None:\n    assert compute(100.0, 0.2) == compute(100.0, 0.2)",
        examples=VAT,
    ),
    _lying(
        "only the name",
        "a test that looks at the class's name",
        ("golden-compute",),
        "from ..node import NodeTaxCompute\n\n\ndef test_it_works() -> None:\n"
        '    assert NodeTaxCompute.__name__ == "NodeTaxCompute"',
    ),
    _lying("no tests", "a tests folder without a test", ("golden-reducer", "http"), "X = 1"),
    _lying(
        "does not collect",
        "a test module that cannot be imported",
        ("sums",),
        "VALUES: dict[str, int] = {}\nFIRST = VALUES['a']\n\n\ndef test_it_works() -> None:\n    assert FIRST",
    ),
    _lying("failing test", "a test that fails", ("rows",), "def test_it_works() -> None:\n    assert 1 == 2"),
    _lying(
        "ends the process",
        "a test that ends the process with success",
        ("golden-compute", "pricing"),
        "import os\n\n\ndef test_it_works() -> None:\n    os._exit(0)",
    ),
    _lying(
        "patches pytest",
        "a test module that makes every report a pass",
        ("vat", "golden-reducer"),
        "import pytest\n\nsetattr(pytest.TestReport, 'passed', property(lambda self: True))\n\n\n"
        "def test_it_works() -> None:\n    assert int('1') == 2",
    ),
)
