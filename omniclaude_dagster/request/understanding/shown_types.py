"""The annotation that values shown in a prompt stand for: `(1, 2)` and `(3,)` are `tuple[int, ...]`.

Only for parameters and results a person did not annotate; `contracts.annotations` makes field types of annotations.
"""

from collections.abc import Sequence
from typing import Any

_ANYTHING = "Any"
_MAX_DEPTH = 8


def shown_annotation(values: Sequence[Any], *, depth: int = 0) -> str | None:
    """The narrowest annotation that holds every value; None when there are none or they cannot be described."""
    if not values or depth > _MAX_DEPTH:
        return None
    kinds: dict[type, list[Any]] = {}
    for value in values:
        kinds.setdefault(type(value), []).append(value)
    parts = [_annotation_of(kind, members, depth) for kind, members in kinds.items() if kind is not type(None)]
    if type(None) in kinds:
        parts.append("None")
    return None if None in parts else " | ".join(p for p in parts if p)


def is_unsaid(annotation: str | None) -> bool:
    """Whether an annotation leaves open what values show: there is none, or a container without its members."""
    return annotation is None or annotation.rpartition(".")[2] in {"list", "tuple", "dict", "set", "frozenset", "List",
                                                                  "Tuple", "Dict", "Set", "FrozenSet"}  # fmt: skip


def _annotation_of(kind: type, values: list[Any], depth: int) -> str | None:
    if kind in {bool, int, float, str, bytes}:
        return kind.__name__
    if kind is dict:
        return _dict_of(values, depth)
    if kind is tuple:
        return _tuple_of(values, depth)
    if kind in {list, set, frozenset}:
        return f"{kind.__name__}[{_members(values, depth)}]"
    return None


def _members(values: Sequence[Any], depth: int) -> str:
    return shown_annotation([item for value in values for item in value], depth=depth + 1) or _ANYTHING


def _dict_of(values: Sequence[Any], depth: int) -> str:
    keys = shown_annotation([key for value in values for key in value], depth=depth + 1) or "str"
    return f"dict[{keys}, {_members([value.values() for value in values], depth)}]"


def _tuple_of(values: Sequence[Any], depth: int) -> str:
    """Members of one kind may be any number, as a tuple of scores; members of different kinds have their places."""
    lengths = {len(value) for value in values}
    members = _members(values, depth)
    if len(lengths) > 1 or lengths == {0} or " | " not in members:
        return f"tuple[{members}, ...]"
    length = lengths.pop()
    places = [shown_annotation([value[n] for value in values], depth=depth + 1) or _ANYTHING for n in range(length)]
    is_record = len(values) > 1 and all(" | " not in place for place in places)
    return f"tuple[{', '.join(places)}]" if is_record else f"tuple[{members}, ...]"
