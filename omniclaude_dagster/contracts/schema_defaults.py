"""Default values of a schema as Python source, of the type their field has; they were judged before they come here."""

import ast
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Base64Bytes, TypeAdapter

from omniclaude_dagster.node.blueprint import EnumSpec

# The types that formats stand for, to read values of them here.
RUNTIME_TYPES: Mapping[str, Any] = {
    "AwareDatetime": AwareDatetime, "date": date, "time": time, "timedelta": timedelta, "UUID": UUID,
    "IPv4Address": IPv4Address, "IPv6Address": IPv6Address, "Base64Bytes": Base64Bytes, "Decimal": Decimal,
}  # fmt: skip

_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "AwareDatetime": lambda value: f"datetime.fromisoformat({value.isoformat()!r})",
    "date": lambda value: f"date.fromisoformat({value.isoformat()!r})",
    "time": lambda value: f"time.fromisoformat({value.isoformat()!r})",
    "timedelta": lambda value: f"timedelta(seconds={value.total_seconds()!r})",
    "Base64Bytes": repr,
    **{name: (lambda value, name=name: f"{name}({str(value)!r})")  # type: ignore[misc]
       for name in ("UUID", "IPv4Address", "IPv6Address", "Decimal")},
}  # fmt: skip
_SCALARS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "StrictInt": (int,),
    "StrictFloat": (int, float),
    "StrictBool": (bool,),
}


class NoDefaultError(ValueError):
    """A value cannot be written as a default of its type."""


def default_source(value: Any, type_source: str, *, enum: Callable[[str], EnumSpec], waiting: frozenset[str]) -> str:
    """`dict`, `list`, a `lambda` for what must be made anew, or an expression. Raises NoDefaultError.

    `waiting` are models that are not finished where the default would be made.
    """
    expression = _Writer(enum, waiting).written(value, ast.parse(type_source, mode="eval").body)
    if expression in {"[]", "{}"}:
        return "list" if expression == "[]" else "dict"
    is_made_anew = any(isinstance(n, ast.List | ast.Dict) for n in ast.walk(ast.parse(expression, mode="eval")))
    return f"lambda: {expression}" if is_made_anew else expression


class _Writer:
    def __init__(self, enum: Callable[[str], EnumSpec], waiting: frozenset[str]) -> None:
        self._enum = enum
        self._waiting = waiting

    def written(self, value: Any, kind: ast.expr) -> str:
        if isinstance(kind, ast.BinOp):
            return self._first(value, [kind.left, kind.right])
        if isinstance(kind, ast.Constant) and kind.value is None:
            return _checked("None", value is None)
        if isinstance(kind, ast.Name):
            return self._named(value, kind.id)
        if isinstance(kind, ast.Subscript) and isinstance(kind.value, ast.Name):
            return self._generic(value, kind.value.id, kind.slice)
        raise NoDefaultError(ast.unparse(kind))

    def _first(self, value: Any, kinds: list[ast.expr]) -> str:
        for kind in kinds:
            try:
                return self.written(value, kind)
            except NoDefaultError:
                continue
        raise NoDefaultError(value)

    def _named(self, value: Any, name: str) -> str:
        if name in _SCALARS:
            fits = isinstance(value, _SCALARS[name]) and (name == "StrictBool" or not isinstance(value, bool))
            return _checked(repr(float(value)) if name == "StrictFloat" and fits else repr(value), fits)
        if name == "JsonValue":
            return repr(value)
        if name.startswith("Enum"):
            return self._member(value, name)
        if name.startswith("Model"):
            is_ready = isinstance(value, dict) and name not in self._waiting
            return _checked(f"{name}.model_validate({value!r})", is_ready)
        if name in _WRITTEN and isinstance(value, str):
            try:
                return _WRITTEN[name](TypeAdapter(RUNTIME_TYPES[name]).validate_python(value))
            except ValueError:
                raise NoDefaultError(value) from None
        raise NoDefaultError(name)

    def _member(self, value: Any, name: str) -> str:
        enum = self._enum(name)
        for member, known in zip(enum.members, enum.values, strict=True):
            is_same_kind = isinstance(value, str) == (enum.base == "StrEnum") and not isinstance(value, bool)
            if is_same_kind and known == str(value):
                return f"{name}.{member}"
        raise NoDefaultError(value)

    def _generic(self, value: Any, name: str, arguments: ast.expr) -> str:
        parts = list(arguments.elts) if isinstance(arguments, ast.Tuple) else [arguments]
        if name == "Annotated":
            return self.written(value, parts[0])
        if name == "Literal":
            return _checked(repr(value), any(ast.literal_eval(p) == value for p in parts))
        if name == "list" and isinstance(value, list):
            return f"[{', '.join(self.written(item, parts[0]) for item in value)}]"
        if name == "tuple" and isinstance(value, list) and len(value) == len(parts):
            items = "".join(f"{self.written(item, kind)}, " for item, kind in zip(value, parts, strict=True))
            return f"({items})"
        if name == "dict" and isinstance(value, dict):
            return "{" + ", ".join(f"{k!r}: {self.written(v, parts[1])}" for k, v in value.items()) + "}"
        raise NoDefaultError(name)


def _checked(source: str, is_right: bool) -> str:
    if not is_right:
        raise NoDefaultError(source)
    return source
