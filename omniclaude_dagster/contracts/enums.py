"""Enums and Literals for sets of values: named by the field they belong to, shared where field and values agree.

Texts become a StrEnum, whole numbers an IntEnum, one value or a mixture a Literal. What no Literal can hold
(fractions, objects, lists) is left to the caller.
"""

from collections.abc import Collection, Sequence
from typing import Any

from omniclaude_dagster.contracts import schema_names
from omniclaude_dagster.node.blueprint import EnumSpec

Scalar = str | int | bool | None


class EnumBook:
    """The enums of one node. `taken` are modules that others have."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self._taken = set(taken)
        self._enums: list[EnumSpec] = []
        # Field name and value set -> the enum both places share.
        self._shared: dict[tuple[str, frozenset[tuple[type, Any]]], EnumSpec] = {}

    @property
    def specs(self) -> tuple[EnumSpec, ...]:
        """Every enum, in the order in which they were met."""
        return tuple(self._enums)

    def spec(self, class_name: str) -> EnumSpec:
        """The enum of this name."""
        return next(enum for enum in self._enums if enum.class_name == class_name)

    def enum_for(self, values: Sequence[str] | Sequence[int], *, owner: str, name: str, description: str) -> EnumSpec:
        """The enum of a field: `status` of `Order` -> `EnumOrderStatus`."""
        key = (name, frozenset((type(value), value) for value in values))
        if key in self._shared:
            return self._shared[key]
        stem = schema_names.class_stem(name)
        wanted = f"Enum{stem}" if not owner or stem.startswith(owner) else f"Enum{owner}{stem}"
        is_text = isinstance(values[0], str)
        taken: set[str] = set()
        enum = EnumSpec(
            class_name=schema_names.numbered_class(wanted, self._taken),
            description=description,
            values=tuple(map(str, values)),
            members=tuple(_member(value, taken) for value in values),
            base="StrEnum" if is_text else "IntEnum",
        )
        self._enums.append(enum)
        self._shared[key] = enum
        return enum


def distinct(values: Sequence[Any]) -> list[Any]:
    """The values without repetitions; 1 and true are two values, as in JSON."""
    seen: list[tuple[type, Any]] = []
    for value in values:
        if (type(value), value) not in seen:
            seen.append((type(value), value))
    return [value for _, value in seen]


def is_text_set(values: Sequence[Any]) -> bool:
    """At least two texts and nothing else."""
    return len(values) > 1 and all(isinstance(v, str) for v in values)


def is_number_set(values: Sequence[Any]) -> bool:
    """At least two whole numbers and nothing else."""
    return len(values) > 1 and all(type(v) is int for v in values)


def is_literal_set(values: Sequence[Any]) -> bool:
    """Whether a Literal can hold them all."""
    return all(v is None or type(v) in {str, int, bool} for v in values)


def _member(value: str | int, taken: set[str]) -> str:
    if isinstance(value, str):
        return schema_names.member_name(value, taken)
    return schema_names.numbered(f"MINUS_{-value}" if value < 0 else f"VALUE_{value}", taken)
