"""What the four planners share: turning a parsed request into the parts every blueprint has."""

import builtins
import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from omniclaude_dagster.contracts import type_mapper
from omniclaude_dagster.contracts.given_models import GivenModels
from omniclaude_dagster.contracts.schema_types import plain_type
from omniclaude_dagster.errors import RequestError
from omniclaude_dagster.node.blueprint import FieldSpec, Logic, ModelSpec, NodeBlueprint
from omniclaude_dagster.request import naming
from omniclaude_dagster.request.model import AcceptedRequest, Example, GenerationRequest, NodeKind, ParsedRequest
from omniclaude_dagster.request.understanding.contract_hints import weights_of

_FIELD_NAME = re.compile(r"\A[a-z][a-z0-9_]{0,62}\Z", re.ASCII)
_RESERVED = frozenset({"model_config", "model_fields", "copy", "json", "dict", "schema", "validate", "construct"})


@dataclass(frozen=True)
class PlanInput:
    """The parsed request with what a planner may rely on: kind and name are known."""

    accepted: AcceptedRequest
    parsed: ParsedRequest
    kind: NodeKind
    name: str
    # Models of a contract that a person gave.
    given: GivenModels | None = None
    # Class names that a given contract chose, by role.
    given_classes: Mapping[str, str] = field(default_factory=dict)

    @property
    def request(self) -> GenerationRequest:
        """The request as asked."""
        return self.accepted.request

    @property
    def examples(self) -> tuple[Example, ...]:
        """Acceptance examples of the request, and those its prompt spells out."""
        return (*self.request.examples, *self.parsed.examples)

    @property
    def stem(self) -> str:
        """Name without the kind."""
        return naming.stem(self.name, self.kind)

    def given_fields(self, role: Literal["Input", "Output"]) -> tuple[FieldSpec, ...]:
        """Fields of the given contract's model, with types as planners compare them; empty without one."""
        sides = {"Input": self.given.input_model, "Output": self.given.output_model} if self.given else {}
        model = sides.get(role)
        return tuple(replace(f, type=plain_type(f.type)) for f in model.fields) if model else ()

    @property
    def examples_by_field(self) -> tuple[Example, ...]:
        """The examples under the names of fields, where a given contract calls them otherwise in JSON."""
        models = [self.given.input_model, self.given.output_model] if self.given else []
        names = {f.alias: f.name for model in models if model for f in model.fields if f.alias}
        if not names:
            return self.examples

        def renamed(row: dict[str, Any] | None) -> dict[str, Any] | None:
            return None if row is None else {names.get(key, key): value for key, value in row.items()}

        return tuple(
            e.model_copy(update={"input": renamed(e.input), "output": renamed(e.output)}) for e in self.examples
        )

    def model_class(self, role: str) -> str:
        """`Input` -> `ModelUserWriterInput`, or as a given contract calls it."""
        return self.given_classes.get(role) or f"Model{self.stem}{role}"

    def blueprint(
        self,
        *,
        input_model: ModelSpec,
        output_model: ModelSpec,
        operations: tuple[str, ...],
        logic: Logic,
        flavour: str,
        sample_input: Mapping[str, Any],
    ) -> NodeBlueprint:
        """What every kind's blueprint has; the planners replace what is their own. `operations` if none was said."""
        return NodeBlueprint(
            request_id=self.accepted.request_id,
            kind=self.kind,
            name=self.name,
            domain=self.parsed.domain,
            description=self.parsed.description,
            operations=self.parsed.operations or operations,
            external_systems=self.parsed.external_systems,
            features=self.parsed.features,
            input_model=input_model,
            output_model=output_model,
            logic=logic,
            flavour=flavour,
            sample_input=sample_input,
            examples=self.examples,
            request_json=request_again(self.request),
            contract_hints=replace(
                self.parsed.contract_hints,
                weights=weights_of(self.request.prompt, [f.name for f in input_model.fields]),
            ),
        )

    @property
    def function_name(self) -> str:
        """Name of the function in logic.py."""
        verb = "reduce" if self.kind is NodeKind.REDUCER else "compute"
        for operation in self.parsed.operations[:1]:
            if _FIELD_NAME.match(operation) and not keyword.iskeyword(operation) and not hasattr(builtins, operation):
                return operation
        return f"{verb}_{naming.snake_case(self.stem)}"[:63]


def request_again(request: GenerationRequest) -> str:
    """The request as a file from which the node can be generated again, wherever it was and will be delivered."""
    own = {"output_dir", "project", "session_id"}
    content = request.model_dump(mode="json", exclude_none=True, exclude_defaults=True, exclude=own)
    return (
        json.dumps({"prompt": request.prompt, "mode": request.mode.value, **content}, indent=2, ensure_ascii=True)
        + "\n"
    )


def checked_field_name(name: str) -> str:
    """`name`, or RequestError when it cannot be a field of a Pydantic model."""
    is_plain = bool(_FIELD_NAME.match(name)) and not keyword.iskeyword(name)
    if not is_plain or name in _RESERVED or name.startswith("model_"):
        raise RequestError(
            f"field name {name[:80]!r} in an example or the prompt cannot be used.",
            cure="use lower_snake_case names that are not Python keywords and do not start with model_",
        )
    return name


def fields_from_examples(
    rows: Sequence[Mapping[str, Any]], *, has_fraction_beside: bool = False
) -> tuple[FieldSpec, ...]:
    """Fields with types that hold every example row; a field missing in some rows becomes optional."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    fields = []
    for name in names:
        checked_field_name(name)
        values = [row[name] for row in rows if name in row]
        source = type_mapper.type_from_values(values, name=name, has_fraction_beside=has_fraction_beside)
        default = None
        if len(values) < len(rows):
            source = source if source.endswith("| None") or source == "JsonValue" else f"{source} | None"
            default = "None"
        fields.append(FieldSpec(name=name, type=source, default=default))
    # Required fields first, as Python readers expect.
    return tuple(sorted(fields, key=lambda f: f.default is not None))


def fields_from_hints(parsed: ParsedRequest) -> tuple[FieldSpec, ...]:
    """Fields that the prompt names."""
    return tuple(
        FieldSpec(name=checked_field_name(hint.name), type=type_mapper.type_from_word(hint.type, name=hint.name))
        for hint in parsed.fields
    )


def sample_from_fields(fields: Sequence[FieldSpec]) -> dict[str, Any]:
    """One JSON value a field, for a first execution."""
    return {f.name: type_mapper.sample_for(f.type) for f in fields if f.default is None}
