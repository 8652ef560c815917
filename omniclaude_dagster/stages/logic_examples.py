"""Solved tasks that a model is shown before its own: patterns of the library first, then those that come with us.

A node function is shown in the format of the task itself; a plain function as its head and body. Patterns are shown
as `patterns/shown.py` lets them through, and only where their code has the form that is asked for.
"""

import ast
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import yaml

from omniclaude_dagster.node.blueprint import ModelSpec, NodeBlueprint
from omniclaude_dagster.patterns.model import Offer, Pattern
from omniclaude_dagster.patterns.shown import ShownPattern, shown_pattern
from omniclaude_dagster.request.understanding.summary import task_sentence
from omniclaude_dagster.settings import project_data_path

SHOWN_TASKS = 3
# A plain function is long already; more than this many beside it make small models lose the task.
SHOWN_PATTERNS_OF_PLAIN = 2


class SolvedTask(Protocol):
    """A task and its solution, as turns of a chat."""

    def question(self) -> str:
        """The task as a model sees it."""
        ...

    def answer(self) -> str:
        """The solution as a model would give it."""
        ...


@dataclass(frozen=True)
class WorkedExample:
    """One solved task of templates/compute/worked_examples.yaml."""

    name: str
    task: str
    input: Mapping[str, str]
    output: Mapping[str, str]
    returned: str

    @property
    def words(self) -> frozenset[str]:
        """Words of the task and the field names."""
        return _words(" ".join([self.task, *self.input, *self.output]))

    def question(self) -> str:
        """The task as a model sees it."""
        inputs, outputs = f"Model{self.name}Input", f"Model{self.name}Output"
        head = f"def compute(data: {inputs}) -> {outputs}:"
        return node_question(class_text(inputs, self.input), class_text(outputs, self.output), head, self.task)

    def answer(self) -> str:
        """The solution as a model would give it."""
        inputs, outputs = f"Model{self.name}Input", f"Model{self.name}Output"
        return f"def compute(data: {inputs}) -> {outputs}:\n    return {outputs}({self.returned})"


@dataclass(frozen=True)
class NodePattern:
    """A pattern around a node function, shown like a worked example."""

    shown: ShownPattern
    head: str

    def question(self) -> str:
        """The task as a model sees it."""
        pattern = self.shown.pattern
        inputs = class_text(pattern.input_class, self.shown.inputs)
        outputs = class_text(pattern.output_class, self.shown.outputs)
        return node_question(inputs, outputs, self.head, self.shown.task)

    def answer(self) -> str:
        """The proven code."""
        return self.shown.code


@dataclass(frozen=True)
class PlainPattern:
    """A pattern around a plain function."""

    shown: ShownPattern
    head: str

    def question(self) -> str:
        """Head and task, as a plain function is asked for."""
        document = textwrap.indent(f'"""{self.shown.task}"""', "    ")
        return f"Complete this function.\n\n```python\n{self.head}\n{document}\n```"

    def answer(self) -> str:
        """The proven code in a block."""
        return f"```python\n{self.shown.code}\n```"


@dataclass(frozen=True)
class ShownTasks:
    """What is shown, the most similar last, and which patterns are among it."""

    tasks: tuple[SolvedTask, ...] = ()
    patterns: tuple[Pattern, ...] = ()


def shown_tasks(blueprint: NodeBlueprint, offers: Sequence[Offer]) -> ShownTasks:
    """The solved tasks for one question. `offers` best first; what cannot be shown is left out."""
    is_plain = blueprint.signature is not None
    fitting = [t for offer in offers if (t := _pattern_task(offer.pattern, is_plain=is_plain)) is not None]
    kept = fitting[: SHOWN_PATTERNS_OF_PLAIN if is_plain else SHOWN_TASKS]
    patterns = tuple(task.shown.pattern for task in kept)
    ours = [] if is_plain else similar_tasks(blueprint)[len(kept) :]
    return ShownTasks((*ours, *reversed(kept)), patterns)


def similar_tasks(blueprint: NodeBlueprint) -> list[WorkedExample]:
    """The SHOWN_TASKS most similar worked examples, the most similar last."""
    inputs = set(types_of(blueprint.input_model).values())
    outputs = set(types_of(blueprint.output_model).values())
    fields = [*types_of(blueprint.input_model), *types_of(blueprint.output_model)]
    said = _words(" ".join([task_sentence(blueprint.description), *fields]))

    def similarity(shown: WorkedExample) -> float:
        overlap = len(said & shown.words) / len(said | shown.words)
        shares_input = bool(inputs.intersection(shown.input.values()))
        shares_output = bool(outputs.intersection(shown.output.values()))
        return overlap + 0.3 * shares_input + 0.2 * shares_output

    return sorted(worked_examples(), key=similarity)[-SHOWN_TASKS:]


@lru_cache(maxsize=1)
def worked_examples() -> tuple[WorkedExample, ...]:
    """All solved tasks that come with us, read once."""
    path = project_data_path() / "templates" / "compute" / "worked_examples.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(WorkedExample(e["name"], e["task"], e["input"], e["output"], e["return"]) for e in entries)


def node_question(inputs: str, outputs: str, head: str, task: str) -> str:
    """A node function as it is asked for: both classes, the head, the task as its docstring."""
    return f'Complete this function.\n\n{inputs}\n\n{outputs}\n\n{head}\n    """{task}"""\n'


def class_text(name: str, fields: Mapping[str, str]) -> str:
    """A model as a class with its fields."""
    return "\n".join([f"class {name}:", *(f"    {field}: {type_}" for field, type_ in fields.items())])


def types_of(model: ModelSpec) -> dict[str, str]:
    """Field name to type."""
    return {f.name: f.type for f in model.fields}


def _pattern_task(pattern: Pattern, *, is_plain: bool) -> NodePattern | PlainPattern | None:
    shown = shown_pattern(pattern)
    if shown is None:
        return None
    function = next(
        (n for n in ast.parse(shown.code).body if isinstance(n, ast.FunctionDef) and n.name == pattern.function), None
    )
    if function is None:
        return None
    head = _head_of(function)
    has_models = pattern.output_class in {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
    if has_models == is_plain:
        return None
    return PlainPattern(shown, head) if is_plain else NodePattern(shown, head)


def _head_of(function: ast.FunctionDef) -> str:
    bare = ast.FunctionDef(function.name, function.args, [ast.Pass()], [], function.returns, None, [])
    return ast.unparse(ast.fix_missing_locations(bare)).removesuffix("\n    pass")


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+", text.lower())) - {"a", "an", "the", "of", "and", "from", "to", "data"}
