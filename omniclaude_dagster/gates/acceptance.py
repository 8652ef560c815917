"""Judges what a node did with its inputs: examples, samples, determinism. Compares outside the sandbox."""

from collections.abc import Iterator
from dataclasses import dataclass

from omniclaude_dagster.gates.comparison import differences
from omniclaude_dagster.gates.context import NodeContext
from omniclaude_dagster.gates.execution import Executed, Processed, processed_inputs
from omniclaude_dagster.gates.output_model import output_fields
from omniclaude_dagster.request.model import Example, NodeKind

RETURNED, RAISED = "returned", "raised"


@dataclass(frozen=True)
class ExampleOutcome:
    """How one example went; passed when there are no problems."""

    number: int
    problems: tuple[str, ...]


def example_problems(ctx: NodeContext, executed: Executed) -> tuple[ExampleOutcome, ...]:
    """One outcome per example, in order."""
    sent = processed_inputs(ctx)
    outcomes = []
    for number, example in enumerate(ctx.examples):
        answers = _answers(executed, number, len(sent), ctx)
        problems = [p for answer in answers for p in _example_problem(example, answer)]
        problems.extend(_repeat_problems(answers))
        shown = tuple(f"example {number + 1}: {p}" for p in dict.fromkeys(problems))
        outcomes.append(ExampleOutcome(number, shown or _missing(answers, number)))
    return tuple(outcomes)


def sample_problems(ctx: NodeContext, executed: Executed) -> Iterator[str]:
    """Samples that were not processed, or not twice alike, and inputs that the node changed."""
    sent = processed_inputs(ctx)
    if len(executed.processed) != len(sent):
        yield f"{len(executed.processed)} of {len(sent)} inputs were processed"
        return
    for number, (given, answer) in enumerate(zip(sent, executed.processed, strict=True), start=1):
        if given is not None and answer.input != given:
            yield f"input {number} was changed by the node"
    for number in range(len(ctx.examples), len(sent) // _repeats(ctx)):
        answers = _answers(executed, number, len(sent), ctx)
        yield from (f"sample: raised {_raised(a)}" for a in answers if a.outcome != RETURNED)
        yield from (f"sample: {p}" for p in _repeat_problems(answers))


def samples_processed(ctx: NodeContext, executed: Executed) -> tuple[int, int]:
    """How many inputs were processed as they should be, and how many there were."""
    sent = processed_inputs(ctx)
    expected_raises = [e.raises is not None for e in ctx.examples]
    good = 0
    for number, answer in enumerate(executed.processed[: len(sent)]):
        position = number % max(1, len(sent) // _repeats(ctx))
        may_raise = position < len(expected_raises) and expected_raises[position]
        is_returned = answer.outcome == RETURNED and not _output_problems(ctx, answer)
        good += is_returned or (may_raise and answer.outcome == RAISED)
    return good, len(sent)


def output_problems(ctx: NodeContext, executed: Executed) -> Iterator[str]:
    """Outputs that are not the fields of the output model which the contract names."""
    for answer in executed.processed:
        if answer.outcome == RETURNED:
            yield from _output_problems(ctx, answer)


def _output_problems(ctx: NodeContext, answer: Processed) -> list[str]:
    fields = output_fields(ctx)
    if fields is None or ctx.node_kind is NodeKind.ORCHESTRATOR:
        return []
    if not isinstance(answer.output, dict):
        return [f"the result is {type(answer.output).__name__}, not the fields of the output model"]
    missing, unknown = fields - answer.output.keys(), answer.output.keys() - fields
    refused = [f"the output model refuses the result: {answer.output_error[:300]}"] if answer.output_error else []
    return [
        *(f"the result lacks the output model's field {name!r}" for name in sorted(missing)),
        *(f"the result has {name!r}, which the output model does not know" for name in sorted(unknown)),
        *(refused if not (missing or unknown) else []),
    ]


def _repeats(ctx: NodeContext) -> int:
    return 2 if ctx.node_kind is NodeKind.COMPUTE else 1


def _answers(executed: Executed, number: int, sent: int, ctx: NodeContext) -> list[Processed]:
    """The answers to input `number`: one, or two when every input was sent twice."""
    step = max(1, sent // _repeats(ctx))
    positions = range(number, sent, step)
    return [executed.processed[p] for p in positions if p < len(executed.processed)]


def _missing(answers: list[Processed], number: int) -> tuple[str, ...]:
    return () if answers else (f"example {number + 1}: was not processed",)


def _example_problem(example: Example, answer: Processed) -> list[str]:
    if example.raises is not None:
        return _raises_problem(example.raises, answer)
    if answer.outcome != RETURNED:
        return [f"raised {_raised(answer)}"]
    return differences(example.output, answer.output)


def _raises_problem(wanted: str, answer: Processed) -> list[str]:
    """`raises` names an exception class, or an error code by member name or value."""
    if answer.outcome == RETURNED:
        return [f"returned instead of raising {wanted}"]
    code = answer.error_code or ""
    names = {answer.error_type or "", (answer.error_type or "").rpartition(".")[2]}
    names |= {code, code.rpartition(".")[2], _member_name(code)}
    return [] if wanted in names - {""} else [f"raised {_raised(answer)} instead of {wanted}"]


def _member_name(code: str) -> str:
    """`ONEX_CORE_006_VALIDATION_ERROR` -> `VALIDATION_ERROR`."""
    parts = code.split("_")
    digits = [i for i, part in enumerate(parts) if part.isdigit()]
    return "_".join(parts[digits[0] + 1 :]) if digits else code


def _repeat_problems(answers: list[Processed]) -> list[str]:
    if len(answers) < 2:
        return []
    first, second = answers[0], answers[1]
    is_same = first.outcome == second.outcome and not differences(first.output, second.output)
    is_same = is_same and not differences(second.output, first.output)
    return [] if is_same else ["the same input gave two different answers"]


def _raised(answer: Processed) -> str:
    code = f" ({answer.error_code})" if answer.error_code else ""
    return f"{answer.error_type or answer.outcome}{code}: {(answer.message or '')[:200]}"
