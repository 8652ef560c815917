"""Objects of a schema: a model where it names properties, a mapping where it does not.

One property becomes one field: required, with its default, or null when it is absent. A model refuses unknown keys
where the schema does, and leaves them out where it allows them.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from omniclaude_dagster.contracts import schema_names
from omniclaude_dagster.contracts.patterns import is_python_pattern, is_rust_pattern, usable_pattern
from omniclaude_dagster.contracts.schema_defaults import NoDefaultError, default_source
from omniclaude_dagster.contracts.schema_merge import merged
from omniclaude_dagster.contracts.schema_types import Constraint, MappedType, union
from omniclaude_dagster.contracts.schema_values import inferred_types
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec, ModelSpec
from omniclaude_dagster.request import naming

if TYPE_CHECKING:
    from omniclaude_dagster.contracts.schema_mapper import Place, SchemaMapper

MAX_FIELDS = 500
_MAX_DESCRIPTION_CHARS = 200
_KEY_BOUNDS = (("minLength", "min_length"), ("maxLength", "max_length"))
_SIZE_BOUNDS = (("minProperties", "min_length"), ("maxProperties", "max_length"))


@dataclass(frozen=True)
class Tag:
    """The property by whose value the choices of a union are told apart."""

    property: str
    field: str


class ObjectMapper:
    """Builds the models of one contract; asks the mapper for the types of what they hold."""

    def __init__(self, mapper: "SchemaMapper", taken_classes: frozenset[str]) -> None:
        self._mapper = mapper
        self._modules = {naming.snake_case(name) for name in taken_classes}
        self._models: dict[str, ModelSpec] = {}
        self._unfinished: set[str] = set()

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """Every model that was built, by its class."""
        return self._models

    def is_model(self, schema: dict[str, Any]) -> bool:
        """Whether a schema becomes a class, so that it can be mentioned before it is finished."""
        is_object = inferred_types(schema) == ("object",)
        is_plain = not {"const", "enum", "anyOf", "oneOf"} & schema.keys()
        return is_object and is_plain and bool(schema.get("properties") or schema.get("required"))

    def reserved(self, place: "Place") -> str:
        """A class name for the object at a place, unlike every other."""
        stem = schema_names.class_stem(place.name)
        wanted = f"Model{stem}" if stem.startswith(place.owner) else f"Model{place.owner}{stem}"
        return schema_names.numbered_class(wanted, self._modules)

    def mapped(self, schema: dict[str, Any], place: "Place") -> MappedType:
        """The type of an object."""
        if not schema.get("properties") and not schema.get("required"):
            return self._mapping(schema, place)
        class_name = self.reserved(place)
        self.build(schema, place, class_name)
        return MappedType(class_name)

    def build(self, schema: dict[str, Any], place: "Place", class_name: str, *, owner: str | None = None) -> ModelSpec:
        """The model of an object with properties."""
        self._unfinished.add(class_name)
        self._note_unsaid(schema, place)
        fields = tuple(self._fields(schema, place, owner or class_name.removeprefix("Model")))
        about = str(
            schema.get("description") or _sentence(schema.get("title")) or f"{_spoken(place.name)} of the contract."
        )
        is_closed = schema.get("additionalProperties") is False or schema.get("unevaluatedProperties") is False
        extra: Literal["forbid", "ignore"] = "forbid" if is_closed else "ignore"
        model = self._with_engine(ModelSpec(class_name, about, fields, extra=extra), place)
        self._unfinished.discard(class_name)
        self._models[class_name] = model
        return model

    def discriminator(self, schema: dict[str, Any], choices: list[Any]) -> Tag | None:
        """The tag of a union of objects: the one it names, or one that every choice has a value of its own for."""
        named = schema.get("discriminator")
        wanted = named.get("propertyName") if isinstance(named, dict) else None
        found = list(self._tags(choices))
        chosen = wanted if wanted in found else next(iter(found), None) if wanted is None else None
        if wanted is not None and chosen is None:
            self._mapper.notes.add("", f"the discriminator {str(wanted)[:40]!r} does not tell every choice apart")
        return Tag(chosen, schema_names.field_name(chosen, set())) if chosen else None

    def have_own_tags(self, choices: list[Any]) -> bool:
        """Whether a required property has a different value in each choice."""
        return next(self._tags(choices), None) is not None

    def _tags(self, choices: list[Any]) -> Iterator[str]:
        plain = [merged(choice, self._mapper.references, lambda _: None) for choice in choices]
        if len(plain) < 2 or not all(isinstance(p, dict) and self.is_model(p) for p in plain):
            return
        for name in plain[0].get("properties", {}):
            values = [self._tag_values(p, name) for p in plain]
            met = [value for group in values for value in group]
            if all(values) and len(met) == len(set(met)):
                yield name

    def _tag_values(self, schema: dict[str, Any], name: str) -> list[str]:
        part = merged(schema.get("properties", {}).get(name), self._mapper.references, lambda _: None)
        if not isinstance(part, dict) or name not in schema.get("required", ()):
            return []
        values = [part["const"]] if "const" in part else part.get("enum", [])
        return list(values) if all(isinstance(v, str) for v in values) else []

    def _fields(self, schema: dict[str, Any], place: "Place", owner: str) -> Iterator[FieldSpec]:
        properties = dict(schema.get("properties") or {})
        required = [name for name in schema.get("required") or () if isinstance(name, str)]
        for name in required:
            properties.setdefault(name, True)
        if len(properties) > MAX_FIELDS:
            raise RequestError(
                f"{place.path or 'the contract'} has {len(properties):,} properties; at most {MAX_FIELDS} are read.",
                cure="point to a smaller schema",
            )
        taken: set[str] = set()
        # Names that need no change come first, so that none of them loses its name to another.
        plain = {n: schema_names.field_name(n, taken) for n in properties if schema_names.is_plain_name(n)}
        names = {n: plain.get(n) or schema_names.field_name(n, taken) for n in properties}
        for name, part in properties.items():
            inner = replace(place.inside(name, name=name), owner=owner)
            if part is False:
                self._mapper.notes.add(inner.path, "is forbidden, so the model has no such field")
                continue
            yield self._field(name, names[name], part, inner, is_required=name in required)

    def _field(self, name: str, field: str, schema: Any, place: "Place", *, is_required: bool) -> FieldSpec:
        mapped = self._mapper.mapped(schema, place)
        default = None if is_required else self._default(schema, mapped, place)
        if not is_required and default is None:
            mapped, default = mapped.nullable(), "None"
        kind, constraints = mapped.field_type()
        described = schema if isinstance(schema, dict) else {}
        about = str(described.get("description") or described.get("title") or "")
        if described.get("format") == "password":
            constraints = {**constraints, "repr": False}
        return FieldSpec(
            name=field,
            type=kind,
            description=" ".join(about.split())[:_MAX_DESCRIPTION_CHARS],
            default=default,
            constraints=constraints,
            alias=None if field == name else name,
        )

    def _default(self, schema: Any, mapped: MappedType, place: "Place") -> str | None:
        plain = merged(schema, self._mapper.references, lambda _: None)
        if not isinstance(plain, dict) or "default" not in plain:
            return None
        value = plain["default"]
        problem = self._mapper.values.problem(plain, value)
        if problem is not None:
            self._mapper.notes.add(place.path, f"the default does not fit its own schema ({problem}); it is left out")
            return None
        try:
            waiting = frozenset(self._unfinished)
            return default_source(value, mapped.inline(), enum=self._mapper.enums.spec, waiting=waiting)
        except (NoDefaultError, SyntaxError):
            self._mapper.notes.add(place.path, f"the default {str(value)[:60]!r} cannot be written; it is left out")
            return None

    def _mapping(self, schema: dict[str, Any], place: "Place") -> MappedType:
        note = self._mapper.notes.at(place.path)
        patterns = schema.get("patternProperties") or {}
        rest = schema.get("additionalProperties", schema.get("unevaluatedProperties", True))
        constraints: dict[str, Constraint] = {
            argument: int(schema[k]) for k, argument in _SIZE_BOUNDS if isinstance(schema.get(k), int | float)
        }
        key = MappedType("str", self._key_constraints(schema.get("propertyNames"), place))
        if patterns:
            if rest is not False:
                note("patternProperties are not checked, because other keys are allowed as well")
                return MappedType("dict[str, JsonValue]", constraints)
            pattern = next(iter(patterns)) if len(patterns) == 1 else "|".join(f"(?:{p})" for p in patterns)
            usable = usable_pattern(pattern, note)
            key = replace(key, constraints={**key.constraints, **({"pattern": usable} if usable else {})})
            if len(patterns) > 1:
                note("a value may be of the type of any of the patterns")
            parts = [
                self._mapper.mapped(v, place.inside(f"[{p}]", name=f"{place.name}_value")) for p, v in patterns.items()
            ]
            return MappedType(f"dict[{key.inline()}, {union(parts).inline()}]", constraints)
        if rest is False:
            return MappedType("dict[str, JsonValue]", {"max_length": 0})
        value = self._mapper.mapped(rest, place.inside("*", name=f"{place.name}_value"))
        return MappedType(f"dict[{key.inline()}, {value.inline()}]", constraints)

    def _key_constraints(self, schema: Any, place: "Place") -> dict[str, Constraint]:
        if not isinstance(schema, dict):
            return {}
        note = self._mapper.notes.at(place.path)
        found: dict[str, Constraint] = {to: int(schema[k]) for k, to in _KEY_BOUNDS if isinstance(schema.get(k), int)}
        if isinstance(schema.get("pattern"), str):
            usable = usable_pattern(schema["pattern"], note)
            found |= {"pattern": usable} if usable else {}
        if schema.keys() - {"type", "pattern", "minLength", "maxLength", "description", "title"}:
            note("propertyNames is checked only for length and pattern")
        return found

    def _note_unsaid(self, schema: dict[str, Any], place: "Place") -> None:
        for keyword in ("patternProperties", "propertyNames", "minProperties", "maxProperties"):
            if keyword in schema:
                self._mapper.notes.add(place.path, f"{keyword} is not checked beside properties")
        if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
            self._mapper.notes.add(place.path, "further properties are left out, and their schema is not checked")

    def _with_engine(self, model: ModelSpec, place: "Place") -> ModelSpec:
        """Lookaround needs Python's engine, and then every pattern of the model must be readable for it."""
        patterns = {p for f in model.fields for p in _patterns_of(f)}
        if all(is_rust_pattern(p) for p in patterns):
            return model
        unreadable = sorted(p for p in patterns if not is_python_pattern(p))
        if not unreadable:
            return replace(model, regex_engine="python-re")
        self._mapper.notes.add(
            place.path, f"the pattern {unreadable[0][:60]!r} is not checked: others need another engine"
        )
        fields = tuple(_without_patterns(f, frozenset(unreadable)) for f in model.fields)
        return replace(model, fields=fields, regex_engine="python-re")


def _patterns_of(field: FieldSpec) -> Iterator[str]:
    if isinstance(field.constraints.get("pattern"), str):
        yield str(field.constraints["pattern"])
    for node in ast.walk(ast.parse(field.type, mode="eval")):
        if isinstance(node, ast.keyword) and node.arg == "pattern" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


class _PatternRemover(ast.NodeTransformer):
    def __init__(self, removed: frozenset[str]) -> None:
        self._removed = removed

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """`Field(pattern='...')` -> `Field()`."""
        node.keywords = [
            k for k in node.keywords if not (isinstance(k.value, ast.Constant) and k.value.value in self._removed)
        ]
        return node


def _without_patterns(field: FieldSpec, removed: frozenset[str]) -> FieldSpec:
    kept = {k: v for k, v in field.constraints.items() if not (k == "pattern" and v in removed)}
    tree = _PatternRemover(removed).visit(ast.parse(field.type, mode="eval"))
    return replace(field, constraints=kept, type=ast.unparse(tree))


def _spoken(name: str) -> str:
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:] or "Value"


def _sentence(title: object) -> str:
    """A title as the first line of a docstring."""
    return f"{title.strip().rstrip('.')}." if isinstance(title, str) and title.strip() else ""
