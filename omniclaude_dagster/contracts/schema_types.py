"""What the mapper makes of a schema: a Python type as source, with the constraints that belong to it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from omniclaude_dagster.node.blueprint import names_in

Constraint = int | float | str


@dataclass(frozen=True)
class MappedType:
    """A type that accepts what a schema accepts.

    `source` has no constraints of its own at the top; `inline()` is the same type for use inside another one.
    """

    source: str
    constraints: Mapping[str, Constraint] = field(default_factory=dict)
    # Source of functions that look at the value once it has its type.
    checks: tuple[str, ...] = ()
    is_nullable: bool = False

    def inline(self) -> str:
        """The type with all that belongs to it, in one expression."""
        metadata = (
            [f"Field({', '.join(f'{k}={v!r}' for k, v in self.constraints.items())})"] if self.constraints else []
        )
        metadata += [f"AfterValidator({check})" for check in self.checks]
        base = f"Annotated[{self.source}, {', '.join(metadata)}]" if metadata else self.source
        return f"{base} | None" if self.is_nullable else base

    def field_type(self) -> tuple[str, Mapping[str, Constraint]]:
        """Type of a model's field, and the constraints that its `Field` takes."""
        if self.checks:
            return self.inline(), {}
        return f"{self.source} | None" if self.is_nullable else self.source, self.constraints

    def nullable(self) -> "MappedType":
        """The same type, or null."""
        is_any = self.source in {"JsonValue", "None"} and not self.checks
        return self if is_any else replace(self, is_nullable=True)

    @property
    def names(self) -> frozenset[str]:
        """Names the type is written with."""
        return names_in(self.inline())


_STRICT = re.compile(r"\bStrict(Int|Float|Bool)\b|\bAware(Datetime)\b")


def plain_type(source: str) -> str:
    """The type as planners compare it: `StrictInt` -> `int`."""
    return _STRICT.sub(lambda found: (found[1] or found[2]).lower(), source)


JSON_VALUE = MappedType("JsonValue")


def union(members: list[MappedType], *, discriminator: str | None = None) -> MappedType:
    """One type for several; equal members once, null last."""
    is_nullable = any(m.is_nullable or m.source == "None" for m in members)
    plain = [replace(m, is_nullable=False) for m in members if m.source != "None"]
    distinct = list(dict.fromkeys(m.inline() for m in plain))
    if not distinct:
        return MappedType("None")
    if "JsonValue" in distinct:
        return JSON_VALUE
    if len(distinct) == 1:
        return replace(plain[0], is_nullable=is_nullable)
    constraints: dict[str, Constraint] = {"discriminator": discriminator} if discriminator else {}
    return MappedType(" | ".join(distinct), constraints, is_nullable=is_nullable)
