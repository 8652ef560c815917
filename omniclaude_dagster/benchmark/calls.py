"""Calls a task's function with its hidden inputs in the sandbox and reads the typed answers.

Everything that comes back was written next to untrusted code: an answer without its shape counts as a failure of
the candidate.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from omniclaude_dagster.benchmark.typed_values import decode, encode
from omniclaude_dagster.errors import SandboxUnavailableError
from omniclaude_dagster.sandbox.model import Sandbox, SandboxJob, SandboxLimits, SandboxOutcome

_INPUTS_FILE = "hidden_inputs.jsonl"
# Other jobs share the processor, so the clock may run ahead of the processor time that is limited.
_WALL_FACTOR, _WALL_GRACE_S = 2.0, 10.0


class _Call(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    value: Any = None
    raised: str | None = Field(None, max_length=200)
    message: str = Field("", max_length=1000)
    is_late: bool = False
    cpu_s: float = Field(0.0, ge=0)


class _Answers(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    is_loaded: bool
    error: str | None = None
    answers: list[_Call]


@dataclass(frozen=True)
class Answer:
    """What one call returned, in its typed form, and the processor time it took."""

    typed: Any
    cpu_s: float

    @cached_property
    def value(self) -> Any:
        """The Python value."""
        return decode(self.typed)


@dataclass(frozen=True)
class CallProblem:
    """Why the calls ended early. `kind` is a short word for counting; `detail` is for people."""

    kind: str
    detail: str


@dataclass(frozen=True)
class FunctionCalls:
    """The answers up to the first failure, and that failure."""

    answers: tuple[Answer, ...]
    problem: CallProblem | None = None


def call_function(
    sandbox: Sandbox,
    *,
    files: Mapping[str, bytes],
    package: str,
    function: str,
    inputs: Sequence[Sequence[Any]],
    limits_s: Sequence[float],
    total_s: float,
) -> FunctionCalls:
    """Call `package.logic.<function>` with each of `inputs`, up to the first failure.

    `limits_s` is processor time per input, `total_s` for all of one job. Raises SandboxUnavailableError where
    nothing can be contained.
    """
    lines = "\n".join(json.dumps([encode(argument) for argument in arguments]) for arguments in inputs)
    answers: list[Answer] = []
    while len(answers) < len(inputs):
        job = SandboxJob(
            task="judge_function",
            files={**files, _INPUTS_FILE: lines.encode()},
            arguments={
                "module": f"{package}.logic",
                "function": function,
                "inputs": _INPUTS_FILE,
                "first": len(answers),
                "limits_s": list(limits_s),
            },
            limits=SandboxLimits(wall_s=total_s * _WALL_FACTOR + _WALL_GRACE_S, cpu_s=math.ceil(total_s)),
        )
        more, problem = _read(sandbox.run(job))
        answers.extend(more)
        if problem is not None:
            return FunctionCalls(tuple(answers), problem)
    return FunctionCalls(tuple(answers[: len(inputs)]))


def _read(outcome: SandboxOutcome) -> tuple[list[Answer], CallProblem | None]:
    if outcome.status == "unavailable":
        raise SandboxUnavailableError(outcome.message, cure="omniclaude doctor tells why nothing can be executed here")
    if outcome.status != "ok":
        # What the task itself raised was raised while the candidate was in its process.
        return [], CallProblem("crashed" if outcome.status == "error" else outcome.status, outcome.message)
    try:
        found = _Answers.model_validate(outcome.result)
    except ValidationError:
        return [], CallProblem("forged", "the answer does not have its shape")
    if not found.is_loaded:
        return [], CallProblem("not_loaded", (found.error or "")[:300])
    answers: list[Answer] = []
    for call in found.answers:
        if call.is_late:
            return answers, CallProblem("timeout", f"input {len(answers) + 1} of this job took too long")
        if call.raised is not None:
            return answers, CallProblem(f"raised {call.raised[:60]}", call.message[:300])
        answers.append(Answer(call.value, call.cpu_s))
    if not answers:
        return answers, CallProblem("forged", "the answer is empty")
    return answers, None
