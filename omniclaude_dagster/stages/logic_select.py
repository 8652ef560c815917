"""What of a model's answer is kept: the asked function and what it needs. Judges text only; runs nothing.

Kept are functions, plain constants and allowed imports that the asked function reaches. Everything else at the top
level (calls, usage examples, `if __name__`, tests, unused helpers) is dropped without a word, because it would run
when the module is imported. What is needed and not allowed is refused with the reason, so that the model can mend it.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ALLOWED_MODULES = frozenset(
    "math cmath statistics decimal fractions re string textwrap unicodedata datetime calendar collections itertools "
    "functools operator bisect heapq json hashlib base64 binascii uuid typing enum dataclasses copy random "
    "collections.abc pydantic".split()
)
# What a constant may call when the module is imported: quick, without effect, the same every time.
_PURE_BUILTINS = frozenset(
    "abs bool bytes chr complex dict divmod enumerate float frozenset int len list max min ord pow range reversed "
    "round set sorted str sum tuple zip Decimal Fraction Counter OrderedDict defaultdict deque date datetime "
    "timedelta".split()
)
_PURE_MODULES = frozenset(
    "math cmath decimal fractions re str string datetime collections itertools functools operator dict int "
    "bytes".split()
)
TYPING_NAMES = frozenset(
    "Any Callable Dict FrozenSet Iterable Iterator List Literal Mapping Optional Sequence Set Tuple Union".split()
)
_KNOWN_MODULES = frozenset("bisect collections functools heapq itertools math re statistics".split())
_KEPT_DECORATORS = frozenset({"cache", "lru_cache", "functools.cache", "functools.lru_cache"})

type Import = ast.Import | ast.ImportFrom


class NotAllowedError(ValueError):
    """The answer needs something that it must not have; the message is for the model."""


@dataclass(frozen=True)
class Selection:
    """The statements of the new module, in order; `asked` is the last of them."""

    imports: list[Import]
    constants: list[ast.stmt]
    helpers: list[ast.FunctionDef]
    asked: ast.FunctionDef

    @property
    def statements(self) -> list[ast.stmt]:
        """All of it as the body of a module."""
        return [*self.imports, *self.constants, *self.helpers, self.asked]


def select(module: ast.Module, asked: ast.FunctionDef, *, beside: ast.Module) -> Selection:
    """`asked` with what it reaches, in the answer or else among what the request spells out `beside` it.

    Raises NotAllowedError.
    """
    own = [node for node in (*beside.body, *module.body) if node is not asked]
    imports = [n for n in own if isinstance(n, ast.Import | ast.ImportFrom) and not is_own_model(n)]
    _check_imports(imports)
    # Of two functions of one name the later one counts, as in Python.
    functions = {n.name: n for n in own if isinstance(n, ast.FunctionDef) and n.name != asked.name}
    constants = [(n, names) for n in own if (names := _bound_names(n))]
    elsewhere = {n.name: n for n in own if isinstance(n, ast.ClassDef | ast.AsyncFunctionDef)}
    needed = _reachable(asked, functions, constants)
    for name in sorted(needed & elsewhere.keys() - functions.keys()):
        kind = "class" if isinstance(elsewhere[name], ast.ClassDef) else "async function"
        if not name.startswith("Model"):
            raise NotAllowedError(f"the answer needs its own {kind} {name}; write plain functions only")
    kept_constants = [node for node, names in constants if names & needed]
    kept_functions = [f for name, f in functions.items() if name in needed]
    for node in kept_constants:
        _check_constant(node)
    for function in [*kept_functions, asked]:
        _check_function(function, is_asked=function is asked)
    return Selection([n for n in imports if _binds(n) & needed], kept_constants, kept_functions, asked)


def forgotten_imports(statements: Iterable[ast.stmt]) -> list[Import]:
    """Imports of names that everybody knows, where the code uses them and nothing in it binds them.

    A request's function starts with `from typing import List`, and models take that for granted.
    """
    nodes = [n for statement in statements for n in ast.walk(statement)]
    used = {n.id for n in nodes if isinstance(n, ast.Name)}
    bound = {n.id for n in nodes if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
    bound |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    bound |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    bound |= {name for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for name in _binds(n)}
    typing = sorted(used & TYPING_NAMES - bound)
    modules = [ast.Import([ast.alias(name)]) for name in sorted(used & _KNOWN_MODULES - bound)]
    return [*modules, *([ast.ImportFrom("typing", [ast.alias(n) for n in typing], 0)] if typing else [])]


def is_own_model(node: Import) -> bool:
    """The renderer imports the node's own models; a model repeats that, or `from __future__`, harmlessly."""
    return isinstance(node, ast.ImportFrom) and (node.level > 0 or node.module in {"models", "__future__"})


def _check_imports(imports: Iterable[Import]) -> None:
    found = list(imports)
    refused = sorted({name for node in found for name in _modules(node)} - ALLOWED_MODULES)
    if refused:
        raise NotAllowedError(f"the answer imports {', '.join(refused)}, which is not allowed")
    for node in found:
        if any(alias.name == "*" for alias in node.names):
            raise NotAllowedError("the answer imports with a star; import the names that are used")


def _modules(node: Import) -> list[str]:
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]


def _binds(node: Import) -> set[str]:
    return {alias.asname or alias.name.split(".")[0] for alias in node.names}


def _bound_names(node: ast.stmt) -> set[str]:
    """Names that a plain assignment binds; empty for everything else."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def _reachable(
    asked: ast.FunctionDef,
    functions: dict[str, ast.FunctionDef],
    constants: list[tuple[ast.stmt, set[str]]],
) -> set[str]:
    """Every name that the asked function mentions, directly or through what it mentions."""
    needed: set[str] = set()
    waiting: list[ast.AST] = [asked]
    while waiting:
        mentioned = {n.id for n in ast.walk(waiting.pop()) if isinstance(n, ast.Name)} - needed
        needed |= mentioned
        waiting += [functions[name] for name in sorted(mentioned & functions.keys())]
        waiting += [node for node, names in constants if names & mentioned]
    return needed


def _check_constant(node: ast.stmt) -> None:
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    impure = next(_impure_parts(value), None) if value is not None else None
    if impure is not None:
        shown = ast.unparse(impure)[:80]
        raise NotAllowedError(f"the answer runs {shown} when it is imported; do that inside the function")


def _impure_parts(value: ast.expr) -> Iterator[ast.AST]:
    """Calls, and whatever else is more than writing a value down. What stands in a lambda is not run yet."""
    waiting: list[ast.AST] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
            continue
        is_forbidden = isinstance(node, ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr)
        if is_forbidden or (isinstance(node, ast.Call) and not _is_pure_call(node)):
            yield node
        waiting += ast.iter_child_nodes(node)


def _is_pure_call(node: ast.Call) -> bool:
    if isinstance(node.func, ast.Name):
        return node.func.id in _PURE_BUILTINS
    if isinstance(node.func, ast.Attribute):
        root = node.func.value
        # A method of a text or of a number that is written down there.
        return isinstance(root, ast.Constant) or (isinstance(root, ast.Name) and root.id in _PURE_MODULES)
    return False


def _check_function(function: ast.FunctionDef, *, is_asked: bool) -> None:
    nodes = list(ast.walk(function))
    _check_imports(n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom))
    if is_asked:
        return  # Its parameters and decorators are replaced by ours.
    defaults = [*function.args.defaults, *(d for d in function.args.kw_defaults if d is not None)]
    impure = next((part for default in defaults for part in _impure_parts(default)), None)
    if impure is not None:
        raise NotAllowedError(f"{function.name} runs {ast.unparse(impure)[:80]} when it is defined")
    for decorator in function.decorator_list:
        name = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if name not in _KEPT_DECORATORS:
            raise NotAllowedError(f"{function.name} is decorated with {name[:80]}; write plain functions")
