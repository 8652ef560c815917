"""Which variable a name in Python code means: scopes as Python resolves them, read from the syntax tree.

Made for comparing code (`fingerprint.py`). Names in class bodies are attributes and belong to nobody's scope here.
"""

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

type Function = ast.FunctionDef | ast.AsyncFunctionDef
type Comprehension = ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


@dataclass(frozen=True)
class Variable:
    """Bound by the code itself. `scope` tells two of one name apart."""

    scope: int
    name: str


@dataclass(frozen=True)
class Imported:
    """Bound by an import: the dotted path it stands for, as `math.sqrt`."""

    path: str


@dataclass(frozen=True)
class Own:
    """One of the node's own classes, however it came to be known here."""

    name: str


@dataclass(frozen=True)
class Unbound:
    """Bound nowhere in the code: a builtin, or the attribute of a class."""

    name: str


type Meaning = Variable | Imported | Own | Unbound


@dataclass
class Scope:
    """The names that a module, function, class, lambda or comprehension binds, and where the others are looked up."""

    number: int
    parent: "Scope | None" = None
    is_class: bool = False
    bound: dict[str, Meaning] = field(default_factory=dict)
    global_names: frozenset[str] = frozenset()


class Scopes:
    """Makes scopes, one inside the other, and resolves names in them."""

    def __init__(self, own_classes: Collection[str]) -> None:
        self._own_classes = frozenset(own_classes)
        self._count = 0

    def inside(
        self,
        parent: Scope | None,
        nodes: Iterable[ast.AST],
        *,
        parameters: Iterable[str] = (),
        is_class: bool = False,
    ) -> Scope:
        """The scope of these nodes: the body of a definition, or the parts of a comprehension."""
        self._count += 1
        scope = Scope(self._count, parent, is_class)
        body = list(nodes)
        scope.global_names = frozenset(_declared(body, ast.Global))
        elsewhere = scope.global_names.union(_declared(body, ast.Nonlocal))
        for name in (*parameters, *(name for node in body for name in _stored(node))):
            if name not in elsewhere:
                scope.bound.setdefault(name, Unbound(name) if is_class else Variable(scope.number, name))
        # An import wins: a name that is also assigned, as in `except ImportError: name = None`, still means the module.
        for name, path in _imports(body):
            scope.bound[name] = self._imported(path, before=scope.bound.get(name))
        return scope

    def meaning(self, name: str, scope: Scope) -> Meaning:
        """What a name means in a scope. Class bodies are seen only from directly inside."""
        place: Scope | None = scope
        while place is not None:
            if name in place.bound and (place is scope or not place.is_class):
                return place.bound[name]
            place = _outermost(place) if name in place.global_names else place.parent
        return Own(name) if name in self._own_classes else Unbound(name)

    def is_own(self, name: str) -> bool:
        """Whether it is the name of one of the node's own classes."""
        return name in self._own_classes

    def _imported(self, path: str, *, before: Meaning | None) -> Meaning:
        if path.startswith(".") or path.rpartition(".")[2] in self._own_classes:
            return Own(path.rpartition(".")[2])
        return Imported(f"{before.path}|{path}" if isinstance(before, Imported) and before.path != path else path)


def parameters_of(node: Function | ast.Lambda) -> list[ast.arg]:
    """All parameters, in the order in which they are written."""
    arguments = node.args
    starred = [argument for argument in (arguments.vararg,) if argument]
    double_starred = [argument for argument in (arguments.kwarg,) if argument]
    return [*arguments.posonlyargs, *arguments.args, *starred, *arguments.kwonlyargs, *double_starred]


def defaults_of(node: Function | ast.Lambda) -> list[ast.expr | None]:
    """The defaults, which the surrounding scope evaluates; None for a keyword parameter without one."""
    return [*node.args.defaults, *node.args.kw_defaults]


def _stored(node: ast.AST, *, is_in_comprehension: bool = False) -> Iterator[str]:
    """Names that a node binds in the scope that it stands in."""
    yield from _named(node, is_in_comprehension=is_in_comprehension)
    is_inner = is_in_comprehension or isinstance(node, COMPREHENSIONS)
    for child in _same_scope_children(node):
        yield from _stored(child, is_in_comprehension=is_inner)


def _named(node: ast.AST, *, is_in_comprehension: bool) -> Iterator[str]:
    match node:
        case ast.NamedExpr(target=ast.Name(id=name)):
            # Binds outside of a comprehension, wherever in it it stands.
            yield name
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if not is_in_comprehension:
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name


def _same_scope_children(node: ast.AST) -> Iterable[ast.AST]:
    if isinstance(node, FUNCTIONS):
        return [*node.decorator_list, *(default for default in defaults_of(node) if default)]
    if isinstance(node, ast.Lambda):
        return [default for default in defaults_of(node) if default]
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *node.keywords]
    return ast.iter_child_nodes(node)


def _outermost(scope: Scope) -> Scope | None:
    """The module's scope; None for that itself, where a name that it does not bind is looked up no further."""
    place = scope
    while place.parent is not None:
        place = place.parent
    return place if place is not scope else None


def _declared(nodes: Iterable[ast.AST], kind: type[ast.Global] | type[ast.Nonlocal]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, kind):
            yield from node.names
        yield from _declared(_same_scope_children(node), kind)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Local name and dotted path of every import that binds in this scope; a relative path keeps its dots."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                yield alias.asname or root, alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (f"{node.module}." if node.module else "")
            for alias in node.names:
                yield alias.asname or alias.name, prefix + alias.name
        yield from _imports(_same_scope_children(node))
