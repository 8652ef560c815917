"""Annotations that a person wrote become precise field types: an allow-list over the syntax tree, never `Any`.

Nothing is imported or evaluated. Where an annotation says `Any` or nothing, a field holds any JSON value.
"""

import ast

from omniclaude_dagster.errors import RequestError

ANY_JSON = "JsonValue"
# A float parameter gets a whole number as the whole number it is, as a plain call would give it.
NUMBER = "int | float"
_MAX_DEPTH = 12
_PLAIN = {
    "int": "int",
    "float": NUMBER,
    "str": "str",
    "bool": "bool",
    "bytes": "bytes",
    "None": "None",
    "NoneType": "None",
    "Any": ANY_JSON,
    "object": ANY_JSON,
    "JsonValue": ANY_JSON,
    "datetime": "datetime",
    "date": "date",
    "UUID": "UUID",
    "Decimal": "Decimal",
    "Number": NUMBER,
    "Text": "str",
    "AnyStr": "str",
}
_CONTAINERS = {
    **dict.fromkeys(("list", "List", "Sequence", "MutableSequence", "Iterable", "Collection", "Iterator"), "list"),
    **dict.fromkeys(("tuple", "Tuple"), "tuple"),
    **dict.fromkeys(("set", "Set", "AbstractSet", "MutableSet"), "set"),
    **dict.fromkeys(("frozenset", "FrozenSet"), "frozenset"),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping", "DefaultDict", "OrderedDict"), "dict"),
}
_KEYS = frozenset({"str", "int", "UUID", "date", "datetime", "bool"})
# Members of a set must be hashable, which a JSON list or object is not.
ANY_HASHABLE = "str | int | float | bool | None"


class AnnotationError(RequestError):
    """An annotation that no field type stands for."""


def field_type(annotation: str) -> str:
    """`List[Tuple[str, float]]` -> `list[tuple[str, int | float]]`. Raises AnnotationError for what is not allowed."""
    try:
        node = ast.parse(annotation.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise AnnotationError(f"{annotation[:80]!r} is no annotation.", cure="write a Python type") from exc
    return _type(node, 0)


def function_type(field_type_source: str) -> str:
    """The annotation a function has for a field's type, as people write it: `float` takes whole numbers too."""
    return field_type_source.replace(NUMBER, "float")


def split_union(source: str) -> list[str]:
    """The members of a union: `list[int | str] | None` -> `list[int | str]`, `None`."""
    return _split_outside(source, " | ")


def members_of(source: str) -> tuple[str, list[str]]:
    """`dict[str, int]` -> `dict`, [`str`, `int`]; a type without members has no container: ``""``."""
    container, bracket, inside = source.partition("[")
    if not bracket or not source.endswith("]") or len(split_union(source)) > 1:
        return "", []
    return container, _split_outside(inside[:-1], ", ")


def _split_outside(source: str, separator: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for position, char in enumerate(source):
        depth += (char == "[") - (char == "]")
        if depth == 0 and source.startswith(separator, position):
            parts.append(source[start:position])
            start = position + len(separator)
    return [*parts, source[start:]]


def _type(node: ast.expr, depth: int) -> str:
    if depth > _MAX_DEPTH:
        raise AnnotationError("the annotation is nested too deeply.", cure="name a simpler type")
    if isinstance(node, ast.Constant):
        return _constant(node, depth)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([node.left, node.right], depth)
    if isinstance(node, ast.Subscript):
        return _subscript(node, depth)
    name = _name(node)
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _CONTAINERS:
        return _bare(_CONTAINERS[name])
    raise _unknown(node)


def _constant(node: ast.Constant, depth: int) -> str:
    """`None`, or a type in quotes."""
    if node.value is None:
        return "None"
    if not isinstance(node.value, str):
        raise _unknown(node)
    try:
        return _type(ast.parse(node.value, mode="eval").body, depth + 1)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _unknown(node) from None


def _subscript(node: ast.Subscript, depth: int) -> str:
    name = _name(node.value)
    inside = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Union":
        return _union(inside, depth)
    if name == "Optional":
        return _union([*inside, ast.Constant(None)], depth)
    if name in {"Annotated", "Final", "Required", "NotRequired"} and inside:
        return _type(inside[0], depth + 1)
    container = _CONTAINERS.get(name)
    if container == "tuple":
        return _tuple(inside, depth)
    if container == "dict":
        return _dict(node, inside, depth)
    if container is None or len(inside) != 1:
        raise _unknown(node)
    member = _type(inside[0], depth + 1)
    if container in {"set", "frozenset"}:
        is_hashable = not any(word in member for word in (ANY_JSON, "list[", "dict[", "set["))
        member = member if is_hashable else ANY_HASHABLE
    return f"{container}[{member}]"


def _union(nodes: list[ast.expr], depth: int) -> str:
    """Members in the order they were written, each once, None last; `int | Any` is any JSON value."""
    members: list[str] = []
    for node in nodes:
        for member in split_union(_type(node, depth + 1)):
            if member not in members:
                members.append(member)
    if ANY_JSON in members:
        return ANY_JSON
    if "int" in members and "float" in members:
        members = [m for m in members if m not in {"int", "float"}]
        members.insert(0, NUMBER)
    is_optional = "None" in members
    return " | ".join([*(m for m in members if m != "None"), *(["None"] if is_optional else [])])


def _tuple(inside: list[ast.expr], depth: int) -> str:
    if not inside:
        return "tuple[()]"
    places = [node for node in inside if not (isinstance(node, ast.Constant) and node.value is Ellipsis)]
    members = [_type(node, depth + 1) for node in places]
    if not members:
        raise AnnotationError("a tuple names no members.", cure="write tuple[int, str] or tuple[int, ...]")
    return f"tuple[{', '.join(members)}{', ...' if len(places) < len(inside) else ''}]"


def _dict(node: ast.expr, inside: list[ast.expr], depth: int) -> str:
    if len(inside) != 2:
        raise _unknown(node)
    keys = _type(inside[0], depth + 1)
    plain = keys if all(key in _KEYS for key in split_union(keys)) else "str"
    return f"dict[{plain}, {_type(inside[1], depth + 1)}]"


def _bare(container: str) -> str:
    if container == "dict":
        return f"dict[str, {ANY_JSON}]"
    if container == "tuple":
        return f"tuple[{ANY_JSON}, ...]"
    return f"{container}[{ANY_HASHABLE if container in {'set', 'frozenset'} else ANY_JSON}]"


def _name(node: ast.expr) -> str:
    """`typing.List` and `List` are the same."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _unknown(node: ast.expr) -> AnnotationError:
    return AnnotationError(
        f"the type {ast.unparse(node)[:80]!r} cannot be a field.",
        cure="use int, float, str, bool, list, tuple, set, dict, Optional, Union, date, datetime, UUID or Decimal",
    )
