"""Canonical solutions in the form in which a model would have answered, and as the pipeline would keep them.

Edits text only; runs nothing of it.

MBPP+ shows calls, never a signature, so our request gives the parameters names of its own (`arg_1`). A model sees
them and uses them; a canonical solution has others, and would be refused for that alone.
"""

import ast
from functools import lru_cache

from omniclaude_dagster.benchmark.patterns_texts import code_key
from omniclaude_dagster.benchmark.tasks import BenchmarkTask
from omniclaude_dagster.request.model import NodeKind
from omniclaude_dagster.request.understanding import understand
from omniclaude_dagster.request.understanding.python_text import NotPythonError, module_of
from omniclaude_dagster.stages.logic_tidy import tidied


def fitted_solution(task: BenchmarkTask) -> str:
    """The solution with the parameters that the request asks for; unchanged where that cannot be done safely."""
    parsed = understand(task.prompt, node_kind=NodeKind.COMPUTE)
    if parsed.signature is None:
        return task.solution
    return with_parameters(task.solution, task.entry_point, [p.name for p in parsed.signature.parameters])


def solution_keys(task: BenchmarkTask) -> frozenset[str]:
    """The `code_key` of the solution as it is published, and of what the pipeline makes of it."""
    return _keys(task.solution, task.entry_point)


@lru_cache(maxsize=4096)
def _keys(source: str, function: str) -> frozenset[str]:
    keys = (code_key(text, function) for text in (source, tidied(source)))
    return frozenset(key for key in keys if key is not None)


def with_parameters(source: str, function: str, names: list[str]) -> str:
    """The module with the function's parameters renamed in order.

    Unchanged where the function is missing or takes more than plain parameters, where their number differs, or where
    a new name is already used for something else.
    """
    try:
        module = module_of(source)
    except NotPythonError:
        return source
    found = [n for n in module.body if isinstance(n, ast.FunctionDef) and n.name == function]
    if not found:
        return source
    asked, given = found[-1], found[-1].args
    old = [a.arg for a in (*given.posonlyargs, *given.args)]
    is_plain = not (given.vararg or given.kwarg or given.kwonlyargs)
    if old == names or not is_plain or len(old) != len(names) or _names_in(asked) - set(old) & set(names):
        return source
    _rename(asked, dict(zip(old, names, strict=True)))
    return ast.unparse(module) + "\n"


def _names_in(function: ast.FunctionDef) -> set[str]:
    """Every name that is read, bound or declared anywhere in the function."""
    names: set[str] = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Global(names=several) | ast.Nonlocal(names=several):
                names.update(several)
    return names


def _rename(function: ast.FunctionDef, new: dict[str, str]) -> None:
    """Rename everywhere in the function: an inner parameter of the same name stays the same as its own uses."""
    for node in ast.walk(function):
        match node:
            case ast.Name():
                node.id = new.get(node.id, node.id)
            case ast.arg():
                node.arg = new.get(node.arg, node.arg)
            case ast.Nonlocal():
                node.names = [new.get(name, name) for name in node.names]
            case ast.Call(func=ast.Name(id=called)) if called == function.name:
                for keyword in node.keywords:
                    keyword.arg = new.get(keyword.arg, keyword.arg) if keyword.arg else None
