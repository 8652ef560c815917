"""Reads a function out of a model's answer. The answer is parsed and rebuilt from its syntax tree, never pasted.

Judges only what can be seen in the text; whether the function is right is found out in the sandbox.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from omniclaude_dagster.node.blueprint import NodeBlueprint

MAX_ANSWER_CHARS = 20_000
ALLOWED_MODULES = frozenset(
    "math cmath statistics decimal fractions re string textwrap unicodedata datetime calendar collections itertools "
    "functools operator bisect heapq json hashlib base64 binascii uuid typing enum dataclasses copy random "
    "collections.abc pydantic".split()
)
_FENCE = re.compile(r"```[ \t]*(?:python|py)?[ \t]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


@dataclass(frozen=True)
class FunctionSource:
    """A function as source, or why there is none."""

    source: str | None
    problem: str | None = None


def function_from_answer(answer: str, blueprint: NodeBlueprint) -> FunctionSource:
    """The asked function, with the helpers and imports it brings.

    Accepts a fenced block, plain code, or code after prose. Everything but functions, constants and allowed imports
    is dropped; the function must have the asked name, or be the only one.
    """
    if not answer.strip():
        return FunctionSource(None, "the answer is empty")
    if len(answer) > MAX_ANSWER_CHARS:
        return FunctionSource(None, f"the answer is longer than {MAX_ANSWER_CHARS} characters")
    for text in _candidates(answer, blueprint.logic.function):
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        try:
            return _function_of(module, blueprint)
        except RecursionError:
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


def _function_of(module: ast.Module, blueprint: NodeBlueprint) -> FunctionSource:
    wanted = blueprint.logic.function
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    # Of two functions of one name the later one counts, as it does in Python: small models correct themselves.
    named = [f for f in functions if f.name == wanted]
    chosen = named[-1] if named else (functions[0] if len(functions) == 1 else None)
    if chosen is None:
        return FunctionSource(None, f"the answer defines no function {wanted}")
    imports = [n for n in module.body if isinstance(n, ast.Import | ast.ImportFrom) and not _is_own_model(n)]
    refused = sorted({name for node in imports for name in _modules(node)} - ALLOWED_MODULES)
    if refused:
        return FunctionSource(None, f"the answer imports {', '.join(refused)}, which is not allowed")
    chosen.name = wanted
    _set_signature(chosen, blueprint)
    constants = [n for n in module.body if isinstance(n, ast.Assign | ast.AnnAssign)]
    helpers = [f for f in functions if f.name != wanted]
    kept: list[ast.stmt] = [*imports, *constants, *helpers, chosen]
    source = "\n\n\n".join(ast.unparse(ast.fix_missing_locations(node)) for node in kept)
    return FunctionSource(source + "\n")


def _is_own_model(node: ast.Import | ast.ImportFrom) -> bool:
    """The renderer imports the node's own models; a model repeats that, or `from __future__`, harmlessly."""
    return isinstance(node, ast.ImportFrom) and (node.level > 0 or node.module in {"models", "__future__"})


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _set_signature(function: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    """Give the function the asked parameter and result, whichever names and shapes the answer chose for them."""
    template = ast.parse(signature(blueprint) + "\n    ...").body[0]
    if not isinstance(template, ast.FunctionDef):
        raise TypeError("the signature is no function")
    given = [argument.arg for argument in function.args.args]
    parameter = template.args.args[0]
    fields = {f.name for f in blueprint.input_model.fields}
    if given and given != [parameter.arg] and fields.issuperset(given):
        # Small models like to take the fields themselves: read them from the one parameter first.
        unpacked = [ast.parse(f"{name} = {parameter.arg}.{name}").body[0] for name in given]
        function.body[:0] = unpacked
    elif len(given) == 1:
        parameter.arg = given[0]
    _wrap_returns(function, blueprint)
    function.args = template.args
    function.returns = template.returns
    function.decorator_list = []
    if not ast.get_docstring(function):
        title = blueprint.logic.function.replace("_", " ").capitalize() + "."
        function.body.insert(0, ast.Expr(ast.Constant(title)))


def _wrap_returns(function: ast.FunctionDef, blueprint: NodeBlueprint) -> None:
    """Where the answer never builds the output model, its plain result becomes the model's only field."""
    output = blueprint.output_model
    body = (n for statement in function.body for n in ast.walk(statement))
    builds_model = any(isinstance(n, ast.Name) and n.id == output.class_name for n in body)
    if builds_model or len(output.fields) != 1:
        return
    for node in _own_returns(function):
        if node.value is not None:
            keyword = ast.keyword(output.fields[0].name, node.value)
            node.value = ast.Call(ast.Name(output.class_name, ast.Load()), [], [keyword])


def _own_returns(function: ast.FunctionDef) -> Iterator[ast.Return]:
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return):
            yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


def signature(blueprint: NodeBlueprint) -> str:
    """The line a body is written below."""
    inputs, outputs = blueprint.input_model.class_name, blueprint.output_model.class_name
    parameter = f"items: list[{inputs}]" if blueprint.kind.value == "REDUCER" else f"data: {inputs}"
    return f"def {blueprint.logic.function}({parameter}) -> {outputs}:"
