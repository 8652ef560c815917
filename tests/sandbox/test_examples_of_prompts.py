"""Examples read out of the prompts of HumanEval+ and MBPP+, held against the data sets' own solutions."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter, ValidationError

from omniclaude_dagster.contracts.plan.signature import parameter_fields
from omniclaude_dagster.gates.comparison import differences
from omniclaude_dagster.request.understanding.asked_function import AskedFunction, asked_function
from omniclaude_dagster.sandbox.bubblewrap import BubblewrapSandbox
from omniclaude_dagster.sandbox.model import SandboxJob, SandboxLimits

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HUMAN_EVAL, MBPP = "HumanEvalPlus-Mini", "MbppPlus"
# Doctests of the data set that its own solution contradicts.
WRONG_IN_THE_DATA = {"HumanEval/47", "HumanEval/116"}
CANDIDATE = """
import json, os
from pydantic import JsonValue, TypeAdapter

def plain(value):
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return value

def answer(case):
    space = {}
    try:
        exec(case["code"], space)
        given = [TypeAdapter(eval(type_)).validate_python(value) for type_, value in case["given"]]
        return {"result": plain(space[case["function"]](*given))}
    except Exception as exc:
        return {"raised": repr(exc)[:200]}

def main():
    with open(os.path.join(os.path.dirname(__file__), "cases.json")) as file:
        return [answer(case) for case in json.load(file)]
"""

type Task = dict[str, Any]


def tasks_of(name: str) -> list[Task]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def asked_by(task: Task) -> AskedFunction:
    asked = asked_function(task["prompt"])
    assert asked is not None, task["task_id"]
    assert asked.is_bare, task["task_id"]
    assert asked.signature.function == task["entry_point"]
    return asked


@pytest.mark.parametrize(("name", "least_tasks"), [(HUMAN_EVAL, 154), (MBPP, 353)])
def test_no_example_contradicts_the_canonical_solution(name: str, least_tasks: int, sandbox: BubblewrapSandbox) -> None:
    cases, wanted = [], []
    for task in tasks_of(name):
        asked = asked_by(task)
        types = {
            p.name: f.type for p, f in zip(asked.signature.parameters, parameter_fields(asked.signature), strict=True)
        }
        code = (task["prompt"] if name == HUMAN_EVAL else "") + task["canonical_solution"]
        for example in asked.examples:
            given = [[types[key], value] for key, value in example.input.items()]
            cases.append({"code": code, "function": task["entry_point"], "given": given})
            wanted.append((task["task_id"], example))
    files = {"candidate/run.py": CANDIDATE.encode(), "candidate/cases.json": json.dumps(cases).encode()}
    job = SandboxJob("python", files, {"module": "candidate.run"}, SandboxLimits(wall_s=60, cpu_s=60))
    outcome = sandbox.run(job)
    assert outcome.status == "ok", outcome.message
    wrong = {
        f"{task_id}: {example.input} {problems or answer}"
        for (task_id, example), answer in zip(wanted, outcome.result, strict=True)
        if task_id not in WRONG_IN_THE_DATA
        for problems in [differences(example.output, answer)]
        if problems
    }
    assert not wrong
    assert len({task_id for task_id, _ in wanted}) >= least_tasks


@pytest.mark.parametrize("name", [HUMAN_EVAL, MBPP])
def test_97_percent_of_the_hidden_inputs_are_valid_for_the_derived_input_model(name: str) -> None:
    accepted = total = 0
    for task in tasks_of(name):
        fields = parameter_fields(asked_by(task).signature)
        adapters = [TypeAdapter(eval(field.type, {"JsonValue": JsonValue})) for field in fields]
        for given in (*task["base_input"], *(task["plus_input"] or ())):
            total += 1
            accepted += is_valid(adapters, given)
    assert accepted / total >= 0.97, f"{accepted} of {total}"


def is_valid(adapters: list[TypeAdapter[Any]], given: list[Any]) -> bool:
    try:
        for adapter, value in zip(adapters, given, strict=True):
            adapter.validate_python(value)
    except ValidationError:
        return False
    return True
