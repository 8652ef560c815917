"""Maps the schemas of one contract to Python types, models and enums; never `Any`.

Decides type by type what a schema accepts. Objects are in `schema_objects.py`, texts and numbers in
`schema_scalars.py`, value sets in `enums.py`; what cannot be said in a type is noted.
"""

from dataclasses import dataclass, replace
from typing import Any

from omniclaude_dagster.contracts.enums import (
    EnumBook,
    distinct,
    is_literal_set,
    is_number_set,
    is_text_set,
)
from omniclaude_dagster.contracts.references import References, name_of
from omniclaude_dagster.contracts.schema_merge import ANNOTATIONS, combined, merged
from omniclaude_dagster.contracts.schema_notes import Notes
from omniclaude_dagster.contracts.schema_objects import ObjectMapper
from omniclaude_dagster.contracts.schema_scalars import number_type, text_type
from omniclaude_dagster.contracts.schema_types import JSON_VALUE, MappedType, union
from omniclaude_dagster.contracts.schema_values import SchemaValues, inferred_types
from omniclaude_dagster.contracts.type_mapper import type_singular

_BRANCH_KEYWORDS = frozenset({"anyOf", "oneOf"})
_MAX_DEPTH = 100
_MAX_LITERALS = 1_000


@dataclass(frozen=True)
class Place:
    """Where a schema stands: its path for notes, and the words its model or enum is named with."""

    path: str
    # Stem of the model around it, and the property it is; a definition has no owner.
    owner: str
    name: str
    depth: int = 0

    def inside(self, step: str, *, name: str | None = None) -> "Place":
        """A place one step deeper, with the same owner."""
        path = f"{self.path}.{step}" if self.path else step
        return replace(self, path=path, name=self.name if name is None else name, depth=self.depth + 1)


class SchemaMapper:
    """Everything that is mapped from one document shares models, enums and notes."""

    def __init__(
        self, document: dict[str, Any], *, taken_classes: frozenset[str], taken_enums: frozenset[str] = frozenset()
    ) -> None:
        self.references = References(document)
        self.references.check()
        self.values = SchemaValues(document)
        self.notes = Notes()
        self.enums = EnumBook(taken_enums)
        self.objects = ObjectMapper(self, taken_classes)
        # Reference -> its type; None while it is being mapped.
        self._targets: dict[str, MappedType | None] = {}

    def mapped(self, schema: Any, place: Place) -> MappedType:
        """The type of a schema."""
        note = self.notes.at(place.path)
        if place.depth > _MAX_DEPTH:
            note("nested too deeply; read as any JSON")
            return JSON_VALUE
        if not isinstance(schema, dict):
            if schema is False:
                note("false accepts no value; read as any JSON")
            return JSON_VALUE
        if isinstance(schema.get("$ref"), str) and not schema.keys() - ANNOTATIONS - {"$ref"}:
            return self._target(schema["$ref"], place)
        plain = merged(schema, self.references, note)
        if not isinstance(plain, dict):
            return self.mapped(plain, place.inside(""))
        self.notes.about_keywords(plain, place.path)
        return self._plain(plain, place)

    def _target(self, reference: str, place: Place) -> MappedType:
        """A definition is mapped once, under its own name."""
        if reference in self._targets:
            known = self._targets[reference]
            if known is None:
                self.notes.add(place.path, f"{name_of(reference)} holds itself without an object; read as any JSON")
                return JSON_VALUE
            return known
        self._targets[reference] = None
        name = name_of(reference)
        inner = Place(name, "", name, place.depth + 1)
        target = merged(self.references.target(reference), self.references, self.notes.at(name))
        if isinstance(target, dict) and self.objects.is_model(target):
            # Named before it is mapped, so that it can mention itself.
            class_name = self.objects.reserved(inner)
            self._targets[reference] = MappedType(class_name)
            self.notes.about_keywords(target, name)
            self.objects.build(target, inner, class_name)
            return MappedType(class_name)
        found = self.mapped(self.references.target(reference), inner)
        self._targets[reference] = found
        return found

    def remember(self, reference: str, class_name: str) -> None:
        """A model that is built elsewhere (the root) is what this reference leads to."""
        self._targets[reference] = MappedType(class_name)

    def _plain(self, schema: dict[str, Any], place: Place) -> MappedType:
        if "const" in schema:
            return self._value_set([schema["const"]], schema, place)
        if isinstance(schema.get("enum"), list):
            return self._value_set(schema["enum"], schema, place)
        if _BRANCH_KEYWORDS & schema.keys():
            return self._choice(schema, place)
        kinds = inferred_types(schema)
        if not kinds:
            if "type" in schema:
                self.notes.add(
                    place.path, "accepts no value, because its parts demand different types; read as any JSON"
                )
            return JSON_VALUE
        if "type" not in schema:
            self.notes.add(place.path, f"no type is given; read as {kinds[0]}")
        if len(kinds) == 1:
            return self._of_type(schema, kinds[0], place)
        wanted = [k for k in kinds if not (k == "integer" and "number" in kinds)]
        return union([self._of_type({**schema, "type": kind}, kind, place) for kind in wanted])

    def _of_type(self, schema: dict[str, Any], kind: str, place: Place) -> MappedType:
        note = self.notes.at(place.path)
        if kind == "object":
            return self.objects.mapped(schema, place)
        if kind == "array":
            return self._array(schema, place)
        if kind == "string":
            return text_type(schema, note)
        if kind in {"integer", "number"}:
            return number_type(schema, note, is_integer=kind == "integer")
        if kind in {"boolean", "null"}:
            return MappedType("StrictBool" if kind == "boolean" else "None")
        note(f"the type {kind[:40]!r} is unknown; read as any JSON")
        return JSON_VALUE

    def _value_set(self, values: list[Any], schema: dict[str, Any], place: Place) -> MappedType:
        rest = {k: v for k, v in schema.items() if k not in {"enum", "const", *ANNOTATIONS}}
        fitting = [v for v in distinct(values) if not rest or self.values.problem(rest, v) is None]
        present = [v for v in fitting if v is not None]
        is_nullable = len(present) < len(fitting)
        if not present:
            if not is_nullable:
                self.notes.add(place.path, "accepts no value: none of the enum fits the rest; read as any JSON")
            return MappedType("None") if is_nullable else JSON_VALUE
        found = self._of_values(present, schema, place)
        return found.nullable() if is_nullable else found

    def _of_values(self, values: list[Any], schema: dict[str, Any], place: Place) -> MappedType:
        if is_text_set(values) or is_number_set(values):
            about = str(schema.get("description") or schema.get("title") or f"Values of {place.name}.")
            enum = self.enums.enum_for(values, owner=place.owner, name=place.name, description=about)
            return MappedType(enum.class_name)
        if is_literal_set(values) and len(values) <= _MAX_LITERALS:
            if sorted(map(str, values)) == ["False", "True"]:
                return MappedType("StrictBool")
            return MappedType(f"Literal[{', '.join(map(repr, values))}]")
        is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        base = "StrictFloat" if is_number else "JsonValue"
        shown = [float(v) for v in values] if is_number else values
        return MappedType(base, checks=(f"one_of({', '.join(map(repr, shown))})",))

    def _choice(self, schema: dict[str, Any], place: Place) -> MappedType:
        note = self.notes.at(place.path)
        keyword = "anyOf" if "anyOf" in schema else "oneOf"
        choices = schema[keyword] if isinstance(schema[keyword], list) else []
        rest = {k: v for k, v in schema.items() if k not in {keyword, "discriminator", *ANNOTATIONS}}
        if rest and all(isinstance(c, dict) and not c.keys() - {"required", "not", *ANNOTATIONS} for c in choices):
            note(f"the choices of {keyword} (which properties are required) are not checked")
            return self._plain(rest, place)
        if keyword == "oneOf" and not self._are_apart(choices) and "discriminator" not in schema:
            note("oneOf is checked as anyOf: a value that fits several choices is accepted")
        tag = self.objects.discriminator(schema, choices) if not rest else None
        members = []
        for number, choice in enumerate(choices):
            inner = place.inside(f"{keyword}[{number}]", name=self._choice_name(choice, place, number, len(choices)))
            members.append(self.mapped(combined(rest, choice, note) if rest else choice, inner))
        if tag and not all(m.source.startswith("Model") for m in members):
            tag = None
        return union(members, discriminator=tag.field if tag else None)

    def _choice_name(self, choice: Any, place: Place, number: int, count: int) -> str:
        title = choice.get("title") if isinstance(choice, dict) else None
        if isinstance(title, str) and title.isascii() and len(title) <= 40:
            return title
        present = count if count > 2 else 2
        return f"{place.name}_{'abcdefghijklmnopqrstuvwxyz'[number]}" if present > 1 and number < 26 else place.name

    def _are_apart(self, choices: list[Any]) -> bool:
        """Whether no value can fit two choices, as far as types, values and tags show."""
        seen: set[str] = set()
        for choice in choices:
            plain = merged(choice, self.references, lambda _: None)
            kinds = inferred_types(plain) if isinstance(plain, dict) else ()
            names = {"number" if k == "integer" else k for k in kinds}
            if not names or names & seen:
                return self.objects.have_own_tags(choices)
            seen |= names
        return True

    def _array(self, schema: dict[str, Any], place: Place) -> MappedType:
        constraints: dict[str, int | float | str] = {
            argument: int(schema[keyword])
            for keyword, argument in (("minItems", "min_length"), ("maxItems", "max_length"))
            if isinstance(schema.get(keyword), int | float) and not (keyword == "minItems" and schema[keyword] == 0)
        }
        checks = ("unique_items",) if schema.get("uniqueItems") is True else ()
        if schema.get("prefixItems"):
            return self._tuple(schema, place, checks)
        inner = place.inside("items", name=type_singular(place.name))
        item = self.mapped(schema.get("items", True), inner)
        return MappedType(f"list[{item.inline()}]", constraints, checks)

    def _tuple(self, schema: dict[str, Any], place: Place, checks: tuple[str, ...]) -> MappedType:
        parts = schema["prefixItems"]
        note = self.notes.at(place.path)
        inner = [
            self.mapped(part, place.inside(f"prefixItems[{number}]", name=f"{place.name}_{number + 1}")).inline()
            for number, part in enumerate(parts)
        ]
        rest = schema.get("items", True)
        if schema.get("minItems", 0) < len(parts):
            note(f"all {len(parts)} leading items are required")
        if checks:
            note("uniqueItems is not checked beside prefixItems")
        is_closed = rest is False or schema.get("maxItems", len(parts) + 1) <= len(parts)
        if not is_closed:
            # Pydantic knows no tuple with an open end.
            note("which of the leading items comes first is not checked, because more may follow")
            more = self.mapped(rest, place.inside("items", name=type_singular(place.name)))
            item = union([*(MappedType(source) for source in inner), more])
            return MappedType(f"list[{item.inline()}]", {"min_length": max(len(parts), schema.get("minItems", 0))})
        return MappedType(f"tuple[{', '.join(inner)}]")
