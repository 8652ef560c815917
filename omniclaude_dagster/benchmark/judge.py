"""Judges a function by a task's hidden tests. The verdict is formed here, outside the candidate's process.

A candidate gets, for each input, four times the processor time that the canonical solution needed, and at least
MIN_LIMIT_S. The first failing input decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omniclaude_dagster.benchmark.calls import Answer, FunctionCalls, call_function
from omniclaude_dagster.benchmark.comparison import first_wrong
from omniclaude_dagster.benchmark.expected import Expected, ExpectedAnswers
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.benchmark.typed_values import is_packed
from omniclaude_dagster.sandbox.model import Sandbox

MIN_LIMIT_S = 1.0
CANONICAL_FACTOR = 4.0
MIN_TOTAL_S = 20.0
_SOURCE_PACKAGE = "candidate"
# Job endings after which nothing is known about the inputs before the one that caused them.
_LOST_ANSWERS = frozenset({"timeout", "memory_limit", "output_limit", "crashed", "forged"})


@dataclass(frozen=True)
class Judgement:
    """Whether all hidden tests pass, and the base ones; else why not: a word to count by, and the first failure."""

    is_passed: bool
    is_base_passed: bool
    error_class: str = ""
    detail: str = ""


class HiddenTestJudge:
    """Judges candidates of many tasks. Safe for threads; blocks while the sandbox works."""

    def __init__(self, sandbox: Sandbox, cache_folder: Path) -> None:
        self._sandbox = sandbox
        self.expected = ExpectedAnswers(sandbox, cache_folder)

    def judge_source(self, task: BenchmarkTask, source: str) -> Judgement:
        """Judge a module's source that defines the entry point."""
        files = {
            f"{_SOURCE_PACKAGE}/__init__.py": b"",
            f"{_SOURCE_PACKAGE}/logic.py": source.encode("utf-8", "replace"),
        }
        return self.judge_package(task, files, _SOURCE_PACKAGE)

    def judge_package(self, task: BenchmarkTask, files: Mapping[str, bytes], package: str) -> Judgement:
        """Judge the entry point in `package.logic`; `files` are paths below the folder that holds the package."""
        expected = self.expected.of(task)
        calls = self._called(task, files, package, expected)
        if (
            calls.problem is not None
            and calls.problem.kind in _LOST_ANSWERS
            and len(calls.answers) < expected.base_count
        ):
            base = self._called(task, files, package, expected.base)
            calls = FunctionCalls(base.answers, calls.problem)
        return _judgement(task, expected, calls)

    def _called(
        self, task: BenchmarkTask, files: Mapping[str, bytes], package: str, expected: Expected
    ) -> FunctionCalls:
        return call_function(
            self._sandbox,
            files=files,
            package=package,
            function=task.entry_point,
            inputs=expected.inputs,
            limits_s=[max(MIN_LIMIT_S, CANONICAL_FACTOR * seconds) for seconds in expected.cpu_s],
            total_s=max(MIN_TOTAL_S, CANONICAL_FACTOR * sum(expected.cpu_s)),
        )


def _judgement(task: BenchmarkTask, expected: Expected, calls: FunctionCalls) -> Judgement:
    pairs = [_pair(expected, number, answer) for number, answer in enumerate(calls.answers)]
    wrong = first_wrong(
        task.entry_point,
        inputs=expected.inputs,
        expected=[wanted for wanted, _ in pairs],
        answers=[got for _, got in pairs],
        tolerance=task.tolerance,
        is_mbpp=task.is_mbpp,
    )
    good = len(pairs) if wrong is None else wrong
    is_base_passed = good >= expected.base_count
    if wrong is not None:
        wanted, got = pairs[wrong]
        shown = f"input {wrong + 1}: {_shown(got)} instead of {_shown(wanted)}"
        return Judgement(False, is_base_passed, "wrong_answer", shown)
    if calls.problem is not None:
        return Judgement(False, is_base_passed, calls.problem.kind, calls.problem.detail)
    return Judgement(is_passed=True, is_base_passed=True)


def _pair(expected: Expected, number: int, answer: Answer) -> tuple[Any, Any]:
    """Expected and given value. Megabytes that are the same are not unpacked to find that out."""
    if is_packed(answer.typed) and answer.typed == expected.answers[number]:
        return None, None
    return expected.value(number), answer.value


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        # Numbers of many thousand digits have no decimal text.
        text = f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:97]}..."
