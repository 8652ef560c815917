"""Field types for values that were only shown: wide enough for inputs of the same shape that nobody showed.

A prompt that shows `top([3, 1], 1)` has not said that only whole numbers come. Where a person wrote an annotation,
it stands as it is (`annotations.py`).
"""

from omniclaude_dagster.contracts.annotations import ANY_HASHABLE, ANY_JSON, NUMBER, members_of, split_union


def widened(field_type_source: str) -> str:
    """`int` -> `int | float`, `list[int]` -> `list[JsonValue]`; a tuple in a list stays a tuple, of any JSON values."""
    parts = split_union(field_type_source)
    kinds = [_widened_part(part) for part in parts]
    if NUMBER.split(" | ")[0] in parts or "float" in parts:
        kinds = [k for k in kinds if k not in {"int", "float"}]
        kinds.insert(0, NUMBER)
    return " | ".join(dict.fromkeys(kinds))


def _widened_part(part: str) -> str:
    container, members = members_of(part)
    if not container:
        return part
    if container in {"set", "frozenset"}:
        return f"{container}[{ANY_HASHABLE}]"
    if container == "dict":
        return f"dict[{members[0]}, {_widened_member(members[1:])}]"
    if container == "tuple":
        return f"tuple[{_widened_member([m for m in members if m != '...'])}, ...]"
    return f"list[{_widened_member(members)}]"


def _widened_member(members: list[str]) -> str:
    """One type for every member: containers keep what they are, so that a tuple inside a list stays a tuple."""
    parts = list(dict.fromkeys(part for member in members for part in split_union(member)))
    nested = list(dict.fromkeys(_widened_part(part) for part in parts if members_of(part)[0]))
    scalars = [part for part in parts if not members_of(part)[0] and part != "None"]
    if not nested or nested == [f"list[{ANY_JSON}]"]:
        return ANY_JSON
    return " | ".join([*([ANY_HASHABLE] if scalars else []), *nested])
