"""Reads a function out of a model's answer. The answer is parsed and rebuilt from its syntax tree, never pasted.

Judges only what can be seen in the text; whether the function is right is found out in the sandbox (`logic_trial.py`).
What is kept is `logic_select.py`'s matter, the signature `logic_shape.py`'s.
"""

import ast
import re
from dataclasses import dataclass

from omniclaude_dagster.artifact.unparsing import unparsed
from omniclaude_dagster.node.blueprint import NodeBlueprint
from omniclaude_dagster.stages.logic_annotations import annotate
from omniclaude_dagster.stages.logic_select import NotAllowedError, forgotten_imports, select
from omniclaude_dagster.stages.logic_shape import fit

MAX_ANSWER_CHARS = 20_000
_FENCE = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


@dataclass(frozen=True)
class FunctionSource:
    """A function as source, or why there is none."""

    source: str | None
    problem: str | None = None


def function_from_answer(answer: str, blueprint: NodeBlueprint, *, helpers: str = "") -> FunctionSource:
    """The asked function, with the helpers, constants and imports that it needs.

    `helpers` are functions that the request itself spells out beside it: the answer may use them as they are.
    Accepts a fenced block, plain code, or code after prose. The function must have the asked name; a node function,
    whose name is ours, may have another if it is the only one.
    """
    if not answer.strip():
        return FunctionSource(None, "the answer is empty")
    if len(answer) > MAX_ANSWER_CHARS:
        return FunctionSource(None, f"the answer is longer than {MAX_ANSWER_CHARS} characters")
    for text in _candidates(answer, blueprint.logic.function):
        try:
            module = ast.parse(text)
        except _UNREADABLE:
            continue
        try:
            return FunctionSource(_source_of(module, blueprint, helpers))
        except NotAllowedError as exc:
            return FunctionSource(None, str(exc))
        except (RecursionError, MemoryError, SyntaxError):
            return FunctionSource(None, "the answer is nested too deeply")
    return FunctionSource(None, "the answer holds no Python that can be parsed")


def _candidates(answer: str, function: str) -> list[str]:
    fenced = _FENCE.findall(answer)
    start = re.search(rf"^(?:from |import |def {re.escape(function)}\b|def )", answer, re.MULTILINE)
    unfenced = [answer[start.start() :]] if start else []
    return [*sorted(fenced, key=lambda block: f"def {function}" not in block), answer, *unfenced, *map(_cut, unfenced)]


def _cut(text: str) -> str:
    """The leading lines up to the first that is neither indented, blank nor the start of a definition."""
    kept: list[str] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not re.match(r"(def|from|import|@|#|[A-Z_]+ ?=)", line):
            break
        kept.append(line)
    return "\n".join(kept)


def _source_of(module: ast.Module, blueprint: NodeBlueprint, helpers: str) -> str:
    asked = _asked_function(module, blueprint)
    beside = ast.parse(helpers)
    fit(asked, blueprint)
    chosen = select(module, asked, beside=beside)
    annotate(chosen.asked, chosen.helpers)
    statements = [*forgotten_imports(chosen.statements), *chosen.statements]
    return unparsed(statements) + "\n"


def _asked_function(module: ast.Module, blueprint: NodeBlueprint) -> ast.FunctionDef:
    wanted = blueprint.logic.function
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    # Of two functions of one name the later one counts, as it does in Python: small models correct themselves.
    named = [f for f in functions if f.name == wanted]
    if named:
        return named[-1]
    if len(functions) != 1 or blueprint.signature is not None:
        raise NotAllowedError(f"the answer defines no function {wanted}")
    _rename(functions[0], wanted)
    return functions[0]


def _rename(function: ast.FunctionDef, wanted: str) -> None:
    """The name of a node's function is ours, not the request's: another one is replaced, also where it calls itself."""
    old, function.name = function.name, wanted
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id == old:
            node.id = wanted
