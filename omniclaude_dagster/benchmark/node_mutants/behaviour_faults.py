"""Nodes that read well and work badly: types that lie, nodes that do not run, state that calls share."""

from omniclaude_dagster.benchmark.node_mutants.editing import (
    at_import,
    at_start,
    beside_work,
    both,
    in_class,
    in_work,
    replaced,
)
from omniclaude_dagster.benchmark.node_mutants.model import Fault

COMPUTE = ("golden-compute", "pricing")

TYPES = (
    Fault(
        "text for a number",
        "a text where the model wants a number",
        "G13",
        ("golden-compute", "vat"),
        in_work(r"\bgross=[^\n]*\)(?=\n)", "gross='much')"),
    ),
    Fault(
        "unknown field",
        "an attribute that the input model does not have",
        "G13",
        ("golden-reducer", "vat"),
        in_work(r"\.(net|score)\b", ".nett"),
    ),
    Fault(
        "unknown enum member",
        "an enum member that does not exist",
        "G13",
        ("golden-effect", "files"),
        replaced("node.py", r"EnumTransactionState\.COMMITTED", "EnumTransactionState.DONE"),
    ),
    Fault(
        "hallucinated error code",
        "an error code that never was",
        "G13",
        ("golden-effect", "http"),
        replaced("node.py", r"EnumCoreErrorCode\.VALIDATION_ERROR", "EnumCoreErrorCode.BAD_LUCK"),
    ),
    Fault(
        "unawaited coroutine",
        "a coroutine that is made and never awaited",
        "G13",
        ("golden-effect", "files"),
        at_start("import asyncio\nasyncio.sleep(0)"),
    ),
    Fault(
        "super not awaited",
        "initialize of the framework is called without await",
        "G13",
        ("pricing", "flow"),
        replaced("node.py", r"await super\(\)\.initialize\(\)", "super().initialize()"),
    ),
    Fault(
        "forgotten task",
        "a task nobody keeps: it may be collected before it ran",
        "G13",
        ("golden-effect", "http"),
        at_start("import asyncio\nasyncio.create_task(asyncio.sleep(0))"),
    ),
    Fault(
        "untyped process",
        "process without types",
        "G13",
        ("golden-compute", "golden-effect"),
        replaced("node.py", r"input_data: Model\w+(\[[^]]*\])?", "input_data"),
    ),
    Fault(
        "wrong return type",
        "process promises one type and gives another",
        "G13",
        ("golden-compute", "pricing"),
        replaced(
            "node.py",
            r"return ModelComputeOutput\(\s*result=result,",
            "return ModelComputeOutput(\n            result=3,",
        ),
    ),
    Fault(
        "returns the bare result",
        "process returns the model without the framework's output",
        "G13",
        ("golden-reducer",),
        at_start("if input_data:\n    return ModelScoreTotal(total=0.0, count=0)"),
    ),
    Fault(
        "may be None",
        "a value that may be None is used as if it never were",
        "G13",
        ("golden-compute", "sums"),
        at_start('names: dict[str, str] = {}\nnames.get("a").upper()'),
    ),
    Fault(
        "argument missing",
        "a function is called without an argument it needs",
        "G13",
        ("vat", "pricing"),
        replaced("node.py", r"(result = (?:await )?\w+)\(input_data\.data\)", r"\1()"),
    ),
    Fault(
        "field removed",
        "a field that the logic uses is gone from the model",
        "G13",
        ("golden-compute", "vat"),
        replaced("models/*input*", r"\n    rate: [^\n]*", ""),
    ),
    Fault(
        "type errors silenced",
        "a comment that turns the type checker off for the file",
        "G13",
        ("golden-compute", "pricing"),
        both(replaced("node.py", r"\A", "# mypy: ignore-errors\n"), at_start("if 1 < 2:\n    return 3")),
    ),
    Fault(
        "type error ignored",
        "a comment that hides a type error whatever it is",
        "G13",
        ("golden-reducer", "vat"),
        at_start("if 1 < 2:\n    return 3  # type: ignore"),
    ),
    Fault(
        "variable undefined",
        "a name that nothing defines",
        "G13",
        ("golden-reducer", "rows"),
        at_start("if undefined_name:\n    pass"),
    ),
)

STATE = (
    Fault(
        "mutable argument default",
        "a list as an argument's default, shared by all calls",
        "G13",
        ("golden-compute", "golden-effect", "sums"),
        in_class("def notes(self, seen: list[str] = []) -> list[str]:\n    seen.append('x')\n    return seen"),
    ),
    Fault(
        "mutable class attribute",
        "a list in the class, shared by all instances",
        "G13",
        ("golden-reducer", "golden-effect", "vat"),
        in_class("seen: list[str] = []"),
    ),
    Fault(
        "mutable default in logic",
        "a dictionary as default of a helper in logic.py",
        "G13",
        ("pricing", "http"),
        at_import(
            "def remembered(key: str, known: dict[str, int] = {}) -> int:\n    return known.get(key, 0)\n",
            path="logic.py",
        ),
    ),
    Fault(
        "loop variable captured",
        "functions that all see the last value of the loop",
        "G13",
        ("golden-compute",),
        at_start("shifts = []\nfor step in range(3):\n    shifts.append(lambda value: value + step)"),
    ),
    Fault(
        "global counter",
        "a pure node counts its calls in the module",
        "G14",
        ("golden-compute", "sums"),
        both(at_start("global _CALLS\n_CALLS += 1"), beside_work("_CALLS = 0")),
    ),
    Fault(
        "cache that grows",
        "a pure node keeps every input it ever saw",
        "G14",
        ("golden-reducer", "pricing"),
        both(at_start("_SEEN[len(_SEEN)] = 1"), beside_work("_SEEN: dict[int, int] = {}")),
    ),
    Fault(
        "answer depends on history",
        "the answer contains how often the node was asked",
        "G14",
        ("golden-compute",),
        both(
            in_work(r"(gross=)", r"\1self._count() + "),
            in_class(
                "def _count(self) -> int:\n    self._calls = getattr(self, '_calls', 0) + 1\n    return self._calls"
            ),
        ),
    ),
)

RUNS = (
    Fault(
        "infinite loop",
        "process never ends",
        "G14",
        ("golden-compute", "golden-reducer", "pricing"),
        at_start("while True:\n    pass"),
    ),
    # The first gate that imports the package is G12: its models stand below the package's __init__.
    Fault(
        "loop at import",
        "importing the node never ends",
        "G12",
        ("golden-effect",),
        at_import("def _wait() -> int:\n    while True:\n        pass\n\n\nREADY = _wait()"),
    ),
    Fault(
        "loop in __init__",
        "building the node never ends",
        "G14",
        ("golden-orchestrator", "golden-effect"),
        replaced(
            "node.py",
            r"(super\(\).__init__\(container\)\n)",
            r"\1        while container is not None:\n            pass\n",
        ),
    ),
    Fault(
        "waits for ever",
        "process waits for something that never comes",
        "G14",
        ("golden-effect",),
        at_start("import asyncio\nawait asyncio.Event().wait()"),
    ),
    Fault(
        "memory",
        "process asks for more memory than there is",
        "G14",
        ("golden-compute", "vat"),
        at_start("filler = 'x' * 10**11"),
    ),
    Fault(
        "output flood",
        "process prints without end",
        "G14",
        ("golden-compute",),
        at_start("for _ in range(10**5):\n    print('x' * 10**4)"),
    ),
    Fault(
        "recursion",
        "a function that calls itself for ever",
        "G14",
        ("golden-reducer", "pricing"),
        at_start("def again(n: int) -> int:\n    return again(n + 1)\n\n\nagain(0)"),
    ),
    Fault(
        "raises always",
        "process refuses every input",
        "G14",
        ("golden-compute", "sums", "files"),
        at_start("if 1 < 2:\n    raise ValueError('not filled in')"),
    ),
    Fault(
        "SystemExit",
        "process ends the program",
        "G14",
        ("golden-reducer",),
        at_start("if 1 < 2:\n    raise SystemExit(0)"),
    ),
    Fault(
        "super not called",
        "the framework's __init__ is not called",
        "G14",
        ("golden-effect", "http"),
        replaced("node.py", r"super\(\).__init__\(container\)", "del container"),
    ),
    Fault(
        "initialize fails",
        "the node does not start",
        "G14",
        ("pricing", "flow"),
        replaced(
            "node.py",
            r"await super\(\)\.initialize\(\)",
            'await super().initialize()\n        if self.node_id:\n            raise RuntimeError("no")',
        ),
    ),
    Fault(
        "wrong workflow",
        "an execution mode that the framework does not have",
        "G14",
        ("golden-orchestrator", "flow"),
        replaced("node.py", r'"sequential"', '"sideways"'),
    ),
    Fault(
        "random answer",
        "the same input gives different answers",
        "G14",
        ("golden-compute", "vat"),
        both(
            in_work(r"gross=", "gross=random.random() + "), in_work(r"^from \.models", "import random\n\nfrom .models")
        ),
    ),
    Fault(
        "clock in the answer",
        "the answer depends on today's date",
        "G14",
        ("golden-compute", "vat"),
        both(
            in_work(r"gross=", "gross=date.today().day + "),
            in_work(r"^from \.models", "from datetime import date\n\nfrom .models"),
        ),
    ),
    Fault(
        "other fields",
        "an effect's result has other fields than its output model",
        "G14",
        ("golden-effect",),
        replaced("node.py", r'output\.model_dump\(mode="json"\)', '{"rows": 1}'),
    ),
    Fault(
        "wrong field type",
        "an effect's result has the right field with a wrong type",
        "G14",
        ("golden-effect", "files"),
        replaced(
            "node.py",
            r'result=(\w+)\.model_dump\(mode="json"\)',
            r'result={name: ["x"] for name in \1.model_dump(mode="json")}',
        ),
    ),
    Fault(
        "text for a result",
        "an effect's result is text made of its output",
        "G14",
        ("golden-effect", "rows"),
        replaced("node.py", r'(\w+)\.model_dump\(mode="json"\)', r"repr(\1)"),
    ),
    Fault(
        "constraint broken",
        "an output that its own model would refuse",
        "G14",
        ("golden-effect",),
        both(
            replaced("models/*output*", r"rows_written: int", "rows_written: int = Field(ge=2)"),
            replaced("models/*output*", r"import BaseModel, ConfigDict", "import BaseModel, ConfigDict, Field"),
            replaced("node.py", r'output\.model_dump\(mode="json"\)', '{"rows_written": 1}'),
        ),
    ),
)
